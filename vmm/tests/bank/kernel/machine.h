/* The machine as a kernel meets it, and what it can tell the VMM. Numbers are those of the crate `abi`. */

#include <stdint.h>

#define KERNEL_BASE 0xffffffff80000000ULL
#define PAGE_BYTES 4096ULL
#define ENTRIES 512
#define FIRST_KERNEL_ENTRY 256

#define PRESENT 0x1ULL
#define WRITABLE 0x2ULL
#define USER 0x4ULL
#define USED 0x20ULL /* accessed */
#define DIRTY 0x40ULL
#define LARGE 0x80ULL
#define NO_EXECUTE (1ULL << 63)

#define PORT_EVENT 0x0d00
#define PORT_CONSOLE 0x03f8

enum event {
    FRAME_TABLE = 2, CREATED = 3, EXITED = 5, PANIC = 8, LOG = 10, PAGES_PROTECTED = 18,
    USER_FAULT_REGISTERED = 20, USER_FAULT = 21,
};

enum operation {
    MMAP = 1, TOUCH_STACK = 9, READ = 6, WRITE = 7, FILL = 8, FORK = 10, EXIT = 11, WAIT = 12, EXEC = 14, POWER_OFF = 15,
};

enum doorbell { NEXT = 0x00, ARGUMENTS = 0x08, RESULT = 0x80, VALUE = 0x88, DATA = 0x90, HELLO = 0x98 };

typedef uint64_t table[ENTRIES] __attribute__((aligned(4096)));

extern table kernel_pdpt;
extern const uint64_t start_info;
_Noreturn void enter_user(uint64_t rip);

static inline uint64_t physical(const volatile void *address) { return (uint64_t)address - KERNEL_BASE; }
static inline void *at(uint64_t address) { return (void *)(address + KERNEL_BASE); }

static inline volatile uint64_t *doorbell(uint64_t channel, enum doorbell reg) {
    return (volatile uint64_t *)(0xffffffffc0000000ULL + channel * PAGE_BYTES + reg);
}

static inline void out32(uint16_t port, uint32_t value) { __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port) : "memory"); }
static inline void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port) : "memory"); }
static inline void use_table(table root) { __asm__ volatile("mov %0, %%cr3" ::"r"(physical(root)) : "memory"); }

static inline void report(enum event kind, uint32_t pid, uint64_t a, uint64_t b, uint64_t c) {
    static volatile struct { uint32_t kind, pid; uint64_t arguments[4]; } record;
    record.kind = kind;
    record.pid = pid;
    record.arguments[0] = a;
    record.arguments[1] = b;
    record.arguments[2] = c;
    record.arguments[3] = 0;
    out32(PORT_EVENT, (uint32_t)physical(&record));
}
