//! A file about the whole system, whose text is made anew whenever it is read.

use core::fmt;

use super::super::operations::{FileOperations, Status};
use super::super::text::Text;
use super::super::{OpenFile, pieces, seek};
use crate::errno::Errno;
use crate::mm::UserSlice;

/// What makes the text. It fails only for want of memory.
#[derive(Debug)]
pub(super) struct Listing(pub(super) fn() -> Result<Text, fmt::Error>);

impl FileOperations for Listing {
    fn read(&self, _: &OpenFile, position: &mut u64, to: UserSlice) -> Result<u64, Errno> {
        let text = self.0().map_err(|fmt::Error| Errno::ENOMEM)?;
        pieces::read_contents(position, to, text.as_bytes())
    }

    fn seek(&self, file: &OpenFile, offset: i64, whence: u32) -> Result<u64, Errno> {
        seek::in_text(file, offset, whence)
    }

    fn status(&self) -> Status {
        Status::regular(0o444, 0)
    }
}
