//! The serial port. What the guest prints is kept, up to a limit.

use std::io::{self, Write};

use vm_superio::Serial;
use vm_superio::serial::NoEvents;

use crate::interrupt_line::InterruptLine;

/// Most bytes that are kept; what comes later is counted and lost.
const MAX_BYTES: usize = 1 << 20;

/// A 16550A serial port whose line ends in a buffer.
pub struct Console {
    port: Serial<InterruptLine, NoEvents, Output>,
}

impl Default for Console {
    fn default() -> Self {
        Console::with_interrupt(InterruptLine::default())
    }
}

impl Console {
    /// A port that interrupts the guest by this line when it is ready for more.
    pub(crate) fn with_interrupt(line: InterruptLine) -> Console {
        Console {
            port: Serial::new(line, Output::default()),
        }
    }

    /// Everything printed since this was last called.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.port.writer_mut().bytes)
    }

    /// What has been printed since it was last taken.
    #[must_use]
    pub(super) fn printed(&self) -> &[u8] {
        &self.port.writer().bytes
    }

    /// Bytes lost since the machine was made, because the guest printed too much between two calls of [`Console::take`].
    #[must_use]
    pub fn lost_bytes(&self) -> u64 {
        self.port.writer().lost_bytes
    }

    pub(super) fn read(&mut self, offset: u8) -> u8 {
        self.port.read(offset)
    }

    pub(super) fn write(&mut self, offset: u8, value: u8) {
        self.port
            .write(offset, value)
            .expect("the buffer cannot fail, and the line's counter is far from its end");
    }
}

#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    lost_bytes: u64,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let kept = bytes.len().min(MAX_BYTES - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..kept]);
        self.lost_bytes += (bytes.len() - kept) as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_that_prints_without_end_fills_the_buffer_and_no_more() {
        let mut console = Console::default();
        for _ in 0..MAX_BYTES + 10 {
            console.write(0, b'x');
        }
        assert_eq!(console.lost_bytes(), 10);
        assert_eq!(console.take().len(), MAX_BYTES);
        console.write(0, b'y');
        assert_eq!(console.take(), b"y");
    }
}
