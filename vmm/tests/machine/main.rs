//! Every way in which a guest can end, made by a kernel of a few instructions on real KVM.

mod pc;
#[path = "../support/tiny_elf.rs"]
mod tiny_elf;
mod tiny_kernel;

use std::time::Duration;

use tiny_elf::{ENTRY, report};
use tiny_kernel::{ample, machine, machine_with};
use vm_memory::{Bytes, GuestAddress};
use vmm::channel::{Channel, Event, Operation};
use vmm::drive::{Drive, Driver, Outcome};
use vmm::perform::Performer;
use vmm::scenario::Clock;
use vmm::vm::{Budget, Cause, Death, StopReason};

/// Runs `code` to its end.
fn death_of(code: &[u8], budget: Budget) -> Death {
    let (mut vm, _files) = machine(code, budget);
    match vm.run().expect("the host does not fail").reason() {
        StopReason::Died(death) => (**death).clone(),
        other => panic!("expected a death, found {other:?}"),
    }
}

#[test]
fn a_guest_that_halts_can_never_be_woken() {
    let death = death_of(&[0xf4], ample());
    assert_eq!(death.cause, Cause::Halted);
}

#[test]
fn an_exception_without_handlers_is_a_triple_fault() {
    // lidt [zeros]; ud2: the descriptor table has the limit 0.
    let mut code = vec![0x0f, 0x01, 0x1d];
    code.extend((ENTRY + 16).to_le_bytes());
    code.extend([0x0f, 0x0b]);
    code.resize(32, 0);
    let death = death_of(&code, ample());
    assert_eq!(death.cause, Cause::TripleFault);
}

#[test]
fn a_guest_that_loops_without_exits_is_stopped_by_the_processor_time_that_it_takes() {
    let limit = Duration::from_millis(50);
    let death = death_of(
        &[0xeb, 0xfe],
        Budget {
            exits: 1000,
            processor_time: limit,
            ..ample()
        },
    );
    assert_eq!(death.cause, Cause::OutOfProcessorTime { limit });
    assert_eq!(death.place.rip, u64::from(ENTRY));
    assert_eq!(death.place.bytes, [0xeb, 0xfe]);
    assert!(death.place.instruction.unwrap().starts_with("jmp"));
}

#[test]
fn a_guest_that_has_processor_time_left_when_the_hosts_is_over_says_that_the_host_is_too_slow() {
    let limit = Duration::from_millis(50);
    let death = death_of(
        &[0xeb, 0xfe],
        Budget {
            host_time: limit,
            ..ample()
        },
    );
    assert_eq!(death.cause, Cause::HostTooSlow { limit });
}

#[test]
fn a_guest_with_a_real_clock_that_halts_for_good_is_found_out() {
    // cli; hlt
    let (mut vm, _files) = machine_with(&[0xfa, 0xf4], ample(), Clock::Real);
    let reason = vm.run().unwrap().reason().clone();
    assert!(
        matches!(&reason, StopReason::Died(death) if death.cause == Cause::Halted),
        "{reason:?}"
    );
}

#[test]
fn a_guest_with_a_real_clock_that_waits_for_an_interrupt_that_never_comes_uses_up_its_time() {
    let limit = Duration::from_millis(50);
    let budget = Budget {
        processor_time: limit,
        ..ample()
    };
    // sti; hlt
    let (mut vm, _files) = machine_with(&[0xfb, 0xf4], budget, Clock::Real);
    let reason = vm.run().unwrap().reason().clone();
    assert!(
        matches!(&reason, StopReason::Died(death) if death.cause == Cause::Idle { limit }),
        "{reason:?}"
    );
}

#[test]
fn a_guest_that_only_exits_is_stopped_by_their_number() {
    // out 0x80, al; jmp back
    let death = death_of(
        &[0xe6, 0x80, 0xeb, 0xfc],
        Budget {
            exits: 100,
            ..ample()
        },
    );
    assert_eq!(death.cause, Cause::OutOfExits { limit: 100 });
}

#[test]
fn code_that_runs_out_of_memory_is_named_with_its_place() {
    // jmp to the doorbell, where there is no memory to fetch from.
    let mut code = vec![0xe9];
    code.extend(
        (abi::doorbell::PHYS_BASE as u32)
            .wrapping_sub(ENTRY + 5)
            .to_le_bytes(),
    );
    let death = death_of(&code, ample());
    assert!(matches!(death.cause, Cause::InternalError { .. }), "{death:?}");
    assert_eq!(death.place.rip, abi::doorbell::PHYS_BASE);
    assert!(
        death.place.to_string().ends_with("where nothing is mapped"),
        "{}",
        death.place
    );
}

#[test]
fn a_panic_comes_with_the_kernels_own_words() {
    let text = b"no more frames";
    let arguments = [
        u64::from(ENTRY) + 64 + abi::event::RECORD_BYTES as u64,
        text.len() as u64,
        0,
        0,
    ];
    let death = death_of(&report(abi::event::PANIC, arguments, text), ample());
    assert_eq!(
        death.cause,
        Cause::Panic {
            message: "no more frames".into()
        }
    );
}

#[test]
fn powering_off_is_no_death() {
    let (mut vm, _files) = machine(&report(abi::event::POWER_OFF, [0; 4], b""), ample());
    assert_eq!(*vm.run().unwrap().reason(), StopReason::PoweredOff);
    assert_eq!(
        *vm.run().unwrap().reason(),
        StopReason::PoweredOff,
        "an ended machine stays ended"
    );
}

