//! What can be asked by gdb's `monitor`.

use crate::address::VirtAddr;

/// What there is.
pub(super) const HELP: &str = "\
monitor step N                 when the guest goes on, stop it where step N of the scenario is about to be performed
monitor frames PROCESS:NAME    the frames of the pages of a named mapping
monitor walk ADDRESS           the page-table entries on the way to an address, by the page table in use
monitor registers              the system registers, which gdb does not show: CR0, CR2, CR3, CR4, EFER, and the bases of FS and GS
monitor diff                   the pages of named mappings that are otherwise than at the last stop at a step
monitor help                   this
";

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// To stop before this step.
    Step(usize),
    /// To tell of the frames of a process's mapping.
    Frames { process: String, mapping: String },
    /// To tell of the way to an address.
    Walk(VirtAddr),
    /// To tell what the system registers hold.
    Registers,
    /// To tell what has changed.
    Diff,
    /// To tell what there is.
    Help,
}

/// The text is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CommandError {
    /// Nobody knows it.
    #[error("there is no `monitor {found}`; there is:\n{HELP}")]
    Unknown { found: String },
    /// It lacks something, or has something else.
    #[error("expected `monitor {usage}`, found `monitor {found}`")]
    Usage { usage: &'static str, found: String },
}

/// Reads a command.
pub(super) fn parse(text: &str) -> Result<Command, CommandError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let usage = |usage| CommandError::Usage {
        usage,
        found: words.join(" "),
    };
    match words[..] {
        ["step", number] => number.parse().map(Command::Step).map_err(|_| usage("step N")),
        ["step", ..] => Err(usage("step N")),
        ["frames", place] => {
            let (process, mapping) = place
                .split_once(':')
                .ok_or_else(|| usage("frames PROCESS:NAME"))?;
            Ok(Command::Frames {
                process: process.to_owned(),
                mapping: mapping.to_owned(),
            })
        }
        ["frames", ..] => Err(usage("frames PROCESS:NAME")),
        ["walk", address] => number(address)
            .map(|address| Command::Walk(VirtAddr(address)))
            .ok_or_else(|| usage("walk ADDRESS")),
        ["walk", ..] => Err(usage("walk ADDRESS")),
        ["registers"] => Ok(Command::Registers),
        ["registers", ..] => Err(usage("registers")),
        ["diff"] => Ok(Command::Diff),
        ["diff", ..] => Err(usage("diff")),
        ["help", ..] | [] => Ok(Command::Help),
        _ => Err(CommandError::Unknown {
            found: words.join(" "),
        }),
    }
}

/// A number as C writes it.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_is_known_by_its_first_word() {
        let frames = Command::Frames {
            process: "child".to_owned(),
            mapping: "buf".to_owned(),
        };
        for (text, expected) in [
            ("step 12", Command::Step(12)),
            (" frames  child:buf ", frames),
            (
                "walk 0xffffffff80000000",
                Command::Walk(VirtAddr(0xffff_ffff_8000_0000)),
            ),
            ("walk 4096", Command::Walk(VirtAddr(4096))),
            ("registers", Command::Registers),
            ("diff", Command::Diff),
            ("help", Command::Help),
            ("", Command::Help),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_command_is_answered_by_what_there_is() {
        let told = |text| parse(text).unwrap_err().to_string();
        assert!(
            told("reset halt").starts_with("there is no `monitor reset halt`; there is:\nmonitor step N")
        );
        for (text, usage) in [
            ("step", "step N"),
            ("step one", "step N"),
            ("step 1 2", "step N"),
            ("frames buf", "frames PROCESS:NAME"),
            ("frames", "frames PROCESS:NAME"),
            ("walk here", "walk ADDRESS"),
            ("walk 0x1ffffffffffffffff", "walk ADDRESS"),
            ("registers cr3", "registers"),
            ("diff child", "diff"),
        ] {
            let expected = format!("expected `monitor {usage}`, found `monitor {text}`");
            assert_eq!(told(text), expected);
        }
    }
}
