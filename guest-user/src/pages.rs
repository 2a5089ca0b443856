//! Spans by the page.

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE};

use crate::Span;

/// The rights of memory that programs usually have.
pub const READ_WRITE: u64 = PROT_READ | PROT_WRITE;

/// New private memory, readable and writable.
#[must_use]
pub fn private_pages(pages: u64) -> Span {
    Span::map(pages * PAGE_SIZE, READ_WRITE, MAP_PRIVATE).expect("mmap of private memory")
}

/// New shared memory, readable and writable.
#[must_use]
pub fn shared_pages(pages: u64) -> Span {
    Span::map(pages * PAGE_SIZE, READ_WRITE, MAP_SHARED).expect("mmap of shared memory")
}

/// Page number `index` of the span.
#[must_use]
pub fn page(span: Span, index: u64) -> Span {
    pages(span, index, 1)
}

/// So many pages of the span from page number `first` on.
#[must_use]
pub fn pages(span: Span, first: u64, count: u64) -> Span {
    span.part(first * PAGE_SIZE, count * PAGE_SIZE)
}
