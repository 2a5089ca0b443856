//! What there is in the language: its JSON Schema as chapters, kinds of objects, and kinds of plain values.

use serde_json::{Map, Value};

/// Keys that every operation has, or that say what is expected of one: they have a place of their own in the document.
pub(super) const COMMON_KEYS: [&str; 6] = ["in", "clause", "trace", "errno", "fault", "blocks"];
/// What the anchors of values begin with: an operation may have the same name.
pub(super) const VALUE: &str = "value-";
/// Definitions that have chapters of their own.
const STEPS: &str = "Step";
const OPERATIONS: &str = "OperationStep";
const CHECK: &str = "CheckStep";
const EXPECTATIONS: &str = "Expectation";

/// Everything that there is.
#[derive(Debug)]
pub(super) struct Shapes {
    /// The document itself.
    pub(super) document: Kind,
    /// Steps that are no operations.
    pub(super) steps: Vec<Kind>,
    pub(super) operations: Vec<Kind>,
    pub(super) expectations: Vec<Kind>,
    /// Everything else that has a name, in the order of the names.
    pub(super) values: Vec<Definition>,
}

/// A kind of objects.
#[derive(Debug)]
pub(super) struct Kind {
    /// Its place in the schema.
    pub(super) pointer: String,
    /// The operation, the expectation, or the name of the definition.
    pub(super) name: String,
    pub(super) about: String,
    pub(super) keys: Vec<Key>,
}

/// A key of an object.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) about: String,
    /// What stands there, as Markdown.
    pub(super) holds: String,
    pub(super) is_required: bool,
    /// What counts when it is left out, if the schema says it.
    pub(super) default: Option<Value>,
}

/// Something with a name that other things hold.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) about: String,
    /// What it is, as Markdown, when it is a plain value.
    pub(super) holds: Option<String>,
    /// Words that it may be, each with its meaning.
    pub(super) words: Vec<(String, String)>,
    /// Objects that it may be.
    pub(super) kinds: Vec<Kind>,
}

impl Shapes {
    pub(super) fn of(schema: &Value) -> Shapes {
        let definitions = schema["$defs"].as_object().expect("the language has definitions");
        let mut shapes = Shapes {
            document: kind("", "the scenario", schema, definitions),
            steps: Vec::new(),
            operations: Vec::new(),
            expectations: Vec::new(),
            values: Vec::new(),
        };
        for (name, definition) in definitions {
            let pointer = format!("/$defs/{name}");
            let kinds = kinds(&pointer, name, definition, definitions);
            match name.as_str() {
                OPERATIONS => shapes.operations = kinds,
                EXPECTATIONS => shapes.expectations = kinds,
                STEPS | CHECK => shapes.steps.extend(kinds),
                _ => shapes.values.push(Definition {
                    name: name.clone(),
                    about: about(definition),
                    holds: kinds.is_empty().then(|| holds(definition)),
                    words: words(definition),
                    kinds,
                }),
            }
        }
        shapes.steps.sort_by(|one, other| one.name.cmp(&other.name));
        shapes.values.sort_by(|one, other| one.name.cmp(&other.name));
        shapes
    }

    /// All kinds of objects, each of which needs an example.
    pub(super) fn kinds(&self) -> impl Iterator<Item = &Kind> {
        let of_values = self.values.iter().flat_map(|definition| &definition.kinds);
        [&self.document]
            .into_iter()
            .chain(&self.steps)
            .chain(&self.operations)
            .chain(&self.expectations)
            .chain(of_values)
    }

    /// What is said of a key that operations have in common; the first one that has it says it.
    pub(super) fn common_key(&self, name: &str) -> Option<&Key> {
        let mut keys = self.operations.iter().flat_map(|kind| &kind.keys);
        keys.find(|key| key.name == name)
    }
}

/// The kinds of objects that a definition may be.
fn kinds(pointer: &str, name: &str, definition: &Value, definitions: &Map<String, Value>) -> Vec<Kind> {
    if is_object(definition) {
        let name = if name == CHECK {
            name_of(definition)
        } else {
            name.to_owned()
        };
        return vec![kind(pointer, &name, definition, definitions)];
    }
    let variants = variants(definition).into_iter();
    let variants = variants.filter(|(_, variant)| is_object(variant));
    variants
        .map(|(part, variant)| {
            kind(
                &format!("{pointer}{part}"),
                &name_of(variant),
                variant,
                definitions,
            )
        })
        .collect()
}

fn kind(pointer: &str, name: &str, object: &Value, definitions: &Map<String, Value>) -> Kind {
    Kind {
        pointer: pointer.to_owned(),
        name: name.to_owned(),
        about: about(object),
        keys: keys(object, "", definitions),
    }
}

