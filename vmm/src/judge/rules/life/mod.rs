//! The life of processes and threads, as the kernel reports it, held against the states that there are: see [`abi::thread`].
//!
//! A kernel that never reports a switch is not judged by this. One that does must tell of every change: who runs must have been
//! able to, who sleeps must have been woken, a zombie is taken once and by its parent, and an orphan has another parent before
//! its own is a zombie. Whenever an agent asks for its next operation, the thread that runs by the reports must be one of the
//! process that asks, with the page table that was reported for it: there the claims meet the truth.

mod history;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use abi::thread::{ENDED, RUNNABLE, SLEEPING, sleep_reason_name, thread_state_name};

pub use history::{History, Place, ProcessHistory, Transition};

use super::{StandingRule, View};
use crate::address::PhysAddr;
use crate::channel::Event;
use crate::finding::Finding;
use crate::finding::status_text;
use crate::inspect::walk::Root;
use crate::judge::account::Account;
use crate::judge::scene::Scene;
use crate::promise::Promise;
use crate::rule::Rule;
use crate::vm::{StopReason, VmError};

/// Most processes and threads that are kept track of; no guest of ours can have as many.
const MAX_TRACKED: usize = 1 << 14;
/// Most findings of one run: after the first ones the track is lost.
const MAX_FINDINGS: usize = 8;
/// The process that orphans go to.
const INIT: u32 = 1;
/// No thread runs.
const NOBODY: u32 = 0;

/// A thread that has not been replaced by another since it ended.
#[derive(Clone, Copy, Debug)]
struct Thread {
    process: u32,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
struct Process {
    parent: u32,
    page_table: PhysAddr,
    /// Wait status; None while it lives.
    status: Option<u32>,
}

/// What was wrong, about which process.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wrong {
    process: u32,
    expected: String,
    found: String,
}

/// Follows the reports of one run.
#[derive(Debug, Default)]
pub(in crate::judge) struct LifeRule {
    threads: BTreeMap<u32, Thread>,
    processes: BTreeMap<u32, Process>,
    running: u32,
    /// A switch has been reported.
    is_told: bool,
    wrong: Vec<Wrong>,
    history: History,
}

impl StandingRule for LifeRule {
    fn needs(&self) -> &'static [(Rule, Promise)] {
        &[(Rule::Life, Promise::Switches)]
    }

    fn note(&mut self, event: &Event) {
        if self.threads.len() + self.processes.len() > MAX_TRACKED {
            return self.wrong(NOBODY, "processes that can be kept track of", "too many");
        }
        match event {
            Event::Created {
                pid,
                parent,
                page_table,
            } => self.created(*pid, *parent, *page_table),
            Event::Executed { pid, page_table } => self.executed(*pid, *page_table),
            Event::Exited { pid, status } => self.exited(*pid, *status),
            Event::Reaped { pid } => self.reaped(*pid),
            Event::Adopted { pid, parent } => self.adopted(*pid, *parent),
            Event::ThreadCreated { thread, pid } => self.thread_created(*thread, *pid),
            Event::ThreadExited { thread, pid } => self.thread_exited(*thread, *pid),
            Event::Woken { thread } => self.woken(*thread),
            Event::Switched {
                next,
                previous,
                state,
                reason,
            } => {
                self.is_told = true;
                self.stopped(*previous, *state, *reason);
                self.started(*next);
            }
            _ => {}
        }
    }

    /// What the reports have broken since this was last called, and whether they agree with who rings.
    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        let scene = &*view.scene;
        if !self.is_told {
            return Ok(Vec::new());
        }
        self.step_ended();
        self.compare_with_ring(scene);
        let name = |pid: u32| {
            let agent = scene.agents.with_pid(pid.into());
            agent.map_or_else(|| format!("process {pid}"), |agent| agent.name.clone())
        };
        let wrong = self.wrong.drain(..);
        Ok(wrong
            .map(|wrong| Finding::new(Rule::Life, name(wrong.process), wrong.expected, wrong.found))
            .collect())
    }

    /// Nobody but init is left when all processes have ended and been waited for.
    fn at_end(&mut self, _account: &Account, _scene: &Scene<'_>) -> Vec<Finding> {
        self.left_over()
    }
}

