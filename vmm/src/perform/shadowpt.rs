//! Steps on the shadow page table.

use abi::PAGE_SIZE;
use abi::operation;
use abi::shadowpt::{CLOSE, MAX_SPT_RANGE, OPEN, PAGE_CONTENTS, START, STOP};

use super::{Performed, Performer};
use crate::address::VirtAddr;
use crate::channel::{Channel, Operation as AgentOperation};
use crate::drive::Drive;
use crate::judge::{Finding, Rule};
use crate::model::{ShadowTable, Tracking};
use crate::scenario::{Operation, OperationStep, ProcessAddress, RegionAddress};

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
        } = &step.operation
        else {
            unreachable!("called for shadowpt_open")
        };
        let target = self.driver.agents().named(of.as_str());
        let Some((target, pid)) = target.and_then(|agent| Some((agent.channel, agent.pid?))) else {
            let finding = Finding::new(Rule::Evidence, of.as_str(), "a process id", "none");
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
        let arguments = [number, pid.into(), start.0, end.0, entries.0, 0];
        let operation = AgentOperation::new(operation::SHADOWPT_OPEN, &arguments);
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
