//! Steps that make processes, change what they are, and send them signals.

use abi::boot::AGENT_PATH;
use abi::doorbell::{CHANNELS, MAX_TRANSFER_BYTES};

use super::operations::StepCheck;
use super::world::{End, Kind, State};
use super::{CheckError, Surroundings};
use crate::scenario::language::{DefaultAction, Ending, Expected, PathArgument, ProcessName, Signal};

/// How the child ends for which there is no program.
const NO_SUCH_PROGRAM: Ending = Ending::Exit(abi::operation::EXEC_FAILED as u8);

impl StepCheck<'_> {
    pub(super) fn fork(&mut self, child: &ProcessName, kind: Kind, most: u64) {
        if most == 0 || most >= CHANNELS {
            let error = CheckError::OutOfRange {
                quantity: "the limit",
                least: 1,
                most: CHANNELS - 1,
                found: most,
            };
            self.findings.add(self.path.key("limit"), error);
            return;
        }
        self.world.forks += most;
        if self.world.forks >= CHANNELS {
            self.findings.add(
                self.path.key("do"),
                CheckError::TooManyForks { most: CHANNELS - 1 },
            );
        }
        if kind == Kind::Group || self.step.expected == Expected::Success {
            let added = self.world.add_child(&self.step.process, child, kind);
            self.keep("as", added);
        }
    }

    pub(super) fn exec(
        &mut self,
        program: &str,
        args: &[String],
        status: Ending,
        surroundings: &Surroundings<'_>,
    ) {
        let may_be_unknown = status == NO_SUCH_PROGRAM;
        if !may_be_unknown && surroundings.lack(program) {
            let error = CheckError::UnknownProgram {
                found: program.to_owned(),
                known: surroundings.known_programs(),
            };
            self.findings.add(self.path.key("program"), error);
        }
        self.words(program, args);
    }

    /// A group to which another one is compared.
    pub(super) fn earlier_group(&mut self, group: Option<&ProcessName>) {
        let Some(group) = group else { return };
        let named = self.world.named(group).cloned();
        if let Some(process) = self.keep("as_many_as", named)
            && process.kind != Kind::Group
        {
            let error = CheckError::NoGroup {
                found: group.to_string(),
            };
            self.findings.add(self.path.key("as_many_as"), error);
        }
    }

    /// Programs that a program starts.
    pub(super) fn starts(&mut self, programs: &[String], surroundings: &Surroundings<'_>) {
        for (index, program) in programs.iter().enumerate() {
            if surroundings.lack(program) {
                let error = CheckError::UnknownProgram {
                    found: program.clone(),
                    known: surroundings.known_programs(),
                };
                self.findings.add(self.path.key("starts").index(index), error);
            }
        }
    }

    /// Whatever is refused may be any name. What takes over must be an agent, or nobody could drive the process any more.
    pub(super) fn execve(&mut self, program: &str, path: PathArgument, surroundings: &Surroundings<'_>) {
        self.words(program, &[]);
        if self.step.expected != Expected::Success {
            return;
        }
        if path == PathArgument::Unmapped {
            self.findings.add(self.path.key("path"), CheckError::PathUnmapped);
        }
        if program != AGENT_PATH {
            let found = program.to_owned();
            let error = if surroundings.lack(program) {
                let known = surroundings.known_programs();
                CheckError::UnknownProgram { found, known }
            } else {
                CheckError::NoAgent { found }
            };
            self.findings.add(self.path.key("program"), error);
        }
        self.world.replace_program(&self.step.process);
    }

    pub(super) fn kill(&mut self, of: &ProcessName, signal: Signal) {
        if of.is_init() {
            self.findings.add(self.path.key("of"), CheckError::InitMisused);
            return;
        }
        let target = self.world.named(of).cloned();
        let Some(target) = self.keep("of", target) else {
            return;
        };
        if target.kind == Kind::Group {
            let error = CheckError::GroupMisused {
                group: of.to_string(),
            };
            self.findings.add(self.path.key("of"), error);
            return;
        }
        let lives = matches!(target.state, State::Ready | State::Waiting { .. });
        match signal.default_action() {
            DefaultAction::End if lives && self.step.expected == Expected::Success => {
                self.world.end(of, End::Kill);
            }
            DefaultAction::End | DefaultAction::Ignore => {}
            DefaultAction::Stop => self.findings.add(
                self.path.key("signal"),
                CheckError::WouldStop {
                    process: of.to_string(),
                },
            ),
        }
    }

    pub(super) fn getppid(&mut self, is: &ProcessName) {
        let process = &self.step.process;
        let named = self.world.named(is).map(drop);
        let parent = self
            .world
            .named(process)
            .ok()
            .and_then(|found| found.parent.clone());
        let is_right = match parent {
            Some(parent) if parent != *is => named.and(Err(CheckError::NotTheParent {
                process: process.to_string(),
                parent: parent.to_string(),
            })),
            _ => named,
        };
        self.keep("is", is_right);
    }

    /// Whether a program's name and arguments can be passed on.
    fn words(&mut self, program: &str, args: &[String]) {
        let texts = || [program].into_iter().chain(args.iter().map(String::as_str));
        if texts().any(|text| text.contains('\0')) {
            self.findings
                .add(self.path.key("args"), CheckError::NulInArguments);
        }
        let found = texts().map(|text| text.len() as u64 + 1).sum();
        if found > MAX_TRANSFER_BYTES {
            let error = CheckError::ArgumentsTooLong {
                most: MAX_TRANSFER_BYTES,
                found,
            };
            self.findings.add(self.path.key("args"), error);
        }
    }
}
