//! What gdb can do with a machine that stands still: registers, memory, breakpoints, steps.
//!
//! Addresses are those that the page table of the stopped processor maps, found by the judge's own page walker. A breakpoint is never an
//! instruction in memory: whether gdb asks for one of software or of hardware, it is one of the processor's debug registers, so the judge
//! finds the kernel as it is.

use std::convert::Infallible;
use std::ops::Range;

use abi::PAGE_SIZE;
use gdbstub::common::Signal;
use gdbstub::target::ext::base::BaseOps;
use gdbstub::target::ext::base::singlethread::{
    SingleThreadBase, SingleThreadResume, SingleThreadResumeOps, SingleThreadSingleStep,
    SingleThreadSingleStepOps,
};
use gdbstub::target::ext::breakpoints::{
    Breakpoints, BreakpointsOps, HwBreakpoint, HwBreakpointOps, SwBreakpoint, SwBreakpointOps,
};
use gdbstub::target::ext::monitor_cmd::{ConsoleOutput, MonitorCmd, MonitorCmdOps};
use gdbstub::target::{Target, TargetError, TargetResult};
use gdbstub_arch::x86::X86_64_SSE;
use gdbstub_arch::x86::reg::X86_64CoreRegs;
use nix::errno::Errno;
use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend, GuestMemoryMmap};

use super::monitor::Monitor;
use super::{registers, say};
use crate::address::{Half, PhysAddr, VirtAddr};
use crate::inspect::PhysicalMemory;
use crate::inspect::walk::{Root, translate};
use crate::vm::{self, BREAKPOINTS, Registers, is_paging};

/// A machine, as gdb sees it.
pub(super) struct Machine {
    /// None while it runs.
    pub(super) halted: Option<Halted>,
    breakpoints: Vec<(Kind, VirtAddr)>,
    pub(super) wish: Wish,
    pub(super) monitor: Monitor,
}

/// What there is of a machine that stands still.
pub(super) struct Halted {
    pub(super) registers: Registers,
    pub(super) memory: GuestMemoryMmap,
}

/// How gdb wants the machine to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Run,
    Step,
}

/// What gdb takes a breakpoint for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Software,
    Hardware,
}

impl Machine {
    /// One that has not run yet.
    pub(super) fn new(monitor: Monitor) -> Machine {
        Machine {
            halted: None,
            breakpoints: Vec::new(),
            wish: Wish::Run,
            monitor,
        }
    }

    /// The places to break at.
    pub(super) fn places(&self) -> vm::Breakpoints {
        let mut places = vm::Breakpoints::new();
        for (_, place) in &self.breakpoints {
            if !places.contains(place) && !places.is_full() {
                places.push(*place);
            }
        }
        places
    }

    /// What gdb takes the breakpoint for that the processor stands at.
    pub(super) fn breakpoint(&self) -> Option<Kind> {
        let rip = VirtAddr(self.halted.as_ref()?.registers.general.rip);
        let mut breakpoints = self.breakpoints.iter();
        breakpoints
            .find(|(_, place)| *place == rip)
            .map(|(kind, _)| *kind)
    }

    fn halted(&mut self) -> TargetResult<&mut Halted, Machine> {
        self.halted.as_mut().ok_or(errno(Errno::EBUSY))
    }

    fn add_breakpoint(&mut self, kind: Kind, place: VirtAddr) -> TargetResult<bool, Machine> {
        if place.half() != Some(Half::Kernel) {
            say(&format!(
                "no breakpoint at {place}: the debugger breaks in the kernel only"
            ));
            return Err(errno(Errno::EINVAL));
        }
        let places = self.places();
        if places.is_full() && !places.contains(&place) {
            say(&format!(
                "no breakpoint at {place}: the processor has {BREAKPOINTS}, and all are in use; `finish` and `next` want one, too"
            ));
            return Err(errno(Errno::ENOSPC));
        }
        self.breakpoints.push((kind, place));
        Ok(true)
    }

    fn remove_breakpoint(&mut self, breakpoint: (Kind, VirtAddr)) -> bool {
        let found = self.breakpoints.iter().position(|other| *other == breakpoint);
        found.map(|place| self.breakpoints.remove(place)).is_some()
    }
}

impl Halted {
    /// Where a virtual address leads, and how many bytes from there on lie in one page.
    fn physical(&self, address: u64) -> Option<(PhysAddr, usize)> {
        let system = &self.registers.system;
        let physical = if is_paging(system) {
            let memory = PhysicalMemory::new(&self.memory);
            translate(memory, Root::from_cr3(system.cr3), VirtAddr(address))
                .ok()?
                .address
        } else {
            PhysAddr(address)
        };
        let in_page = usize::try_from(PAGE_SIZE - address % PAGE_SIZE).ok()?;
        Some((physical, in_page))
    }

    /// The pieces of physical memory that so many bytes from a virtual address on lie in, as far as they are mapped to memory.
    fn pieces(&self, from: u64, len_bytes: usize) -> Vec<(PhysAddr, Range<usize>)> {
        let mut pieces = Vec::new();
        let mut done = 0;
        while done < len_bytes {
            let Some((at, in_page)) = self.physical(from.wrapping_add(done as u64)) else {
                break;
            };
            let piece = done..len_bytes.min(done + in_page);
            if !self.memory.check_range(GuestAddress(at.0), piece.len()) {
                break;
            }
            done = piece.end;
            pieces.push((at, piece));
        }
        pieces
    }

