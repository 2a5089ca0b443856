//! Steps that make processes, end them and wait for them.

use abi::linux::errno::ECHILD;
use abi::linux::process::WNOHANG;
use abi::operation;
use abi::shadowpt::{BASE_NUMBER, BASE_VARIABLE};

use super::nonce::Nonce;
use super::{Claim, Performed, Performer, Program, arguments_payload, expected_text, failure};
use crate::channel::{Channel, Operation as AgentOperation};
use crate::drive::{Drive, Life, Outcome};
use crate::finding::{Finding, difference, status_text};
use crate::printable::Printable;
use crate::rule::Rule;
use crate::scenario::{Expected, Operation, OperationStep, ProcessName, Return};

/// Most zombies that the first program takes at the end: programs leave some behind, and a wait that always finds one finds
/// the same one again.
const MOST_ZOMBIES: usize = 4096;
/// wait4's pid argument for "any child".
const ANY_CHILD: u64 = u64::MAX;

impl<D: Drive> Performer<D> {
    pub(super) fn fork(
        &mut self,
        parent: Channel,
        name: &str,
        expected: Expected,
    ) -> Result<Performed, D::Error> {
        match self.fork_unmet(parent, name, expected)? {
            (performed, Some(child)) => match self.driver.meet(child)? {
                Outcome::Replied(_) => Ok(performed),
                outcome => Ok(self.judge_outcome(child, Expected::Success, outcome).0),
            },
            (performed, None) => Ok(performed),
        }
    }

    /// Forks without waiting for the child's first ring.
    fn fork_unmet(
        &mut self,
        parent: Channel,
        name: &str,
        expected: Expected,
    ) -> Result<(Performed, Option<Channel>), D::Error> {
        let Some((child, outcome)) = self.ask_to_fork(parent, name)? else {
            return Ok((no_room(name), None));
        };
        let (performed, reply) = self.judge_outcome(parent, expected, outcome);
        if reply.is_none() {
            return Ok((performed, None));
        }
        self.model.fork(parent, child);
        self.regions.fork(parent, child);
        Ok((performed, Some(child)))
    }

    pub(super) fn fork_until(
        &mut self,
        parent: Channel,
        group: &ProcessName,
        limit: u64,
        expected: Expected,
    ) -> Result<Performed, D::Error> {
        for count in 0..limit {
            let name = format!("{group}-{count}");
            let Some((child, outcome)) = self.ask_to_fork(parent, &name)? else {
                return Ok(no_room(&name));
            };
            let made = matches!(&outcome, Outcome::Replied(reply) if failure(reply).is_none());
            if !made {
                return Ok(self.judge_outcome(parent, expected, outcome).0);
            }
            self.model.fork(parent, child);
            self.regions.fork(parent, child);
            self.groups.entry(group.clone()).or_default().push(child);
        }
        let found = format!("{limit} children were forked and none was refused");
        Ok(Performed::otherwise(Finding::new(
            Rule::Result,
            self.name(parent),
            expected_text(expected),
            found,
        )))
    }

    /// Adds a finding if a group has not as many members as an earlier one.
    pub(super) fn compare_groups(
        &self,
        parent: Channel,
        mut performed: Performed,
        group: &ProcessName,
        before: Option<&ProcessName>,
    ) -> Performed {
        let Some(before) = before else { return performed };
        let [found, expected] = [group, before].map(|group| self.groups.get(group).map_or(0, Vec::len));
        if found != expected && performed.findings.is_empty() {
            performed.findings.push(Finding::new(
                Rule::Result,
                self.name(parent),
                format!("as many children as {before}: {expected}"),
                format!("{found} children until it was refused"),
            ));
        }
        performed
    }

    fn ask_to_fork(&mut self, parent: Channel, name: &str) -> Result<Option<(Channel, Outcome)>, D::Error> {
        let forked = self.driver.fork(parent, name)?;
        self.claim(match &forked {
            Some((_, outcome)) => Claim::of(operation::FORK, &[], outcome),
            None => Claim::NotAsked,
        });
        Ok(forked)
    }

    pub(super) fn exit(&mut self, process: Channel, status: u8) -> Result<Performed, D::Error> {
        let operation = AgentOperation::new(operation::EXIT, &[status.into()]);
        let outcome = self.ask(process, operation)?;
        let expected = format!("exited with {status}");
        let found = match outcome {
            // Silence is what a guest that does not report the end of processes gives; the parent's wait will tell.
            Outcome::Silent => {
                self.driver.lost(process);
                expected.clone()
            }
            Outcome::Ended(found) => status_text(found),
            Outcome::Replied(reply) => format!("exit returned {}", reply.result),
            Outcome::GuestEnded => return Ok(Performed::as_expected("the guest ended")),
        };
        self.model.end(process);
        if found == expected {
            return Ok(Performed::as_expected(found));
        }
        Ok(Performed::otherwise(Finding::new(
            Rule::Result,
            self.name(process),
            expected,
            found,
        )))
    }

