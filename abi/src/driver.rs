//! A module's drivers: the functions that a module hands to the kernel for a file of its own, as tables.
//!
//! Each function gets back the address that the module gave with the table, and the functions of an open file a word that is the
//! module's for as long as the file is open. A result below 0 is an error number, negated.
//!
//! The tables are a part of what [`EXPORTS_VERSION`](crate::module::EXPORTS_VERSION) counts.

/// What can be done with a file.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FileTable {
    /// A program has opened it: sets the word.
    pub open: extern "C" fn(driver: *const u8, word: *mut u64) -> i32,
    /// Nobody has it open or mapped any more.
    pub release: extern "C" fn(driver: *const u8, word: u64),
    /// Moves bytes to the program, advances the position, and says how many.
    pub read: extern "C" fn(driver: *const u8, word: u64, position: *mut u64, to: u64, bytes: u64) -> i64,
    /// Takes bytes from the program, advances the position, and says how many.
    pub write: extern "C" fn(driver: *const u8, word: u64, position: *mut u64, from: u64, bytes: u64) -> i64,
    /// Does what the request means.
    pub ioctl: extern "C" fn(driver: *const u8, word: u64, request: u32, argument: u64) -> i64,
    /// Says what is behind so many pages of the file, from one on, that are about to be mapped.
    pub mmap: extern "C" fn(driver: *const u8, word: u64, area: *mut u8, first_page: u64, pages: u64) -> i32,
}

/// What is asked about the areas that show a file.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct AreaTable {
    /// Gives the number of the frame behind a page of the file. The kernel takes a reference of its own.
    pub fault: extern "C" fn(driver: *const u8, word: u64, page: u64, pfn: *mut u64) -> i32,
    /// There is an area more, which nobody has mapped.
    pub open: extern "C" fn(driver: *const u8, word: u64),
    /// An area is gone.
    pub close: extern "C" fn(driver: *const u8, word: u64),
}

const _: () = assert!(size_of::<FileTable>() == 48);
const _: () = assert!(core::mem::offset_of!(FileTable, mmap) == 40);
const _: () = assert!(size_of::<AreaTable>() == 24);
const _: () = assert!(core::mem::offset_of!(AreaTable, close) == 16);
