//! A kernel that checks itself: without a VMM that looks on, on any machine that boots a PVH kernel.
//!
//! Prints one line a check on the serial console and ends the machine through QEMU's exit device, or stops where there is
//! none.

use abi::PAGE_SIZE;
use abi::boot::{QEMU_EXIT_FAILURE, QEMU_EXIT_PORT, QEMU_EXIT_SUCCESS};
use abi::linux::mman::PROT_READ;

use crate::arch;
use crate::device::console;
use crate::mm::{
    self, Access, AddressSpace, AreaFlags, Backing, Contents, FaultError, FrameKind, Growth,
    MAX_SHARED_BYTES, MapRequest, Placement, Protection, ProtectionChange, SharedObject, Sharing, UserSlice,
    VirtAddr, Vmalloc,
};

/// What was found, if it is not what was expected.
type Outcome = Result<(), &'static str>;

/// A check and its name.
type Check = (&'static str, fn() -> Outcome);

const CHECKS: [Check; 6] = [
    ("frames", check_frames),
    ("heap", check_heap),
    ("vmalloc", check_vmalloc),
    ("faults", check_faults),
    ("copy-on-write", check_copy_on_write),
    ("shared memory", check_shared_memory),
];

/// Runs all checks and ends the machine.
pub(crate) fn run() -> ! {
    console::write(b"ringside guest kernel\n");
    for (name, check) in CHECKS {
        let free_before = mm::free_frames();
        let outcome =
            check().and_then(|()| expect(mm::free_frames() == free_before, "frames did not come back"));
        if let Err(problem) = outcome {
            for part in ["selfcheck: ", name, ": ", problem, "\n"] {
                console::write(part.as_bytes());
            }
            end(QEMU_EXIT_FAILURE);
        }
    }
    console::write(b"selfcheck: ok\n");
    end(QEMU_EXIT_SUCCESS);
}

fn end(status: u8) -> ! {
    arch::write_u8(QEMU_EXIT_PORT, status);
    arch::halt_forever();
}

fn expect(condition: bool, otherwise: &'static str) -> Outcome {
    if condition { Ok(()) } else { Err(otherwise) }
}

fn check_frames() -> Outcome {
    let first = mm::allocate(FrameKind::Anonymous, Contents::Zeroed).map_err(|_| "no frame")?;
    let second = mm::allocate(FrameKind::Anonymous, Contents::Zeroed).map_err(|_| "no second frame")?;
    expect(first.number() != second.number(), "a frame was handed out twice")?;
    let number = first.number();
    drop(first);
    let again = mm::allocate(FrameKind::Anonymous, Contents::Zeroed).map_err(|_| "no frame again")?;
    expect(
        again.number() == number,
        "a frame that came back was not used again",
    )
}

fn check_heap() -> Outcome {
    let small = mm::try_box([1_u64; 3]).map_err(|_| "no room for a small object")?;
    let other = mm::try_box([2_u64; 3]).map_err(|_| "no room for another small object")?;
    let large = mm::try_box([3_u64; 1024]).map_err(|_| "no room for a large object")?;
    expect(*small == [1; 3] && *other == [2; 3], "small objects overlap")?;
    expect(
        large.iter().all(|&word| word == 3),
        "a large object was overwritten",
    )
}

fn check_vmalloc() -> Outcome {
    let mut first = vmalloc(2)?;
    let second = vmalloc(1)?;
    let (start, end) = (first.range().start(), first.range().end());
    expect(end < second.range().start(), "nothing lies between two pieces")?;
    expect(first.bytes().iter().all(|&byte| byte == 0), "a piece is not zero")?;
    first.bytes_mut()[0] = 1;
    let change = |change| mm::set_memory(start, 1, change).is_ok();
    expect(
        !change(ProtectionChange::Executable),
        "what is writable became executable",
    )?;
    expect(
        change(ProtectionChange::ReadOnly) && change(ProtectionChange::Executable),
        "what is read-only did not become executable",
    )?;
    expect(
        !change(ProtectionChange::ReadWrite),
        "what is executable became writable",
    )?;
    expect(first.bytes()[0] == 1, "a protected page lost its contents")
}

fn vmalloc(pages: usize) -> Result<Vmalloc, &'static str> {
    Vmalloc::new(FrameKind::Vmalloc, pages * PAGE_SIZE as usize).map_err(|_| "no piece")
}

const PAGE: u64 = 0x40_0000;

fn space_with(backing: Backing) -> Result<AddressSpace, &'static str> {
    let mut space = AddressSpace::new().map_err(|_| "no address space")?;
    let request = MapRequest {
        bytes: 4 * PAGE_SIZE,
        protection: Protection::READ_WRITE,
        growth: Growth::Fixed,
        flags: AreaFlags::default(),
        backing,
    };
    space
        .map(Placement::Fixed(VirtAddr::new(PAGE)), request)
        .map_err(|_| "no mapping")?;
    Ok(space)
}

fn check_faults() -> Outcome {
    let mut space = space_with(Backing::Anonymous)?;
    expect(read(&mut space, PAGE)? == 0, "a fresh page is not zero")?;
    write(&mut space, PAGE, 7)?;
    expect(read(&mut space, PAGE)? == 7, "a page lost what was written to it")?;
    space
        .protect(VirtAddr::new(PAGE), PAGE_SIZE, PROT_READ)
        .map_err(|_| "no protection")?;
    let refused = space.handle_fault(VirtAddr::new(PAGE), Access::Write);
    expect(
        refused == Err(FaultError::Forbidden),
        "a protected page could be written",
    )?;
    space
        .unmap(VirtAddr::new(PAGE), PAGE_SIZE)
        .map_err(|_| "no unmapping")?;
    let gone = space.handle_fault(VirtAddr::new(PAGE), Access::Read);
    expect(
        gone == Err(FaultError::Forbidden),
        "an unmapped page could be read",
    )
}

fn check_copy_on_write() -> Outcome {
    let mut parent = space_with(Backing::Anonymous)?;
    write(&mut parent, PAGE, 1)?;
    let mut child = parent.fork().map_err(|_| "no fork")?;
    expect(
        read(&mut child, PAGE)? == 1,
        "the child does not see what the parent wrote",
    )?;
    write(&mut child, PAGE, 2)?;
    write(&mut parent, PAGE + PAGE_SIZE, 3)?;
    expect(
        read(&mut parent, PAGE)? == 1,
        "the child's store reached the parent",
    )?;
    expect(read(&mut child, PAGE)? == 2, "the child lost its store")?;
    expect(
        read(&mut child, PAGE + PAGE_SIZE)? == 0,
        "the parent's store reached the child",
    )
}

fn check_shared_memory() -> Outcome {
    let object = SharedObject::new(MAX_SHARED_BYTES).map_err(|_| "no object")?;
    let mut parent = space_with(Backing::Object {
        object,
        first: 0,
        sharing: Sharing::Shared,
    })?;
    let mut child = parent.fork().map_err(|_| "no fork")?;
    write(&mut child, PAGE, 5)?;
    expect(
        read(&mut parent, PAGE)? == 5,
        "the child's store did not reach the parent",
    )
}

fn read(space: &mut AddressSpace, address: u64) -> Result<u64, &'static str> {
    space
        .read_u64(address)
        .map_err(|_| "a mapped page cannot be read")
}

fn write(space: &mut AddressSpace, address: u64, value: u64) -> Outcome {
    let slice = UserSlice::new(address, 8).map_err(|_| "no user address")?;
    space
        .write(slice, &value.to_le_bytes())
        .map_err(|_| "a writable page cannot be written")
}
