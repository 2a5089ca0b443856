//! Jobs that are done in emulated machines, one after the other, where no KVM of this machine can do them.
//!
//! One machine does all of them. It gets them in a file, works as a pool of one worker, and prints a line for what happens; whoever waits here
//! is told of it as by a pool of this machine. An emulated processor goes astray now and then (see [`Emulation`]). A machine that is
//! lost so is ended, and the job that it was at, and those behind it, are done in another one.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use std::{fs, mem};

use serde::{Deserialize, Serialize};

use super::job::Job;
use super::pool::{Death, Done, End, Observer, Pool};
use crate::image::Progress;
use crate::platform::{Emulation, EmulationError};

/// The hidden command that does jobs in the machine. Its argument is their file.
pub const EMULATED_COMMAND: &str = "emulated-jobs";
const JOBS: &str = "/ringside/jobs.json";
/// How many machines a job may lose before it has no result.
const MOST_LOST: u32 = 2;

/// What happens in the machine, as a line of JSON each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum News {
    Began(usize),
    Done(usize, Done),
}

/// Has jobs done in emulated machines.
#[derive(Debug)]
pub struct EmulatedPool {
    /// Files and folders of this machine that they get, where the jobs find their guests.
    pub files: Vec<PathBuf>,
    /// Processor time that QEMU may use without a word of a job's.
    pub silence: Duration,
}

impl EmulatedPool {
    /// Has all jobs done, or as many as there are results of when it is `interrupted`.
    ///
    /// # Errors
    /// There is no such machine, or it ends before it is done.
    pub fn run(
        &self,
        jobs: &[Job],
        observer: &mut dyn Observer,
        interrupted: &AtomicBool,
        progress: &dyn Progress,
    ) -> Result<End, EmulationError> {
        let mut heard = Heard {
            observer,
            next: 0,
            lost: 0,
            is_running: false,
            line: Vec::new(),
            has_enough: false,
        };
        while let Some(rest) = jobs.get(heard.next..).filter(|rest| !rest.is_empty()) {
            let machine = self.machine(rest)?;
            let first = heard.next;
            let ended = machine.run(self.silence, interrupted, progress, |piece| {
                heard.hear(piece, first)
            });
            match ended {
                Ok(_) if heard.has_enough || heard.next == jobs.len() => break,
                Ok(_) => return Err(EmulationError::Unfinished),
                Err(EmulationError::Interrupted) => return Ok(End::Interrupted),
                Err(EmulationError::Silent { silence }) => heard.lose(silence),
                Err(error) => return Err(error),
            }
            if heard.has_enough {
                break;
            }
        }
        Ok(End::Complete)
    }

    fn machine(&self, jobs: &[Job]) -> Result<Emulation, EmulationError> {
        let mut machine = Emulation::of(vec![EMULATED_COMMAND.to_owned(), JOBS.to_owned()])?;
        for file in &self.files {
            machine.add(file)?;
        }
        let jobs = serde_json::to_vec(jobs).expect("a job has no maps with keys of other types");
        machine.add_contents(Path::new(JOBS), jobs);
        Ok(machine)
    }
}

/// What is known here of the work.
struct Heard<'a> {
    observer: &'a mut dyn Observer,
    /// The first job without a result.
    next: usize,
    /// How many machines it has lost.
    lost: u32,
    /// Whether the observer knows that it is being done.
    is_running: bool,
    /// What has come of a line.
    line: Vec<u8>,
    /// Whether the observer wants no more.
    has_enough: bool,
}