    pub(super) fn exit_group(&mut self, members: Vec<Channel>, status: u8) -> Result<Performed, D::Error> {
        for member in members {
            let performed = self.exit(member, status)?;
            if !performed.findings.is_empty() {
                return Ok(performed);
            }
        }
        Ok(Performed::as_expected(format!("exited with {status}")))
    }

    pub(super) fn wait(&mut self, process: Channel, step: &OperationStep) -> Result<Performed, D::Error> {
        let Operation::Wait { child, nohang, .. } = &step.operation else {
            unreachable!("called for wait")
        };
        let options = if *nohang { WNOHANG } else { 0 };
        let group = child.as_ref().and_then(|child| self.groups.get(child)).cloned();
        let pids: Vec<u64> = match (group, child) {
            (Some(members), _) => members.iter().filter_map(|member| self.pid(*member)).collect(),
            (None, Some(child)) => {
                let agent = self.driver.agents().named(child.as_str());
                agent
                    .and_then(|agent| agent.pid)
                    .map(u64::from)
                    .into_iter()
                    .collect()
            }
            (None, None) => vec![ANY_CHILD],
        };
        let of_group = child.as_ref().filter(|child| self.groups.contains_key(child));
        let mut last = Performed::as_expected("done");
        for pid in pids {
            let operation = AgentOperation::new(operation::WAIT, &[pid, options]);
            let outcome = self.driver.perform(process, operation)?;
            last = self.judge_wait(process, step, outcome)?;
            if !last.findings.is_empty() {
                return Ok(last);
            }
        }
        // How many a group has is the guest's affair: it depends on how much memory its kernel needs for each.
        Ok(of_group.map_or(last, |group| {
            Performed::as_expected(format!("every {group} was taken"))
        }))
    }

    /// Holds the outcome of a wait against its step.
    pub(super) fn judge_wait(
        &mut self,
        process: Channel,
        step: &OperationStep,
        outcome: Outcome,
    ) -> Result<Performed, D::Error> {
        let Operation::Wait {
            child,
            nohang,
            status,
        } = &step.operation
        else {
            unreachable!("called for wait")
        };
        self.claim(Claim::of_wait(&outcome, |pid| self.child_or_group(pid)));
        let name = self.name(process);
        match (step.returns, &outcome) {
            (Return::Later, Outcome::Silent) => {
                self.waiting.insert(process, step.clone());
                return Ok(Performed::as_expected("waits"));
            }
            (Return::Later, Outcome::Replied(_)) => {
                let finding = Finding::new(Rule::Result, name, "the call waits", "the call returned at once");
                return Ok(Performed::otherwise(finding));
            }
            _ => {}
        }
        let (performed, reply) = self.judge_outcome(process, step.expected, outcome);
        let Some(reply) = reply else { return Ok(performed) };
        let who = self.who(reply.result);
        let found = match &who {
            None => "no child has ended".to_owned(),
            Some(who) => format!("{who} {}", status_text(reply.value as u32)),
        };
        let wanted = child
            .as_ref()
            .filter(|child| !self.groups.contains_key(child))
            .map(ProcessName::as_str);
        let expected = match (status, wanted) {
            (None, _) if *nohang => "no child has ended".to_owned(),
            (None, _) => return Ok(Performed::as_expected(found)),
            (Some(ending), wanted) => {
                format!(
                    "{} {}",
                    wanted.unwrap_or("a child"),
                    status_text(ending.wait_status())
                )
            }
        };
        let right_child = who.is_some() && (wanted.is_none() || wanted == who.as_deref());
        let as_expected = match status {
            None => who.is_none(),
            Some(ending) => right_child && reply.value == u64::from(ending.wait_status()),
        };
        if as_expected {
            return Ok(Performed::as_expected(found));
        }
        Ok(Performed::otherwise(Finding::new(
            Rule::Result,
            name,
            expected,
            found,
        )))
    }

