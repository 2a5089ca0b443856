//! Has the vCPU's thread look at its clocks when a limit may be reached, whatever the guest does.
//!
//! A thread waits until then and kicks the vCPU's thread with a signal, so that `KVM_RUN` returns. A signal that arrives just
//! before `KVM_RUN` is entered would be lost, so it is repeated until the vCPU's thread has looked. It may find that the guest has
//! not used up its time yet; then it says when it is to look again. Nobody is kicked while the guest stands still.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

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

struct Shared {
    wants_a_look: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    stopped: bool,
    activity: Activity,
    next_look: Instant,
}

/// What the vCPU thread does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Activity {
    Runs,
    StandsStill,
}

impl Watchdog {
    /// Wants the calling thread to look when so much time has passed.
    pub(super) fn start(until_look: Duration) -> io::Result<Watchdog> {
        register_signal_handler(KICK as i32, do_nothing)?;
        let shared = Arc::new(Shared {
            wants_a_look: AtomicBool::new(false),
            state: Mutex::new(State {
                stopped: false,
                activity: Activity::StandsStill,
                next_look: Instant::now() + until_look,
            }),
            changed: Condvar::new(),
        });
        let (watched, watching) = (pthread_self(), Arc::clone(&shared));
        let thread = Builder::new()
            .name("watchdog".into())
            .spawn(move || watching.watch(watched))?;
        Ok(Watchdog {
            shared,
            thread: Some(thread),
        })
    }

    /// The guest runs from now on, so the thread may have to be kicked.
    pub(super) fn enter(&self) {
        self.shared.state().activity = Activity::Runs;
    }

    /// No kicks come from now on.
    pub(super) fn leave(&self) {
        self.shared.state().activity = Activity::StandsStill;
    }

    /// Whether it is time to look at the clocks.
    pub(super) fn wants_a_look(&self) -> bool {
        self.shared.wants_a_look.load(Ordering::Acquire)
    }

    /// The thread has looked, and will do so again when so much time has passed.
    pub(super) fn look_again_in(&self, until_look: Duration) {
        let mut state = self.shared.state();
        state.next_look = Instant::now() + until_look;
        self.shared.wants_a_look.store(false, Ordering::Release);
    }

    /// The thread will look when so much time has passed, or sooner.
    pub(super) fn look_within(&self, time: Duration) {
        let mut state = self.shared.state();
        let wanted = Instant::now() + time;
        if wanted < state.next_look {
            state.next_look = wanted;
            self.shared.changed.notify_one();
        }
    }

    /// No kicks come after this. Stopping twice is stopping once.
    pub(super) fn stop(&mut self) {
        self.shared.state().stopped = true;
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
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, watched: Pthread) {
        let mut state = self.state();
        while !state.stopped {
            let now = Instant::now();
            let mut patience = state.next_look.saturating_duration_since(now);
            if patience.is_zero() {
                self.wants_a_look.store(true, Ordering::Release);
                if state.activity == Activity::Runs {
                    // The thread exists: it owns the watchdog and joins this thread before it ends. A failure to signal it is
                    // met like a lost signal, by the next one.
                    let _ = pthread_kill(watched, KICK);
                }
                patience = KICK_INTERVAL;
            }
            let waited = self.changed.wait_timeout(state, patience);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

extern "C" fn do_nothing(_: i32, _: *mut libc::siginfo_t, _: *mut libc::c_void) {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::yield_now;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn it_wants_a_look_when_it_is_time_and_not_before() {
        let mut watchdog = Watchdog::start(LONG).unwrap();
        assert!(!watchdog.wants_a_look());
        watchdog.stop();
        let watchdog = Watchdog::start(Duration::from_millis(1)).unwrap();
        for _ in 0..3 {
            while !watchdog.wants_a_look() {
                yield_now();
            }
            watchdog.look_again_in(Duration::from_millis(1));
        }
        while !watchdog.wants_a_look() {
            yield_now();
        }
        watchdog.look_again_in(LONG);
        assert!(!watchdog.wants_a_look());
    }

    #[test]
    fn it_can_be_told_to_be_sooner_and_not_to_be_later() {
        let watchdog = Watchdog::start(LONG).unwrap();
        watchdog.look_within(Duration::from_millis(1));
        watchdog.look_within(LONG);
        while !watchdog.wants_a_look() {
            yield_now();
        }
    }
}
