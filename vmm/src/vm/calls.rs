//! From the instructions of a kernel to the functions that it calls.
//!
//! A function that is called is under way as long as the stack pointer lies at or below the address that its return address was pushed to;
//! so a function that never returns, because the kernel throws its stack away, ends all the same. Each kernel stack has its own functions:
//! when the stack pointer leaves the one that is in use, another thread runs. A kernel may also begin and end on a stack for entries, and go
//! over to the thread's from there; as nothing but the entry itself is under way then, that is no other thread.
//!
//! A function that the compiler has put into another one is under way as long as its instructions are carried out, with some of others between
//! them, but no call of theirs.

mod stack;

use std::collections::HashMap;
use std::mem;

use super::inlined::Inlined;
use crate::inspect::walk::Root;
use crate::trace::{Trace, TraceEvent, WayIn, What};
pub(super) use stack::{Identity, Label};
use stack::{OpenCall, PAGE_BYTES, Stack};

/// Most events of a trace.
const MAX_EVENTS: usize = 1 << 20;
/// Bytes that the processor pushes at least when it interrupts the kernel.
const FRAME_BYTES: u64 = 40;
/// The place of a return address that is on no stack.
const NOWHERE: u64 = u64::MAX;

/// How an instruction goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// With the one after it.
    Next,
    /// Somewhere else, or with the one after it.
    Branch,
    /// With a function that is called.
    Call,
    /// Where the function was called.
    Return,
}

/// An instruction that the kernel is about to carry out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instruction {
    /// Where it lies.
    pub(super) address: u64,
    pub(super) len_bytes: u64,
    pub(super) flow: Flow,
    /// Where the function begins that it belongs to; None when that is not known.
    pub(super) function: Option<u64>,
}

/// Follows the functions of a kernel.
#[derive(Default)]
pub(super) struct Calls {
    events: Vec<TraceEvent>,
    instructions: u64,
    is_cut: bool,
    /// All functions that were met so far: numbers, and what they are told by.
    numbers_of_functions: HashMap<Identity, u32>,
    labels: Vec<Label>,
    stacks: Vec<Stack>,
    /// The one in use.
    current: usize,
    /// The number of the stack that the last event was on.
    told: Option<u32>,
    /// How many stacks have a number.
    numbers: u32,
    /// Events of an entry that may be on a stack for entries still: whose they are comes out later.
    entry: Option<Vec<TraceEvent>>,
    /// The instruction before, and the stack pointer that it had.
    before: Option<(Instruction, u64)>,
}

impl Calls {
    /// The kernel begins to run.
    pub(super) fn enter(&mut self, way: WayIn) {
        self.settle();
        self.before = None;
        self.entry = Some(Vec::new());
        self.push(What::Enter(way));
    }

    /// It is about to go back to user mode.
    pub(super) fn leave(&mut self) {
        self.settle();
        self.end_from(0);
        self.push(What::Leave);
        self.before = None;
    }

    /// It is about to carry out an instruction, with this stack pointer, which belongs to these functions in the one that was called. `label` says
    /// what functions are told by.
    pub(super) fn instruction(
        &mut self,
        instruction: Instruction,
        stack_pointer: u64,
        inlined: &[Inlined],
        label: impl Fn(Identity) -> Label,
    ) {
        self.go_to_stack(stack_pointer);
        let before = self.before.replace((instruction, stack_pointer));
        if before.is_none() {
            // What a stack had when the kernel last came from user mode is over.
            self.stacks[self.current].under_way.clear();
        }
        self.end_functions(stack_pointer);
        let called = self.stacks[self.current].first_inlined();
        let last = called
            .checked_sub(1)
            .map(|last| self.stacks[self.current].under_way[last]);
        let is_begun = before.is_some_and(|(before, stack)| {
            before.flow == Flow::Call || is_interrupted(before, stack, instruction, stack_pointer)
        });
        // Whoever is returned to began earlier, even if nobody saw it.
        let is_returned_to = before.is_some_and(|(before, _)| before.flow == Flow::Return);
        let what = if is_returned_to { What::Resume } else { What::Call };
        let function = Identity::Called(instruction.function);
        match last {
            Some(last) if last.function == function && !is_begun => {}
            Some(_)
                if is_returned_to && self.stacks[self.current].caller_of(called - 1) == Some(function) =>
            {
                // It has moved its return address, as Linux does where it saves registers.
                self.end_from(called - 1);
            }
            Some(last) if !is_begun => {
                // A jump: the function that is jumped to returns for the one that jumps.
                self.end_from(called - 1);
                self.begin(function, last.return_at, what, &label);
            }
            Some(_) => {
                self.end_left();
                self.begin(function, stack_pointer, What::Call, &label);
            }
            None => self.begin(function, NOWHERE, what, &label),
        }
        self.go_to_inlined(inlined, &label);
        self.instructions += 1;
    }

