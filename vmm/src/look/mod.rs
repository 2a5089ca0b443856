//! A prompt at a run that has ended: memory as it was after any of its steps, asked for by command.
//!
//! [`Look`] knows what the run has left ([`Snapshots`]) and its report, stands at one of its moments, and answers a [`LookCommand`]. Who asks, at a
//! terminal or in a pipe, is somebody else's matter.

mod command;
mod memory;

use std::fmt::Write;

pub use command::{Input, LookCommand, MemoryPlace, NoCommand, NoMemoryPlace};

use crate::inspect::walk::Root;
use crate::report::Report;
use crate::report::text::{Colour, step, summary};
use crate::snapshots::Snapshots;
use crate::view::{Pages, Unknown, differences, only_in};

/// Looks at what a run has left.
pub struct Look {
    report: Report,
    snapshots: Snapshots,
    colour: Colour,
}

/// What comes of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookAnswer {
    /// This is told: lines, each with its end.
    Told(String),
    /// What the kernel did in this step is wanted, no more than so many functions below each other: it takes another run.
    Trace {
        /// Number of the step, from 1.
        step: usize,
        /// How many functions.
        depth: Option<usize>,
    },
    /// Nothing more is wanted.
    Quit,
}

/// A command cannot be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookError {
    /// The run has no such step, or ended before it.
    #[error("there is no step {number} to look at; there are steps 0 to {last}")]
    NoStep {
        /// What was asked for.
        number: usize,
        /// The last one.
        last: usize,
    },
    /// There is nothing further in this direction.
    #[error("this is the {0} moment of the run")]
    NoFurther(&'static str),
    /// What stands here is no step of the scenario.
    #[error("name a step: what stands here is none of the scenario's (`steps` lists them)")]
    NotAStep,
    /// Nothing has this name here.
    #[error("{0}")]
    Unknown(String),
    /// The page is in nobody's memory.
    #[error("{0} is not mapped")]
    NotMapped(String),
}

impl From<Unknown> for LookError {
    fn from(unknown: Unknown) -> LookError {
        LookError::Unknown(unknown.to_string())
    }
}

impl Look {
    /// Looks at a run by its report and what it has left. It stands where this step has ended, or without one at the first thing that is wrong, or at the
    /// end where nothing is.
    ///
    /// # Errors
    /// There is no such step.
    pub fn new(
        report: Report,
        snapshots: Snapshots,
        step: Option<usize>,
        colour: Colour,
    ) -> Result<Look, LookError> {
        let mut look = Look {
            report,
            snapshots,
            colour,
        };
        match step {
            Some(number) => look.go_to_step(number)?,
            None => {
                let is_wrong = |line: &usize| {
                    let line = look.report.lines.get(*line);
                    line.is_some_and(|line| line.all_findings().next().is_some())
                };
                let lines = (0..look.snapshots.count()).filter_map(|number| look.snapshots.line(number));
                let wrong = lines.enumerate().find(|(_, line)| is_wrong(line));
                let number = wrong.map_or(usize::MAX, |(number, _)| number);
                look.snapshots.go_to(number);
            }
        }
        Ok(look)
    }

    /// The report of the run.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// What stands here: what the step did and what came of it.
    #[must_use]
    pub fn here(&self) -> String {
        self.told_line(self.snapshots.at())
    }

    /// A word for the moment: the number of the step, or what stands there instead.
    #[must_use]
    pub fn moment(&self) -> String {
        match (self.step_of(self.snapshots.at()), self.snapshots.at()) {
            (Some(number), _) => format!("step {number}"),
            (None, 0) => "booted".to_owned(),
            (None, _) => "end".to_owned(),
        }
    }

