//! Bytes in a report: the ones that matter, short, and printable.

use crate::printable::Printable;

/// Most bytes that are shown.
const MAX_BYTES: usize = 24;

/// The part of `bytes` that is worth showing next to `other`: from the first difference on, or from the start when they
/// do not differ.
#[must_use]
pub fn excerpt(bytes: &[u8], other: &[u8]) -> String {
    let first = bytes
        .iter()
        .zip(other)
        .position(|(mine, theirs)| mine != theirs)
        .unwrap_or(0);
    let rest = &bytes[first..];
    let at = if first == 0 {
        String::new()
    } else {
        format!(" from byte {first} on")
    };
    let graphic = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    // A few of the same letter are a text.
    if let [byte, ..] = rest
        && rest.len() > if graphic(byte) { MAX_BYTES } else { 1 }
        && rest.iter().all(|other| other == byte)
    {
        return match byte {
            0 => format!("{} zeros{at}", rest.len()),
            byte => format!("{} times byte {byte:#04x}{at}", rest.len()),
        };
    }
    // Text usually stands in a page of zeros.
    let end = rest
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(1, |last| last + 1)
        .min(rest.len());
    let shown = &rest[..end.min(MAX_BYTES)];
    let more = if end > MAX_BYTES { "..." } else { "" };
    if !shown.is_empty() && shown.iter().all(graphic) {
        return format!("{}{more}{at}", quoted(&String::from_utf8_lossy(shown)));
    }
    let hex: Vec<String> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("bytes {}{more}{at}", hex.join(" "))
}

/// Text in quotation marks on one line.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", Printable::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_and_trailing_zeros_are_left_out() {
        assert_eq!(excerpt(b"hello\0\0\0", b"hello\0\0\0"), "\"hello\"");
    }

    #[test]
    fn a_difference_far_in_is_what_is_shown() {
        let (mut mine, theirs) = ([0; 4096], [0; 4096]);
        mine[100] = b'x';
        assert_eq!(excerpt(&mine, &theirs), "\"x\" from byte 100 on");
        assert_eq!(excerpt(&theirs, &mine), "3996 zeros from byte 100 on");
    }

    #[test]
    fn bytes_that_are_no_text_are_hexadecimal() {
        assert_eq!(excerpt(&[1, 0xff, b'a'], &[]), "bytes 01 ff 61");
        assert_eq!(excerpt(&[0xdb; 9], &[]), "9 times byte 0xdb");
        assert_eq!(excerpt(&[], b"abc"), "bytes ");
    }

    #[test]
    fn a_few_of_the_same_letter_are_a_text() {
        assert_eq!(excerpt(b"zzz", b"abc"), "\"zzz\"");
        assert_eq!(excerpt(&[b'z'; 4096], &[]), "4096 times byte 0x7a");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(
            excerpt(b"abcdefghijklmnopqrstuvwxyz", b""),
            "\"abcdefghijklmnopqrstuvwx\"..."
        );
    }
}
