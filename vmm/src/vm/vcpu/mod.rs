//! The vCPU as a state machine.
//!
//! ```text
//!            run                 an agent reads NEXT
//!   Ready ---------> (KVM_RUN) ---------------------> Ringing
//!                     ^     |                            |
//!                     |     |  run: NEXT is answered     |
//!                     +-----|----------------------------+
//!                     |     | the kernel tells of a moment to look at, or of a choice
//!                     +-----+----> Reporting or Choosing, and Ready when it is run
//!                           |
//!                           | power off, death, budget
//!                           v
//!                         Ended   (run gives the same end again)
//! ```
//!
//! All other exits are answered at once and the guest runs on.
//!
//! A tick of the virtual clock is raised in the state Ringing. The instruction that reads NEXT is finished first, with all that
//! it reads besides, and the interrupt goes to the processor before the next instruction; to a processor that masks interrupts,
//! as soon as it does not.
//!
//! A debugger, where there is one, is asked in between how the processor goes on ([`debugging`]). It stands still in whatever state it is in then.

mod branch;
mod debugging;
mod exit;
mod following;
mod stepping;
mod stores;
mod tick;
mod watched;

use std::marker::PhantomData;
use std::time::{Duration, Instant};

use kvm_bindings::KVM_MP_STATE_HALTED;
use kvm_ioctls::VcpuFd;
use vm_memory::GuestMemoryMmap;

use super::budget::{AWAITED_INTERVAL, Outside, Usage};
use super::caller::Callers;
use super::death::{self, Cause, Death};
use super::debugger::Halt;
use super::printer::Printers;
use super::processor::model_specific_register;
use super::symbols::Symbols;
use super::watchdog::Watchdog;
use super::{Budget, VmError, refused};
use crate::address::{PhysAddr, VirtAddr};
use crate::channel::event::Choice;
use crate::channel::{Channel, Devices, Event};
use crate::inspect::walk::Root;
use crate::scenario::Clock;
use crate::view::SystemRegisters;
use crate::vsock::SocketDevice;
pub(super) use branch::Saved;
use debugging::Debugging;
use following::Following;
use stepping::Stepping;
use tick::Tick;
use watched::Watched;

/// RFLAGS.IF: the processor takes interrupts.
const INTERRUPT_FLAG: u64 = 1 << 9;
/// IA32_KERNEL_GS_BASE.
const KERNEL_GS_BASE: u32 = 0xc000_0102;

/// Why the guest stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The agent on this channel asks for its next operation.
    Ring(Channel),
    /// The kernel tells of a moment to look at ([`Event::is_a_moment`]). It runs on when it is run again.
    Reported(Event),
    /// The kernel will ask next who goes on; only where the machine was told to stop there.
    Choosing(Choice),
    /// The guest has ended in order.
    PoweredOff,
    /// The guest has ended otherwise.
    Died(Box<Death>),
}

/// What it took the guest to get from its first instruction to the first one of its first program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boot {
    /// Time, the VMM's share of it included.
    pub time: Duration,
    /// Exits to the VMM.
    pub exits: u64,
}

/// What one exit means.
enum Next {
    GoOn,
    /// The processor is about to carry out an instruction of the kernel, after a step or at a breakpoint.
    Stepped,
    Ring(Channel),
    Reported(Event),
    Choosing(Choice),
    PoweredOff,
    Die(Cause),
}

enum State {
    Ready,
    Ringing(Channel),
    /// The moment of a report is to be looked at before the guest goes on.
    Reporting(Event),
    /// Who goes on is to be decided before the guest asks.
    Choosing(Choice),
    Ended(StopReason),
}

pub(super) struct Vcpu {
    fd: VcpuFd,
    state: State,
    tick: Tick,
    clock: Clock,
    stops_at_choices: bool,
    /// What an access meant that was made while an instruction was finished, for the next run.
    unmet: Option<Next>,
    max_exits: u64,
    exits: u64,
    usage: Usage,
    started: Option<Instant>,
    boot: Option<Boot>,
    callers: Callers,
    printers: Printers,
    watchdog: Watchdog,
    watched: Watched,
    /// What steps the processor, if anything does.
    stepping: Option<Stepping>,
    /// What follows the kernel, if anything does.
    following: Option<Following>,
    /// Who looks at the processor, if anybody does.
    debugging: Option<Debugging>,
    /// The watchdog signals the thread that made the machine, so the machine stays there.
    not_send: PhantomData<*const ()>,
}

