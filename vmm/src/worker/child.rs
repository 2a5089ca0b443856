//! A worker, as whoever started it sees it.

use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::COMMAND;
use super::job::{Answer, Fault, Job};
use super::pool::Death;
use crate::printable::Printable;

/// Longest answer that is taken, in bytes.
const MAX_ANSWER_BYTES: u64 = 256 << 20;
/// Most bytes of a worker's complaints that are kept.
const MAX_COMPLAINT_BYTES: u64 = 8 << 10;
/// Environment variable: where temporary files are made.
const SCRATCH_VARIABLE: &str = "TMPDIR";
/// How long a worker may stay when its answer has ended, and how often that is looked at.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// The program itself, even when its file has been replaced since it was started.
const SELF: &str = "/proc/self/exe";

/// Where a worker is while it runs, so that it can be ended from another thread.
#[derive(Debug, Default)]
pub(super) struct Slot(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Running(Child),
    Ended,
}

/// Whether a worker was ended because it took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overdue {
    No,
    Yes,
}

impl Slot {
    /// Ends the worker, if one runs, and lets no other begin.
    pub(super) fn end(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Running(child) = &mut *state {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
        *state = State::Ended;
    }

    /// Has a worker do the job; None when the slot was ended.
    pub(super) fn run(&self, job: &Job) -> Option<Result<Answer, Death>> {
        match self.talk(job) {
            Ok(answer) => answer,
            Err(error) => Some(Ok(Answer::no_run(Fault::Host, &error))),
        }
    }

    fn talk(&self, job: &Job) -> io::Result<Option<Result<Answer, Death>>> {
        // A group of its own: who ends the command at a terminal ends the command, and it ends its workers.
        let mut child = Command::new(SELF)
            .arg(COMMAND)
            .process_group(0)
            .env(SCRATCH_VARIABLE, &job.scratch)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(*state, State::Ended) {
                let _ = child.kill();
                let _ = child.wait();
                return Ok(None);
            }
            *state = State::Running(child);
        }
        let complaints = thread::spawn(move || read(stderr, MAX_COMPLAINT_BYTES));
        let (answered, answer_waited_for) = channel::<()>();
        let (answer, is_overdue) = thread::scope(|scope| {
            let watch = scope.spawn(move || self.end_overdue(&answer_waited_for, job.patience));
            // One that has died already reads nothing, and its status says more than that.
            let _ = stdin.map(|stdin| write(stdin, job));
            let answer = read(stdout, MAX_ANSWER_BYTES);
            drop(answered);
            (answer, watch.join().unwrap_or(Overdue::No))
        });
        let complaints = complaints.join().unwrap_or_default();
        let Some(status) = self.wait()? else {
            return Ok(None);
        };
        match is_overdue {
            Overdue::Yes => return Ok(Some(Err(Death::Overdue { after: job.patience }))),
            Overdue::No => {}
        }
        if status.success()
            && let Ok(answer) = serde_json::from_slice(&answer)
        {
            return Ok(Some(Ok(answer)));
        }
        let complaints = Printable::from_bytes(&complaints);
        Ok(Some(Err(death(status, complaints))))
    }

    /// Ends the worker when nobody has its answer in time.
    fn end_overdue(&self, answered: &Receiver<()>, patience: Duration) -> Overdue {
        match answered.recv_timeout(patience) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Overdue::No,
            Err(RecvTimeoutError::Timeout) => {
                let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                if let State::Running(child) = &mut *state {
                    // It may have ended by itself.
                    let _ = child.kill();
                }
                Overdue::Yes
            }
        }
    }

    /// How the worker ended, whose answer has ended: one that stays nevertheless does so for no good.
    fn wait(&self) -> io::Result<Option<ExitStatus>> {
        let patience = Instant::now() + PATIENCE;
        loop {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let State::Running(child) = &mut *state else {
                return Ok(None);
            };
            if Instant::now() > patience {
                child.kill()?;
                child.wait()?;
            }
            if let Some(status) = child.try_wait()? {
                *state = State::Idle;
                return Ok(Some(status));
            }
            drop(state);
            thread::sleep(LOOK_AGAIN);
        }
    }
}

fn write(mut stdin: ChildStdin, job: &Job) -> io::Result<()> {
    serde_json::to_writer(&mut stdin, job)?;
    stdin.flush()
}

/// What comes up to a limit; what comes after it is read and dropped, so that nobody waits.
fn read(from: Option<impl Read>, most_bytes: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Some(mut from) = from else { return bytes };
    let kept = (&mut from).take(most_bytes).read_to_end(&mut bytes);
    let _ = kept.and_then(|_| io::copy(&mut from, &mut io::sink()));
    bytes
}

fn death(status: ExitStatus, complaints: Printable) -> Death {
    match (status.signal(), status.code()) {
        (Some(signal), _) => Death::Signal { signal, complaints },
        (None, code) => Death::Exit {
            code: code.unwrap_or_default(),
            complaints,
        },
    }
}
