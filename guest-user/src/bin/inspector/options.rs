//! What the inspector is told on its command line.

use guest_user::syscall::shadowpt::ShadowPt;
use guest_user::{Arguments, parse_number, println};

/// A command line that can be followed.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    pub(crate) calls: ShadowPt,
    pub(crate) target: i32,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) frames: Frames,
    pub(crate) amount: Amount,
}

/// How frames are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frames {
    Numbers,
    /// By letters, in the order in which they are first shown: the same on every run.
    Names,
}

/// What is shown of a table that was shown before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    All,
    Changes,
}

/// What a command line asks for.
pub(crate) enum Parsed {
    Run(Options),
    Help,
    Wrong,
}

impl Options {
    pub(crate) fn parse(arguments: Arguments) -> Parsed {
        let mut options = Self {
            calls: ShadowPt::of_this_kernel(arguments),
            target: 0,
            start: 0,
            end: 0,
            frames: Frames::Numbers,
            amount: Amount::All,
        };
        let mut numbers = [0; 3];
        let mut count = 0;
        let mut rest = arguments.iter().skip(1);
        while let Some(argument) = rest.next() {
            match argument {
                b"--help" => return Parsed::Help,
                b"--names" => options.frames = Frames::Names,
                b"--changes" => options.amount = Amount::Changes,
                b"--base" => match rest.next().and_then(parse_number) {
                    Some(base) => options.calls = ShadowPt::at(base),
                    None => return Parsed::Wrong,
                },
                number => match (parse_number(number), numbers.get_mut(count)) {
                    (Some(number), Some(place)) => {
                        *place = number;
                        count += 1;
                    }
                    _ => return Parsed::Wrong,
                },
            }
        }
        let [target, start, end] = numbers;
        match i32::try_from(target) {
            Ok(target) if count == numbers.len() => Parsed::Run(Self {
                target,
                start,
                end,
                ..options
            }),
            _ => Parsed::Wrong,
        }
    }
}

pub(crate) fn usage() {
    println!("usage: inspector [--base N] [--names] [--changes] <target_pid> <start_address> <end_address>");
}

pub(crate) fn help() {
    usage();
    println!("Shows the pages of a process once a second, until SIGINT or SIGTERM: the address, the");
    println!("number of the frame that is mapped there or -, and what the kernel says of the page.");
    println!("Addresses are decimal, or hexadecimal after 0x; the end is the first one not shown.");
    println!("  --base N   the number of shadowpt_open; the other four follow it");
    println!("  --names    frames as A, B, C and so on, in the order in which they are first shown");
    println!("  --changes  after the first time, only pages that are different from the time before");
}
