//! Pages of a file.

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_READ, PROT_WRITE};
use abi::linux::pagemap::{EXCLUSIVE, FILE, PRESENT};
use abi::linux::syscall::O_RDONLY;
use guest_user::syscall::file;
use guest_user::{PageMap, PageWord, Span, println};

const PATH: &core::ffi::CStr = c"secret";

/// Somebody else may have mapped the file, too, so whether its page is mapped once is not shown.
pub(crate) fn show() {
    let map = PageMap::own();
    let fd = file::open(PATH, O_RDONLY).expect("open of the file");
    let file_page =
        || Span::map_file(fd, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap of the file");
    let (first, second) = (file_page(), file_page());
    println!("a file, not touched: {}", map.at(first.address()));
    let _ = (first.load(0), second.load(0));
    let (one, other) = (map.at(first.address()), map.at(second.address()));
    println!("a file: {}", PageWord(one.0 & (PRESENT | FILE)));
    println!(
        "twice: {}, in the same frame: {}",
        PageWord(other.0 & (PRESENT | FILE)),
        one.is_with(other, true)
    );
    second.store(0, b'x');
    let copy = map.at(second.address());
    println!(
        "stored to: {copy}, in the same frame: {}",
        one.is_with(copy, false)
    );
    println!(
        "the other mapping is as before: {}",
        (map.at(first.address()).0 ^ one.0) & !EXCLUSIVE == 0
    );
    file::close(fd).expect("close of the file");
    map.close();
}
