//! Steps that change what a process is or when it goes on: execve, kill, sleep, getppid, spin, setuid, failures that are
//! ordered, and the passing of time.

use abi::boot::AGENT_PATH;
use abi::clock::TICK_NANOSECONDS;
use abi::linux::syscall::SETUID;
use abi::operation;

use super::{Claim, Performed, Performer, arguments_payload};
use crate::channel::{Channel, Operation as AgentOperation};
use crate::drive::{Drive, End, Life, Outcome, Ticked};
use crate::finding::{Finding, status_text};
use crate::rule::Rule;
use crate::scenario::{DefaultAction, Expected, OperationStep, PathArgument, ProcessName, Return, Signal};

/// A nanosecond count for each millisecond.
const NANOSECONDS_PER_MS: u64 = 1_000_000;

impl<D: Drive> Performer<D> {
    pub(super) fn execve(
        &mut self,
        process: Channel,
        step: &OperationStep,
        program: &str,
        path: PathArgument,
    ) -> Result<Performed, D::Error> {
        let before = self.driver.agents().get(process).and_then(|agent| agent.hello);
        let mut words = vec![program.to_owned()];
        if program == AGENT_PATH {
            words.extend(self.driver.agent_arguments(process));
        }
        let (payload, count) = arguments_payload(&words);
        let unmapped = u64::from(path == PathArgument::Unmapped);
        let operation = AgentOperation::new(operation::EXECVE, &[payload.len() as u64, count, unmapped])
            .with_payload(payload);
        let outcome = self.driver.replace(process, operation)?;
        self.claim(Claim::of(operation::EXECVE, &[], &outcome));
        let (performed, reply) = self.judge_outcome(process, step.expected, outcome);
        if reply.is_none() {
            return Ok(performed);
        }
        self.model.replace_program(process);
        self.regions.clear(process);
        let after = self.driver.agents().get(process).and_then(|agent| agent.hello);
        if after == before {
            return Ok(performed);
        }
        let finding = Finding::new(
            Rule::Result,
            self.name(process),
            "the same process id and the same parent as before",
            "others, as the new program says",
        );
        Ok(Performed::otherwise(finding))
    }

    /// Sends a signal, and waits for the end of a process that it ends.
    pub(super) fn kill(
        &mut self,
        process: Channel,
        step: &OperationStep,
        of: &ProcessName,
        signal: Signal,
    ) -> Result<Performed, D::Error> {
        let target = self.driver.agents().named(of.as_str()).cloned();
        let Some((target, pid)) = target.and_then(|agent| {
            let pid = agent.pid.map(u64::from)?;
            Some((agent, pid))
        }) else {
            let finding = Finding::missing(of.as_str(), "a process id", "none");
            return Ok(Performed::otherwise(finding));
        };
        let operation = AgentOperation::new(operation::KILL, &[pid, signal.number().into()]);
        let outcome = self.ask(process, operation)?;
        let ends = signal.default_action() == DefaultAction::End && target.life == Life::Alive;
        let to_itself = target.channel == process;
        let mut performed = match outcome {
            Outcome::Ended(status) if to_itself && ends => {
                return Ok(self.judge_end(target.channel, signal, End::Reported(status)));
            }
            outcome => {
                let (performed, reply) = self.judge_outcome(process, step.expected, outcome);
                if reply.is_none() || !ends {
                    return Ok(performed);
                }
                performed
            }
        };
        let end = self.driver.await_end(target.channel)?;
        let end = self.judge_end(target.channel, signal, end);
        performed.result = end.result;
        performed.findings.extend(end.findings);
        Ok(performed)
    }

    /// Holds the end of a process against the signal that it was sent. If it is silent nobody reported its end: then its
    /// parent's wait will tell.
    fn judge_end(&mut self, target: Channel, signal: Signal, end: End) -> Performed {
        let (name, expected) = (self.name(target), status_text(signal.number()));
        let otherwise = |found: String| {
            Performed::otherwise(Finding::new(Rule::Result, name.clone(), expected.clone(), found))
        };
        let performed = match end {
            End::StillAsks => return otherwise("asks for operations as before".to_owned()),
            End::Reported(status) => match status_text(status) {
                found if found == expected => Performed::as_expected(format!("{name} {found}")),
                found => otherwise(found),
            },
            End::Silent | End::GuestEnded => {
                self.driver.lost(target);
                Performed::as_expected("done")
            }
        };
        self.waiting.remove(&target);
        self.model.end(target);
        performed
    }

