//! What can be asked, in the words in which it is asked. `clap` reads them as it reads those of the command line.

use std::fmt;
use std::str::FromStr;

use clap::{Parser, Subcommand};

use crate::address::VirtAddr;

/// A line that somebody has entered.
#[derive(Debug, Parser)]
#[command(
    multicall = true,
    disable_help_flag = true,
    subcommand_required = true,
    after_help = "\
A PLACE is PROCESS:NAME for the first page of a named mapping, PROCESS:NAME+3p for its page 3, or an address, as in 0x7ffff7bfb000.
An entered number N is short for `step N`; `help COMMAND` tells more."
)]
pub struct Input {
    /// What is wanted.
    #[command(subcommand)]
    pub command: LookCommand,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum LookCommand {
    /// List what the run did, a step a line; `>` marks where you are
    Steps,
    /// Go to where a step has ended; 0 is where the guest has booted
    Step {
        /// Number of the step.
        number: usize,
    },
    /// Go to the next step, or to what comes after the last one
    #[command(alias = "n")]
    Next,
    /// Go to the step before
    #[command(alias = "b")]
    Back,
    /// Show what the step did, what is wrong with it, and the verdict of the run
    Show,
    /// Show the user half of a process's page table, or of each: runs of pages with the same rights, and the names in them
    Maps {
        /// Only this process.
        process: Option<String>,
    },
    /// Show the frames of the pages of a named mapping, or of one page of it
    #[command(alias = "frames")]
    Frame {
        /// PROCESS:NAME, or PROCESS:NAME+3p.
        place: MemoryPlace,
    },
    /// Show who maps a frame, where, and with which rights, and whether it is a page table
    #[command(alias = "owner")]
    Owners {
        /// The frame of a page, PROCESS:NAME+3p, or a physical address.
        place: MemoryPlace,
    },
    /// Show the page-table entries on the way to an address
    Walk {
        /// PROCESS:NAME+3p, or a virtual address.
        place: MemoryPlace,
        /// By the page table of this process, and not by the one in use.
        process: Option<String>,
    },
    /// Show the bytes at an address
    #[command(alias = "x")]
    Memory {
        /// PROCESS:NAME+3p, or a virtual address.
        place: MemoryPlace,
        /// How many bytes.
        #[arg(default_value_t = 64)]
        bytes: usize,
        /// By the page table of this process, and not by the one in use.
        process: Option<String>,
    },
    /// Show the registers that say how memory is seen
    Registers,
    /// Show which pages of named mappings are otherwise after one step than after another
    Diff {
        /// Number of the one step.
        first: usize,
        /// Number of the other one; without it, here.
        second: Option<usize>,
    },
    /// Show which functions of the kernel ran in a step; the scenario runs again for it
    Trace {
        /// Number of the step; without it, the one that stands here.
        step: Option<usize>,
        /// No more than so many functions below each other.
        #[arg(long, short)]
        depth: Option<usize>,
    },
    /// End
    #[command(alias = "exit", alias = "q")]
    Quit,
}

/// A place in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemoryPlace {
    /// A page of a named mapping, or all of it.
    Named {
        /// The scenario's name for the process.
        process: String,
        /// The scenario's name for the mapping.
        mapping: String,
        /// The page, from 0.
        page: Option<u64>,
    },
    /// An address: virtual or physical, as it is asked for.
    Address(VirtAddr),
}

/// A text is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected PROCESS:NAME, PROCESS:NAME+3p, or an address, as in 0x7ffff7bfb000")]
pub struct NoMemoryPlace;

impl FromStr for MemoryPlace {
    type Err = NoMemoryPlace;

    fn from_str(text: &str) -> Result<MemoryPlace, NoMemoryPlace> {
        if let Some(digits) = text.strip_prefix("0x") {
            let address = u64::from_str_radix(digits, 16).map_err(|_| NoMemoryPlace)?;
            return Ok(MemoryPlace::Address(VirtAddr(address)));
        }
        let (process, rest) = text.split_once(':').ok_or(NoMemoryPlace)?;
        let (mapping, page) = match rest.split_once('+') {
            None => (rest, None),
            Some((mapping, page)) => {
                let page = page.strip_suffix('p').unwrap_or(page);
                (mapping, Some(page.parse().map_err(|_| NoMemoryPlace)?))
            }
        };
        if process.is_empty() || mapping.is_empty() {
            return Err(NoMemoryPlace);
        }
        Ok(MemoryPlace::Named {
            process: process.to_owned(),
            mapping: mapping.to_owned(),
            page,
        })
    }
}

