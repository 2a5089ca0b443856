//! Two texts of several lines, held against each other line by line.

use std::fmt::Write;

use similar::{ChangeTag, TextDiff};

use crate::printable::Printable;

use super::quoted;

/// Lines before the first difference that are shown.
const LINES_BEFORE: usize = 3;
/// Most lines of either text that are compared from there on: what is printed without end has no end of differences.
const MAX_LINES: usize = 40;

/// What is said of a text that should be `wanted` and is `found`: what was expected, and what was found. Texts of one line are told
/// as they are; of longer ones the second says which lines differ.
#[must_use]
pub fn difference(wanted: &str, found: &[u8]) -> (String, String) {
    let found = String::from_utf8_lossy(found);
    let [wanted_lines, found_lines] =
        [wanted, &found].map(|text| text.split_inclusive('\n').collect::<Vec<_>>());
    if wanted_lines.len() <= 1 && found_lines.len() <= 1 {
        return (quoted(wanted), quoted(&found));
    }
    let same = std::iter::zip(&wanted_lines, &found_lines)
        .take_while(|(wanted, found)| wanted == found)
        .count();
    let first = same.saturating_sub(LINES_BEFORE);
    let part = |lines: &[&str]| -> Vec<String> {
        let lines = lines.iter().skip(first).take(LINES_BEFORE + MAX_LINES);
        lines.map(|line| shown(line)).collect()
    };
    let (wanted_part, found_part) = (part(&wanted_lines), part(&found_lines));
    let [wanted_part, found_part] =
        [&wanted_part, &found_part].map(|lines| lines.iter().map(String::as_str).collect::<Vec<_>>());
    let mut text = format!("from line {} on (- is missing, + is too much)", first + 1);
    for change in TextDiff::from_slices(&wanted_part, &found_part).iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Equal => ' ',
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        };
        let _ = write!(text, "\n{sign} {}", change.value());
    }
    let rest = |lines: &[&str]| lines.len().saturating_sub(first + LINES_BEFORE + MAX_LINES);
    match (rest(&wanted_lines), rest(&found_lines)) {
        (0, 0) => {}
        (wanted, found) => {
            let _ = write!(text, "\nand further lines: {wanted} expected, {found} found");
        }
    }
    let lines = wanted_lines.len();
    let noun = if lines == 1 { "line" } else { "lines" };
    (format!("the output of the scenario, {lines} {noun}"), text)
}

/// A line, short, with the lack of its end.
fn shown(line: &str) -> String {
    match line.strip_suffix('\n') {
        Some(line) => Printable::name(line).to_string(),
        None => format!("{} (no end of line)", Printable::name(line)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_one_line_are_told_as_they_are() {
        let told = difference("a\n", b"b");
        assert_eq!(told, ("\"a\\n\"".to_owned(), "\"b\"".to_owned()));
    }

    #[test]
    fn of_longer_texts_the_lines_that_differ_are_told() {
        let (expected, found) = difference("1\n2\n3\n4\nfive\n6\n7\n", b"1\n2\n3\n4\n5\n6\n7");
        assert_eq!(expected, "the output of the scenario, 7 lines");
        assert_eq!(
            found,
            "from line 2 on (- is missing, + is too much)\n  2\n  3\n  4\n- five\n+ 5\n  6\n- 7\n+ 7 (no end of line)"
        );
    }

    #[test]
    fn output_without_end_or_with_hidden_characters_is_told_in_few_lines() {
        let endless = "\u{1b}[2J\u{202e}PASS\n".repeat(100_000);
        let (_, found) = difference("a\nb\n", endless.as_bytes());
        assert!(found.lines().count() < 60, "{found}");
        assert!(found.contains("+ \\u{1b}[2J\\u{202e}PASS"), "{found}");
        assert!(
            found.ends_with("and further lines: 0 expected, 99957 found"),
            "{found}"
        );
        assert!(difference("", "x".repeat(1 << 20).as_bytes()).1.len() < 20_000);
    }
}