impl Heard<'_> {
    /// Takes a piece of what a machine prints whose jobs are those from this one on. What is none of its lines is passed over: only the machine's own
    /// command prints there.
    fn hear(&mut self, piece: &[u8], first: usize) -> ControlFlow<()> {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if !part.ends_with(b"\n") {
                continue;
            }
            let line = mem::take(&mut self.line);
            match serde_json::from_slice(&line) {
                Ok(News::Began(index)) if first + index == self.next => self.begin(),
                Ok(News::Done(index, done)) if first + index == self.next => self.end(done),
                Ok(News::Began(_) | News::Done(..)) | Err(_) => {}
            }
            if self.has_enough {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn begin(&mut self) {
        if !mem::replace(&mut self.is_running, true) {
            self.observer.began(self.next);
        }
    }

    fn end(&mut self, done: Done) {
        self.begin();
        self.observer.ended(self.next);
        self.has_enough = !self.observer.done(self.next, done);
        self.next += 1;
        self.is_running = false;
        self.lost = 0;
    }

    /// A machine is lost.
    fn lose(&mut self, silence: Duration) {
        self.line.clear();
        self.lost += 1;
        if self.lost == MOST_LOST {
            self.end(Err(Death::Lost {
                machines: MOST_LOST,
                silence,
            }));
            return;
        }
        let because = format!(
            "the emulated machine computed for {} min without a word, and was ended",
            silence.as_secs() / 60
        );
        self.observer.begins_anew(self.next, &because);
    }
}

/// Does the jobs of a file, and prints what happens: the machine's side.
///
/// # Errors
/// The file holds no jobs, or what happens cannot be printed.
pub fn serve_emulated(file: &Path) -> io::Result<()> {
    let mut jobs: Vec<Job> = serde_json::from_slice(&fs::read(file)?)?;
    // Where servers had their sockets is a folder of another machine.
    let scratch = tempfile::tempdir()?;
    for job in &mut jobs {
        scratch.path().clone_into(&mut job.scratch);
    }
    let mut printing = Printing(Ok(()));
    let _ = Pool::new(NonZeroUsize::MIN).run(&jobs, &mut printing);
    printing.0
}

struct Printing(io::Result<()>);

impl Printing {
    fn print(&mut self, news: &News) {
        let printed = serde_json::to_vec(news).map_err(io::Error::from);
        let printed = printed.and_then(|mut line| {
            line.push(b'\n');
            let mut out = io::stdout().lock();
            out.write_all(&line)?;
            out.flush()
        });
        self.0 = mem::replace(&mut self.0, Ok(())).and(printed);
    }
}

impl Observer for Printing {
    fn began(&mut self, index: usize) {
        self.print(&News::Began(index));
    }

    fn ended(&mut self, _index: usize) {}

    fn begins_anew(&mut self, _index: usize, _because: &str) {}

    fn done(&mut self, index: usize, done: Done) -> bool {
        self.print(&News::Done(index, done));
        self.0.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::job::{Answer, Fault};
    use super::*;
    use crate::printable::Printable;

    const SILENCE: Duration = Duration::from_secs(60);

    /// Notes what it is told, and has enough after so many results.
    struct Noted {
        seen: Vec<String>,
        wanted: usize,
    }

    impl Observer for Noted {
        fn began(&mut self, index: usize) {
            self.seen.push(format!("{index} began"));
        }

        fn ended(&mut self, index: usize) {
            self.seen.push(format!("{index} ended"));
        }

        fn begins_anew(&mut self, index: usize, because: &str) {
            self.seen.push(format!("{index} begins anew: {because}"));
        }

        fn done(&mut self, index: usize, done: Done) -> bool {
            let what = match done {
                Ok(Answer::NoRun { because, .. }) => because[0].to_string(),
                Ok(Answer::Report(_)) => "a report".to_owned(),
                Err(death) => death.to_string(),
            };
            self.seen.push(format!("{index} done: {what}"));
            self.wanted -= 1;
            self.wanted > 0
        }
    }

    /// What is told when `what` is done to a view of machines.
    fn told(wanted: usize, what: impl FnOnce(&mut Heard)) -> Vec<String> {
        let mut noted = Noted {
            seen: Vec::new(),
            wanted,
        };
        let mut heard = Heard {
            observer: &mut noted,
            next: 0,
            lost: 0,
            is_running: false,
            line: Vec::new(),
            has_enough: false,
        };
        what(&mut heard);
        noted.seen
    }

    fn line(news: &News) -> Vec<u8> {
        let mut line = serde_json::to_vec(news).unwrap();
        line.push(b'\n');
        line
    }

    fn done(index: usize, text: &str) -> Vec<u8> {
        line(&News::Done(
            index,
            Ok(Answer::NoRun {
                fault: Fault::Host,
                because: vec![Printable::from(text)],
            }),
        ))
    }

    #[test]
    fn lines_come_in_pieces_and_other_text_is_passed_over() {
        let seen = told(9, |heard| {
            let text = [
                b"[    1.0] the kernel speaks\n".to_vec(),
                line(&News::Began(0)),
                done(0, "first"),
                line(&News::Began(1)),
            ]
            .concat();
            for piece in text.chunks(7) {
                assert!(heard.hear(piece, 0).is_continue());
            }
        });
        assert_eq!(seen, ["0 began", "0 ended", "0 done: first", "1 began"]);
    }

    #[test]
    fn a_job_that_loses_its_machine_begins_anew_and_one_that_loses_two_has_no_result() {
        let seen = told(9, |heard| {
            let _ = heard.hear(&done(0, "first"), 0);
            let _ = heard.hear(&line(&News::Began(1)), 0);
            let _ = heard.hear(b"{\"done\":[1,", 0);
            heard.lose(SILENCE);
            // The second machine has the jobs from the second one on, and numbers them from 0.
            let _ = heard.hear(&line(&News::Began(0)), 1);
            heard.lose(SILENCE);
            let _ = heard.hear(&done(0, "third"), 2);
        });
        assert_eq!(
            seen,
            [
                "0 began",
                "0 ended",
                "0 done: first",
                "1 began",
                "1 begins anew: the emulated machine computed for 1 min without a word, and was ended",
                "1 ended",
                "1 done: each of 2 emulated machines computed for 1 min without a word of it, and was ended; --slow gives it longer",
                "2 began",
                "2 ended",
                "2 done: third"
            ]
        );
    }

    #[test]
    fn a_machine_that_is_lost_with_another_job_is_not_held_against_the_next_one() {
        let seen = told(9, |heard| {
            heard.lose(SILENCE);
            let _ = heard.hear(&done(0, "first"), 0);
            heard.lose(SILENCE);
            let _ = heard.hear(&done(0, "second"), 1);
        });
        assert_eq!(seen.iter().filter(|seen| seen.contains("begins anew")).count(), 2);
        assert!(seen.contains(&"1 done: second".to_owned()));
    }

    #[test]
    fn whoever_has_enough_is_told_no_more() {
        let seen = told(1, |heard| {
            let text = [done(0, "first"), done(1, "second")].concat();
            assert!(heard.hear(&text, 0).is_break());
        });
        assert_eq!(seen, ["0 began", "0 ended", "0 done: first"]);
    }
}