/// The keys of an object. Those of an object that stands in it and has no name of its own come with the name of its key and a dot.
fn keys(object: &Value, prefix: &str, definitions: &Map<String, Value>) -> Vec<Key> {
    let required = object["required"].as_array();
    let is_required = |name: &str| required.is_some_and(|keys| keys.iter().any(|key| key == name));
    let properties = object["properties"].as_object().into_iter().flatten();
    let properties = properties.filter(|(_, schema)| schema.get("const").is_none());
    let keys = properties.flat_map(|(name, schema)| {
        if is_object(schema) {
            return keys(schema, &format!("{name}."), definitions);
        }
        let of_definition = || Some(about(definitions.get(reference(schema)?)?));
        let own = Some(about(schema)).filter(|about| !about.is_empty());
        vec![Key {
            name: format!("{prefix}{name}"),
            about: own.or_else(of_definition).unwrap_or_default(),
            holds: holds(schema),
            is_required: is_required(name),
            default: schema.get("default").filter(|value| !value.is_null()).cloned(),
        }]
    });
    keys.collect()
}

/// What a variant is called: the operation that it is, or the key that it begins with.
fn name_of(variant: &Value) -> String {
    let operation = variant.pointer("/properties/do/const").and_then(Value::as_str);
    let first = variant["required"].get(0).and_then(Value::as_str);
    operation.or(first).unwrap_or_default().to_owned()
}

fn is_object(schema: &Value) -> bool {
    schema["type"] == "object" && schema.get("properties").is_some()
}

/// What a schema may be one of, each with its place in the schema.
pub(super) fn variants(schema: &Value) -> Vec<(String, &Value)> {
    let lists = ["oneOf", "anyOf"].into_iter();
    let lists = lists.filter_map(|list| Some((list, schema.get(list)?.as_array()?)));
    lists
        .flat_map(|(list, variants)| {
            let numbered = variants.iter().enumerate();
            // What only says which keys there must be is a condition, and no kind of its own.
            let numbered = numbered.filter(|(_, variant)| !is_condition(variant));
            numbered.map(move |(index, variant)| (format!("/{list}/{index}"), variant))
        })
        .collect()
}

fn is_condition(schema: &Value) -> bool {
    let mut keywords = schema
        .as_object()
        .into_iter()
        .flatten()
        .map(|(keyword, _)| keyword);
    keywords.all(|keyword| keyword == "required")
}

/// The words that a definition may be, with what each means.
fn words(definition: &Value) -> Vec<(String, String)> {
    let listed = definition["enum"].as_array().into_iter().flatten();
    let listed = listed.filter_map(|word| Some((word.as_str()?.to_owned(), String::new())));
    let variants = variants(definition).into_iter().map(|(_, variant)| variant);
    let described =
        variants.filter_map(|variant| Some((variant["const"].as_str()?.to_owned(), about(variant))));
    listed.chain(described).collect()
}

/// A description without the marks of links between types.
fn about(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.replace("[`", "`").replace("`]", "`").replace('\n', " ")
}

/// What stands somewhere, as Markdown: a link to a definition, or what kind of value it is.
fn holds(schema: &Value) -> String {
    if let Some(name) = reference(schema) {
        return match name {
            STEPS => "[step](#steps)".to_owned(),
            EXPECTATIONS => "[expectation](#expectations)".to_owned(),
            name => format!("[{name}](#{VALUE}{})", name.to_lowercase()),
        };
    }
    let variants = variants(schema);
    if !variants.is_empty() {
        let variants: Vec<String> = variants.iter().map(|(_, variant)| holds(variant)).collect();
        return variants.join(" or ");
    }
    if let Some(constant) = schema.get("const") {
        return format!("`{constant}`");
    }
    match schema["type"].as_str() {
        Some("integer") => format!("integer{}", range(schema, "minimum", "maximum")),
        Some("array") => {
            let items = holds(&schema["items"]);
            format!("list of {items}{}", range(schema, "minItems", "maxItems"))
        }
        Some("object") => map(schema.as_object().expect("it is an object with a type")),
        Some("string") => match (schema["pattern"].as_str(), schema["enum"].as_array()) {
            (Some(pattern), _) => format!("string like `{pattern}`"),
            (None, Some(words)) => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                words.join(", ")
            }
            (None, None) => "string".to_owned(),
        },
        Some(kind) => kind.to_owned(),
        None => "any value".to_owned(),
    }
}

/// The name of the definition that stands for a schema.
fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn map(schema: &Map<String, Value>) -> String {
    let pattern = schema.get("patternProperties").and_then(Value::as_object);
    let by_pattern = pattern.and_then(|patterns| patterns.values().next());
    let values = by_pattern.or(schema
        .get("additionalProperties")
        .filter(|values| values.is_object()));
    match values {
        Some(values) => format!("object whose values are each {}", holds(values)),
        None => "object".to_owned(),
    }
}

fn range(schema: &Value, least: &str, most: &str) -> String {
    match (schema[least].as_u64(), schema[most].as_u64()) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least @ 1..), None) => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        (Some(0) | None, None) => String::new(),
    }
}
