//! `wait` and `finish` steps: who is waited for, and whether that can come to an end.

use super::world::{Kind, Process, State, World};
use super::{CheckError, Findings};
use crate::scenario::language::{Expected, Operation, OperationStep, ProcessName, Return};
use crate::scenario::path::Path;

pub(super) fn wait(step: &OperationStep, path: &Path, world: &mut World, findings: &mut Findings) {
    let Operation::Wait {
        child,
        nohang,
        status,
    } = &step.operation
    else {
        return;
    };
    let child = child.as_ref();
    if *nohang && step.returns == Return::Later {
        findings.add(path.key("blocks"), CheckError::NohangBlocks);
        return;
    }
    if let Some(child) = child
        && findings.keep(&path.key("for"), world.named(child)).is_none()
    {
        return;
    }
    if step.expected != Expected::Success {
        if step.returns == Return::Later {
            world.named_mut(&step.process).state = State::Waiting {
                step: world.step,
                child: child.cloned(),
            };
        }
        return;
    }
    if status.is_none() && !nohang {
        findings.add(path.clone(), CheckError::StatusMissing);
    }
    let waited_for = waited_for(&step.process, child, world);
    let Some(awaited) = findings.keep(&path.key(if child.is_some() { "for" } else { "do" }), waited_for)
    else {
        return;
    };
    match (step.returns, awaited) {
        (Return::Later, Awaited::Ended { child, step: since }) => {
            let (process, child) = (step.process.to_string(), child.to_string());
            findings.add(
                path.key("blocks"),
                CheckError::WouldNotBlock {
                    process,
                    child,
                    step: since,
                },
            );
        }
        (Return::Later, Awaited::Living { .. }) => {
            world.named_mut(&step.process).state = State::Waiting {
                step: world.step,
                child: child.cloned(),
            };
        }
        (Return::AtOnce, Awaited::Ended { child, .. }) if status.is_some() => reap(&child, world),
        (Return::AtOnce, Awaited::Ended { .. }) => {}
        (Return::AtOnce, Awaited::Living { children }) => {
            if !nohang || status.is_some() {
                findings.add(
                    path.key("do"),
                    CheckError::WouldWait {
                        process: step.process.to_string(),
                        children,
                    },
                );
            }
        }
    }
}

pub(super) fn finish(step: &OperationStep, path: &Path, world: &mut World, findings: &mut Findings) {
    let State::Waiting { child, .. } = world
        .named(&step.process)
        .expect("may_act has found it")
        .state
        .clone()
    else {
        return;
    };
    match waited_for(&step.process, child.as_ref(), world) {
        Ok(Awaited::Ended { child, .. }) => reap(&child, world),
        Ok(Awaited::Living { children }) => {
            findings.add(
                path.key("do"),
                CheckError::WouldWait {
                    process: step.process.to_string(),
                    children,
                },
            );
        }
        Err(error) => findings.add(path.key("do"), error),
    }
    world.named_mut(&step.process).state = State::Ready;
}

/// What a waiting call finds.
enum Awaited {
    /// A child that has ended.
    Ended { child: ProcessName, step: usize },
    /// Children, none of which has ended.
    Living { children: String },
}

fn waited_for(
    process: &ProcessName,
    child: Option<&ProcessName>,
    world: &World,
) -> Result<Awaited, CheckError> {
    let children = world.children(process);
    let Some(wanted) = child else {
        return any_child(process, &children);
    };
    let Some((_, found)) = children.iter().find(|(name, _)| *name == wanted) else {
        return Err(CheckError::NotAChild {
            process: process.to_string(),
            child: wanted.to_string(),
        });
    };
    match found.state {
        State::Ended { step, .. } => Ok(Awaited::Ended {
            child: wanted.clone(),
            step,
        }),
        State::Ready | State::Waiting { .. } => Ok(Awaited::Living {
            children: format!("`{wanted}` is"),
        }),
        State::Reaped { .. } => Err(CheckError::AlreadyReaped {
            process: process.to_string(),
            child: wanted.to_string(),
        }),
    }
}

fn any_child(process: &ProcessName, children: &[(&ProcessName, &Process)]) -> Result<Awaited, CheckError> {
    let single = || children.iter().filter(|(_, child)| child.kind == Kind::Single);
    for (name, child) in single() {
        if let State::Ended { step, .. } = child.state {
            return Ok(Awaited::Ended {
                child: (*name).clone(),
                step,
            });
        }
    }
    // How many members of a group there are is not known here, so neither is how often one can wait for any of them.
    if let Some((group, _)) = children
        .iter()
        .find(|(_, child)| matches!(child.state, State::Ended { .. }))
    {
        return Err(CheckError::GroupMisused {
            group: group.to_string(),
        });
    }
    let living = |child: &Process| !matches!(child.state, State::Reaped { .. });
    let names: Vec<String> = children
        .iter()
        .filter(|(_, child)| living(child))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    match names.as_slice() {
        [] => Err(CheckError::NoChild {
            process: process.to_string(),
        }),
        [only] => Ok(Awaited::Living {
            children: format!("{only} is"),
        }),
        several => Ok(Awaited::Living {
            children: format!("{} are", several.join(", ")),
        }),
    }
}

fn reap(child: &ProcessName, world: &mut World) {
    let process = world.named_mut(child);
    if let State::Ended { step, how } = process.state {
        process.state = State::Reaped { step, how };
    }
}
