/* What the parts of the kernel know of each other. */

#include <stddef.h>
#include <stdint.h>

#define KERNEL_BASE 0xffffffff80000000ULL
#define USER_END 0x00007ffffffff000ULL
#define PAGE 4096ULL
#define ENTRIES 512

/* Page-table entries. */
#define PRESENT 0x1ULL
#define WRITABLE 0x2ULL
#define USER 0x4ULL
#define SHARED (1ULL << 9)  /* fork shares the page and nobody copies it */
#define DEVICE (1ULL << 10) /* no memory stands behind the entry */
#define NO_EXECUTE (1ULL << 63)
#define ADDRESS_MASK 0x000ffffffffff000ULL

enum protection { PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };
enum error { ESRCH = 3, ENOENT = 2, E2BIG = 7, ENOEXEC = 8, EBADF = 9, ECHILD = 10, EAGAIN = 11, ENOMEM = 12, EFAULT = 14, EEXIST = 17, EINVAL = 22, ENOSYS = 38 };
enum event { EVENT_EXITED = 5, EVENT_FATAL_FAULT = 7, EVENT_PANIC = 8, EVENT_POWER_OFF = 9 };

/* Registers of a process while it does not run, in the order in which boot.S saves them. */
struct registers {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error_code;
    uint64_t rip, cs, flags, rsp, ss;
};

enum kind { PRIVATE_MEMORY, SHARED_MEMORY, DEVICE_MEMORY };

/* A range of addresses that a process may use. */
struct area {
    uint64_t start, end;
    int protection;
    enum kind kind;
};

#define AREAS 64

/* An address space. `top` is the physical address of the top page table. */
struct space {
    uint64_t top;
    int areas;
    struct area area[AREAS];
};

enum state { UNUSED, READY, WAITING, ZOMBIE };

struct process {
    struct registers registers;
    uint8_t fpu[512] __attribute__((aligned(16)));
    enum state state;
    int pid, parent, status;
    int memory_file; /* whether descriptor 3 is /dev/mem */
    struct space space;
};

#define PROCESSES 32

extern struct process *current;

/* main.c */
_Noreturn void panic(const char *message);
void report(enum event kind, int pid, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
_Noreturn void resume(struct registers *registers);
void registers_go_to(struct registers *registers);

/* archive.c: the files that came with the kernel */
void archive_init(uint64_t start, uint64_t bytes);
const uint8_t *archive_find(const char *name, uint64_t *bytes);

/* memory.c: frames. 0 is no frame. */
void frames_init(const void *map, uint32_t entries, uint64_t kernel_end, uint64_t archive_start, uint64_t archive_end);
uint64_t frame_allocate(void);
void frame_share(uint64_t frame);
void frame_release(uint64_t frame);
int frame_is_shared(uint64_t frame);

/* space.c */
int space_make(struct space *space);
int space_copy(struct space *to, struct space *from);
void space_destroy(struct space *space);
void space_use(const struct space *space);
int space_map(struct space *space, uint64_t start, uint64_t end, int protection, enum kind kind, uint64_t device);
void space_protect(struct space *space, uint64_t start, uint64_t end, int protection);
void space_unmap(struct space *space, uint64_t start, uint64_t end);
uint64_t space_find_room(const struct space *space, uint64_t bytes);
const struct area *space_overlapping(const struct space *space, uint64_t start, uint64_t end);
int space_fault(struct space *space, uint64_t address, int access);
int copy_in(struct space *space, void *to, uint64_t from, uint64_t bytes);
int copy_out(struct space *space, uint64_t to, const void *from, uint64_t bytes);

/* process.c */
void process_first(const char *program);
int64_t process_fork(void);
int64_t process_execve(uint64_t path, uint64_t arguments, uint64_t environment);
void process_exit(int status);
void process_wait(void);
_Noreturn void process_run_another(void);
_Noreturn void process_go_on(void);
int process_parent(void);

/* calls.c */
int system_call(struct registers *registers);

static inline void *at(uint64_t physical) { return (void *)(physical + KERNEL_BASE); }
static inline uint64_t physical(const volatile void *address) { return (uint64_t)address - KERNEL_BASE; }
static inline uint64_t page_of(uint64_t address) { return address & ~(PAGE - 1); }
static inline uint64_t pages_up(uint64_t bytes) { return page_of(bytes + PAGE - 1); }

static inline void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port) : "memory"); }
static inline void out32(uint16_t port, uint32_t value) { __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port) : "memory"); }

static inline void copy(void *to, const void *from, uint64_t bytes) {
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes)::"memory");
}

static inline void clear(void *to, uint64_t bytes) {
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(0) : "memory");
}
