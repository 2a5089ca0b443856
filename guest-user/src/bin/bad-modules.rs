//! Objects that no kernel should take: a module is read, spoilt in one way at a time, and offered to the kernel.
//!
//! Arguments: the module's file, its name, and the file of one whose init function fails. The kernel must not have it loaded.
#![no_std]
#![no_main]

use core::ffi::CStr;

use abi::linux::errno::ENOEXEC;
use abi::linux::mman::{MAP_PRIVATE, PROT_READ};
use abi::linux::syscall::O_RDONLY;
use abi::module::EXPORTS_VERSION;
use guest_user::syscall::{Errno, Outcome, credentials, file, module};
use guest_user::{Arguments, Span, child, println, program};

program!(main);

const USAGE_STATUS: i32 = 2;
/// Largest module that is read.
const MOST_BYTES: usize = 32 << 10;
/// Steps in which a module is cut off.
const CUT_BYTES: usize = 256;
const SOMEBODY: u32 = 54_321;

/// Offsets in the headers of an ELF object and its sections, and what they hold.
const TYPE_AT: usize = 16;
const SECTIONS_AT: usize = 40;
const SECTION_COUNT_AT: usize = 60;
const SECTION_BYTES: usize = 64;
const KIND_AT: usize = 4;
const FLAGS_AT: usize = 8;
const CONTENTS_AT: usize = 24;
const TARGET_AT: usize = 44;
const KIND_RELA: u64 = 4;
const FLAG_LOADED: u64 = 2;
/// Offset of the type in a relocation.
const RELOCATION_TYPE_AT: usize = 8;

fn main(arguments: Arguments) -> i32 {
    let [path, name, failing] = [1, 2, 3].map(|index| arguments.c_str(index));
    let (Some(path), Some(name), Some(failing)) = (path, name, failing) else {
        println!("usage: bad-modules <file> <name> <failing file>");
        return USAGE_STATUS;
    };
    let mut buffer = [0; MOST_BYTES];
    let len = read(path, &mut buffer);
    let whole = &buffer[..len];

    spoilt(whole, name);
    println!("a program: {}", of_file(c"bad-modules"));
    println!("no file of the initrd: {}", of_file(c"/proc/modules"));
    println!("its init function fails: {}", of_file(failing));
    addresses(whole);

    println!("the module itself: {}", outcome(whole));
    println!("the same once more: {}", outcome(whole));
    println!(
        "by somebody else: {}",
        child::run(|| by_somebody_else(whole, name))
    );
    println!("removed: {}", Outcome::from(module::remove(name)));
    println!("removed once more: {}", Outcome::from(module::remove(name)));
    println!("nothing is removed: {}", Outcome::from(module::remove(c"")));
    0
}

fn spoilt(whole: &[u8], name: &CStr) {
    let cuts = (0..whole.len()).step_by(CUT_BYTES);
    let no_module = Outcome::from(Err::<(), _>(Errno(ENOEXEC)));
    let refused = cuts.clone().filter(|&len| outcome(&whole[..len]) == no_module);
    println!("cut off anywhere: {}", all(refused.count(), cuts.count()));
    println!("nothing: {}", outcome(&[]));
    println!("another type: {}", changed(whole, |object| object[TYPE_AT] = 2));

    let symbol = find(whole, b"\0printk\0").expect("modules log something") + 1;
    println!(
        "an unknown symbol: {}",
        changed(whole, |object| object[symbol] = b'q')
    );

    let mut described = [0; 64];
    described[..8].copy_from_slice(&EXPORTS_VERSION.to_le_bytes());
    let name = name.to_bytes_with_nul();
    described[8..][..name.len()].copy_from_slice(name);
    let version = find(whole, &described[..8 + name.len()]).expect("a module describes itself");
    println!(
        "another version: {}",
        changed(whole, |object| object[version] = 99)
    );
    println!("no name: {}", changed(whole, |object| object[version + 8] = 0));

    let relocation = first_relocation(whole).expect("modules refer to the kernel");
    let kind = relocation + RELOCATION_TYPE_AT;
    println!(
        "an unknown relocation: {}",
        changed(whole, |object| object[kind] = 200)
    );
    println!(
        "a relocation elsewhere: {}",
        changed(whole, |object| object[relocation + 6] = 1)
    );
}

fn addresses(whole: &[u8]) {
    let nowhere = Span::map(whole.len() as u64, PROT_READ, MAP_PRIVATE).expect("mmap");
    nowhere.unmap().expect("munmap");
    println!("no memory: {}", Outcome::from(module::load_span(nowhere, c"")));
    let fd = file::open(c"secret", O_RDONLY).expect("open of a file");
    let text = Span::map_file(fd, 0, abi::PAGE_SIZE, PROT_READ, MAP_PRIVATE).expect("mmap of a file");
    println!("text: {}", Outcome::from(module::load_span(text, c"")));
}

fn by_somebody_else(whole: &[u8], name: &CStr) {
    credentials::set_user_id(SOMEBODY).expect("setuid");
    println!("  loaded: {}", outcome(whole));
    println!("  removed: {}", Outcome::from(module::remove(name)));
}

/// What the kernel says to the object with a change in it.
fn changed(whole: &[u8], change: impl FnOnce(&mut [u8])) -> Outcome {
    let mut copy = [0; MOST_BYTES];
    copy[..whole.len()].copy_from_slice(whole);
    change(&mut copy[..whole.len()]);
    outcome(&copy[..whole.len()])
}

fn outcome(object: &[u8]) -> Outcome {
    module::load(object, c"").into()
}

fn of_file(path: &CStr) -> Outcome {
    let load = || -> Result<(), Errno> { module::load_file(file::open(path, O_RDONLY)?, c"") };
    load().into()
}

fn all(found: usize, expected: usize) -> &'static str {
    if found == expected { "refused" } else { "taken" }
}

/// File offset of the first relocation of something that is loaded.
fn first_relocation(object: &[u8]) -> Option<usize> {
    let headers = object.get(number(object, SECTIONS_AT, 8) as usize..)?;
    let section = |index: usize| headers.get(index * SECTION_BYTES..);
    let count = number(object, SECTION_COUNT_AT, 2) as usize;
    (0..count).filter_map(section).find_map(|header| {
        let target = section(number(header, TARGET_AT, 4) as usize)?;
        let is_loaded = number(target, FLAGS_AT, 8) & FLAG_LOADED != 0;
        (number(header, KIND_AT, 4) == KIND_RELA && is_loaded)
            .then(|| number(header, CONTENTS_AT, 8) as usize)
    })
}

fn number(bytes: &[u8], at: usize, len: usize) -> u64 {
    bytes[at..][..len]
        .iter()
        .rev()
        .fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn read(path: &CStr, into: &mut [u8]) -> usize {
    let fd = file::open(path, O_RDONLY).expect("open of the module");
    let len = file::read(fd, into).expect("read of the module");
    file::close(fd).expect("close of the module");
    len
}
