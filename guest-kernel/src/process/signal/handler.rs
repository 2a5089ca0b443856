//! How a handler begins, and how it returns (`rt_sigreturn`): with the frame on the program's stack that Linux has.

use abi::linux::process::SIGSEGV;
use abi::linux::signal::{
    FPSTATE_ALIGNMENT, FPSTATE_BYTES, RED_ZONE_BYTES, SA_NODEFER, SA_ONSTACK, SI_KERNEL, SIGNAL_FRAME_BYTES,
};

use super::super::{copy, exit, table};
use super::deliver::force;
use super::mask::set_mask;
use super::{Action, AlternateStack, Origin, Signal, SignalSet};
use crate::arch::{Kept, SignalFrame, TrapFrame};
use crate::errno::Errno;
use crate::mm::UserSlice;
use crate::mutant::{self, Mutant};
use crate::process::Fault;

/// As the ABI wants the stack pointer where a function begins: 8 bytes off a multiple of this.
const FRAME_ALIGNMENT: u64 = 16;
const RETURN_ADDRESS_BYTES: u64 = 8;

/// A signal, and what is to be done about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub(super) signal: Signal,
    pub(super) origin: Origin,
    pub(super) action: Action,
}

/// Where on a program's stack the parts of a frame go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    frame: u64,
    fp_state: u64,
}

/// Has the program go on in the handler. EFAULT when its frame finds no place.
pub(super) fn enter(registers: &mut TrapFrame, handler: u64, taken: Taken) -> Result<(), Errno> {
    let Taken {
        signal,
        origin,
        action,
    } = taken;
    let restorer = action.restorer().ok_or(Errno::EFAULT)?;
    let (mask, alternate_stack, fp_state, exception) = table::with_thread(|thread| {
        (
            thread.suspended_mask.unwrap_or(thread.signal_mask),
            thread.alternate_stack,
            thread.user_state.take_image(),
            thread.exception,
        )
    });
    let place = place(registers.stack(), action, alternate_stack)?;
    let kept = Kept {
        alternate_stack: alternate_stack.to_words(),
        exception: exception.map_or([0; 3], Fault::words),
        fp_state: place.fp_state,
        mask: mask.bits(),
    };
    let frame = SignalFrame::new(registers, restorer, &kept, &origin.info(signal));
    copy::copy_out(UserSlice::new(place.fp_state, FPSTATE_BYTES as u64)?, &fp_state)?;
    copy::copy_out(
        UserSlice::new(place.frame, SIGNAL_FRAME_BYTES as u64)?,
        frame.as_bytes(),
    )?;
    registers.enter_handler(handler, signal.number(), place.frame);
    table::with_table(|table| {
        let thread = table.current_thread();
        thread.suspended_mask = None;
        if alternate_stack.disarms_itself() {
            thread.alternate_stack = AlternateStack::NONE;
        }
        let mask = thread.signal_mask.union(action.mask());
        let mask = if action.has(SA_NODEFER) {
            mask
        } else {
            mask.with(signal)
        };
        set_mask(table, mask);
    });
    Ok(())
}

/// EFAULT for a frame that would not lie on the alternate stack that it belongs on.
fn place(stack_pointer: u64, action: Action, alternate: AlternateStack) -> Result<Place, Errno> {
    let red_zone = if mutant::is(Mutant::RedZoneOverwritten) {
        0
    } else {
        RED_ZONE_BYTES
    };
    let below = stack_pointer.wrapping_sub(red_zone);
    let entered = action.has(SA_ONSTACK).then(|| alternate.top_for(below)).flatten();
    let top = entered.unwrap_or(below);
    let fp_state = top.wrapping_sub(FPSTATE_BYTES as u64) / FPSTATE_ALIGNMENT * FPSTATE_ALIGNMENT;
    let frame = fp_state.wrapping_sub(SIGNAL_FRAME_BYTES as u64) / FRAME_ALIGNMENT * FRAME_ALIGNMENT;
    let frame = frame.wrapping_sub(RETURN_ADDRESS_BYTES);
    let is_on_alternate = entered.is_some() || alternate.holds(below);
    if is_on_alternate && !alternate.contains(frame) {
        return Err(Errno::EFAULT);
    }
    Ok(Place { frame, fp_state })
}

