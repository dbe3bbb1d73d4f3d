// SPDX-License-Identifier: Apache-2.0
// From reset to main() on an ARMv7-A core: caches and TLBs empty, floating point and NEON on,
// memory laid out, MMU and caches on.
    .syntax unified
    .arm
    .section .start, "ax"
    .globl _start
_start:
    cpsid   aif, #0x13              // supervisor mode
    mrc     p15, 0, r0, c0, c0, 5   // MPIDR
    ands    r0, r0, #3
    bne     park                    // one core works
    mrc     p15, 0, r0, c1, c0, 0   // SCTLR: MMU, data cache, branch prediction, instruction cache off
    bic     r0, r0, #0x1800
    bic     r0, r0, #0x0007
    mcr     p15, 0, r0, c1, c0, 0
    ldr     r0, =vectors
    mcr     p15, 0, r0, c12, c0, 0  // VBAR
    mov     r0, #0
    mcr     p15, 0, r0, c8, c7, 0   // TLBs
    mcr     p15, 0, r0, c7, c5, 0   // instruction cache
    mcr     p15, 0, r0, c7, c5, 6   // branch predictor

    // The first-level data cache holds anything after reset: invalidate it by set and way.
    mcr     p15, 2, r0, c0, c0, 0   // CSSELR: level 1 data
    isb
    mrc     p15, 1, r0, c0, c0, 0   // CCSIDR
    and     r1, r0, #7
    add     r1, r1, #4              // log2 of a line's bytes
    ubfx    r2, r0, #3, #10         // ways - 1
    ubfx    r3, r0, #13, #15        // sets - 1
    clz     r4, r2                  // a way's position
way:
    mov     r5, r3
set:
    lsl     r6, r2, r4
    orr     r6, r6, r5, lsl r1
    mcr     p15, 0, r6, c7, c6, 2   // DCISW
    subs    r5, r5, #1
    bge     set
    subs    r2, r2, #1
    bge     way
    dsb
    isb

    mrc     p15, 0, r0, c1, c0, 2   // CPACR: coprocessors 10 and 11
    orr     r0, r0, #(15 << 20)
    mcr     p15, 0, r0, c1, c0, 2
    isb
    mov     r0, #(1 << 30)          // FPEXC.EN
    vmsr    fpexc, r0
    ldr     sp, =stack_top

    ldr     r0, =data_begin         // initialised data, from flash
    ldr     r1, =data_end
    ldr     r2, =data_load
0:  cmp     r0, r1
    ldrlo   r3, [r2], #4
    strlo   r3, [r0], #4
    blo     0b
    ldr     r0, =zero_begin         // everything else, and the paint on the stack
    ldr     r1, =zero_end
    mov     r2, #0
1:  cmp     r0, r1
    strlo   r2, [r0], #4
    blo     1b
    ldr     r0, =stack_bottom
    ldr     r1, =stack_top
    ldr     r2, =0xa5a5a5a5
2:  cmp     r0, r1
    strlo   r2, [r0], #4
    blo     2b

    bl      board_map_memory        // r0: the table
    orr     r0, r0, #0x48           // walks are cacheable
    mcr     p15, 0, r0, c2, c0, 0   // TTBR0
    mov     r0, #0x24
    mcr     p15, 0, r0, c2, c0, 2   // TTBCR: TTBR0 alone, for the first 2^(32 - 4) bytes
    mov     r0, #1
    mcr     p15, 0, r0, c3, c0, 0   // DACR: domain 0 as the table says
    dsb
    isb
    mrc     p15, 0, r0, c1, c0, 0   // SCTLR: MMU, data cache, branch prediction, instruction cache on
    orr     r0, r0, #0x1800
    orr     r0, r0, #0x0005
    mcr     p15, 0, r0, c1, c0, 0
    isb
    bl      board_main
    bl      board_exit
park:
    wfe
    b       park

// exit(code in r0) by semihosting
    .globl  board_exit
board_exit:
    ldr     r1, =exit_block
    ldr     r2, =0x20026            // ADP_Stopped_ApplicationExit
    str     r2, [r1]
    str     r0, [r1, #4]
    mov     r0, #0x20               // SYS_EXIT_EXTENDED
    svc     #0x123456
    b       park

    .balign 32
vectors:
    b       _start
    b       undefined
    b       park
    b       prefetch_abort
    b       data_abort
    b       park
    b       park
    b       park
undefined:
    mov     r0, #1
    b       fault
prefetch_abort:
    mov     r0, #3
    b       fault
data_abort:
    mov     r0, #4
fault:
    mov     r1, lr
    ldr     sp, =stack_top
    b       board_fault

    .bss
    .balign 8
exit_block:
    .space  8
