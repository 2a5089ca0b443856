//! On the way back to a program: its signals act, and a call that one has interrupted ends or is made again.

use abi::linux::process::SIGSEGV;
use abi::linux::signal::{SA_RESETHAND, SA_RESTART, SI_KERNEL};
use abi::linux::syscall::RESTART_SYSCALL;

use super::super::{Pid, alarm, exit, table};
use super::effect::{Effect, effect_of, reaction};
use super::handler::{self, Taken};
use super::mask::set_mask;
use super::{Action, Origin, Signal, SignalSet, stop};
use crate::arch::TrapFrame;
use crate::errno::Errno;

/// What a thread does next.
enum Next {
    Ends,
    ActsOnSignals,
    GoesBack,
}

/// What the next signal does.
enum Act {
    Ends(u32),
    StandsStill,
    Runs(u64, Taken),
}

/// The last that is done before a program goes on.
pub(crate) fn go_back(registers: &mut TrapFrame) {
    let next = table::with_table(|table| {
        if table.current_must_end() {
            Next::Ends
        } else if table.current_thread().is_signalled {
            Next::ActsOnSignals
        } else {
            Next::GoesBack
        }
    });
    match next {
        Next::Ends => exit::leave(),
        Next::ActsOnSignals => act_on_signals(registers),
        Next::GoesBack => {}
    }
}

/// Of several handlers the one that is entered last runs first.
fn act_on_signals(registers: &mut TrapFrame) {
    loop {
        stop::stand_still();
        // Standing still, or putting a frame where it belongs, may have taken some time.
        exit::end_if_told();
        let Some(act) = table::with_table(next_act) else {
            settle_call(registers, None);
            if table::with_table(restore_mask) {
                continue;
            }
            return;
        };
        match act {
            Act::StandsStill => {}
            Act::Ends(status) => exit::end(status),
            Act::Runs(handler, taken) => {
                settle_call(registers, Some(taken.action));
                if handler::enter(registers, handler, taken).is_err() {
                    frame_refused(taken.signal);
                }
            }
        }
    }
}

/// The mask from before rt_sigsuspend is back, with which other signals may act. False when there is none.
fn restore_mask(table: &mut table::Table) -> bool {
    let mask = table.current_thread().suspended_mask.take();
    if let Some(mask) = mask {
        set_mask(table, mask);
    }
    mask.is_some()
}

/// A handler cannot run for want of a stack: the handler of SIGSEGV may have one of its own.
fn frame_refused(signal: Signal) {
    let is_last_resort = signal.number() == SIGSEGV;
    if is_last_resort || !force(Signal::new(SIGSEGV), Origin::kernel(SI_KERNEL)) {
        exit::end(SIGSEGV);
    }
}

/// Takes out the signal that comes next. None when there is none that does anything.
fn next_act(table: &mut table::Table) -> Option<Act> {
    let pid = table.current_process().pid;
    loop {
        let thread = table.current_thread();
        let unblocked = SignalSet::from_bits(u64::MAX).difference(thread.signal_mask);
        let own = thread.forced.take().or_else(|| thread.pending.take(unblocked));
        let Some((signal, origin)) = own.or_else(|| take_shared(table, pid, unblocked)) else {
            table.current_thread().is_signalled = false;
            return None;
        };
        let actions = &mut table.process(pid).actions;
        let action = actions.of(signal);
        match reaction(pid, signal, action) {
            Effect::Nothing => {}
            Effect::Ends(status) => return Some(Act::Ends(status)),
            Effect::Stops => {
                stop::begin_to_stop(table, pid, signal);
                return Some(Act::StandsStill);
            }
            Effect::Runs(handler) => {
                if action.has(SA_RESETHAND) {
                    actions.drop_handler(signal);
                }
                let taken = Taken {
                    signal,
                    origin,
                    action,
                };
                return Some(Act::Runs(handler, taken));
            }
        }
    }
}

/// Takes out one of the signals that were sent to all threads of the process.
pub(super) fn take_shared(table: &mut table::Table, pid: Pid, wanted: SignalSet) -> Option<(Signal, Origin)> {
    let taken = table.process(pid).pending.take(wanted);
    if let Some((signal, _)) = taken {
        alarm::taken(table, pid, signal);
    }
    taken
}

/// A call that a signal has interrupted fails with EINTR, or is made again: `action` is that of the handler that runs first, if one
/// does.
fn settle_call(registers: &mut TrapFrame, action: Option<Action>) {
    let Some(number) = registers.system_call() else {
        return;
    };
    let result = registers.system_call_result();
    let is = |errno: Errno| result == errno.as_result();
    let restarts = action.is_none_or(|action| action.has(SA_RESTART));
    if is(Errno::ERESTARTSYS) && restarts || is(Errno::ERESTARTNOHAND) && action.is_none() {
        registers.call_again(number);
    } else if is(Errno::ERESTART_RESTARTBLOCK) && action.is_none() {
        registers.call_again(RESTART_SYSCALL);
    } else if is(Errno::ERESTARTSYS) || is(Errno::ERESTARTNOHAND) || is(Errno::ERESTART_RESTARTBLOCK) {
        registers.set_system_call_result(Errno::EINTR.as_result());
    }
    registers.forget_system_call();
}

/// A signal for something that the thread has just done. False when no handler is there for it, or when it is blocked: then it ends
/// the process.
pub(in crate::process) fn force(signal: Option<Signal>, origin: Origin) -> bool {
    let Some(signal) = signal else { return false };
    table::with_table(|table| {
        let action = table.current_process().actions.of(signal);
        let thread = table.current_thread();
        let is_taken =
            matches!(effect_of(signal, action), Effect::Runs(_)) && !thread.signal_mask.contains(signal);
        if is_taken {
            thread.forced = Some((signal, origin));
            thread.is_signalled = true;
        }
        is_taken
    })
}
