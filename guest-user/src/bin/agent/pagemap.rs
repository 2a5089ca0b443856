//! Where pages are, as the kernel tells it.

use abi::PAGE_SIZE;
use abi::doorbell::MAX_TRANSFER_BYTES;
use abi::linux::errno::EINVAL;
use abi::linux::pagemap::ENTRY_BYTES;
use guest_user::PageMap;
use guest_user::syscall::Errno;

use crate::transport::Transport;

/// A file that tells less than it is asked for has come to its end.
pub(crate) fn pagemap(transport: &mut impl Transport) -> Result<u64, Errno> {
    let [pid, address, pages] = [0, 1, 2].map(|index| transport.argument(index));
    if pages > MAX_TRANSFER_BYTES / ENTRY_BYTES {
        return Err(Errno(EINVAL));
    }
    let map = PageMap::of(pid as i32)?;
    let told = tell(transport, map, address, pages);
    map.close();
    told
}

fn tell(transport: &mut impl Transport, map: PageMap, address: u64, pages: u64) -> Result<u64, Errno> {
    for page in 0..pages {
        let Some(word) = map.try_at(address + page * PAGE_SIZE)? else {
            return Ok(page);
        };
        transport.data(&word.0.to_le_bytes());
    }
    Ok(pages)
}
