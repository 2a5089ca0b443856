//! System calls on modules: arguments copied in and checked, then `module`.

use crate::errno::Errno;
use crate::mm::{FrameKind, UserSlice, Vmalloc};
use crate::module::{self, Name};
use crate::process::{self, with_current};

/// Longest parameters, with the NUL behind them.
const PARAMETER_BYTES: usize = 256;

pub(super) fn init_module(image: u64, length: u64, parameters: u64) -> Result<u64, Errno> {
    process::require_superuser()?;
    let from = UserSlice::new(image, length)?;
    if length == 0 {
        return module::load(&[], &[]).map(|()| 0);
    }
    let mut copy = Vmalloc::new(FrameKind::Vmalloc, from.len())?;
    process::copy_in(from, &mut copy.bytes_mut()[..from.len()])?;
    load(&copy.bytes()[..from.len()], parameters)
}

/// Of the flags, which all leave checks out, none is taken.
pub(super) fn finit_module(descriptor: u64, parameters: u64, flags: u64) -> Result<u64, Errno> {
    process::require_superuser()?;
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let contents = with_current(|process| process.files().get(descriptor).map(|file| file.contents()))?;
    let contents = contents.ok_or(Errno::EINVAL)?;
    if contents.len() == 0 {
        return module::load(&[], &[]).map(|()| 0);
    }
    let mut copy = Vmalloc::new(FrameKind::Vmalloc, contents.len())?;
    contents.read(0, &mut copy.bytes_mut()[..contents.len()]);
    load(&copy.bytes()[..contents.len()], parameters)
}

fn load(object: &[u8], parameters: u64) -> Result<u64, Errno> {
    let mut buffer = [0; PARAMETER_BYTES];
    let length = process::with_memory(|space| space.read_string(parameters, &mut buffer))?;
    let parameters = &buffer[..length.ok_or(Errno::EINVAL)?];
    module::load(object, parameters).map(|()| 0)
}

/// The flags would force a removal or wait for it; neither is done.
pub(super) fn delete_module(name: u64) -> Result<u64, Errno> {
    process::require_superuser()?;
    let mut buffer = [0; abi::module::NAME_BYTES];
    let length = process::with_memory(|space| space.read_string(name, &mut buffer))?;
    let name = length.and_then(|length| Name::new(&buffer[..length]));
    module::remove(name.ok_or(Errno::ENOENT)?).map(|()| 0)
}
