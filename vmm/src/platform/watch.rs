//! A process that is waited for as long as it makes progress.

use std::io::{self, Read, Write};
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
}

/// What a process prints, on its way to where it belongs.
pub(super) struct Stream {
    bytes_seen: Arc<AtomicU64>,
    copying: JoinHandle<()>,
}

impl Stream {
    /// Copies what comes `from` the process as it comes. What cannot be written is lost, as it would be without a copy.
    pub(super) fn copy(mut from: impl Read + Send + 'static, to: impl Write + Send + 'static) -> Stream {
        let bytes_seen = Arc::new(AtomicU64::new(0));
        let mut counted = Counted {
            to,
            bytes: Arc::clone(&bytes_seen),
        };
        let copying = thread::spawn(move || drop(io::copy(&mut from, &mut counted)));
        Stream { bytes_seen, copying }
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

/// A process, and what it prints.
pub(super) struct Watched {
    pub(super) process: Child,
    pub(super) streams: Vec<Stream>,
}

impl Watched {
    /// Waits for its end, or until it is `interrupted`. Its time is that of the processor, so a busy host is no reason to kill it.
    ///
    /// # Errors
    /// It cannot be waited for, or killed.
    pub(super) fn wait(mut self, silence: Duration, interrupted: &AtomicBool) -> io::Result<End> {
        let mut heard = (0, Duration::ZERO);
        let end = loop {
            // A terminal interrupts both.
            if interrupted.load(Ordering::Relaxed) {
                break End::Interrupted;
            }
            if let Some(status) = self.process.try_wait()? {
                break End::Itself(status);
            }
            let seen = self
                .streams
                .iter()
                .map(|stream| stream.bytes_seen.load(Ordering::Relaxed))
                .sum();
            // A process that has just ended has no time any more.
            let used = processor_time(&self.process).unwrap_or(heard.1);
            if seen != heard.0 {
                heard = (seen, used);
            } else if used.saturating_sub(heard.1) > silence {
                break End::Silent;
            }
            thread::sleep(LOOK_INTERVAL);
        };
        // This changes nothing for one that has ended.
        self.process.kill()?;
        self.process.wait()?;
        for stream in self.streams {
            let _ = stream.copying.join();
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
    use std::sync::mpsc;

    use super::*;

    /// Writes into a channel.
    struct Sent(mpsc::Sender<u8>);

    impl Write for Sent {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            bytes.iter().for_each(|&byte| self.0.send(byte).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// How a shell with this program ends that may compute so long without an output, and what it prints.
    fn run(program: &str, silence: Duration) -> (End, String) {
        run_until(program, silence, &AtomicBool::new(false))
    }

    fn run_until(program: &str, silence: Duration, interrupted: &AtomicBool) -> (End, String) {
        let mut child = Command::new("sh")
            .args(["-c", program])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, receiver) = mpsc::channel();
        let stream = Stream::copy(child.stdout.take().unwrap(), Sent(sender));
        let watched = Watched {
            process: child,
            streams: vec![stream],
        };
        let end = watched.wait(silence, interrupted).unwrap();
        (end, String::from_utf8(receiver.into_iter().collect()).unwrap())
    }

    #[test]
    fn a_process_that_computes_and_says_nothing_is_killed() {
        let (end, printed) = run("echo begun; while :; do :; done", Duration::from_millis(300));
        assert_eq!((end, printed.as_str()), (End::Silent, "begun\n"));
    }

    #[test]
    fn a_process_is_killed_when_somebody_wants_it() {
        let interrupted = AtomicBool::new(true);
        let (end, _) = run_until("while :; do sleep 1; done", Duration::MAX, &interrupted);
        assert_eq!(end, End::Interrupted);
    }

    #[test]
    fn a_process_that_waits_is_waited_for_and_all_that_it_prints_is_seen() {
        let (end, printed) = run("echo one; sleep 1; echo two; exit 3", Duration::from_millis(300));
        assert!(matches!(end, End::Itself(status) if status.code() == Some(3)));
        assert_eq!(printed, "one\ntwo\n");
    }
}
