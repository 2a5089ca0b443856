//! Whatever a guest answers, a step ends in an answer of ours: as expected, or a finding. Never in a panic.

use std::convert::Infallible;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Performed, Performer};
use crate::address::{FrameNumber, VirtAddr};
use crate::channel::{Channel, Operation, Reply};
use crate::drive::{Agents, Drive, End, Ends, Outcome, Ticked};
use crate::finding::Finding;
use crate::inspect::memory::FrameBytes;
use crate::scenario::{Operation as ScriptOperation, Scenario, Step};

/// Operations of every kind, so that each way to take an answer is walked.
const SCENARIO: &str = r#"{ "name": "hostile", "description": "Every operation.", "steps": [
    { "in": "a", "do": "mmap", "as": "buf", "pages": 2, "prot": "rw" },
    { "in": "a", "do": "mmap", "as": "over", "pages": 1, "prot": "rw", "at": "buf+1p" },
    { "in": "a", "do": "write", "at": "buf", "text": "text" },
    { "in": "a", "do": "write", "at": "buf", "fill": { "byte": 1, "bytes": 8192 } },
    { "in": "a", "do": "read", "at": "buf", "zeros": 8192 },
    { "in": "a", "do": "brk", "pages": 2 },
    { "in": "a", "do": "brk", "pages": -1 },
    { "in": "a", "do": "touch_stack", "as": "deep", "pages": 3 },
    { "in": "a", "do": "mprotect", "at": "buf", "pages": 1, "prot": "r" },
    { "in": "a", "do": "madvise", "at": "buf", "pages": 2, "advice": "dontneed", "errno": "ENOMEM" },
    { "in": "a", "do": "fork", "as": "b" },
    { "in": "a", "do": "wait", "for": "b", "status": { "exit": 0 }, "blocks": true },
    { "in": "b", "do": "sched_yield" },
    { "in": "b", "do": "exit", "status": 0 },
    { "in": "a", "do": "finish" },
    { "in": "a", "do": "exec", "program": "hello", "output": "hello" },
    { "in": "a", "do": "exec", "program": "hello", "nonce": true },
    { "in": "a", "do": "fork", "as": "d" },
    { "in": "d", "do": "getppid", "is": "a" },
    { "in": "d", "do": "execve", "program": "agent" },
    { "in": "a", "do": "kill", "of": "d", "signal": "SIGCHLD" },
    { "in": "d", "do": "sleep", "ms": 20, "blocks": true },
    { "tick": 2 },
    { "in": "d", "do": "finish" },
    { "in": "a", "do": "sleep", "ms": 20 },
    { "in": "a", "do": "kill", "of": "d", "signal": "SIGKILL" },
    { "in": "a", "do": "fork_until", "as": "c", "errno": "ENOMEM", "limit": 5 },
    { "in": "a", "do": "mmap", "as": "text", "pages": 1, "prot": "r", "file": "secret" },
    { "in": "a", "do": "stack_room", "as": "room", "pages": 3 },
    { "in": "a", "do": "fail_nth", "nth": 2 },
    { "in": "a", "do": "fork", "as": "e" },
    { "in": "a", "do": "shadowpt_open", "of": "e", "from": "buf", "to": "buf+2p", "entries": "over" },
    { "in": "a", "do": "shadowpt_start" },
    { "in": "a", "do": "shadowpt_stop" },
    { "in": "a", "do": "shadowpt_page_contents", "of": "e:buf", "into": "buf" },
    { "in": "a", "do": "shadowpt_close" },
    { "in": "a", "do": "pagemap", "of": "e:buf", "is": ["present", "none"] },
    { "in": "a", "do": "copy_to_user", "at": "buf+1p", "text": "text", "count": 3 },
    { "in": "a", "do": "copy_to_user", "at": "0xffffffffffffffff", "text": "text" },
    { "in": "a", "do": "copy_from_user", "at": "buf", "zeros": 4096 },
    { "in": "a", "do": "copy_from_user", "at": "0x0", "text": "text", "errno": "EFAULT" },
    { "in": "a", "do": "mem_write", "at": "e:buf+1p+8", "fill": { "byte": 2, "bytes": 4000 } },
    { "in": "a", "do": "mem_read", "at": "e:buf", "text": "text", "count": 2 },
    { "in": "a", "do": "mmap", "as": "near", "pages": 2, "prot": "rw", "at": "buf+100", "placement": "hint" },
    { "in": "a", "do": "mmap", "as": "wraps", "pages": 20, "prot": "rw", "at": "0xfffffffffffff000", "placement": "hint" },
    { "in": "a", "do": "mmap", "as": "last", "pages": 20, "prot": "rw", "at": "0xfffffffffffff000" },
    { "in": "a", "do": "mprotect", "at": "buf", "bytes": "0xffffffffffffffff", "prot": "r", "errno": "ENOMEM" },
    { "in": "a", "do": "munmap", "at": "0xffff800000000000", "bytes": "0xffffffffffffffff", "errno": "EINVAL" },
    { "in": "a", "do": "madvise", "at": "buf", "bytes": 1, "advice": "wipeonfork" },
    { "in": "a", "do": "madvise", "at": "buf+1p", "bytes": 1, "advice": "dontfork" },
    { "in": "e", "do": "setuid", "uid": 7 },
    { "in": "a", "do": "munmap", "at": "buf", "pages": 2 } ] }"#;

