//! rt_sigprocmask: which signals a thread blocks.

use super::super::table;
use super::SignalSet;
use super::send::act;

/// Gives the thread that runs another mask. Signals that were waiting and are not blocked any more act.
pub(crate) fn change_mask(mask: SignalSet) {
    let mask = mask.blockable();
    table::with_table(|table| {
        let thread = table.current_thread();
        thread.signal_mask = mask;
        let pid = thread.process;
        let unblocked = SignalSet::from_bits(u64::MAX).difference(mask);
        loop {
            let own = table.current_thread().pending.take(unblocked);
            let Some((signal, _)) = own.or_else(|| table.process(pid).pending.take(unblocked)) else {
                break;
            };
            act(table, pid, signal);
        }
    });
}
