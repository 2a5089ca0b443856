//! What is recorded of a run step by step, beside what every report tells and what the kernel did ([`tracing`](super::tracing)): only what
//! somebody has asked for.

use super::recorder::Recorder;
use crate::guest::Record;
use crate::judge::{Judge, Scene};
use crate::perform::Claim;
use crate::report::Line;
use crate::snapshots::Keeper;

pub(super) struct Recording {
    /// Whether the report says what the agents answered.
    keeps_claims: bool,
    /// What memory is like after each step, for the report.
    recorder: Option<Recorder>,
    /// All of memory after each line, for somebody who looks at it afterwards.
    keeper: Option<Keeper>,
}

impl Recording {
    pub(super) fn of(record: Record, keeper: Option<Keeper>) -> Recording {
        Recording {
            keeps_claims: record.claims,
            recorder: record.memory.then(Recorder::default),
            keeper,
        }
    }

    /// What a line of the report says of what the agents answered.
    pub(super) fn claims(&self, answered: Vec<Claim>) -> Vec<Claim> {
        if self.keeps_claims { answered } else { Vec::new() }
    }

    /// Whether memory is to be looked at after each line.
    pub(super) fn wants_memory(&self) -> bool {
        self.recorder.is_some() || self.keeper.is_some()
    }

    /// Looks at memory after the report's line `line`.
    pub(super) fn look(&mut self, line: usize, scene: &Scene<'_>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.look(line, scene);
        }
        if let Some(keeper) = &self.keeper {
            keeper.keep(line, scene);
        }
    }

    /// Adds it to the lines of a run that has ended.
    pub(super) fn tell(self, judge: &mut Judge, lines: &mut [Line]) {
        if let Some(recorder) = self.recorder {
            recorder.tell(judge, lines);
        }
    }
}
