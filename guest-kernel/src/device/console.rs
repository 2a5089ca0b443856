//! The serial console: a 16550 at COM1, polled.

use abi::boot::SERIAL_PORT;

use crate::arch;

const DATA: u16 = SERIAL_PORT;
const LINE_STATUS: u16 = SERIAL_PORT + 5;
const DATA_READY: u8 = 1 << 0;
const TRANSMITTER_EMPTY: u8 = 1 << 5;
/// Bytes that the device takes at once when its transmitter is empty.
const FIFO_BYTES: usize = 16;
/// Register and value that switch the FIFOs on.
const FIFO_CONTROL: (u16, u8) = (SERIAL_PORT + 2, 0x01);

/// Switches the transmit FIFO on.
pub(crate) fn init() {
    arch::write_u8(FIFO_CONTROL.0, FIFO_CONTROL.1);
}

/// Writes all bytes, waiting for the device as needed.
pub(crate) fn write(bytes: &[u8]) {
    for chunk in bytes.chunks(FIFO_BYTES) {
        while arch::read_u8(LINE_STATUS) & TRANSMITTER_EMPTY == 0 {}
        arch::write_u8_string(DATA, chunk);
    }
}

/// Reads what has arrived, at most as much as `into` has room for. Never waits.
pub(crate) fn read(into: &mut [u8]) -> usize {
    let mut len = 0;
    while len < into.len() && arch::read_u8(LINE_STATUS) & DATA_READY != 0 {
        into[len] = arch::read_u8(DATA);
        len += 1;
    }
    len
}