    /// Copies bytes out as far as they are mapped, and says how many.
    fn read(&self, from: u64, to: &mut [u8]) -> usize {
        let pieces = self.pieces(from, to.len());
        for (at, piece) in &pieces {
            PhysicalMemory::new(&self.memory)
                .copy(*at, &mut to[piece.clone()])
                .expect("a piece is in memory");
        }
        end(&pieces)
    }

    /// Stores bytes, all of them or none. Whether they were stored.
    fn write(&self, to: u64, bytes: &[u8]) -> bool {
        let pieces = self.pieces(to, bytes.len());
        if end(&pieces) < bytes.len() {
            return false;
        }
        for (at, piece) in pieces {
            self.memory
                .write_slice(&bytes[piece], GuestAddress(at.0))
                .expect("a piece is in memory");
        }
        true
    }
}

/// How far pieces reach.
fn end(pieces: &[(PhysAddr, Range<usize>)]) -> usize {
    pieces.last().map_or(0, |(_, piece)| piece.end)
}

impl Target for Machine {
    type Arch = X86_64_SSE;
    type Error = Infallible;

    fn base_ops(&mut self) -> BaseOps<'_, X86_64_SSE, Infallible> {
        BaseOps::SingleThread(self)
    }

    fn support_breakpoints(&mut self) -> Option<BreakpointsOps<'_, Machine>> {
        Some(self)
    }

    fn support_monitor_cmd(&mut self) -> Option<MonitorCmdOps<'_, Machine>> {
        Some(self)
    }
}

impl SingleThreadBase for Machine {
    fn read_registers(&mut self, to: &mut X86_64CoreRegs) -> TargetResult<(), Machine> {
        *to = registers::of(&self.halted()?.registers);
        Ok(())
    }

    fn write_registers(&mut self, wanted: &X86_64CoreRegs) -> TargetResult<(), Machine> {
        let set = registers::set(&mut self.halted()?.registers, wanted);
        set.map_err(|error| {
            say(&error.to_string());
            errno(Errno::EBUSY)
        })
    }

    fn read_addrs(&mut self, from: u64, to: &mut [u8]) -> TargetResult<usize, Machine> {
        match self.halted()?.read(from, to) {
            0 if !to.is_empty() => Err(errno(Errno::EFAULT)),
            count => Ok(count),
        }
    }

    fn write_addrs(&mut self, to: u64, bytes: &[u8]) -> TargetResult<(), Machine> {
        let is_written = self.halted()?.write(to, bytes);
        is_written.then_some(()).ok_or(errno(Errno::EFAULT))
    }

    fn support_resume(&mut self) -> Option<SingleThreadResumeOps<'_, Machine>> {
        Some(self)
    }
}

impl SingleThreadResume for Machine {
    fn resume(&mut self, _signal: Option<Signal>) -> Result<(), Infallible> {
        self.wish = Wish::Run;
        Ok(())
    }

    fn support_single_step(&mut self) -> Option<SingleThreadSingleStepOps<'_, Machine>> {
        Some(self)
    }
}

impl SingleThreadSingleStep for Machine {
    fn step(&mut self, _signal: Option<Signal>) -> Result<(), Infallible> {
        self.wish = Wish::Step;
        Ok(())
    }
}

impl Breakpoints for Machine {
    fn support_sw_breakpoint(&mut self) -> Option<SwBreakpointOps<'_, Machine>> {
        Some(self)
    }

    fn support_hw_breakpoint(&mut self) -> Option<HwBreakpointOps<'_, Machine>> {
        Some(self)
    }
}

impl SwBreakpoint for Machine {
    fn add_sw_breakpoint(&mut self, place: u64, _len_bytes: usize) -> TargetResult<bool, Machine> {
        self.add_breakpoint(Kind::Software, VirtAddr(place))
    }

    fn remove_sw_breakpoint(&mut self, place: u64, _len_bytes: usize) -> TargetResult<bool, Machine> {
        Ok(self.remove_breakpoint((Kind::Software, VirtAddr(place))))
    }
}

impl HwBreakpoint for Machine {
    fn add_hw_breakpoint(&mut self, place: u64, _len_bytes: usize) -> TargetResult<bool, Machine> {
        self.add_breakpoint(Kind::Hardware, VirtAddr(place))
    }

    fn remove_hw_breakpoint(&mut self, place: u64, _len_bytes: usize) -> TargetResult<bool, Machine> {
        Ok(self.remove_breakpoint((Kind::Hardware, VirtAddr(place))))
    }
}

impl MonitorCmd for Machine {
    fn handle_monitor_cmd(&mut self, command: &[u8], mut out: ConsoleOutput<'_>) -> Result<(), Infallible> {
        let text = String::from_utf8_lossy(command);
        out.write_raw(self.monitor.answer(&text, self.halted.as_ref()).as_bytes());
        Ok(())
    }
}

fn errno(errno: Errno) -> TargetError<Infallible> {
    TargetError::Errno(errno as i32 as u8)
}
