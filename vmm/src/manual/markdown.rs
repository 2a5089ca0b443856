//! The language as Markdown, for a file of a folder beside those of the scenarios.

use std::fmt::Write;

use super::Manual;
use super::shape::{COMMON_KEYS, Definition, Key, Kind, VALUE};
use super::usage::Example;
use crate::printable::Printable;

impl Manual {
    /// The language as Markdown. It says that `command` makes it.
    #[must_use]
    pub fn markdown(&self, command: &str) -> String {
        let mut text = format!(
            "# The scenario language\n\n\
             A scenario is a JSON document: a list of steps, which are things that processes do and checks of what their memory really\n\
             looks like. This is all that it may contain. Every example is from a scenario that the tests of this project run, and whose name\n\
             stands above it; below an example of a step or an expectation stands what a report says of it.\n\n\
             `{command}` makes this document from the types that the parser uses and from the scenarios. `vmm schema` prints the same as a JSON\n\
             Schema: with `\"$schema\": \"schema.json\"` in a scenario, editors complete and check it.\n\n"
        );
        self.contents(&mut text);
        text.push_str("\n## The document\n\n");
        self.kind(&mut text, &self.shapes.document, &[]);
        text.push_str("\n## Steps\n\nA step is an operation (below), or one of these.\n");
        for kind in &self.shapes.steps {
            self.chapter(&mut text, kind, &[]);
        }
        text.push_str(
            "\n## Operations\n\nA process does something: the operation is named by `do`. Beside its own keys, an operation has these:\n\n",
        );
        let common = COMMON_KEYS.iter().filter_map(|name| self.shapes.common_key(name));
        table(&mut text, common);
        text.push_str(
            "\n`in` must be there. `errno`, `fault` and `blocks` exist where the operation can fail, fault or wait: the operations that take \
             them say so.\nWithout any of them the operation is expected to succeed.\n",
        );
        for kind in &self.shapes.operations {
            self.chapter(&mut text, kind, &COMMON_KEYS);
            let takes = kind.keys.iter().map(|key| key.name.as_str());
            let takes = takes.filter(|key| ["errno", "fault", "blocks"].contains(key));
            let takes: Vec<String> = takes.map(|key| format!("`{key}`")).collect();
            if !takes.is_empty() {
                let _ = writeln!(text, "\nTakes {} too.", takes.join(", "));
            }
        }
        text.push_str("\n## Expectations\n\nA check holds a list of these under `expect`; each is an object with one key.\n");
        for kind in &self.shapes.expectations {
            self.chapter(&mut text, kind, &[]);
        }
        text.push_str("\n## Values\n\nWhat steps, expectations and the document hold.\n");
        for definition in &self.shapes.values {
            self.definition(&mut text, definition);
        }
        text
    }

    fn contents(&self, text: &mut String) {
        let shapes = &self.shapes;
        for (chapter, kinds) in [
            ("Steps", &shapes.steps),
            ("Operations", &shapes.operations),
            ("Expectations", &shapes.expectations),
        ] {
            let links: Vec<String> = kinds.iter().map(|kind| link(&heading(&kind.name))).collect();
            let _ = writeln!(
                text,
                "- [{chapter}](#{}): {}",
                chapter.to_lowercase(),
                links.join(", ")
            );
        }
        let links = shapes.values.iter();
        let links: Vec<String> = links
            .map(|value| format!("[{}](#{VALUE}{})", value.name, value.name.to_lowercase()))
            .collect();
        let _ = writeln!(text, "- [Values](#values): {}", links.join(", "));
    }

    fn chapter(&self, text: &mut String, kind: &Kind, left_out: &[&str]) {
        let _ = writeln!(text, "\n### {}\n", heading(&kind.name));
        self.kind(text, kind, left_out);
    }

    /// What it is, its keys, and examples.
    fn kind(&self, text: &mut String, kind: &Kind, left_out: &[&str]) {
        if !kind.about.is_empty() {
            let _ = writeln!(text, "{}\n", kind.about);
        }
        let keys = kind
            .keys
            .iter()
            .filter(|key| !left_out.contains(&key.name.as_str()));
        table(text, keys);
        for example in self.examples(kind) {
            show(text, example);
        }
    }

    fn definition(&self, text: &mut String, definition: &Definition) {
        let Definition {
            name,
            about,
            holds,
            words,
            kinds,
        } = definition;
        let _ = writeln!(text, "\n### Value: {name}\n");
        if !about.is_empty() {
            let _ = writeln!(text, "{about}\n");
        }
        if words.iter().any(|(_, meaning)| !meaning.is_empty()) {
            text.push_str("| | |\n|---|---|\n");
            for (word, meaning) in words {
                let _ = writeln!(text, "| `\"{word}\"` | {} |", cell(meaning));
            }
        } else if !words.is_empty() {
            let words: Vec<String> = words.iter().map(|(word, _)| format!("`\"{word}\"`")).collect();
            let _ = writeln!(text, "One of {}.", words.join(", "));
        } else if let Some(holds) = holds {
            let _ = writeln!(text, "Written as: {holds}.");
        }
        match &kinds[..] {
            [kind] => {
                table(text, kind.keys.iter());
                self.examples(kind).iter().for_each(|example| show(text, example));
            }
            kinds => {
                for kind in kinds {
                    let _ = writeln!(text, "\n`{}`: {}\n", kind.name, kind.about);
                    table(text, kind.keys.iter());
                    self.examples(kind).iter().for_each(|example| show(text, example));
                }
            }
        }
    }
}

fn table<'a>(text: &mut String, keys: impl Iterator<Item = &'a Key>) {
    let mut keys = keys.peekable();
    if keys.peek().is_none() {
        return;
    }
    text.push_str("| key | holds | what it means |\n|---|---|---|\n");
    for key in keys {
        let needed = if key.is_required { ", must be there" } else { "" };
        let default = match &key.default {
            Some(default) => format!(" Without it: `{default}`."),
            None => String::new(),
        };
        let _ = writeln!(
            text,
            "| `{}` | {}{needed} | {}{} |",
            key.name,
            cell(&key.holds),
            cell(&key.about),
            cell(&default)
        );
    }
}

fn show(text: &mut String, example: &Example) {
    let file = Printable::from(
        example
            .file
            .strip_prefix(".")
            .unwrap_or(&example.file)
            .display()
            .to_string(),
    );
    let above = if example.file.is_absolute() { "" } else { "../" };
    let _ = writeln!(
        text,
        "\nFrom [`{file}`]({above}{file}):\n\n```json\n{}\n```",
        example.text
    );
    if let Some(told) = &example.told {
        let _ = writeln!(text, "\nIn a report: {}", cell(told));
    }
}

fn heading(name: &str) -> String {
    format!("`{name}`")
}

/// A link to a heading of this document.
fn link(heading: &str) -> String {
    let anchor: String = heading
        .chars()
        .filter(|each| each.is_ascii_alphanumeric() || "-_".contains(*each))
        .collect();
    format!("[{heading}](#{})", anchor.to_lowercase())
}

/// Text for a cell of a table, or for a line of prose.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}
