//! kill: signals, as far as a process that has no handlers gets them. Each does what Linux does by default: most end the
//! process, some are ignored. Those that stop a process are refused with EINVAL, because no process stops here.

use abi::linux::process::{SIGCHLD, SIGCONT, SIGNALS, SIGSTOP};

use super::{Life, Pid, exit, table};
use crate::errno::Errno;
use crate::mutant::{self, Mutant};

/// Ignored by default beside `SIGCHLD` and `SIGCONT`: urgent data, and a changed window.
const SIGURG: u32 = 23;
const SIGWINCH: u32 = 28;
/// Stop by default beside `SIGSTOP`: from the keyboard, and for input and output from the background.
const STOPPING: [u32; 4] = [SIGSTOP, 20, 21, 22];

/// What a signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// Only asks whether the process is there.
    Probe,
    Ignored,
    /// Ends the process with this wait status.
    Ends(u32),
}

/// Sends a signal: to the process of a positive number, to every process but init and the caller for -1, and for 0 to every
/// process of the caller's group, of which there is one, init's.
pub(crate) fn kill(pid: i32, signal: u64) -> Result<(), Errno> {
    let effect = effect_of(signal)?;
    table::with_table(|table| {
        let caller = table.current_process().pid;
        match pid {
            1.. => {
                let target = table.find_process(pid.unsigned_abs()).ok_or(Errno::ESRCH)?.pid;
                deliver(table, target, effect);
                Ok(())
            }
            0 | -1 => {
                // In two steps, because a signal changes the table.
                let mut number = Pid::INIT.as_u32();
                while let Some(next) = next_pid(table, number) {
                    number = next.as_u32();
                    if pid == 0 || next != caller {
                        deliver(table, next, effect);
                    }
                }
                Ok(())
            }
            _ => Err(Errno::ESRCH),
        }
    })
}

/// Sends a signal to a thread, which for these signals is as good as to its process.
pub(crate) fn kill_thread(pid: i32, tid: i32, signal: u64) -> Result<(), Errno> {
    let (Ok(pid), Ok(tid)) = (u32::try_from(pid), u32::try_from(tid)) else {
        return Err(Errno::EINVAL);
    };
    let effect = effect_of(signal)?;
    table::with_table(|table| {
        let thread = table.find_thread(tid).ok_or(Errno::ESRCH)?;
        let target = thread.process();
        if target.as_u32() != pid {
            return Err(Errno::ESRCH);
        }
        deliver(table, target, effect);
        Ok(())
    })
}

/// The process with the lowest number above `number`.
fn next_pid(table: &table::Table, number: u32) -> Option<Pid> {
    table
        .pids()
        .filter(|pid| pid.as_u32() > number)
        .min_by_key(|pid| pid.as_u32())
}

fn effect_of(signal: u64) -> Result<Effect, Errno> {
    // A C int.
    let signal = signal as u32;
    if signal == 0 {
        Ok(Effect::Probe)
    } else if u64::from(signal) > SIGNALS || STOPPING.contains(&signal) {
        Err(Errno::EINVAL)
    } else if [SIGCHLD, SIGCONT, SIGURG, SIGWINCH].contains(&signal) || mutant::is(Mutant::KillIgnored) {
        Ok(Effect::Ignored)
    } else {
        Ok(Effect::Ends(signal))
    }
}

/// Init takes no signal for which it has no handler, so none at all; a zombie is past caring.
fn deliver(table: &mut table::Table, pid: Pid, effect: Effect) {
    let Effect::Ends(status) = effect else { return };
    if pid != Pid::INIT && table.process(pid).life == Life::Alive {
        exit::begin_to_end(table, pid, status);
    }
}

#[cfg(test)]
mod tests {
    use super::{Effect, Errno, effect_of};

    #[test]
    fn signals_do_what_linux_does_by_default() {
        assert_eq!(effect_of(9), Ok(Effect::Ends(9)));
        assert_eq!(effect_of(17), Ok(Effect::Ignored));
        assert_eq!(effect_of(0), Ok(Effect::Probe));
        assert_eq!(effect_of(65), Err(Errno::EINVAL));
        assert_eq!(effect_of(19), Err(Errno::EINVAL));
    }
}
