//! The catalogue as a document: a table for each family.

use std::fmt::Write;

use super::Catalogue;
use super::catalogue::Showing;
use crate::printable::Printable;

impl Catalogue {
    /// The catalogue as Markdown, for a file of a folder beside those of the scenarios. It says that `command` makes it.
    #[must_use]
    pub fn markdown(&self, command: &str) -> String {
        let mut text = format!(
            "# Clauses, and the steps that show them\n\n\
             A clause is a sentence of a specification that can be tested; `vmm run` says of each whether it passed. The \
             scenarios have\nthem, and `{command}` makes this list anew.\n"
        );
        for (name, family) in &self.families {
            let _ = write!(
                text,
                "\n## {name}\n\n| clause | what it says | shown by |\n|---|---|---|\n"
            );
            for (number, entry) in family {
                let shown: Vec<String> = entry.shown.iter().map(showing).collect();
                let says = cell(&entry.text);
                let _ = writeln!(text, "| {name}-{number} | {says} | {} |", shown.join("<br>"));
            }
        }
        text
    }
}

/// A link to the scenario, and its steps below.
fn showing(showing: &Showing) -> String {
    let file = showing.file.strip_prefix(".").unwrap_or(&showing.file).display();
    let file = Printable::from(file.to_string());
    let above = if showing.file.is_absolute() { "" } else { "../" };
    let steps: Vec<String> = showing.steps.iter().map(|step| cell(step)).collect();
    format!(
        "[`{}`]({above}{file})<br>{}",
        showing.scenario,
        steps.join("<br>")
    )
}

/// Text for a cell of a table. What stands between backticks is code there as well; all else means itself.
fn cell(text: &str) -> String {
    let mut escaped = String::new();
    let mut is_code = false;
    for each in Printable::from(text).to_string().chars() {
        is_code ^= each == '`';
        // A table is cut into cells before anything else is looked at.
        if each == '|' || (!is_code && matches!(each, '\\' | '*' | '<' | '[')) {
            escaped.push('\\');
        }
        escaped.push(each);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_cell_ends_it_or_is_taken_for_markup() {
        assert_eq!(cell("a|b"), r"a\|b");
        assert_eq!(cell("2 * 3 < 7 [sic] \\"), r"2 \* 3 \< 7 \[sic] \\");
    }

    #[test]
    fn code_in_a_cell_stays_as_it_is() {
        assert_eq!(cell("`a[*p] < b|c` * d"), r"`a[*p] < b\|c` \* d");
    }
}
