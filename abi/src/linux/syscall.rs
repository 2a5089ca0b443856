//! System-call numbers (`arch/x86/entry/syscalls/syscall_64.tbl`). Number in RAX; arguments in RDI, RSI, RDX, R10, R8, R9;
//! result in RAX; RCX and R11 are lost.

use crate::named_numbers;

named_numbers! {
    /// Name of a system-call number.
    syscall_name: u64 {
        /// read(fd, buffer, count)
        READ = 0;
        /// write(fd, buffer, count)
        WRITE = 1;
        /// open(path, flags, mode)
        OPEN = 2;
        /// close(fd)
        CLOSE = 3;
        /// mmap(address, length, prot, flags, fd, offset)
        MMAP = 9;
        /// mprotect(address, length, prot)
        MPROTECT = 10;
        /// munmap(address, length)
        MUNMAP = 11;
        /// brk(address)
        BRK = 12;
        /// sched_yield()
        SCHED_YIELD = 24;
        /// madvise(address, length, advice)
        MADVISE = 28;
        /// getpid()
        GETPID = 39;
        /// fork()
        FORK = 57;
        /// execve(path, argv, envp)
        EXECVE = 59;
        /// exit(status): ends the thread
        EXIT = 60;
        /// wait4(pid, status, options, rusage)
        WAIT4 = 61;
        /// getppid()
        GETPPID = 110;
        /// reboot(magic1, magic2, command, argument)
        REBOOT = 169;
        /// exit_group(status): ends the process
        EXIT_GROUP = 231;
    }
}

/// open: read and write access (`asm-generic/fcntl.h`).
pub const O_RDWR: u64 = 2;
