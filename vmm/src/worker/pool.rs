//! Many workers at once, answers in the order of the jobs.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use super::child::{Slot, Waiting};
use super::job::{Answer, Fault, Job};
use super::serve::Jobs;
use crate::finding::Finding;
use crate::printable::Printable;
use crate::report::{GuestEnd, Line, Outcome, Report};
use crate::rule::Rule;
use crate::scenario::Scenario;

/// How a worker died that gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Death {
    /// By a signal.
    Signal {
        /// Its number.
        signal: i32,
        /// What the worker said before.
        complaints: Printable,
    },
    /// By its own decision.
    Exit {
        /// Its exit status.
        code: i32,
        /// What the worker said before.
        complaints: Printable,
    },
    /// It gave no answer in time, and was ended.
    Overdue {
        /// How long it had.
        after: Duration,
    },
    /// Each emulated machine in which it was begun had to be ended.
    Lost {
        /// How many these were.
        machines: u32,
        /// The processor time that each of them used without a word.
        silence: Duration,
    },
}

/// A job, and what came of it.
pub type Done = Result<Answer, Death>;

/// Told of what goes on in a pool.
pub trait Observer {
    /// A worker begins with this job.
    fn began(&mut self, index: usize);
    /// A worker has ended with this job. Not in the order of the jobs.
    fn ended(&mut self, index: usize);
    /// A worker has come to nothing with this job, for a reason that is none of the job's, and it is begun anew.
    fn begins_anew(&mut self, index: usize, because: &str);
    /// What came of a job, in the order of the jobs. False when that is enough, and no other job is to begin.
    fn done(&mut self, index: usize, done: Done) -> bool;
}

/// How the work of a pool ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Every job was done, or the observer had enough.
    Complete,
    /// Somebody interrupted it; what was done by then has been told.
    Interrupted,
}

/// Something that happens while a pool works.
enum Message {
    Began(usize),
    Done(usize, Done),
    Interrupt,
    /// Every thread has gone.
    Over,
}

/// A request to end a pool's work, from anywhere.
#[derive(Clone, Debug)]
pub struct Interrupt(Sender<Message>);

impl Interrupt {
    /// Ends the work, at once.
    pub fn now(&self) {
        // A pool that has ended needs no end.
        let _ = self.0.send(Message::Interrupt);
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("message")
    }
}

/// Has jobs done.
#[derive(Debug)]
pub struct Pool {
    workers: NonZeroUsize,
    sender: Sender<Message>,
    receiver: Receiver<Message>,
}

impl Pool {
    /// A pool of so many workers at once.
    #[must_use]
    pub fn new(workers: NonZeroUsize) -> Pool {
        let (sender, receiver) = channel();
        Pool {
            workers,
            sender,
            receiver,
        }
    }

    /// Ends the pool's work from another thread.
    #[must_use]
    pub fn interrupt(&self) -> Interrupt {
        Interrupt(self.sender.clone())
    }

    /// Whether somebody has asked for its end before it has begun.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        let is_interrupted = matches!(self.receiver.try_recv(), Ok(Message::Interrupt));
        if is_interrupted {
            // It is still to be heard by whoever asks again.
            self.interrupt().now();
        }
        is_interrupted
    }

    /// Has all jobs done. A job whose run the harness broke is done once more, and the second answer counts.
    pub fn run(self, jobs: &[Job], observer: &mut dyn Observer) -> End {
        let Pool {
            workers,
            sender,
            receiver,
        } = self;
        let slots: Vec<Slot> = (0..workers.get().min(jobs.len()))
            .map(|_| Slot::default())
            .collect();
        let next = AtomicUsize::new(0);
        let running = AtomicUsize::new(slots.len());
        if slots.is_empty() {
            return End::Complete;
        }
        thread::scope(|scope| {
            for slot in &slots {
                let (sender, next, running) = (sender.clone(), &next, &running);
                scope.spawn(move || {
                    work(slot, jobs, next, &sender);
                    if running.fetch_sub(1, Ordering::SeqCst) == 1 {
                        let _ = sender.send(Message::Over);
                    }
                });
            }
            let end = tell(&receiver, observer);
            slots.iter().for_each(Slot::end);
            end
        })
    }
}

