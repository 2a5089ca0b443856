//! `/proc/modules`: the modules that are loaded.

use core::fmt;

use super::super::operations::{FileOperations, Status};
use super::super::{OpenFile, pieces, seek};
use crate::errno::Errno;
use crate::mm::UserSlice;
use crate::module::{self, Reader};
use crate::process;

#[derive(Debug)]
pub(super) struct Modules;

impl FileOperations for Modules {
    fn read(&self, _: &OpenFile, position: &mut u64, to: UserSlice) -> Result<u64, Errno> {
        let reader = if process::with_current(|process| process.is_superuser()) {
            Reader::Superuser
        } else {
            Reader::Other
        };
        let text = module::listing(reader).map_err(|fmt::Error| Errno::ENOMEM)?;
        pieces::read_contents(position, to, text.as_bytes())
    }

    fn seek(&self, file: &OpenFile, offset: i64, whence: u32) -> Result<u64, Errno> {
        seek::in_text(file, offset, whence)
    }

    fn status(&self) -> Status {
        Status::regular(0o444, 0)
    }
}
