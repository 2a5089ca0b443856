//! System calls on memory: arguments checked in Linux's order, then `mm::AddressSpace`.

use abi::PAGE_SIZE;
use abi::linux::mman::{
    MAP_32BIT, MAP_ABOVE4G, MAP_ANONYMOUS, MAP_DENYWRITE, MAP_EXECUTABLE, MAP_FIXED, MAP_FIXED_NOREPLACE,
    MAP_GROWSDOWN, MAP_HUGETLB, MAP_LOCKED, MAP_NONBLOCK, MAP_NORESERVE, MAP_POPULATE, MAP_PRIVATE,
    MAP_SHARED, MAP_SHARED_VALIDATE, MAP_STACK, MAP_TYPE, MLOCK_ONFAULT,
};
use abi::paging::USER_END;

use crate::errno::Errno;
use crate::mm::{
    AddressSpace, AreaFlags, Backing, Growth, Limits, Locking, MAX_SHARED_BYTES, MapRequest, NewArea,
    Placement, Protection, SharedObject, Sharing, UserSlice, VirtAddr, round_up_to_page,
};
use crate::mutant::{self, Mutant};
use crate::process::{self, Process, with_current};
use crate::sched::{self, Site};
use crate::uffd;

/// Flags that `MAP_SHARED_VALIDATE` knows (`LEGACY_MAP_MASK`).
const VALIDATED: u64 = MAP_SHARED_VALIDATE
    | MAP_FIXED
    | MAP_32BIT
    | MAP_ABOVE4G
    | MAP_GROWSDOWN
    | MAP_DENYWRITE
    | MAP_EXECUTABLE
    | MAP_LOCKED
    | MAP_NORESERVE
    | MAP_POPULATE
    | MAP_NONBLOCK
    | MAP_STACK;

/// Flags that Linux gives no meaning are ignored, as it does; `MAP_ABOVE4G` is where mappings are anyway. There are no huge pages.
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
    let (mapped, locking) = with_current(|process| {
        let file = if flags & MAP_ANONYMOUS == 0 {
            Some(process.files().get(descriptor)?.clone())
        } else {
            None
        };
        if length == 0 || flags & MAP_HUGETLB != 0 {
            return Err(Errno::EINVAL);
        }
        let bytes = round_up_to_page(length)
            .filter(|&bytes| bytes > 0)
            .ok_or(Errno::ENOMEM)?;
        let limits = limits(process);
        let space = process.address_space();
        let range = space.place(placement(address, flags), bytes, limits.lowest())?;
        let locking = space.locking_of_new((flags & MAP_LOCKED != 0).then_some(Locking::Now));
        if locking.has(AreaFlags::LOCKED) {
            space.check_lockable(bytes, limits)?;
        }
        let protection = Protection::from_bits_truncated(protection);
        let sharing = sharing(flags, file.is_some())?;
        let growth = growth(flags, sharing, file.is_some())?;
        let flags = if flags & MAP_NORESERVE == 0 {
            locking
        } else {
            locking.with(AreaFlags::UNRESERVED)
        };
        match file {
            None => {
                let backing = anonymous(sharing, bytes)?;
                let request = MapRequest {
                    bytes,
                    protection,
                    growth,
                    flags,
                    backing,
                };
                space.map_at(range, request)?;
            }
            Some(file) => {
                let area = NewArea::new(range, protection, sharing, offset / PAGE_SIZE).with_flags(flags);
                space.map_file(area, &file)?;
            }
        }
        Ok((range, locking))
    })?;
    let populates = flags & (MAP_POPULATE | MAP_NONBLOCK) == MAP_POPULATE;
    if populates && !mutant::is(Mutant::PopulateIgnored) || locking.has(AreaFlags::LOCKED) {
        with_space(|space| space.populate_mapped(mapped));
    }
    Ok(mapped.start().as_u64())
}

fn placement(address: u64, flags: u64) -> Placement {
    let address = VirtAddr::new(address);
    if flags & MAP_FIXED_NOREPLACE != 0 {
        Placement::FixedNoReplace(address)
    } else if flags & MAP_FIXED != 0 || mutant::is(Mutant::HintReplaces) && address.as_u64() != 0 {
        Placement::Fixed(address)
    } else if flags & MAP_32BIT != 0 {
        Placement::Low(address)
    } else {
        Placement::Hint(address)
    }
}

/// `MAP_SHARED_VALIDATE` is for files, and refuses what no file here can do.
fn sharing(flags: u64, is_file: bool) -> Result<Sharing, Errno> {
    match flags & MAP_TYPE {
        MAP_PRIVATE => Ok(Sharing::Private),
        MAP_SHARED => Ok(Sharing::Shared),
        MAP_SHARED_VALIDATE if is_file && flags & !VALIDATED != 0 => Err(Errno::EOPNOTSUPP),
        MAP_SHARED_VALIDATE if is_file => Ok(Sharing::Shared),
        _ => Err(Errno::EINVAL),
    }
}

fn growth(flags: u64, sharing: Sharing, is_file: bool) -> Result<Growth, Errno> {
    match (flags & MAP_GROWSDOWN, sharing) {
        (0, _) => Ok(Growth::Fixed),
        (_, Sharing::Private) if !is_file => Ok(Growth::Down),
        _ => Err(Errno::EINVAL),
    }
}

