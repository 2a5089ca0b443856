//! Calls that take their time, and the `finish` steps that collect them: what is waited for, and whether that can come to an
//! end.

use abi::clock::TICK_NANOSECONDS;

use super::document::in_range;
use super::world::{Call, Kind, Process, State, World};
use super::{CheckError, Findings};
use crate::scenario::language::{
    Clock, Expected, MAX_SLEEP_MS, Operation, OperationStep, ProcessName, Return, TickStep,
};
use crate::scenario::path::Path;

/// Milliseconds from one tick to the next.
const TICK_MS: u64 = TICK_NANOSECONDS / 1_000_000;

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
            start(step, wait_for(child), world);
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
        (Return::Later, Awaited::Living { .. }) => start(step, wait_for(child), world),
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

pub(super) fn sleep(step: &OperationStep, ms: u64, path: &Path, world: &mut World, findings: &mut Findings) {
    let duration = in_range("the sleep in milliseconds", ms, 1, MAX_SLEEP_MS);
    if findings.keep(&path.key("ms"), duration).is_none() {
        return;
    }
    let until_ticks = world.ticks + ms.div_ceil(TICK_MS);
    match step.returns {
        Return::AtOnce => world.ticks = until_ticks,
        Return::Later => start(step, Call::Sleep { until_ticks }, world),
    }
}

pub(super) fn spin(step: &OperationStep, path: &Path, world: &mut World, findings: &mut Findings) {
    if world.clock == Clock::Virtual {
        findings.add(path.key("do"), CheckError::SpinWithoutTimer);
    }
    if step.returns == Return::AtOnce {
        findings.add(path.key("blocks"), CheckError::SpinReturns);
    }
    start(step, Call::Spin, world);
}

pub(super) fn tick(step: TickStep, path: &Path, world: &mut World, findings: &mut Findings) {
    if world.clock == Clock::Real {
        findings.add(path.key("tick"), CheckError::TickOfRealClock);
    }
    let count = in_range("the number of ticks", step.count, 1, TickStep::MAX_COUNT);
    findings.keep(&path.key("tick"), count);
    world.ticks = world.ticks.saturating_add(step.count);
}

pub(super) fn finish(step: &OperationStep, path: &Path, world: &mut World, findings: &mut Findings) {
    let process = &step.process;
    let State::Waiting { call, .. } = world.named(process).expect("may_act has found it").state.clone()
    else {
        return;
    };
    let finished = match call {
        Call::Wait { child } => match waited_for(process, child.as_ref(), world) {
            Ok(Awaited::Ended { child, .. }) => {
                reap(&child, world);
                Ok(())
            }
            Ok(Awaited::Living { children }) => Err(CheckError::WouldWait {
                process: process.to_string(),
                children,
            }),
            Err(error) => Err(error),
        },
        Call::Sleep { until_ticks } if world.clock == Clock::Virtual && world.ticks < until_ticks => {
            Err(CheckError::WouldSleep {
                process: process.to_string(),
                ticks: until_ticks - world.ticks,
            })
        }
        Call::Sleep { .. } => Ok(()),
        Call::Spin => Err(CheckError::SpinsForever {
            process: process.to_string(),
        }),
    };
    findings.keep(&path.key("do"), finished);
    world.named_mut(process).state = State::Ready;
}

/// What is still under way when the script is over. A process that waits for a child can be left to it: the harness ends the
/// youngest processes first, and init, which must take them all, last.
pub(super) fn at_end(world: &World, findings: &mut Findings) {
    for (process, step, call) in world.waiting() {
        match call {
            Call::Wait { .. } if !process.is_init() => {}
            Call::Wait { .. } | Call::Sleep { .. } | Call::Spin => {
                let path = Path::default()
                    .key(crate::scenario::parse::STEPS)
                    .index(step)
                    .key("blocks");
                findings.add(
                    path,
                    CheckError::NeverFinished {
                        process: process.to_string(),
                        step,
                    },
                );
            }
        }
    }
}

fn wait_for(child: Option<&ProcessName>) -> Call {
    Call::Wait {
        child: child.cloned(),
    }
}

fn start(step: &OperationStep, call: Call, world: &mut World) {
    world.named_mut(&step.process).state = State::Waiting {
        step: world.step,
        call,
    };
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
