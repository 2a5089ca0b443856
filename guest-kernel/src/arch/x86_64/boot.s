# PVH entry: 32-bit protected mode, paging off, EBX = physical address of hvm_start_info. Ends in 64-bit mode in the
# high half, on the boot stack, in the Rust function that the symbol {start} names.

    .section .note.Xen, "a", @note
    .balign 4
    .long 4                             # bytes of the name
    .long 8                             # bytes of the value
    .long 18                            # XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad pvh_start - {BASE}

    .section .text.boot, "ax"
    .global pvh_start
    .code32
pvh_start:
    cld
    movl %ebx, %esi
    movl ${CR4}, %eax
    movl %eax, %cr4
    movl $(kernel_pml4 - {BASE}), %eax
    movl %eax, %cr3
    movl ${EFER_MSR}, %ecx
    movl ${EFER}, %eax
    xorl %edx, %edx
    wrmsr
    movl ${CR0}, %eax
    movl %eax, %cr0
    lgdt boot_gdt_pointer - {BASE}
    ljmp ${KERNEL_CODE}, $(long_mode - {BASE})

    .code64
long_mode:
    movabsq $high_half, %rax
    jmp *%rax
high_half:
    movl ${KERNEL_DATA}, %eax
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movq $boot_stack_top, %rsp
    xorl %ebp, %ebp
    movl %esi, %edi
    call {start}
    ud2

    .section .rodata.boot, "a"
    .balign 8
boot_gdt_pointer:
    .word {GDT_LIMIT}
    .quad {gdt} - {BASE}

# Page tables of the kernel half. At entry the direct map is executable 2 MiB pages over the whole range that it may ever
# cover, and it is reachable at 0 too, because the instruction that turns paging on is fetched from there; mm::image
# then takes away what must not remain.

    .section .data.page_tables, "aw"
    .balign 4096
    .global kernel_pml4, kernel_pdpt, direct_map_pd, image_pt, run_time_pd
kernel_pml4:
    .quad kernel_pdpt - {BASE} + {TABLE}
    .fill 510, 8, 0
    .quad kernel_pdpt - {BASE} + {TABLE}
kernel_pdpt:
    .quad direct_map_pd - {BASE} + {TABLE}
    .fill 509, 8, 0
    .quad direct_map_pd - {BASE} + {TABLE}
    .quad run_time_pd - {BASE} + {TABLE}
direct_map_pd:
    .set address, 0
    .rept 512
    .quad address + {LARGE_PAGE}
    .set address, address + 0x200000
    .endr
image_pt:
    .set address, {KERNEL_PHYS}
    .rept 512
    .quad address + {DATA_PAGE}
    .set address, address + 0x1000
    .endr

    .section .bss.page_tables, "aw", @nobits
    .balign 4096
run_time_pd:
    .skip 4096

    .section .bss.stacks, "aw", @nobits
    .balign 4096
    .global boot_stack_guard, boot_stack_top, emergency_stack_guard, emergency_stack_top
boot_stack_guard:
    .skip 4096
    .skip {BOOT_STACK_BYTES}
boot_stack_top:
emergency_stack_guard:
    .skip 4096
    .skip {EMERGENCY_STACK_BYTES}
emergency_stack_top:
