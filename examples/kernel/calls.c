/* The system calls: those of Linux that the agent and simple programs need. Everything else is ENOSYS. */

#include "kernel.h"

enum number {
    WRITE = 1, OPEN = 2, CLOSE = 3, MMAP = 9, MUNMAP = 11, RT_SIGPROCMASK = 14, SCHED_YIELD = 24, GETPID = 39, FORK = 57,
    EXECVE = 59, EXIT = 60, WAIT4 = 61, GETPPID = 110, REBOOT = 169, EXIT_GROUP = 231, OPENAT = 257,
};

#define MAP_SHARED 1
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define MAP_FIXED_NOREPLACE 0x100000
#define CONSOLE_PORT 0x3f8
#define MEMORY_FILE 3
#define POWER_OFF 0x4321fedcULL

static int64_t write(uint64_t file, uint64_t from, uint64_t bytes) {
    if (file != 1 && file != 2) return -EBADF;
    for (uint64_t i = 0; i < bytes; i++) {
        uint8_t byte;
        if (copy_in(&current->space, &byte, from + i, 1) != 0) return i ? (int64_t)i : -EFAULT;
        out8(CONSOLE_PORT, byte);
    }
    return (int64_t)bytes;
}

/* There is one file that can be opened: /dev/mem, through which the agent reaches the doorbell. */
static int64_t open(uint64_t path) {
    static const char memory[] = "/dev/mem";
    char name[sizeof memory];
    if (copy_in(&current->space, name, path, sizeof name) != 0) return -EFAULT;
    for (unsigned i = 0; i < sizeof memory; i++)
        if (name[i] != memory[i]) return -ENOENT;
    current->memory_file = 1;
    return MEMORY_FILE;
}

static int64_t close(uint64_t file) {
    if (file != MEMORY_FILE || !current->memory_file) return -EBADF;
    current->memory_file = 0;
    return 0;
}

static int64_t mmap(uint64_t address, uint64_t bytes, int protection, int flags, int file, uint64_t offset) {
    enum kind kind = flags & MAP_SHARED ? SHARED_MEMORY : PRIVATE_MEMORY;
    if (bytes == 0 || bytes > USER_END || address % PAGE != 0 || offset % PAGE != 0) return -EINVAL;
    if (!(flags & MAP_ANONYMOUS)) {
        if (file != MEMORY_FILE || !current->memory_file) return -EBADF;
        kind = DEVICE_MEMORY;
    }
    bytes = pages_up(bytes);
    if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))) address = space_find_room(&current->space, bytes);
    if (address == 0 || address + bytes > USER_END) return -ENOMEM;
    if (space_overlapping(&current->space, address, address + bytes)) {
        if (flags & MAP_FIXED_NOREPLACE) return -EEXIST;
        space_unmap(&current->space, address, address + bytes);
    }
    int failed = space_map(&current->space, address, address + bytes, protection, kind, offset);
    return failed ? failed : (int64_t)address;
}

static int64_t munmap(uint64_t address, uint64_t bytes) {
    if (address % PAGE != 0 || bytes == 0 || bytes > USER_END || address > USER_END - bytes) return -EINVAL;
    space_unmap(&current->space, address, address + pages_up(bytes));
    return 0;
}

/* No signals are sent, so none is masked. */
static int64_t signal_mask(uint64_t new, uint64_t old) {
    uint64_t none = 0;
    if (new != 0) return -ENOSYS;
    return old != 0 && copy_out(&current->space, old, &none, sizeof none) != 0 ? -EFAULT : 0;
}

static int64_t reboot(uint64_t command) {
    if (command != POWER_OFF) return -EINVAL;
    report(EVENT_POWER_OFF, 0, 0, 0, 0, 0);
    panic("the power is off");
}

/* Makes the call that the registers name. 1 when its process goes on, 0 when it is another's turn. */
int system_call(struct registers *registers) {
    uint64_t a = registers->rdi, b = registers->rsi, c = registers->rdx;
    switch (registers->rax) {
    case WRITE: registers->rax = write(a, b, c); break;
    case OPEN: registers->rax = open(a); break;
    case OPENAT: registers->rax = open(b); break;
    case CLOSE: registers->rax = close(a); break;
    case MMAP: registers->rax = mmap(a, b, (int)c, (int)registers->r10, (int)registers->r8, registers->r9); break;
    case MUNMAP: registers->rax = munmap(a, b); break;
    case RT_SIGPROCMASK: registers->rax = signal_mask(b, c); break;
    case SCHED_YIELD: registers->rax = 0; return 0;
    case GETPID: registers->rax = current->pid; break;
    case GETPPID: registers->rax = process_parent(); break;
    case FORK: registers->rax = process_fork(); break;
    case EXECVE: {
        /* Where it succeeds the registers are the new program's. */
        int64_t failed = process_execve(a, b, c);
        if (failed) registers->rax = failed;
        break;
    }
    case EXIT:
    case EXIT_GROUP: process_exit((int)(a & 0xff) << 8); break;
    case WAIT4: process_wait(); break;
    case REBOOT: registers->rax = reboot(c); break;
    default: registers->rax = (uint64_t)-ENOSYS;
    }
    return current->state == READY;
}
