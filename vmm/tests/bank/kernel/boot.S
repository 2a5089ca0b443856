/* Boots into long mode by the PVH protocol: the lowest 6 MiB of physical memory at their own addresses, everything below 1 GiB at
   KERNEL_BASE, and the devices behind that. */

.set KERNEL_BASE, 0xffffffff80000000
.set PRESENT_WRITABLE, 0x3
.set LARGE, 0x80
.set NO_EXECUTE, 0x8000000000000000

.section .note.Xen, "a", @note
    .long 4, 4, 18              /* owner, descriptor, XEN_ELFNOTE_PHYS32_ENTRY */
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
    movl $0xa0, %eax            /* CR4: PAE, global pages */
    movl %eax, %cr4
    movl $0xc0000080, %ecx      /* EFER: long mode, no-execute */
    rdmsr
    orl $0x900, %eax
    wrmsr
    movl $0x80010033, %eax      /* CR0: paging, write protection, protected mode */
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
    movabsq $stack_end, %rsp
    lgdt gdt_pointer
    call kernel_main
1:  hlt
    jmp 1b

/* enter_user(rip): goes on in user mode, and never comes back. */
.globl enter_user
enter_user:
    pushq $0x23                 /* SS */
    pushq $0
    pushq $0x202                /* RFLAGS: interrupts */
    pushq $0x1b                 /* CS */
    pushq %rdi
    iretq

/* What enter_user_code copies for users: rings on channel 0 for ever, as an agent would. */
.globl user_code, user_code_end
user_code:
    movabsq $0x20000000, %rbx
    movl $1, %eax
    movq %rax, 0x98(%rbx)
1:  movq (%rbx), %rax
    movq $0, 0x80(%rbx)
    jmp 1b
user_code_end:

.data
.balign 8
gdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00affb000000ffff, 0x00cff3000000ffff
gdt_pointer_32:
    .word 39
    .long gdt - KERNEL_BASE
gdt_pointer:
    .word 39
    .quad gdt
/* Physical address of the boot information. */
start_info:
    .quad 0

.balign 4096
.globl kernel_pdpt, start_info
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
    .quad memory_pd - KERNEL_BASE + PRESENT_WRITABLE, device_pd - KERNEL_BASE + PRESENT_WRITABLE
memory_pd:
    .quad NO_EXECUTE + LARGE + PRESENT_WRITABLE
    .quad 0x200000 + LARGE + 1  /* the code: not writable */
    .set megabytes, 4
    .rept 510
    .quad NO_EXECUTE + LARGE + PRESENT_WRITABLE + megabytes * 0x100000
    .set megabytes, megabytes + 2
    .endr
device_pd:
    .quad NO_EXECUTE + LARGE + PRESENT_WRITABLE + 0xd0000000
    .quad NO_EXECUTE + LARGE + PRESENT_WRITABLE + 0xd0200000
    .fill 510, 8, 0

.bss
.balign 4096
    .skip 16384
stack_end:

.section .note.GNU-stack, "", @progbits
