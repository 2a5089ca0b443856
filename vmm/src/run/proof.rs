//! Has processes prove that they use the page tables that the judge walks.
//!
//! A kernel could show the VMM one page table and run its processes with another. So, at moments that are drawn at random, eight
//! random bytes are planted in the frame to which the judge's walk leads, and the process reads them by an ordinary operation; or
//! the process stores them, and they must be found in that frame. What was there before is put back. Nothing else runs meanwhile,
//! no page-table entry changes, and nothing of it shows in a report unless the bytes are not found.

use abi::{PAGE_SIZE, operation};

use crate::address::{PhysAddr, VirtAddr};
use crate::channel::{Channel, Operation};
use crate::draws::Draws;
use crate::drive::{Drive, Driver, Outcome};
use crate::finding::Finding;
use crate::inspect::PhysicalMemory;
use crate::inspect::walk::translate;
use crate::model::PageNumber;
use crate::perform::Performer;
use crate::rule::Rule;
use crate::vm::{StopReason, VmError};

/// One operation in so many is followed by a proof, on average.
const ONE_IN: u64 = 3;
/// Bytes that are planted.
const WORD_BYTES: u64 = 8;

/// Draws when, where and what.
#[derive(Debug, Default)]
pub(super) struct Prover {
    draws: Draws,
}

/// Which way the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The VMM plants them, and the process reads them.
    Planted,
    /// The process stores them, and the VMM finds them.
    Stored,
}

/// A word of a process's memory, and the same by the judge's walk.
#[derive(Clone, Copy, Debug)]
struct Word {
    address: VirtAddr,
    target: PhysAddr,
}

impl Prover {
    /// Perhaps has the process that asks for its next operation prove what it uses.
    ///
    /// # Errors
    /// The host failed.
    pub(super) fn perhaps(&mut self, performer: &mut Performer<Driver>) -> Result<Option<Finding>, VmError> {
        if !self.draws.next().is_multiple_of(ONE_IN) {
            return Ok(None);
        }
        let asks = performer.driver_mut().stop().map(|stop| stop.reason().clone());
        let Some(StopReason::Ring(process)) = asks else {
            return Ok(None);
        };
        let way = [Way::Planted, Way::Stored][self.draws.below(2)];
        let Some(word) = self.choose(performer, process, way) else {
            return Ok(None);
        };
        self.prove(performer.driver_mut(), process, way, word)
    }

    /// A word on a page whose every use the processor has noted already, so that a use more leaves no trace. None when the process
    /// has no such page, or is at work on an operation.
    fn choose(&mut self, performer: &mut Performer<Driver>, process: Channel, way: Way) -> Option<Word> {
        let (driver, model, _) = performer.driver_and_memory();
        let root = driver.agents().get(process)?.root?;
        let mut stop = driver.stop()?;
        if !stop.devices().doorbell.is_idle(process) {
            return None;
        }
        let memory = PhysicalMemory::new(stop.memory());
        let is_usable = |number: PageNumber| {
            let found = translate(memory, root, VirtAddr(number * PAGE_SIZE)).ok()?;
            let allowed = match way {
                Way::Planted => found.permissions.user && found.accessed(),
                Way::Stored => found.permissions.user_writable() && found.accessed() && found.dirty(),
            };
            (allowed && found.frame().0 < memory.frames()).then_some((number, found.address))
        };
        let pages = model.pages(process);
        // Nobody else may see what is planted, and its owner is the one who said what it holds.
        let own = pages.filter(|(_, page)| page.shared.is_none() && page.contents.is_some());
        let pages: Vec<(PageNumber, PhysAddr)> = own.filter_map(|(number, _)| is_usable(number)).collect();
        if pages.is_empty() {
            return None;
        }
        let (number, start) = pages[self.draws.below(pages.len())];
        let offset = self.draws.next() % (PAGE_SIZE / WORD_BYTES) * WORD_BYTES;
        Some(Word {
            address: VirtAddr(number * PAGE_SIZE + offset),
            target: PhysAddr(start.0 + offset),
        })
    }

    fn prove(
        &mut self,
        driver: &mut Driver,
        process: Channel,
        way: Way,
        Word { address, target }: Word,
    ) -> Result<Option<Finding>, VmError> {
        let planted = self.draws.next().to_le_bytes();
        let Some(before) = driver.read_word(target) else {
            return Ok(None);
        };
        let operation = match way {
            Way::Planted => {
                driver.write_word(target, planted);
                Operation::new(operation::READ, &[address.0, WORD_BYTES])
            }
            Way::Stored => {
                Operation::new(operation::WRITE, &[address.0, WORD_BYTES]).with_payload(planted.to_vec())
            }
        };
        let outcome = driver.perform(process, operation)?;
        let found = match (&outcome, way) {
            (Outcome::Replied(reply), Way::Planted) => reply.data.first_chunk().copied(),
            (Outcome::Replied(_), Way::Stored) => driver.read_word(target),
            (Outcome::Ended(_) | Outcome::Silent | Outcome::GuestEnded, _) => None,
        };
        driver.write_word(target, before);
        if found == Some(planted) {
            return Ok(None);
        }
        let name = driver
            .agents()
            .get(process)
            .map_or_else(String::new, |agent| agent.name.clone());
        let (expected, found) = match (way, outcome) {
            (_, Outcome::Ended(_) | Outcome::Silent | Outcome::GuestEnded) => {
                ("it can use its own page", "no answer")
            }
            (Way::Planted, Outcome::Replied(_)) => (
                "it reads what is in the frames that its page table has",
                "something else",
            ),
            (Way::Stored, Outcome::Replied(_)) => (
                "what it stores is in the frames that its page table has",
                "it is not there",
            ),
        };
        Ok(Some(Finding::new(
            Rule::PageTableInUse,
            format!("memory of {name}"),
            expected,
            found,
        )))
    }
}
