//! What scenarios use of the language: which kinds of objects, with which keys, and the shortest ones that show them all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::Source;
use super::shape::{COMMON_KEYS, Kind, variants};
use crate::scenario::{Scenario, Step};

/// An object of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Example {
    pub(super) file: PathBuf,
    /// The object, on one line.
    pub(super) text: String,
    /// What a report says of it, where it says something.
    pub(super) told: Option<String>,
    keys: BTreeSet<String>,
}

/// Everything that scenarios use.
pub(super) struct Usages<'a> {
    schema: &'a Value,
    /// Objects by the place of their kind in the schema.
    objects: BTreeMap<String, Vec<Example>>,
}

/// Where in a scenario something stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    source: &'a Source<'a>,
    /// The step, and the expectation of a check.
    step: Option<usize>,
    expectation: Option<usize>,
}

impl<'a> Usages<'a> {
    pub(super) fn new(schema: &'a Value) -> Usages<'a> {
        Usages {
            schema,
            objects: BTreeMap::new(),
        }
    }

    /// Notes all objects of a scenario.
    pub(super) fn note(&mut self, document: &Value, source: &Source<'_>) {
        let place = Place {
            source,
            step: None,
            expectation: None,
        };
        self.value(document, "", place);
    }

    /// The shortest object of the kind, and further ones until every key is shown; and the keys that none shows. Keys that all operations
    /// have in common are shown by some operation, not by each.
    pub(super) fn examples(&self, kind: &Kind) -> (Vec<Example>, Vec<String>) {
        let none = Vec::new();
        let all = self.objects.get(&kind.pointer).unwrap_or(&none);
        let is_operation = kind.pointer.starts_with("/$defs/OperationStep/");
        let wanted = kind.keys.iter().map(|key| key.name.as_str());
        let mut wanted: BTreeSet<&str> = wanted
            .filter(|key| !(is_operation && COMMON_KEYS.contains(key)))
            .collect();
        let mut chosen: Vec<Example> = Vec::new();
        let length = |example: &&Example| (example.text.len(), example.text.clone(), example.file.clone());
        chosen.extend(all.iter().min_by_key(length).cloned());
        wanted.retain(|key| !chosen.iter().any(|example| example.keys.contains(*key)));
        while !wanted.is_empty() {
            let shown = |example: &Example| wanted.iter().filter(|key| example.keys.contains(**key)).count();
            let most = all.iter().map(shown).max().unwrap_or_default();
            if most == 0 {
                break;
            }
            let best = all
                .iter()
                .filter(|example| shown(example) == most)
                .min_by_key(length);
            let best = best.expect("one of them shows most").clone();
            wanted.retain(|key| !best.keys.contains(*key));
            chosen.push(best);
        }
        let missing = if all.is_empty() && wanted.is_empty() {
            vec![kind.name.clone()]
        } else {
            wanted.into_iter().map(str::to_owned).collect()
        };
        (chosen, missing)
    }

    fn value(&mut self, value: &Value, pointer: &str, place: Place<'_>) {
        let schema = self.schema;
        let Some(mut node) = schema.pointer(pointer) else {
            return;
        };
        let mut pointer = pointer.to_owned();
        while let Some(path) = node["$ref"].as_str() {
            pointer = path.trim_start_matches('#').to_owned();
            node = schema.pointer(&pointer).expect("what is referred to is there");
        }
        for (part, variant) in variants(node) {
            if fits(value, variant, schema) {
                self.value(value, &format!("{pointer}{part}"), place);
                return;
            }
        }
        match value {
            Value::Object(object) => self.object(object, node, &pointer, place),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let place = match pointer.as_str() {
                        "/properties/steps" => Place {
                            step: Some(index),
                            ..place
                        },
                        "/$defs/CheckStep/properties/expect" => Place {
                            expectation: Some(index),
                            ..place
                        },
                        _ => place,
                    };
                    self.value(item, &format!("{pointer}/items"), place);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn object(&mut self, object: &Map<String, Value>, node: &Value, pointer: &str, place: Place<'_>) {
        let noted = self.objects.entry(pointer.to_owned()).or_default();
        noted.push(Example {
            file: place.source.file.clone(),
            text: match pointer {
                "" => without_steps(object),
                _ => on_one_line(&Value::Object(object.clone())),
            },
            told: told(pointer, place),
            keys: keys(object),
        });
        for (key, value) in object {
            let escaped = key.replace('~', "~0").replace('/', "~1");
            let below = if node["properties"].get(key).is_some() {
                format!("{pointer}/properties/{escaped}")
            } else if let Some(pattern) = node["patternProperties"]
                .as_object()
                .and_then(|map| map.keys().next())
            {
                let pattern = pattern.replace('~', "~0").replace('/', "~1");
                format!("{pointer}/patternProperties/{pattern}")
            } else {
                format!("{pointer}/additionalProperties")
            };
            self.value(value, &below, place);
        }
    }
}

/// The keys of an object, and those of objects in it, as they are named in the document.
fn keys(object: &Map<String, Value>) -> BTreeSet<String> {
    let nested = object
        .iter()
        .filter_map(|(key, value)| Some((key, value.as_object()?)));
    let nested = nested.flat_map(|(key, value)| value.keys().map(move |below| format!("{key}.{below}")));
    object.keys().cloned().chain(nested).collect()
}

/// What a report says of a step, or of an expectation.
fn told(pointer: &str, place: Place<'_>) -> Option<String> {
    let scenario: &Scenario = place.source.scenario;
    let step = scenario.steps.get(place.step?)?;
    if pointer.starts_with("/$defs/Expectation/") {
        let Step::Check(check) = step else { return None };
        return Some(check.expect.get(place.expectation?)?.to_string());
    }
    let is_step = ["/$defs/OperationStep/", "/$defs/Step/", "/$defs/CheckStep"];
    let is_step = is_step.iter().any(|start| pointer.starts_with(start)) && !pointer.contains("/properties/");
    is_step.then(|| step.to_string())
}

/// Whether a value is of this variant, as far as its own keys tell.
fn fits(value: &Value, variant: &Value, schema: &Value) -> bool {
    if let Some(path) = variant["$ref"].as_str() {
        let target = schema.pointer(path.trim_start_matches('#'));
        return target.is_some_and(|target| fits(value, target, schema));
    }
    let variants = variants(variant);
    if !variants.is_empty() {
        return variants.iter().any(|(_, variant)| fits(value, variant, schema));
    }
    if let Some(constant) = variant.get("const") {
        return value == constant;
    }
    match (value, variant["type"].as_str()) {
        (Value::Object(object), Some("object")) => {
            let required = variant["required"].as_array().into_iter().flatten();
            let mut required = required.filter_map(Value::as_str);
            let properties = &variant["properties"];
            let is_open =
                variant.get("patternProperties").is_some() || variant["additionalProperties"].is_object();
            required.all(|key| object.contains_key(key))
                && object.iter().all(|(key, value)| match properties.get(key) {
                    Some(property) => property.get("const").is_none_or(|constant| constant == value),
                    None => is_open,
                })
        }
        (Value::Array(_), Some("array"))
        | (Value::String(_), Some("string"))
        | (Value::Bool(_), Some("boolean")) => true,
        (Value::Number(_), Some("integer" | "number")) => true,
        _ => false,
    }
}

/// A whole scenario but for what it does.
fn without_steps(scenario: &Map<String, Value>) -> String {
    let mut scenario = scenario.clone();
    scenario.insert("steps".to_owned(), Value::Array(Vec::new()));
    on_one_line(&Value::Object(scenario)).replace("\"steps\": []", "\"steps\": [ ... ]")
}

/// JSON as scenarios are written: a space after what separates, and inside of braces.
fn on_one_line(value: &Value) -> String {
    match value {
        Value::Object(object) if object.is_empty() => "{}".to_owned(),
        Value::Object(object) => {
            let pairs = object.iter();
            let pairs =
                pairs.map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), on_one_line(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(on_one_line).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}
