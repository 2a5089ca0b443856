//! How a report names steps and expectations: fragments of sentences. `words` has what they consist of.

mod words;

use std::fmt;

use super::content::ContentAt;
use super::diff::PageDiff;
use super::expectation::{Expectation, Loaded, ProcessEnding};
use super::functions::Calls;
use super::memory::Placement;
use super::name::FunctionName;
use super::operation::{Operation, PathArgument};
use super::outcome::{Ending, Expected, Return};
use super::step::{CheckStep, FailStep, OperationStep, Step, TickStep};
use words::{Length, List, Pages, Raw};

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(step) => step.fmt(formatter),
            Self::Tick(step) => step.fmt(formatter),
            Self::Check(step) => step.fmt(formatter),
            Self::Fail(step) => step.fmt(formatter),
        }
    }
}

impl fmt::Display for TickStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => formatter.write_str("1 tick passes"),
            count => write!(formatter, "{count} ticks pass"),
        }
    }
}

impl fmt::Display for OperationStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.process, self.operation)?;
        match self.expected {
            Expected::Success => {}
            Expected::Refused(refusal) => write!(formatter, ", {refusal}")?,
            Expected::Fault(signal) => write!(formatter, ", ended by {signal}")?,
        }
        match (self.returns, &self.operation) {
            (Return::AtOnce, _) | (Return::Later, Operation::Spin) => Ok(()),
            (Return::Later, Operation::Sleep { .. }) => formatter.write_str(", in the background"),
            (Return::Later, _) => formatter.write_str(", which has to wait"),
        }
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the kernel")?;
        if let Some(process) = &self.process {
            write!(formatter, ", for {process},")?;
        }
        let joined = |names: &[FunctionName], by: &str| {
            let names: Vec<&str> = names.iter().map(FunctionName::as_str).collect();
            Some(names.join(by)).filter(|names| !names.is_empty())
        };
        let parts = [
            joined(&self.order, ", then ").map(|names| format!(" calls {names}")),
            joined(&self.never, " or ").map(|names| format!(" never calls {names}")),
            self.last.as_ref().map(|name| format!(" calls {name} last")),
        ];
        formatter.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(";"))
    }
}

impl fmt::Display for CheckStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "check: {}", self.title)
    }
}