    /// Instructions of the stretch so far.
    pub(super) fn instructions(&self) -> u64 {
        self.instructions
    }

    /// The thread whose stack is in use comes from user mode with this page table.
    pub(super) fn note_root(&mut self, root: Root) {
        if let Some(stack) = self.current_stack() {
            stack.root = Some(root);
        }
    }

    /// The page tables with which threads come from user mode, by the number of their stacks.
    pub(super) fn roots(&self) -> Vec<Option<Root>> {
        let mut roots = vec![None; self.numbers as usize];
        for stack in &self.stacks {
            if let Some(place) = stack.number.and_then(|number| roots.get_mut(number as usize)) {
                *place = stack.root;
            }
        }
        roots
    }

    /// What happened since this was last called.
    pub(super) fn take(&mut self) -> Trace {
        self.settle();
        self.end_left();
        self.told = None;
        for stack in &mut self.stacks {
            stack.is_told = stack.under_way.is_empty();
        }
        let mut trace = Trace {
            functions: Vec::new(),
            events: mem::take(&mut self.events),
            instructions: mem::take(&mut self.instructions),
            is_cut: mem::take(&mut self.is_cut),
            ..Trace::default()
        };
        // A trace has the names that it mentions.
        let mut places = HashMap::new();
        for event in &mut trace.events {
            if let What::Call(function) | What::Resume(function) | What::Inline(function) = &mut event.what {
                let place = places.entry(*function).or_insert_with(|| {
                    let Label { name, place } = self.labels[*function as usize].clone();
                    trace.functions.push(name);
                    trace.places.push(place);
                    trace.functions.len() - 1
                });
                *function = u32::try_from(*place).unwrap_or(u32::MAX);
            }
        }
        if trace.places.iter().all(|place| place.is_empty()) {
            trace.places.clear();
        }
        trace
    }

    fn go_to_stack(&mut self, stack_pointer: u64) {
        if self
            .current_stack()
            .is_some_and(|stack| stack.contains(stack_pointer))
        {
            return;
        }
        let found = self.stacks.iter().position(|stack| stack.contains(stack_pointer));
        let to = found.unwrap_or_else(|| {
            self.stacks.push(Stack {
                top: stack_pointer
                    .checked_next_multiple_of(PAGE_BYTES)
                    .unwrap_or(u64::MAX),
                number: None,
                under_way: Vec::new(),
                is_told: true,
                root: None,
            });
            self.stacks.len() - 1
        });
        let from = mem::replace(&mut self.current, to);
        if self.before.is_none() {
            return;
        }
        if self.entry.is_some() && self.stacks[from].is_at_its_first() {
            // It comes from user mode and has called nothing yet, so this is its thread's stack, on which what was under way is over.
            self.stacks[to].under_way.clear();
        }
        if self.stacks[from].is_at_its_first() && self.stacks[to].under_way.is_empty() {
            let mut under_way = mem::take(&mut self.stacks[from].under_way);
            under_way.iter_mut().for_each(|one| one.return_at = NOWHERE);
            self.stacks[to].under_way = under_way;
            self.stacks[to].is_told = true;
            self.stacks[to].root = self.stacks[from].root.or(self.stacks[to].root);
            if self.stacks[from].number.is_none() {
                // A stack for entries only, or the program's own.
                self.stacks.remove(from);
                self.current -= usize::from(from < to);
                self.settle();
            }
        } else {
            self.current = from;
            self.settle();
            self.end_left();
            self.current = to;
            self.tell_stack(self.instructions);
        }
    }

    /// Ends the functions whose return address the stack pointer has left behind.
    fn end_functions(&mut self, stack_pointer: u64) {
        let is_over = |last: &OpenCall| last.return_at < stack_pointer;
        while self.stacks[self.current].under_way.last().is_some_and(is_over) {
            self.end_last();
        }
    }

