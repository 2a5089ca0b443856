//! What the VMM can ask an agent to do: one code an operation, arguments as in the table of each.
//!
//! Operations that are system calls pass arguments and return value through unchanged, with Linux's numbers.

use crate::named_numbers;

named_numbers! {
    /// Name of an operation code.
    operation_name: u64 {
        /// `sched_yield`, then ask again. No reply: the VMM gives it to keep the process waiting.
        YIELD = 0;
        /// mmap(arg0 address, arg1 length, arg2 prot, arg3 flags, fd -1, arg4 offset).
        MMAP = 1;
        /// munmap(arg0 address, arg1 length).
        MUNMAP = 2;
        /// mprotect(arg0 address, arg1 length, arg2 prot).
        MPROTECT = 3;
        /// madvise(arg0 address, arg1 length, arg2 advice).
        MADVISE = 4;
        /// brk(arg0 address); the result is the break afterwards (the raw system call's, not libc's).
        BRK = 5;
        /// Loads arg1 bytes from address arg0 and sends them back as data. Result: arg1.
        READ = 6;
        /// Stores arg1 payload bytes at address arg0. Result: arg1.
        WRITE = 7;
        /// Stores the byte arg2 at arg1 addresses from arg0 on. Result: arg1.
        FILL = 8;
        /// Moves the stack pointer down by arg0 pages and stores the byte arg1 at the lowest address of each of them, from
        /// the top down. Value: the page address of the lowest one. Result: arg0.
        TOUCH_STACK = 9;
        /// fork(). The child uses channel arg0 from then on. Result, in the parent only: the child's process id.
        FORK = 10;
        /// exit_group(arg0). Never replies.
        EXIT = 11;
        /// wait4(arg0 pid, status, arg1 options). Value: the status word. Result: the process id, 0 or -errno.
        WAIT = 12;
        /// sched_yield(), once. Result: 0.
        SCHED_YIELD = 13;
        /// Runs a program as a child and waits for it: fork, execve, wait4. Payload: arg0 bytes, the NUL-terminated path and
        /// arguments one after the other, arg1 of them in all; arg2 more words follow, at most two, settings for the program's
        /// environment. Value: the wait status. Result: the child's process id or
        /// -errno of the call that failed; a child whose execve failed exits with [`EXEC_FAILED`] and sends no reply.
        EXEC = 14;
        /// reboot(arg0 command): ends the virtual machine. Only the first agent gets it.
        POWER_OFF = 15;
        /// kill(arg0 pid, arg1 signal).
        KILL = 16;
        /// nanosleep(arg0 nanoseconds).
        SLEEP = 17;
        /// execve in this process. Payload and arguments 0 and 1 as for [`EXEC`]; with argument 2 set the path is passed as an
        /// address that is not mapped. Replies only when it failed: a program that takes over and is an agent introduces itself
        /// on the channel that [`CHANNEL_FLAG`] in its arguments names.
        EXECVE = 18;
        /// getppid().
        GETPPID = 19;
        /// Loops in user mode without end and without a system call. Never replies.
        SPIN = 20;
        /// System call arg0 with the arguments arg1 to arg5, which is for calls that change no memory of the agent's own.
        SYSTEM_CALL = 21;
        /// shadowpt_open(arg1 pid, a structure with arg2 start, arg3 end and arg4 entries) as system call number arg0. Value: the
        /// end in the structure afterwards.
        SHADOWPT_OPEN = 22;
        /// mmap(arg2 address, arg3 length, arg4 prot, arg5 flags, fd, arg1 offset) of the file whose NUL-terminated path is the payload,
        /// arg0 bytes of it.
        MMAP_FILE = 23;
        /// Has the process's arg0-th request for memory from now on fail inside the kernel: writes arg0 to `/proc/self/fail-nth`.
        FAIL_NTH = 24;
        /// Reads the words of `/proc/arg0/pagemap` for arg2 pages from address arg1 on, and sends them back as data. Result: arg2.
        PAGEMAP = 25;
        /// waitid(P_PID, arg0 pid, information, WEXITED | WNOHANG | WNOWAIT): whether a child has ended, and how, without taking note of
        /// it. Value: the status in the low 32 bits, the code (`CLD_EXITED` and others) in the high ones. Result: the process id, 0 when
        /// it has not ended, or -errno.
        PEEK_END = 26;
        /// pread64(fd, arg0 address, arg1 bytes, 0) from a file that holds the payload, arg1 bytes of it. Result: the bytes that came, or
        /// -errno.
        COPY_TO_USER = 27;
        /// pwrite64(fd, arg0 address, arg1 bytes, 0) to an empty file. What the file holds then goes back as data. Result: the bytes that
        /// went, or -errno.
        COPY_FROM_USER = 28;
        /// pwrite64(fd, the payload, arg2 bytes of it, arg1 address) to `/proc/arg0/mem`. Result: the bytes that went, or -errno.
        MEM_WRITE = 29;
        /// pread64(fd, a buffer, arg2 bytes, arg1 address) from `/proc/arg0/mem`, whose bytes go back as data. Result: the bytes that came,
        /// or -errno.
        MEM_READ = 30;
    }
}

/// Argument of the agent program that goes before the number of its channel; without it the channel is 0.
pub const CHANNEL_FLAG: &str = "--channel";
/// Exit status of the child of [`EXEC`] whose execve failed.
pub const EXEC_FAILED: i32 = 127;
