//! Asks a parent how its child has ended, where the kernel does not report it by itself. A claim, as every report.

use abi::linux::process::{CLD_DUMPED, CLD_EXITED, CLD_KILLED, WAIT_EXIT_SHIFT};
use abi::operation;

use super::driver::{PATIENCE_WITH_TIMER, Wait};
use super::{Driver, Ends, Life, Outcome};
use crate::channel::{Channel, Operation, Reply};
use crate::vm::VmError;

/// Wait status: the process left a core dump.
const CORE_DUMP: u32 = 0x80;

/// How often the others come round before the parent of a silent one is asked whether it has ended.
const ROUNDS_BEFORE_PEEK: u32 = 2;

impl Driver {
    /// Asks parents that can be asked now how those children have ended of which nobody has told yet.
    ///
    /// # Errors
    /// The host failed.
    pub fn ask_for_untold_ends(&mut self) -> Result<(), VmError> {
        let untold = self.agents.iter().filter(|agent| agent.life == Life::Untold);
        let untold: Vec<Channel> = untold.map(|agent| agent.channel).collect();
        for channel in untold {
            if let Some(status) = self.peek_end(channel)? {
                self.agents.ended(channel, status);
            }
        }
        Ok(())
    }

    /// Whether a process that has been silent for so many rounds may have ended, so that its parent is asked: soon, because many
    /// operations end a process, and before it counts as silent.
    pub(super) fn is_time_to_peek(&self, wait: Wait, rounds: u32) -> bool {
        match (self.ends, wait) {
            (Ends::Reported, _) | (Ends::Waited, Wait::Ticks(_) | Wait::Parent(_)) => false,
            (Ends::Waited, Wait::Rounds(most) | Wait::IdleRounds(most)) => {
                rounds == ROUNDS_BEFORE_PEEK || rounds + 1 == most
            }
        }
    }

    /// How the process on `channel` has ended, as its parent is told; None when it has not, or when its parent cannot be asked.
    pub(super) fn peek_end(&mut self, channel: Channel) -> Result<Option<u32>, VmError> {
        let pid = self.agents.get(channel).and_then(|agent| agent.pid);
        let (Some(pid), Some(parent)) = (pid, self.agents.parent_of(channel)) else {
            return Ok(None);
        };
        // Nor may an answer be lost that the parent has given and nobody has taken.
        let can_be_asked = self.vm.stop().is_some_and(|mut stop| {
            let doorbell = &stop.devices().doorbell;
            doorbell.is_idle(parent) && !doorbell.has_answered(parent)
        });
        if !can_be_asked {
            return Ok(None);
        }
        let awaited = self.awaited;
        self.give(parent, ask(pid));
        // A parent is silent only if something else is wrong, which shows when it is asked to do something.
        let outcome = self.wait_for_reply(parent, Wait::Parent(PATIENCE_WITH_TIMER))?;
        self.set_awaited(awaited);
        Ok(match outcome {
            Outcome::Replied(reply) => status(&reply),
            Outcome::Ended(_) | Outcome::Silent | Outcome::GuestEnded => None,
        })
    }
}

/// The question.
fn ask(pid: u32) -> Operation {
    Operation::new(operation::PEEK_END, &[pid.into()])
}

/// The wait status that the answer amounts to; None when the child has not ended, or there is none.
fn status(reply: &Reply) -> Option<u32> {
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