    /// Ends the functions in the one that was called last that the kernel has left.
    fn end_left(&mut self) {
        let is_left = |last: &OpenCall| last.left_at.is_some();
        while self
            .current_stack()
            .is_some_and(|stack| stack.under_way.last().is_some_and(is_left))
        {
            self.end_last();
        }
    }

    /// Ends the functions from this one on.
    fn end_from(&mut self, first: usize) {
        while self
            .current_stack()
            .is_some_and(|stack| stack.under_way.len() > first)
        {
            self.end_last();
        }
    }

    fn end_last(&mut self) {
        if let Some(one) = self.stacks[self.current].under_way.pop() {
            self.push_at(one.left_at.unwrap_or(self.instructions), What::Return);
        }
    }

    /// The instruction belongs to these functions in the one that was called last.
    fn go_to_inlined(&mut self, inlined: &[Inlined], label: &impl Fn(Identity) -> Label) {
        let now = self.instructions;
        let stack = &mut self.stacks[self.current];
        let first = stack.first_inlined();
        let (called, open) = stack.under_way.split_at_mut(first);
        let goes_on = open
            .iter()
            .zip(inlined)
            .take_while(|(one, inlined)| one.function == Identity::Inlined(**inlined))
            .count();
        open[..goes_on].iter_mut().for_each(|one| one.left_at = None);
        if goes_on == inlined.len() {
            for one in &mut open[goes_on..] {
                one.left_at.get_or_insert(now);
            }
            return;
        }
        let return_at = called.last().map_or(NOWHERE, |one| one.return_at);
        self.end_from(first + goes_on);
        for inlined in &inlined[goes_on..] {
            self.begin(Identity::Inlined(*inlined), return_at, What::Inline, label);
        }
    }

    fn begin(
        &mut self,
        function: Identity,
        return_at: u64,
        what: impl FnOnce(u32) -> What,
        label: &impl Fn(Identity) -> Label,
    ) {
        let number = *self.numbers_of_functions.entry(function).or_insert_with(|| {
            self.labels.push(label(function));
            u32::try_from(self.labels.len() - 1).unwrap_or(u32::MAX)
        });
        self.stacks[self.current].under_way.push(OpenCall {
            function,
            number,
            return_at,
            left_at: None,
        });
        self.push(what(number));
    }

    /// The stack in use is the thread's: what happened in an entry so far happened on it.
    fn settle(&mut self) {
        if let Some(events) = self.entry.take() {
            self.tell_stack(events.first().map_or(self.instructions, |first| first.at));
            self.events.extend(events);
        }
    }

    fn tell_stack(&mut self, at: u64) {
        let Some(stack) = self.stacks.get_mut(self.current) else {
            return;
        };
        let number = *stack.number.get_or_insert_with(|| {
            self.numbers += 1;
            self.numbers - 1
        });
        if self.told.replace(number) != Some(number) {
            self.push_at(at, What::Stack(number));
        }
        let stack = &mut self.stacks[self.current];
        if !mem::replace(&mut stack.is_told, true) {
            let under_way = stack.under_way.clone();
            for one in under_way {
                let what = match one.function {
                    Identity::Called(_) => What::Resume(one.number),
                    Identity::Inlined(_) => What::Inline(one.number),
                };
                self.push_at(at, what);
            }
        }
    }

    fn push(&mut self, what: What) {
        self.push_at(self.instructions, what);
    }

    fn push_at(&mut self, at: u64, what: What) {
        let event = TraceEvent { at, what };
        match &mut self.entry {
            _ if self.is_cut => {}
            Some(entry) if entry.len() < MAX_EVENTS => entry.push(event),
            None if self.events.len() < MAX_EVENTS => self.events.push(event),
            Some(_) | None => self.is_cut = true,
        }
    }

    fn current_stack(&mut self) -> Option<&mut Stack> {
        self.stacks.get_mut(self.current)
    }
}

/// Whether an instruction is neither the one after the one before, nor that one again, and the processor has pushed a frame: the kernel itself
/// was interrupted. KVM may carry out an instruction after one that leaves the guest without a step.
fn is_interrupted(before: Instruction, stack_before: u64, instruction: Instruction, stack: u64) -> bool {
    let after = before.address.wrapping_add(before.len_bytes);
    before.flow == Flow::Next
        && ![before.address, after].contains(&instruction.address)
        && stack.saturating_add(FRAME_BYTES) <= stack_before
}

#[cfg(test)]
mod tests;