    /// Names that commands may be about here: processes, and their mappings as `PROCESS:NAME`.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let processes = self.snapshots.named().processes().iter();
        let names = processes.flat_map(|process| {
            let mappings = process.mappings.iter();
            let mappings = mappings.map(|mapping| format!("{}:{}", process.name, mapping.name));
            mappings.chain([process.name.to_string()])
        });
        names.collect()
    }

    /// Answers a command.
    ///
    /// # Errors
    /// It is about something that there is not.
    pub fn answer(&mut self, command: &LookCommand) -> Result<LookAnswer, LookError> {
        let told = match command {
            LookCommand::Steps => self.steps(),
            LookCommand::Step { number } => {
                self.go_to_step(*number)?;
                self.here()
            }
            LookCommand::Next => {
                self.go_by(1)?;
                self.here()
            }
            LookCommand::Back => {
                self.go_by(-1)?;
                self.here()
            }
            LookCommand::Show => self.here() + &summary(&self.report, self.colour),
            LookCommand::Maps { process } => self.maps(process.as_deref())?,
            LookCommand::Frame { place } => self.frame(place)?,
            LookCommand::Owners { place } => self.owners(place)?,
            LookCommand::Walk { place, process } => self.walk(place, process.as_deref())?,
            LookCommand::Memory {
                place,
                bytes,
                process,
            } => self.contents(place, *bytes, process.as_deref())?,
            LookCommand::Registers => self.snapshots.registers().to_string(),
            LookCommand::Diff { first, second } => self.diff(*first, *second)?,
            LookCommand::Trace { step, depth } => {
                let here = || self.step_of(self.snapshots.at());
                return Ok(LookAnswer::Trace {
                    step: step.or_else(here).ok_or(LookError::NotAStep)?,
                    depth: *depth,
                });
            }
            LookCommand::Quit => return Ok(LookAnswer::Quit),
        };
        Ok(LookAnswer::Told(told))
    }

    /// The number of the step whose end a snapshot is.
    fn step_of(&self, snapshot: usize) -> Option<usize> {
        self.report.lines.get(self.snapshots.line(snapshot)?)?.step
    }

    /// The snapshot at the end of a step; 0 is where the guest has booted.
    fn snapshot_of(&self, number: usize) -> Result<usize, LookError> {
        let steps = || (0..self.snapshots.count()).map(|snapshot| self.step_of(snapshot).unwrap_or(0));
        steps()
            .position(|step| step == number)
            .ok_or_else(|| LookError::NoStep {
                number,
                last: steps().max().unwrap_or(0),
            })
    }

    fn go_to_step(&mut self, number: usize) -> Result<(), LookError> {
        let snapshot = self.snapshot_of(number)?;
        self.snapshots.go_to(snapshot);
        Ok(())
    }

    fn go_by(&mut self, moments: isize) -> Result<(), LookError> {
        let at = self.snapshots.at().checked_add_signed(moments);
        let at = at.ok_or(LookError::NoFurther("first"))?;
        if at >= self.snapshots.count() {
            return Err(LookError::NoFurther("last"));
        }
        self.snapshots.go_to(at);
        Ok(())
    }

    fn told_line(&self, snapshot: usize) -> String {
        let line = self.snapshots.line(snapshot);
        let line = line.and_then(|line| self.report.lines.get(line));
        line.map_or_else(String::new, |line| step(line, self.colour))
    }

    fn steps(&self) -> String {
        let mut told = String::new();
        for snapshot in 0..self.snapshots.count() {
            let line = self.told_line(snapshot);
            let mark = if snapshot == self.snapshots.at() { '>' } else { ' ' };
            // What is expected and what is wrong is told of the step alone.
            let _ = writeln!(told, "{mark}{}", line.lines().next().unwrap_or_default());
        }
        told
    }

    /// The pages of named mappings where a step has ended, or here.
    fn pages(&mut self, step: Option<usize>) -> Result<Pages, LookError> {
        let here = self.snapshots.at();
        if let Some(number) = step {
            self.go_to_step(number)?;
        }
        let pages = self.snapshots.named().pages(self.snapshots.memory());
        self.snapshots.go_to(here);
        Ok(pages)
    }

    fn diff(&mut self, first: usize, second: Option<usize>) -> Result<String, LookError> {
        let before = self.pages(Some(first))?;
        let after = self.pages(second)?;
        let second = second.map_or_else(|| self.moment(), |number| format!("step {number}"));
        let mut told = differences(&before, &after);
        for (mapping, moment) in only_in(&before, &after)
            .into_iter()
            .map(|mapping| (mapping, format!("step {first}")))
            .chain(
                only_in(&after, &before)
                    .into_iter()
                    .map(|mapping| (mapping, second.clone())),
            )
        {
            let _ = writeln!(told, "{mapping}: only at {moment}");
        }
        if told.is_empty() {
            return Ok("no page of a named mapping is otherwise\n".to_owned());
        }
        Ok(told)
    }

    /// The page table of a process, or the one in use.
    fn root(&self, process: Option<&str>) -> Result<Root, LookError> {
        Ok(match process {
            Some(name) => self.snapshots.named().process(name)?.root,
            None => self.snapshots.root(),
        })
    }
}
