//! What a signal does: by default, or because the program says so.

use abi::linux::process::{SIGCHLD, SIGCONT, SIGSTOP};

use super::action::Disposition;
use super::{Action, Pid, Signal};
use crate::errno::Errno;
use crate::mutant::{self, Mutant};

/// Ignored by default beside `SIGCHLD` and `SIGCONT`: urgent data, and a changed window.
const SIGURG: u32 = 23;
const SIGWINCH: u32 = 28;
/// Stop by default beside `SIGSTOP`: from the keyboard, and for input and output from the background.
pub(super) const STOPPING: [u32; 4] = [SIGSTOP, 20, 21, 22];

/// What a signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Nothing,
    /// Ends the process with this wait status.
    Ends(u32),
    /// Has all threads of the process stop.
    Stops,
    /// Has the handler at this address run.
    Runs(u64),
}

/// The signal of that number, a C int; None for 0, which only asks whether somebody is there. EINVAL for numbers that no signal
/// has.
pub(super) fn sendable(number: u64) -> Result<Option<Signal>, Errno> {
    let number = number as u32;
    if number == 0 {
        return Ok(None);
    }
    Signal::new(number).map(Some).ok_or(Errno::EINVAL)
}

/// What the signal does when it is not blocked.
pub(super) fn effect_of(signal: Signal, action: Action) -> Effect {
    match action.disposition() {
        Disposition::Default => by_default(signal),
        Disposition::Ignored => Effect::Nothing,
        Disposition::Handler(address) => Effect::Runs(address),
    }
}

/// What the signal does to that process when it is not blocked. Init takes none for which it has no handler.
pub(super) fn reaction(pid: Pid, signal: Signal, action: Action) -> Effect {
    match effect_of(signal, action) {
        Effect::Ends(_) | Effect::Stops if pid == Pid::INIT => Effect::Nothing,
        effect => effect,
    }
}

fn by_default(signal: Signal) -> Effect {
    let number = signal.number();
    if [SIGCHLD, SIGCONT, SIGURG, SIGWINCH].contains(&number) || mutant::is(Mutant::KillIgnored) {
        Effect::Nothing
    } else if STOPPING.contains(&number) {
        Effect::Stops
    } else {
        Effect::Ends(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_do_what_linux_does_by_default() {
        let effect = |number| sendable(number).map(|signal| signal.map(by_default));
        assert_eq!(effect(9), Ok(Some(Effect::Ends(9))));
        assert_eq!(effect(17), Ok(Some(Effect::Nothing)));
        assert_eq!(effect(0), Ok(None));
        assert_eq!(effect(65), Err(Errno::EINVAL));
        assert_eq!(effect(19), Ok(Some(Effect::Stops)));
    }
}