impl Vcpu {
    pub(super) fn new(
        fd: VcpuFd,
        budget: Budget,
        clock: Clock,
        (callers, printers): (Callers, Printers),
    ) -> Result<Vcpu, VmError> {
        let watchdog = Watchdog::start(Duration::ZERO).map_err(VmError::Watchdog)?;
        Ok(Vcpu {
            fd,
            state: State::Ready,
            tick: Tick::Taken,
            clock,
            stops_at_choices: false,
            unmet: None,
            max_exits: budget.exits,
            exits: 0,
            usage: Usage::new(budget, clock),
            started: None,
            boot: None,
            callers,
            printers,
            watchdog,
            watched: Watched::default(),
            stepping: None,
            following: None,
            debugging: None,
            not_send: PhantomData,
        })
    }

    pub(super) fn callers(&self) -> &Callers {
        &self.callers
    }

    pub(super) fn printers(&self) -> &Printers {
        &self.printers
    }

    pub(super) fn printers_mut(&mut self) -> &mut Printers {
        &mut self.printers
    }

    pub(super) fn exits(&self) -> u64 {
        self.exits
    }

    /// None until the kernel says that user mode comes next.
    pub(super) fn boot(&self) -> Option<Boot> {
        self.boot
    }

    /// Why it stands still; None before it has run.
    pub(super) fn stop_reason(&self) -> Option<StopReason> {
        match &self.state {
            State::Ready => None,
            State::Ringing(channel) => Some(StopReason::Ring(*channel)),
            State::Reporting(event) => Some(StopReason::Reported(event.clone())),
            State::Choosing(choice) => Some(StopReason::Choosing(choice.clone())),
            State::Ended(reason) => Some(reason.clone()),
        }
    }

    /// Runs until the guest rings or ends, on the guest's account.
    pub(super) fn run(
        &mut self,
        devices: &mut Devices,
        memory: &GuestMemoryMmap,
        symbols: &Symbols,
    ) -> Result<StopReason, VmError> {
        self.cover(memory)?;
        self.usage.enter(outside(devices));
        self.watchdog.enter();
        if let Some(interval) = self.watch_interval() {
            self.watchdog.look_within(interval);
        }
        let reason = self.run_to_stop(devices, memory, symbols);
        self.uncover(memory);
        self.watchdog.leave();
        self.usage.leave(outside(devices));
        reason
    }

    fn run_to_stop(
        &mut self,
        devices: &mut Devices,
        memory: &GuestMemoryMmap,
        symbols: &Symbols,
    ) -> Result<StopReason, VmError> {
        match &self.state {
            State::Ready => {
                self.started = Some(Instant::now());
                if self.is_debugged() {
                    self.halt_running(&Halt::Begun, devices, memory)?;
                }
            }
            State::Ringing(channel) => {
                let code = devices.doorbell.next_code(*channel);
                self.answer_memory_read(code);
            }
            State::Reporting(_) | State::Choosing(_) => {}
            State::Ended(reason) => return Ok(reason.clone()),
        }
        let reason = loop {
            let next = match self.unmet.take() {
                Some(next) => next,
                None => self.step(devices, memory)?,
            };
            match next {
                Next::GoOn => {}
                Next::Stepped if self.is_debugged() => self.halt_at_instruction(devices, memory)?,
                Next::Stepped => self.note_step(memory, symbols)?,
                Next::Ring(channel) => {
                    self.state = State::Ringing(channel);
                    return Ok(StopReason::Ring(channel));
                }
                Next::Reported(event) => {
                    self.state = State::Reporting(event.clone());
                    return Ok(StopReason::Reported(event));
                }
                Next::Choosing(choice) => {
                    self.state = State::Choosing(choice.clone());
                    return Ok(StopReason::Choosing(choice));
                }
                Next::PoweredOff => break StopReason::PoweredOff,
                Next::Die(cause) => {
                    if self.is_debugged() {
                        self.halt_running(&Halt::Died(&cause), devices, memory)?;
                    }
                    let place = death::place(&self.fd, memory, symbols)?;
                    break StopReason::Died(Box::new(Death { cause, place }));
                }
            }
        };
        self.watchdog.stop();
        self.state = State::Ended(reason.clone());
        Ok(reason)
    }

