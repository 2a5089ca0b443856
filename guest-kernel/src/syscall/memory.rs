//! System calls on memory: arguments checked in Linux's order, then `mm::AddressSpace`.

use abi::PAGE_SIZE;
use abi::doorbell;
use abi::linux::mman::{MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_PRIVATE, MAP_SHARED, MAP_TYPE};

use crate::errno::Errno;
use crate::fs::{File, initrd};
use crate::mm::{
    AddressSpace, Backing, Growth, MAX_SHARED_BYTES, MapRequest, PhysAddr, Placement, Protection,
    SharedObject, VirtAddr, round_up_to_page,
};
use crate::process::with_current;
use crate::sched::{self, Site};

/// Flags without a meaning here are ignored, as Linux ignores those it does not know.
pub(super) fn mmap(
    address: u64,
    length: u64,
    protection: u64,
    flags: u64,
    descriptor: u64,
    offset: u64,
) -> Result<u64, Errno> {
    if !VirtAddr::new(offset).is_page_aligned() {
        return Err(Errno::EINVAL);
    }
    with_current(|process| {
        let file = if flags & MAP_ANONYMOUS == 0 {
            Some(process.files().get(descriptor)?.file)
        } else {
            None
        };
        if length == 0 {
            return Err(Errno::EINVAL);
        }
        let bytes = round_up_to_page(length)
            .filter(|&bytes| bytes > 0)
            .ok_or(Errno::ENOMEM)?;
        let space = process.address_space();
        let range = space.place(placement(address, flags), bytes)?;
        let backing = match file {
            None => anonymous(flags, bytes)?,
            Some(File::Console | File::OwnMemory | File::OwnMaps | File::Modules | File::FailNth) => {
                return Err(Errno::ENODEV);
            }
            Some(File::Initrd(contents)) => file_pages(contents, flags, offset, bytes)?,
            Some(File::Memory) => doorbell_registers(flags, offset, bytes)?,
        };
        let protection = Protection::from_bits_truncated(protection);
        let request = MapRequest {
            bytes,
            protection,
            growth: Growth::Fixed,
            backing,
        };
        Ok(space.map_at(range, request)?.as_u64())
    })
}

fn placement(address: u64, flags: u64) -> Placement {
    let address = VirtAddr::new(address);
    if flags & MAP_FIXED_NOREPLACE != 0 {
        Placement::FixedNoReplace(address)
    } else if flags & MAP_FIXED != 0 {
        Placement::Fixed(address)
    } else {
        Placement::Hint(address)
    }
}

fn anonymous(flags: u64, bytes: u64) -> Result<Backing, Errno> {
    match flags & MAP_TYPE {
        MAP_PRIVATE => Ok(Backing::Anonymous),
        MAP_SHARED if bytes > MAX_SHARED_BYTES => Err(Errno::ENOMEM),
        MAP_SHARED => Ok(Backing::Shared {
            object: SharedObject::new()?,
            first: 0,
        }),
        _ => Err(Errno::EINVAL),
    }
}

/// The file's own frames, privately: as far as whole pages of the file go, because what follows them is the next file's.
fn file_pages(contents: &'static [u8], flags: u64, offset: u64, bytes: u64) -> Result<Backing, Errno> {
    if flags & MAP_TYPE != MAP_PRIVATE {
        return Err(Errno::ENODEV);
    }
    let end = offset.checked_add(bytes).ok_or(Errno::EINVAL)?;
    let whole_pages_end = contents.len() as u64 / PAGE_SIZE * PAGE_SIZE;
    let first = initrd::page_aligned_address(contents).filter(|_| end <= whole_pages_end);
    let first = first.ok_or(Errno::EINVAL)?.plus(offset);
    Ok(Backing::File { first })
}

/// Of physical memory, programs may map the doorbell and nothing else.
fn doorbell_registers(flags: u64, offset: u64, bytes: u64) -> Result<Backing, Errno> {
    if flags & MAP_TYPE != MAP_SHARED {
        return Err(Errno::EINVAL);
    }
    let end = offset.checked_add(bytes).ok_or(Errno::EINVAL)?;
    if offset < doorbell::PHYS_BASE || end > doorbell::PHYS_BASE + doorbell::LEN_BYTES {
        return Err(Errno::EPERM);
    }
    Ok(Backing::Device {
        first: PhysAddr::new(offset),
    })
}

pub(super) fn munmap(address: u64, length: u64) -> Result<u64, Errno> {
    with_space(|space| space.unmap(VirtAddr::new(address), length)).map(|()| 0)
}

pub(super) fn mprotect(address: u64, length: u64, protection: u64) -> Result<u64, Errno> {
    with_space(|space| space.protect(VirtAddr::new(address), length, protection)).map(|()| 0)
}

pub(super) fn madvise(address: u64, length: u64, advice: u64) -> Result<u64, Errno> {
    sched::reschedule_point(Site::Madvise);
    with_space(|space| space.advise(VirtAddr::new(address), length, advice)).map(|()| 0)
}

pub(super) fn brk(address: u64) -> Result<u64, Errno> {
    Ok(with_space(|space| space.set_break(VirtAddr::new(address))).as_u64())
}

fn with_space<R>(f: impl FnOnce(&mut AddressSpace) -> R) -> R {
    with_current(|process| f(process.address_space()))
}
