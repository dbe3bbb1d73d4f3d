// SPDX-License-Identifier: Apache-2.0
// From reset to main() on a Cortex-M: vectors, floating point on, memory laid out.
    .syntax unified
    .thumb
    .section .start, "a"
    .globl vectors
vectors:
    .word   stack_top
    .word   _start + 1
    .rept   14
    .word   fault + 1
    .endr

    .text
    .thumb_func
    .globl _start
_start:
    cpsid   i
    ldr     r0, =0xe000ed88         // CPACR: coprocessors 10 and 11
    ldr     r1, [r0]
    orr     r1, r1, #(15 << 20)
    str     r1, [r0]
    dsb
    isb
    ldr     r0, =data_begin         // initialised data, from flash
    ldr     r1, =data_end
    ldr     r2, =data_load
0:  cmp     r0, r1
    ittt    lo
    ldrlo   r3, [r2], #4
    strlo   r3, [r0], #4
    blo     0b
    ldr     r0, =zero_begin         // everything else, and the paint on the stack
    ldr     r1, =zero_end
    movs    r2, #0
1:  cmp     r0, r1
    itt     lo
    strlo   r2, [r0], #4
    blo     1b
    ldr     r0, =stack_bottom
    mov     r1, sp
    ldr     r2, =0xa5a5a5a5
2:  cmp     r0, r1
    itt     lo
    strlo   r2, [r0], #4
    blo     2b
    bl      board_main
    bl      board_exit

    .thumb_func
fault:
    ldr     r1, [sp, #24]           // where it happened
    ldr     r0, =0xe000ed28         // CFSR: what it was
    ldr     r0, [r0]
    bl      board_fault

// exit(code in r0) by semihosting
    .thumb_func
    .globl  board_exit
board_exit:
    ldr     r1, =exit_block
    ldr     r2, =0x20026            // ADP_Stopped_ApplicationExit
    str     r2, [r1]
    str     r0, [r1, #4]
    movs    r0, #0x20               // SYS_EXIT_EXTENDED
    bkpt    #0xab
park:
    wfe
    b       park

    .bss
    .balign 8
exit_block:
    .space  8
