//! Performs the operation steps of a scenario: turns each into operations for an agent, holds the answer against what the
//! step expects, and tells the reference model what must be in memory now.
//!
//! An answer is a claim. What the claim is checked against here is the scenario's expectation; whether memory really is
//! as claimed is checked by [`crate::judge`], which gets the model and the regions from here. The claims themselves are
//! kept, so that two kernels that performed the same steps can be compared.

mod claim;
#[cfg(test)]
mod hostile_answers;
mod kernel_access;
mod memory;
mod mmap;
mod nonce;
mod pagemap;
mod process;
mod shadowpt;
mod signal;

use std::collections::BTreeMap;

use abi::linux::errno::{MAX_ERRNO, errno_name};
use abi::linux::process::WAIT_SIGNAL_MASK;
use abi::operation;

pub use claim::Claim;

use crate::address::VirtAddr;
use crate::channel::{Channel, Operation as AgentOperation, Reply};
use crate::draws::Draws;
use crate::drive::{Drive, Life, Outcome};
use crate::finding::{Finding, status_text};
use crate::model::{Model, Regions, Tracking};
use crate::printable::Printable;
use crate::rule::Rule;
use crate::scenario::{Ending, Expected, Operation, OperationStep, ProcessName, Return};
use crate::vm::Death;
use nonce::Nonce;

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Performed {
    /// A few words for the report.
    pub result: String,
    /// What a program printed meanwhile.
    pub output: Printable,
    /// Where the result was not the expected one.
    pub findings: Vec<Finding>,
}

impl Performed {
    fn as_expected(result: impl Into<String>) -> Performed {
        Performed {
            result: result.into(),
            output: Printable::default(),
            findings: Vec::new(),
        }
    }

    /// Nothing that could go wrong.
    pub(crate) fn nothing(result: impl Into<String>) -> Performed {
        Performed::as_expected(result)
    }

    fn otherwise(finding: Finding) -> Performed {
        Performed {
            result: finding.found.to_string(),
            output: Printable::default(),
            findings: vec![finding],
        }
    }
}

/// Most bytes of claims that one run keeps.
const MAX_CLAIM_BYTES: usize = 8 << 20;

/// Performs steps on a guest, or on whatever else can drive agents.
pub struct Performer<D> {
    driver: D,
    model: Model,
    regions: Regions,
    /// Members of the groups that `fork_until` made.
    groups: BTreeMap<ProcessName, Vec<Channel>>,
    /// Steps whose call waits.
    waiting: BTreeMap<Channel, OperationStep>,
    claims: Vec<Claim>,
    /// Bytes in all claims so far.
    claim_bytes: usize,
    /// Number of the first system call of the shadow page table.
    shadowpt_base: u64,
    draws: Draws,
}

impl<D: Drive> Performer<D> {
    /// A performer for a guest that has booted: its first agent is there and nobody else.
    #[must_use]
    pub fn new(driver: D) -> Performer<D> {
        Performer {
            driver,
            model: Model::default(),
            regions: Regions::default(),
            groups: BTreeMap::new(),
            waiting: BTreeMap::new(),
            claims: Vec::new(),
            claim_bytes: 0,
            shadowpt_base: abi::shadowpt::BASE_NUMBER,
            draws: Draws::default(),
        }
    }

    /// The same for a kernel whose first system call of the shadow page table has this number.
    #[must_use]
    pub fn with_shadowpt_base(self, number: u64) -> Performer<D> {
        Performer {
            shadowpt_base: number,
            ..self
        }
    }

    /// The machine and its agents.
    #[must_use]
    pub fn driver(&self) -> &D {
        &self.driver
    }

    /// The machine and its agents, to let it run or to inspect it.
    pub fn driver_mut(&mut self) -> &mut D {
        &mut self.driver
    }

    /// The machine and its agents, with what must be in memory and where named regions are.
    pub fn driver_and_memory(&mut self) -> (&mut D, &Model, &Regions) {
        (&mut self.driver, &self.model, &self.regions)
    }

    /// What must be in memory.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Where named regions are.
    #[must_use]
    pub fn regions(&self) -> &Regions {
        &self.regions
    }

    /// What the agents answered since this was last called. A step that gets the same answer many times in a row, such as
    /// one for each member of a group, tells of it once.
    pub fn take_claims(&mut self) -> Vec<Claim> {
        std::mem::take(&mut self.claims)
    }

    /// Makes the scenario's first process.
    ///
    /// # Errors
    /// The host failed.
    pub fn begin(&mut self, first: &ProcessName) -> Result<Performed, D::Error> {
        self.fork(Channel::FIRST, first.as_str(), Expected::Success)
    }

