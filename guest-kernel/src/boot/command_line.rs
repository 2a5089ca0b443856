//! The kernel command line: words separated by spaces, `key=value` or a flag.

use crate::mm::PhysAddr;

/// A command line.
#[derive(Clone, Copy, Debug)]
pub(super) struct CommandLine<'a>(&'a [u8]);

impl<'a> CommandLine<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether the flag is there.
    pub(super) fn has(&self, flag: &str) -> bool {
        self.words().any(|word| word == flag.as_bytes())
    }

    /// Value of the last word with that key: who adds to a command line may override.
    pub(super) fn value(&self, key: &'static str) -> Option<&'a [u8]> {
        self.values(key).last()
    }

    /// Values of all words with that key, in their order.
    pub(super) fn values(&self, key: &'static str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.words()
            .filter_map(move |word| word.strip_prefix(key.as_bytes())?.strip_prefix(b"="))
    }

    fn words(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.0.split(u8::is_ascii_whitespace)
    }
}

/// Address in `<size>@<base>:<interrupt>`, with a base in hexadecimal and the size of one page, which is what virtio has.
pub(super) fn virtio_mmio_address(device: &[u8]) -> Option<PhysAddr> {
    let text = core::str::from_utf8(device).ok()?;
    let (base, _interrupt) = text.strip_prefix("4K@0x")?.split_once(':')?;
    u64::from_str_radix(base, 16).ok().map(PhysAddr::new)
}

#[cfg(test)]
mod tests {
    use super::{CommandLine, PhysAddr, virtio_mmio_address};

    #[test]
    fn a_virtio_device_is_named_as_on_linux() {
        let address = virtio_mmio_address(b"4K@0xd0400000:5");
        assert_eq!(address, Some(PhysAddr::new(0xd040_0000)));
        for wrong in [
            &b"4K@d0400000:5"[..],
            b"4K@0xd0400000",
            b"8K@0xd0400000:5",
            b"4K@0xzz:5",
            b"",
        ] {
            assert_eq!(virtio_mmio_address(wrong), None);
        }
    }

    #[test]
    fn flags_and_values_are_found_as_whole_words() {
        let line = CommandLine::new(b"quiet init=/agent  mutant=x verbose");
        assert!(line.has("quiet") && line.has("verbose"));
        assert!(!line.has("verb") && !line.has("init"));
        assert_eq!(line.value("init"), Some(&b"/agent"[..]));
        assert_eq!(line.value("ini"), None);
    }

    #[test]
    fn the_last_of_two_values_counts() {
        assert_eq!(CommandLine::new(b"init=a init=b").value("init"), Some(&b"b"[..]));
    }

    #[test]
    fn all_values_of_a_key_are_found_in_their_order() {
        let line = CommandLine::new(b"device=a quiet device=b");
        assert!(line.values("device").eq([b"a", b"b"]));
    }

    #[test]
    fn an_empty_line_has_nothing() {
        assert_eq!(CommandLine::new(b"").value("init"), None);
    }
}
