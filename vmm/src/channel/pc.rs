//! What a kernel for PCs asks of the two oldest parts of one, and no more: a keyboard controller that is never busy and that can
//! reset the processor, and a clock that is never in the middle of an update.

/// Command and status of the keyboard controller, behind its data port.
const COMMAND: u8 = 4;
/// The command that resets the processor.
const RESET: u8 = 0xfe;

/// What both of them answer, whatever they are asked: status "not busy, nothing to read", and every field of the clock 0.
pub(super) const ANSWER: u8 = 0;

/// Whether a write to this port of the keyboard controller resets the processor.
pub(super) fn resets(offset: u8, data: &[u8]) -> bool {
    offset == COMMAND && data == [RESET]
}
