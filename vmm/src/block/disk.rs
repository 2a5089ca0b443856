//! The blocks of the disk, found by number and by what they hold.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use abi::PAGE_SIZE;

use crate::model::PageBytes;
use crate::scenario::{DiskRequest, Swap};

/// Unit in which virtio counts a disk.
pub(super) const SECTOR_BYTES: u64 = 512;

/// A request that is to fail: once, with an I/O error, and without effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it asks for.
    pub request: DiskRequest,
    /// Which of that kind from now on, counted from 1.
    pub nth: u64,
}

/// The disk.
#[derive(Debug)]
pub struct Disk {
    bytes: Vec<u8>,
    key: RandomState,
    /// Hash of each block that was ever written, and the way back. Hashes are under a random key, so no guest can aim at a
    /// collision, and what they find is compared.
    hashes: HashMap<usize, u64>,
    blocks: HashMap<u64, BTreeSet<usize>>,
    failures: Vec<Failure>,
}

/// The disk refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DiskError {
    #[error("{len_bytes} bytes at sector {sector} are not whole sectors of the disk")]
    OutOfRange { sector: u64, len_bytes: u64 },
    #[error("the scenario has this request fail")]
    Failure,
}

impl Disk {
    /// A disk that holds zeros.
    ///
    /// # Panics
    /// If it is larger than [`Swap::MAX_MIB`], which no scenario can ask for.
    #[must_use]
    pub fn new(mib: u64) -> Self {
        assert!(mib <= Swap::MAX_MIB, "{mib} MiB are more than a disk can have");
        Self {
            bytes: vec![0; usize::try_from(mib << 20).expect("a 64-bit host")],
            key: RandomState::new(),
            hashes: HashMap::new(),
            blocks: HashMap::new(),
            failures: Vec::new(),
        }
    }

    /// Whether a block that was written holds exactly these bytes.
    #[must_use]
    pub fn holds(&self, page: &PageBytes) -> bool {
        self.blocks
            .get(&self.key.hash_one(page.as_slice()))
            .is_some_and(|blocks| blocks.iter().any(|block| self.bytes[range_of(*block)] == *page))
    }

    /// Has a request to come fail.
    pub fn fail(&mut self, failure: Failure) {
        self.failures.push(failure);
    }

    /// Failures that have not come about yet, counted from now on.
    #[must_use]
    pub fn pending_failures(&self) -> &[Failure] {
        &self.failures
    }

    pub(super) fn sectors(&self) -> u64 {
        self.bytes.len() as u64 / SECTOR_BYTES
    }

    /// Bytes from a sector on.
    pub(super) fn read(&mut self, sector: u64, len_bytes: u64) -> Result<&[u8], DiskError> {
        let range = self.range(sector, len_bytes)?;
        self.count(DiskRequest::Read)?;
        Ok(&self.bytes[range])
    }

    /// Replaces bytes from a sector on.
    pub(super) fn write(&mut self, sector: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let range = self.range(sector, bytes.len() as u64)?;
        self.count(DiskRequest::Write)?;
        self.bytes[range.clone()].copy_from_slice(bytes);
        let block = usize::try_from(PAGE_SIZE).expect("a 64-bit host");
        (range.start / block..range.end.div_ceil(block)).for_each(|block| self.index(block));
        Ok(())
    }

    fn range(&self, sector: u64, len_bytes: u64) -> Result<Range<usize>, DiskError> {
        let refused = DiskError::OutOfRange { sector, len_bytes };
        let start = sector.checked_mul(SECTOR_BYTES).ok_or(refused)?;
        let end = start.checked_add(len_bytes).ok_or(refused)?;
        if end > self.bytes.len() as u64 || !len_bytes.is_multiple_of(SECTOR_BYTES) {
            return Err(refused);
        }
        let index = |place: u64| usize::try_from(place).expect("it lies in the disk");
        Ok(index(start)..index(end))
    }

    /// Counts a request against the failures to come.
    fn count(&mut self, request: DiskRequest) -> Result<(), DiskError> {
        let of_kind = self
            .failures
            .iter_mut()
            .filter(|failure| failure.request == request);
        of_kind.for_each(|failure| failure.nth -= 1);
        let before = self.failures.len();
        self.failures.retain(|failure| failure.nth > 0);
        if self.failures.len() < before {
            Err(DiskError::Failure)
        } else {
            Ok(())
        }
    }

    /// Learns anew what a block holds.
    fn index(&mut self, block: usize) {
        let hash = self.key.hash_one(&self.bytes[range_of(block)]);
        if let Some(old) = self.hashes.insert(block, hash)
            && let Some(blocks) = self.blocks.get_mut(&old)
        {
            blocks.remove(&block);
            if blocks.is_empty() {
                self.blocks.remove(&old);
            }
        }
        self.blocks.entry(hash).or_default().insert(block);
    }
}

fn range_of(block: usize) -> Range<usize> {
    let len = size_of::<PageBytes>();
    block * len..(block + 1) * len
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(byte: u8) -> PageBytes {
        [byte; PAGE_SIZE as usize]
    }

    #[test]
    fn a_page_is_found_while_a_block_holds_it_and_no_longer() {
        let mut disk = Disk::new(1);
        assert!(
            !disk.holds(&page(0)),
            "a block that was never written holds nothing"
        );
        disk.write(8, &page(1)).unwrap();
        disk.write(16, &page(1)).unwrap();
        disk.write(8, &page(2)).unwrap();
        assert!(disk.holds(&page(1)) && disk.holds(&page(2)));
        disk.write(16, &page(3)).unwrap();
        assert!(!disk.holds(&page(1)) && disk.holds(&page(3)));
    }

    #[test]
    fn a_page_that_two_writes_made_up_is_found() {
        let mut disk = Disk::new(1);
        disk.write(4, &page(7)).unwrap();
        assert!(!disk.holds(&page(7)), "it lies across two blocks");
        disk.write(0, &page(7)[..2048]).unwrap();
        assert!(disk.holds(&page(7)));
    }

    #[test]
    fn the_nth_request_of_its_kind_fails_once_and_changes_nothing() {
        let mut disk = Disk::new(1);
        disk.fail(Failure {
            request: DiskRequest::Write,
            nth: 2,
        });
        assert!(disk.read(0, 512).is_ok());
        assert_eq!(disk.write(0, &page(1)), Ok(()));
        assert_eq!(disk.write(0, &page(2)), Err(DiskError::Failure));
        assert!(disk.holds(&page(1)) && !disk.holds(&page(2)));
        assert!(disk.pending_failures().is_empty());
        assert_eq!(disk.write(0, &page(2)), Ok(()));
    }

    #[test]
    fn sectors_past_the_end_and_parts_of_sectors_are_refused() {
        let mut disk = Disk::new(1);
        assert!(disk.read(2047, 512).is_ok());
        for (sector, len_bytes) in [(2047, 1024), (0, 100), (u64::MAX, 512), (u64::MAX / 512, 512)] {
            assert_eq!(
                disk.read(sector, len_bytes).err(),
                Some(DiskError::OutOfRange { sector, len_bytes })
            );
        }
    }
}
