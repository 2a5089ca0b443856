//! Decides which process moves next, and gets one operation done at a time.
//!
//! - `driver`: drives the agents of a guest from ring to ring; `operations`: what they are had to do; `agents`: who is there; `rounds`: how long a silent one has been waited for; `peek`:
//!   whether it has ended, when its parent must be asked
//!
//! [`Drive`] is what a performer of steps needs, whoever has the agents.

mod agents;
mod driver;
mod operations;
mod peek;
mod rounds;

pub use agents::{Agent, Agents, Ends, Life};
pub(crate) use agents::{channel_of, is_agents_stack};
pub(crate) use driver::AtChoice;
pub use driver::Driver;

use crate::address::{FrameNumber, VirtAddr};
use crate::channel::{Channel, Operation, Reply};
use crate::inspect::memory::FrameBytes;

/// What came of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The agent answered.
    Replied(Reply),
    /// The kernel says that the process has ended, with this wait status.
    Ended(u32),
    /// No answer, while others went on.
    Silent,
    /// The whole guest has ended.
    GuestEnded,
}

/// What was seen of a process that should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The kernel says that it has ended, with this wait status.
    Reported(u32),
    /// It does not ask for operations any more.
    Silent,
    /// It asks for operations as before.
    StillAsks,
    /// The whole guest has ended.
    GuestEnded,
}

impl Outcome {
    /// What it says of a process that should end, if it answered since.
    #[must_use]
    pub fn as_end(&self) -> End {
        match *self {
            Self::Ended(status) => End::Reported(status),
            Self::Replied(_) => End::StillAsks,
            Self::Silent => End::Silent,
            Self::GuestEnded => End::GuestEnded,
        }
    }
}

/// What came of ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ticked {
    /// The kernel was interrupted by each.
    Taken,
    /// An agent asks for its next operation, and the kernel was interrupted by so many only: the processor masks interrupts.
    NotTaken {
        /// Ticks before the one that was not taken.
        taken: u64,
    },
    /// The whole guest has ended.
    GuestEnded,
}

/// Something that has agents and lets them perform operations, one at a time. [`Driver`] drives those of a guest.
pub trait Drive {
    /// The host failed: nothing that the agents' kernel did.
    type Error: std::error::Error;

    /// Who is there.
    fn agents(&self) -> &Agents;

    /// Has the agent on `channel` perform an operation.
    ///
    /// # Errors
    /// The host failed.
    fn perform(&mut self, channel: Channel, operation: Operation) -> Result<Outcome, Self::Error>;

    /// As [`Drive::perform`], for a call that takes its time: it is given none.
    ///
    /// # Errors
    /// The host failed.
    fn start(&mut self, channel: Channel, operation: Operation) -> Result<Outcome, Self::Error>;

    /// As [`Drive::perform`], for an operation that puts another program in the process's place. The reply is empty when that
    /// program has introduced itself.
    ///
    /// # Errors
    /// The host failed.
    fn replace(&mut self, channel: Channel, operation: Operation) -> Result<Outcome, Self::Error>;

    /// Arguments with which the agent program goes on on `channel`.
    fn agent_arguments(&self, channel: Channel) -> Vec<String>;

    /// Waits for the end of the process on `channel`, as long as others could keep it from coming round.
    ///
    /// # Errors
    /// The host failed.
    fn await_end(&mut self, channel: Channel) -> Result<End, Self::Error>;

    /// Lets time pass: so many ticks of the guest's clock, up to the first that is not taken.
    ///
    /// # Errors
    /// The host failed.
    fn tick(&mut self, count: u64) -> Result<Ticked, Self::Error>;

    /// Ticks of the virtual clock that the kernel took from the beginning of the last operation on `channel` to its answer. None
    /// when it has not answered, or when time passes by itself.
    fn ticks_taken(&self, channel: Channel) -> Option<u64>;

    /// Waits for the answer to an operation that was silent.
    ///
    /// # Errors
    /// The host failed.
    fn finish(&mut self, channel: Channel) -> Result<Outcome, Self::Error>;

    /// Forks the agent on `parent`. The child is expected on the next free channel and goes by `name`; call
    /// [`Drive::meet`] to wait for it there. None when the driver has no room for another agent: nothing was asked then.
    ///
    /// # Errors
    /// The host failed.
    fn fork(&mut self, parent: Channel, name: &str) -> Result<Option<(Channel, Outcome)>, Self::Error>;

    /// Waits until the agent on `channel` has asked for an operation at least once. The reply is empty.
    ///
    /// # Errors
    /// The host failed.
    fn meet(&mut self, channel: Channel) -> Result<Outcome, Self::Error>;

    /// From now on the process on `channel` counts as gone, unless its end was reported.
    fn lost(&mut self, channel: Channel);

    /// The frame behind a page of the process on `channel` and what it holds, for a driver that can see that.
    fn page(&mut self, channel: Channel, address: VirtAddr) -> Option<(FrameNumber, FrameBytes)>;

    /// Whether the driver sees the memory of its agents' processes.
    fn sees_memory(&self) -> bool;

    /// From now on what is printed is `program`'s, or comes from one of those that it starts.
    fn await_output(&mut self, program: &str, starts: &[String]);

    /// From now on what is printed is nobody's.
    fn await_no_output(&mut self);

    /// What programs have printed since this was last called.
    ///
    /// # Errors
    /// The host failed.
    fn take_output(&mut self) -> Result<Vec<u8>, Self::Error>;
}
