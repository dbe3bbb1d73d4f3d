// SPDX-License-Identifier: Apache-2.0
// From reset to main() on an ARMv8-A core, whatever exception level it wakes up in: down to
// EL1, floating point on, memory laid out, MMU and caches on.
    .section .start, "ax"
    .globl _start
_start:
    msr     daifset, #15
    mrs     x0, mpidr_el1
    and     x0, x0, #0xff
    cbnz    x0, park                // one core works
    mrs     x0, CurrentEL
    cmp     x0, #(2 << 2)
    b.lo    at_el1
    b.eq    at_el2
    mov     x0, #0x401              // SCR_EL3: RW, NS
    msr     scr_el3, x0
    msr     cptr_el3, xzr
    mov     x0, #0x3c9              // EL2h, interrupts masked
    msr     spsr_el3, x0
    adr     x0, at_el2
    msr     elr_el3, x0
    eret
at_el2:
    mov     x0, #(1 << 31)          // HCR_EL2.RW: EL1 is AArch64
    msr     hcr_el2, x0
    mov     x0, #0x33ff             // CPTR_EL2: floating point is not trapped
    msr     cptr_el2, x0
    mov     x0, #0x3c5              // EL1h, interrupts masked
    msr     spsr_el2, x0
    adr     x0, at_el1
    msr     elr_el2, x0
    eret
at_el1:
    ldr     x0, =vectors
    msr     vbar_el1, x0
    mov     x0, #(3 << 20)          // CPACR_EL1.FPEN
    msr     cpacr_el1, x0
    isb
    ldr     x0, =stack_top
    mov     sp, x0

    ldr     x0, =data_begin         // initialised data, from flash
    ldr     x1, =data_end
    ldr     x2, =data_load
0:  cmp     x0, x1
    b.hs    1f
    ldr     x3, [x2], #8
    str     x3, [x0], #8
    b       0b
1:  ldr     x0, =zero_begin         // everything else, and the paint on the stack
    ldr     x1, =zero_end
2:  cmp     x0, x1
    b.hs    3f
    str     xzr, [x0], #8
    b       2b
3:  ldr     x0, =stack_bottom
    ldr     x1, =stack_top
    ldr     x2, =0xa5a5a5a5a5a5a5a5
4:  cmp     x0, x1
    b.hs    5f
    str     x2, [x0], #8
    b       4b

5:  bl      board_map_memory        // x0: the tables
    msr     ttbr0_el1, x0
    ldr     x0, =0xff04             // MAIR: 0 device nGnRE, 1 normal write-back
    msr     mair_el1, x0
    ldr     x0, =0x0000000280803520 // TCR: 32-bit addresses through TTBR0 alone, 4 KiB, cacheable walks, 40-bit physical
    msr     tcr_el1, x0
    dsb     sy
    tlbi    vmalle1
    ic      iallu
    dsb     sy
    isb
    mrs     x0, sctlr_el1
    mov     x1, #0x1005             // I, C, M
    orr     x0, x0, x1
    msr     sctlr_el1, x0
    isb
    bl      board_main
    bl      board_exit
park:
    wfe
    b       park

// exit(code in w0) by semihosting
    .globl  board_exit
board_exit:
    ldr     x1, =exit_block
    mov     x2, #0x26
    movk    x2, #2, lsl #16         // ADP_Stopped_ApplicationExit
    str     x2, [x1]
    sxtw    x0, w0
    str     x0, [x1, #8]
    mov     w0, #0x18               // SYS_EXIT
    hlt     #0xf000
    b       park

    .macro  vector
    .balign 0x80
    mrs     x0, esr_el1
    mrs     x1, elr_el1
    b       board_fault
    .endm
    .balign 0x800
vectors:
    .rept   16
    vector
    .endr

    .bss
    .balign 16
exit_block:
    .space  16