    pub(super) fn system_registers(&self) -> Result<SystemRegisters, VmError> {
        let system = self
            .fd
            .get_sregs()
            .map_err(refused("read the system registers"))?;
        Ok(SystemRegisters::from(&system))
    }

    pub(super) fn root(&self) -> Result<Root, VmError> {
        Ok(Root::from_cr3(self.system_registers()?.cr3))
    }

    /// Where the kernel's GS will lead: in user mode this register has it.
    pub(super) fn kernel_gs_base(&self) -> VirtAddr {
        let register = model_specific_register(&self.fd, KERNEL_GS_BASE);
        VirtAddr(register.map_or(0, |register| register.data))
    }

    pub(super) fn translate(&self, address: VirtAddr) -> Result<Option<PhysAddr>, VmError> {
        let found = self
            .fd
            .translate_gva(address.0)
            .map_err(refused("translate an address"))?;
        Ok((found.valid != 0).then_some(PhysAddr(found.physical_address)))
    }

    /// One entry into the guest and one exit from it.
    fn step(&mut self, devices: &mut Devices, memory: &GuestMemoryMmap) -> Result<Next, VmError> {
        if self.watchdog.wants_a_look() {
            if let Some(next) = self.ask_debugger(devices, memory)? {
                return Ok(next);
            }
            if self.has_halted_for_good()? {
                return Ok(Next::Die(Cause::Halted));
            }
            match self.usage.look(outside(devices)) {
                Ok(until_look) => self.look_again_in(until_look),
                Err(cause) => return Ok(Next::Die(cause)),
            }
            self.look_who_runs()?;
            self.take_from_outside(devices, memory);
        }
        if self.exits >= self.max_exits && !self.is_debugged() {
            return Ok(Next::Die(Cause::OutOfExits {
                limit: self.max_exits,
            }));
        }
        if self.tick == Tick::Pending {
            if let Some(next) = self.finish_instruction(devices, memory)? {
                return Ok(next);
            }
            self.deliver_tick()?;
        }
        let next = self.enter(devices, memory)?;
        self.await_outside(devices);
        Ok(next.unwrap_or(Next::GoOn))
    }

    /// Gives the guest what servers of the host have sent. With a virtual clock they are waited for when the guest asks.
    fn take_from_outside(&self, devices: &mut Devices, memory: &GuestMemoryMmap) {
        if let (Clock::Real, Some(vsock)) = (self.clock, &mut devices.vsock) {
            vsock.take_from_servers(memory);
        }
    }

    /// Has the thread look soon for what servers of the host send.
    fn await_outside(&self, devices: &Devices) {
        if self.clock == Clock::Real && outside(devices) == Outside::Awaited {
            self.watchdog.look_within(AWAITED_INTERVAL);
        }
    }

    /// Whether the processor waits for an interrupt and takes none. With a virtual clock it would have said so by an exit.
    fn has_halted_for_good(&self) -> Result<bool, VmError> {
        if self.clock == Clock::Virtual {
            return Ok(false);
        }
        let state = self
            .fd
            .get_mp_state()
            .map_err(refused("tell whether the processor has halted"))?;
        let registers = self
            .fd
            .get_regs()
            .map_err(refused("read the general registers"))?;
        Ok(state.mp_state == KVM_MP_STATE_HALTED && registers.rflags & INTERRUPT_FLAG == 0)
    }

    /// Booting has ended. A guest may say it again; its first word counts.
    fn note_boot(&mut self) {
        self.boot = self.boot.or_else(|| {
            let time = self.started?.elapsed();
            let exits = self.exits;
            Some(Boot { time, exits })
        });
    }
}

/// Whether a server of the host may still send the guest something.
fn outside(devices: &Devices) -> Outside {
    let awaits = devices.vsock.as_ref().is_some_and(SocketDevice::awaits_servers);
    if awaits { Outside::Awaited } else { Outside::Quiet }
}
