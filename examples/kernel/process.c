/* Processes: fork, execve, exit, wait, and whose turn it is. One goes on until it gives way, waits or ends, or a tick comes. */

#include "kernel.h"

#define FIRST_PID 1
#define MACHINE_X86_64 62
#define LOADABLE 1
#define EXECUTABLE 1
#define STACK_END 0x00007fffffffe000ULL
#define STACK_BYTES (128 << 10)
#define STRINGS_BYTES 8192
#define STRINGS 64
#define WNOHANG 1

static struct process processes[PROCESSES];
struct process *current;
static int last_pid;

static struct process *find(int pid) {
    for (int i = 0; i < PROCESSES; i++)
        if (processes[i].state != UNUSED && processes[i].pid == pid) return &processes[i];
    return NULL;
}

static struct process *new_process(void) {
    for (int i = 0; i < PROCESSES; i++) {
        struct process *process = &processes[i];
        if (process->state != UNUSED) continue;
        clear(process, sizeof *process);
        process->pid = ++last_pid;
        return process;
    }
    return NULL;
}

int process_parent(void) { return current->parent; }

/* The next one in the order of the table that can run, or has what it waits for. */
_Noreturn void process_run_another(void) {
    int from = current ? (int)(current - processes) : 0;
    for (int i = 1; i <= PROCESSES; i++) {
        struct process *next = &processes[(from + i) % PROCESSES];
        if (next->state == WAITING) {
            struct process *before = current;
            current = next;
            process_wait();
            if (next->state == WAITING) current = before;
        }
        if (next->state != READY) continue;
        current = next;
        process_go_on();
    }
    panic("no process can run");
}

_Noreturn void process_go_on(void) {
    __asm__ volatile("fxrstor64 %0" ::"m"(current->fpu));
    space_use(&current->space);
    registers_go_to(&current->registers);
    resume(&current->registers);
}

int64_t process_fork(void) {
    struct process *child = new_process();
    if (!child) return -EAGAIN;
    if (space_copy(&child->space, &current->space) != 0) return -ENOMEM;
    child->parent = current->pid;
    child->memory_file = current->memory_file;
    child->registers = current->registers;
    copy(child->fpu, current->fpu, sizeof child->fpu);
    child->registers.rax = 0;
    child->state = READY;
    return child->pid;
}

/* What execve takes along: the strings of arguments and environment, one behind the other. */
static struct {
    char bytes[STRINGS_BYTES];
    unsigned used, arguments, variables;
    unsigned place[STRINGS];
} strings;

static int take_string(uint64_t from) {
    unsigned count = strings.arguments + strings.variables;
    if (count == STRINGS) return -E2BIG;
    strings.place[count] = strings.used;
    for (;;) {
        if (strings.used == STRINGS_BYTES) return -E2BIG;
        char *byte = &strings.bytes[strings.used++];
        if (copy_in(&current->space, byte, from++, 1) != 0) return -EFAULT;
        if (*byte == 0) return 0;
    }
}

static int take_strings(uint64_t list, unsigned *count) {
    for (uint64_t address; list != 0; list += 8) {
        if (copy_in(&current->space, &address, list, 8) != 0) return -EFAULT;
        if (address == 0) break;
        int failed = take_string(address);
        if (failed) return failed;
        ++*count;
    }
    return 0;
}

struct elf_header {
    uint8_t magic[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments;
    uint64_t sections;
    uint32_t flags;
    uint16_t size, segment_bytes, segment_count;
};

struct elf_segment {
    uint32_t kind, flags;
    uint64_t offset, address, physical, file_bytes, memory_bytes, alignment;
};

/* Puts a static program into an empty address space. */
static int load(struct space *space, const uint8_t *file, uint64_t bytes) {
    const struct elf_header *header = (const void *)file;
    static const uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};
    if (bytes < sizeof *header || header->machine != MACHINE_X86_64) return -ENOEXEC;
    for (int i = 0; i < 4; i++)
        if (header->magic[i] != magic[i]) return -ENOEXEC;
    for (unsigned i = 0; i < header->segment_count; i++) {
        const struct elf_segment *segment = (const void *)(file + header->segments + i * header->segment_bytes);
        if (segment->kind != LOADABLE || segment->memory_bytes == 0) continue;
        if (segment->offset + segment->file_bytes > bytes || segment->address + segment->memory_bytes > USER_END) return -ENOEXEC;
        int protection = (segment->flags & 4 ? PROT_READ : 0) | (segment->flags & 2 ? PROT_WRITE : 0) | (segment->flags & EXECUTABLE ? PROT_EXEC : 0);
        uint64_t start = page_of(segment->address), end = pages_up(segment->address + segment->memory_bytes);
        /* The kernel writes what the program may not: the right protection comes behind the contents. */
        if (space_map(space, start, end, PROT_READ | PROT_WRITE, PRIVATE_MEMORY, 0) != 0) return -ENOMEM;
        if (copy_out(space, segment->address, file + segment->offset, segment->file_bytes) != 0) return -ENOMEM;
        space_protect(space, start, end, protection);
    }
    return space_map(space, STACK_END - STACK_BYTES, STACK_END, PROT_READ | PROT_WRITE, PRIVATE_MEMORY, 0);
}

