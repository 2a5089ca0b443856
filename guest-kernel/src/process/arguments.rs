//! What a program is told when it starts: its arguments and its environment.

use alloc::vec::Vec;

use crate::errno::Errno;
use crate::mm::{AddressSpace, CopyError};
use crate::mutant::{self, Mutant};

/// Most bytes of all strings together.
const MAX_BYTES: usize = 128 << 10;
/// Strings are copied in pieces of this size.
const PIECE_BYTES: usize = 128;

/// Copied before anything else happens to the caller's memory, and only once.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    /// NUL-terminated strings: arguments, environment, and the path of the program.
    strings: Vec<u8>,
    argument_count: usize,
    environment_count: usize,
}

impl Arguments {
    /// The first program's: its path.
    pub(super) fn for_init(path: &[u8]) -> Result<Self, Errno> {
        let mut arguments = Self {
            argument_count: 1,
            ..Self::default()
        };
        arguments.push(path)?;
        arguments.push(path)?;
        Ok(arguments)
    }

    /// From arrays of pointers in the caller's memory. A program always has a first argument, if only an empty one.
    pub(super) fn from_user(
        caller: &mut AddressSpace,
        argv: u64,
        envp: u64,
        path: &[u8],
    ) -> Result<Self, CopyError> {
        let mut arguments = Self::default();
        arguments.argument_count = arguments.push_user_array(caller, argv)?;
        if arguments.argument_count == 0 {
            arguments.push(b"")?;
            arguments.argument_count = 1;
        }
        arguments.environment_count = arguments.push_user_array(caller, envp)?;
        if mutant::is(Mutant::EnvironmentCut) {
            arguments.environment_count = arguments.environment_count.saturating_sub(1);
        }
        arguments.push(path)?;
        Ok(arguments)
    }

    /// All strings, each with its NUL.
    pub(super) fn strings(&self) -> &[u8] {
        &self.strings
    }

    pub(super) fn argument_count(&self) -> usize {
        self.argument_count
    }

    pub(super) fn environment_count(&self) -> usize {
        self.environment_count
    }

    /// Where each string starts in [`Self::strings`].
    pub(super) fn offsets(&self) -> impl Iterator<Item = usize> {
        let ends = self
            .strings
            .iter()
            .enumerate()
            .filter(|&(_, &byte)| byte == 0)
            .map(|(at, _)| at + 1);
        core::iter::once(0).chain(ends)
    }

    /// A null array is an empty one, as on Linux.
    fn push_user_array(&mut self, caller: &mut AddressSpace, array: u64) -> Result<usize, CopyError> {
        if array == 0 {
            return Ok(0);
        }
        let mut count = 0;
        loop {
            let at = array.checked_add(8 * count as u64).ok_or(Errno::EFAULT)?;
            let string = caller.read_u64(at)?;
            if string == 0 {
                return Ok(count);
            }
            self.push_user_string(caller, string)?;
            count += 1;
        }
    }

    fn push_user_string(&mut self, caller: &mut AddressSpace, mut string: u64) -> Result<(), CopyError> {
        loop {
            let start = self.strings.len();
            self.reserve(PIECE_BYTES)?;
            self.strings.resize(start + PIECE_BYTES, 0);
            if let Some(len) = caller.read_string(string, &mut self.strings[start..])? {
                self.strings.truncate(start + len + 1);
                return Ok(());
            }
            string += PIECE_BYTES as u64;
        }
    }

    fn push(&mut self, string: &[u8]) -> Result<(), Errno> {
        self.reserve(string.len() + 1)?;
        self.strings.extend_from_slice(string);
        self.strings.push(0);
        Ok(())
    }

    fn reserve(&mut self, bytes: usize) -> Result<(), Errno> {
        if self.strings.len() + bytes > MAX_BYTES {
            return Err(Errno::E2BIG);
        }
        self.strings.try_reserve(bytes).map_err(|_| Errno::ENOMEM)
    }
}