    /// Performs one step.
    ///
    /// # Errors
    /// The host failed.
    pub fn step(&mut self, step: &OperationStep) -> Result<Performed, D::Error> {
        if let (Operation::Exit { status }, Some(members)) = (&step.operation, self.groups.get(&step.process))
        {
            return self.exit_group(members.clone(), *status);
        }
        let name = step.process.as_str();
        let Some(process) = self
            .driver
            .agents()
            .named(name)
            .filter(|agent| agent.life == Life::Alive)
        else {
            let finding = Finding::new(Rule::Answer, name, "a live process", "no such process");
            return Ok(Performed::otherwise(finding));
        };
        let process = process.channel;
        match &step.operation {
            Operation::Mmap { .. }
            | Operation::Munmap { .. }
            | Operation::Mprotect { .. }
            | Operation::Madvise { .. }
            | Operation::Brk { .. }
            | Operation::TouchStack { .. }
            | Operation::StackRoom { .. }
            | Operation::Read(_)
            | Operation::Write(_)
            | Operation::CopyToUser(_)
            | Operation::CopyFromUser(_)
            | Operation::MemWrite(_)
            | Operation::MemRead(_) => self.memory_step(process, step),
            Operation::Execve { program, path } => self.execve(process, step, program, *path),
            Operation::Kill { of, signal } => self.kill(process, step, of, *signal),
            Operation::Sleep { ms } => self.sleep(process, step, *ms),
            Operation::Getppid { is } => self.getppid(process, step, is),
            Operation::Spin => self.spin(process, step),
            Operation::Setuid { uid } => self.setuid(process, step, *uid),
            Operation::FailNth { nth } => self.fail_nth(process, step, *nth),
            Operation::Pagemap { of, is } => self.pagemap(process, step, of, is),
            Operation::ShadowptOpen { .. } => self.shadowpt_open(process, step),
            Operation::ShadowptClose => self.shadowpt_close(process, step),
            Operation::ShadowptStart => self.shadowpt_track(process, step, Tracking::Started),
            Operation::ShadowptStop => self.shadowpt_track(process, step, Tracking::Stopped),
            Operation::ShadowptPageContents { of, into } => {
                self.shadowpt_page_contents(process, step, of, into)
            }
            Operation::Fork { child } => self.fork(process, child.as_str(), step.expected),
            Operation::ForkUntil {
                group,
                limit,
                as_many_as,
            } => {
                let performed = self.fork_until(process, group, *limit, step.expected)?;
                Ok(self.compare_groups(process, performed, group, as_many_as.as_ref()))
            }
            Operation::Exit { status } => self.exit(process, *status),
            Operation::Wait { .. } => self.wait(process, step),
            Operation::Finish => self.finish(process),
            Operation::SchedYield => {
                let operation = AgentOperation::new(operation::SCHED_YIELD, &[]);
                self.call(process, step.expected, operation)
                    .map(|(performed, _)| performed)
            }
            Operation::Exec {
                program,
                args,
                status,
                output,
                reports: _,
                nonce,
                starts,
            } => {
                let nonce = nonce.then(|| Nonce::draw(&mut self.draws));
                let program = Program {
                    name: program,
                    args,
                    status: *status,
                    output: output.as_deref(),
                    nonce,
                    starts,
                };
                self.exec(process, step, &program)
            }
        }
    }

    /// One operation whose result is all that counts. The reply comes back when it is the expected success.
    fn call(
        &mut self,
        process: Channel,
        expected: Expected,
        operation: AgentOperation,
    ) -> Result<(Performed, Option<Reply>), D::Error> {
        let outcome = self.ask(process, operation)?;
        Ok(self.judge_outcome(process, expected, outcome))
    }

    /// Has the operation performed and keeps the claim in what came of it.
    fn ask(&mut self, process: Channel, operation: AgentOperation) -> Result<Outcome, D::Error> {
        let (code, arguments) = (operation.code, operation.arguments);
        let outcome = self.driver.perform(process, operation)?;
        self.claim(Claim::of(code, &arguments, &outcome));
        Ok(outcome)
    }

    fn claim(&mut self, claim: Claim) {
        if self.claims.last() == Some(&claim) {
            return;
        }
        self.claim_bytes = self.claim_bytes.saturating_add(claim.size_bytes());
        let is_room = self.claim_bytes <= MAX_CLAIM_BYTES;
        self.claims.push(if is_room { claim } else { Claim::LeftOut });
    }

