//! Processes: wait status, signals, reboot (`linux/wait.h`, `asm/signal.h`, `linux/reboot.h`).

use crate::named_numbers;

/// wait4: return 0 at once when no child has ended.
pub const WNOHANG: u64 = 1;

/// Wait status of a process that called exit: the code's low 8 bits, shifted left by this.
pub const WAIT_EXIT_SHIFT: u32 = 8;
/// Wait status: low 7 bits are the number of the fatal signal, 0 for an exit.
pub const WAIT_SIGNAL_MASK: u32 = 0x7f;

named_numbers! {
    /// Name of a signal number.
    signal_name: u32 {
        /// Interrupt from the keyboard.
        SIGINT = 2;
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
        /// Invalid memory reference.
        SIGSEGV = 11;
        /// Termination.
        SIGTERM = 15;
    }
}

/// reboot: first magic number.
pub const LINUX_REBOOT_MAGIC1: u64 = 0xfee1_dead;
/// reboot: second magic number.
pub const LINUX_REBOOT_MAGIC2: u64 = 672_274_793;
/// reboot: power off.
pub const LINUX_REBOOT_CMD_POWER_OFF: u64 = 0x4321_fedc;
