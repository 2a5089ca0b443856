//! System calls: numbers to functions.
//!
//! Number in RAX, arguments in RDI, RSI, RDX, R10, R8 and R9, result in RAX; a failure is the negated error number.

mod file;
mod memory;
mod process;

use abi::linux::syscall as number;

use crate::arch::TrapFrame;
use crate::errno::Errno;

/// The one list: which call goes where, and which of the six arguments it takes. `frame` passes the caller's registers on.
macro_rules! system_calls {
    ($($number:ident ($($argument:ident),*) $([$frame:ident])? => $handler:path;)*) => {
        fn call(frame: &mut TrapFrame) -> Result<u64, Errno> {
            match frame.system_call_number() {
                $(number::$number => {
                    let [$($argument,)* ..] = frame.system_call_arguments();
                    $handler($($argument,)* $(system_calls!(@pass $frame frame))?)
                })*
                _ => Err(Errno::ENOSYS),
            }
        }
    };
    (@pass frame $registers:ident) => { $registers };
}

system_calls! {
    READ(descriptor, buffer, count) => file::read;
    WRITE(descriptor, buffer, count) => file::write;
    OPEN(path) => file::open;
    CLOSE(descriptor) => file::close;
    MMAP(address, length, protection, flags, descriptor, offset) => memory::mmap;
    MPROTECT(address, length, protection) => memory::mprotect;
    MUNMAP(address, length) => memory::munmap;
    BRK(address) => memory::brk;
    MADVISE(address, length, advice) => memory::madvise;
    SCHED_YIELD() => process::sched_yield;
    GETPID() => process::getpid;
    GETPPID() => process::getppid;
    FORK() [frame] => process::fork;
    EXECVE(path, argv, envp) [frame] => process::execve;
    EXIT(code) => process::exit;
    EXIT_GROUP(code) => process::exit;
    WAIT4(pid, status, options, usage) => process::wait4;
    REBOOT(magic1, magic2, command) => process::reboot;
}

/// Performs the call that the registers ask for, and leaves the result in them.
pub(crate) fn dispatch(frame: &mut TrapFrame) {
    let result = call(frame).unwrap_or_else(Errno::as_result);
    frame.set_system_call_result(result);
}
