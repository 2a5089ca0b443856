//! Processes: birth, change, death, and news of it.
#![allow(unsafe_code, reason = "system calls that copy and replace the process")]

use core::arch::naked_asm;
use core::ffi::{CStr, c_char};
use core::fmt;

use abi::linux::process::{
    LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, P_PID, RLIMIT_CORE, SCHED_RR, WAIT_CONTINUED, WAIT_EXIT_SHIFT,
    WAIT_SIGNAL_MASK, WAIT_STOPPED, WEXITED, WNOHANG, WNOWAIT,
};
use abi::linux::syscall as number;

use super::errno::{Errno, from_raw};
use super::raw::syscall;
use super::signal::SignalName;
use crate::new_stack::{self, Entry};

/// `pid` argument of [`wait`]: any child.
pub const ANY_CHILD: i32 = -1;

/// In which of the two processes [`fork`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    /// In the new one.
    Child,
    /// In the old one, with the new one's process id.
    Parent(i32),
}

/// fork()
pub fn fork() -> Result<Fork, Errno> {
    // SAFETY: the child gets a copy of all memory and goes on with its only thread, as this process had.
    let pid = unsafe { syscall(number::FORK, []) }?;
    Ok(if pid == 0 {
        Fork::Child
    } else {
        Fork::Parent(pid as i32)
    })
}

/// fork(), with the child on another stack, which it enters. Gives the child's process id, and returns in the parent only.
///
/// # Safety
///
/// As for [`new_stack::enter`], in the child, which has that memory to itself.
pub unsafe fn fork_onto(stack: *mut Entry) -> Result<i32, Errno> {
    // SAFETY: the caller vouches for the stack.
    from_raw(unsafe { fork_and_enter(stack) }).map(|pid| pid as i32)
}

#[unsafe(naked)]
unsafe extern "C" fn fork_and_enter(stack: *mut Entry) -> i64 {
    naked_asm!(
        "mov eax, {FORK}",
        "syscall",
        "test rax, rax",
        // The system call leaves RDI as it was.
        "jz {enter}",
        "ret",
        FORK = const number::FORK,
        enter = sym new_stack::enter,
    )
}

/// The environment of every program that a program here starts.
///
/// The guest kernel saves SSE registers and no wider ones, so no program may use AVX. Ours are compiled without; glibc
/// chooses its string and mathematical functions when a program starts, by what the processor offers, unless it is told
/// not to.
static ENVIRONMENT: Environment = Environment([LIBC_SETTING.as_ptr(), core::ptr::null()]);

/// How the system's libc is told so: a setting of the environment.
pub const LIBC_SETTING: &CStr =
    c"GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX,-AVX2,-AVX_Fast_Unaligned_Load,-FMA,-FMA4,-AVX512F,-AVX512VL,-AVX512BW";

/// Pointers to settings, and a null pointer.
#[repr(transparent)]
struct Environment([*const c_char; 2]);

// SAFETY: the pointers lead to constants.
unsafe impl Sync for Environment {}

/// execve(path, argv, [`ENVIRONMENT`]). Returns only when it failed.
///
/// # Safety
///
/// `argv` ends with a null pointer, and each one before it points at a NUL-terminated string.
pub unsafe fn execve(path: &CStr, argv: &[*const c_char]) -> Errno {
    // SAFETY: the caller vouches for `argv`.
    unsafe { execve_at(path.as_ptr() as u64, argv) }
}

/// As [`execve`], with a path that need not exist.
///
/// # Safety
///
/// As for [`execve`].
pub unsafe fn execve_at(path_address: u64, argv: &[*const c_char]) -> Errno {
    let arguments = [path_address, argv.as_ptr() as u64, ENVIRONMENT.0.as_ptr() as u64];
    // SAFETY: the kernel only reads what the caller vouches for.
    match unsafe { syscall(number::EXECVE, arguments) } {
        Ok(value) => panic!("execve returned without failing: {value}"),
        Err(errno) => errno,
    }
}

