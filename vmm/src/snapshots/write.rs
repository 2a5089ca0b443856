//! The run's side: what has changed goes into the file.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::rc::Rc;

use abi::PAGE_SIZE;
use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend, GuestMemoryMmap, GuestMemoryRegion};

use super::{FILE_NAME, Head};
use crate::address::FrameNumber;
use crate::inspect::PhysicalMemory;
use crate::inspect::memory::FrameBytes;
use crate::judge::Scene;
use crate::view::{NamedMemory, SystemRegisters};

/// Keeps what memory is like after each line of a report. What it cannot keep any more is an error when the run has ended.
#[derive(Clone)]
pub struct Keeper(Rc<RefCell<Result<Kept, io::Error>>>);

struct Kept {
    file: BufWriter<File>,
    /// How long the file may still become.
    left_bytes: u64,
    /// Memory as it was last written; None before the first time.
    last: Option<GuestMemoryMmap>,
}

impl Keeper {
    /// Keeps it in a file of this folder, which becomes no longer than so many bytes.
    ///
    /// # Errors
    /// The file cannot be made.
    pub(crate) fn create(folder: &Path, most_bytes: u64) -> io::Result<Keeper> {
        let file = File::create(folder.join(FILE_NAME))?;
        Ok(Keeper(Rc::new(RefCell::new(Ok(Kept {
            file: BufWriter::new(file),
            left_bytes: most_bytes,
            last: None,
        })))))
    }

    /// Keeps what there is after a line of the report.
    pub(crate) fn keep(&self, line: usize, scene: &Scene<'_>) {
        let registers = scene.stop.system_registers().map_err(io::Error::other);
        self.keep_memory(line, NamedMemory::of(scene), registers, scene.stop.memory());
    }

    pub(super) fn keep_memory(
        &self,
        line: usize,
        named: NamedMemory,
        registers: io::Result<SystemRegisters>,
        memory: &GuestMemoryMmap,
    ) {
        let mut kept = self.0.borrow_mut();
        if let Ok(keeping) = &mut *kept
            && let Err(error) = registers.and_then(|registers| keeping.keep(line, named, registers, memory))
        {
            *kept = Err(error);
        }
    }

    /// All of it is in the file.
    ///
    /// # Errors
    /// It is not: there is no room for it.
    pub(crate) fn finish(&self) -> io::Result<()> {
        let ended = Err(io::Error::other("nothing is kept after the end"));
        self.0.replace(ended).and_then(|mut kept| kept.file.flush())
    }
}

impl Kept {
    fn keep(
        &mut self,
        line: usize,
        named: NamedMemory,
        registers: SystemRegisters,
        memory: &GuestMemoryMmap,
    ) -> io::Result<()> {
        if self.last.is_none() {
            let ranges: Vec<(GuestAddress, usize)> = memory
                .iter()
                .map(|region| Ok((region.start_addr(), usize::try_from(region.len())?)))
                .collect::<Result<_, std::num::TryFromIntError>>()
                .map_err(io::Error::other)?;
            self.last = Some(GuestMemoryMmap::from_ranges(&ranges).map_err(io::Error::other)?);
        }
        let Some(last) = &self.last else { return Ok(()) };
        let (now, before) = (PhysicalMemory::new(memory), PhysicalMemory::new(last));
        let mut held = [FrameBytes::zeroed(), FrameBytes::zeroed()];
        let has_changed = |frame: &FrameNumber| {
            let [is, was] = &mut held;
            let copied = now
                .copy_frame(*frame, is)
                .and_then(|()| before.copy_frame(*frame, was));
            copied.is_ok() && is != was
        };
        let frames: Vec<FrameNumber> = (0..now.frames()).map(FrameNumber).filter(has_changed).collect();
        let head = serde_json::to_vec(&Head {
            line,
            memory_len_bytes: memory.iter().map(GuestMemoryRegion::len).sum(),
            registers,
            named,
            frames: frames.clone(),
        })?;
        let head_len = u32::try_from(head.len()).map_err(io::Error::other)?.to_le_bytes();
        let len_bytes = (head_len.len() + head.len()) as u64 + frames.len() as u64 * PAGE_SIZE;
        let left = self.left_bytes.checked_sub(len_bytes);
        self.left_bytes = left.ok_or(io::ErrorKind::FileTooLarge)?;
        self.file.write_all(&head_len)?;
        self.file.write_all(&head)?;
        let mut held = FrameBytes::zeroed();
        for frame in frames {
            now.copy_frame(frame, &mut held).map_err(io::Error::other)?;
            let start = GuestAddress(frame.start().0);
            last.write_slice(&held.0, start).map_err(io::Error::other)?;
            self.file.write_all(&held.0)?;
        }
        Ok(())
    }
}