/// `movq mm0, [doorbell]`: a 32-bit kernel has no other 64-bit read than those of its vector instructions.
fn ring() -> Vec<u8> {
    let mut code = vec![0x0f, 0x6f, 0x05];
    code.extend((abi::doorbell::PHYS_BASE as u32).to_le_bytes());
    code
}

#[test]
fn a_guest_can_be_inspected_between_rings() {
    let mut code = ring();
    code.push(0xf4);
    let (mut vm, _files) = machine(&code, ample());
    assert!(vm.stop().is_none(), "a machine that has not run stands nowhere");
    assert_eq!(*vm.run().unwrap().reason(), StopReason::Ring(Channel::FIRST));
    assert_eq!(*vm.stop().unwrap().reason(), StopReason::Ring(Channel::FIRST));
    let StopReason::Died(death) = vm.run().unwrap().reason().clone() else {
        panic!()
    };
    assert_eq!(death.cause, Cause::Halted);
}

/// Rings, has a page fault by its own account, and goes on without end.
fn faulting(fault: u32) -> Vec<u8> {
    let mut code = ring();
    code.push(0xb8);
    code.extend(fault.to_le_bytes());
    code.extend([0x0f, 0x22, 0xd0]); // mov cr2, eax
    code.extend([0xe6, 0x80, 0xeb, 0xfc]); // out 0x80, al; jmp back
    code
}

#[test]
fn of_a_guest_that_goes_on_without_end_the_last_page_fault_is_told() {
    let (vm, _files) = machine(&faulting(0x12345), ample());
    let mut performer = Performer::new(Driver::new(vm));
    let booted = performer.driver_mut().boot().unwrap();
    let stop = performer.driver_mut().stop().unwrap();
    assert!(matches!(booted, Outcome::Replied(_)), "{:?}", stop.reason());
    let program = Operation::new(abi::operation::EXEC, &[]);
    let outcome = performer.driver_mut().perform(Channel::FIRST, program).unwrap();
    assert_eq!(outcome, Outcome::GuestEnded);
    let stop = performer.driver_mut().stop().unwrap();
    let StopReason::Died(death) = stop.reason().clone() else {
        panic!()
    };
    assert!(death.cause.is_endless());
    let told = performer.last_fault(&death);
    assert_eq!(told.as_deref(), Some("the last page fault was at init:0x12000"));
}

#[test]
fn a_kernel_that_floods_a_step_with_reports_loses_the_oldest_and_makes_no_vmm_large() {
    // A log line of the most bytes that are read, all of them zero; then a ring, and over again.
    let mut code = report(abi::event::LOG, [0x1000, u64::MAX, 0, 0], b"");
    let again = [&ring()[..], &[0xeb, 0xec]].concat();
    code[11..11 + again.len()].copy_from_slice(&again);
    let budget = Budget {
        exits: 20_000,
        ..ample()
    };
    let (vm, _files) = machine(&code, budget);
    let mut driver = Driver::new(vm);
    assert!(matches!(driver.boot().unwrap(), Outcome::Replied(_)));
    let program = Operation::new(abi::operation::EXEC, &[]);
    assert_eq!(
        driver.perform(Channel::FIRST, program).unwrap(),
        Outcome::GuestEnded
    );

    let lost = driver.stop().unwrap().devices().events.lost();
    let kept = driver.take_events();
    assert_eq!(
        kept.len() as u64 + lost,
        budget.exits / 2,
        "a report and a ring in turn"
    );
    let kept_bytes: usize = kept.iter().map(Event::size_bytes).sum();
    assert!(
        lost > 0 && kept_bytes <= 4 << 20,
        "{lost} lost, {kept_bytes} bytes kept"
    );
}

/// `movups xmm0, [doorbell]; movups [TAKEN_AT], xmm0; hlt`: the first half of what is read is a ring, the second an argument.
fn ring_with_an_argument() -> Vec<u8> {
    // mov eax, CR4.OSFXSR; mov cr4, eax: there are no such instructions else.
    let mut code = vec![0xb8, 0, 2, 0, 0, 0x0f, 0x22, 0xe0];
    code.extend([0x0f, 0x10, 0x05]);
    code.extend((abi::doorbell::PHYS_BASE as u32).to_le_bytes());
    code.extend([0x0f, 0x11, 0x05]);
    code.extend(TAKEN_AT.to_le_bytes());
    code.push(0xf4);
    code
}

/// Where that kernel puts what it has read.
const TAKEN_AT: u32 = ENTRY + 0x1000;

#[test]
fn an_instruction_that_rings_and_reads_on_gets_what_it_reads_whether_or_not_a_tick_comes() {
    for ticks in 0..2 {
        let (mut vm, _files) = machine(&ring_with_an_argument(), ample());
        let mut stop = vm.run().unwrap();
        assert_eq!(*stop.reason(), StopReason::Ring(Channel::FIRST));
        let operation = Operation::new(abi::operation::EXIT, &[0x1234]);
        stop.devices().doorbell.give(Channel::FIRST, operation);
        (0..ticks).for_each(|_| vm.tick());

        let stop = vm.run().unwrap();
        assert!(matches!(stop.reason(), StopReason::Died(death) if death.cause == Cause::Halted));
        let taken: [u64; 2] = stop.memory().read_obj(GuestAddress(TAKEN_AT.into())).unwrap();
        assert_eq!(taken, [abi::operation::EXIT, 0x1234], "{ticks} ticks");
        assert_eq!(
            stop.exits(),
            3,
            "a ring, the other half, and the halt; {ticks} ticks"
        );
    }
}
