//! One operation, from its arguments to its result.

use core::time::Duration;

use abi::linux::errno::ENOSYS;
use abi::operation::{
    BRK, EXEC, EXECVE, EXIT, FAIL_NTH, FILL, FORK, GETPPID, KILL, MADVISE, MMAP, MMAP_FILE, MPROTECT, MUNMAP,
    PAGEMAP, POWER_OFF, READ, SCHED_YIELD, SHADOWPT_OPEN, SLEEP, SPIN, SYSTEM_CALL, TOUCH_STACK, WAIT, WRITE,
};
use guest_user::syscall::process::{self, Fork};
use guest_user::syscall::{Errno, time, to_raw};

use crate::transport::Transport;
use crate::{exec, hello, memory, own_calls, pagemap, stack};

/// Performs operation `code` and replies, if the operation has a reply and this process is the one to give it.
pub(crate) fn perform(transport: &mut impl Transport, code: u64) {
    let result = match code {
        MMAP => memory::mmap(transport),
        MUNMAP => memory::munmap(transport),
        MPROTECT => memory::mprotect(transport),
        MADVISE => memory::madvise(transport),
        BRK => Ok(memory::brk(transport)),
        READ => memory::read(transport),
        WRITE => memory::write(transport),
        FILL => Ok(memory::fill(transport)),
        TOUCH_STACK => Ok(stack::touch(transport)),
        FORK => match fork(transport) {
            Ok(Fork::Child) => return,
            Ok(Fork::Parent(child)) => Ok(child as u64),
            Err(errno) => Err(errno),
        },
        EXIT => process::exit(transport.argument(0) as i32),
        WAIT => wait(transport),
        SCHED_YIELD => {
            process::sched_yield();
            Ok(0)
        }
        EXEC => exec::exec(transport),
        EXECVE => Err(exec::execve(transport)),
        KILL => process::kill(transport.argument(0) as i32, transport.argument(1)),
        SLEEP => time::nanosleep(Duration::from_nanos(transport.argument(0)).into()),
        GETPPID => Ok(process::parent_process_id() as u64),
        SPIN => spin(),
        SYSTEM_CALL => own_calls::system_call(transport),
        SHADOWPT_OPEN => own_calls::shadowpt_open(transport),
        MMAP_FILE => memory::mmap_file(transport),
        FAIL_NTH => own_calls::fail_nth(transport.argument(0)),
        PAGEMAP => pagemap::pagemap(transport),
        POWER_OFF => Err(transport.power_off()),
        _ => Err(Errno(ENOSYS)),
    };
    transport.complete(to_raw(result));
}

fn fork(transport: &mut impl Transport) -> Result<Fork, Errno> {
    // Read before there are two who could ask.
    let channel = transport.argument(0);
    let forked = process::fork()?;
    if forked == Fork::Child {
        transport.switch_to(channel);
        hello(transport);
    }
    Ok(forked)
}

fn wait(transport: &mut impl Transport) -> Result<u64, Errno> {
    let pid = transport.argument(0) as i32;
    let options = transport.argument(1);
    match process::wait(pid, options)? {
        Some(ended) => {
            transport.value(u64::from(ended.status.0));
            Ok(ended.pid as u64)
        }
        None => Ok(0),
    }
}

/// Keeps the processor for as long as the kernel leaves it to us.
fn spin() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