    /// Holds an outcome against what the step expects. The reply comes back when it is the expected success.
    fn judge_outcome(
        &mut self,
        process: Channel,
        expected: Expected,
        outcome: Outcome,
    ) -> (Performed, Option<Reply>) {
        let name = self.name(process);
        let otherwise = |rule: Rule, found: String| {
            Performed::otherwise(Finding::new(rule, name, expected_text(expected), found))
        };
        let performed = match (outcome, expected) {
            (Outcome::Replied(reply), _) => match (failure(&reply), expected) {
                (None, Expected::Success) => return (Performed::as_expected("done"), Some(reply)),
                (Some(number), Expected::Refused(refusal)) if refusal.admits(number) => {
                    Performed::as_expected(format!("refused with {}", errno_text(number)))
                }
                (Some(number), _) => otherwise(Rule::Result, format!("refused with {}", errno_text(number))),
                (None, _) => otherwise(Rule::Result, "it succeeded".to_owned()),
            },
            (Outcome::Ended(status), _) => {
                self.model.end(process);
                match expected {
                    Expected::Fault(signal) if status & WAIT_SIGNAL_MASK == signal.number() => {
                        Performed::as_expected(format!("ended by {signal}"))
                    }
                    _ => otherwise(Rule::Result, format!("the process {}", status_text(status))),
                }
            }
            // A guest that does not report the end of processes: the parent's wait will tell.
            (Outcome::Silent, Expected::Fault(signal)) => {
                self.driver.lost(process);
                self.model.end(process);
                Performed::as_expected(format!("no answer, as {signal} would have it"))
            }
            (Outcome::Silent, _) => otherwise(Rule::Answer, "no answer, while others went on".to_owned()),
            // How the guest ended is told once, for the whole run.
            (Outcome::GuestEnded, _) => Performed::as_expected("the guest ended"),
        };
        (performed, None)
    }

    fn finish(&mut self, process: Channel) -> Result<Performed, D::Error> {
        let step = self
            .waiting
            .remove(&process)
            .expect("validation lets only a waiting process finish");
        match &step.operation {
            Operation::Sleep { ms } => self.finish_sleep(process, *ms, step.expected),
            _ => {
                let outcome = self.driver.finish(process)?;
                let returns = Return::AtOnce;
                self.judge_wait(process, &OperationStep { returns, ..step }, outcome)
            }
        }
    }

    /// Where the last page fault of a guest that died was, and in whose memory, if it was in a process's that is known.
    #[must_use]
    pub fn last_fault(&self, death: &Death) -> Option<String> {
        let page = VirtAddr(death.place.last_fault).page_start();
        if death.place.last_fault == 0 || page.0 >= abi::paging::USER_END {
            return None;
        }
        let mut alive = self.driver.agents().alive();
        let (agent, _) = alive.find(|(_, root)| *root == death.place.root)?;
        let name = self.regions.name(agent.channel, page);
        let place = name.unwrap_or_else(|| page.to_string());
        Some(format!("the last page fault was at {}:{place}", agent.name))
    }

    fn name(&self, process: Channel) -> String {
        self.driver
            .agents()
            .get(process)
            .map_or_else(|| process.to_string(), |agent| agent.name.clone())
    }
}

/// A program to run and how it should end.
struct Program<'a> {
    name: &'a str,
    args: &'a [String],
    status: Ending,
    output: Option<&'a str>,
    /// Others that it starts, and that may print.
    starts: &'a [String],
    /// The word that it must print transformed, if it is made for that.
    nonce: Option<Nonce>,
}

/// Words as an operation carries them, each with its NUL, and how many there are.
fn arguments_payload<'a>(words: impl IntoIterator<Item = &'a String>) -> (Vec<u8>, u64) {
    let mut payload = Vec::new();
    let mut count = 0;
    for word in words {
        payload.extend(word.bytes());
        payload.push(0);
        count += 1;
    }
    (payload, count)
}

/// The error number in a reply.
fn failure(reply: &Reply) -> Option<i32> {
    (-MAX_ERRNO..0)
        .contains(&reply.result)
        .then(|| i32::try_from(-reply.result).expect("at most MAX_ERRNO"))
}

fn errno_text(number: i32) -> String {
    errno_name(number).map_or_else(|| format!("errno {number}"), str::to_owned)
}

fn expected_text(expected: Expected) -> String {
    match expected {
        Expected::Success => "it succeeds".to_owned(),
        Expected::Refused(refusal) => refusal.to_string(),
        Expected::Fault(signal) => format!("ended by {signal}"),
    }
}
