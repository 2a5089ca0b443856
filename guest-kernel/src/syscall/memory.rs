//! System calls on memory: arguments checked in Linux's order, then `mm::AddressSpace`.

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_PRIVATE, MAP_SHARED, MAP_TYPE};

use crate::errno::Errno;
use crate::mm::{
    AddressSpace, Backing, Growth, MAX_SHARED_BYTES, MapRequest, NewArea, Placement, Protection,
    SharedObject, Sharing, VirtAddr, round_up_to_page,
};
use crate::process::with_current;
use crate::sched::{self, Site};
use crate::uffd;

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
            Some(process.files().get(descriptor)?.clone())
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
        let protection = Protection::from_bits_truncated(protection);
        let sharing = match flags & MAP_TYPE {
            MAP_PRIVATE => Sharing::Private,
            MAP_SHARED => Sharing::Shared,
            _ => return Err(Errno::EINVAL),
        };
        let mapped = match file {
            None => space.map_at(range, anonymous(protection, sharing, bytes)?),
            Some(file) => {
                let area = NewArea::new(range, protection, sharing, offset / PAGE_SIZE);
                space.map_file(area, &file)
            }
        };
        Ok(mapped?.as_u64())
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

fn anonymous(protection: Protection, sharing: Sharing, bytes: u64) -> Result<MapRequest, Errno> {
    let backing = match sharing {
        Sharing::Private => Backing::Anonymous,
        Sharing::Shared if bytes > MAX_SHARED_BYTES => return Err(Errno::ENOMEM),
        Sharing::Shared => Backing::Shared {
            object: SharedObject::new()?,
            first: 0,
        },
    };
    Ok(MapRequest {
        bytes,
        protection,
        growth: Growth::Fixed,
        backing,
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

/// The flags are a C int.
pub(super) fn userfaultfd(flags: u64) -> Result<u64, Errno> {
    uffd::create(u64::from(flags as u32))
}

fn with_space<R>(f: impl FnOnce(&mut AddressSpace) -> R) -> R {
    with_current(|process| f(process.address_space()))
}
