//! JSON Lines: an object a line for each [`Entry`], as it comes.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::json::Document;
use crate::journal::{Entry, Reader};
use crate::printable;

/// A line.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Entry")]
pub(super) struct Told<'a> {
    /// Version of the format, as in the document that is written at once.
    version: u32,
    /// What happened.
    #[serde(flatten)]
    entry: Entry<'a>,
}

pub(super) struct Jsonl<W> {
    out: W,
}

impl<W> Jsonl<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> Reader for Jsonl<W> {
    fn read(&mut self, entry: Entry<'_>) -> io::Result<()> {
        let version = Document::VERSION;
        let line = serde_json::to_string(&Told { version, entry })?;
        writeln!(self.out, "{}", printable::json(&line))?;
        self.out.flush()
    }
}
