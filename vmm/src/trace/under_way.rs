//! Which functions are under way on each kernel stack, while events are gone through in order.

use std::collections::BTreeMap;

use super::{TraceEvent, What};

/// The functions under way. `T` is what is kept of each.
#[derive(Debug)]
pub(super) struct UnderWay<T> {
    stacks: BTreeMap<u32, Vec<T>>,
    current: u32,
}

impl<T> Default for UnderWay<T> {
    fn default() -> Self {
        Self {
            stacks: BTreeMap::new(),
            current: 0,
        }
    }
}

impl<T> UnderWay<T> {
    /// The number of the stack in use.
    pub(super) fn current(&self) -> u32 {
        self.current
    }

    /// The functions on it, the outermost first.
    pub(super) fn functions(&self) -> &[T] {
        self.stacks.get(&self.current).map_or(&[], Vec::as_slice)
    }

    /// How many functions there are on a stack.
    pub(super) fn depth_of(&self, stack: u32) -> usize {
        self.stacks.get(&stack).map_or(0, Vec::len)
    }

    /// The functions on each stack, the outermost first.
    pub(super) fn into_stacks(self) -> impl Iterator<Item = (u32, Vec<T>)> {
        self.stacks.into_iter()
    }

    /// Goes on by an event. `begin` gives what to keep of a function that begins or goes on; what was kept of one that ends is given back.
    pub(super) fn go_on(&mut self, event: &TraceEvent, begin: impl FnOnce(u32) -> T) -> Option<T> {
        let functions = self.stacks.entry(self.current).or_default();
        match event.what {
            What::Call(function) | What::Resume(function) | What::Inline(function) => {
                functions.push(begin(function));
            }
            What::Return => return functions.pop(),
            What::Stack(other) => self.current = other,
            What::Enter(_) | What::Leave | What::Change(_) => {}
        }
        None
    }
}