impl fmt::Display for FailStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nth {
            1 => write!(formatter, "the disk fails the next {}", self.request),
            nth => write!(formatter, "the disk fails {} {nth} from here on", self.request),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mmap {
                region,
                pages,
                bytes,
                prot,
                sharing,
                at,
                placement,
                flags,
                file,
                offset,
            } => {
                write!(formatter, "mmap {} ", Length(*pages, *bytes))?;
                file.iter().try_for_each(|file| write!(formatter, "of {file} "))?;
                if offset.0 > 0 {
                    write!(formatter, "from byte {} on ", Raw(offset.0))?;
                }
                write!(formatter, "{sharing} {prot} as {region}")?;
                match (at, placement) {
                    (None, _) => {}
                    (Some(at), Placement::Fixed) => write!(formatter, " at {at}")?,
                    (Some(at), Placement::FixedNoreplace) => write!(formatter, " at {at} if free")?,
                    (Some(at), Placement::Hint) => write!(formatter, " near {at}")?,
                }
                if flags.is_empty() {
                    Ok(())
                } else {
                    write!(formatter, " with {}", List(flags))
                }
            }
            Self::Munmap { at, pages, bytes } => {
                write!(formatter, "munmap {} at {at}", Length(*pages, *bytes))
            }
            Self::Mprotect {
                at,
                pages,
                bytes,
                prot,
            } => {
                write!(formatter, "mprotect {} at {at} to {prot}", Length(*pages, *bytes))
            }
            Self::Madvise {
                at,
                pages,
                bytes,
                advice,
            } => {
                write!(formatter, "madvise {advice} {} at {at}", Length(*pages, *bytes))
            }
            Self::Brk { pages } if *pages < 0 => {
                write!(formatter, "shrink the heap by {}", Pages(pages.unsigned_abs()))
            }
            Self::Brk { pages } => write!(formatter, "grow the heap by {}", Pages(pages.unsigned_abs())),
            Self::TouchStack { region, pages } => {
                write!(formatter, "touch {} of stack as {region}", Pages(*pages))
            }
            Self::StackRoom { region, pages } => {
                write!(formatter, "call the next {} of stack {region}", Pages(*pages))
            }
            Self::Read(ContentAt { at, content }) => write!(formatter, "read {content} at {at}"),
            Self::Write(ContentAt { at, content }) => write!(formatter, "write {content} at {at}"),
            Self::CopyToUser(copy) => write!(formatter, "the kernel stores {copy}"),
            Self::CopyFromUser(copy) => write!(formatter, "the kernel loads {copy}"),
            Self::MemWrite(copy) => write!(formatter, "through /proc/PID/mem, store {copy}"),
            Self::MemRead(copy) => write!(formatter, "through /proc/PID/mem, load {copy}"),
            Self::Fork { child } => write!(formatter, "fork {child}"),
            Self::ForkUntil {
                group,
                limit,
                as_many_as,
            } => {
                write!(formatter, "fork children {group} until refused, at most {limit}")?;
                as_many_as
                    .iter()
                    .try_for_each(|before| write!(formatter, ", as many as {before}"))
            }
            Self::Exit { status } => write!(formatter, "exit with status {status}"),
            Self::Wait {
                child,
                nohang,
                status,
            } => {
                match child {
                    Some(child) => write!(formatter, "wait for {child}")?,
                    None => formatter.write_str("wait for any child")?,
                }
                if *nohang {
                    formatter.write_str(" without waiting")?;
                }
                match status {
                    Some(status) => write!(formatter, ": {status}"),
                    None if *nohang => formatter.write_str(": none has ended"),
                    None => Ok(()),
                }
            }
            Self::Finish => formatter.write_str("finish the waiting call"),
            Self::SchedYield => formatter.write_str("yield the processor"),
            Self::Exec {
                program,
                args,
                status,
                output: _,
                reports: _,
                nonce: _,
                starts: _,
            } => {
                write!(formatter, "exec {program}")?;
                args.iter()
                    .try_for_each(|argument| write!(formatter, " {argument:?}"))?;
                write!(formatter, ": {status}")
            }
            Self::Execve {
                program,
                path: PathArgument::Name,
            } => write!(formatter, "become {program}"),
            Self::Execve {
                path: PathArgument::Unmapped,
                ..
            } => formatter.write_str("become a program whose path is not mapped"),
            Self::Kill { of, signal } => write!(formatter, "send {signal} to {of}"),
            Self::Sleep { ms } => write!(formatter, "sleep {ms} ms"),
            Self::Getppid { is } => write!(formatter, "ask for the parent: {is}"),
            Self::Spin => formatter.write_str("loop without end"),
            Self::Setuid { uid } => write!(formatter, "become user {uid}"),
            Self::FailNth { nth: 0 } => formatter.write_str("let no request for memory fail"),
            Self::FailNth { nth } => write!(formatter, "let request {nth} for memory fail"),
            Self::Pagemap { of, is } => {
                let pages = is.len().max(1) as u64;
                write!(formatter, "ask pagemap about {} from {of} on", Pages(pages))?;
                if is.is_empty() {
                    Ok(())
                } else {
                    write!(formatter, ": {}", List(is))
                }
            }
            Self::ShadowptOpen {
                of,
                from,
                to,
                entries,
                each_request_fails,
            } => {
                write!(
                    formatter,
                    "open a shadow page table of {of}, {from} to {to}, at {entries}"
                )?;
                if *each_request_fails {
                    formatter.write_str(", after each request for memory has failed once")?;
                }
                Ok(())
            }
            Self::ShadowptClose => formatter.write_str("close the shadow page table"),
            Self::ShadowptStart => formatter.write_str("start the shadow page table"),
            Self::ShadowptStop => formatter.write_str("stop the shadow page table"),
            Self::ShadowptPageContents { of, into } => {
                write!(formatter, "ask for the contents of {of}'s frame, into {into}")
            }
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameFrame(places) => write!(formatter, "{} on the same frame", List(places)),
            Self::DifferentFrames(places) => write!(formatter, "{} on different frames", List(places)),
            Self::Mapped(places) => write!(formatter, "{} mapped", List(places)),
            Self::NotMapped(places) => write!(formatter, "{} not mapped", List(places)),
            Self::SwappedOut(places) => write!(formatter, "{} swapped out", List(places)),
            Self::Writable(places) => write!(formatter, "{} writable", List(places)),
            Self::NotWritable(places) => write!(formatter, "{} not writable", List(places)),
            Self::Content(ContentAt { at, content }) => write!(formatter, "{at} holds {content}"),
            Self::Spte { at, is } if is.is_empty() => {
                write!(formatter, "{at} in the shadow page table: nothing")
            }
            Self::Spte { at, is } => {
                write!(formatter, "{at} in the shadow page table: {}", List(is))
            }
            Self::Loaded(Loaded { port, pages, .. }) if pages.is_empty() => {
                write!(formatter, "nothing loaded from port {port}")
            }
            Self::Loaded(Loaded {
                port,
                pages,
                frames_at_most,
            }) => write!(
                formatter,
                "loaded from port {port} pages {}, in {frames_at_most} frames at most",
                List(pages)
            ),
            Self::Diff(pages) if pages.is_empty() => {
                formatter.write_str("no page is otherwise than at the last check")
            }
            Self::Diff(pages) => {
                formatter.write_str("otherwise than at the last check: ")?;
                for (index, PageDiff { at, pages, is }) in pages.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(formatter, "{separator}{at}")?;
                    if *pages > 1 {
                        write!(formatter, " and {} more", pages - 1)?;
                    }
                    write!(formatter, " ({})", List(is))?;
                }
                Ok(())
            }
            Self::Calls(calls) => calls.fmt(formatter),
            Self::Tracked(times) => {
                formatter.write_str("stores were tracked to ")?;
                for (index, pages) in times.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    formatter.write_str(separator)?;
                    match pages[..] {
                        [] => formatter.write_str("no page")?,
                        [page] => write!(formatter, "page {page}")?,
                        _ => write!(formatter, "pages {}", List(pages))?,
                    }
                }
                Ok(())
            }
            Self::ModulePages(expected) => {
                let last = expected.first.saturating_add(expected.pages).saturating_sub(1);
                let mark = if expected.reserved {
                    "reserved"
                } else {
                    "not reserved"
                };
                write!(
                    formatter,
                    "{} from {} on are pages {} to {last} of {}, frames {}, {mark}",
                    Pages(expected.pages),
                    expected.at,
                    expected.first,
                    expected.module,
                    expected.frames
                )
            }
            Self::Dirtied { region, pages } if pages.is_empty() => {
                write!(formatter, "no page of {region} dirtied")
            }
            Self::Dirtied { region, pages } => {
                let noun = if pages.len() == 1 { "page" } else { "pages" };
                write!(formatter, "{noun} {} of {region} dirtied, no other", List(pages))
            }
            Self::FrameKept(places) => {
                write!(formatter, "{} still on the frame of the last check", List(places))
            }
            Self::FreeFrames { since, change: 0 } => write!(formatter, "as many free frames as at {since}"),
            Self::FreeFrames { since, change } => {
                let (count, noun) = (change.unsigned_abs(), if *change > 0 { "more" } else { "fewer" });
                let frames = if count == 1 { "frame" } else { "frames" };
                write!(formatter, "{count} {noun} free {frames} than at {since}")
            }
            Self::ExitStatus(ProcessEnding {
                of,
                ending: Ending::Exit(status),
            }) => {
                write!(formatter, "{of} ended with exit status {status}")
            }
            Self::ExitStatus(ProcessEnding {
                of,
                ending: Ending::Signal(signal),
            }) => {
                write!(formatter, "{of} ended by {signal}")
            }
            Self::Faulted { process, at, access } => {
                write!(formatter, "{process} faulted on {access} at {at}")
            }
        }
    }
}
