//! Stops a guest that does not stop by itself.
//!
//! A thread waits for the limit and then kicks the vCPU's thread with a signal, so that `KVM_RUN` returns. A signal that
//! arrives just before `KVM_RUN` is entered would be lost, so it is repeated until the vCPU's thread has seen that its
//! time is over.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use nix::sys::pthread::{Pthread, pthread_kill, pthread_self};
use nix::sys::signal::Signal;
use vmm_sys_util::signal::register_signal_handler;

/// The signal; it has a handler that does nothing, since only its arrival matters.
const KICK: Signal = Signal::SIGUSR1;
/// Time between two kicks.
const KICK_INTERVAL: Duration = Duration::from_millis(5);

/// Watches over the thread that started it.
pub(super) struct Watchdog {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    expired: AtomicBool,
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Watchdog {
    /// From now on the calling thread has `limit` time.
    pub(super) fn start(limit: Duration) -> io::Result<Watchdog> {
        register_signal_handler(KICK as i32, do_nothing)?;
        let shared = Arc::new(Shared::default());
        let (watched, watching) = (pthread_self(), Arc::clone(&shared));
        let thread = Builder::new()
            .name("watchdog".into())
            .spawn(move || watching.watch(watched, limit))?;
        Ok(Watchdog {
            shared,
            thread: Some(thread),
        })
    }

    pub(super) fn has_expired(&self) -> bool {
        self.shared.expired.load(Ordering::Acquire)
    }

    /// No kicks come after this. Stopping twice is stopping once.
    pub(super) fn stop(&mut self) {
        *self.shared.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the watchdog does nothing that can panic");
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn watch(&self, watched: Pthread, limit: Duration) {
        let mut patience = limit;
        loop {
            let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
            let (stopped, _) = self
                .changed
                .wait_timeout_while(stopped, patience, |stopped| !*stopped)
                .unwrap_or_else(PoisonError::into_inner);
            if *stopped {
                return;
            }
            drop(stopped);
            self.expired.store(true, Ordering::Release);
            // The thread exists: it owns the watchdog and joins this thread before it ends. A failure to signal it is
            // met like a lost signal, by the next one.
            let _ = pthread_kill(watched, KICK);
            patience = KICK_INTERVAL;
        }
    }
}

extern "C" fn do_nothing(_: i32, _: *mut libc::siginfo_t, _: *mut libc::c_void) {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;

    #[test]
    fn it_expires_after_the_limit_and_not_before() {
        let mut watchdog = Watchdog::start(Duration::from_secs(3600)).unwrap();
        assert!(!watchdog.has_expired());
        watchdog.stop();
        let watchdog = Watchdog::start(Duration::from_millis(1)).unwrap();
        while !watchdog.has_expired() {
            sleep(Duration::from_millis(1));
        }
    }
}
