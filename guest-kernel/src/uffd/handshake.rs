//! UFFDIO_API: what both sides know, and what the program wants of it.

use abi::linux::userfaultfd::{
    API_IOCTL_API, API_IOCTL_REGISTER, API_IOCTL_UNREGISTER, UFFD_API, UFFD_FEATURE_EXACT_ADDRESS,
    UFFD_FEATURE_PAGEFAULT_FLAG_WP, UFFD_FEATURE_SIGBUS, UFFD_FEATURE_THREAD_ID,
};

use super::context::ContextId;
use super::request;
use crate::errno::Errno;
use crate::mm::UserSlice;
use crate::process;

const FEATURES: u64 = UFFD_FEATURE_PAGEFAULT_FLAG_WP
    | UFFD_FEATURE_SIGBUS
    | UFFD_FEATURE_THREAD_ID
    | UFFD_FEATURE_EXACT_ADDRESS;
const IOCTLS: u64 = API_IOCTL_API | API_IOCTL_REGISTER | API_IOCTL_UNREGISTER;

/// Once only. A refusal answers with zeros.
pub(super) fn shake_hands(id: ContextId, argument: u64) -> Result<(), Errno> {
    let [api, features, _] = request::words(argument)?;
    if api != UFFD_API || features & !FEATURES != 0 {
        return refuse(argument);
    }
    put(argument, [UFFD_API, FEATURES, IOCTLS])?;
    if id.agree(features) {
        Ok(())
    } else {
        refuse(argument)
    }
}

fn refuse(argument: u64) -> Result<(), Errno> {
    put(argument, [0; 3])?;
    Err(Errno::EINVAL)
}

fn put(argument: u64, words: [u64; 3]) -> Result<(), Errno> {
    let mut bytes = [0; 24];
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
    process::copy_out(UserSlice::new(argument, bytes.len() as u64)?, &bytes)
}
