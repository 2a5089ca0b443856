//! What a descriptor stands for.

use core::num::NonZeroU8;

use crate::errno::Errno;
use crate::process::MemoryHandle;
use crate::sync::Lock;

/// Most contexts at once.
const MAX_CONTEXTS: usize = 32;

/// Which context: its place in the table, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContextId(NonZeroU8);

/// Whose faults a program is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everybody's.
    Everything,
    /// The program's own accesses, not the kernel's for it.
    UserMode,
}

/// A context.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub(super) memory: MemoryHandle,
    pub(super) scope: Scope,
    /// What was agreed on; None before that.
    pub(super) features: Option<u64>,
}

static CONTEXTS: Lock<[Option<Context>; MAX_CONTEXTS]> = Lock::new([None; MAX_CONTEXTS]);

impl ContextId {
    fn index(self) -> usize {
        usize::from(self.0.get()) - 1
    }

    /// A new one. ENOMEM when there is no place.
    pub(super) fn claim(context: Context) -> Result<Self, Errno> {
        let mut contexts = CONTEXTS.lock();
        let index = contexts.iter().position(Option::is_none).ok_or(Errno::ENOMEM)?;
        contexts[index] = Some(context);
        let id = NonZeroU8::MIN.saturating_add(index as u8);
        Ok(Self(id))
    }

    /// Nobody knows of it any more.
    pub(super) fn free(self) {
        CONTEXTS.lock()[self.index()] = None;
    }

    pub(super) fn get(self) -> Context {
        CONTEXTS.lock()[self.index()].expect("whoever knows a context keeps it")
    }

    /// Sets what was agreed on. False when that was done before.
    pub(super) fn agree(self, features: u64) -> bool {
        match &mut CONTEXTS.lock()[self.index()] {
            Some(context) if context.features.is_none() => {
                context.features = Some(features);
                true
            }
            _ => false,
        }
    }

    pub(super) fn is_ready(self) -> bool {
        self.get().features.is_some()
    }
}
