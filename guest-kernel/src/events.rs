//! What the kernel tells of itself, for whoever listens.
//!
//! A leaf: whoever has something to tell sends it here, and what becomes of it is for the listener that has registered itself, such as the
//! device through which the VMM learns (`device/vmm`). Without one nothing is sent. Each subject has its own events, in numbers of
//! [`abi::event`]: `process/events`, `uffd/events`, and where there is but one, at the place where it happens.

use core::fmt;

use abi::event::{self, EventRecord, MAX_TEXT_BYTES};

use crate::sync::Lock;
use crate::withheld;

/// As the subject of an event: it is about no process and no thread.
pub(crate) const NOBODY: u32 = 0;

/// What a listener gets. It has taken what it needs when it returns.
#[derive(Clone, Copy)]
pub(crate) enum Message<'a> {
    Event(EventRecord),
    /// A line, or the kernel's last words, and the instruction that they are about.
    Text {
        kind: u32,
        text: &'a Text,
        instruction: u64,
    },
}

/// Who listens.
pub(crate) type Listener = fn(Message<'_>);

static LISTENER: Lock<Option<Listener>> = Lock::new(None);

/// From now on everything goes to this one.
pub(crate) fn listen(listener: Listener) {
    *LISTENER.lock() = Some(listener);
}

/// Whether anyone listens.
pub(crate) fn is_listening() -> bool {
    LISTENER.lock().is_some()
}

/// Sends an event: one of the kinds of [`abi::event`], the process or thread that it is about, and its arguments.
pub(crate) fn send(kind: u32, subject: u32, arguments: [u64; 4]) {
    send_message(Message::Event(EventRecord {
        kind,
        pid: subject,
        arguments,
    }));
}

/// Sends a line for the log.
pub(crate) fn send_log(text: &Text) {
    let (kind, instruction) = (event::LOG, 0);
    send_message(Message::Text {
        kind,
        text,
        instruction,
    });
}

/// Sends what the kernel has to say at its end.
pub(crate) fn send_panic(text: &Text, instruction: u64) {
    let kind = event::PANIC;
    send_message(Message::Text {
        kind,
        text,
        instruction,
    });
}

fn send_message(message: Message<'_>) {
    let (Message::Event(EventRecord { kind, .. }) | Message::Text { kind, .. }) = message;
    if withheld::is(kind) {
        return;
    }
    let listener = *LISTENER.lock();
    if let Some(listener) = listener {
        listener(message);
    }
}

/// Text in static memory, where the VMM can read it. What does not fit is cut off.
pub(crate) struct Text {
    bytes: [u8; MAX_TEXT_BYTES as usize],
    len: usize,
}

impl Text {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; MAX_TEXT_BYTES as usize],
            len: 0,
        }
    }

    /// Replaces the text.
    pub(crate) fn set(&mut self, text: fmt::Arguments<'_>) {
        self.len = 0;
        // Formatting fails only when the text is full, and then what fits is there.
        let _ = fmt::write(self, text);
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.len() - self.len;
        let fits = &text[..text.floor_char_boundary(room)];
        self.bytes[self.len..self.len + fits.len()].copy_from_slice(fits.as_bytes());
        self.len += fits.len();
        if fits.len() == text.len() {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_TEXT_BYTES, Text};

    #[test]
    fn text_that_is_too_long_is_cut_between_characters() {
        let mut text = Text::new();
        let long = "x".repeat(MAX_TEXT_BYTES as usize - 1) + "\u{e9}";
        text.set(format_args!("{long}"));
        assert_eq!(text.as_bytes().len(), MAX_TEXT_BYTES as usize - 1);
        text.set(format_args!("short {}", 1));
        assert_eq!(text.as_bytes(), b"short 1");
    }
}
