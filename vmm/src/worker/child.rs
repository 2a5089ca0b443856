//! Workers, as whoever started them sees them.
//!
//! One at a time works for a [`Slot`]. Those that stay when their job is done wait for another one with the same guest; a few do, so that calls
//! in which guests alternate find them again.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::mem;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::job::{Answer, Fault, Job, Reply};
use super::pool::Death;
use super::serve::Jobs;
use super::{COMMAND, SEVERAL};
use crate::printable::Printable;

/// Longest answer that is taken, in bytes.
const MAX_ANSWER_BYTES: u64 = 256 << 20;
/// Most bytes of a worker's complaints that are kept.
const MAX_COMPLAINT_BYTES: u64 = 8 << 10;
/// Environment variable: where temporary files are made.
const SCRATCH_VARIABLE: &str = "TMPDIR";
/// How long a worker may stay when its answer has ended.
const PATIENCE: Timespec = Timespec {
    tv_sec: 60,
    tv_nsec: 0,
};
/// The program itself, even when its file has been replaced since it was started.
const SELF: &str = "/proc/self/exe";
/// Most workers of a slot that wait for another job.
const MAX_WAITING: usize = 3;

/// Where a worker is while it works, so that it can be ended from another thread.
#[derive(Debug, Default)]
pub(super) struct Slot(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Running(Child),
    Ended,
}

/// Workers that wait for another job, the one that has waited longest first.
#[derive(Debug, Default)]
pub(super) struct Waiting(Vec<Worker>);

/// A worker that does nothing now.
#[derive(Debug)]
struct Worker {
    child: Child,
    streams: Streams,
    /// Its first job: it may do others for that guest.
    first: Job,
}

/// What a worker is talked to by.
#[derive(Debug)]
struct Streams {
    jobs: ChildStdin,
    replies: BufReader<ChildStdout>,
    complaints: JoinHandle<Vec<u8>>,
}

/// What came of talking to a worker.
enum Talked {
    /// It has done the job, and waits for another one.
    Next(Answer, Worker),
    /// It has ended.
    Last(Result<Answer, Death>),
    /// The job needs another worker.
    Unfit(Worker),
    /// The slot was ended.
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
        let mut state = self.lock();
        if let State::Running(child) = &mut *state {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
        *state = State::Ended;
    }

    /// Has a worker do the job, one that waits if there is one for it; None when the slot was ended.
    pub(super) fn run(&self, job: &Job, jobs: Jobs, waiting: &mut Waiting) -> Option<Result<Answer, Death>> {
        let mut unfit = Vec::new();
        let done = loop {
            let worker = waiting.take_for(job).map_or_else(|| Worker::start(job, jobs), Ok);
            match worker.and_then(|worker| self.talk(job, worker)) {
                Ok(Talked::Next(answer, worker)) => {
                    waiting.0.push(worker);
                    break Some(Ok(answer));
                }
                Ok(Talked::Last(done)) => break Some(done),
                Ok(Talked::Unfit(worker)) => unfit.push(worker),
                Ok(Talked::Ended) => break None,
                Err(error) => break Some(Ok(Answer::no_run(Fault::Host, &error))),
            }
        };
        waiting.0.splice(..0, unfit);
        while waiting.0.len() > MAX_WAITING {
            waiting.0.remove(0);
        }
        done
    }

    fn talk(&self, job: &Job, worker: Worker) -> io::Result<Talked> {
        let Worker {
            mut child,
            mut streams,
            first,
        } = worker;
        match &mut *self.lock() {
            State::Ended => {
                let _ = child.kill();
                let _ = child.wait();
                return Ok(Talked::Ended);
            }
            state => *state = State::Running(child),
        }
        let (answered, answer_waited_for) = channel::<()>();
        let (line, is_overdue) = thread::scope(|scope| {
            let watch = scope.spawn(move || self.end_overdue(&answer_waited_for, job.patience));
            // One that has died already reads nothing, and its status says more than that.
            let _ = write(&mut streams.jobs, job);
            let line = read_line(&mut streams.replies);
            if line.len() as u64 == MAX_ANSWER_BYTES {
                // Nobody reads the rest.
                self.kill();
            }
            drop(answered);
            (line, watch.join().unwrap_or(Overdue::No))
        });
        let reply = line
            .strip_suffix(b"\n")
            .and_then(|line| serde_json::from_slice(line).ok());
        let stays = is_overdue == Overdue::No && matches!(reply, Some(Reply::Next(_) | Reply::Unfit));
        let child = if stays { self.take_back() } else { None };
        Ok(match (reply, child) {
            (Some(Reply::Next(answer)), Some(child)) => Talked::Next(
                answer,
                Worker {
                    child,
                    streams,
                    first,
                },
            ),
            (Some(Reply::Unfit), Some(child)) => Talked::Unfit(Worker {
                child,
                streams,
                first,
            }),
            (reply, _) => {
                let Some((status, complaints)) = self.wait(streams)? else {
                    return Ok(Talked::Ended);
                };
                Talked::Last(match (is_overdue, reply) {
                    (Overdue::Yes, _) => Err(Death::Overdue { after: job.patience }),
                    (Overdue::No, Some(Reply::Last(answer))) if status.success() => Ok(answer),
                    (Overdue::No, _) => Err(death(status, complaints)),
                })
            }
        })
    }

