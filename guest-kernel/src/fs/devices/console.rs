//! The serial console as a file.

use super::super::operations::FileOperations;
use super::super::{OpenFile, pieces};
use crate::device::console;
use crate::errno::Errno;
use crate::mm::{self, UserSlice};
use crate::mutant::{self, Mutant};
use crate::{events, process};

#[derive(Debug)]
pub(super) struct Console;

impl FileOperations for Console {
    /// Reads what has arrived; nothing is the end of the file, because nobody types.
    fn read(&self, _: &OpenFile, position: &mut u64, to: UserSlice) -> Result<u64, Errno> {
        pieces::read(position, to, |_, into| Ok(console::read(into)))
    }

    fn write(&self, _: &OpenFile, position: &mut u64, from: UserSlice) -> Result<u64, Errno> {
        pieces::write(position, from, |_, bytes| {
            if mutant::is(Mutant::EndToldEarly) {
                let pid = process::with_current(|process| process.pid().as_u32());
                events::send(abi::event::EXITED, pid, [0; 4]);
            }
            if mutant::is(Mutant::PrintsElsewhere) {
                mm::activate_kernel();
            }
            console::write(bytes);
            if mutant::is(Mutant::PrintsElsewhere) {
                process::with_current(|process| process.address_space().page_table().activate());
            }
            Ok(bytes.len())
        })
    }

    fn is_stream(&self) -> bool {
        true
    }
}
