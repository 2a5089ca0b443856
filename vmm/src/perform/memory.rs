//! Steps that map, change and touch memory.

use std::ops::Range;

use abi::PAGE_SIZE;
use abi::doorbell::MAX_TRANSFER_BYTES;
use abi::linux::errno::ENOMEM;
use abi::linux::mman::{
    MADV_DOFORK, MADV_DONTFORK, MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_KEEPONFORK, MADV_WIPEONFORK,
    PROT_READ, PROT_WRITE,
};
use abi::operation;

use super::{Claim, Performed, Performer};
use crate::address::VirtAddr;
use crate::channel::{Channel, Operation as AgentOperation, Reply};
use crate::drive::{Drive, Outcome};
use crate::finding::{Finding, excerpt};
use crate::model::{ForkAdvice, Kind, Model, Region, Removal};
use crate::rule::Rule;
use crate::scenario::{
    Content, ContentAt, Expected, Number, Operation, OperationStep, Place, Refusal, RegionAddress,
    RegionName, STACK_BYTE,
};

impl<D: Drive> Performer<D> {
    pub(super) fn memory_step(
        &mut self,
        process: Channel,
        step: &OperationStep,
    ) -> Result<Performed, D::Error> {
        match &step.operation {
            Operation::Mmap { .. } => self.mmap(process, step),
            Operation::Brk { pages } => self.brk(process, step, *pages),
            Operation::TouchStack { region, pages } => self.touch_stack(process, step, region, *pages),
            Operation::StackRoom { region, pages } => self.stack_room(process, step, region, *pages),
            Operation::Munmap { at, pages, bytes } => {
                let range = (at, len_of(*pages, *bytes));
                self.on_range(process, step, operation::MUNMAP, range, &[], |model, range| {
                    model.unmap(process, range, Removal::Munmap);
                })
            }
            Operation::Mprotect {
                at,
                pages,
                bytes,
                prot,
            } => {
                let (range, bits) = ((at, len_of(*pages, *bytes)), prot.bits());
                self.on_range(
                    process,
                    step,
                    operation::MPROTECT,
                    range,
                    &[bits],
                    |model, range| {
                        model.protect(process, range, bits);
                    },
                )
            }
            Operation::Madvise {
                at,
                pages,
                bytes,
                advice,
            } => {
                let (range, number) = ((at, len_of(*pages, *bytes)), advice.number());
                self.on_range(
                    process,
                    step,
                    operation::MADVISE,
                    range,
                    &[number],
                    |model, range| {
                        advise(model, process, range, number);
                    },
                )
            }
            Operation::Read(what) => self.read(process, step, what),
            Operation::Write(what) => self.write(process, step, what),
            Operation::CopyToUser(copy) => self.copy_to_user(process, step, copy),
            Operation::CopyFromUser(copy) => self.copy_from_user(process, step, copy),
            Operation::MemWrite(copy) => self.mem_write(process, step, copy),
            Operation::MemRead(copy) => self.mem_read(process, step, copy),
            Operation::Fork { .. }
            | Operation::ForkUntil { .. }
            | Operation::Exit { .. }
            | Operation::Wait { .. }
            | Operation::Finish
            | Operation::SchedYield
            | Operation::Exec { .. }
            | Operation::Execve { .. }
            | Operation::Kill { .. }
            | Operation::Sleep { .. }
            | Operation::Getppid { .. }
            | Operation::Spin
            | Operation::Setuid { .. }
            | Operation::FailNth { .. }
            | Operation::Pagemap { .. }
            | Operation::ShadowptOpen { .. }
            | Operation::ShadowptClose
            | Operation::ShadowptStart
            | Operation::ShadowptStop
            | Operation::ShadowptPageContents { .. } => unreachable!("not a memory step"),
        }
    }

    /// A call on a range: address, length, and `more` arguments.
    fn on_range(
        &mut self,
        process: Channel,
        step: &OperationStep,
        code: u64,
        (at, len_bytes): (&Place, u64),
        more: &[u64],
        apply: impl Fn(&mut Model, Range<VirtAddr>),
    ) -> Result<Performed, D::Error> {
        let start = match self.place(process, at) {
            Ok(start) => start,
            Err(nowhere) => return Ok(nowhere),
        };
        let mut arguments = vec![start.0, len_bytes];
        arguments.extend(more);
        let (performed, reply) = self.call(process, step.expected, AgentOperation::new(code, &arguments))?;
        // A range that wraps is refused as a whole.
        let Some(end) = start.0.checked_add(len_bytes) else {
            return Ok(performed);
        };
        let range = start..VirtAddr(end);
        let refused_half_way = performed.findings.is_empty()
            && matches!(step.expected, Expected::Refused(Refusal::With(errno)) if errno.number() == ENOMEM);
        let changed = match code {
            _ if reply.is_some() => range,
            // What Linux has done before it met the hole stays done.
            operation::MPROTECT if refused_half_way => self.model.up_to_hole(process, range),
            operation::MADVISE if refused_half_way => range,
            _ => return Ok(performed),
        };
        apply(&mut self.model, changed);
        Ok(performed)
    }