    /// The worker that has done its job. None when the slot was ended meanwhile.
    fn take_back(&self) -> Option<Child> {
        let mut state = self.lock();
        match mem::take(&mut *state) {
            State::Running(child) => Some(child),
            other => {
                *state = other;
                None
            }
        }
    }

    /// Ends the worker when nobody has its answer in time.
    fn end_overdue(&self, answered: &Receiver<()>, patience: Duration) -> Overdue {
        match answered.recv_timeout(patience) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Overdue::No,
            Err(RecvTimeoutError::Timeout) => {
                self.kill();
                Overdue::Yes
            }
        }
    }

    fn kill(&self) {
        if let State::Running(child) = &mut *self.lock() {
            // It may have ended by itself.
            let _ = child.kill();
        }
    }

    /// How the worker ended that gives no further answer, and what it complained of: one that stays nevertheless does so for no good. None
    /// when the slot was ended.
    fn wait(&self, streams: Streams) -> io::Result<Option<(ExitStatus, Printable)>> {
        let Streams {
            jobs,
            replies,
            complaints,
        } = streams;
        drop((jobs, replies));
        let end = match &*self.lock() {
            State::Running(child) => end_of(child)?,
            State::Idle | State::Ended => return Ok(None),
        };
        // Not under the lock, so that another thread can end the worker meanwhile.
        let mut ends = [PollFd::new(&end, PollFlags::IN)];
        let is_over = retry_on_intr(|| poll(&mut ends, Some(&PATIENCE)))? > 0;
        let mut state = self.lock();
        let State::Running(child) = &mut *state else {
            return Ok(None);
        };
        if !is_over {
            child.kill()?;
        }
        let status = child.wait()?;
        *state = State::Idle;
        drop(state);
        let complaints = complaints.join().unwrap_or_default();
        Ok(Some((status, Printable::from_bytes(&complaints))))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// One that may do the job, the one that was used last if there are several.
    fn take_for(&mut self, job: &Job) -> Option<Worker> {
        let found = self
            .0
            .iter()
            .rposition(|worker| job.has_guest_of(&worker.first))?;
        Some(self.0.remove(found))
    }
}

impl Worker {
    fn start(first: &Job, jobs: Jobs) -> io::Result<Worker> {
        let mut command = Command::new(SELF);
        command.arg(COMMAND);
        match jobs {
            Jobs::One => {}
            Jobs::Several => {
                command.arg(SEVERAL);
            }
        }
        // A group of its own: who ends the command at a terminal ends the command, and it ends its workers.
        let mut child = command
            .process_group(0)
            .env(SCRATCH_VARIABLE, &first.scratch)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let gone = || io::Error::other("a worker has no streams");
        let jobs = child.stdin.take().ok_or_else(gone)?;
        let replies = BufReader::new(child.stdout.take().ok_or_else(gone)?);
        let stderr = child.stderr.take().ok_or_else(gone)?;
        Ok(Worker {
            child,
            streams: Streams {
                jobs,
                replies,
                complaints: match first.debugger {
                    Some(_) => thread::spawn(move || pass_on(stderr)),
                    None => thread::spawn(move || read_complaints(stderr)),
                },
            },
            first: first.clone(),
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        for worker in &mut self.0 {
            // It does nothing, and may have ended by itself.
            let _ = worker.child.kill();
            let _ = worker.child.wait();
        }
    }
}

/// Readable when the process has ended.
fn end_of(child: &Child) -> io::Result<OwnedFd> {
    Ok(pidfd_open(Pid::from_child(child), PidfdFlags::empty())?)
}

fn write(jobs: &mut ChildStdin, job: &Job) -> io::Result<()> {
    let mut line = serde_json::to_vec(job)?;
    line.push(b'\n');
    jobs.write_all(&line)
}

/// A line up to a limit. One that does not end is no answer.
fn read_line(replies: &mut BufReader<ChildStdout>) -> Vec<u8> {
    let mut line = Vec::new();
    // What there is without an end says enough.
    let _ = replies.take(MAX_ANSWER_BYTES).read_until(b'\n', &mut line);
    line
}

/// What comes up to a limit; what comes after it is read and dropped, so that nobody waits.
fn read_complaints(mut stderr: ChildStderr) -> Vec<u8> {
    let mut bytes = Vec::new();
    let kept = (&mut stderr).take(MAX_COMPLAINT_BYTES).read_to_end(&mut bytes);
    let _ = kept.and_then(|_| io::copy(&mut stderr, &mut io::sink()));
    bytes
}

/// Shows each line when it comes: it says what somebody is to do. Nothing is kept, and a line that does not end is shown in pieces.
fn pass_on(stderr: ChildStderr) -> Vec<u8> {
    let mut stderr = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        match (&mut stderr)
            .take(MAX_COMPLAINT_BYTES)
            .read_until(b'\n', &mut line)
        {
            Ok(1..) => eprintln!("{}", Printable::from_bytes(line.trim_ascii_end())),
            Ok(0) | Err(_) => return Vec::new(),
        }
    }
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