    pub(super) fn sleep(
        &mut self,
        process: Channel,
        step: &OperationStep,
        ms: u64,
    ) -> Result<Performed, D::Error> {
        let operation = AgentOperation::new(operation::SLEEP, &[ms * NANOSECONDS_PER_MS]);
        match step.returns {
            Return::AtOnce => self
                .call(process, step.expected, operation)
                .map(|(performed, _)| performed),
            Return::Later => self.begin_to_wait(process, step, operation, "sleeps"),
        }
    }

    pub(super) fn spin(&mut self, process: Channel, step: &OperationStep) -> Result<Performed, D::Error> {
        let operation = AgentOperation::new(operation::SPIN, &[]);
        self.begin_to_wait(process, step, operation, "loops")
    }

    /// Starts a call that must not return now.
    fn begin_to_wait(
        &mut self,
        process: Channel,
        step: &OperationStep,
        operation: AgentOperation,
        doing: &str,
    ) -> Result<Performed, D::Error> {
        let code = operation.code;
        let outcome = self.driver.start(process, operation)?;
        self.claim(Claim::of(code, &[], &outcome));
        match outcome {
            Outcome::Silent => {
                self.waiting.insert(process, step.clone());
                Ok(Performed::as_expected(doing))
            }
            Outcome::Replied(_) => {
                let finding = Finding::new(
                    Rule::Result,
                    self.name(process),
                    "the call takes its time",
                    "the call returned at once",
                );
                Ok(Performed::otherwise(finding))
            }
            outcome => Ok(self.judge_outcome(process, step.expected, outcome).0),
        }
    }

    /// What a sleep gave that was started before.
    pub(super) fn finish_sleep(
        &mut self,
        process: Channel,
        ms: u64,
        expected: Expected,
    ) -> Result<Performed, D::Error> {
        let outcome = self.driver.finish(process)?;
        self.claim(Claim::of(operation::SLEEP, &[], &outcome));
        let (performed, reply) = self.judge_outcome(process, expected, outcome);
        Ok(reply.map_or(performed.clone(), |_| self.judge_sleep(process, ms, performed)))
    }

    /// A sleep must not end before its time.
    fn judge_sleep(&self, process: Channel, ms: u64, performed: Performed) -> Performed {
        let needed = ms.saturating_mul(NANOSECONDS_PER_MS).div_ceil(TICK_NANOSECONDS);
        match self.driver.ticks_taken(process) {
            Some(taken) if taken < needed => Performed::otherwise(Finding::new(
                Rule::Result,
                self.name(process),
                format!("asleep for {ms} ms: {needed} ticks"),
                format!("asleep for {taken} ticks"),
            )),
            Some(_) | None => performed,
        }
    }

    pub(super) fn getppid(
        &mut self,
        process: Channel,
        step: &OperationStep,
        is: &ProcessName,
    ) -> Result<Performed, D::Error> {
        let operation = AgentOperation::new(operation::GETPPID, &[]);
        let outcome = self.driver.perform(process, operation)?;
        let parent = match &outcome {
            Outcome::Replied(reply) => self.driver.agents().with_pid(reply.result),
            Outcome::Ended(_) | Outcome::Silent | Outcome::GuestEnded => None,
        };
        let parent = parent.map_or_else(|| "an unknown process".to_owned(), |agent| agent.name.clone());
        self.claim(Claim::of_parent(&outcome, &parent));
        let (performed, reply) = self.judge_outcome(process, step.expected, outcome);
        if reply.is_none() || parent == is.as_str() {
            return Ok(performed);
        }
        let finding = Finding::new(
            Rule::Result,
            self.name(process),
            format!("the parent is {is}"),
            parent,
        );
        Ok(Performed::otherwise(finding))
    }

    pub(super) fn setuid(
        &mut self,
        process: Channel,
        step: &OperationStep,
        uid: u32,
    ) -> Result<Performed, D::Error> {
        let operation = AgentOperation::new(operation::SYSTEM_CALL, &[SETUID, uid.into()]);
        self.call(process, step.expected, operation)
            .map(|(performed, _)| performed)
    }

    pub(super) fn fail_nth(
        &mut self,
        process: Channel,
        step: &OperationStep,
        nth: u64,
    ) -> Result<Performed, D::Error> {
        let operation = AgentOperation::new(operation::FAIL_NTH, &[nth]);
        self.call(process, step.expected, operation)
            .map(|(performed, _)| performed)
    }

    /// Lets ticks of the virtual clock pass.
    ///
    /// # Errors
    /// The host failed.
    pub fn tick(&mut self, count: u64) -> Result<Performed, D::Error> {
        Ok(Performed::as_expected(match self.driver.tick(count)? {
            Ticked::Taken => "done".to_owned(),
            // What that says about the kernel is the judge's to tell: the tick still waits.
            Ticked::NotTaken { taken } => format!("{taken} of {count} taken"),
            Ticked::GuestEnded => "the guest ended".to_owned(),
        }))
    }
}