/// rt_sigreturn: the program goes on where the handler has interrupted it, or where it says that this was. A frame that cannot be
/// read, or that holds what no program may have, is a SIGSEGV.
pub(crate) fn sigreturn(registers: &mut TrapFrame) {
    if restore(registers).is_err() && !force(Signal::new(SIGSEGV), Origin::kernel(SI_KERNEL)) {
        exit::end(SIGSEGV);
    }
}

fn restore(registers: &mut TrapFrame) -> Result<(), Errno> {
    // The handler's return has taken the address of the restorer from the stack.
    let start = registers.stack().wrapping_sub(RETURN_ADDRESS_BYTES);
    let mut frame = [0; SIGNAL_FRAME_BYTES];
    copy::copy_in(UserSlice::new(start, SIGNAL_FRAME_BYTES as u64)?, &mut frame)?;
    let frame = SignalFrame::from_bytes(frame);
    if !mutant::is(Mutant::SigreturnKeepsMask) {
        table::with_table(|table| set_mask(table, SignalSet::from_bits(frame.mask())));
    }
    frame.restore(registers)?;
    let mut fp_state = [0; FPSTATE_BYTES];
    if frame.fp_state() != 0 {
        let from = UserSlice::new(frame.fp_state(), FPSTATE_BYTES as u64)?;
        copy::copy_in(from, &mut fp_state)?;
    }
    let stack_pointer = registers.stack();
    table::with_thread(|thread| {
        if frame.fp_state() == 0 {
            thread.user_state.reset();
        } else {
            thread.user_state.replace(&fp_state)?;
        }
        let stack = AlternateStack::from_words(frame.alternate_stack());
        // A stack that cannot be had is not had: so it is on Linux.
        if let Ok(stack) = thread.alternate_stack.replaced_by(stack, stack_pointer) {
            thread.alternate_stack = stack;
        }
        thread.restart = None;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use abi::linux::signal::{SA_RESTORER, SIGACTION_BYTES};

    use super::*;

    fn action(flags: u64) -> Action {
        let mut bytes = [0; SIGACTION_BYTES];
        bytes[8..16].copy_from_slice(&(flags | SA_RESTORER).to_le_bytes());
        Action::from_bytes(&bytes)
    }

    #[test]
    fn a_frame_leaves_the_red_zone_alone_and_is_aligned_as_a_called_functions() {
        for stack_pointer in [0x20000, 0x20008, 0x1fff1] {
            let Place { frame, fp_state } = place(stack_pointer, action(0), AlternateStack::NONE).unwrap();
            assert!(fp_state + FPSTATE_BYTES as u64 <= stack_pointer - RED_ZONE_BYTES);
            assert!(frame + SIGNAL_FRAME_BYTES as u64 <= fp_state);
            assert_eq!((frame % 16, fp_state % 64), (8, 0));
        }
    }

    #[test]
    fn a_frame_lies_on_the_alternate_stack_or_nowhere() {
        let large = AlternateStack::from_words([0x40000, 0, 0x2000]);
        let page = |from, stack| place(from, action(SA_ONSTACK), stack).map(|place| place.frame >> 12);
        assert_eq!(page(0x20000, large), Ok(0x41));
        assert_eq!(page(0x41800, large), Ok(0x41));
        assert_eq!(page(0x40200, large), Err(Errno::EFAULT));
        let small = AlternateStack::from_words([0x40000, 0, 0x200]);
        assert_eq!(page(0x20000, small), Err(Errno::EFAULT));
        assert_eq!(page(0x20000, AlternateStack::NONE), Ok(0x1f));
    }
}