impl LifeRule {
    /// Who is still there, or has not been taken, beside init.
    fn left_over(&self) -> Vec<Finding> {
        let left = self
            .processes
            .iter()
            .filter(|(pid, _)| self.is_told && **pid != INIT);
        left.map(|(pid, process)| {
            let found = match process.status {
                None => "it has not ended".to_owned(),
                Some(status) => format!("a zombie that {}", status_text(status)),
            };
            Finding::new(Rule::Life, format!("process {pid}"), "taken by its parent", found)
        })
        .take(MAX_FINDINGS)
        .collect()
    }

    /// What became of each process.
    pub(in crate::judge) fn history(&self) -> &History {
        &self.history
    }

    fn created(&mut self, pid: u32, parent: u32, page_table: PhysAddr) {
        if self.processes.contains_key(&pid) || self.threads.contains_key(&pid) {
            self.wrong(pid, "a number that is free", "one that is taken");
        }
        if parent != NOBODY && self.process_that_runs() != parent {
            self.wrong(pid, "made by its parent", "made while another process runs");
        }
        let (status, place) = (None, Place::Runnable);
        self.processes.insert(
            pid,
            Process {
                parent,
                page_table,
                status,
            },
        );
        self.threads.insert(pid, Thread { process: pid, place });
        self.history.begin(pid, parent);
        self.history.step(pid, Place::Nowhere, place, "fork");
    }

    fn executed(&mut self, pid: u32, page_table: PhysAddr) {
        if self.process_that_runs() != pid {
            self.wrong(pid, "execve by the process that runs", "by another one");
        }
        if let Some(process) = self.processes.get_mut(&pid) {
            process.page_table = page_table;
        }
        self.history.step(pid, Place::Running, Place::Running, "execve");
    }

    fn thread_created(&mut self, tid: u32, pid: u32) {
        if self.threads.contains_key(&tid) {
            self.wrong(pid, "a thread number that is free", "one that is taken");
        }
        if self.process_that_runs() != pid {
            self.wrong(
                pid,
                "a thread made by its process",
                "made while another process runs",
            );
        }
        let place = Place::Runnable;
        self.threads.insert(tid, Thread { process: pid, place });
        self.history.step(pid, Place::Nowhere, place, "clone");
    }

    fn thread_exited(&mut self, tid: u32, pid: u32) {
        if self.running != tid {
            self.wrong(pid, "the end of the thread that runs", "the end of another one");
        }
        self.move_thread(tid, Place::Ended, "exit of a thread");
    }

    fn exited(&mut self, pid: u32, status: u32) {
        if self.process_that_runs() != pid {
            self.wrong(pid, "the end of the process that runs", "the end of another one");
        }
        let orphan = self.processes.iter().find(|(_, process)| process.parent == pid);
        if let Some((&orphan, _)) = orphan {
            self.wrong(
                orphan,
                "adopted by init before its parent is a zombie",
                "left to it",
            );
        }
        match self.processes.get_mut(&pid) {
            Some(process) if process.status.is_none() => process.status = Some(status),
            Some(_) => self.wrong(pid, "one end", "a second one"),
            None => self.wrong(
                pid,
                "the end of a process that there is",
                "of one that there is not",
            ),
        }
        self.move_thread(self.running, Place::Zombie, &status_text(status));
    }

    fn reaped(&mut self, pid: u32) {
        let Some(process) = self.processes.remove(&pid) else {
            return self.wrong(pid, "a zombie, taken once", "no such process");
        };
        if process.status.is_none() {
            self.wrong(
                pid,
                "a zombie",
                "a process that has not ended, taken by its parent",
            );
        }
        // Whoever ends, and whose parent does not want to know, takes itself.
        let taker = self.process_that_runs();
        if taker != process.parent && taker != pid {
            self.wrong(pid, "taken by its parent", "taken while another process runs");
        }
        self.history.reaped(pid, process.parent);
    }

