//! One request: header, data and status in a descriptor chain, as "Block Device: Device Operation" of the virtio
//! specification has them.

use std::io::{Read, Write};

use virtio_bindings::virtio_blk::{
    VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_OK, VIRTIO_BLK_S_UNSUPP, VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT,
};
use virtio_queue::{DescriptorChain, Reader, Writer};
use vm_memory::{GuestMemoryMmap, Le32, Le64};

use super::device::QUEUE_SIZE;
use super::disk::Disk;

/// Most data that goes with one request: the descriptors of a chain may name the same memory again and again.
pub(super) const MAX_DATA_BYTES: u64 = 1 << 20;

/// Serves the request in a chain and gives the number of bytes that were written to guest memory. A chain that has no place
/// for a status is dropped, and so is one that an indirect table made longer than the queue: the device offers none.
pub(super) fn serve(
    chain: DescriptorChain<&GuestMemoryMmap>,
    memory: &GuestMemoryMmap,
    disk: &mut Disk,
) -> u32 {
    if chain.clone().nth(QUEUE_SIZE.into()).is_some() {
        return 0;
    }
    let (Ok(mut input), Ok(mut output)) = (chain.clone().reader(memory), chain.writer(memory)) else {
        return 0;
    };
    let Some(data_bytes) = output.available_bytes().checked_sub(1) else {
        return 0;
    };
    let Ok(mut status_byte) = output.split_at(data_bytes) else {
        return 0;
    };
    let status = perform(&mut input, &mut output, disk).unwrap_or_else(|status| status);
    let status = u8::try_from(status).expect("a status is a byte");
    let written = match status_byte.write_obj(status) {
        Ok(()) => output.bytes_written() + 1,
        Err(_) => 0,
    };
    u32::try_from(written).expect("a chain has fewer than 4 GiB")
}

/// The status, either way.
fn perform(input: &mut Reader<'_>, output: &mut Writer<'_>, disk: &mut Disk) -> Result<u32, u32> {
    let malformed = |_| VIRTIO_BLK_S_IOERR;
    let kind: Le32 = input.read_obj().map_err(malformed)?;
    let _priority: Le32 = input.read_obj().map_err(malformed)?;
    let sector: Le64 = input.read_obj().map_err(malformed)?;
    match kind.to_native() {
        VIRTIO_BLK_T_IN => {
            let data = disk
                .read(sector.into(), data_len(output.available_bytes())?)
                .map_err(|_| VIRTIO_BLK_S_IOERR)?;
            output.write_all(data).map_err(|_| VIRTIO_BLK_S_IOERR)?;
        }
        VIRTIO_BLK_T_OUT => {
            let len_bytes = data_len(input.available_bytes())?;
            let mut data = vec![0; usize::try_from(len_bytes).expect("a 64-bit host")];
            input.read_exact(&mut data).map_err(|_| VIRTIO_BLK_S_IOERR)?;
            disk.write(sector.into(), &data).map_err(|_| VIRTIO_BLK_S_IOERR)?;
        }
        _ => return Err(VIRTIO_BLK_S_UNSUPP),
    }
    Ok(VIRTIO_BLK_S_OK)
}

fn data_len(available_bytes: usize) -> Result<u64, u32> {
    Some(available_bytes as u64)
        .filter(|bytes| *bytes <= MAX_DATA_BYTES)
        .ok_or(VIRTIO_BLK_S_IOERR)
}
