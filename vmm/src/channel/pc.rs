//! What a kernel for PCs asks of the oldest parts of one, and no more: a keyboard controller that is never busy and that can
//! reset the processor, a clock that is never in the middle of an update, and power management in which nothing ever happens.

use std::ops::Range;

/// Ports of power management: the events that have happened and those that are wanted, and the states that the machine is to go to (Advanced
/// Configuration and Power Interface 6.5, "PM1 Event Grouping" and "PM1 Control Grouping"). Tables in guest memory say where they are.
pub(crate) const POWER_EVENTS: Range<u16> = 0x600..0x604;
pub(crate) const POWER_CONTROL: Range<u16> = POWER_EVENTS.end..0x606;

/// Command and status of the keyboard controller, behind its data port.
const COMMAND: u8 = 4;
/// The command that resets the processor.
const RESET: u8 = 0xfe;

/// What the controller and the clock answer, whatever they are asked: status "not busy, nothing to read", and every field of the clock 0.
pub(super) const ANSWER: u8 = 0;

/// Registers of power management: no event ever happens, and the state never changes. Which events are wanted is remembered, since kernels look
/// whether their word was taken.
#[derive(Debug, Default)]
pub struct PowerManagement {
    wanted: [u8; WANTED_EVENTS.end - WANTED_EVENTS.start],
}

/// Which of the ports have the events that are wanted, behind those that have happened.
const WANTED_EVENTS: Range<usize> = 2..4;

impl PowerManagement {
    /// What the ports from `offset` on hold.
    pub(super) fn read(&mut self, offset: u8, data: &mut [u8]) {
        for (port, byte) in (usize::from(offset)..).zip(data) {
            *byte = self.remembered(port).map_or(0, |place| *place);
        }
    }

    /// A write to the ports from `offset` on.
    pub(super) fn write(&mut self, offset: u8, data: &[u8]) {
        for (port, byte) in (usize::from(offset)..).zip(data) {
            if let Some(place) = self.remembered(port) {
                *place = *byte;
            }
        }
    }

    /// What is remembered of a port, if anything is.
    fn remembered(&mut self, port: usize) -> Option<&mut u8> {
        self.wanted.get_mut(port.checked_sub(WANTED_EVENTS.start)?)
    }
}

/// Whether a write to this port of the keyboard controller resets the processor.
pub(super) fn resets(offset: u8, data: &[u8]) -> bool {
    offset == COMMAND && data == [RESET]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_management_takes_the_word_of_what_is_wanted_and_nothing_happens() {
        let mut power = PowerManagement::default();
        power.write(0, &[0xff; 6]);
        let mut ports = [0xff; 6];
        power.read(0, &mut ports);
        assert_eq!(ports, [0, 0, 0xff, 0xff, 0, 0]);
        power.write(2, &[0x20, 0]);
        let mut wanted = [0; 2];
        power.read(2, &mut wanted);
        assert_eq!(wanted, [0x20, 0]);
    }
}
