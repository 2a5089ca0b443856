//! The answers to gdb's `monitor`: where steps are, and which frames are behind the names of the scenario.

use super::command::{self, Command, HELP};
use super::target::Halted;
use crate::address::VirtAddr;
use crate::inspect::PhysicalMemory;
use crate::inspect::walk::Root;
use crate::view::{NamedMemory, Pages, SystemRegisters, differences, walk};
use crate::vm::is_paging;

/// What is known of the run.
#[derive(Default)]
pub(super) struct Monitor {
    /// How many steps the scenario has.
    steps: usize,
    /// The step that is being performed or about to be; 0 before the first one.
    step: usize,
    /// The step before which the guest is to stand still.
    wanted: Option<usize>,
    /// What it says.
    what: String,
    /// What there was when the step began.
    view: NamedMemory,
    /// Whether the guest stands still before the step.
    is_before_step: bool,
    /// The pages at the last stop at a step, and at the one before.
    stops: [Option<Pages>; 2],
}

impl Monitor {
    /// For a scenario with so many steps.
    pub(super) fn of(steps: usize) -> Monitor {
        Monitor {
            steps,
            ..Monitor::default()
        }
    }

    /// A step is about to be performed. Whether the guest is to stand still there.
    pub(super) fn before_step(&mut self, number: usize, what: &str, view: NamedMemory) -> bool {
        self.step = number;
        what.clone_into(&mut self.what);
        self.view = view;
        self.wanted.take_if(|wanted| *wanted <= number).is_some()
    }

    /// The guest stands still before a step. Gives what is told of it.
    pub(super) fn stopped_before_step(&mut self, memory: PhysicalMemory<'_>) -> String {
        self.is_before_step = true;
        self.stops = [Some(self.view.pages(memory)), self.stops[0].take()];
        format!("step {} is about to be performed: {}\n", self.step, self.what)
    }

    /// The guest goes on.
    pub(super) fn goes_on(&mut self) {
        self.is_before_step = false;
    }

    /// The answer to a command, each line with its end.
    pub(super) fn answer(&mut self, text: &str, halted: Option<&Halted>) -> String {
        let Some(halted) = halted else {
            return "the guest runs; interrupt it first\n".to_owned();
        };
        match command::parse(text) {
            Ok(Command::Step(number)) => self.want(number),
            Ok(Command::Frames { process, mapping }) => self
                .view
                .frames(&process, &mapping, PhysicalMemory::new(&halted.memory))
                .unwrap_or_else(|unknown| format!("{unknown}\n")),
            Ok(Command::Walk(address)) => walk_to(address, halted),
            Ok(Command::Registers) => SystemRegisters::from(&halted.registers.system).to_string(),
            Ok(Command::Diff) => self.diff(halted),
            Ok(Command::Help) => HELP.to_owned(),
            Err(error) => format!("{}\n", error.to_string().trim_end()),
        }
    }

    fn want(&mut self, number: usize) -> String {
        if number <= self.step || number > self.steps {
            return format!(
                "expected a step from {} to {}: step {} is the last that has begun or is about to\n",
                self.step + 1,
                self.steps,
                self.step,
            );
        }
        self.wanted = Some(number);
        format!("`continue` goes on to step {number}, unless there is a breakpoint before\n")
    }

    fn diff(&self, halted: &Halted) -> String {
        let [last, before] = &self.stops;
        let Some(before) = (if self.is_before_step { before } else { last }) else {
            return "nothing to compare with: the guest has not stopped at a step before (`monitor step N`)\n"
                .to_owned();
        };
        let now = self.view.pages(PhysicalMemory::new(&halted.memory));
        let told = differences(before, &now);
        if told.is_empty() {
            "no page of a named mapping has changed\n".to_owned()
        } else {
            told
        }
    }
}

