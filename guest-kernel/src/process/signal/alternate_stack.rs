//! sigaltstack: a stack for handlers alone, one for each thread.

use abi::linux::signal::{MINSIGSTKSZ, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK, STACK_RECORD_BYTES};

use super::super::table;
use crate::errno::Errno;

/// A `stack_t`. Without a size it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AlternateStack {
    start: u64,
    flags: u32,
    bytes: u64,
}

impl AlternateStack {
    pub(in crate::process) const NONE: Self = Self {
        start: 0,
        flags: SS_DISABLE,
        bytes: 0,
    };

    pub(crate) fn from_bytes(bytes: &[u8; STACK_RECORD_BYTES]) -> Self {
        let (words, _) = bytes.as_chunks();
        Self::from_words(core::array::from_fn(|index| u64::from_le_bytes(words[index])))
    }

    /// The flags are a C int, whatever lies beside it.
    pub(super) fn from_words([start, flags, bytes]: [u64; 3]) -> Self {
        Self {
            start,
            flags: flags as u32,
            bytes,
        }
    }

    pub(super) fn to_words(self) -> [u64; 3] {
        [self.start, self.flags.into(), self.bytes]
    }

    pub(crate) fn to_bytes(self) -> [u8; STACK_RECORD_BYTES] {
        let mut bytes = [0; STACK_RECORD_BYTES];
        for (place, word) in bytes.chunks_exact_mut(8).zip(self.to_words()) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Whether the stack pointer lies on it. One that goes while a handler runs on it is not known to be in use.
    pub(super) fn holds(self, stack_pointer: u64) -> bool {
        !self.disarms_itself() && self.contains(stack_pointer)
    }

    pub(super) fn contains(self, stack_pointer: u64) -> bool {
        stack_pointer > self.start && stack_pointer - self.start <= self.bytes
    }

    pub(super) fn disarms_itself(self) -> bool {
        self.flags & SS_AUTODISARM != 0
    }

    /// Where a handler that interrupts a program with that stack pointer begins, if this is the stack for it.
    pub(super) fn top_for(self, stack_pointer: u64) -> Option<u64> {
        (self.bytes != 0 && !self.holds(stack_pointer)).then(|| self.start.wrapping_add(self.bytes))
    }

    /// As the program is told of it.
    fn seen_from(self, stack_pointer: u64) -> Self {
        let state = if self.bytes == 0 {
            SS_DISABLE
        } else if self.holds(stack_pointer) {
            SS_ONSTACK
        } else {
            0
        };
        Self {
            flags: state | self.flags & SS_AUTODISARM,
            ..self
        }
    }

    /// What becomes of it when the program asks for `new`.
    pub(super) fn replaced_by(self, new: Self, stack_pointer: u64) -> Result<Self, Errno> {
        if self.holds(stack_pointer) {
            return Err(Errno::EPERM);
        }
        match new.flags & !SS_AUTODISARM {
            SS_DISABLE => Ok(Self {
                start: 0,
                bytes: 0,
                ..new
            }),
            0 | SS_ONSTACK if new.bytes < MINSIGSTKSZ && new != self => Err(Errno::ENOMEM),
            0 | SS_ONSTACK => Ok(new),
            _ => Err(Errno::EINVAL),
        }
    }
}

/// The stack that the thread has had until now, as the program is told; it has another one from now on, if that is given.
pub(crate) fn alternate_stack(
    new: Option<AlternateStack>,
    stack_pointer: u64,
) -> Result<AlternateStack, Errno> {
    table::with_thread(|thread| {
        let old = thread.alternate_stack;
        if let Some(new) = new {
            thread.alternate_stack = old.replaced_by(new, stack_pointer)?;
        }
        Ok(old.seen_from(stack_pointer))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: AlternateStack = AlternateStack {
        start: 0x10000,
        flags: 0,
        bytes: 0x2000,
    };

    #[test]
    fn a_stack_is_in_use_from_behind_its_first_byte_to_its_end() {
        assert_eq!(
            [0x10000, 0x10001, 0x12000, 0x12001].map(|pointer| STACK.holds(pointer)),
            [false, true, true, false]
        );
        assert_eq!(STACK.seen_from(0x12000).flags, SS_ONSTACK);
        assert_eq!(STACK.top_for(0x12000), None);
        assert_eq!(STACK.top_for(0x8000), Some(0x12000));
        assert_eq!(AlternateStack::NONE.top_for(0x8000), None);
    }

    #[test]
    fn a_stack_is_replaced_when_it_is_not_in_use_and_by_one_that_is_large_enough() {
        let with = |flags, bytes| {
            let new = AlternateStack {
                flags,
                bytes,
                ..STACK
            };
            STACK.replaced_by(new, 0)
        };
        assert_eq!(
            STACK.replaced_by(AlternateStack::NONE, 0x11000),
            Err(Errno::EPERM)
        );
        assert_eq!(with(0, MINSIGSTKSZ - 1), Err(Errno::ENOMEM));
        assert_eq!(with(4, 0x2000), Err(Errno::EINVAL));
        assert_eq!(with(SS_DISABLE, 5), Ok(AlternateStack::NONE));
        assert_eq!(
            with(SS_ONSTACK, MINSIGSTKSZ).map(|stack| stack.bytes),
            Ok(MINSIGSTKSZ)
        );
    }

    #[test]
    fn a_stack_that_disarms_itself_is_never_in_use() {
        let stack = AlternateStack {
            flags: SS_AUTODISARM,
            ..STACK
        };
        assert!(!stack.holds(0x11000) && stack.contains(0x11000));
        assert_eq!(stack.seen_from(0x11000).flags, SS_AUTODISARM);
    }
}
