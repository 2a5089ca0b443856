//! What is said between gdb and the machine, and what the machine does about it.

use std::convert::Infallible;
use std::io;

use gdbstub::common::Signal;
use gdbstub::stub::state_machine::GdbStubStateMachine;
use gdbstub::stub::{DisconnectReason, GdbStub, GdbStubError, SingleThreadStopReason};
use vm_memory::GuestMemoryMmap;

use super::connection::Connection;
use super::monitor::Monitor;
use super::say;
use super::target::{Halted, Kind, Machine, Wish};
use crate::inspect::PhysicalMemory;
use crate::view::NamedMemory;
use crate::vm::{Halt, Registers, Resume, is_user};

type Stub = GdbStubStateMachine<'static, Machine, Connection>;
type StopReason = SingleThreadStopReason<u64>;

/// The conversation with one debugger.
pub(super) struct Conversation {
    /// None when the debugger is not there any more.
    stub: Option<Stub>,
    machine: Machine,
    /// Whether the last step began in user mode.
    steps_from_user: bool,
    has_died: bool,
}

/// Nothing more can be said.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    /// The connection is gone.
    #[error("{0}")]
    Connection(#[from] io::Error),
    /// What comes is not what a debugger says.
    #[error("{0}")]
    Protocol(#[from] GdbStubError<Infallible, io::Error>),
}

impl Conversation {
    /// Begins it, for a scenario with so many steps.
    pub(super) fn begin(connection: Connection, steps: usize) -> Result<Conversation, Lost> {
        let mut machine = Machine::new(Monitor::of(steps));
        let stub = GdbStub::new(connection).run_state_machine(&mut machine)?;
        Ok(Conversation {
            stub: Some(stub),
            machine,
            steps_from_user: false,
            has_died: false,
        })
    }

    /// A step of the scenario is about to be performed. Whether the machine is to stand still there.
    pub(super) fn before_step(&mut self, number: usize, what: &str, view: NamedMemory) -> bool {
        self.machine.monitor.before_step(number, what, view)
    }

    /// The machine stands still. Gives how it goes on.
    pub(super) fn halted(
        &mut self,
        halt: &Halt<'_>,
        registers: &mut Registers,
        memory: &GuestMemoryMmap,
    ) -> Resume {
        self.machine.halted = Some(Halted {
            registers: registers.clone(),
            memory: memory.clone(),
        });
        let resume = self.converse(halt).unwrap_or_else(|lost| tell_of_loss(&lost));
        self.machine.monitor.goes_on();
        if let Some(halted) = self.machine.halted.take() {
            *registers = halted.registers;
        }
        self.steps_from_user = resume == Resume::Steps && is_user(&registers.system);
        resume
    }

    /// The machine runs. Whether it is to stand still, because the debugger wants it or is gone.
    pub(super) fn wants_a_halt(&mut self) -> bool {
        loop {
            let mut running = match self.stub.take() {
                Some(GdbStubStateMachine::Running(running)) => running,
                other => {
                    self.stub = other;
                    return true;
                }
            };
            let heard = running.borrow_conn().read_ready().map_err(Lost::from);
            let next = heard.and_then(|byte| match byte {
                Some(byte) => Ok((true, running.incoming_data(&mut self.machine, byte)?)),
                None => Ok((false, running.into())),
            });
            match next {
                Ok((true, stub)) => self.stub = Some(stub),
                Ok((false, stub)) => {
                    self.stub = Some(stub);
                    return false;
                }
                Err(lost) => {
                    tell_of_loss(&lost);
                }
            }
        }
    }

    /// The run is over.
    pub(super) fn ended(&mut self) {
        let reason = if self.has_died {
            StopReason::Terminated(Signal::SIGABRT)
        } else {
            StopReason::Exited(0)
        };
        if let Some(GdbStubStateMachine::Running(running)) = self.stub.take() {
            // A debugger that is gone wants to know no more.
            let _ = running.report_stop(&mut self.machine, reason);
        }
    }

    fn converse(&mut self, halt: &Halt<'_>) -> Result<Resume, Lost> {
        let Some(stub) = self.stub.take() else {
            return Ok(Resume::Alone);
        };
        let mut stub = self.report(stub, halt)?;
        loop {
            stub = match stub {
                GdbStubStateMachine::Idle(mut idle) => {
                    let byte = idle.borrow_conn().read()?;
                    idle.incoming_data(&mut self.machine, byte)?
                }
                GdbStubStateMachine::CtrlCInterrupt(asked) => {
                    asked.interrupt_handled(&mut self.machine, None::<StopReason>)?
                }
                GdbStubStateMachine::Running(running) => {
                    self.stub = Some(running.into());
                    return Ok(match self.machine.wish {
                        Wish::Run => Resume::Runs(self.machine.places()),
                        Wish::Step => Resume::Steps,
                    });
                }
                GdbStubStateMachine::Disconnected(mut gone) => {
                    return Ok(match gone.get_reason() {
                        DisconnectReason::Kill => {
                            // `gdbstub` leaves this out. Who does not wait for it is gone.
                            let _ = gone.borrow_conn().confirm();
                            Resume::Ends
                        }
                        _ => {
                            say("it has detached, and the run goes on without it");
                            Resume::Alone
                        }
                    });
                }
            }
        }
    }

    /// Says why the machine stands still, if gdb waits for that.
    fn report(&mut self, stub: Stub, halt: &Halt<'_>) -> Result<Stub, Lost> {
        let monitor = &mut self.machine.monitor;
        let (reason, text) = match halt {
            Halt::Begun | Halt::Wanted => (StopReason::Signal(Signal::SIGINT), None),
            Halt::Breakpoint => match self.machine.breakpoint() {
                Some(Kind::Software) => (StopReason::SwBreak(()), None),
                Some(Kind::Hardware) => (StopReason::HwBreak(()), None),
                None => (StopReason::Signal(Signal::SIGTRAP), None),
            },
            Halt::Stepped => {
                let text = "user mode is not stepped: the program has run to where the kernel begins\n";
                let text = self.steps_from_user.then(|| text.to_owned());
                (StopReason::DoneStep, text)
            }
            Halt::Between => {
                let memory = self.machine.halted.as_ref().map(|halted| &halted.memory);
                let text = memory.map(|memory| monitor.stopped_before_step(PhysicalMemory::new(memory)));
                (StopReason::Signal(Signal::SIGTRAP), text)
            }
            Halt::Died(cause) => {
                self.has_died = true;
                let text = format!("the guest has died: {cause}\n");
                (StopReason::Signal(Signal::SIGABRT), Some(text))
            }
        };
        Ok(match stub {
            GdbStubStateMachine::Running(mut running) => {
                if let Some(text) = text {
                    running.borrow_conn().tell(&text)?;
                }
                running.report_stop(&mut self.machine, reason)?
            }
            GdbStubStateMachine::CtrlCInterrupt(asked) => {
                asked.interrupt_handled(&mut self.machine, Some(reason))?
            }
            other => other,
        })
    }
}

fn tell_of_loss(lost: &Lost) -> Resume {
    say(&format!(
        "its connection is lost ({lost}), and the run goes on without it"
    ));
    Resume::Alone
}
