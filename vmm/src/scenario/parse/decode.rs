//! The tree to a [`Scenario`] whose parts all have their types; whether they fit together is [`super::super::check`]'s.

use schemars::JsonSchema;
use serde::Deserialize;

use super::error::{DecodeError, Mismatch};
use super::node::{Fields, Node};
use crate::scenario::language::{
    Budget, CheckStep, Clause, Expectation, Expected, Functions, GuestOptions, Operation, OperationStep,
    OutcomeKey, ProcessName, Refusal, Return, ScenarioName, Schedule, Signal, Step, TraceName,
};
use crate::scenario::path::{Part, Path};
use crate::scenario::suggest;

/// Everything of a scenario but its steps.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Header {
    /// Where the JSON Schema of the language lies, for editors.
    #[serde(rename = "$schema", default)]
    #[schemars(with = "String")]
    _schema: Option<String>,
    /// Name of the scenario, the same as the file's name without `.json`.
    pub(in crate::scenario) name: ScenarioName,
    /// What the scenario shows, in a sentence.
    #[schemars(length(min = 1))]
    pub(in crate::scenario) description: String,
    /// The machine that the scenario runs on.
    #[serde(default)]
    pub(in crate::scenario) guest: GuestOptions,
    /// What the scenario may use up before it is stopped.
    #[serde(default)]
    pub(in crate::scenario) budget: Budget,
    /// What the scenario calls functions of kernels, for expectations of calls. Each has, by the name of a guest (such as `ringside` or
    /// `linux`), a part of what that guest's kernel calls it; `vmm trace` shows which functions run.
    #[serde(default)]
    pub(in crate::scenario) functions: Functions,
    /// Whether each run draws other texts and bytes in the place of those that the steps write and expect, and other page numbers and
    /// sizes of regions, so that no answer can be known before. The report keeps those of the file.
    #[serde(default)]
    pub(in crate::scenario) vary: bool,
    /// Who goes on at the kernel's reschedule points; without it the kernel decides.
    #[serde(default)]
    #[schemars(with = "Schedule")]
    pub(in crate::scenario) schedule: Option<Schedule>,
}

/// What every operation step has beside its operation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame {
    #[serde(rename = "in")]
    process: ProcessName,
    #[serde(default)]
    errno: Option<Refusal>,
    #[serde(default)]
    fault: Option<Signal>,
    #[serde(default)]
    blocks: bool,
}

/// What must hold now: the judge looks at memory, and no process does anything.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct CheckFields {
    /// What the check shows, for the report.
    #[serde(rename = "check")]
    #[schemars(length(min = 1))]
    title: String,
    /// What must hold.
    #[schemars(length(min = 1))]
    expect: Vec<Expectation>,
}

/// The key of the header's object under which the steps stand.
pub(in crate::scenario) const STEPS: &str = "steps";
/// The key under which every step may name the clauses that it shows.
pub(in crate::scenario) const CLAUSE: &str = "clause";
/// The key of a step in which the guest runs, for what is recorded of its kernel.
pub(in crate::scenario) const TRACE: &str = "trace";
const OPERATION_KEYS: [&str; 2] = ["in", "do"];
const CHECK_KEYS: [&str; 2] = ["check", "expect"];
const TICK_KEY: &str = "tick";
const FAIL_KEY: &str = "fail";
const FRAME_KEYS: [&str; 4] = ["in", "errno", "fault", "blocks"];

/// A step, and what stands in it beside what it is.
pub(super) struct ParsedStep {
    pub(super) step: Step,
    /// The clauses that it shows.
    pub(super) clauses: Vec<Clause>,
    /// What the record of what the kernel does in it is called.
    pub(super) trace: Option<TraceName>,
}

/// Header and steps, or one error for the header and each of the steps that have one.
pub(super) fn decode(root: Node<'_>) -> Result<(Header, Vec<ParsedStep>), Vec<DecodeError>> {
    let fields = root.fields().map_err(|error| vec![error])?;
    let path = root.path;
    let steps = fields
        .get(STEPS)
        .and_then(|node| Ok(node.elements()?.map(|node| step(&node)).collect::<Vec<_>>()));
    let (_, rest) = fields.split(&[STEPS]);
    let header = rest
        .decode::<Header>()
        .map_err(|error| error.also_known(&path, &[STEPS]));

    let mut errors = Vec::new();
    let mut keep = |error| errors.push(error);
    let header = header.map_err(&mut keep).ok();
    let steps = steps.map_err(&mut keep).unwrap_or_default();
    let steps: Vec<ParsedStep> = steps
        .into_iter()
        .filter_map(|step| step.map_err(&mut keep).ok())
        .collect();
    match header {
        Some(header) if errors.is_empty() => Ok((header, steps)),
        _ => Err(errors),
    }
}

