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
        /// fstat(fd, stat)
        FSTAT = 5;
        /// poll(fds, count, timeout in milliseconds)
        POLL = 7;
        /// lseek(fd, offset, whence)
        LSEEK = 8;
        /// mmap(address, length, prot, flags, fd, offset)
        MMAP = 9;
        /// mprotect(address, length, prot)
        MPROTECT = 10;
        /// munmap(address, length)
        MUNMAP = 11;
        /// brk(address)
        BRK = 12;
        /// rt_sigaction(signal, action, old action, set size)
        RT_SIGACTION = 13;
        /// rt_sigprocmask(how, set, old set, set size)
        RT_SIGPROCMASK = 14;
        /// rt_sigreturn(): the handler's frame lies on the stack
        RT_SIGRETURN = 15;
        /// ioctl(fd, request, argument)
        IOCTL = 16;
        /// pread64(fd, buffer, count, offset)
        PREAD64 = 17;
        /// pwrite64(fd, buffer, count, offset)
        PWRITE64 = 18;
        /// writev(fd, vectors, count)
        WRITEV = 20;
        /// sched_yield()
        SCHED_YIELD = 24;
        /// mremap(address, old length, new length, flags, new address)
        MREMAP = 25;
        /// msync(address, length, flags)
        MSYNC = 26;
        /// mincore(address, length, vector)
        MINCORE = 27;
        /// madvise(address, length, advice)
        MADVISE = 28;
        /// dup2(old fd, new fd)
        DUP2 = 33;
        /// pause()
        PAUSE = 34;
        /// nanosleep(duration, remaining)
        NANOSLEEP = 35;
        /// getitimer(which, value)
        GETITIMER = 36;
        /// alarm(seconds)
        ALARM = 37;
        /// setitimer(which, value, old value)
        SETITIMER = 38;
        /// getpid()
        GETPID = 39;
        /// socket(family, type, protocol)
        SOCKET = 41;
        /// connect(fd, address, address length)
        CONNECT = 42;
        /// sendto(fd, buffer, count, flags, address, address length)
        SENDTO = 44;
        /// recvfrom(fd, buffer, count, flags, address, address length)
        RECVFROM = 45;
        /// shutdown(fd, how)
        SHUTDOWN = 48;
        /// getsockopt(fd, level, option, value, value length)
        GETSOCKOPT = 55;
        /// clone(flags, stack, parent tid, child tid, tls)
        CLONE = 56;
        /// fork()
        FORK = 57;
        /// execve(path, argv, envp)
        EXECVE = 59;
        /// exit(status): ends the thread
        EXIT = 60;
        /// wait4(pid, status, options, rusage)
        WAIT4 = 61;
        /// kill(pid, signal)
        KILL = 62;
        /// uname(buffer)
        UNAME = 63;
        /// mkdir(path, mode)
        MKDIR = 83;
        /// readlink(path, buffer, size)
        READLINK = 89;
        /// getuid()
        GETUID = 102;
        /// getgid()
        GETGID = 104;
        /// setuid(uid)
        SETUID = 105;
        /// setgid(gid)
        SETGID = 106;
        /// geteuid()
        GETEUID = 107;
        /// getegid()
        GETEGID = 108;
        /// setpgid(pid, pgid)
        SETPGID = 109;
        /// getppid()
        GETPPID = 110;
        /// getpgrp()
        GETPGRP = 111;
        /// getpgid(pid)
        GETPGID = 121;
        /// rt_sigpending(set, set size)
        RT_SIGPENDING = 127;
        /// rt_sigtimedwait(set, info, timeout, set size)
        RT_SIGTIMEDWAIT = 128;
        /// rt_sigsuspend(mask, set size)
        RT_SIGSUSPEND = 130;
        /// sigaltstack(stack, old stack)
        SIGALTSTACK = 131;
        /// sched_setscheduler(pid, policy, parameters)
        SCHED_SETSCHEDULER = 144;
        /// mlock(address, length)
        MLOCK = 149;
        /// munlock(address, length)
        MUNLOCK = 150;
        /// mlockall(flags)
        MLOCKALL = 151;
        /// munlockall()
        MUNLOCKALL = 152;
        /// arch_prctl(code, address)
        ARCH_PRCTL = 158;
        /// setrlimit(resource, limits)
        SETRLIMIT = 160;
        /// mount(source, target, type, flags, data)
        MOUNT = 165;
        /// swapon(path, flags)
        SWAPON = 167;
        /// reboot(magic1, magic2, command, argument)
        REBOOT = 169;
        /// init_module(image, length, parameters)
        INIT_MODULE = 175;
        /// delete_module(name, flags)
        DELETE_MODULE = 176;
        /// gettid()
        GETTID = 186;
        /// tkill(tid, signal)
        TKILL = 200;
        /// futex(word, operation, value, timeout, word 2, value 3)
        FUTEX = 202;
        /// set_tid_address(address)
        SET_TID_ADDRESS = 218;
        /// restart_syscall(): goes on with a call that a signal interrupted
        RESTART_SYSCALL = 219;
        /// clock_gettime(clock, time)
        CLOCK_GETTIME = 228;
        /// clock_nanosleep(clock, flags, duration, remaining)
        CLOCK_NANOSLEEP = 230;
        /// exit_group(status): ends the process
        EXIT_GROUP = 231;
        /// tgkill(pid, tid, signal)
        TGKILL = 234;
        /// waitid(kind of id, id, information, options, rusage)
        WAITID = 247;
        /// openat(directory fd, path, flags, mode)
        OPENAT = 257;
        /// newfstatat(directory fd, path, stat, flags)
        NEWFSTATAT = 262;
        /// set_robust_list(head, size)
        SET_ROBUST_LIST = 273;
        /// prlimit64(pid, resource, new, old)
        PRLIMIT64 = 302;
        /// finit_module(fd, parameters, flags)
        FINIT_MODULE = 313;
        /// getrandom(buffer, count, flags)
        GETRANDOM = 318;
        /// memfd_create(name, flags)
        MEMFD_CREATE = 319;
        /// userfaultfd(flags)
        USERFAULTFD = 323;
        /// mlock2(address, length, flags)
        MLOCK2 = 325;
        /// rseq(area, size, flags, signature)
        RSEQ = 334;
    }
}