    /// Runs a program to its end and compares status and output.
    pub(super) fn exec(
        &mut self,
        process: Channel,
        step: &OperationStep,
        program: &Program<'_>,
    ) -> Result<Performed, D::Error> {
        let (mut payload, count) =
            arguments_payload(std::iter::once(&program.name.to_owned()).chain(program.args));
        // A program whose environment need say nothing has none.
        let base =
            (self.shadowpt_base != BASE_NUMBER).then(|| format!("{BASE_VARIABLE}={}", self.shadowpt_base));
        let settings: Vec<String> = program
            .nonce
            .as_ref()
            .map(Nonce::setting)
            .into_iter()
            .chain(base)
            .collect();
        let (environment, settings) = arguments_payload(&settings);
        payload.extend(environment);
        let arguments = [payload.len() as u64, count, settings];
        let operation = AgentOperation::new(operation::EXEC, &arguments).with_payload(payload);
        // What was printed before belongs to nobody's expectation.
        self.driver.take_output()?;
        self.driver.await_output(program.name, program.starts);
        let outcome = self.driver.perform(process, operation)?;
        self.driver.await_no_output();
        let printed = self.driver.take_output()?;
        let (told, output) = match &program.nonce {
            None => (Ok(()), printed.as_slice()),
            Some(nonce) => nonce.take_line(&printed),
        };
        self.claim(Claim::of_program(&outcome, output));
        let (mut performed, reply) = self.judge_outcome(process, step.expected, outcome);
        performed.output = Printable::from_bytes(output);
        let Some(reply) = reply else { return Ok(performed) };
        let (expected, found) = (
            status_text(program.status.wait_status()),
            status_text(reply.value as u32),
        );
        performed.result.clone_from(&found);
        if let Err(wrong) = told {
            performed.findings.push(Finding::new(
                Rule::ProgramOutput,
                program.name,
                "a first line with the word that it was given, transformed",
                wrong.to_string(),
            ));
        }
        if found != expected {
            performed
                .findings
                .push(Finding::new(Rule::Result, program.name, expected, found));
        }
        if let Some(wanted) = program.output
            && output != wanted.as_bytes()
        {
            let (expected, found) = difference(wanted, output);
            performed
                .findings
                .push(Finding::new(Rule::Result, program.name, expected, found));
        }
        Ok(performed)
    }

    /// Ends every process but the guest's first one, and has that one take all zombies.
    ///
    /// # Errors
    /// The host failed.
    pub fn end_all(&mut self) -> Result<Performed, D::Error> {
        let left: Vec<Channel> = self
            .driver
            .agents()
            .iter()
            .filter(|agent| agent.channel != Channel::FIRST && agent.life == Life::Alive)
            .map(|agent| agent.channel)
            .collect();
        // The youngest first: who waits for a child can then go on, and end in its turn.
        for process in left.into_iter().rev() {
            let performed = self.exit(process, 0)?;
            if !performed.findings.is_empty() {
                return Ok(performed);
            }
        }
        for _ in 0..MOST_ZOMBIES {
            let operation = AgentOperation::new(operation::WAIT, &[ANY_CHILD, 0]);
            match self.driver.perform(Channel::FIRST, operation)? {
                Outcome::Replied(reply) if failure(&reply) == Some(ECHILD) => {
                    return Ok(Performed::as_expected("done"));
                }
                Outcome::Replied(reply) if failure(&reply).is_none() => {}
                outcome => return Ok(self.judge_outcome(Channel::FIRST, Expected::Success, outcome).0),
            }
        }
        let found = format!("more than {MOST_ZOMBIES} zombies");
        let expected = "no more zombies than there were processes";
        Ok(Performed::otherwise(Finding::new(
            Rule::Life,
            self.name(Channel::FIRST),
            expected,
            found,
        )))
    }

    fn pid(&self, process: Channel) -> Option<u64> {
        self.driver.agents().get(process)?.pid.map(u64::from)
    }

    /// As [`Performer::who`], but a member of a group goes by the group's name.
    fn child_or_group(&self, pid: i64) -> Option<String> {
        let is_it = |member: &Channel| self.pid(*member).map(u64::cast_signed) == Some(pid);
        let group = self.groups.iter().find(|(_, members)| members.iter().any(is_it));
        match group {
            Some((name, _)) => Some(name.to_string()),
            None => self.who(pid),
        }
    }

    /// Name of the process that a wait returned; None for "none has ended".
    fn who(&self, pid: i64) -> Option<String> {
        if pid == 0 {
            return None;
        }
        let newest = self
            .driver
            .agents()
            .iter()
            .rev()
            .find(|agent| agent.pid.map(i64::from) == Some(pid));
        Some(newest.map_or_else(|| "an unknown process".to_owned(), |agent| agent.name.clone()))
    }
}

fn no_room(name: &str) -> Performed {
    let found = "the driver has no room for another process";
    Performed::otherwise(Finding::missing(name, "a process for it", found))
}
