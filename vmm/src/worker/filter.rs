//! The system calls of a run. Any other ends the process with SIGSYS.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

use super::confine::{Processes, Sockets};

/// The filter cannot be installed.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// It cannot be made for this processor.
    #[error("cannot make a filter of system calls")]
    Make(#[from] seccompiler::BackendError),
    /// The kernel refuses it.
    #[error("cannot install a filter of system calls")]
    Install(#[from] seccompiler::Error),
}

/// What every run calls. Files can be opened as far as Landlock lets them.
const ALWAYS: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_open,
    libc::SYS_openat,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fcntl,
    libc::SYS_ioctl,
    libc::SYS_eventfd2,
    libc::SYS_pipe2,
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getrandom,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // A filter of its own answers it.
    libc::SYS_clone3,
];

/// What a run with servers of the host calls, too.
const WITH_SOCKETS: &[c_long] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept4,
    libc::SYS_shutdown,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    // The folder of a socket.
    libc::SYS_mkdir,
    libc::SYS_unlink,
    libc::SYS_unlinkat,
    libc::SYS_rmdir,
    libc::SYS_getdents64,
];

/// What a run calls that forks itself, too. Signals to threads are each process's own, whose number is not known yet: Landlock keeps
/// them among the processes of the run where the kernel can do that.
const WITH_BRANCHES: &[c_long] = &[libc::SYS_clone, libc::SYS_fork, libc::SYS_wait4, libc::SYS_tgkill];

/// An operation of `prctl` since Linux 6.4.
const PR_GET_AUXV: u64 = 0x4155_5856;

/// Installs the filter, and gives up new privileges for good.
pub(super) fn install(sockets: Sockets, processes: Processes) -> Result<(), FilterError> {
    let with_sockets = match sockets {
        Sockets::None => &[][..],
        Sockets::ToServers => WITH_SOCKETS,
    };
    let with_processes = match processes {
        Processes::None => &[][..],
        Processes::Branches => WITH_BRANCHES,
    };
    let calls = ALWAYS.iter().chain(with_sockets).chain(with_processes);
    let mut allowed: BTreeMap<c_long, Vec<SeccompRule>> = calls.map(|call| (*call, Vec::new())).collect();
    let thread = libc::CLONE_THREAD as u64;
    let own_process = u64::from(std::process::id());
    let mut conditions = vec![
        // Threads, and no processes.
        (libc::SYS_clone, 0, SeccompCmpOp::MaskedEq(thread), thread),
        // Signals to itself.
        (libc::SYS_tgkill, 0, SeccompCmpOp::Eq, own_process),
        // The name of a thread, and what the kernel told the process at its start.
        (libc::SYS_prctl, 0, SeccompCmpOp::Eq, libc::PR_SET_NAME as u64),
        (libc::SYS_prctl, 0, SeccompCmpOp::Eq, PR_GET_AUXV),
        // Limits can be read.
        (libc::SYS_prlimit64, 2, SeccompCmpOp::Eq, 0),
    ];
    if processes == Processes::Branches {
        // A branch ends with whoever waits for it. A call that is allowed at all has no conditions.
        conditions.retain(|(call, ..)| !WITH_BRANCHES.contains(call));
        conditions.push((
            libc::SYS_prctl,
            0,
            SeccompCmpOp::Eq,
            libc::PR_SET_PDEATHSIG as u64,
        ));
    }
    for (call, argument, operator, value) in conditions {
        let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Qword, operator, value)?;
        allowed
            .entry(call)
            .or_default()
            .push(SeccompRule::new(vec![condition])?);
    }
    // The flags of clone3 lie in memory, where no filter sees them: libc takes this answer for an old kernel, and calls clone.
    let unknown = SeccompAction::Errno(libc::ENOSYS as u32);
    let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    apply(clone3, SeccompAction::Allow, unknown)?;
    apply(allowed, SeccompAction::KillProcess, SeccompAction::Allow)
}

fn apply(
    rules: BTreeMap<c_long, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    matching: SeccompAction,
) -> Result<(), FilterError> {
    let filter = SeccompFilter::new(rules, otherwise, matching, TargetArch::x86_64)?;
    let program: BpfProgram = filter.try_into()?;
    Ok(apply_filter(&program)?)
}
