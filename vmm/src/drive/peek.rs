//! Asks a parent how its child has ended, where the kernel does not report it by itself. A claim, as every report.

use abi::linux::process::{CLD_DUMPED, CLD_EXITED, CLD_KILLED, WAIT_EXIT_SHIFT};
use abi::operation;

use crate::channel::{Operation, Reply};

/// Wait status: the process left a core dump.
const CORE_DUMP: u32 = 0x80;

/// The question.
pub(super) fn ask(pid: u32) -> Operation {
    Operation::new(operation::PEEK_END, &[pid.into()])
}

/// The wait status that the answer amounts to; None when the child has not ended, or there is none.
pub(super) fn status(reply: &Reply) -> Option<u32> {
    if reply.result <= 0 {
        return None;
    }
    let (status, code) = (reply.value as u32, (reply.value >> 32) as u32);
    match code {
        CLD_EXITED => Some(status << WAIT_EXIT_SHIFT),
        CLD_KILLED => Some(status),
        CLD_DUMPED => Some(status | CORE_DUMP),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(result: i64, code: u32, status: u32) -> Reply {
        Reply {
            result,
            value: u64::from(code) << 32 | u64::from(status),
            ..Reply::default()
        }
    }

    #[test]
    fn an_answer_is_a_wait_status_or_nothing() {
        assert_eq!(status(&reply(7, CLD_EXITED, 3)), Some(0x300));
        assert_eq!(status(&reply(7, CLD_KILLED, 11)), Some(11));
        assert_eq!(status(&reply(7, CLD_DUMPED, 11)), Some(0x8b));
        for nothing in [reply(0, 0, 0), reply(-10, CLD_EXITED, 0), reply(7, 99, 1)] {
            assert_eq!(status(&nothing), None);
        }
    }
}