/// As it is entered.
impl fmt::Display for MemoryPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemoryPlace::Address(address) => write!(f, "{address}"),
            MemoryPlace::Named {
                process,
                mapping,
                page,
            } => {
                write!(f, "{process}:{mapping}")?;
                page.map_or(Ok(()), |page| write!(f, "+{page}p"))
            }
        }
    }
}

/// What is wrong with a line, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCommand {
    /// It asks for help: this is it.
    #[error("{0}")]
    Help(String),
    /// It is no command.
    #[error("{0}")]
    Wrong(String),
}

impl Input {
    /// Reads a line; None for one with nothing in it but a comment.
    ///
    /// # Errors
    /// It is no command, or asks for help.
    pub fn read(line: &str) -> Result<Option<LookCommand>, NoCommand> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let words =
            shlex::split(line).ok_or_else(|| NoCommand::Wrong("a quotation mark is missing".to_owned()))?;
        let is_number = |words: &[String]| matches!(words, [number] if number.parse::<usize>().is_ok());
        let step = is_number(&words).then(|| "step".to_owned());
        match Input::try_parse_from(step.into_iter().chain(words)) {
            Ok(input) => Ok(Some(input.command)),
            Err(error) if error.use_stderr() => {
                let told = error.to_string();
                let told = told
                    .trim_end()
                    .strip_prefix("error: ")
                    .map(str::to_owned)
                    .unwrap_or(told);
                Err(NoCommand::Wrong(told))
            }
            Err(help) => Err(NoCommand::Help(help.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Option<LookCommand>, NoCommand> {
        Input::read(line)
    }

    #[test]
    fn a_line_is_a_command_with_its_words() {
        let named = |page| MemoryPlace::Named {
            process: "child".to_owned(),
            mapping: "buf".to_owned(),
            page,
        };
        for (line, expected) in [
            ("steps", LookCommand::Steps),
            ("7", LookCommand::Step { number: 7 }),
            ("step 0", LookCommand::Step { number: 0 }),
            (" next ", LookCommand::Next),
            (
                "frame child:buf+2p",
                LookCommand::Frame {
                    place: named(Some(2)),
                },
            ),
            ("frames child:buf", LookCommand::Frame { place: named(None) }),
            (
                "walk 0x1000 child",
                LookCommand::Walk {
                    place: MemoryPlace::Address(VirtAddr(0x1000)),
                    process: Some("child".to_owned()),
                },
            ),
            (
                "diff 3 7",
                LookCommand::Diff {
                    first: 3,
                    second: Some(7),
                },
            ),
            (
                "trace --depth 2",
                LookCommand::Trace {
                    step: None,
                    depth: Some(2),
                },
            ),
            ("exit", LookCommand::Quit),
        ] {
            assert_eq!(read(line), Ok(Some(expected)), "{line}");
        }
        assert_eq!(read("  "), Ok(None));
        assert_eq!(read("# what the child has"), Ok(None));
    }

    #[test]
    fn what_is_no_command_is_told_by_what_there_is() {
        let wrong = |line| match read(line) {
            Err(NoCommand::Wrong(told)) => told,
            other => panic!("{line}: {other:?}"),
        };
        assert!(
            wrong("jump").contains("unrecognized subcommand 'jump'"),
            "{}",
            wrong("jump")
        );
        assert!(
            wrong("frame 12").contains("expected PROCESS:NAME"),
            "{}",
            wrong("frame 12")
        );
        assert!(wrong("frame :buf").contains("expected PROCESS:NAME"));
        assert!(wrong("walk 0xg").contains("expected PROCESS:NAME"));
        assert!(wrong("diff").contains("<FIRST>"), "{}", wrong("diff"));
        assert!(wrong("frame 'child:buf").contains("quotation mark"));
    }

    #[test]
    fn help_names_each_command_and_tells_of_one() {
        let help = |line| match read(line) {
            Err(NoCommand::Help(told)) => told,
            other => panic!("{line}: {other:?}"),
        };
        let all = help("help");
        for name in [
            "steps", "next", "back", "maps", "frame", "owners", "walk", "memory", "diff", "trace", "quit",
        ] {
            assert!(all.contains(&format!("\n  {name} ")), "{name}: {all}");
        }
        assert!(
            help("help walk").contains("page-table entries"),
            "{}",
            help("help walk")
        );
    }
}
