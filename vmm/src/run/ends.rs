//! What a guest's end says of the guest.

use crate::drive::Driver;
use crate::finding::Finding;
use crate::printable::Printable;
use crate::rule::Rule;
use crate::vm::{Cause, Death};

/// Lines of a guest's log that are told when it ends too early.
const LOG_LINES_AT_END: usize = 4;

/// The finding that a guest's end is.
pub(super) fn end(death: &Death, last_fault: Option<String>) -> Finding {
    let expected = "it goes on";
    let found = match last_fault.filter(|_| death.cause.is_endless()) {
        Some(fault) => format!("{}; {fault}", death.cause),
        None => death.cause.to_string(),
    };
    match death.cause {
        // Where the guest was then says nothing.
        Cause::HostTooSlow { .. } => Finding::missing("the host", "it has the guest go on", found),
        Cause::EndedByDebugger => Finding::missing("the guest", "it goes on to its end", found),
        _ => Finding::new(Rule::Death, death.place.to_string(), expected, found),
    }
}

/// The same finding of a guest's end, with what it has logged last.
pub(super) fn with_log(finding: Finding, driver: &mut Driver) -> Finding {
    let lines = driver
        .stop()
        .map_or_else(Vec::new, |mut stop| stop.devices().last_lines());
    let last = &lines[lines.len().saturating_sub(LOG_LINES_AT_END)..];
    let told: Vec<&str> = last.iter().map(Printable::as_str).collect();
    if told.is_empty() {
        return finding;
    }
    let (found, last) = (finding.found.as_str(), told.join("; "));
    Finding {
        found: format!("{found}; its log ends with {last:?}").into(),
        ..finding
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rule::Blame;
    use crate::vm::Place;

    #[test]
    fn a_guest_is_to_blame_for_its_processor_time_and_not_for_a_slow_host_or_a_debugger() {
        let limit = Duration::from_secs(7);
        for (cause, blame) in [
            (Cause::OutOfProcessorTime { limit }, Blame::Guest),
            (Cause::Idle { limit }, Blame::Guest),
            (Cause::OutOfExits { limit: 7 }, Blame::Guest),
            (Cause::HostTooSlow { limit }, Blame::Nobody),
            (Cause::EndedByDebugger, Blame::Nobody),
        ] {
            let place = Place::at(0x1000);
            let finding = end(&Death { cause, place }, None);
            assert_eq!(finding.rule.blame(), blame, "{finding:?}");
        }
    }
}