/// One thread of a pool: a job after the other.
fn work(slot: &Slot, jobs: &[Job], next: &AtomicUsize, sender: &Sender<Message>) {
    let mut waiting = Waiting::default();
    let expected = match jobs {
        [_] => Jobs::One,
        _ => Jobs::Several,
    };
    loop {
        let index = next.fetch_add(1, Ordering::SeqCst);
        let Some(job) = jobs.get(index) else { return };
        let _ = sender.send(Message::Began(index));
        let Some(mut done) = slot.run(job, expected, &mut waiting) else {
            return;
        };
        // A debugger that was there once is not there again.
        if harness_broke(&done) && job.debugger.is_none() {
            // By a process of its own, whatever it was.
            let Some(again) = slot.run(job, Jobs::One, &mut Waiting::default()) else {
                return;
            };
            done = again;
        }
        let _ = sender.send(Message::Done(index, done));
    }
}

/// Tells the observer of everything, results in the order of the jobs.
fn tell(receiver: &Receiver<Message>, observer: &mut dyn Observer) -> End {
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    loop {
        match receiver.recv().unwrap_or(Message::Over) {
            Message::Began(index) => observer.began(index),
            Message::Done(index, done) => {
                observer.ended(index);
                waiting.insert(index, done);
                while let Some(done) = waiting.remove(&next) {
                    if !observer.done(next, done) {
                        return End::Complete;
                    }
                    next += 1;
                }
            }
            Message::Interrupt => {
                for (index, done) in waiting {
                    if !observer.done(index, done) {
                        break;
                    }
                }
                return End::Interrupted;
            }
            Message::Over => return End::Complete,
        }
    }
}

fn harness_broke(done: &Done) -> bool {
    match done {
        Ok(Answer::Report(report)) => report.outcome() == Outcome::HarnessBroke,
        Ok(Answer::NoRun { fault, .. }) => *fault == Fault::Host,
        Err(death) => !death.is_by_its_walls(),
    }
}

impl Death {
    /// Whether the limits or the filter ended the worker, which no run comes to by itself.
    #[must_use]
    pub fn is_by_its_walls(&self) -> bool {
        match self {
            Death::Signal { signal, .. } => [libc::SIGSYS, libc::SIGXCPU, libc::SIGXFSZ].contains(signal),
            Death::Exit { .. } | Death::Overdue { .. } | Death::Lost { .. } => false,
        }
    }

    /// The report of a scenario whose worker died so.
    #[must_use]
    pub fn report(&self, scenario: &Scenario) -> Report {
        let place = "the worker process of this run";
        let (finding, end) = if self.is_by_its_walls() {
            let expected = "it does nothing but run its guest";
            (
                Finding::new(Rule::Death, place, expected, self.to_string()),
                GuestEnd::Killed,
            )
        } else {
            (
                Finding::missing(place, "it answers", self.to_string()),
                GuestEnd::Lost,
            )
        };
        let line = Line {
            step: None,
            what: "run".into(),
            result: Printable::default(),
            output: Printable::default(),
            claims: Vec::new(),
            clauses: Vec::new(),
            expectations: Vec::new(),
            findings: vec![finding],
            memory: None,
            trace: None,
        };
        let mut report = Report {
            lines: vec![line],
            end: Some(end),
            ..Report::refused(scenario, &[])
        };
        report.judge();
        report
    }
}

impl fmt::Display for Death {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let complaints = match self {
            Death::Signal { signal, complaints } => {
                match Signal::try_from(*signal) {
                    Ok(signal) => write!(formatter, "it was killed by {signal}")?,
                    Err(_) => write!(formatter, "it was killed by signal {signal}")?,
                }
                complaints
            }
            Death::Exit { code, complaints } => {
                write!(formatter, "it ended with exit status {code} and no answer")?;
                complaints
            }
            Death::Overdue { after } => {
                let seconds = after.as_secs();
                return write!(
                    formatter,
                    "it gave no answer within {seconds} s of real time, and was ended"
                );
            }
            Death::Lost { machines, silence } => {
                let minutes = silence.as_secs() / 60;
                return write!(
                    formatter,
                    "each of {machines} emulated machines computed for {minutes} min without a word of it, and was ended; \
                     --slow gives it longer"
                );
            }
        };
        match complaints.trim() {
            "" => Ok(()),
            complaints => write!(formatter, "; it said: {complaints}"),
        }
    }
}
