//! Steps on the shadow page table.

use abi::PAGE_SIZE;
use abi::linux::errno::ENOMEM;
use abi::operation;
use abi::shadowpt::{CLOSE, MAX_SPT_RANGE, OPEN, PAGE_CONTENTS, START, STOP};

use super::{Performed, Performer, errno_text, failure};
use crate::address::VirtAddr;
use crate::channel::{Channel, Operation as AgentOperation};
use crate::drive::{Drive, Outcome};
use crate::finding::Finding;
use crate::model::{ShadowTable, Tracking};
use crate::rule::Rule;
use crate::scenario::{Operation, OperationStep, ProcessAddress, RegionAddress};

/// Most requests for memory of one call that are made to fail.
const MOST_REQUESTS: u64 = 1000;

impl<D: Drive> Performer<D> {
    pub(super) fn shadowpt_open(
        &mut self,
        process: Channel,
        step: &OperationStep,
    ) -> Result<Performed, D::Error> {
        let Operation::ShadowptOpen {
            of,
            from,
            to,
            entries,
            each_request_fails,
        } = &step.operation
        else {
            unreachable!("called for shadowpt_open")
        };
        let target = self.driver.agents().named(of.as_str());
        let Some((target, pid)) = target.and_then(|agent| Some((agent.channel, agent.pid?))) else {
            let finding = Finding::missing(of.as_str(), "a process id", "none");
            return Ok(Performed::otherwise(finding));
        };
        let places = self
            .address(target, from)
            .and_then(|start| Ok((start, self.address(target, to)?, self.address(process, entries)?)));
        let (start, end, entries) = match places {
            Ok(places) => places,
            Err(nowhere) => return Ok(nowhere),
        };
        let number = self.shadowpt_base + OPEN;
        let arguments = [number, pid.into(), start.0, end.0, entries.0];
        let operation = AgentOperation::new(operation::SHADOWPT_OPEN, &arguments);
        if *each_request_fails && let Some(finding) = self.fail_each_request(process, &operation)? {
            return Ok(Performed::otherwise(finding));
        }
        let (mut performed, reply) = self.call(process, step.expected, operation)?;
        let Some(reply) = reply else { return Ok(performed) };
        let covered_end = VirtAddr(end.0.min(start.0.saturating_add(MAX_SPT_RANGE)));
        if reply.value != covered_end.0 {
            let name = |address: VirtAddr| match address.0.checked_sub(start.0) {
                Some(len_bytes) if address.page_start() == address => {
                    format!("{from} and {} pages", len_bytes / PAGE_SIZE)
                }
                _ => address.to_string(),
            };
            performed.findings.push(Finding::new(
                Rule::Result,
                format!("{}, end_vaddr", self.name(process)),
                name(covered_end),
                name(VirtAddr(reply.value)),
            ));
        }
        self.model.open_shadow_table(ShadowTable {
            inspector: process,
            target,
            target_has_ended: false,
            range: start..covered_end,
            entries,
            tracking: Tracking::Fresh,
        });
        Ok(performed)
    }

    /// Performs the operation with its first request for memory failing, then with its second, and so on, until it does not get to
    /// the one that would fail. That one has taken effect, and is undone by closing the table again.
    fn fail_each_request(
        &mut self,
        process: Channel,
        operation: &AgentOperation,
    ) -> Result<Option<Finding>, D::Error> {
        let order = |nth| AgentOperation::new(operation::FAIL_NTH, &[nth]);
        let close = AgentOperation::new(operation::SYSTEM_CALL, &[self.shadowpt_base + CLOSE]);
        let complaint = |performer: &Self, found: String| {
            let expected = "refused with ENOMEM, as often as the kernel needs memory, and no other way";
            Some(Finding::new(
                Rule::Result,
                performer.name(process),
                expected,
                found,
            ))
        };
        for nth in 1..=MOST_REQUESTS {
            self.ask(process, order(nth))?;
            let outcome = self.ask(process, operation.clone())?;
            let found = match &outcome {
                Outcome::Replied(reply) => match failure(reply) {
                    Some(ENOMEM) => continue,
                    Some(number) => format!("refused with {}", errno_text(number)),
                    None if nth > 1 => {
                        self.ask(process, order(0))?;
                        self.ask(process, close)?;
                        return Ok(None);
                    }
                    None => "it needs no memory".to_owned(),
                },
                Outcome::Ended(_) | Outcome::Silent | Outcome::GuestEnded => "no answer".to_owned(),
            };
            return Ok(complaint(self, found));
        }
        Ok(complaint(
            self,
            format!("{MOST_REQUESTS} requests, and still refused"),
        ))
    }

    pub(super) fn shadowpt_close(
        &mut self,
        process: Channel,
        step: &OperationStep,
    ) -> Result<Performed, D::Error> {
        let operation = AgentOperation::new(operation::SYSTEM_CALL, &[self.shadowpt_base + CLOSE]);
        let (performed, reply) = self.call(process, step.expected, operation)?;
        if reply.is_some() {
            self.model.close_shadow_table();
        }
        Ok(performed)
    }

    pub(super) fn shadowpt_track(
        &mut self,
        process: Channel,
        step: &OperationStep,
        tracking: Tracking,
    ) -> Result<Performed, D::Error> {
        let call = match tracking {
            Tracking::Started => START,
            Tracking::Stopped | Tracking::Fresh => STOP,
        };
        let operation = AgentOperation::new(operation::SYSTEM_CALL, &[self.shadowpt_base + call]);
        let (performed, reply) = self.call(process, step.expected, operation)?;
        if reply.is_some() {
            self.model.track(tracking);
        }
        Ok(performed)
    }

    /// What must arrive in the caller's memory is what is in guest physical memory now.
    pub(super) fn shadowpt_page_contents(
        &mut self,
        process: Channel,
        step: &OperationStep,
        of: &ProcessAddress,
        into: &RegionAddress,
    ) -> Result<Performed, D::Error> {
        let owner = self.driver.agents().named(of.process.as_str());
        let owner = owner.map_or(process, |agent| agent.channel);
        let places = self
            .address(owner, &of.place)
            .and_then(|page| Ok((page, self.address(process, into)?)));
        let (page, into) = match places {
            Ok(places) => places,
            Err(nowhere) => return Ok(nowhere),
        };
        let found = self.driver.page(owner, page);
        let frame = found.as_ref().map_or(0, |(frame, _)| frame.0);
        let arguments = [self.shadowpt_base + PAGE_CONTENTS, frame, into.0];
        let operation = AgentOperation::new(operation::SYSTEM_CALL, &arguments);
        let (performed, reply) = self.call(process, step.expected, operation)?;
        if let (Some(_), Some((_, contents))) = (reply, found) {
            self.model.write(process, into, &contents.0);
        }
        Ok(performed)
    }
}
