//! Instructions that are named by the addresses of their functions.

use super::*;
use crate::printable::Printable;

const TOP: u64 = 0x10_0000;

fn label(function: Identity) -> Label {
    let name = match function {
        Identity::Called(address) => format!("{:x}", address.unwrap()),
        Identity::Inlined(inlined) => format!("{inlined:?}"),
    };
    Label {
        name: name.into(),
        place: Printable::default(),
    }
}

/// Carries out instructions of functions that are named by where they begin, each of one byte.
fn run(calls: &mut Calls, instructions: &[(u64, Flow, u64)]) {
    for (address, flow, stack_pointer) in instructions {
        let function = address & !0xff;
        let instruction = Instruction {
            address: *address,
            len_bytes: 1,
            flow: *flow,
            function: Some(function),
        };
        calls.instruction(instruction, *stack_pointer, &[], label);
    }
}

/// The events of a trace as words.
fn told(trace: &Trace) -> String {
    let word = |event: &TraceEvent| {
        let name = |function: u32| trace.functions[function as usize].to_string();
        match event.what {
            What::Enter(_) => "enter".to_owned(),
            What::Call(function) => format!("({}", name(function)),
            What::Resume(function) => format!("~{}", name(function)),
            What::Inline(function) => format!("[{}", name(function)),
            What::Return => ")".to_owned(),
            What::Stack(number) => format!("stack{number}"),
            What::Leave => "leave".to_owned(),
            What::Change(number) => format!("change{number}"),
        }
    };
    trace.events.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn calls_jumps_and_returns() {
    let mut calls = Calls::default();
    calls.enter(WayIn::Trap);
    run(
        &mut calls,
        &[
            (0x100, Flow::Next, TOP - 64),
            (0x101, Flow::Call, TOP - 64),
            (0x200, Flow::Branch, TOP - 72),
            // Jumps to another function, which returns for it.
            (0x300, Flow::Next, TOP - 72),
            (0x301, Flow::Branch, TOP - 72),
            (0x102, Flow::Next, TOP - 64),
        ],
    );
    calls.leave();
    let trace = calls.take();
    assert_eq!(told(&trace), "stack0 enter (100 (200 ) (300 ) ) leave");
    assert_eq!(trace.instructions, 6);
    assert_eq!(
        trace.events.iter().map(|event| event.at).collect::<Vec<_>>(),
        [0, 0, 0, 2, 3, 3, 5, 6, 6]
    );
}

#[test]
fn a_function_calls_itself_and_is_interrupted() {
    let mut calls = Calls::default();
    calls.enter(WayIn::Trap);
    run(
        &mut calls,
        &[
            (0x100, Flow::Call, TOP - 64),
            (0x100, Flow::Next, TOP - 72),
            // An exception pushes a frame.
            (0x200, Flow::Next, TOP - 112),
            (0x201, Flow::Branch, TOP - 112),
            (0x101, Flow::Branch, TOP - 72),
            (0x105, Flow::Next, TOP - 64),
        ],
    );
    assert_eq!(told(&calls.take()), "stack0 enter (100 (100 (200 ) )");
}

#[test]
fn another_thread_has_its_own_functions_which_go_on_later() {
    let other = TOP - 0x8000;
    let mut calls = Calls::default();
    calls.enter(WayIn::Trap);
    run(
        &mut calls,
        &[
            (0x100, Flow::Call, TOP - 64),
            (0x200, Flow::Next, TOP - 72),
            (0x201, Flow::Return, other - 64),
            (0x400, Flow::Next, other - 64),
        ],
    );
    calls.leave();
    assert_eq!(
        told(&calls.take()),
        "stack0 enter (100 (200 stack1 (200 ) ~400 ) leave"
    );
    calls.enter(WayIn::SystemCall(1));
    run(
        &mut calls,
        &[
            (0x100, Flow::Call, other - 64),
            (0x200, Flow::Next, other - 72),
            (0x201, Flow::Branch, TOP - 72),
            (0x101, Flow::Next, TOP - 64),
        ],
    );
    let trace = calls.take();
    assert_eq!(told(&trace), "stack1 enter (100 (200 stack0 ~100 ~200 )");
}

#[test]
fn a_stack_for_entries_is_no_thread_of_its_own() {
    let entries = 0x90_0000;
    let mut calls = Calls::default();
    for _ in 0..2 {
        calls.enter(WayIn::Trap);
        run(
            &mut calls,
            &[
                (0x100, Flow::Call, entries - 40),
                (0x200, Flow::Branch, entries - 48),
                (0x101, Flow::Next, entries - 40),
                (0x102, Flow::Call, TOP - 168),
                (0x300, Flow::Branch, TOP - 176),
                (0x103, Flow::Next, TOP - 168),
                (0x104, Flow::Next, entries - 40),
            ],
        );
        calls.leave();
        assert_eq!(told(&calls.take()), "stack0 enter (100 (200 ) (300 ) ) leave");
    }
}

#[test]
fn a_way_out_over_a_stack_for_entries_leaves_nothing_under_way() {
    let entries = 0x90_0000;
    let mut calls = Calls::default();
    let entry = [
        (0x100, Flow::Call, entries - 40),
        (0x200, Flow::Branch, entries - 48),
        (0x101, Flow::Next, entries - 40),
        (0x102, Flow::Call, TOP - 168),
        (0x300, Flow::Next, TOP - 176),
    ];
    calls.enter(WayIn::Trap);
    run(&mut calls, &entry);
    // It is in two functions when it goes over to the stack for entries, and comes to user mode from there.
    run(&mut calls, &[(0x104, Flow::Next, entries - 40)]);
    calls.leave();
    calls.take();
    calls.enter(WayIn::Trap);
    run(&mut calls, &entry);
    assert_eq!(told(&calls.take()), "stack0 enter (100 (200 ) (300");
}

#[test]
fn a_function_that_moves_its_return_address_returns() {
    let entries = 0x90_0000;
    let mut calls = Calls::default();
    calls.enter(WayIn::Trap);
    run(
        &mut calls,
        &[
            (0x100, Flow::Call, entries - 48),
            // Saves registers above its return address, which goes on below them.
            (0x200, Flow::Next, entries - 56),
            (0x201, Flow::Return, entries - 168),
            (0x101, Flow::Next, entries - 160),
            // The stack of the thread.
            (0x102, Flow::Call, TOP - 168),
            (0x300, Flow::Next, TOP - 176),
        ],
    );
    assert_eq!(told(&calls.take()), "stack0 enter (100 (200 ) (300");
}

/// Carries out instructions of one function, each with the functions in it that it belongs to.
fn run_inlined(calls: &mut Calls, instructions: &[(u64, Flow, u64, &[Inlined])]) {
    for (address, flow, stack_pointer, inlined) in instructions {
        let instruction = Instruction {
            address: *address,
            len_bytes: 1,
            flow: *flow,
            function: Some(address & !0xff),
        };
        calls.instruction(instruction, *stack_pointer, inlined, label);
    }
}

#[test]
fn functions_in_others_are_under_way_as_long_as_their_instructions_are() {
    let [one, two] = [Inlined::numbered(1), Inlined::numbered(2)];
    let mut calls = Calls::default();
    calls.enter(WayIn::Trap);
    run_inlined(
        &mut calls,
        &[
            (0x100, Flow::Next, TOP - 64, &[]),
            (0x101, Flow::Next, TOP - 64, &[one]),
            // An instruction of the outer one that the compiler has mixed in.
            (0x102, Flow::Next, TOP - 64, &[]),
            (0x103, Flow::Next, TOP - 64, &[one]),
            (0x104, Flow::Call, TOP - 64, &[one, two]),
            (0x200, Flow::Return, TOP - 72, &[]),
            (0x105, Flow::Next, TOP - 64, &[one]),
            (0x106, Flow::Next, TOP - 64, &[]),
            // The outer one calls, so the other one has ended where it was left.
            (0x107, Flow::Call, TOP - 64, &[]),
            (0x200, Flow::Return, TOP - 72, &[]),
            (0x108, Flow::Next, TOP - 64, &[two]),
        ],
    );
    calls.leave();
    let trace = calls.take();
    assert_eq!(
        told(&trace),
        "stack0 enter (100 [Inlined(1) [Inlined(2) (200 ) ) ) (200 ) [Inlined(2) ) ) leave"
    );
    assert_eq!(
        trace.events.iter().map(|event| event.at).collect::<Vec<_>>(),
        [0, 0, 0, 1, 4, 5, 6, 6, 7, 9, 10, 10, 11, 11, 11]
    );
}