/// What programs print.
const OUTPUT: &[u8] = b"\xff\0\x1b[2J\xe2\x80\xae\nPASS forged";

/// Answers as it is told, one after the other and over again.
struct Liar {
    agents: Agents,
    outcomes: Vec<Outcome>,
    asked: usize,
}

impl Liar {
    fn answer(&mut self) -> Outcome {
        self.asked += 1;
        self.outcomes[self.asked % self.outcomes.len()].clone()
    }
}

impl Drive for Liar {
    type Error = Infallible;

    fn agents(&self) -> &Agents {
        &self.agents
    }

    fn perform(&mut self, _: Channel, _: Operation) -> Result<Outcome, Infallible> {
        Ok(self.answer())
    }

    fn start(&mut self, _: Channel, _: Operation) -> Result<Outcome, Infallible> {
        Ok(self.answer())
    }

    fn replace(&mut self, _: Channel, _: Operation) -> Result<Outcome, Infallible> {
        Ok(self.answer())
    }

    fn agent_arguments(&self, _: Channel) -> Vec<String> {
        Vec::new()
    }

    fn await_end(&mut self, _: Channel) -> Result<End, Infallible> {
        Ok(self.answer().as_end())
    }

    fn tick(&mut self, _: u64) -> Result<Ticked, Infallible> {
        Ok(Ticked::NotTaken { taken: 0 })
    }

    fn ticks_taken(&self, channel: Channel) -> Option<u64> {
        Some(channel.number())
    }

    fn finish(&mut self, _: Channel) -> Result<Outcome, Infallible> {
        Ok(self.answer())
    }

    fn fork(&mut self, _: Channel, name: &str) -> Result<Option<(Channel, Outcome)>, Infallible> {
        let Some(child) = self.agents.free_channel() else {
            return Ok(None);
        };
        self.agents.expect(child, name, Some(1));
        Ok(Some((child, self.answer())))
    }

    fn meet(&mut self, _: Channel) -> Result<Outcome, Infallible> {
        Ok(self.answer())
    }

    fn lost(&mut self, channel: Channel) {
        self.agents.lost(channel, Ends::Reported);
    }

    fn page(&mut self, _: Channel, _: VirtAddr) -> Option<(FrameNumber, FrameBytes)> {
        Some((FrameNumber(self.asked as u64), FrameBytes::zeroed()))
    }

    fn sees_memory(&self) -> bool {
        true
    }

    fn await_output(&mut self, _: &str, _: &[String]) {}

    fn await_no_output(&mut self) {}

    fn take_output(&mut self) -> Result<Vec<u8>, Infallible> {
        Ok(OUTPUT.to_vec())
    }
}

