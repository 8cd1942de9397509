@ The cartridge header, the start-up code and the interrupt entry.

    .cpu arm7tdmi
    .section .header, "ax"
    .arm
    .global _start
_start:
    b       start_up
    .space  156                         @ the boot logo field is left empty on purpose
    .ascii  "BURROW"
    .space  6
    .ascii  "BPPE"
    .ascii  "PP"
    .byte   0x96, 0, 0
    .space  7
    .byte   0                           @ software revision
    .byte   (-(0x19 + 'B'+'U'+'R'+'R'+'O'+'W' + 'B'+'P'+'P'+'E' + 'P'+'P' + 0x96)) & 0xFF
    .space  2

start_up:
    mov     r0, #0x12                   @ interrupt mode
    msr     cpsr_c, r0
    ldr     sp, =0x03007FA0
    mov     r0, #0x1F                   @ system mode
    msr     cpsr_c, r0
    ldr     sp, =0x03007F00

    @ Registers before memory, so that no interrupt arrives half way.
    mov     r12, #0x04000000
    mov     r0, #0
    str     r0, [r12, #0x208]
    strh    r0, [r12]                   @ no layer: a black screen, which reads as frame 0
    mov     r1, #0x05000000
    strh    r0, [r1]
    ldr     r1, =0x0203B0B8
    str     r0, [r1]
    ldr     r0, =0x4317                 @ fast cartridge reads with prefetch
    add     r1, r12, #0x200
    strh    r0, [r1, #4]

    @ External RAM up to the test block at 0x0203C000, which survives a restart.
    ldr     r0, =0x02000000
    ldr     r1, =0x0203C000
    bl      clear
    ldr     r0, =ewram_bss_start
    ldr     r1, =ewram_bss_end
    bl      clear
    ldr     r0, =0x03000000
    ldr     r1, =0x03002000
    bl      clear
    ldr     r0, =bss_start
    ldr     r1, =bss_end
    bl      clear

    ldr     r0, =data_load
    ldr     r1, =data_start
    ldr     r2, =data_end
copy_data:
    cmp     r1, r2
    ldrlo   r3, [r0], #4
    strlo   r3, [r1], #4
    blo     copy_data

    ldr     r0, =interrupt_entry
    ldr     r1, =0x03007FFC
    str     r0, [r1]
    ldr     r0, =main
    mov     lr, pc
    bx      r0
hang:
    b       hang

clear:                                  @ r0 = first address, r1 = end
    mov     r2, #0
clear_word:
    cmp     r0, r1
    strlo   r2, [r0], #4
    blo     clear_word
    bx      lr

@ The firmware calls this in ARM state on the small interrupt stack. The work is done in system mode, so that it
@ uses the roomy stack.
    .section .iwram_code, "ax"
    .arm
    .global interrupt_entry
interrupt_entry:
    mov     r12, #0x04000000
    add     r12, r12, #0x200
    ldrh    r0, [r12, #2]
    strh    r0, [r12, #2]
    mrs     r3, spsr
    stmfd   sp!, {r3, lr}
    mrs     r3, cpsr
    bic     r3, r3, #0x1F
    orr     r3, r3, #0x9F
    msr     cpsr_c, r3
    stmfd   sp!, {lr}
    ldr     r0, =heartbeat
    mov     lr, pc
    bx      r0
    ldmfd   sp!, {lr}
    mrs     r3, cpsr
    bic     r3, r3, #0x1F
    orr     r3, r3, #0x92
    msr     cpsr_c, r3
    ldmfd   sp!, {r3, lr}
    msr     spsr_cxsf, r3
    bx      lr
    .pool

@ Sleeps until the next interrupt.
    .text
    .thumb
    .global sleep_until_interrupt
    .thumb_func
sleep_until_interrupt:
    swi     2
    bx      lr
