//! Processes: wait status, signals, reboot (`linux/wait.h`, `asm/signal.h`, `linux/reboot.h`).

use crate::named_numbers;

/// wait4: return 0 at once when no child has ended.
pub const WNOHANG: u64 = 1;

/// wait4: take note of children that have stopped, too.
pub const WUNTRACED: u64 = 2;
/// wait4: take note of children that go on after they had stopped, too.
pub const WCONTINUED: u64 = 8;
/// Wait status of a child that has stopped: this, and the signal shifted left as an exit code is.
pub const WAIT_STOPPED: u32 = 0x7f;
/// Wait status of a child that goes on.
pub const WAIT_CONTINUED: u32 = 0xffff;

/// waitid: the process with this id.
pub const P_PID: u64 = 1;
/// waitid: take note of processes that have ended.
pub const WEXITED: u64 = 4;
/// waitid: leave the process as it is, so that it can be waited for again.
pub const WNOWAIT: u64 = 0x0100_0000;

/// waitid: the process called exit; the status is its code.
pub const CLD_EXITED: u32 = 1;
/// waitid: a signal ended the process; the status is its number.
pub const CLD_KILLED: u32 = 2;
/// waitid: as [`CLD_KILLED`], and the process left a core dump.
pub const CLD_DUMPED: u32 = 3;

/// Wait status of a process that called exit: the code's low 8 bits, shifted left by this.
pub const WAIT_EXIT_SHIFT: u32 = 8;
/// Wait status: low 7 bits are the number of the fatal signal, 0 for an exit.
pub const WAIT_SIGNAL_MASK: u32 = 0x7f;

named_numbers! {
    /// Name of a signal number.
    signal_name: u32 {
        /// Hangup.
        SIGHUP = 1;
        /// Interrupt from the keyboard.
        SIGINT = 2;
        /// Quit from the keyboard.
        SIGQUIT = 3;
        /// Illegal instruction.
        SIGILL = 4;
        /// Breakpoint.
        SIGTRAP = 5;
        /// Abort.
        SIGABRT = 6;
        /// Bus error: a mapped page without an object behind it, or misaligned access.
        SIGBUS = 7;
        /// Arithmetic error.
        SIGFPE = 8;
        /// Kill; cannot be refused.
        SIGKILL = 9;
        /// First signal for programs' own use.
        SIGUSR1 = 10;
        /// Invalid memory reference.
        SIGSEGV = 11;
        /// Second signal for programs' own use.
        SIGUSR2 = 12;
        /// Write to a pipe without readers.
        SIGPIPE = 13;
        /// A timer has run out.
        SIGALRM = 14;
        /// Termination.
        SIGTERM = 15;
        /// A child has ended. Ignored unless a program asks for it.
        SIGCHLD = 17;
        /// Go on if stopped.
        SIGCONT = 18;
        /// Stop; cannot be refused.
        SIGSTOP = 19;
    }
}

/// reboot: first magic number.
pub const LINUX_REBOOT_MAGIC1: u64 = 0xfee1_dead;
/// reboot: second magic number.
pub const LINUX_REBOOT_MAGIC2: u64 = 672_274_793;
/// reboot: power off.
pub const LINUX_REBOOT_CMD_POWER_OFF: u64 = 0x4321_fedc;
/// reboot: restart the machine.
pub const LINUX_REBOOT_CMD_RESTART: u64 = 0x0123_4567;

/// sched_setscheduler: processes of one priority take turns of a fixed length.
pub const SCHED_RR: u64 = 2;
/// setrlimit: the largest core dump.
pub const RLIMIT_CORE: u64 = 4;
/// The most bytes of memory that may be locked.
pub const RLIMIT_MEMLOCK: u64 = 8;

/// Largest signal number.
pub const SIGNALS: u64 = 64;

/// clone: the new thread sees the same memory.
pub const CLONE_VM: u64 = 0x100;
/// clone: same root and working directory.
pub const CLONE_FS: u64 = 0x200;
/// clone: same file descriptors.
pub const CLONE_FILES: u64 = 0x400;
/// clone: same signal handlers.
pub const CLONE_SIGHAND: u64 = 0x800;
/// clone: a thread of the same process.
pub const CLONE_THREAD: u64 = 0x1_0000;
/// clone: same System V semaphore undo list.
pub const CLONE_SYSVSEM: u64 = 0x4_0000;
/// clone: the last argument is the new thread's FS base.
pub const CLONE_SETTLS: u64 = 0x8_0000;
/// clone: store the new thread's number in the caller's memory.
pub const CLONE_PARENT_SETTID: u64 = 0x10_0000;
/// clone: at the thread's end, clear the word and wake one who waits for it.
pub const CLONE_CHILD_CLEARTID: u64 = 0x20_0000;
/// clone: has no meaning any more.
pub const CLONE_DETACHED: u64 = 0x40_0000;
/// clone: store the new thread's number in its own memory.
pub const CLONE_CHILD_SETTID: u64 = 0x100_0000;
/// clone: the low byte is the signal that the parent gets at the end.
pub const CLONE_SIGNAL_MASK: u64 = 0xff;

/// arch_prctl: set the FS base.
pub const ARCH_SET_FS: u64 = 0x1002;
/// arch_prctl: get the FS base.
pub const ARCH_GET_FS: u64 = 0x1003;

/// futex: sleep while the word holds the value.
pub const FUTEX_WAIT: u64 = 0;
/// futex: wake sleepers.
pub const FUTEX_WAKE: u64 = 1;
/// futex: sleep, with an absolute timeout and a bit set.
pub const FUTEX_WAIT_BITSET: u64 = 9;
/// futex: wake sleepers that have one of the bits.
pub const FUTEX_WAKE_BITSET: u64 = 10;
/// futex: the word is used by one process alone.
pub const FUTEX_PRIVATE_FLAG: u64 = 128;
/// futex: the timeout is on the clock of the day.
pub const FUTEX_CLOCK_REALTIME: u64 = 256;

/// Clock of the day.
pub const CLOCK_REALTIME: u64 = 0;
/// Clock that nobody sets.
pub const CLOCK_MONOTONIC: u64 = 1;
/// setitimer: the timer of the clock.
pub const ITIMER_REAL: u64 = 0;
/// Bytes of a `struct itimerval`: interval and value, in seconds and microseconds of 8 bytes each.
pub const ITIMERVAL_BYTES: usize = 32;
/// clock_nanosleep: the time is a moment, not a duration.
pub const TIMER_ABSTIME: u64 = 1;