/// fork(), and execve(path, argv, environment) in the child, which touches no memory before: it may share the caller's stack. Gives
/// the child's process id. A child whose execve fails exits with `failed_status`.
///
/// # Safety
///
/// As for [`execve`], and for `environment` as for `argv`; all of that stays as it is until the child has gone.
pub unsafe fn spawn(
    path: &CStr,
    argv: &[*const c_char],
    environment: &[*const c_char],
    failed_status: i32,
) -> Result<i32, Errno> {
    let (path, argv, environment) = (path.as_ptr(), argv.as_ptr(), environment.as_ptr());
    // SAFETY: the caller vouches for path, `argv` and `environment`.
    from_raw(unsafe { fork_and_execve(path, argv, environment, failed_status) }).map(|pid| pid as i32)
}

#[unsafe(naked)]
unsafe extern "C" fn fork_and_execve(
    path: *const c_char,
    argv: *const *const c_char,
    environment: *const *const c_char,
    failed_status: i32,
) -> i64 {
    naked_asm!(
        // RCX does not survive a system call.
        "mov r8d, ecx",
        "mov eax, {FORK}",
        "syscall",
        "test rax, rax",
        "jnz 2f",
        "mov eax, {EXECVE}",
        "syscall",
        "mov edi, r8d",
        "mov eax, {EXIT_GROUP}",
        "syscall",
        "ud2",
        "2:",
        "ret",
        FORK = const number::FORK,
        EXECVE = const number::EXECVE,
        EXIT_GROUP = const number::EXIT_GROUP,
    )
}

/// exit_group(status)
pub fn exit(status: i32) -> ! {
    // SAFETY: nothing of this process is left to be harmed.
    let result = unsafe { syscall(number::EXIT_GROUP, [status as u64]) };
    // A kernel that returns from here is broken; a panic would only come back.
    let _ = result;
    loop {
        sched_yield();
    }
}

/// A process that [`wait`] took note of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its process id.
    pub pid: i32,
    /// How it ended.
    pub status: WaitStatus,
}

/// wait4(pid, options): the process that ended, or nothing when `WNOHANG` and none had.
pub fn wait(pid: i32, options: u64) -> Result<Option<Ended>, Errno> {
    let mut status: i32 = 0;
    // SAFETY: the kernel writes to `status` alone.
    let ended = unsafe {
        syscall(
            number::WAIT4,
            [i64::from(pid) as u64, &raw mut status as u64, options, 0],
        )
    }?;
    Ok((ended != 0).then_some(Ended {
        pid: ended as i32,
        status: WaitStatus(status as u32),
    }))
}

/// How a process has ended that can still be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndInformation {
    /// Its process id.
    pub pid: i32,
    /// In which way: `CLD_EXITED` and others.
    pub code: u32,
    /// Exit code or number of the signal.
    pub status: u32,
}

/// What waitid tells: `siginfo_t` as a child's end fills it in (`asm-generic/siginfo.h`).
#[repr(C, align(8))]
struct SignalInformation {
    signal: i32,
    errno: i32,
    code: u32,
    padding: u32,
    pid: i32,
    uid: u32,
    status: u32,
    rest: [u32; 25],
}

const _: () = assert!(size_of::<SignalInformation>() == 128);

/// waitid(P_PID, pid, information, WEXITED | WNOHANG | WNOWAIT): how a child has ended; nothing when it has not. It can be waited for
/// afterwards as before.
pub fn peek_end(pid: i32) -> Result<Option<EndInformation>, Errno> {
    let mut information = SignalInformation {
        signal: 0,
        errno: 0,
        code: 0,
        padding: 0,
        pid: 0,
        uid: 0,
        status: 0,
        rest: [0; 25],
    };
    let arguments = [
        P_PID,
        i64::from(pid) as u64,
        &raw mut information as u64,
        WEXITED | WNOHANG | WNOWAIT,
        0,
    ];
    // SAFETY: the kernel writes to `information` alone, which has the length of its type there.
    unsafe { syscall(number::WAITID, arguments) }?;
    let SignalInformation {
        pid, code, status, ..
    } = information;
    Ok((pid != 0).then_some(EndInformation { pid, code, status }))
}

