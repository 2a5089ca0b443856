//! Steps that map memory: where the kernel put it, and whether it may have.

use abi::PAGE_SIZE;
use abi::linux::mman::MAP_ANONYMOUS;
use abi::operation;

use super::memory::{is_user_range, len_of};
use super::{Performed, Performer, arguments_payload};
use crate::address::VirtAddr;
use crate::channel::{Channel, Operation as AgentOperation};
use crate::drive::Drive;
use crate::finding::Finding;
use crate::model::{Kind, Region};
use crate::rule::Rule;
use crate::scenario::{Operation, OperationStep, Place, Placement, Sharing};

impl<D: Drive> Performer<D> {
    pub(super) fn mmap(&mut self, process: Channel, step: &OperationStep) -> Result<Performed, D::Error> {
        let Operation::Mmap {
            region,
            pages,
            bytes,
            prot,
            sharing,
            at,
            placement,
            flags,
            file,
            offset,
        } = &step.operation
        else {
            unreachable!("called for mmap")
        };
        let (address, placed) = match at {
            None => (VirtAddr(0), 0),
            Some(at) => match self.place(process, at) {
                Ok(address) => (address, placement.bits()),
                Err(nowhere) => return Ok(nowhere),
            },
        };
        let flags = flags
            .iter()
            .fold(sharing.bits() | placed, |flags, flag| flags | flag.number());
        let len_bytes = len_of(*pages, *bytes);
        let operation = match file {
            None => {
                let arguments = [address.0, len_bytes, prot.bits(), flags | MAP_ANONYMOUS, offset.0];
                AgentOperation::new(operation::MMAP, &arguments)
            }
            Some(file) => {
                let (path, _) = arguments_payload([file]);
                let path_bytes = path.len() as u64;
                let arguments = [path_bytes, offset.0, address.0, len_bytes, prot.bits(), flags];
                AgentOperation::new(operation::MMAP_FILE, &arguments).with_payload(path)
            }
        };
        let (mut performed, reply) = self.call(process, step.expected, operation)?;
        let Some(reply) = reply else { return Ok(performed) };
        let start = reply.result.cast_unsigned();
        let pages = len_bytes.div_ceil(PAGE_SIZE);
        if !is_user_range(start, pages) {
            return Ok(self.not_user_range(process, start));
        }
        let new = Region::new(VirtAddr(start), pages);
        if let Some(at) = at
            && let Some(wrong) = self.misplaced(process, at, *placement, address, new)
        {
            performed = Performed::otherwise(wrong);
        }
        let kind = match (file, sharing) {
            (Some(_), Sharing::Private) => Kind::File,
            (Some(_), Sharing::Shared) => Kind::Device,
            (None, Sharing::Private) => Kind::Private,
            (None, Sharing::Shared) => Kind::Shared,
        };
        self.model.map(process, new.range(0, pages), prot.bits(), kind);
        self.regions.set(process, region.as_str(), new);
        Ok(performed)
    }

    /// What is wrong with where a mapping is. A wish for a place by a region's name is granted where nothing is, and nowhere else; what
    /// becomes of one by a number is the kernel's choice.
    fn misplaced(
        &self,
        process: Channel,
        at: &Place,
        placement: Placement,
        asked: VirtAddr,
        new: Region,
    ) -> Option<Finding> {
        let is_there = new.start == asked.page_start();
        let must_be_there = match (placement, at) {
            (Placement::Fixed | Placement::FixedNoreplace, _) => true,
            (Placement::Hint, Place::Raw(_)) => return None,
            (Placement::Hint, Place::Region(_)) => {
                let wanted = Region::new(asked.page_start(), new.pages);
                !self.model.has_any(process, &wanted.range(0, new.pages))
            }
        };
        if is_there == must_be_there {
            return None;
        }
        let expected = if must_be_there {
            "mapped there"
        } else {
            "mapped elsewhere: something is there"
        };
        let found = if is_there {
            "mapped there"
        } else {
            "mapped elsewhere"
        };
        let place = format!("{}:{at}", self.name(process));
        Some(Finding::new(Rule::Result, place, expected, found))
    }
}
