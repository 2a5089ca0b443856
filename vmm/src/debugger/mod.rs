//! Lets gdb look at a run: the remote serial protocol, by the crate `gdbstub`, over TCP or a Unix socket.
//!
//! [`Session::wait`] waits for a debugger at a [`Place`]. The session then goes on in two places: the vCPU has it look where the processor
//! stands still ([`crate::vm`] knows it as a debugger and nothing of gdb), and the run tells it of each step of the scenario. What gdb sees is
//! the machine and the kernel on it: one thread, whatever processes there are.
//!
//! - `connection`: bytes of the one debugger that connects
//! - `conversation`: from what gdb says to how the processor goes on
//! - `target`, `registers`: what gdb reads and sets
//! - `command`, `monitor`: what `monitor` knows of the scenario: steps, and the frames behind names
//!
//! It refuses what the judge could see: there is no breakpoint in memory, and none of it is in the way of a run without a debugger.

mod command;
mod connection;
mod conversation;
mod monitor;
mod place;
mod registers;
mod target;

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use vm_memory::GuestMemoryMmap;

use crate::view::NamedMemory;
use crate::vm::{Debugger, Halt, Registers, Resume};
pub use connection::ConnectError;
use conversation::Conversation;
pub use place::{NoPlace, Place};

/// A run that is debugged.
#[derive(Clone)]
pub struct Session(Rc<RefCell<Conversation>>);

/// There is no debugger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DebuggerError {
    /// None can connect.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// One has connected, and nothing can be said to it.
    #[error("cannot talk to the debugger: {0}")]
    Lost(String),
}

impl Session {
    /// Waits for a debugger, and says on standard error how to start one. `kernel` is the file with the symbols of what is debugged, and the
    /// scenario has so many steps.
    ///
    /// # Errors
    /// None can connect.
    pub fn wait(place: &Place, kernel: &Path, steps: usize) -> Result<Session, DebuggerError> {
        let connection = connection::accept(place, |place| {
            let command = ["gdb".to_owned(), "-ex".to_owned()];
            let target = format!("target remote {place}");
            let words = command.into_iter().chain([target, kernel.display().to_string()]);
            let words: Vec<String> = words.collect();
            let command = shlex::try_join(words.iter().map(String::as_str));
            say(&format!(
                "waiting for one at {place}, before the first instruction of the guest; it is started by"
            ));
            say(&command.unwrap_or_else(|_| words.join(" ")));
        })?;
        say("connected");
        let conversation =
            Conversation::begin(connection, steps).map_err(|lost| DebuggerError::Lost(lost.to_string()))?;
        Ok(Session(Rc::new(RefCell::new(conversation))))
    }

    /// A step of the scenario is about to be performed. Whether the machine is to stand still there.
    pub(crate) fn before_step(&self, number: usize, what: &str, view: NamedMemory) -> bool {
        self.0.borrow_mut().before_step(number, what, view)
    }

    /// The run is over: the debugger is told that what it debugged has exited.
    pub(crate) fn ended(&self) {
        self.0.borrow_mut().ended();
    }
}

impl Debugger for Session {
    fn halted(&mut self, halt: &Halt<'_>, registers: &mut Registers, memory: &GuestMemoryMmap) -> Resume {
        self.0.borrow_mut().halted(halt, registers, memory)
    }

    fn wants_a_halt(&mut self) -> bool {
        self.0.borrow_mut().wants_a_halt()
    }
}

/// Tells whoever started the run something about the debugger.
fn say(text: &str) {
    eprintln!("debugger: {text}");
}
