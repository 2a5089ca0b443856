//! Steps that ask the kernel where pages are.
//!
//! What is told of a page is held against its page table, for a driver that sees that. Where it is not, what is told is held
//! against the step alone.

use abi::PAGE_SIZE;
use abi::linux::pagemap::{FRAME_MASK, PRESENT, SWAPPED};
use abi::operation;

use super::claim::words;
use super::{Performed, Performer};
use crate::address::{FrameNumber, VirtAddr};
use crate::channel::{Channel, Operation as AgentOperation};
use crate::drive::Drive;
use crate::finding::Finding;
use crate::rule::Rule;
use crate::scenario::{OperationStep, PageState, ProcessAddress};

impl<D: Drive> Performer<D> {
    pub(super) fn pagemap(
        &mut self,
        process: Channel,
        step: &OperationStep,
        of: &ProcessAddress,
        is: &[PageState],
    ) -> Result<Performed, D::Error> {
        let owner = self.driver.agents().named(of.process.as_str());
        let Some((owner, pid)) = owner.and_then(|agent| Some((agent.channel, agent.pid?))) else {
            let finding = Finding::missing(of.process.as_str(), "a process id", "none");
            return Ok(Performed::otherwise(finding));
        };
        let start = match self.address(owner, &of.place) {
            Ok(address) => address.page_start(),
            Err(nowhere) => return Ok(nowhere),
        };
        let pages = is.len().max(1) as u64;
        let operation = AgentOperation::new(operation::PAGEMAP, &[pid.into(), start.0, pages]);
        let (mut performed, reply) = self.call(process, step.expected, operation)?;
        let Some(reply) = reply else { return Ok(performed) };
        let mut told = words(&reply);
        for (number, expected) in (0..).zip(is) {
            let word = told.next();
            let address = VirtAddr(start.0.saturating_add(number * PAGE_SIZE));
            let found = match word {
                None => Err("nothing: the file ends before it".to_owned()),
                Some(word) if self.driver.sees_memory() => {
                    let frame = self.driver.page(owner, address).map(|(frame, _)| frame);
                    seen(word, frame)
                }
                Some(word) => Ok(unseen(word, *expected)),
            };
            let found = match found {
                Ok(state) if state == *expected => continue,
                Ok(state) => state.to_string(),
                Err(found) => found,
            };
            let mut place = of.clone();
            place.place.pages += number;
            performed.findings.push(Finding::new(
                Rule::PageMap,
                place.to_string(),
                expected.to_string(),
                found,
            ));
        }
        Ok(performed)
    }
}

/// What is told of a page that is in this frame, or in none; a text for what cannot be.
fn seen(word: u64, frame: Option<FrameNumber>) -> Result<PageState, String> {
    let number = word & FRAME_MASK;
    match (word & PRESENT != 0, word & SWAPPED != 0, frame) {
        (true, true, _) => Err("present and swapped at once".to_owned()),
        (true, false, Some(frame)) if frame.0 == number => Ok(PageState::Present),
        (true, false, Some(_)) => Err("present in another frame than the page table has".to_owned()),
        (true, false, None) => Ok(PageState::Inaccessible),
        (false, true, None) => Ok(PageState::Swapped),
        (false, true, Some(_)) => Err("swapped, but the page table has a frame".to_owned()),
        (false, false, _) if number != 0 => Err("a number, but neither present nor swapped".to_owned()),
        (false, false, Some(_)) => Ok(PageState::LeftOut),
        (false, false, None) => Ok(PageState::None),
    }
}

/// What is told of a page that cannot be looked at; of what looks alike, what is expected is taken for granted.
fn unseen(word: u64, expected: PageState) -> PageState {
    match (word & PRESENT != 0, word & SWAPPED != 0, expected) {
        (true, _, PageState::Inaccessible) => PageState::Inaccessible,
        (true, _, _) => PageState::Present,
        (false, true, _) => PageState::Swapped,
        (false, false, PageState::LeftOut) => PageState::LeftOut,
        (false, false, _) => PageState::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Option<FrameNumber> = Some(FrameNumber(7));

    #[test]
    fn what_is_told_is_held_against_the_page_table() {
        assert_eq!(seen(PRESENT | 7, FRAME), Ok(PageState::Present));
        assert_eq!(seen(PRESENT | 7, None), Ok(PageState::Inaccessible));
        assert_eq!(seen(SWAPPED | 7, None), Ok(PageState::Swapped));
        assert_eq!(seen(0, None), Ok(PageState::None));
        assert_eq!(seen(0, FRAME), Ok(PageState::LeftOut));
        for (word, frame) in [
            (PRESENT | 8, FRAME),
            (PRESENT, FRAME),
            (PRESENT | SWAPPED | 7, FRAME),
            (SWAPPED | 7, FRAME),
            (7, FRAME),
            (7, None),
        ] {
            assert!(seen(word, frame).is_err(), "{word:#x}, {frame:?}");
        }
    }
}