/// Numbers at the edges of what the harness computes with, and any other.
fn number() -> impl Strategy<Value = u64> {
    let edges = [
        0,
        1,
        4096,
        1 << 47,
        u64::MAX,
        u64::MAX - 4095,
        i64::MAX as u64,
        i64::MIN as u64,
    ];
    prop_oneof![
        proptest::sample::select(edges.to_vec()),
        any::<u64>(),
        any::<u64>().prop_map(|any| any & !4095)
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let reply = (number(), number(), vec(any::<u8>(), 0..4096));
    let replied = reply.prop_map(|(result, value, data)| {
        Outcome::Replied(Reply {
            result: result.cast_signed(),
            value,
            data,
        })
    });
    prop_oneof![
        8 => replied,
        1 => any::<u32>().prop_map(Outcome::Ended),
        1 => Just(Outcome::Silent),
        1 => Just(Outcome::GuestEnded),
    ]
}

proptest! {
    #[test]
    fn no_answer_makes_a_step_panic(outcomes in vec(outcome(), 1..20)) {
        let scenario = Scenario::parse("hostile.json", SCENARIO, &["agent".to_owned(), "hello".to_owned()]).unwrap();
        let liar = Liar { agents: Agents::default(), outcomes, asked: 0 };
        let mut performer = Performer::new(liar);
        performer.driver.agents.expect(Channel::FIRST, "init", None);
        let Ok(_) = performer.begin(scenario.first_process());
        for step in &scenario.steps {
            let Step::Operation(step) = step else { continue };
            // A run would end with the first surprise, and so never finish a call that does not wait.
            if step.operation != ScriptOperation::Finish || !performer.waiting.is_empty() {
                let Ok(_) = performer.step(step);
            }
        }
    }
}

/// The first step that reads, performed when memory holds these bytes.
fn read(bytes: Vec<u8>) -> Performed {
    let text = r#"{ "name": "read", "description": "Two pages.", "steps": [
        { "in": "a", "do": "mmap", "as": "buf", "pages": 3, "prot": "rw" },
        { "in": "a", "do": "read", "at": "buf+1p+4000", "zeros": 4096 } ] }"#;
    let scenario = Scenario::parse("read.json", text, &[]).unwrap();
    let answer = |result, data| {
        Outcome::Replied(Reply {
            result,
            value: 0,
            data,
        })
    };
    let mut performer = Performer::new(Liar {
        agents: Agents::default(),
        outcomes: vec![answer(4096, bytes), answer(0x10_0000, Vec::new())],
        asked: 0,
    });
    performer.driver.agents.expect(Channel::FIRST, "a", None);
    let mut last = None;
    for step in &scenario.steps {
        let Step::Operation(step) = step else { continue };
        let Ok(performed) = performer.step(step);
        last = Some(performed);
    }
    last.unwrap()
}

#[test]
fn a_wrong_read_names_the_page_that_differs() {
    let with = |differs: usize| {
        let mut bytes = vec![0; 4096];
        bytes[differs] = b'x';
        let performed = read(bytes);
        let Finding { place, found, .. } = performed.findings[0].clone();
        (place.to_string(), found.to_string())
    };
    assert!(read(vec![0; 4096]).findings.is_empty());
    let told = |place: &str, found: &str| (place.to_owned(), found.to_owned());
    assert_eq!(with(5), told("a:buf+1p+4000", "\"x\" from byte 5 on"));
    assert_eq!(with(96 + 7), told("a:buf+2p", "\"x\" from byte 7 on"));
    let short = read(vec![0; 200]);
    assert_eq!(short.findings[0].place, "a:buf+2p");
}

#[test]
fn what_a_program_prints_is_told_on_lines_of_its_own_that_hide_nothing() {
    let scenario = Scenario::parse(
        "hostile.json",
        SCENARIO,
        &["agent".to_owned(), "hello".to_owned()],
    )
    .unwrap();
    let outcomes = vec![Outcome::Replied(Reply::default())];
    let mut performer = Performer::new(Liar {
        agents: Agents::default(),
        outcomes,
        asked: 0,
    });
    let is_exec = |step: &&Step| matches!(step, Step::Operation(step) if matches!(step.operation, ScriptOperation::Exec { .. }));
    let Some(Step::Operation(exec)) = scenario.steps.iter().find(is_exec) else {
        unreachable!("the scenario runs a program")
    };
    performer.driver.agents.expect(Channel::FIRST, "a", None);
    let Ok(performed) = performer.step(exec);
    for found in performed.findings.iter().map(|finding| &finding.found) {
        assert!(found.contains("\\u{0}\\u{1b}[2J\\u{202e}"), "{found}");
        assert!(!found.lines().any(|line| line.starts_with("PASS")), "{found}");
    }
}
