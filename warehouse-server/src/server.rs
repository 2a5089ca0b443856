//! Listens, gives each connection a thread, and ends them all.

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder, JoinHandle};
use std::time::Duration;

use crate::connection::{Client, Service};
use crate::log::Log;
use crate::monitored::{Monitor, Monitored};
use crate::socket::{Address, BindError, Listener, Stream};
use crate::{Answer, Asked, Fault, Request, Text};

/// Most connections at a time; others wait until one of them is over.
const MAX_CONNECTIONS: usize = 128;
/// How long clients that do not read may hold up the end.
const GRACE: Duration = Duration::from_secs(1);
/// Between two tries to accept when the system has no room for a connection.
const PAUSE: Duration = Duration::from_millis(20);

/// Who is told of a request when it comes.
pub type Watcher = Box<dyn Fn(&Request) + Send + Sync>;

/// How to serve.
#[derive(Default)]
pub struct Options {
    /// What to do wrong.
    pub fault: Option<Fault>,
    /// How long a client may neither send nor receive; None for ever.
    pub idle: Option<Duration>,
    /// Told of each request when it comes.
    pub watcher: Option<Watcher>,
}

/// A server that runs until it is stopped or dropped.
pub struct Server {
    shared: Arc<Shared>,
    address: Address,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    text: Text,
    options: Options,
    log: Log,
    state: Mutex<State>,
    /// A connection has ended, or all are to.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stopping: bool,
    connections: u32,
    /// Of those that are served, to end them.
    open: BTreeMap<u32, Monitor>,
}

impl Server {
    /// Listens, and serves from now on.
    ///
    /// # Errors
    /// Nobody can listen there.
    pub fn start(address: &Address, text: Text, options: Options) -> Result<Self, BindError> {
        let failed = |source| BindError {
            address: address.clone(),
            source,
        };
        let listener = Listener::bind(address)?;
        let bound = listener.address().map_err(failed)?;
        let shared = Arc::new(Shared {
            text,
            options,
            log: Log::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = Builder::new()
            .name("warehouse".into())
            .spawn(move || accept(&accepting, &listener))
            .map_err(failed)?;
        Ok(Self {
            shared,
            address: bound,
            acceptor: Some(acceptor),
        })
    }

    /// Where it listens: of TCP with the port that it really has.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What it serves.
    #[must_use]
    pub fn text(&self) -> &Text {
        &self.shared.text
    }

    /// What was asked for so far: connection after connection, and on each in the order in which it came.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.log.sorted()
    }

    /// Whether all that clients have sent is answered as far as it will be, when so many have connected since the start: until one
    /// of them sends or receives something, nothing comes. No clock has a part in this.
    #[must_use]
    pub fn is_at_rest(&self, connected: u32) -> bool {
        let state = self.shared.state();
        state.connections == connected && state.open.values().all(Monitor::waits_for_its_client)
    }

    /// Serves as long as the process lives.
    pub fn wait(mut self) {
        if let Some(acceptor) = self.acceptor.take() {
            // It ends when it is stopped, which nobody can ask for any more.
            let _ = acceptor.join();
        }
    }

    /// Ends all connections, after what clients have sent already is served, and gives all requests.
    pub fn stop(mut self) -> Vec<Request> {
        self.end();
        self.requests()
    }

    fn end(&mut self) {
        let Some(acceptor) = self.acceptor.take() else {
            return;
        };
        let mut state = self.shared.state();
        state.stopping = true;
        self.shared.changed.notify_all();
        drop(state);
        // Whoever accepts waits for a connection; here is one. When it does not come about, nobody waits any more.
        let _ = Stream::connect(&self.address);
        // It does nothing that can panic but serving, which has threads of its own.
        let _ = acceptor.join();
        let mut state = self.shared.state();
        state.shut_down(Shutdown::Read);
        // What clients have sent is served, however long that takes a busy machine; it does not wait for them to read.
        loop {
            let is_under_way = |state: &mut State| !state.open.is_empty();
            let waited = self.shared.changed.wait_timeout_while(state, GRACE, is_under_way);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.open.values().all(Monitor::waits_for_its_client) {
                break;
            }
        }
        state.shut_down(Shutdown::Both);
        let ended = self
            .shared
            .changed
            .wait_while(state, |state| !state.open.is_empty());
        drop(ended);
    }
}

impl State {
    fn shut_down(&self, which: Shutdown) {
        // One that is gone already cannot be ended.
        self.open
            .values()
            .for_each(|monitor| drop(monitor.stream().shutdown(which)));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(shared: &Arc<Shared>, listener: &Listener) {
    loop {
        let is_full = |state: &mut State| !state.stopping && state.open.len() >= MAX_CONNECTIONS;
        let state = shared.changed.wait_while(shared.state(), is_full);
        drop(state.unwrap_or_else(PoisonError::into_inner));
        let accepted = listener.accept();
        // What clients have begun before the end is served, so whoever waits to be accepted is: until nobody is left.
        let stopping = shared.state().stopping;
        if stopping && (accepted.is_err() || listener.stop_waiting().is_err()) {
            return;
        }
        match accepted {
            // A connection that cannot be served is closed; the client sees that.
            Ok(stream) => drop(begin(shared, stream)),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

fn begin(shared: &Arc<Shared>, stream: Stream) -> std::io::Result<()> {
    let mut state = shared.state();
    state.connections += 1;
    let number = state.connections;
    let (mut stream, monitor) = Monitored::new(stream, shared.options.idle)?;
    state.open.insert(number, monitor);
    drop(state);
    let serving = Arc::clone(shared);
    let spawned = Builder::new().name(format!("warehouse {number}")).spawn(move || {
        let note = |asked: Asked, answer: Answer| {
            let request = Request {
                connection: number,
                asked,
                answer,
            };
            serving.log.add(request);
            if let Some(watcher) = &serving.options.watcher {
                watcher(&request);
            }
        };
        let mut client = Client::new(&mut stream);
        let service = Service {
            text: &serving.text,
            fault: serving.options.fault,
            note: &note,
        };
        // A client that goes away in the middle is no one's fault here.
        let _ = service.serve(&mut client);
        forget(&serving, number);
    });
    if spawned.is_err() {
        forget(shared, number);
    }
    spawned.map(|_| ())
}

/// Closes the connection.
fn forget(shared: &Shared, number: u32) {
    let mut state = shared.state();
    // A connection that is not among the open ones is one that its client knows to be closed.
    if let Some(monitor) = state.open.get(&number) {
        let _ = monitor.stream().shutdown(Shutdown::Both);
    }
    state.open.remove(&number);
    drop(state);
    shared.changed.notify_all();
}