    /// The raw system call answers with the break, moved or not: a break that did not move is a refusal.
    fn brk(&mut self, process: Channel, step: &OperationStep, change: i64) -> Result<Performed, D::Error> {
        let ask = |address: u64| AgentOperation::new(operation::BRK, &[address]);
        let heap = RegionName::heap();
        let old = match self.regions.get(process, &heap) {
            Some(region) => region,
            None => {
                let (performed, reply) = self.call(process, Expected::Success, ask(0))?;
                let Some(reply) = reply else { return Ok(performed) };
                let found = reply.result.cast_unsigned();
                let start = found.saturating_add(PAGE_SIZE - 1) & !(PAGE_SIZE - 1);
                if !is_user_range(start, 0) {
                    return Ok(self.not_user_range(process, found));
                }
                Region::new(VirtAddr(start), 0)
            }
        };
        let pages = old.pages.saturating_add_signed(change);
        let target = old.range(0, pages).end;
        let outcome = match self.driver.perform(process, ask(target.0))? {
            Outcome::Replied(reply) if reply.result.cast_unsigned() != target.0 => Outcome::Replied(Reply {
                result: -i64::from(ENOMEM),
                ..reply
            }),
            other => other,
        };
        self.claim(Claim::of(operation::BRK, &[], &outcome));
        let (performed, reply) = self.judge_outcome(process, step.expected, outcome);
        if reply.is_some() {
            if pages > old.pages {
                let grown = old.range(old.pages, pages - old.pages);
                self.model
                    .map(process, grown, PROT_READ | PROT_WRITE, Kind::Private);
            } else {
                let given_back = old.range(pages, old.pages - pages);
                self.model.unmap(process, given_back, Removal::Brk);
            }
            self.regions.set(process, heap.as_str(), old.resized(pages));
        }
        Ok(performed)
    }

    fn touch_stack(
        &mut self,
        process: Channel,
        step: &OperationStep,
        region: &RegionName,
        pages: u64,
    ) -> Result<Performed, D::Error> {
        let operation = AgentOperation::new(operation::TOUCH_STACK, &[pages, STACK_BYTE.into()]);
        let (performed, reply) = self.call(process, step.expected, operation)?;
        if let Some(reply) = reply {
            let start = VirtAddr(reply.value).page_start();
            if !is_user_range(start.0, pages) {
                return Ok(self.not_user_range(process, reply.value));
            }
            let new = Region::new(start, pages);
            self.model
                .map(process, new.range(0, pages), PROT_READ | PROT_WRITE, Kind::Stack);
            self.regions.set(process, region.as_str(), new);
        }
        Ok(performed)
    }

    /// Where the stack is now is what touching none of its pages tells.
    fn stack_room(
        &mut self,
        process: Channel,
        step: &OperationStep,
        region: &RegionName,
        pages: u64,
    ) -> Result<Performed, D::Error> {
        let operation = AgentOperation::new(operation::TOUCH_STACK, &[0, 0]);
        let (performed, reply) = self.call(process, step.expected, operation)?;
        let Some(reply) = reply else { return Ok(performed) };
        let end = VirtAddr(reply.value).page_start();
        match end.0.checked_sub(pages * PAGE_SIZE) {
            Some(start) if is_user_range(start, pages) => {
                let room = Region::new(VirtAddr(start), pages);
                self.regions.set(process, region.as_str(), room);
                Ok(performed)
            }
            _ => Ok(self.not_user_range(process, reply.value)),
        }
    }

    fn read(
        &mut self,
        process: Channel,
        step: &OperationStep,
        what: &ContentAt<Place>,
    ) -> Result<Performed, D::Error> {
        let start = match self.place(process, &what.at) {
            Ok(start) => start,
            Err(nowhere) => return Ok(nowhere),
        };
        let wanted = what.content.to_bytes();
        let mut last = Performed::as_expected("done");
        for (index, part) in wanted.chunks(MAX_TRANSFER_BYTES as usize).enumerate() {
            let address = start.0 + index as u64 * MAX_TRANSFER_BYTES;
            let operation = AgentOperation::new(operation::READ, &[address, part.len() as u64]);
            let (performed, reply) = self.call(process, step.expected, operation)?;
            last = performed;
            let Some(reply) = reply else { break };
            let claimed = reply.data.get(..part.len()).unwrap_or(&reply.data);
            if claimed != part {
                let finding = self.wrong_read(process, what, VirtAddr(address), (part, claimed));
                return Ok(Performed::otherwise(finding));
            }
        }
        Ok(last)
    }