    fn adopted(&mut self, pid: u32, parent: u32) {
        if parent != INIT {
            self.wrong(pid, "adopted by init", format!("adopted by process {parent}"));
        }
        let ending = self.process_that_runs();
        match self.processes.get_mut(&pid) {
            Some(process) => {
                let was = std::mem::replace(&mut process.parent, parent);
                if was != ending {
                    self.wrong(
                        pid,
                        "adopted when its parent ends",
                        "adopted while another process runs",
                    );
                }
            }
            None => self.wrong(pid, "a process that there is", "no such process"),
        }
        self.history.adopted(pid, parent);
    }

    fn woken(&mut self, tid: u32) {
        match self.threads.get(&tid) {
            Some(thread) if matches!(thread.place, Place::Sleeping(_)) => {
                self.move_thread(tid, Place::Runnable, "woken");
            }
            Some(thread) => {
                let (process, place) = (thread.process, thread.place);
                self.wrong(process, "asleep when it is woken", place.to_string());
            }
            None => self.wrong(tid, "a thread that there is", "none that could be woken"),
        }
    }

    /// The first half of a switch: who ran until now.
    fn stopped(&mut self, tid: u32, state: u64, reason: u64) {
        if tid != self.running {
            let (expected, found) = (self.running, tid);
            self.wrong(
                tid,
                format!("thread {expected} runs"),
                format!("thread {found} stops"),
            );
        }
        let (place, cause) = match state {
            _ if tid == NOBODY => return,
            RUNNABLE => (Place::Runnable, "gives way"),
            SLEEPING => (
                Place::Sleeping(sleep_reason_name(reason).unwrap_or("UNKNOWN")),
                "sleeps",
            ),
            ENDED => {
                // Its end was told before; the number is free from now on.
                let thread = self.threads.remove(&tid);
                if let Some(thread) = thread.filter(|thread| !thread.place.is_end()) {
                    self.wrong(thread.process, "an end that was reported", "one that was not");
                }
                return;
            }
            _ => {
                let found = thread_state_name(state).map_or_else(|| state.to_string(), str::to_owned);
                return self.wrong(tid, "a state that there is", found);
            }
        };
        self.move_thread(tid, place, cause);
    }

    /// The second half: who runs from now on.
    fn started(&mut self, tid: u32) {
        self.running = tid;
        if tid == NOBODY {
            return;
        }
        match self.threads.get(&tid).copied() {
            Some(thread) => {
                if thread.place != Place::Runnable {
                    self.wrong(
                        thread.process,
                        "able to run when it is chosen",
                        thread.place.to_string(),
                    );
                }
                self.move_thread(tid, Place::Running, "chosen");
            }
            None => self.wrong(tid, "a thread that there is", "another one runs"),
        }
    }

    /// Takes note of where everyone is now.
    fn step_ended(&mut self) {
        for thread in self.threads.values() {
            self.history.seen(thread.process, thread.place);
        }
    }

    fn compare_with_ring(&mut self, scene: &Scene<'_>) {
        let StopReason::Ring(channel) = *scene.stop.reason() else {
            return;
        };
        let hello = scene.agents.get(channel).and_then(|agent| agent.hello);
        let (Some(hello), pid) = (hello, self.process_that_runs()) else {
            return;
        };
        if hello.pid != pid {
            let found = "another process, by the kernel's reports";
            return self.wrong(hello.pid, "the process that asks is the one that runs", found);
        }
        let claimed = self
            .processes
            .get(&pid)
            .map(|process| Root::from_cr3(process.page_table.0));
        if claimed != scene.stop.root().ok() {
            let found = "another one is in use";
            self.wrong(pid, "the page table that was reported for it", found);
        }
    }

    fn process_that_runs(&self) -> u32 {
        self.threads
            .get(&self.running)
            .map_or(NOBODY, |thread| thread.process)
    }

    fn move_thread(&mut self, tid: u32, to: Place, cause: &str) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            let from = std::mem::replace(&mut thread.place, to);
            self.history.step(thread.process, from, to, cause);
        }
    }

    fn wrong(&mut self, process: u32, expected: impl Into<String>, found: impl Into<String>) {
        if self.wrong.len() < MAX_FINDINGS {
            self.wrong.push(Wrong {
                process,
                expected: expected.into(),
                found: found.into(),
            });
        }
    }
}