/// The entries on the way to an address, by the page table in use.
fn walk_to(address: VirtAddr, halted: &Halted) -> String {
    let system = &halted.registers.system;
    if !is_paging(system) {
        return "the processor uses no page tables yet: addresses are physical\n".to_owned();
    }
    walk(
        PhysicalMemory::new(&halted.memory),
        Root::from_cr3(system.cr3),
        address,
    )
}

#[cfg(test)]
mod tests {
    use abi::paging::{ACCESSED, DIRTY, NO_EXECUTE, PRESENT, USER, WRITABLE};

    use super::*;
    use crate::vm::Registers;
    use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

    fn halted(entries: &[(u64, u64)]) -> Halted {
        let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 0x10000)]).unwrap();
        for (at, entry) in entries {
            memory.write_obj(*entry, GuestAddress(*at)).unwrap();
        }
        let mut registers = Registers::default();
        registers.system.cr0 = 1 << 31;
        registers.system.cr3 = 0x1000;
        Halted { registers, memory }
    }

    #[test]
    fn a_walk_tells_of_each_level_and_of_where_it_ends() {
        let entries = [
            (0x1000, 0x2000 | PRESENT | WRITABLE | USER),
            (0x2000, 0x3000 | PRESENT | WRITABLE | USER | ACCESSED),
            (0x3000, 0x4000 | PRESENT | USER),
            (0x4008, 0x5000 | PRESENT | WRITABLE | USER | DIRTY | NO_EXECUTE),
        ];
        let halted = halted(&entries);
        let told = Monitor::default().answer("walk 0x1234", Some(&halted));
        let expected = "\
PML4[0] at 0x1000: 0x0000000000002007: present writable user, table at 0x2000
PDPT[0] at 0x2000: 0x0000000000003027: present writable user accessed, table at 0x3000
PD[0] at 0x3000: 0x0000000000004005: present user, table at 0x4000
PT[1] at 0x4008: 0x8000000000005047: present writable user dirty no-execute, page of 4 KiB at 0x5000
0x1234 is at 0x5234, in a page of 4 KiB that allows user r--
";
        assert_eq!(told, expected);
        let told = Monitor::default().answer("walk 0x2000", Some(&halted));
        assert!(
            told.contains("\nPT[2] at 0x4010: 0x0000000000000000: not present\n"),
            "{told}"
        );
        assert!(told.ends_with("is not present\n"), "{told}");
    }

    #[test]
    fn system_registers_are_told_by_their_names() {
        let told = Monitor::default().answer("registers", Some(&halted(&[])));
        assert!(
            told.starts_with("cr0      0x80000000\ncr2      0x0\ncr3      0x1000\n"),
            "{told}"
        );
        assert_eq!(told.lines().count(), 7);
    }

    #[test]
    fn a_step_is_stopped_at_once_and_only_if_it_is_still_to_come() {
        let halted = halted(&[]);
        let mut monitor = Monitor::of(3);
        assert!(!monitor.before_step(1, "", NamedMemory::default()));
        let told = monitor.answer("step 1", Some(&halted));
        assert!(told.starts_with("expected a step from 2 to 3"), "{told}");
        assert!(
            monitor
                .answer("step 4", Some(&halted))
                .starts_with("expected a step")
        );
        assert!(monitor.answer("step 3", Some(&halted)).starts_with("`continue`"));
        assert!(!monitor.before_step(2, "", NamedMemory::default()));
        assert!(monitor.before_step(3, "", NamedMemory::default()));
        assert!(!monitor.before_step(3, "", NamedMemory::default()));
    }

    #[test]
    fn what_there_is_not_is_answered_by_what_there_is() {
        let halted = halted(&[]);
        let mut monitor = Monitor::default();
        assert!(monitor.answer("walk 0x0", None).starts_with("the guest runs"));
        assert_eq!(
            monitor.answer("frames child:buf", Some(&halted)),
            "there is no process `child`, and none at all\n"
        );
        assert!(
            monitor
                .answer("diff", Some(&halted))
                .starts_with("nothing to compare with")
        );
        assert!(monitor.answer("jump", Some(&halted)).contains(HELP));
    }
}
