/* Makes the machine ready, and answers exceptions. */

#include "kernel.h"

/* Numbers of the crate `abi`: the port on which the harness is told what happens. It is optional, see guest.toml. */
#define EVENT_PORT 0x0d00

#define SYSTEM_CALL 0x80
#define PAGE_FAULT 14
/* The harness interrupts programs with it, so that others go on too. Nothing is to be acknowledged. */
#define TICK 32
#define VECTORS 33
#define FAULT_WRITE 2
#define FAULT_FETCH 16
#define SIGSEGV 11
#define SIGILL 4
#define SIGFPE 8

/* Xen's hvm_start_info, as far as it is used. */
struct start_info {
    uint32_t magic, version, flags, modules;
    uint64_t module_list, command_line, rsdp, memory_map;
    uint32_t memory_map_entries;
};

extern const uint64_t start_info;
extern uint64_t gdt[];
extern const uint8_t exception_stubs[], system_call_entry[], kernel_end[];

/* Where a processor that comes from user mode begins to store registers. */
uint64_t frame_end;

static struct {
    uint32_t reserved;
    uint64_t stack;
    uint8_t rest[92];
} __attribute__((packed)) task_state;

static struct {
    uint16_t low, selector, attributes, middle;
    uint32_t high, reserved;
} idt[VECTORS];

static void write_msr(uint32_t number, uint64_t value) {
    __asm__ volatile("wrmsr" ::"c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

void report(enum event kind, int pid, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    static volatile struct {
        uint32_t kind, pid;
        uint64_t arguments[4];
    } record;
    record.kind = kind;
    record.pid = pid;
    record.arguments[0] = a;
    record.arguments[1] = b;
    record.arguments[2] = c;
    record.arguments[3] = d;
    out32(EVENT_PORT, (uint32_t)physical(&record));
}

_Noreturn void panic(const char *message) {
    uint64_t bytes = 0;
    while (message[bytes]) bytes++;
    report(EVENT_PANIC, 0, physical(message), bytes, 0, 0);
    for (;;) __asm__ volatile("cli; hlt");
}

static void descriptors_init(void) {
    uint64_t task = (uint64_t)&task_state;
    gdt[5] = (sizeof task_state - 1) | (task & 0xffffff) << 16 | 0x89ULL << 40 | (task >> 24 & 0xff) << 56;
    gdt[6] = task >> 32;
    __asm__ volatile("ltr %w0" ::"r"(40));
    for (unsigned vector = 0; vector < VECTORS; vector++) {
        uint64_t stub = (uint64_t)exception_stubs + 16 * vector;
        idt[vector].low = stub;
        idt[vector].selector = 8;
        idt[vector].attributes = 0x8e00;
        idt[vector].middle = stub >> 16;
        idt[vector].high = stub >> 32;
    }
    /* Programs may use a breakpoint; nothing else is theirs. */
    idt[3].attributes = 0xee00;
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {sizeof idt - 1, (uint64_t)idt};
    __asm__ volatile("lidt %0" ::"m"(pointer));
    write_msr(0xc0000081, 8ULL << 32);                      /* STAR */
    write_msr(0xc0000082, (uint64_t)system_call_entry);     /* LSTAR */
    write_msr(0xc0000084, 0x700);                           /* SFMASK: no interrupts, steps or backward strings in the kernel */
}

void kernel_main(void) {
    const struct start_info *info = at(start_info);
    const uint64_t *archive = at(info->module_list);
    if (info->modules == 0) panic("there is no archive of programs");
    descriptors_init();
    frames_init(at(info->memory_map), info->memory_map_entries, physical(kernel_end), archive[0], archive[0] + archive[1]);
    archive_init(archive[0], archive[1]);
    process_first("agent");
    process_run_another();
}

/* Before a process goes on: where its registers go when it comes back. */
void registers_go_to(struct registers *registers) {
    frame_end = (uint64_t)(registers + 1);
    task_state.stack = frame_end;
}

static int signal_of(uint64_t vector) {
    switch (vector) {
    case 0: case 16: case 19: return SIGFPE;
    case 6: return SIGILL;
    default: return SIGSEGV;
    }
}

_Noreturn void exception_in_the_kernel(void) { panic("an exception in the kernel"); }

/* Whatever brings a process into the kernel ends here; its registers have been saved. */
_Noreturn void trap(void) {
    struct registers *registers = &current->registers;
    uint64_t address = 0;
    if (registers->vector == PAGE_FAULT) {
        __asm__ volatile("mov %%cr2, %0" : "=r"(address));
        /* Where kernel mode is interpreted, syscall may leave the program in user mode at the entry point. */
        if (address == (uint64_t)system_call_entry && registers->rip == address) {
            registers->rip = registers->rcx;
            registers->flags = registers->r11;
            registers->vector = SYSTEM_CALL;
        }
    }
    if (registers->vector == SYSTEM_CALL || registers->vector == TICK) {
        __asm__ volatile("fxsave64 %0" : "=m"(current->fpu));
        if (registers->vector == SYSTEM_CALL && system_call(registers)) process_go_on();
        process_run_another();
    }
    if (registers->vector == PAGE_FAULT) {
        int access = registers->error_code & FAULT_WRITE ? PROT_WRITE : registers->error_code & FAULT_FETCH ? PROT_EXEC : PROT_READ;
        if (space_fault(&current->space, address, access) == 0) resume(registers);
    }
    report(EVENT_FATAL_FAULT, current->pid, registers->vector, registers->error_code, address, registers->rip);
    process_exit(signal_of(registers->vector));
    process_run_another();
}
