//! What of a report is not as it was.

use serde_json::Value;

use crate::printable::Printable;
use crate::report::Report;

/// What differs between any two runs, or says where a run was made: no difference between verdicts or their reasons.
const IGNORED: [&str; 6] = ["cost", "log", "memory", "origin", "judged", "states"];

/// A part of a report that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which part, such as `step 3, findings`.
    pub part: Printable,
    /// What it was; empty when there was none.
    pub was: Printable,
    /// What it is.
    pub is: Printable,
}

/// Everything of a report that is not as it was, but for costs, the kernel's log and where the run was made.
///
/// # Panics
/// Never: a report has no maps with keys of other types than text.
#[must_use]
pub fn differences(was: &Report, is: &Report) -> Vec<Difference> {
    let value = |report: &Report| serde_json::to_value(report).expect("a report is JSON");
    let mut found = Vec::new();
    compare(&mut Vec::new(), &value(was), &value(is), &mut found);
    found
}

fn compare(path: &mut Vec<String>, was: &Value, is: &Value, found: &mut Vec<Difference>) {
    match (was, is) {
        (Value::Object(before), Value::Object(now)) => {
            let keys = before
                .keys()
                .chain(now.keys().filter(|key| !before.contains_key(*key)));
            for key in keys.filter(|key| !IGNORED.contains(&key.as_str())) {
                let none = Value::Null;
                path.push(key.clone());
                compare(
                    path,
                    before.get(key).unwrap_or(&none),
                    now.get(key).unwrap_or(&none),
                    found,
                );
                path.pop();
            }
        }
        (Value::Array(before), Value::Array(now)) => {
            for index in 0..before.len().max(now.len()) {
                let none = Value::Null;
                let (before, now) = (
                    before.get(index).unwrap_or(&none),
                    now.get(index).unwrap_or(&none),
                );
                let name = name_of(path, index, before, now);
                path.push(name);
                compare(path, before, now, found);
                path.pop();
            }
        }
        (was, is) if was != is => found.push(Difference {
            part: path.join(", ").into(),
            was: told(was),
            is: told(is),
        }),
        _ => {}
    }
}

/// What an item of a list is called: a line by its step, or by what the harness did; anything else by its number, from 1.
fn name_of(path: &[String], index: usize, was: &Value, is: &Value) -> String {
    let is_line = path.last().is_some_and(|list| list == "lines");
    if !is_line {
        return (index + 1).to_string();
    }
    let of_either = |key: &str| was.get(key).or(is.get(key)).filter(|value| !value.is_null());
    match (of_either("step"), of_either("what")) {
        (Some(step), _) => format!("step {step}"),
        (None, Some(what)) => what.as_str().unwrap_or_default().to_owned(),
        (None, None) => (index + 1).to_string(),
    }
}

fn told(value: &Value) -> Printable {
    match value {
        Value::Null => Printable::default(),
        Value::String(text) => text.as_str().into(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string().into(),
    }
}
