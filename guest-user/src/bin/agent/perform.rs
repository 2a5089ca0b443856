//! One operation, from its arguments to its result.

use core::time::Duration;

use abi::linux::errno::ENOSYS;
use abi::operation::{
    BRK, COPY_FROM_USER, COPY_TO_USER, EXEC, EXECVE, EXIT, FAIL_NTH, FILL, FORK, GETPPID, KILL, MADVISE,
    MEM_READ, MEM_WRITE, MMAP, MMAP_FILE, MPROTECT, MUNMAP, PAGEMAP, PEEK_END, POWER_OFF, READ, SCHED_YIELD,
    SHADOWPT_OPEN, SLEEP, SPIN, SYSTEM_CALL, TOUCH_STACK, WAIT, WRITE,
};
use guest_user::syscall::{Errno, process, time, to_raw};

use crate::transport::Transport;
use crate::{Agent, exec, kernel_access, memory, own_calls, own_stack, pagemap, stack};

/// Performs operation `code` and replies, if the operation has a reply.
pub(crate) fn perform<T: Transport>(agent: &mut Agent<T>, code: u64) {
    let transport = &mut agent.transport;
    let result = match code {
        MMAP => memory::mmap(transport),
        MUNMAP => memory::munmap(transport),
        MPROTECT => memory::mprotect(transport),
        MADVISE => memory::madvise(transport),
        BRK => Ok(memory::brk(transport)),
        READ => memory::read(transport),
        WRITE => memory::write(transport),
        FILL => Ok(memory::fill(transport)),
        TOUCH_STACK => Ok(stack::touch(transport, agent.kernels_stack)),
        FORK => fork(agent),
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
        COPY_TO_USER => kernel_access::copy_to_user(transport),
        COPY_FROM_USER => kernel_access::copy_from_user(transport),
        MEM_WRITE => kernel_access::mem_write(transport),
        MEM_READ => kernel_access::mem_read(transport),
        PEEK_END => peek_end(transport),
        POWER_OFF => {
            let command = transport.argument(0);
            Err(transport.power_off(command))
        }
        _ => Err(Errno(ENOSYS)),
    };
    agent.transport.complete(to_raw(result));
}

fn fork<T: Transport>(agent: &mut Agent<T>) -> Result<u64, Errno> {
    let channel = agent.transport.argument(0);
    own_stack::fork(channel, agent.child(channel)).map(|pid| pid as u64)
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

fn peek_end(transport: &mut impl Transport) -> Result<u64, Errno> {
    let pid = transport.argument(0) as i32;
    match process::peek_end(pid)? {
        Some(ended) => {
            transport.value(u64::from(ended.status) | u64::from(ended.code) << 32);
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