    /// What a read should have given from an address on and what it gave: told of the page in which the two differ first.
    fn wrong_read(
        &self,
        process: Channel,
        what: &ContentAt<Place>,
        from: VirtAddr,
        (wanted, found): (&[u8], &[u8]),
    ) -> Finding {
        let differ = std::iter::zip(wanted, found).position(|(wanted, found)| wanted != found);
        let differ = differ.unwrap_or(found.len().min(wanted.len()));
        let page = VirtAddr(from.0 + differ as u64).page_start();
        // The page begins before what was read, or within it.
        let skipped = page.0.saturating_sub(from.0);
        let start = what.at.region().and_then(|at| self.regions.address(process, at));
        let place = match start {
            Some(start) if page > start => self.regions.name(process, page),
            Some(_) | None => None,
        };
        let place = place.unwrap_or_else(|| what.at.to_string());
        let [wanted, found] = [wanted, found].map(|bytes| bytes.get(skipped as usize..).unwrap_or_default());
        Finding::new(
            Rule::Result,
            format!("{}:{place}", self.name(process)),
            excerpt(wanted, found),
            excerpt(found, wanted),
        )
    }

    fn write(
        &mut self,
        process: Channel,
        step: &OperationStep,
        what: &ContentAt<Place>,
    ) -> Result<Performed, D::Error> {
        let start = match self.place(process, &what.at) {
            Ok(start) => start,
            Err(nowhere) => return Ok(nowhere),
        };
        let operation = match &what.content {
            Content::Text(text) => AgentOperation::new(operation::WRITE, &[start.0, text.len() as u64])
                .with_payload(text.as_bytes().to_vec()),
            Content::Fill(_) | Content::Zeros(_) => {
                let byte = what.content.repeated_byte().unwrap_or(0);
                AgentOperation::new(operation::FILL, &[start.0, what.content.len_bytes(), byte.into()])
            }
        };
        let (performed, reply) = self.call(process, step.expected, operation)?;
        if let Some(reply) = reply {
            if reply.result.cast_unsigned() != what.content.len_bytes() {
                let place = format!("{}:{}", self.name(process), what.at);
                let expected = format!("{} bytes stored", what.content.len_bytes());
                let finding = Finding::new(Rule::Result, place, expected, format!("{} bytes", reply.result));
                return Ok(Performed::otherwise(finding));
            }
            match what.content.repeated_byte() {
                Some(byte) => self.model.fill(process, start, what.content.len_bytes(), byte),
                None => self.model.write(process, start, &what.content.to_bytes()),
            }
        }
        Ok(performed)
    }

    /// The guest's answer is no place for pages of a user.
    pub(super) fn not_user_range(&self, process: Channel, found: u64) -> Performed {
        let expected = "a page address in user space";
        let place = self.name(process);
        Performed::otherwise(Finding::new(Rule::Result, place, expected, format!("{found:#x}")))
    }

    /// Where a place is, by a region or by its number.
    pub(super) fn place(&self, process: Channel, at: &Place) -> Result<VirtAddr, Performed> {
        match at {
            Place::Region(at) => self.address(process, at),
            Place::Raw(address) => Ok(VirtAddr(*address)),
        }
    }

    /// Where a place is. A region without an address is one that a refused step should have made.
    pub(super) fn address(&self, process: Channel, at: &RegionAddress) -> Result<VirtAddr, Performed> {
        self.regions.address(process, at).ok_or_else(|| {
            Performed::otherwise(Finding::missing(
                format!("{}:{at}", self.name(process)),
                "a region with an address",
                "the step that names it did not make it",
            ))
        })
    }
}

/// A length, of which validation has seen one.
pub(super) fn len_of(pages: Option<u64>, bytes: Option<Number>) -> u64 {
    pages.map_or_else(|| bytes.unwrap_or_default().0, |pages| pages * PAGE_SIZE)
}

/// What an advice that was taken does to memory; most do nothing that could be seen.
fn advise(model: &mut Model, process: Channel, range: Range<VirtAddr>, advice: u64) {
    let fork = match advice {
        MADV_DONTNEED | MADV_DONTNEED_LOCKED => return model.discard(process, range),
        MADV_DONTFORK => ForkAdvice::LeaveOut,
        MADV_DOFORK => ForkAdvice::Pass,
        MADV_WIPEONFORK => ForkAdvice::Wipe,
        MADV_KEEPONFORK => ForkAdvice::Keep,
        _ => return,
    };
    model.advise_fork(process, range, fork);
}

/// `pages` pages from `start` on can be a user's.
pub(super) fn is_user_range(start: u64, pages: u64) -> bool {
    let end = pages
        .checked_mul(PAGE_SIZE)
        .and_then(|len_bytes| start.checked_add(len_bytes));
    start.is_multiple_of(PAGE_SIZE) && end.is_some_and(|end| end <= abi::paging::USER_END)
}
