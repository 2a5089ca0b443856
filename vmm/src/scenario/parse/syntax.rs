//! JSON text to a tree of values that know where they stand.

use std::collections::HashSet;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::errors::ParseError;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use crate::scenario::path::{Part, Path, Segment};

/// JSON as RFC 8259 has it, nothing more: other tools are to read scenarios too.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// The tree, or `None` for a text without a value.
pub(super) fn read(text: &str) -> Result<Option<Value<'_>>, ParseError> {
    parse_to_ast(text, &CollectOptions::default(), &STRICT).map(|parsed| parsed.value)
}

/// Paths of the keys that stand in their object for a second time.
pub(super) fn duplicate_keys(root: &Value<'_>) -> Vec<Duplicate> {
    let mut found = Vec::new();
    collect_duplicates(root, &Path::default(), &mut found);
    found
}

/// A key that stands in its object for a second time.
pub(super) struct Duplicate {
    pub(super) path: Path,
    pub(super) range: Range,
}

fn collect_duplicates(value: &Value<'_>, path: &Path, found: &mut Vec<Duplicate>) {
    match value {
        Value::Object(object) => {
            let mut seen = HashSet::new();
            for property in &object.properties {
                let key = property.name.as_str();
                if !seen.insert(key) {
                    found.push(Duplicate {
                        path: path.key(key),
                        range: property.name.range(),
                    });
                }
                collect_duplicates(&property.value, &path.key(key), found);
            }
        }
        Value::Array(array) => {
            for (index, element) in array.elements.iter().enumerate() {
                collect_duplicates(element, &path.index(index), found);
            }
        }
        Value::StringLit(_) | Value::NumberLit(_) | Value::BooleanLit(_) | Value::NullKeyword(_) => {}
    }
}

/// Where the thing at `path` stands in the text, or the innermost thing around it that is there.
pub(super) fn locate(text: &str, root: &Value<'_>, path: &Path, part: Part) -> Range {
    let (mut value, mut key) = (root, None);
    for segment in path.segments() {
        let inner = match (segment, value) {
            (Segment::Key(name), Value::Object(object)) => {
                property(object, name).map(|property| (&property.value, Some(property.name.range())))
            }
            (Segment::Index(index), Value::Array(array)) => {
                array.elements.get(*index).map(|element| (element, None))
            }
            (Segment::Key(_) | Segment::Index(_), _) => None,
        };
        let Some(inner) = inner else {
            return first_line(text, value.range());
        };
        (value, key) = inner;
    }
    match part {
        Part::Key => key.unwrap_or_else(|| value.range()),
        Part::Value => first_line(text, value.range()),
    }
}

fn property<'a, 'text>(object: &'a Object<'text>, name: &str) -> Option<&'a ObjectProp<'text>> {
    object
        .properties
        .iter()
        .find(|property| property.name.as_str() == name)
}

/// A range of many lines says less than the line on which it begins.
fn first_line(text: &str, range: Range) -> Range {
    let line_end = text[range.start..range.end]
        .find(['\r', '\n'])
        .map_or(range.end, |length| range.start + length);
    Range::new(range.start, line_end)
}
