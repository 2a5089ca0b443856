//! The one boundary between what a stranger names and what is printed.
//!
//! A guest, an image or a scenario names functions and files, logs lines, prints output and says why it cannot go on. All of it
//! becomes a [`Printable`] before a report holds it, so no report can hold anything else.
//!
//! **Invariant:** a [`Printable`] moves no cursor, changes no colour, shows its characters in the order in which they are, hides
//! none of them, and is bounded in length. Lines of it are its own affair until they are written: [`fmt::Display`] writes one line,
//! and whoever wants several writes them below each other with [`Printable::below`], never at the left margin.

use std::error::Error;
use std::fmt::{self, Write};
use std::ops::Deref;

use serde::{Deserialize, Serialize, Serializer};

/// Most bytes of one text, what is said about its end included.
pub const MAX_TEXT_BYTES: usize = 16 << 10;
/// Most bytes of a name, such as a function's or a file's.
pub const MAX_NAME_BYTES: usize = 256;
/// Room for saying how much was cut off.
const CUT_BYTES: usize = 40;

/// Text that can be printed anywhere: on a terminal, in JSON, in Markdown. Read from JSON it is a stranger's again, and is made
/// printable anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "String")]
pub struct Printable(String);

impl Printable {
    /// Text in whatever encoding: what is no UTF-8 shows as replacement characters.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self::cut(&String::from_utf8_lossy(bytes), MAX_TEXT_BYTES)
    }

    /// The name of something: short, and on one line.
    #[must_use]
    pub fn name(name: &str) -> Self {
        Self(Self::cut(name, MAX_NAME_BYTES).to_string())
    }

    /// The text, its lines separated by newlines.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The lines of the text, to be written below each other: `margin` stands before each but the first.
    pub fn below<'a>(&'a self, margin: &'a str) -> impl fmt::Display + 'a {
        fmt::from_fn(move |formatter| {
            for (index, line) in self.0.split('\n').enumerate() {
                if index > 0 {
                    write!(formatter, "\n{margin}")?;
                }
                formatter.write_str(line)?;
            }
            Ok(())
        })
    }

    fn cut(text: &str, most_bytes: usize) -> Self {
        let mut shown = String::with_capacity(text.len().min(most_bytes));
        // How much is shown of how much, if the text turns out to be too long.
        let mut kept = (0, 0);
        for (offset, character) in text.char_indices() {
            if shown.len() <= most_bytes - CUT_BYTES {
                kept = (shown.len(), offset);
            }
            show(character, &mut shown);
            if shown.len() > most_bytes {
                let (shown_bytes, text_bytes) = kept;
                shown.truncate(shown_bytes);
                let _ = write!(shown, "... and {} more bytes", text.len() - text_bytes);
                break;
            }
        }
        Self(shown)
    }
}

/// What an error says, and after it each reason for the one before.
#[must_use]
pub fn causes(error: &dyn Error) -> Vec<Printable> {
    let mut causes = vec![Printable::from(error.to_string())];
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(Printable::from(error.to_string()));
        cause = error.source();
    }
    causes
}

/// Several texts on one line, with this between them.
#[must_use]
pub fn joined(texts: &[Printable], between: &str) -> String {
    let texts: Vec<&str> = texts.iter().map(Printable::as_str).collect();
    texts.join(between)
}

/// A JSON document in which strings hold nothing that a terminal would not show as it is: the same document for whoever reads it
/// as JSON.
#[must_use]
pub fn json(document: &str) -> String {
    let mut shown = String::with_capacity(document.len());
    for character in document.chars() {
        if character == '\n' || !is_hidden(character) {
            shown.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        }
    }
    shown
}

/// Text of a file, to be shown with marks at its bytes: what is hidden is replaced, and every byte stays where it is.
#[must_use]
pub fn in_place(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\n' | '\t') || !is_hidden(character) {
            shown.push(character);
        } else {
            shown.extend(std::iter::repeat_n('?', character.len_utf8()));
        }
    }
    shown
}

fn show(character: char, text: &mut String) {
    if character == '\n' || !is_hidden(character) {
        text.push(character);
    } else {
        text.extend(character.escape_default());
    }
}

