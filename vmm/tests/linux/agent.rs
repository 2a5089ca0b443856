//! The agent, driven as an ordinary process of this Linux: what it answers here is what a guest is compared with.

use std::time::{Duration, Instant};

use abi::PAGE_SIZE;
use abi::linux::errno::{EINVAL, ENOMEM, ENOSYS};
use abi::linux::mman::{MADV_DONTNEED, MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_NONE, PROT_READ};
use abi::linux::process::{SIGSEGV, WAIT_EXIT_SHIFT, WNOHANG};
use abi::operation::{
    BRK, EXEC, EXEC_FAILED, EXIT, FILL, FORK, MADVISE, MMAP, MPROTECT, MUNMAP, POWER_OFF, READ, SCHED_YIELD,
    TOUCH_STACK, WAIT, WRITE, YIELD,
};
use vmm::channel::{Channel, Hello, Reply};
use vmm::linux_reference::{CHANNELS, LinuxAgent, Received, ReferenceError};

use crate::agents::{Agents, TIMEOUT};
use crate::image::program;

/// How long nothing must come before it counts as not coming.
const SILENCE: Duration = Duration::from_millis(100);
const ANY_CHILD: u64 = -1_i64 as u64;

#[test]
fn the_first_agent_introduces_itself_as_a_child_of_the_harness() {
    let agents = Agents::spawn();
    let ids = agents.ids(0);
    assert_eq!(ids.parent, std::process::id());
    assert_ne!(ids.pid, ids.parent);
}

#[test]
fn what_is_written_is_read_back_and_the_bytes_around_it_stay() {
    let mut agents = Agents::spawn();
    let page = agents.map(0, MAP_PRIVATE);
    let text = b"eleven byte";
    assert_eq!(agents.write(0, page + 3, text), 11);
    assert_eq!(agents.read(0, page, 16), b"\0\0\0eleven byte\0\0");
    assert_eq!(agents.result(0, FILL, &[page + 4, 2, u64::from(b'x')]), 2);
    assert_eq!(agents.read(0, page + 3, 11), b"exxven byte");
}

#[test]
fn a_whole_page_goes_both_ways() {
    let mut agents = Agents::spawn();
    let page = agents.map(0, MAP_PRIVATE);
    let contents: Vec<u8> = (0..PAGE_SIZE).map(|offset| (offset % 251) as u8).collect();
    assert_eq!(agents.write(0, page, &contents), PAGE_SIZE as i64);
    assert_eq!(agents.read(0, page, PAGE_SIZE), contents);
}

#[test]
fn a_transfer_that_fits_in_no_message_is_refused() {
    let mut agents = Agents::spawn();
    let page = agents.map(0, MAP_PRIVATE);
    assert_eq!(agents.result(0, READ, &[page, PAGE_SIZE + 1]), -i64::from(EINVAL));
    assert_eq!(
        agents.result(0, WRITE, &[page, PAGE_SIZE + 1]),
        -i64::from(EINVAL)
    );
}

#[test]
fn results_and_error_numbers_are_the_system_calls_own() {
    let mut agents = Agents::spawn();
    assert_eq!(
        agents.result(0, MMAP, &[0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS]),
        -i64::from(EINVAL)
    );
    let page = agents.map(0, MAP_PRIVATE);
    assert_eq!(agents.result(0, MPROTECT, &[page, PAGE_SIZE, PROT_NONE]), 0);
    assert_eq!(
        agents.result(0, MPROTECT, &[page + 1, PAGE_SIZE, PROT_NONE]),
        -i64::from(EINVAL)
    );
    assert_eq!(agents.result(0, MUNMAP, &[page, PAGE_SIZE]), 0);
    assert_eq!(
        agents.result(0, MADVISE, &[page, PAGE_SIZE, MADV_DONTNEED]),
        -i64::from(ENOMEM)
    );
    assert_eq!(agents.result(0, SCHED_YIELD, &[]), 0);
    assert_eq!(agents.result(0, u64::MAX, &[]), -i64::from(ENOSYS));
}

#[test]
fn the_break_is_asked_for_with_0_and_moves() {
    let mut agents = Agents::spawn();
    let start = agents.result(0, BRK, &[0]);
    let end = start + PAGE_SIZE as i64;
    assert_eq!(agents.result(0, BRK, &[end as u64]), end);
    assert_eq!(agents.write(0, start as u64, b"heap"), 4);
    assert_eq!(agents.read(0, start as u64, 4), b"heap");
}

#[test]
fn the_stack_grows_page_by_page_and_holds_the_byte_at_the_start_of_each() {
    let mut agents = Agents::spawn();
    let current = agents.call(0, TOUCH_STACK, &[0, 0]).value;
    let pages = 40;
    let reply = agents.call(0, TOUCH_STACK, &[pages, 0x5a]);
    assert_eq!(reply.result, pages as i64);
    assert_eq!(reply.value, current - pages * PAGE_SIZE);
    for page in 0..pages {
        assert_eq!(
            agents.read(0, reply.value + page * PAGE_SIZE, 2),
            [0x5a, 0],
            "page {page} from the lowest"
        );
    }
}

