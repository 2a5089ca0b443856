//! Signals that are blocked and waited for (`asm-generic/signal-defs.h`, `asm-generic/siginfo.h`). Their numbers are in
//! [`super::process`].

/// rt_sigprocmask: add the set to the mask.
pub const SIG_BLOCK: u64 = 0;
/// rt_sigprocmask: take the set out of the mask.
pub const SIG_UNBLOCK: u64 = 1;
/// rt_sigprocmask: the set is the mask.
pub const SIG_SETMASK: u64 = 2;

/// Bytes of a set of signals: signal `n` is bit `n - 1`.
pub const SIGSET_BYTES: u64 = 8;

/// Bytes of a `siginfo_t`.
pub const SIGINFO_BYTES: usize = 128;
/// Offset in a `siginfo_t` of the signal's number, a C int as the others.
pub const SI_SIGNO_OFFSET: usize = 0;
/// Offset of the code, which says where the signal comes from.
pub const SI_CODE_OFFSET: usize = 8;
/// Offset of the process id of the sender, or of the child.
pub const SI_PID_OFFSET: usize = 16;
/// Offset of the user id of that process.
pub const SI_UID_OFFSET: usize = 20;
/// Offset of how the child ended: the exit status or the signal.
pub const SI_STATUS_OFFSET: usize = 24;

/// Code: sent by kill.
pub const SI_USER: i32 = 0;
/// Code: sent by tgkill.
pub const SI_TKILL: i32 = -6;
/// Code of a `SIGCHLD`: the child has exited.
pub const CLD_EXITED: i32 = 1;
/// Code of a `SIGCHLD`: a signal has ended the child.
pub const CLD_KILLED: i32 = 2;