/// Whether a character does not show as itself, beside its neighbours, in reading order. The standard library knows control and
/// format characters, the marks of bidirectional text among them, separators, what is not assigned, and what combines with the
/// character before it; a few letters are blank nevertheless.
fn is_hidden(character: char) -> bool {
    const BLANK_LETTERS: [char; 5] = ['\u{115f}', '\u{1160}', '\u{2800}', '\u{3164}', '\u{ffa0}'];
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    character.escape_debug().len() > 1 || BLANK_LETTERS.contains(&character)
}

impl From<&str> for Printable {
    fn from(text: &str) -> Self {
        Self::cut(text, MAX_TEXT_BYTES)
    }
}

impl From<String> for Printable {
    fn from(text: String) -> Self {
        Self::cut(&text, MAX_TEXT_BYTES)
    }
}

/// On one line.
impl fmt::Display for Printable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split('\n').enumerate().try_for_each(|(index, line)| {
            formatter.write_str(if index > 0 { "\\n" } else { "" })?;
            formatter.write_str(line)
        })
    }
}

impl Deref for Printable {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Printable {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Printable {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl schemars::JsonSchema for Printable {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Printable".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}

impl Serialize for Printable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind that no report may hold, and a line of its own.
    const HOSTILE: &str = "a\x1b[2J\x07\x08\x7f\r\u{9b}31m\u{85}\u{ad}\u{34f}\u{61c}\u{115f}\u{200b}\u{200d}\u{200e}\u{200f}\
        \u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2060}\u{2066}\u{2067}\u{2068}\u{2069}\u{2800}\u{3164}\u{fe0f}\
        \u{feff}\u{fff9}\u{e0041}\nPASS forged: 1 step\n";

    #[test]
    fn what_moves_hides_or_turns_is_shown_by_its_number() {
        let printable = Printable::from(HOSTILE);
        let hidden = printable.chars().find(|each| *each != '\n' && is_hidden(*each));
        assert_eq!(hidden, None, "{printable}");
        for shown in [
            "\\u{1b}[2J",
            "\\u{7}",
            "\\r",
            "\\u{202e}",
            "\\u{2066}",
            "\\u{61c}",
            "\\u{e0041}",
        ] {
            assert!(printable.contains(shown), "{shown} in {printable}");
        }
        assert_eq!(Printable::from("schön, 漢字 \u{1f600}"), "schön, 漢字 \u{1f600}");
        assert_eq!(Printable::from_bytes(b"a\xffb"), "a\u{fffd}b");
    }

    #[test]
    fn lines_are_written_as_one_or_below_each_other() {
        let printable = Printable::from("a\nPASS");
        assert_eq!(printable.to_string(), "a\\nPASS");
        assert_eq!(printable.below("  ").to_string(), "a\n  PASS");
        assert_eq!(Printable::name("a\nPASS"), "a\\nPASS");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so_and_stays_as_it_is_from_then_on() {
        for unit in ["x", "\u{1b}", "漢"] {
            let long = unit.repeat(MAX_TEXT_BYTES + 1);
            let printable = Printable::from(long.clone());
            assert!(printable.len() <= MAX_TEXT_BYTES);
            let (kept, count) = printable.rsplit_once("... and ").unwrap();
            let mut shown = String::new();
            show(unit.chars().next().unwrap(), &mut shown);
            let kept_bytes = kept.len() / shown.len() * unit.len();
            assert_eq!(count, format!("{} more bytes", long.len() - kept_bytes));
            assert_eq!(Printable::from(printable.as_str()), printable);
        }
        assert!(Printable::name(&"n".repeat(100_000)).len() <= MAX_NAME_BYTES);
        let just = "x".repeat(MAX_TEXT_BYTES);
        assert_eq!(Printable::from(just.as_str()), just.as_str());
    }

    #[test]
    fn json_means_the_same_and_hides_nothing() {
        let document = serde_json::to_string_pretty(&[HOSTILE]).unwrap();
        let shown = json(&document);
        assert_eq!(shown.chars().find(|each| *each != '\n' && is_hidden(*each)), None);
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown).unwrap(), [HOSTILE]);
    }

    #[test]
    fn a_file_is_shown_with_every_byte_in_its_place() {
        let shown = in_place(HOSTILE);
        assert_eq!(shown.len(), HOSTILE.len());
        assert_eq!(shown.find("PASS"), HOSTILE.find("PASS"));
        assert_eq!(shown.chars().find(|each| *each != '\n' && is_hidden(*each)), None);
    }
}