#[test]
fn the_agent_maps_nothing_for_itself() {
    let mut agents = Agents::spawn();
    let pid = agents.ids(0).pid;
    let maps = || std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let before = maps();
    let page = agents.map(0, MAP_PRIVATE);
    let with_page = maps();
    assert_eq!(agents.write(0, page, b"text"), 4);
    assert_eq!(agents.exec(0, &["hello", "there"]).value, 0);
    assert_eq!(maps(), with_page);
    assert_eq!(agents.result(0, MUNMAP, &[page, PAGE_SIZE]), 0);
    assert_eq!(maps(), before);
    assert_ne!(before, with_page);
}

#[test]
fn a_forked_child_speaks_on_its_own_channel_and_has_its_own_memory() {
    let mut agents = Agents::spawn();
    let private = agents.map(0, MAP_PRIVATE);
    let shared = agents.map(0, MAP_SHARED);
    agents.write(0, private, b"before");
    let child = agents.fork(0, 1);
    assert_eq!(
        agents.ids(1),
        Hello {
            pid: child,
            parent: agents.ids(0).pid
        }
    );

    assert_eq!(agents.read(1, private, 6), b"before");
    agents.write(1, private, b"CHILD!");
    agents.write(1, shared, b"CHILD!");
    assert_eq!(agents.read(0, private, 6), b"before");
    assert_eq!(agents.read(0, shared, 6), b"CHILD!");
}

#[test]
fn a_child_that_exits_is_dead_and_its_parent_gets_the_status() {
    let mut agents = Agents::spawn();
    let child = agents.fork(0, 1);
    assert_eq!(
        agents.call(0, WAIT, &[ANY_CHILD, WNOHANG]),
        Reply {
            result: 0,
            value: 0,
            data: vec![]
        }
    );
    agents.send(1, EXIT, &[300]);
    assert_eq!(agents.receive(1), Received::Died);
    let reply = agents.call(0, WAIT, &[u64::from(child), 0]);
    assert_eq!(reply.result, i64::from(child));
    assert_eq!(reply.value, (300 & 0xff) << WAIT_EXIT_SHIFT);
}

#[test]
fn a_fault_ends_the_process_with_a_signal_and_without_a_core_dump() {
    let mut agents = Agents::spawn();
    let page = agents.map(0, MAP_PRIVATE);
    for (code, arguments) in [(READ, [page, 1, 0]), (WRITE, [page, 1, 0]), (FILL, [page, 1, 7])] {
        let child = agents.fork(0, 1);
        assert_eq!(agents.result(1, MPROTECT, &[page, PAGE_SIZE, PROT_NONE]), 0);
        agents.send(1, code, &arguments);
        assert_eq!(agents.receive(1), Received::Died, "operation {code}");
        let reply = agents.call(0, WAIT, &[ANY_CHILD, 0]);
        assert_eq!(
            (reply.result, reply.value),
            (i64::from(child), u64::from(SIGSEGV)),
            "operation {code}"
        );
    }
}

#[test]
fn what_a_process_said_before_it_died_counts_first() {
    let mut agents = Agents::spawn();
    agents.fork(0, 1);
    agents.send(1, SCHED_YIELD, &[]);
    agents.send(1, EXIT, &[0]);
    // Only its death makes the parent's wait return: by then both have happened.
    agents.result(0, WAIT, &[ANY_CHILD, 0]);
    assert!(matches!(
        agents.receive(1),
        Received::Reply(Reply { result: 0, .. })
    ));
    assert_eq!(agents.receive(1), Received::Died);
}

#[test]
fn a_hello_is_heard_even_when_the_process_is_gone_already() {
    let mut agents = Agents::spawn();
    agents.send(0, FORK, &[1]);
    assert!(matches!(agents.receive(0), Received::Reply(_)));
    agents.send(1, EXIT, &[0]);
    agents.result(0, WAIT, &[ANY_CHILD, 0]);
    assert!(matches!(agents.receive(1), Received::Hello(_)));
    assert_eq!(agents.receive(1), Received::Died);
}

#[test]
fn orphans_become_children_of_the_first_agent() {
    let mut agents = Agents::spawn();
    let child = agents.fork(0, 1);
    let grandchild = agents.fork(1, 2);
    agents.send(1, EXIT, &[1]);
    assert_eq!(agents.result(0, WAIT, &[ANY_CHILD, 0]), i64::from(child));
    agents.send(2, EXIT, &[2]);
    let reply = agents.call(0, WAIT, &[ANY_CHILD, 0]);
    assert_eq!(
        (reply.result, reply.value),
        (i64::from(grandchild), 2 << WAIT_EXIT_SHIFT)
    );
}

