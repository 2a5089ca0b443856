//! Kernel stacks, and the functions that are under way on them.

use super::super::inlined::Inlined;
use crate::inspect::walk::Root;
use crate::printable::Printable;

/// Most bytes of a kernel stack that are taken for one; Linux and this project's kernel have as many.
const STACK_BYTES: u64 = 16 << 10;
pub(super) const PAGE_BYTES: u64 = 4 << 10;

/// A kernel stack.
pub(super) struct Stack {
    /// Its highest address.
    pub(super) top: u64,
    pub(super) number: Option<u32>,
    /// Functions under way, the outermost first.
    pub(super) under_way: Vec<OpenCall>,
    /// Whether the events of the stretch know of them.
    pub(super) is_told: bool,
    /// The page table with which its thread comes from user mode, as far as it was seen.
    pub(super) root: Option<Root>,
}

/// What a function is known by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::vm) enum Identity {
    /// Where it begins; None when that is not known.
    Called(Option<u64>),
    /// Where the compiler has put it into another one.
    Inlined(Inlined),
}

/// What a function is told by.
#[derive(Clone, Debug, Default)]
pub(in crate::vm) struct Label {
    pub(in crate::vm) name: Printable,
    /// Where in its source it is; empty where that is not known.
    pub(in crate::vm) place: Printable,
}

/// A function that is under way.
#[derive(Clone, Copy)]
pub(super) struct OpenCall {
    pub(super) function: Identity,
    pub(super) number: u32,
    /// Where its return address was pushed to, or that of the function that it is in.
    pub(super) return_at: u64,
    /// Instructions before the first one behind it, of those of an inlined function. It may go on, as compilers mix instructions.
    pub(super) left_at: Option<u64>,
}

impl Stack {
    /// Whether the stack pointer lies in it.
    pub(super) fn contains(&self, stack_pointer: u64) -> bool {
        stack_pointer <= self.top && self.top - stack_pointer < STACK_BYTES
    }

    /// Where the functions under way end that are in the one that was called last.
    pub(super) fn first_inlined(&self) -> usize {
        let called = |one: &OpenCall| matches!(one.function, Identity::Called(_));
        self.under_way.iter().rposition(called).map_or(0, |last| last + 1)
    }

    /// Whether no function has been called by the first one.
    pub(super) fn is_at_its_first(&self) -> bool {
        self.first_inlined() <= 1
    }

    /// The function that has called the one at this place.
    pub(super) fn caller_of(&self, place: usize) -> Option<Identity> {
        let callers = self.under_way[..place].iter().rev();
        let mut called = callers.filter(|one| matches!(one.function, Identity::Called(_)));
        called.next().map(|one| one.function)
    }
}
