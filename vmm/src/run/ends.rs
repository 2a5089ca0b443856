//! What a guest's end says of the guest.

use crate::finding::Finding;
use crate::rule::Rule;
use crate::vm::{Cause, Death};

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