#[test]
fn a_blocked_process_times_out_and_its_reply_comes_later() {
    let mut agents = Agents::spawn();
    let child = agents.fork(0, 1);
    agents.send(0, WAIT, &[ANY_CHILD, 0]);
    assert_eq!(
        agents.linux.receive(Channel::FIRST, SILENCE).unwrap(),
        Received::TimedOut
    );
    agents.send(1, EXIT, &[0]);
    assert!(matches!(agents.receive(0), Received::Reply(reply) if reply.result == i64::from(child)));
}

#[test]
fn a_channel_can_be_used_again_by_a_later_process() {
    let mut agents = Agents::spawn();
    let mut last = 0;
    for _ in 0..3 {
        let child = agents.fork(0, CHANNELS - 1);
        assert_ne!(child, last);
        agents.send(CHANNELS - 1, EXIT, &[0]);
        assert_eq!(agents.receive(CHANNELS - 1), Received::Died);
        assert_eq!(agents.linux.process(Channel::new(CHANNELS - 1).unwrap()), None);
        agents.result(0, WAIT, &[ANY_CHILD, 0]);
        last = child;
    }
}

#[test]
fn a_program_runs_as_a_child_with_its_arguments_and_output() {
    let mut agents = Agents::spawn();
    let reply = agents.exec(0, &["hello", "two words", ""]);
    assert!(reply.result > 0);
    assert_eq!(reply.value, 0);
    let output = String::from_utf8(agents.linux.output().unwrap()).unwrap();
    assert_eq!(
        output,
        "hello\nargv[0] = hello\nargv[1] = two words\nargv[2] = \n"
    );

    assert_eq!(agents.exec(0, &["exit-status", "7"]).value, 7 << WAIT_EXIT_SHIFT);
    assert_eq!(agents.exec(0, &["fault", "null-read"]).value, u64::from(SIGSEGV));
    assert_eq!(
        agents.exec(0, &["no such program"]).value,
        (EXEC_FAILED as u64) << WAIT_EXIT_SHIFT
    );
}

#[test]
fn an_argument_list_without_its_strings_is_refused() {
    let mut agents = Agents::spawn();
    for (payload, count) in [(b"hello\0".as_slice(), 0), (b"hello\0", 2), (b"hello", 1)] {
        agents.send_with(0, EXEC, &[payload.len() as u64, count], payload);
        let refused = Received::Reply(Reply {
            result: -i64::from(EINVAL),
            value: 0,
            data: vec![],
        });
        assert_eq!(agents.receive(0), refused, "{count} strings");
    }
}

#[test]
fn yield_has_no_reply() {
    let mut agents = Agents::spawn();
    agents.send(0, YIELD, &[]);
    assert_eq!(
        agents.linux.receive(Channel::FIRST, SILENCE).unwrap(),
        Received::TimedOut
    );
    assert_eq!(agents.result(0, SCHED_YIELD, &[]), 0);
}

#[test]
fn power_off_ends_the_agent_and_not_this_machine() {
    let mut agents = Agents::spawn();
    assert_eq!(agents.linux.first_status().unwrap(), None);
    agents.send(0, POWER_OFF, &[]);
    assert_eq!(agents.receive(0), Received::Died);
    assert_eq!(agents.linux.first_status().unwrap(), Some(0));
}

#[test]
fn the_first_agents_own_fault_shows_in_its_status() {
    let mut agents = Agents::spawn();
    agents.send(0, READ, &[0, 1]);
    assert_eq!(agents.receive(0), Received::Died);
    assert_eq!(agents.linux.first_status().unwrap(), Some(SIGSEGV));
}

#[test]
fn dropping_the_handle_ends_every_process() {
    let mut agents = Agents::spawn();
    agents.fork(0, 1);
    agents.fork(1, 2);
    // The grandchild is an orphan when the handle is dropped.
    agents.send(1, EXIT, &[0]);
    assert_eq!(agents.receive(1), Received::Died);
    let pids = [agents.ids(0).pid, agents.ids(2).pid];
    assert!(pids.iter().all(|pid| is_running(*pid)));
    drop(agents);
    let deadline = Instant::now() + TIMEOUT;
    while pids.iter().any(|pid| is_running(*pid)) {
        assert!(Instant::now() < deadline, "some of {pids:?} live on");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_program_that_is_no_agent_is_refused() {
    let refused = LinuxAgent::spawn(&program("hello"));
    assert!(matches!(refused, Err(ReferenceError::NotAnAgent { .. })));
    let missing = LinuxAgent::spawn(&program("agent").with_file_name("no such program"));
    assert!(matches!(missing, Err(ReferenceError::Launch { .. })));
}

#[test]
fn a_channel_past_the_last_is_refused() {
    let mut agents = Agents::spawn();
    let past_the_last = Channel::new(CHANNELS).unwrap();
    let refused = agents.linux.receive(past_the_last, SILENCE);
    assert!(
        matches!(refused, Err(ReferenceError::NoSuchChannel { channel, .. }) if channel == past_the_last)
    );
}

/// Whether the process exists and is no zombie.
fn is_running(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    // The state follows the name, which is in parentheses and may hold anything.
    let (_, after_name) = stat.rsplit_once(") ").unwrap();
    !after_name.starts_with('Z')
}
