/* From the PVH entry point to kernel_main, and the ways between user mode and the kernel. */

.set KERNEL_BASE, 0xffffffff80000000
.set PRESENT_WRITABLE, 0x3
.set LARGE, 0x80
.set NO_EXECUTE, 0x8000000000000000

.section .note.Xen, "a", @note
    .long 4, 4, 18                  /* owner, descriptor, XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long 0x200000

.section .boot, "ax"
.code32
.globl start
start:
    cld
    movl %ebx, start_info - KERNEL_BASE
    movl $(boot_pml4 - KERNEL_BASE), %eax
    movl %eax, %cr3
    movl $0x6a0, %eax               /* CR4: PAE, global pages, SSE for programs and its exceptions */
    movl %eax, %cr4
    movl $0xc0000080, %ecx          /* EFER: syscall, long mode, no-execute */
    rdmsr
    orl $0x901, %eax
    wrmsr
    movl $0x80010033, %eax          /* CR0: paging, write protection, protected mode */
    movl %eax, %cr0
    lgdt (gdt_pointer_32 - KERNEL_BASE)
    ljmp $8, $(in_long_mode - KERNEL_BASE)

.code64
in_long_mode:
    movabsq $high, %rax
    jmp *%rax
high:
    movw $16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movq $kernel_stack_end, %rsp
    lgdt gdt_pointer
    movq $0, boot_pml4              /* the way here at its own address, which could be written and executed */
    movq %cr3, %rax
    movq %rax, %cr3
    call kernel_main
    ud2

/* An exception comes with its frame begun at frame_end, the end of the running process's registers: see struct registers. */
.macro stub vector has_code
    .balign 16
    .if \has_code == 0
    pushq $0
    .endif
    pushq $\vector
    jmp enter_kernel
.endm

.balign 16
.globl exception_stubs
exception_stubs:
    .set vector, 0
    .rept 33
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30
    stub vector, 1
    .else
    stub vector, 0
    .endif
    .set vector, vector + 1
    .endr

/* The instruction syscall: RCX has where it returns to, R11 the flags. */
.globl system_call_entry
system_call_entry:
    movq %rsp, user_stack
    movq frame_end, %rsp
    pushq $0x23
    pushq user_stack
    pushq %r11
    pushq $0x1b
    pushq %rcx
    pushq $0
    pushq $0x80                     /* no exception has this vector */
enter_kernel:
    testb $3, 24(%rsp)              /* CS */
    jz in_the_kernel
    pushq %rax
    pushq %rbx
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %rbp
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq $kernel_stack_end, %rsp
    cld
    call trap
    ud2

in_the_kernel:
    movq $kernel_stack_end, %rsp
    call exception_in_the_kernel
    ud2

/* resume(registers): goes on in user mode. */
.globl resume
resume:
    movq %rdi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rbp
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rbx
    popq %rax
    addq $16, %rsp
    iretq

.data
.balign 8
.globl gdt, start_info
gdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00affb000000ffff, 0x00cff3000000ffff
    .quad 0, 0                      /* the task state, which kernel_main fills in */
gdt_pointer_32:
    .word 55
    .long gdt - KERNEL_BASE
gdt_pointer:
    .word 55
    .quad gdt
start_info:
    .quad 0
user_stack:
    .quad 0

.balign 4096
.globl kernel_pdpt
boot_pml4:
    .quad low_pdpt - KERNEL_BASE + PRESENT_WRITABLE
    .fill 510, 8, 0
    .quad kernel_pdpt - KERNEL_BASE + PRESENT_WRITABLE
low_pdpt:
    .quad low_pd - KERNEL_BASE + PRESENT_WRITABLE
    .fill 511, 8, 0
low_pd:
    .quad 0x000000 + LARGE + PRESENT_WRITABLE, 0x200000 + LARGE + PRESENT_WRITABLE, 0x400000 + LARGE + PRESENT_WRITABLE
    .fill 509, 8, 0
kernel_pdpt:
    .fill 510, 8, 0
    .quad memory_pd - KERNEL_BASE + PRESENT_WRITABLE, 0
memory_pd:                          /* all memory below 1 GiB */
    .quad NO_EXECUTE + LARGE + PRESENT_WRITABLE
    .quad 0x200000 + LARGE + 1      /* the code, which cannot be written */
    .set megabytes, 4
    .rept 510
    .quad NO_EXECUTE + LARGE + PRESENT_WRITABLE + megabytes * 0x100000
    .set megabytes, megabytes + 2
    .endr

.bss
.balign 4096
    .skip 16384
kernel_stack_end:

.section .note.GNU-stack, "", @progbits
