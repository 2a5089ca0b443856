//! The JSON of reports as a JSON Schema: made from the types, so it cannot lag behind them.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::json::Document;
use super::jsonl;

/// JSON Schema (draft 2020-12) of the document that the form `json` writes. What a line of `jsonl` holds is its definition `Entry`.
#[must_use]
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut generator = settings.into_generator();
    generator.subschema_for::<jsonl::Told<'_>>();
    let mut schema = generator.into_root_schema_for::<Document>();
    schema.insert("title".to_owned(), "Ringside report".into());
    let mut schema = schema.to_value();
    schema["properties"]["version"] = json!({
        "description": schema["properties"]["version"]["description"],
        "const": Document::VERSION,
    });
    schema
}
