//! Reading and writing a process's memory.
//!
//! What a program passes as a pointer is an allegation: it is walked like the processor would walk it, page by page, and
//! pages that are missing or must be copied first are, as if the program had touched them. The kernel never follows a user
//! address itself. A page that a program is to provide is waited for by whoever copies, when it holds nothing:
//! [`CopyError::Awaits`].

#![allow(unsafe_code, reason = "frames of programs by their numbers")]

use abi::PAGE_SIZE;
use abi::paging::USER_END;

use super::address::{FrameNumber, PAGE_BYTES, VirtAddr};
use super::address_space::{Access, AddressSpace, Awaited, FaultError};
use super::direct_map;
use super::frames::{self, Contents, FrameKind, FrameRef, OutOfMemory};
use super::page_cache::CachedBytes;
use crate::errno::Errno;
use crate::mutant::{self, Mutant};

/// Why bytes cannot be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CopyError {
    Refused(Errno),
    /// Somebody has to serve a fault first; then the whole copy is to be tried again.
    Awaits(Awaited),
}

impl From<Errno> for CopyError {
    fn from(error: Errno) -> Self {
        Self::Refused(error)
    }
}

impl From<OutOfMemory> for CopyError {
    fn from(error: OutOfMemory) -> Self {
        Self::Refused(error.into())
    }
}

impl From<FaultError> for CopyError {
    fn from(error: FaultError) -> Self {
        match error {
            FaultError::Awaits(awaited) => Self::Awaits(awaited),
            FaultError::Forbidden
            | FaultError::OutOfMemory
            | FaultError::NoPage
            | FaultError::Unreadable(..) => Self::Refused(Errno::EFAULT),
        }
    }
}

/// Bytes that a program says it has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UserSlice {
    start: VirtAddr,
    bytes: u64,
}

impl UserSlice {
    /// EFAULT when it is not wholly in the half of the addresses that programs have.
    pub(crate) fn new(start: u64, bytes: u64) -> Result<Self, Errno> {
        match start.checked_add(bytes) {
            Some(end) if end <= USER_END => Ok(Self {
                start: VirtAddr::new(start),
                bytes,
            }),
            _ => Err(Errno::EFAULT),
        }
    }

    /// The next piece that lies in one page, at most `limit` bytes; cut off from the front.
    pub(crate) fn take_piece(&mut self, limit: usize) -> Option<Self> {
        let in_page = PAGE_SIZE - self.start.page_offset();
        let bytes = self.bytes.min(in_page).min(limit as u64);
        let piece = Self {
            start: self.start,
            bytes,
        };
        self.start = self.start.plus(bytes);
        self.bytes -= bytes;
        (bytes > 0).then_some(piece)
    }

    pub(crate) fn start(&self) -> u64 {
        self.start.as_u64()
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes as usize
    }

    /// Cuts off the first `bytes`, be they in one page or in several.
    pub(crate) fn take_front(&mut self, bytes: u64) -> Self {
        let front = self.first(bytes as usize);
        self.start = self.start.plus(bytes);
        self.bytes -= bytes;
        front
    }

    /// The first `len` bytes.
    pub(crate) fn first(&self, len: usize) -> Self {
        assert!(len <= self.len(), "a part is not longer than the whole");
        Self {
            start: self.start,
            bytes: len as u64,
        }
    }
}

/// A frame for a page of a program's that whoever asks fills.
pub(crate) fn new_page() -> Result<FrameRef, OutOfMemory> {
    frames::allocate(FrameKind::Anonymous, Contents::Stale)
}

/// The same, of zeros.
pub(crate) fn new_zero_page() -> Result<FrameRef, OutOfMemory> {
    frames::allocate(FrameKind::Anonymous, Contents::Zeroed)
}

/// Copies out of one frame of a program's memory.
pub(crate) fn copy_from_frame(frame: &FrameRef, offset: u64, into: &mut [u8]) {
    // SAFETY: no Rust value lives in a frame that somebody has a reference to.
    unsafe { direct_map::read(frame.number(), offset as usize, into) };
}

/// Copies into one frame of a program's memory.
pub(crate) fn copy_to_frame(frame: &FrameRef, offset: u64, from: &[u8]) {
    // SAFETY: as in `copy_from_frame`; what a program's frame holds is nobody's but the programs'.
    unsafe { direct_map::write(frame.number(), offset as usize, from) };
}

impl AddressSpace {
    /// Copies in. The lengths must agree.
    pub(crate) fn read(&mut self, mut from: UserSlice, mut into: &mut [u8]) -> Result<(), CopyError> {
        assert!(from.len() == into.len(), "lengths of a copy must agree");
        while let Some(piece) = from.take_piece(into.len()) {
            let (now, rest) = into.split_at_mut(piece.len());
            let frame = self.frame_behind(piece.start, Access::Read)?;
            // SAFETY: what `frame_behind` gives is mapped for the program, and so holds no Rust value.
            unsafe { direct_map::read(frame, piece.start.page_offset() as usize, now) };
            into = rest;
        }
        Ok(())
    }

