//! The reader's side: memory as it was after any line.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

use abi::PAGE_SIZE;
use abi::boot::MAX_MEMORY_MIB;
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::{FILE_NAME, Head};
use crate::address::FrameNumber;
use crate::inspect::PhysicalMemory;
use crate::inspect::memory::FrameBytes;
use crate::inspect::walk::Root;
use crate::view::{NamedMemory, SystemRegisters};

/// Longest head, in bytes: one that lists all frames of the largest guest takes less.
const MAX_HEAD_BYTES: u32 = 16 << 20;

/// What there was after each line of a report. It stands at one of them, and can be asked for what there was then.
pub struct Snapshots {
    snapshots: Vec<Snapshot>,
    /// Which one it stands at.
    at: usize,
    memory: GuestMemoryMmap,
}

/// One of them.
struct Snapshot {
    line: usize,
    registers: SystemRegisters,
    named: NamedMemory,
    changes: Vec<Change>,
}

/// A frame that holds something else than in the snapshot before.
struct Change {
    frame: FrameNumber,
    /// What it held before, or, once the snapshot is passed, what it holds since: what is not in memory.
    other: Box<FrameBytes>,
}

/// Nothing can be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotsError {
    /// The run has left no file, or it cannot be read.
    #[error("cannot read what the run has kept of memory")]
    Read(#[from] io::Error),
    /// The file holds something else.
    #[error("what the run has kept of memory is damaged: {0}")]
    Damaged(&'static str),
    /// There is no step at whose end the guest could be looked at.
    #[error("there was nothing to look at in the run: its guest did not come so far")]
    Nothing,
}

impl Snapshots {
    /// Reads what a run has left in its folder. It stands at the first one.
    ///
    /// # Errors
    /// There is none, or it is not as a run leaves it.
    pub fn read(folder: &Path) -> Result<Snapshots, SnapshotsError> {
        let mut file = BufReader::new(File::open(folder.join(FILE_NAME))?);
        let mut snapshots = Vec::new();
        let mut memory_len_bytes = None;
        while let Some(head) = head(&mut file)? {
            if *memory_len_bytes.get_or_insert(head.memory_len_bytes) != head.memory_len_bytes {
                return Err(SnapshotsError::Damaged("the size of memory changes"));
            }
            let frames = head.memory_len_bytes / PAGE_SIZE;
            let is_ascending = head.frames.is_sorted_by(|before, frame| before < frame);
            if !is_ascending || head.frames.last().is_some_and(|last| last.0 >= frames) {
                return Err(SnapshotsError::Damaged("a frame is outside memory"));
            }
            let mut changes = Vec::with_capacity(head.frames.len());
            for frame in head.frames {
                let mut other = Box::new(FrameBytes::zeroed());
                file.read_exact(&mut other.0)?;
                changes.push(Change { frame, other });
            }
            snapshots.push(Snapshot {
                line: head.line,
                registers: head.registers,
                named: head.named,
                changes,
            });
        }
        let len_bytes = memory_len_bytes.ok_or(SnapshotsError::Nothing)?;
        if len_bytes > MAX_MEMORY_MIB << 20 {
            return Err(SnapshotsError::Damaged("no guest has so much memory"));
        }
        let len_bytes = usize::try_from(len_bytes).map_err(|_| SnapshotsError::Damaged("its size"))?;
        let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), len_bytes)])
            .map_err(|_| SnapshotsError::Damaged("no memory for it"))?;
        let mut read = Snapshots {
            snapshots,
            at: 0,
            memory,
        };
        read.exchange(0);
        Ok(read)
    }

    /// How many there are, at least one.
    #[must_use]
    pub(crate) fn count(&self) -> usize {
        self.snapshots.len()
    }

    /// The number of the one that it stands at, from 0.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The line of the report after which a snapshot was taken.
    pub(crate) fn line(&self, number: usize) -> Option<usize> {
        Some(self.snapshots.get(number)?.line)
    }

    /// Goes to a snapshot, or the last one where there is none of this number.
    pub(crate) fn go_to(&mut self, number: usize) {
        let number = number.min(self.count() - 1);
        while self.at < number {
            self.at += 1;
            self.exchange(self.at);
        }
        while self.at > number {
            self.exchange(self.at);
            self.at -= 1;
        }
    }

    /// Swaps what memory holds and what a snapshot has kept of it: what there was before, or what there is since.
    fn exchange(&mut self, number: usize) {
        for Change { frame, other } in &mut self.snapshots[number].changes {
            let mut held = FrameBytes::zeroed();
            let copied = PhysicalMemory::new(&self.memory).copy_frame(*frame, &mut held);
            let written = self.memory.write_slice(&other.0, GuestAddress(frame.start().0));
            debug_assert!(copied.is_ok() && written.is_ok(), "the frame is in memory");
            **other = held;
        }
    }

    /// Memory, as it was then.
    pub(crate) fn memory(&self) -> PhysicalMemory<'_> {
        PhysicalMemory::new(&self.memory)
    }

    /// The processes and the names of their mappings, as they were then.
    pub(crate) fn named(&self) -> &NamedMemory {
        &self.snapshots[self.at].named
    }

    /// The processor's registers, as they were then.
    pub(crate) fn registers(&self) -> &SystemRegisters {
        &self.snapshots[self.at].registers
    }

    /// The page table that was in use then.
    pub(crate) fn root(&self) -> Root {
        Root::from_cr3(self.registers().cr3)
    }
}

/// The next head, if there is one.
fn head(file: &mut impl Read) -> Result<Option<Head>, SnapshotsError> {
    let mut len_bytes = [0; 4];
    match file.read_exact(&mut len_bytes) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let len_bytes = u32::from_le_bytes(len_bytes);
    if len_bytes > MAX_HEAD_BYTES {
        return Err(SnapshotsError::Damaged("the head of a snapshot is too long"));
    }
    let mut bytes = vec![0; len_bytes as usize];
    file.read_exact(&mut bytes)?;
    let head = serde_json::from_slice(&bytes);
    head.map(Some)
        .map_err(|_| SnapshotsError::Damaged("the head of a snapshot is none"))
}
