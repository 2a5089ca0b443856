//! Where pages are, as the kernel tells it.

use abi::PAGE_SIZE;
use abi::doorbell::MAX_TRANSFER_BYTES;
use abi::linux::errno::EINVAL;
use abi::linux::pagemap::ENTRY_BYTES;
use abi::linux::syscall::O_RDONLY;
use guest_user::Text;
use guest_user::syscall::{Errno, file};

use crate::transport::Transport;

/// A file that tells less than it is asked for has come to its end.
pub(crate) fn pagemap(transport: &mut impl Transport) -> Result<u64, Errno> {
    let [pid, address, pages] = [0, 1, 2].map(|index| transport.argument(index));
    if pages > MAX_TRANSFER_BYTES / ENTRY_BYTES {
        return Err(Errno(EINVAL));
    }
    let path = Text::<32>::of(format_args!("/proc/{pid}/pagemap"));
    let fd = file::open(path.as_c_str(), O_RDONLY)?;
    let told = tell(transport, fd, address / PAGE_SIZE, pages);
    file::close(fd)?;
    told
}

fn tell(transport: &mut impl Transport, fd: i32, first: u64, pages: u64) -> Result<u64, Errno> {
    for page in 0..pages {
        let mut word = [0; ENTRY_BYTES as usize];
        if file::read_at(fd, &mut word, (first + page) * ENTRY_BYTES)? < word.len() {
            return Ok(page);
        }
        transport.data(&word);
    }
    Ok(pages)
}
