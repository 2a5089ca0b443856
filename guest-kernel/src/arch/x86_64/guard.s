# Calls that may fault: u32 guarded_call(function, u32 *result), which is 0, or 1 when the function faulted. While it runs, the
# word guarded_stack says where the stack was; there is one processor and such a call gives way to nobody, so one word is enough.
# The flags are the caller's again afterwards, among them those that mask interrupts and turn string instructions round.

    .section .text.guard, "ax"

    .balign 16
    .global guarded_call
guarded_call:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushfq
    pushq %rsi
    movq %rsp, guarded_stack(%rip)
    call *%rdi
    movq $0, guarded_stack(%rip)
    popq %rsi
    movl %eax, (%rsi)
    xorl %eax, %eax
leave_guard:
    popfq
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret

# Where a fault leads to, with the stack as it was.
    .global guarded_fault
guarded_fault:
    popq %rsi
    movl $1, %eax
    jmp leave_guard

    .section .bss.guard, "aw", @nobits
    .balign 8
    .global guarded_stack
guarded_stack:
    .skip 8