fn step(node: &Node<'_>) -> Result<ParsedStep, DecodeError> {
    let (beside, rest) = node.fields()?.split(&[CLAUSE, TRACE]);
    let step =
        step_alone(rest, &node.path).map_err(|error| error.also_known(&node.path, &[CLAUSE, TRACE]))?;
    let trace = if beside.has(TRACE) {
        Some(beside.get(TRACE)?.decode()?)
    } else {
        None
    };
    Ok(ParsedStep {
        step,
        clauses: clauses(&beside)?,
        trace,
    })
}

/// None, or one as it is, or a list of them.
fn clauses(fields: &Fields<'_>) -> Result<Vec<Clause>, DecodeError> {
    if !fields.has(CLAUSE) {
        return Ok(Vec::new());
    }
    let node = fields.get(CLAUSE)?;
    if node.value.as_array().is_none() {
        return Ok(vec![node.decode()?]);
    }
    let clauses: Vec<Clause> = node.elements()?.map(Node::decode).collect::<Result<_, _>>()?;
    if clauses.is_empty() {
        let empty = "the list of clauses is empty".to_owned();
        return Err(Mismatch::Value(empty).at(&node.path, Part::Value));
    }
    Ok(clauses)
}

fn step_alone(fields: Fields<'_>, path: &Path) -> Result<Step, DecodeError> {
    let first_of = |keys: &[&'static str]| keys.iter().copied().find(|key| fields.has(key));
    let kinds = [&OPERATION_KEYS[..], &CHECK_KEYS, &[TICK_KEY], &[FAIL_KEY]].map(first_of);
    let mut found = kinds.iter().flatten();
    if let (Some(first), Some(second)) = (found.next(), found.next()) {
        return Err(Mismatch::TwoSteps { first, second }.at(path, Part::Value));
    }
    match kinds {
        [Some(_), ..] => operation(fields, path).map(Step::Operation),
        [_, Some(_), ..] => check(fields).map(Step::Check),
        [_, _, Some(_), _] => fields.decode().map(Step::Tick),
        [.., Some(_)] => fields.decode().map(Step::Fail),
        [None, None, None, None] => Err(Mismatch::NoStep {
            near: near_step_key(&fields),
        }
        .at(path, Part::Value)),
    }
}

fn near_step_key(fields: &Fields<'_>) -> Option<String> {
    let known = [&OPERATION_KEYS[..], &CHECK_KEYS, &[FAIL_KEY, TICK_KEY]].concat();
    fields.keys().find_map(|key| {
        suggest::nearest(key, &known).map(|near| format!("did you mean `{near}` instead of `{key}`?"))
    })
}

fn operation(fields: Fields<'_>, path: &Path) -> Result<OperationStep, DecodeError> {
    let name = fields.get("do")?;
    let operation_name: String = name.clone().decode()?;
    let (frame, rest) = fields.split(&FRAME_KEYS);
    let (_, rest) = rest.split(&["do"]);
    let allowed = OutcomeKey::of(&operation_name);

    let keys: Vec<&str> = frame.keys().collect();
    let operation: Operation = rest.decode_variant(name).map_err(|error| {
        let also = allowed.iter().map(|key| key.key());
        error.also_known(path, &["in", "do"].into_iter().chain(also).collect::<Vec<_>>())
    })?;
    for key in OutcomeKey::ALL {
        if keys.contains(&key.key()) && !allowed.contains(&key) {
            let mismatch = Mismatch::Outcome {
                operation: operation_name,
                key: key.key(),
            };
            return Err(mismatch.at(&path.key(key.key()), Part::Key));
        }
    }
    let Frame {
        process,
        errno,
        fault,
        blocks,
    } = frame.decode()?;
    if let Some(required) = OutcomeKey::required_by(&operation_name)
        && !keys.contains(&required.key())
    {
        return Err(Mismatch::MissingKey { key: required.key() }.at(path, Part::Value));
    }
    let expected = match (errno, fault) {
        (Some(refusal), _) => Expected::Refused(refusal),
        (None, Some(signal)) => Expected::Fault(signal),
        (None, None) => Expected::Success,
    };
    let returns = if blocks { Return::Later } else { Return::AtOnce };
    Ok(OperationStep {
        process,
        operation,
        expected,
        returns,
    })
}

fn check(fields: Fields<'_>) -> Result<CheckStep, DecodeError> {
    let CheckFields { title, expect } = fields.decode()?;
    Ok(CheckStep { title, expect })
}
