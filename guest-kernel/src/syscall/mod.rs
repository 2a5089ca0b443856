//! System calls: numbers to functions.
//!
//! Number in RAX, arguments in RDI, RSI, RDX, R10, R8 and R9, result in RAX; a failure is the negated error number.

mod credentials;
mod file;
mod memory;
mod module;
mod poll;
mod process;
mod restart;
mod shadowpt;
mod signal;
mod socket;
mod system;
mod thread;
mod time;
mod timer;
mod transfer;

use abi::linux::syscall as number;

use crate::arch::TrapFrame;
use crate::errno::Errno;
use crate::fs;
use crate::uffd;

pub(crate) use shadowpt::set_shadowpt_base;

/// The one list: which call goes where, and which of the six arguments it takes. `frame` passes the caller's registers on.
macro_rules! system_calls {
    ($($number:ident ($($argument:ident),*) $([$frame:ident])? => $handler:path;)*) => {
        fn call(frame: &mut TrapFrame) -> Result<u64, Errno> {
            match frame.system_call_number() {
                $(number::$number => {
                    let [$($argument,)* ..] = frame.system_call_arguments();
                    $handler($($argument,)* $(system_calls!(@pass $frame frame))?)
                })*
                _ => shadowpt::call(frame),
            }
        }
    };
    (@pass frame $registers:ident) => { $registers };
}

system_calls! {
    READ(descriptor, buffer, count) => transfer::read;
    WRITE(descriptor, buffer, count) => transfer::write;
    OPEN(path, flags) => file::open;
    CLOSE(descriptor) => file::close;
    FSTAT(descriptor, buffer) => file::fstat;
    POLL(descriptors, count, timeout) => poll::poll;
    LSEEK(descriptor, offset, whence) => file::lseek;
    MMAP(address, length, protection, flags, descriptor, offset) => memory::mmap;
    MPROTECT(address, length, protection) => memory::mprotect;
    MUNMAP(address, length) => memory::munmap;
    BRK(address) => memory::brk;
    RT_SIGACTION(signal, action, old, bytes) => signal::rt_sigaction;
    RT_SIGPROCMASK(how, set, old, bytes) => signal::rt_sigprocmask;
    RT_SIGRETURN() [frame] => signal::rt_sigreturn;
    IOCTL(descriptor, request, argument) => file::ioctl;
    PREAD64(descriptor, buffer, count, position) => transfer::pread64;
    PWRITE64(descriptor, buffer, count, position) => transfer::pwrite64;
    WRITEV(descriptor, vectors, count) => transfer::writev;
    SCHED_YIELD() => process::sched_yield;
    MREMAP(address, old_length, new_length, flags, new_address) => memory::mremap;
    MSYNC(address, length, flags) => memory::msync;
    MINCORE(address, length, vector) => memory::mincore;
    MADVISE(address, length, advice) => memory::madvise;
    PAUSE() => signal::pause;
    NANOSLEEP(duration, remaining) => time::nanosleep;
    GETITIMER(which, value) => timer::getitimer;
    ALARM(seconds) => timer::alarm;
    SETITIMER(which, new, old) => timer::setitimer;
    GETPID() => process::getpid;
    SOCKET(family, kind, protocol) => socket::socket;
    CONNECT(descriptor, address, length) => socket::connect;
    SENDTO(descriptor, buffer, count, flags, address, length) => socket::sendto;
    RECVFROM(descriptor, buffer, count, flags, address, length) => socket::recvfrom;
    SHUTDOWN(descriptor, how) => socket::shutdown;
    GETSOCKOPT(descriptor, level, option, value, length) => socket::getsockopt;
    CLONE(flags, stack, parent_tid, child_tid, tls) [frame] => thread::clone;
    FORK() [frame] => process::fork;
    EXECVE(path, argv, envp) [frame] => process::execve;
    EXIT(code) => process::exit;
    WAIT4(pid, status, options, usage) => process::wait4;
    KILL(pid, signal) => signal::kill;
    UNAME(buffer) => system::uname;
    READLINK(path, buffer, bytes) => file::readlink;
    GETUID() => credentials::getuid;
    GETGID() => credentials::getgid;
    SETUID(uid) => credentials::setuid;
    SETGID(gid) => credentials::setgid;
    GETEUID() => credentials::getuid;
    GETEGID() => credentials::getgid;
    SETPGID(pid, group) => process::setpgid;
    GETPPID() => process::getppid;
    GETPGRP() => process::getpgrp;
    GETPGID(pid) => process::getpgid;
    RT_SIGPENDING(set, bytes) => signal::rt_sigpending;
    RT_SIGTIMEDWAIT(set, info, timeout, bytes) => signal::rt_sigtimedwait;
    RT_SIGSUSPEND(mask, bytes) => signal::rt_sigsuspend;
    SIGALTSTACK(stack, old) [frame] => signal::sigaltstack;
    MLOCK(address, length) => memory::mlock;
    MUNLOCK(address, length) => memory::munlock;
    MLOCKALL(flags) => memory::mlockall;
    MUNLOCKALL() => memory::munlockall;
    ARCH_PRCTL(code, address) => thread::arch_prctl;
    REBOOT(magic1, magic2, command) => system::reboot;
    INIT_MODULE(image, length, parameters) => module::init_module;
    DELETE_MODULE(name) => module::delete_module;
    GETTID() => thread::gettid;
    TKILL(tid, signal) => signal::tkill;
    FUTEX(word, operation, value, timeout, other_word, classes) => thread::futex;
    SET_TID_ADDRESS(address) => thread::set_tid_address;
    RESTART_SYSCALL() => restart::restart_syscall;
    CLOCK_GETTIME(clock, time) => time::clock_gettime;
    CLOCK_NANOSLEEP(clock, flags, time, remaining) => time::clock_nanosleep;
    EXIT_GROUP(code) => process::exit_group;
    TGKILL(pid, tid, signal) => signal::tgkill;
    OPENAT(directory, path, flags) => file::openat;
    NEWFSTATAT(directory, path, buffer, flags) => file::newfstatat;
    PRLIMIT64(pid, resource, new, old) => system::prlimit64;
    FINIT_MODULE(descriptor, parameters, flags) => module::finit_module;
    GETRANDOM(buffer, count) => system::getrandom;
    MEMFD_CREATE(name, flags) => fs::memfd::create;
    USERFAULTFD(flags) => memory::userfaultfd;
    MLOCK2(address, length, flags) => memory::mlock2;
}

/// Performs the call that the registers ask for, and leaves the result in them.
pub(crate) fn dispatch(frame: &mut TrapFrame) {
    let result = call(frame).unwrap_or_else(Errno::as_result);
    fs::release_ended();
    uffd::wake_stranded();
    frame.set_system_call_result(result);
}