fn anonymous(sharing: Sharing, bytes: u64) -> Result<Backing, Errno> {
    match sharing {
        Sharing::Private => Ok(Backing::Anonymous),
        Sharing::Shared if bytes > MAX_SHARED_BYTES => Err(Errno::ENOMEM),
        Sharing::Shared => Ok(Backing::Object {
            object: SharedObject::new(bytes)?,
            first: 0,
            sharing,
        }),
    }
}

pub(super) fn munmap(address: u64, length: u64) -> Result<u64, Errno> {
    with_space(|space| space.unmap(VirtAddr::new(address), length)).map(|()| 0)
}

pub(super) fn mprotect(address: u64, length: u64, protection: u64) -> Result<u64, Errno> {
    with_space(|space| space.protect(VirtAddr::new(address), length, protection)).map(|()| 0)
}

pub(super) fn madvise(address: u64, length: u64, advice: u64) -> Result<u64, Errno> {
    sched::reschedule_point(Site::Madvise);
    process::with_memory(|space| space.advise(VirtAddr::new(address), length, advice)).map(|()| 0)
}

pub(super) fn brk(address: u64) -> Result<u64, Errno> {
    with_current(|process| {
        let limits = limits(process);
        let end = process.address_space().set_break(VirtAddr::new(address), limits);
        Ok(end.as_u64())
    })
}

pub(super) fn mremap(
    address: u64,
    old_length: u64,
    new_length: u64,
    flags: u64,
    new_address: u64,
) -> Result<u64, Errno> {
    let (start, wanted) = (VirtAddr::new(address), VirtAddr::new(new_address));
    let moved = with_current(|process| {
        let limits = limits(process);
        let space = process.address_space();
        space.mremap(start, [old_length, new_length], flags, wanted, limits)
    })?;
    Ok(moved.as_u64())
}

/// The flags are a C int.
pub(super) fn msync(address: u64, length: u64, flags: u64) -> Result<u64, Errno> {
    let flags = u64::from(flags as u32);
    with_space(|space| space.sync(VirtAddr::new(address), length, flags)).map(|()| 0)
}

/// Pages that mincore tells of at a time.
const RESIDENCY_BYTES: usize = 256;

/// What was found before a hole has been told when the call fails, as on Linux.
pub(super) fn mincore(address: u64, length: u64, vector: u64) -> Result<u64, Errno> {
    let start = VirtAddr::new(address);
    if !start.is_page_aligned() {
        return Err(Errno::EINVAL);
    }
    let end = address.checked_add(length).filter(|&end| end <= USER_END);
    end.ok_or(Errno::ENOMEM)?;
    let pages = length.div_ceil(PAGE_SIZE);
    UserSlice::new(vector, pages)?;
    let mut told = [0; RESIDENCY_BYTES];
    let mut done = 0;
    while done < pages {
        let room = (pages - done).min(RESIDENCY_BYTES as u64) as usize;
        let next = start.plus(done * PAGE_SIZE);
        let count = with_space(|space| space.residency(next, &mut told[..room]))?;
        let to = UserSlice::new(vector + done, count as u64)?;
        process::copy_out(to, &told[..count])?;
        done += count as u64;
    }
    Ok(0)
}

pub(super) fn mlock(address: u64, length: u64) -> Result<u64, Errno> {
    lock(address, length, Locking::Now)
}

/// The flags are a C int.
pub(super) fn mlock2(address: u64, length: u64, flags: u64) -> Result<u64, Errno> {
    match u64::from(flags as u32) {
        0 => lock(address, length, Locking::Now),
        MLOCK_ONFAULT => lock(address, length, Locking::OnFault),
        _ => Err(Errno::EINVAL),
    }
}

fn lock(address: u64, length: u64, locking: Locking) -> Result<u64, Errno> {
    process::patiently(|table| {
        let process = table.current_process();
        let limits = limits(process);
        let space = process.memory().ok_or(Errno::EFAULT)?;
        space.lock(VirtAddr::new(address), length, locking, limits)
    })?;
    Ok(0)
}

pub(super) fn munlock(address: u64, length: u64) -> Result<u64, Errno> {
    with_space(|space| space.unlock(VirtAddr::new(address), length)).map(|()| 0)
}

/// The flags are a C int.
pub(super) fn mlockall(flags: u64) -> Result<u64, Errno> {
    with_current(|process| {
        let limits = limits(process);
        let flags = u64::from(flags as u32);
        process.address_space().lock_all(flags, limits)
    })?;
    Ok(0)
}

pub(super) fn munlockall() -> Result<u64, Errno> {
    with_space(AddressSpace::unlock_all);
    Ok(0)
}

/// The flags are a C int.
pub(super) fn userfaultfd(flags: u64) -> Result<u64, Errno> {
    uffd::create(u64::from(flags as u32))
}

fn limits(process: &Process) -> Limits {
    if process.is_superuser() {
        Limits::SUPERUSER
    } else {
        Limits::USER
    }
}

fn with_space<R>(f: impl FnOnce(&mut AddressSpace) -> R) -> R {
    with_current(|process| f(process.address_space()))
}
