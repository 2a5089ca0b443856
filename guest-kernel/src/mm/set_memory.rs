//! What the kernel may do with its own pages: `set_memory_ro`, `_rw`, `_x` and `_nx` of Linux.
//!
//! A page is named by its address in what [`super::vmalloc`] or [`super::module_pages`] has given. A page of the first is
//! mapped in the direct map too, which forbids writes there as long as the page itself forbids them.
//!
//! **Invariant:** no frame is writable at one address of the kernel and executable at the same or another one.
//! [`KernelProtection`] cannot say so, and a change that would need it is refused: first read-only, then executable, and back
//! in the other order. A frame that a program maps does not become executable either.

use abi::event;

use super::address::{FrameNumber, PageRange, VirtAddr};
use super::page_table::{Entry, PageTable, alias};
use super::{frames, module_pages, vmalloc};
use crate::errno::Errno;
use crate::events::{self, NOBODY};
use crate::mutant::{self, Mutant};
use crate::{arch, log};

/// What the kernel may do with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KernelProtection {
    Writable,
    ReadOnly,
    Executable,
}

/// A change of protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProtectionChange {
    ReadOnly,
    ReadWrite,
    Executable,
    NotExecutable,
}

/// Changes whole pages: all of them, or none. EINVAL for pages that are nobody's to change, EPERM for what would be writable
/// and executable, ENOMEM when there is no frame for a page table.
pub(crate) fn set_memory(first: VirtAddr, pages: u64, change: ProtectionChange) -> Result<(), Errno> {
    let range = range_of(first, pages).ok_or(Errno::EINVAL)?;
    for page in range.iter() {
        KernelPage::at(page).ok_or(Errno::EINVAL)?.after(change)?;
    }
    let pages = || range.iter().filter_map(KernelPage::at);
    let split = pages().try_for_each(|page| alias::split(page.frame));
    if split.is_ok() {
        for page in pages() {
            page.protect(page.after(change)?);
        }
    }
    pages().for_each(|page| alias::merge(page.frame));
    if !mutant::is(Mutant::ProtectionStaleTlb) {
        arch::flush_all();
    }
    split?;
    let arguments = [first.as_u64(), range.pages(), 0, 0];
    events::send(event::PAGES_PROTECTED, NOBODY, arguments);
    Ok(())
}

fn range_of(first: VirtAddr, pages: u64) -> Option<PageRange> {
    let bytes = pages.checked_mul(abi::PAGE_SIZE).filter(|bytes| *bytes > 0)?;
    first
        .is_page_aligned()
        .then(|| PageRange::from_length(first, bytes))?
}

/// A page that may be changed.
struct KernelPage {
    address: VirtAddr,
    frame: FrameNumber,
    protection: KernelProtection,
    home: Home,
}

/// Where a page's own mapping is.
#[derive(PartialEq, Eq)]
enum Home {
    Vmalloc,
    DirectMap,
}

impl KernelPage {
    fn at(address: VirtAddr) -> Option<Self> {
        let (frame, protection, home) = if let Some(entry) = vmalloc::entry_of(address) {
            (entry.frame(), entry.kernel_protection(), Home::Vmalloc)
        } else {
            let frame = module_pages::frame_in_row(address)?;
            (frame, alias::protection(frame), Home::DirectMap)
        };
        Some(Self {
            address,
            frame,
            protection,
            home,
        })
    }

    /// What it is after a change, if it may be that.
    fn after(&self, change: ProtectionChange) -> Result<KernelProtection, Errno> {
        let after = self
            .protection
            .after(change)
            .filter(|after| *after != KernelProtection::Executable || frames::references(self.frame) == 1);
        after.ok_or_else(|| {
            log::line(format_args!(
                "set_memory: refused, because a page would be writable and executable at once"
            ));
            Errno::EPERM
        })
    }

    fn protect(&self, protection: KernelProtection) {
        let in_direct_map = match (&self.home, protection) {
            (Home::DirectMap, _) | (_, KernelProtection::Writable) => protection,
            (Home::Vmalloc, _) if mutant::is(Mutant::ModuleAliasWritable) => KernelProtection::Writable,
            (Home::Vmalloc, _) => KernelProtection::ReadOnly,
        };
        alias::protect(self.frame, in_direct_map);
        if self.home == Home::Vmalloc {
            PageTable::kernel().replace(self.address, Entry::kernel(self.frame, protection));
        }
    }
}

impl KernelProtection {
    /// None for what would be writable and executable.
    fn after(self, change: ProtectionChange) -> Option<Self> {
        use ProtectionChange as Change;
        Some(match (self, change) {
            (Self::Executable, Change::ReadWrite) | (Self::Writable, Change::Executable) => return None,
            (Self::Writable | Self::ReadOnly, Change::ReadWrite)
            | (Self::Writable, Change::NotExecutable) => Self::Writable,
            (Self::Writable | Self::ReadOnly, Change::ReadOnly)
            | (Self::ReadOnly | Self::Executable, Change::NotExecutable) => Self::ReadOnly,
            (Self::ReadOnly | Self::Executable, Change::Executable)
            | (Self::Executable, Change::ReadOnly) => Self::Executable,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{KernelProtection, ProtectionChange};

    fn after(changes: &[ProtectionChange]) -> Option<KernelProtection> {
        changes
            .iter()
            .try_fold(KernelProtection::Writable, |now, change| now.after(*change))
    }

    #[test]
    fn what_is_written_becomes_executable_by_way_of_read_only_and_back_by_the_same_way() {
        use ProtectionChange::{Executable, NotExecutable, ReadOnly, ReadWrite};
        assert_eq!(after(&[ReadOnly, Executable]), Some(KernelProtection::Executable));
        assert_eq!(
            after(&[ReadOnly, Executable, NotExecutable, ReadWrite]),
            Some(KernelProtection::Writable)
        );
    }

    #[test]
    fn nothing_becomes_executable_while_it_is_writable_or_writable_while_it_is_executable() {
        use ProtectionChange::{Executable, ReadOnly, ReadWrite};
        assert_eq!(after(&[Executable]), None);
        assert_eq!(after(&[ReadOnly, Executable, ReadWrite]), None);
    }

    #[test]
    fn a_change_to_what_is_so_already_changes_nothing() {
        use ProtectionChange::{Executable, NotExecutable, ReadOnly, ReadWrite};
        assert_eq!(
            after(&[ReadWrite, NotExecutable]),
            Some(KernelProtection::Writable)
        );
        assert_eq!(
            after(&[ReadOnly, ReadOnly, NotExecutable]),
            Some(KernelProtection::ReadOnly)
        );
        assert_eq!(
            after(&[ReadOnly, Executable, Executable, ReadOnly]),
            Some(KernelProtection::Executable)
        );
    }
}
