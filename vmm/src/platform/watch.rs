//! A process that is waited for as long as it makes progress.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use procfs::process::Process;

/// How often it is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Most bytes of a piece.
const PIECE_BYTES: usize = 4096;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Itself(ExitStatus),
    /// It was killed, since it used as much processor time as it may without an output.
    Silent,
    /// It was killed, since somebody wanted it.
    Interrupted,
    /// It was killed, since whoever hears it has heard enough.
    Enough,
}

/// A piece of what a process prints.
#[derive(Debug)]
pub(super) enum Piece {
    /// Of its output.
    Output(Vec<u8>),
    /// Of what it tells on the side.
    Side(Vec<u8>),
}

/// Sends what comes, in pieces as they come, until there is no more or nobody takes it.
pub(super) fn send(
    mut from: impl Read + Send + 'static,
    to: Sender<Piece>,
    piece: impl Fn(Vec<u8>) -> Piece + Send + 'static,
) {
    thread::spawn(move || {
        let mut bytes = vec![0; PIECE_BYTES];
        loop {
            match from.read(&mut bytes) {
                Ok(0) => return,
                Ok(length) if to.send(piece(bytes[..length].to_vec())).is_ok() => {}
                Ok(_) => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    });
}

/// A process, and what it prints: [sent](send), so the channel ends with it.
pub(super) struct Watched {
    pub(super) process: Child,
    pub(super) printed: Receiver<Piece>,
}

impl Watched {
    /// Waits for its end, or until it is `interrupted`. Its output is heard meanwhile, until whoever hears it breaks off; what it tells on the side
    /// goes to standard error. Its time is that of the processor, so a busy host is no reason to kill it.
    ///
    /// # Errors
    /// It cannot be waited for, or killed.
    pub(super) fn wait(
        mut self,
        silence: Duration,
        interrupted: &AtomicBool,
        mut hear: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> io::Result<End> {
        let mut heard_at = Duration::ZERO;
        let end = loop {
            // A terminal interrupts both.
            if interrupted.load(Ordering::Relaxed) {
                break End::Interrupted;
            }
            // A process that has just ended has no time any more.
            let used = processor_time(&self.process).unwrap_or(heard_at);
            match self.printed.recv_timeout(LOOK_INTERVAL) {
                Ok(piece) => {
                    heard_at = used;
                    match piece {
                        Piece::Output(bytes) if hear(&bytes).is_break() => break End::Enough,
                        Piece::Output(_) => {}
                        Piece::Side(bytes) => tell(&bytes),
                    }
                }
                Err(RecvTimeoutError::Disconnected) => match self.process.try_wait()? {
                    Some(status) => break End::Itself(status),
                    None => thread::sleep(LOOK_INTERVAL),
                },
                Err(RecvTimeoutError::Timeout) => {}
            }
            if used.saturating_sub(heard_at) > silence {
                break End::Silent;
            }
        };
        // This changes nothing for one that has ended.
        self.process.kill()?;
        self.process.wait()?;
        for piece in self.printed {
            if let Piece::Side(bytes) = piece {
                tell(&bytes);
            }
        }
        Ok(end)
    }
}

/// What cannot be written is lost, as it would be if the process wrote it itself.
fn tell(side: &[u8]) {
    let _ = io::stderr().write_all(side);
}

/// What all threads of a process have used.
fn processor_time(child: &Child) -> Option<Duration> {
    let stat = Process::new(i32::try_from(child.id()).ok()?).ok()?.stat().ok()?;
    let ticks = stat.utime + stat.stime;
    Some(Duration::from_secs(ticks) / u32::try_from(procfs::ticks_per_second()).ok()?)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::sync::mpsc::channel;

    use super::*;

    /// How a shell with this program ends that may compute so long without an output, and what it prints.
    fn run(program: &str, silence: Duration) -> (End, String) {
        run_until(program, silence, &AtomicBool::new(false), |_| {
            ControlFlow::Continue(())
        })
    }

    fn run_until(
        program: &str,
        silence: Duration,
        interrupted: &AtomicBool,
        mut hear: impl FnMut(&str) -> ControlFlow<()>,
    ) -> (End, String) {
        let mut child = Command::new("sh")
            .args(["-c", program])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, printed) = channel();
        send(child.stdout.take().unwrap(), sender, Piece::Output);
        let watched = Watched {
            process: child,
            printed,
        };
        let mut printed = String::new();
        let end = watched.wait(silence, interrupted, |piece| {
            printed.push_str(str::from_utf8(piece).unwrap());
            hear(&printed)
        });
        (end.unwrap(), printed)
    }

    #[test]
    fn a_process_that_computes_and_says_nothing_is_killed() {
        let (end, printed) = run("echo begun; while :; do :; done", Duration::from_millis(300));
        assert_eq!((end, printed.as_str()), (End::Silent, "begun\n"));
    }

    #[test]
    fn a_process_is_killed_when_somebody_wants_it() {
        let interrupted = AtomicBool::new(true);
        let (end, _) = run_until("while :; do sleep 1; done", Duration::MAX, &interrupted, |_| {
            ControlFlow::Continue(())
        });
        assert_eq!(end, End::Interrupted);
    }

    #[test]
    fn a_process_is_killed_when_enough_of_it_is_heard() {
        let enough = |heard: &str| match heard {
            "one\n" => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let (end, _) = run_until(
            "echo one; while :; do sleep 1; done",
            Duration::MAX,
            &AtomicBool::new(false),
            enough,
        );
        assert_eq!(end, End::Enough);
    }

    #[test]
    fn a_process_that_waits_is_waited_for_and_all_that_it_prints_is_seen() {
        let (end, printed) = run("echo one; sleep 1; echo two; exit 3", Duration::from_millis(300));
        assert!(matches!(end, End::Itself(status) if status.code() == Some(3)));
        assert_eq!(printed, "one\ntwo\n");
    }
}
