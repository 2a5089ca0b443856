# Every way into the kernel from user mode, and every exception and interrupt in the kernel itself, builds the same TrapFrame
# (trap.rs has its layout) and ends in the Rust function that the symbol {handler} names.

    .section .text.trap, "ax"

# A debugger finds what was interrupted, and its registers, by these notes (.cfi): they are no instructions, and not in memory.
    .cfi_sections .debug_frame

    .macro save register
    pushq %\register
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %\register, 0
    .endm

    .macro restore register
    popq %\register
    .cfi_adjust_cfa_offset -8
    .cfi_restore %\register
    .endm

# Gate `vector` starts at gates + 16 * vector. The processor pushes an error code for some exceptions; all other vectors
# push 0 in its place.
    .balign 16
    .global trap_gates
    .type trap_gates, @function
trap_gates:
    .set vector, 0
    .rept {VECTORS}
    .balign 16
    .if vector >= {EXCEPTIONS} || ((({WITH_ERROR_CODE}) >> vector) & 1) == 0
    pushq $0
    .endif
    pushq $vector
    jmp save_registers
    .set vector, vector + 1
    .endr
    .size trap_gates, . - trap_gates

# Where `syscall` arrives on a processor that executes it as the manual says: user stack still in RSP, return address in
# RCX, flags in R11. There is one processor and interrupts are masked, so one word is room enough to save RSP in.
    .balign 16
    .global system_call_entry
    .type system_call_entry, @function
system_call_entry:
    movq %rsp, system_call_user_rsp(%rip)
    movq {tss} + {RSP0_OFFSET}(%rip), %rsp
    pushq ${USER_DATA}
    pushq system_call_user_rsp(%rip)
    pushq %r11
    pushq ${USER_CODE}
    pushq %rcx
    pushq $0
    pushq ${SYSTEM_CALL_VECTOR}
    .size system_call_entry, . - system_call_entry

    # The VMM looks for this name: from here on it follows the kernel.
    .type save_registers, @function
save_registers:
    .cfi_startproc
    .cfi_signal_frame
    .cfi_def_cfa %rsp, 7 * 8
    .cfi_offset %rip, -5 * 8
    .cfi_offset %rsp, -2 * 8
    save rdi
    save rsi
    save rdx
    save rcx
    save rax
    save r8
    save r9
    save r10
    save r11
    save rbx
    save rbp
    save r12
    save r13
    save r14
    save r15
    cld
    movq %rsp, %rdi
    call {handler}


return_from_trap:
    restore r15
    restore r14
    restore r13
    restore r12
    restore rbp
    restore rbx
    restore r11
    restore r10
    restore r9
    restore r8
    restore rax
    restore rcx
    restore rdx
    restore rsi
    restore rdi
    addq $16, %rsp
    .cfi_adjust_cfa_offset -16
    .global return_instruction
return_instruction:
    iretq
    .cfi_endproc
    .size save_registers, . - save_registers

# A thread that runs for the first time: its frame is all that is on its stack.
    .global enter_thread
    .type enter_thread, @function
enter_thread:
    movq %rsp, %rdi
    call {started}
    jmp return_from_trap
    .size enter_thread, . - enter_thread

    .section .bss.trap, "aw", @nobits
    .balign 8
system_call_user_rsp:
    .skip 8
