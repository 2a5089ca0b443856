//! The shadow page table: five system calls with which one process, the *inspector*, watches the page tables of another,
//! the *target*.
//!
//! Names and layouts are those of the Columbia W4118 assignment ("homework 5", autumn 2024). `include/linux/shadowpt.h` is
//! this module as C sees it; a test generates it anew and compares.
//!
//! | call | arguments | what it does |
//! |---|---|---|
//! | open | pid, [`UserShadowPt`] | makes the table and maps it over the inspector's `entries` |
//! | close | | undoes that |
//! | start | | fills the table and keeps it up to date |
//! | stop | | leaves it as it is from now on |
//! | page_contents | frame number, buffer | copies a page that the target maps in the range |

use core::ffi::c_ulong;

/// Number of the first of the five calls. Later editions of the course use 467.
pub const BASE_NUMBER: u64 = 462;
/// Name of the variable in the environment of a program that says which number the first call has, in decimal digits. Without it
/// that is [`BASE_NUMBER`].
pub const BASE_VARIABLE: &str = "SHADOWPT_BASE";
/// Number of shadowpt_open(pid, dest), counted from the base.
pub const OPEN: u64 = 0;
/// Number of shadowpt_close(), counted from the base.
pub const CLOSE: u64 = 1;
/// Number of shadowpt_start(), counted from the base.
pub const START: u64 = 2;
/// Number of shadowpt_stop(), counted from the base.
pub const STOP: u64 = 3;
/// Number of shadowpt_page_contents(pfn, buffer), counted from the base.
pub const PAGE_CONTENTS: u64 = 4;
/// How many calls there are.
pub const CALLS: u64 = 5;

/// The address lies in an area of the target.
pub const SPTE_VADDR_ALLOCATED: c_ulong = 1;
/// The area is anonymous memory.
pub const SPTE_VADDR_ANONYMOUS: c_ulong = 2;
/// A page-table entry maps a frame there.
pub const SPTE_PTE_MAPPED: c_ulong = 4;

/// Longest range that a table covers, in bytes: 2048 pages.
pub const MAX_SPT_RANGE: c_ulong = 0x80_0000;

/// One page of the target.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShadowPte {
    /// Virtual address of the page.
    pub vaddr: c_ulong,
    /// Frame number behind it, 0 if it is not mapped.
    pub pfn: c_ulong,
    /// Any of [`SPTE_VADDR_ALLOCATED`], [`SPTE_VADDR_ANONYMOUS`] and [`SPTE_PTE_MAPPED`].
    pub state_flags: c_ulong,
}

/// What an inspector asks for.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserShadowPt {
    /// First address of the range.
    pub start_vaddr: c_ulong,
    /// First address behind the range. Written back when the range is cut to [`MAX_SPT_RANGE`].
    pub end_vaddr: c_ulong,
    /// Where the inspector wants to see the table: one entry for each page of the range.
    pub entries: *mut ShadowPte,
}

/// Bytes of a [`ShadowPte`].
pub const ENTRY_BYTES: u64 = 24;
/// Bytes of a [`UserShadowPt`].
pub const REQUEST_BYTES: u64 = 24;
/// Offset in a [`UserShadowPt`] of the end of the range.
pub const END_OFFSET: u64 = 8;

const _: () = assert!(size_of::<ShadowPte>() as u64 == ENTRY_BYTES);
const _: () = assert!(core::mem::offset_of!(ShadowPte, pfn) == 8);
const _: () = assert!(core::mem::offset_of!(ShadowPte, state_flags) == 16);
const _: () = assert!(size_of::<UserShadowPt>() as u64 == REQUEST_BYTES);
const _: () = assert!(core::mem::offset_of!(UserShadowPt, end_vaddr) as u64 == END_OFFSET);
const _: () = assert!(core::mem::offset_of!(UserShadowPt, entries) == 16);