/// open: write access (`asm-generic/fcntl.h`).
pub const O_WRONLY: u64 = 1;
/// open: read and write access.
pub const O_RDWR: u64 = 2;
/// open: mask of the access mode, and the mode of reading alone.
pub const O_ACCMODE: u64 = 3;
/// open: read access.
pub const O_RDONLY: u64 = 0;
/// open and others: what would wait is EAGAIN.
pub const O_NONBLOCK: u64 = 0o4000;
/// open and others: the descriptor is closed when another program begins.
pub const O_CLOEXEC: u64 = 0o2_000_000;
/// memfd_create: the descriptor is closed when another program begins (`linux/memfd.h`).
pub const MFD_CLOEXEC: u64 = 1;
/// memfd_create: longest name, without its NUL: with what stands before it in `/proc` it is a file's name.
pub const MFD_MAX_NAME_BYTES: usize = 249;
/// *at: relative paths start in the working directory.
pub const AT_FDCWD: i32 = -100;
/// fstatat: an empty path means the descriptor itself.
pub const AT_EMPTY_PATH: u64 = 0x1000;
/// lseek: the offset counts from the start (`linux/fs.h`).
pub const SEEK_SET: u32 = 0;
/// lseek: the offset counts from the position.
pub const SEEK_CUR: u32 = 1;
/// lseek: the offset counts from the end.
pub const SEEK_END: u32 = 2;
/// lseek: nothing above this is known to any file.
pub const SEEK_MAX: u32 = 4;