    /// Copies out. The lengths must agree.
    pub(crate) fn write(&mut self, mut to: UserSlice, mut from: &[u8]) -> Result<(), CopyError> {
        assert!(to.len() == from.len(), "lengths of a copy must agree");
        while let Some(piece) = to.take_piece(from.len()) {
            let (now, rest) = from.split_at(piece.len());
            let frame = self.frame_behind(piece.start, Access::Write)?;
            // SAFETY: what `frame_behind` gives is mapped for the program, which may write there.
            unsafe { direct_map::write(frame, piece.start.page_offset() as usize, now) };
            from = rest;
        }
        Ok(())
    }

    /// Copies out what lies in the page cache. The lengths must agree.
    pub(crate) fn write_cached(&mut self, mut to: UserSlice, from: CachedBytes) -> Result<(), CopyError> {
        assert!(to.len() == from.len(), "lengths of a copy must agree");
        let mut done = 0;
        while done < from.len() {
            let (source, source_offset) = from.place_of(done as u64);
            let Some(piece) = to.take_piece(PAGE_BYTES - source_offset) else {
                break;
            };
            let target = self.frame_behind(piece.start, Access::Write)?;
            let offset = piece.start.page_offset() as usize;
            // SAFETY: a frame of the page cache, and one that the program may write to.
            unsafe { direct_map::copy_part(source, source_offset, target, offset, piece.len()) };
            done += piece.len();
        }
        Ok(())
    }

    /// Copies a page's bytes in, from any address, to a frame that nobody else knows of.
    pub(crate) fn read_page(&mut self, mut from: UserSlice, into: &FrameRef) -> Result<(), CopyError> {
        assert!(from.len() == PAGE_BYTES, "a page is copied");
        let mut done = 0;
        while let Some(piece) = from.take_piece(PAGE_BYTES) {
            let source = self.frame_behind(piece.start, Access::Read)?;
            let offset = piece.start.page_offset() as usize;
            // SAFETY: a frame that is mapped for the program, and one that nobody else knows of.
            unsafe { direct_map::copy_part(source, offset, into.number(), done, piece.len()) };
            done += piece.len();
        }
        Ok(())
    }

    pub(crate) fn read_u64(&mut self, address: u64) -> Result<u64, CopyError> {
        let mut bytes = [0; 8];
        self.read(UserSlice::new(address, 8)?, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Copies a string without its NUL to the front of `into` and gives its length, or `None` when there is no NUL within
    /// `into`.
    pub(crate) fn read_string(&mut self, address: u64, into: &mut [u8]) -> Result<Option<usize>, CopyError> {
        let room = (into.len() as u64).min(USER_END.saturating_sub(address));
        let mut from = UserSlice::new(address, room)?;
        let mut len = 0;
        while let Some(piece) = from.take_piece(into.len() - len) {
            let now = &mut into[len..len + piece.len()];
            let frame = self.frame_behind(piece.start, Access::Read)?;
            // SAFETY: what `frame_behind` gives is mapped for the program, and so holds no Rust value.
            unsafe { direct_map::read(frame, piece.start.page_offset() as usize, now) };
            if let Ok(string) = core::ffi::CStr::from_bytes_until_nul(now) {
                return Ok(Some(len + string.count_bytes()));
            }
            len += piece.len();
        }
        if len < into.len() {
            Err(Errno::EFAULT.into())
        } else {
            Ok(None)
        }
    }

    /// Where in shared memory an address that can be read lies; `None` for private memory.
    pub(crate) fn shared_place(&mut self, address: u64) -> Result<Option<(FrameNumber, u64)>, CopyError> {
        let address = UserSlice::new(address, 1)?.start;
        let frame = self.frame_behind(address, Access::Read)?;
        Ok(self.is_shared(address).then(|| (frame, address.page_offset())))
    }

    /// Frame of memory that the program reaches at the address with that access.
    fn frame_behind(&mut self, address: VirtAddr, access: Access) -> Result<FrameNumber, CopyError> {
        let page = address.page();
        let mut entry = self.page_table().lookup(page);
        if self.is_taken_as_it_is(address, access) {
            return Ok(entry.frame());
        }
        if entry.slot().is_some() && mutant::is(Mutant::KernelCopyMissesDisk) {
            return Err(Errno::EFAULT.into());
        }
        if !entry.is_present() || access == Access::Write && !entry.is_writable() {
            self.handle_fault(address, access)?;
            entry = self.page_table().lookup(page);
        }
        if entry.has_frame() {
            Ok(entry.frame())
        } else {
            Err(Errno::EFAULT.into())
        }
    }

    /// Whether a fault that is committed on purpose has the frame used that is there, as if the access were allowed.
    fn is_taken_as_it_is(&self, address: VirtAddr, access: Access) -> bool {
        let is_wrong = if access == Access::Write {
            mutant::is(Mutant::KernelStoreIgnoresCow) && self.allows(address, access)
                || mutant::is(Mutant::KernelStoreIgnoresProtection) && !self.allows(address, access)
        } else {
            mutant::is(Mutant::KernelLoadIgnoresProtection) && !self.allows(address, access)
        };
        is_wrong && self.page_table().lookup(address.page()).maps_memory()
    }
}
