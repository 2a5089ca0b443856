//! The port through which the VMM learns what happens in the kernel. On a machine without Ringside there is none.

use abi::event::{self, EventRecord};

use crate::arch;
use crate::events::{self, Message};
use crate::mm::physical_address_of;
use crate::sync::Lock;

/// The record that the VMM copies; filled and sent before anything else can fill it.
static RECORD: Lock<EventRecord> = Lock::new(EventRecord {
    kind: 0,
    pid: 0,
    arguments: [0; 4],
});

/// Asks whether the VMM is there, and has it told of everything then.
pub(crate) fn init() {
    if arch::read_u32(event::PORT) == event::PRESENCE {
        events::listen(tell);
    }
}

/// Never inlined: the judge names the function in which the machine stopped, and a panic is to be told from its sender's name on.
#[inline(never)]
fn tell(message: Message<'_>) {
    let mut slot = RECORD.lock();
    *slot = match message {
        Message::Event(record) => record,
        Message::Text {
            kind,
            text,
            instruction,
        } => {
            let bytes = text.as_bytes();
            let address = physical_address_of(bytes).as_u64();
            EventRecord {
                kind,
                pid: events::NOBODY,
                arguments: [address, bytes.len() as u64, instruction, 0],
            }
        }
    };
    arch::write_u32(event::PORT, physical_address_of(&*slot).as_u64() as u32);
}