/* The stack with which a program begins: argument count, pointers to arguments and environment, the empty auxiliary vector. */
static int64_t make_stack(struct space *space) {
    uint64_t text = (STACK_END - strings.used) & ~15ULL;
    unsigned count = strings.arguments + strings.variables;
    uint64_t words[STRINGS + 5];
    unsigned used = 0;
    words[used++] = strings.arguments;
    for (unsigned i = 0; i < count; i++) {
        if (i == strings.arguments) words[used++] = 0;
        words[used++] = text + strings.place[i];
    }
    if (strings.variables == 0) words[used++] = 0;
    words[used++] = 0;
    words[used++] = 0;
    words[used++] = 0;
    uint64_t stack = (text - 8 * used) & ~15ULL;
    if (copy_out(space, text, strings.bytes, strings.used) != 0 || copy_out(space, stack, words, 8 * used) != 0) return -ENOMEM;
    return (int64_t)stack;
}

/* Gives the running process a program and the strings that were taken. Its old memory stays until nothing can fail any more. */
static int64_t begin(const char *path) {
    uint64_t bytes;
    const uint8_t *file = archive_find(path, &bytes);
    if (!file) return -ENOENT;
    struct space space;
    if (space_make(&space) != 0) return -ENOMEM;
    int64_t stack = load(&space, file, bytes);
    if (stack == 0) stack = make_stack(&space);
    if (stack < 0) {
        space_destroy(&space);
        return stack;
    }
    struct space old = current->space;
    current->space = space;
    space_use(&current->space);
    if (old.top != 0) space_destroy(&old);
    clear(&current->registers, sizeof current->registers);
    clear(current->fpu, sizeof current->fpu);
    *(uint16_t *)current->fpu = 0x37f;        /* what a program finds in the control words */
    *(uint32_t *)(current->fpu + 24) = 0x1f80;
    current->registers.rip = ((const struct elf_header *)file)->entry;
    current->registers.rsp = stack;
    current->registers.cs = 0x1b;
    current->registers.ss = 0x23;
    current->registers.flags = 0x202;
    return 0;
}

int64_t process_execve(uint64_t path, uint64_t arguments, uint64_t environment) {
    static char name[256];
    for (unsigned i = 0;; i++) {
        if (i == sizeof name) return -E2BIG;
        if (copy_in(&current->space, &name[i], path + i, 1) != 0) return -EFAULT;
        if (name[i] == 0) break;
    }
    strings.used = strings.arguments = strings.variables = 0;
    int failed = take_strings(arguments, &strings.arguments);
    if (!failed) failed = take_strings(environment, &strings.variables);
    return failed ? failed : begin(name);
}

void process_first(const char *program) {
    current = new_process();
    if (current->pid != FIRST_PID || begin(program) != 0) panic("there is no first program");
    current->state = READY;
}

/* Ends the running process with this wait status. Its children are the first process's from now on. */
void process_exit(int status) {
    if (current->pid == FIRST_PID) panic("the first process has ended");
    __asm__ volatile("mov %0, %%cr3" ::"r"(find(FIRST_PID)->space.top) : "memory");
    space_destroy(&current->space);
    current->status = status;
    current->state = ZOMBIE;
    for (int i = 0; i < PROCESSES; i++)
        if (processes[i].state != UNUSED && processes[i].parent == current->pid) processes[i].parent = FIRST_PID;
    report(EVENT_EXITED, current->pid, (uint64_t)status, 0, 0, 0);
}

/* wait4 of the running process, whose arguments are still in its registers: a result, or it waits on. */
void process_wait(void) {
    struct registers *registers = &current->registers;
    int wanted = (int)registers->rdi, has_child = 0;
    current->state = READY;
    for (int i = 0; i < PROCESSES; i++) {
        struct process *child = &processes[i];
        if (child->state == UNUSED || child->parent != current->pid || (wanted > 0 && child->pid != wanted)) continue;
        has_child = 1;
        if (child->state != ZOMBIE) continue;
        if (registers->rsi != 0 && copy_out(&current->space, registers->rsi, &child->status, 4) != 0) {
            registers->rax = (uint64_t)-EFAULT;
            return;
        }
        child->state = UNUSED;
        registers->rax = child->pid;
        return;
    }
    if (!has_child) registers->rax = (uint64_t)-ECHILD;
    else if (registers->rdx & WNOHANG) registers->rax = 0;
    else current->state = WAITING;
}
