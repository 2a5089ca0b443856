//! A process that is waited for as long as it makes progress.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use procfs::process::Process;

/// How often it is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

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

/// What a process prints on the side, on its way to where it belongs.
pub(super) struct Side {
    bytes_seen: Arc<AtomicU64>,
    copying: JoinHandle<()>,
}

impl Side {
    /// Copies what comes `from` the process as it comes. What cannot be written is lost, as it would be without a copy.
    pub(super) fn copy(mut from: impl Read + Send + 'static, to: impl Write + Send + 'static) -> Side {
        let bytes_seen = Arc::new(AtomicU64::new(0));
        let mut counted = Counted {
            to,
            bytes: Arc::clone(&bytes_seen),
        };
        let copying = thread::spawn(move || drop(io::copy(&mut from, &mut counted)));
        Side { bytes_seen, copying }
    }
}

/// Counts what comes, and passes it on at once.
struct Counted<W> {
    to: W,
    bytes: Arc<AtomicU64>,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let _ = self.to.write_all(bytes).and_then(|()| self.to.flush());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a process prints, in pieces as they come; the end of the channel is the end of the output.
pub(super) fn pieces(from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || send_pieces(from, &sender));
    receiver
}

fn send_pieces(mut from: impl Read, to: &Sender<Vec<u8>>) {
    let mut piece = vec![0; 4096];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return,
            Ok(length) if to.send(piece[..length].to_vec()).is_ok() => {}
            Ok(_) => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// A process, and what it prints.
pub(super) struct Watched {
    pub(super) process: Child,
    /// Its output, in [`pieces`].
    pub(super) output: Receiver<Vec<u8>>,
    pub(super) side: Option<Side>,
}

impl Watched {
    /// Waits for its end, or until it is `interrupted`; all that it prints is heard meanwhile, until whoever hears it breaks off. Its time is that
    /// of the processor, so a busy host is no reason to kill it.
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
        let mut side_seen = 0;
        let end = loop {
            // A terminal interrupts both.
            if interrupted.load(Ordering::Relaxed) {
                break End::Interrupted;
            }
            // A process that has just ended has no time any more.
            let used = processor_time(&self.process).unwrap_or(heard_at);
            let side = self
                .side
                .as_ref()
                .map_or(0, |side| side.bytes_seen.load(Ordering::Relaxed));
            if side != side_seen {
                (side_seen, heard_at) = (side, used);
            }
            match self.output.recv_timeout(LOOK_INTERVAL) {
                Ok(piece) => {
                    heard_at = used;
                    if hear(&piece).is_break() {
                        break End::Enough;
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
        if let Some(side) = self.side {
            let _ = side.copying.join();
        }
        Ok(end)
    }
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
        let output = pieces(child.stdout.take().unwrap());
        let watched = Watched {
            process: child,
            output,
            side: None,
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
