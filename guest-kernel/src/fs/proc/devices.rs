//! `/proc/devices`: the devices that are registered.

use core::fmt;

use super::super::operations::{FileOperations, Status};
use super::super::{OpenFile, devices, pieces, seek};
use crate::errno::Errno;
use crate::mm::UserSlice;

#[derive(Debug)]
pub(super) struct Devices;

impl FileOperations for Devices {
    fn read(&self, _: &OpenFile, position: &mut u64, to: UserSlice) -> Result<u64, Errno> {
        let text = devices::list().map_err(|fmt::Error| Errno::ENOMEM)?;
        pieces::read_contents(position, to, text.as_bytes())
    }

    fn seek(&self, file: &OpenFile, offset: i64, whence: u32) -> Result<u64, Errno> {
        seek::in_text(file, offset, whence)
    }

    fn status(&self) -> Status {
        Status::regular(0o444, 0)
    }
}
