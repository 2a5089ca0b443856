//! The language as a JSON Schema, for editors: made from the types, so it cannot lag behind them.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::language::{
    CheckStep, Clause, FailStep, Operation, OperationStep, OutcomeKey, ProcessName, Refusal, Signal, Step,
    TickStep, TraceName,
};
use super::parse::{CLAUSE, CheckFields, Header, STEPS, TRACE};

/// JSON Schema (draft 2020-12) of a scenario file.
///
/// It knows the shape of every step; what a step means where it stands is for
/// [`Scenario::parse`](super::Scenario::parse) to judge.
#[must_use]
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let steps = json!({
        "description": "The script: what processes do and what must hold in between, one after the other.",
        "type": "array",
        "minItems": 1,
        "items": generator.subschema_for::<Step>(),
    });
    let mut schema = generator.into_root_schema_for::<Header>();
    schema.insert("title".to_owned(), "Ringside scenario".into());
    schema.insert(
        "description".to_owned(),
        "A script of process operations, and of checks of what the guest's memory really looks like in between.".into(),
    );
    let root = schema.ensure_object();
    object_of(root, "properties").insert(STEPS.to_owned(), steps);
    require(root, STEPS);
    schema.to_value()
}

impl JsonSchema for Step {
    fn schema_name() -> Cow<'static, str> {
        "Step".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let operation = generator.subschema_for::<OperationStep>();
        let check = generator.subschema_for::<CheckStep>();
        let mut tick = with_clauses(TickStep::json_schema(generator), generator);
        add_trace(tick.ensure_object(), generator);
        let fail = with_clauses(FailStep::json_schema(generator), generator);
        json_schema!({
            "description": "One step: an operation, a check, time that passes, or a failure of the disk.",
            "oneOf": [operation, check, tick, fail],
        })
    }
}

impl JsonSchema for CheckStep {
    fn schema_name() -> Cow<'static, str> {
        "CheckStep".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        with_clauses(CheckFields::json_schema(generator), generator)
    }
}

/// Every operation with the keys that all operations have, and those that say what is expected of this one.
impl JsonSchema for OperationStep {
    fn schema_name() -> Cow<'static, str> {
        "OperationStep".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Operation::json_schema(generator);
        schema.insert("description".to_owned(), "A process does something.".into());
        let operations = schema
            .ensure_object()
            .get_mut("oneOf")
            .and_then(Value::as_array_mut);
        for operation in operations.expect("an enum with a tag is one of its variants") {
            let operation = operation
                .as_object_mut()
                .expect("a variant with a tag is an object");
            add_frame(operation, generator);
        }
        schema
    }
}

fn add_frame(operation: &mut Map<String, Value>, generator: &mut SchemaGenerator) {
    let properties = object_of(operation, "properties");
    let name = properties["do"]["const"]
        .as_str()
        .expect("the tag is the operation's name")
        .to_owned();
    let process = generator.subschema_for::<ProcessName>();
    properties.insert("in".to_owned(), described(process, "The process that does it."));
    for key in OutcomeKey::of(&name) {
        let value = match key {
            OutcomeKey::Errno => described(
                generator.subschema_for::<Refusal>(),
                "The call is expected to fail with this error.",
            ),
            OutcomeKey::Fault => described(
                generator.subschema_for::<Signal>(),
                "The access is expected to end the process with this signal.",
            ),
            OutcomeKey::Blocks => described(
                bool::json_schema(generator),
                "The call is expected to wait; the script goes on, and a later `finish` step of the process collects it.",
            ),
        };
        properties.insert(key.key().to_owned(), value);
    }
    add_clauses(operation, generator);
    add_trace(operation, generator);
    require(operation, "in");
    if let Some(required) = OutcomeKey::required_by(&name) {
        require(operation, required.key());
    }
}

fn with_clauses(mut step: Schema, generator: &mut SchemaGenerator) -> Schema {
    add_clauses(step.ensure_object(), generator);
    step
}

/// The key that every step may have.
fn add_clauses(step: &mut Map<String, Value>, generator: &mut SchemaGenerator) {
    let clauses = generator.subschema_for::<Clauses>().to_value();
    object_of(step, "properties").insert(CLAUSE.to_owned(), clauses);
}

/// The key that every step may have in which the guest runs.
fn add_trace(step: &mut Map<String, Value>, generator: &mut SchemaGenerator) {
    let name = described(
        generator.subschema_for::<TraceName>(),
        "Record under this name what the kernel does in the step, function by function, for reports that show it. It needs a kernel that has its \
         symbols.",
    );
    object_of(step, "properties").insert(TRACE.to_owned(), name);
}

/// What stands under that key.
struct Clauses;

impl JsonSchema for Clauses {
    fn schema_name() -> Cow<'static, str> {
        "Clauses".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<Clause>();
        json_schema!({
            "description": "The clauses of a specification that the step shows: one, or a list of them.",
            "anyOf": [one, { "type": "array", "items": one, "minItems": 1, "uniqueItems": true }],
        })
    }
}

fn described(schema: Schema, description: &str) -> Value {
    let mut schema = schema;
    schema.insert("description".to_owned(), description.into());
    schema.to_value()
}

fn object_of<'a>(parent: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let value = parent.entry(key).or_insert_with(|| json!({}));
    value
        .as_object_mut()
        .expect("this keyword of JSON Schema holds an object")
}

fn require(object: &mut Map<String, Value>, key: &str) {
    let required = object.entry("required").or_insert_with(|| json!([]));
    required
        .as_array_mut()
        .expect("this keyword of JSON Schema holds an array")
        .push(key.into());
}