/// sched_setscheduler(0, SCHED_RR, priority): this process and the children that it has from now on take turns.
pub fn take_turns(priority: i32) -> Result<(), Errno> {
    // SAFETY: the kernel only reads the priority.
    unsafe {
        syscall(
            number::SCHED_SETSCHEDULER,
            [0, SCHED_RR, &raw const priority as u64],
        )
    }
    .map(drop)
}

/// setrlimit(RLIMIT_CORE, 0): a process that a signal ends leaves no core dump.
pub fn leave_no_core_dumps() -> Result<(), Errno> {
    let limits = [0_u64; 2];
    // SAFETY: the kernel only reads the limits.
    unsafe { syscall(number::SETRLIMIT, [RLIMIT_CORE, &raw const limits as u64]) }.map(drop)
}

/// prlimit64(0, resource): the limit of this process.
pub fn limit(resource: u64) -> Result<u64, Errno> {
    let mut limits = [0_u64; 2];
    // SAFETY: the kernel writes the limits, of which the first is the one that counts.
    unsafe { syscall(number::PRLIMIT64, [0, resource, 0, &raw mut limits as u64]) }?;
    Ok(limits[0])
}

/// wait4(pid, status), with a place for the status that need not exist: the process id.
///
/// # Safety
///
/// No Rust object lies at `status_address`.
pub unsafe fn wait_into(pid: i32, status_address: u64) -> Result<i32, Errno> {
    // SAFETY: the caller says that nothing of Rust's is overwritten.
    unsafe { syscall(number::WAIT4, [i64::from(pid) as u64, status_address, 0, 0]) }.map(|pid| pid as i32)
}

/// getpid()
#[must_use]
pub fn process_id() -> i32 {
    // SAFETY: no memory is involved.
    unsafe { syscall(number::GETPID, []) }.map_or(0, |pid| pid as i32)
}

/// getppid()
#[must_use]
pub fn parent_process_id() -> i32 {
    // SAFETY: no memory is involved.
    unsafe { syscall(number::GETPPID, []) }.map_or(0, |pid| pid as i32)
}

/// kill(pid, signal); signal 0 only asks whether there is such a process.
pub fn kill(pid: i32, signal: u64) -> Result<u64, Errno> {
    // SAFETY: programs here have no signal handlers, so a signal ends the process or does nothing.
    unsafe { syscall(number::KILL, [i64::from(pid) as u64, signal]) }
}

/// sched_yield()
pub fn sched_yield() {
    // SAFETY: no memory is involved. The call cannot fail.
    let _ = unsafe { syscall(number::SCHED_YIELD, []) };
}

/// reboot(command), for a command that ends the machine. Returns only when it failed.
pub fn reboot(command: u64) -> Errno {
    let arguments = [LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, command, 0];
    // SAFETY: no memory is involved.
    match unsafe { syscall(number::REBOOT, arguments) } {
        Ok(value) => panic!("reboot returned without failing: {value}"),
        Err(errno) => errno,
    }
}

/// How a process ended, as wait4 tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitStatus(pub u32);

impl WaitStatus {
    /// Whether the process has stopped, and not ended.
    #[must_use]
    pub const fn is_stopped(self) -> bool {
        self.0 & 0xff == WAIT_STOPPED
    }
}

impl fmt::Display for WaitStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signal = self.0 & WAIT_SIGNAL_MASK;
        if self.0 == WAIT_CONTINUED {
            return formatter.write_str("goes on");
        }
        if self.is_stopped() {
            return write!(formatter, "stopped by {}", SignalName(self.0 >> WAIT_EXIT_SHIFT));
        }
        match signal {
            0 => write!(formatter, "exit {}", self.0 >> WAIT_EXIT_SHIFT),
            _ => SignalName(signal).fmt(formatter),
        }
    }
}

/// The answer of [`wait`], for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitOutcome(pub Result<Option<Ended>, Errno>);

impl fmt::Display for WaitOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Ok(Some(ended)) => ended.status.fmt(formatter),
            Ok(None) => formatter.write_str("none ended"),
            Err(errno) => errno.fmt(formatter),
        }
    }
}
