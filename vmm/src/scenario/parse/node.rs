//! serde's view of the tree: like any JSON deserializer, but its errors keep path, key and known names apart.

use jsonc_parser::ast::{Array, Object, Value};
use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{self, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::access::{Elements, Properties, Variant};
use super::error::{DecodeError, Mismatch};
use crate::scenario::path::{Part, Path};

/// A value of the document and where it is.
#[derive(Clone)]
pub(super) struct Node<'de> {
    pub(super) value: &'de Value<'de>,
    pub(super) path: Path,
}

/// Some properties of an object.
#[derive(Clone)]
pub(super) struct Fields<'de> {
    pub(super) properties: Vec<(&'de str, &'de Value<'de>)>,
    pub(super) path: Path,
}

impl<'de> Node<'de> {
    pub(super) fn decode<T: Deserialize<'de>>(self) -> Result<T, DecodeError> {
        let path = self.path.clone();
        T::deserialize(self).map_err(|error| error.or_at(&path, Part::Value))
    }

    pub(super) fn fields(&self) -> Result<Fields<'de>, DecodeError> {
        let object = self.value.as_object().ok_or_else(|| self.mismatch("an object"))?;
        Ok(Fields::new(object, self.path.clone()))
    }

    pub(super) fn elements(&self) -> Result<impl Iterator<Item = Node<'de>>, DecodeError> {
        let array = self.value.as_array().ok_or_else(|| self.mismatch("an array"))?;
        Ok(elements(array, self.path.clone()))
    }

    fn mismatch(&self, expected: &str) -> DecodeError {
        let found = match self.value {
            Value::StringLit(text) => format!("the string {:?}", text.value),
            Value::NumberLit(number) => number.value.to_owned(),
            Value::BooleanLit(boolean) => format!("`{}`", boolean.value),
            Value::Object(_) => "an object".to_owned(),
            Value::Array(_) => "an array".to_owned(),
            Value::NullKeyword(_) => "`null`".to_owned(),
        };
        Mismatch::Type {
            expected: expected.to_owned(),
            found,
        }
        .at(&self.path, Part::Value)
    }
}

impl<'de> Fields<'de> {
    fn new(object: &'de Object<'de>, path: Path) -> Self {
        let properties = object
            .properties
            .iter()
            .map(|property| (property.name.as_str(), &property.value))
            .collect();
        Self { properties, path }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'de str> {
        self.properties.iter().map(|(key, _)| *key)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.keys().any(|each| each == key)
    }

    pub(super) fn get(&self, key: &'static str) -> Result<Node<'de>, DecodeError> {
        let property = self.properties.iter().find(|(each, _)| *each == key);
        let (_, value) = property.ok_or_else(|| Mismatch::MissingKey { key }.at(&self.path, Part::Value))?;
        Ok(Node {
            value,
            path: self.path.key(key),
        })
    }

    /// The properties with these keys, and the others.
    pub(super) fn split(self, keys: &[&str]) -> (Self, Self) {
        let (chosen, others) = self
            .properties
            .into_iter()
            .partition(|(key, _)| keys.contains(key));
        (
            Self {
                properties: chosen,
                path: self.path.clone(),
            },
            Self {
                properties: others,
                path: self.path,
            },
        )
    }

    pub(super) fn decode<T: Deserialize<'de>>(self) -> Result<T, DecodeError> {
        T::deserialize(self)
    }

    /// The enum variant of which these are the fields.
    pub(super) fn decode_variant<T: Deserialize<'de>>(self, variant: Node<'de>) -> Result<T, DecodeError> {
        T::deserialize(TaggedFields {
            tag: variant,
            fields: self,
        })
    }
}

fn elements<'de>(array: &'de Array<'de>, path: Path) -> impl Iterator<Item = Node<'de>> {
    array.elements.iter().enumerate().map(move |(index, value)| Node {
        value,
        path: path.index(index),
    })
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let path = self.path.clone();
        let visited = match self.value {
            Value::StringLit(text) => visitor.visit_str(&text.value),
            Value::NumberLit(number) => visit_number(number.value, visitor),
            Value::BooleanLit(boolean) => visitor.visit_bool(boolean.value),
            Value::Object(object) => visitor.visit_map(Properties::new(Fields::new(object, self.path))),
            Value::Array(array) => visitor.visit_seq(Elements(elements(array, self.path))),
            Value::NullKeyword(_) => visitor.visit_unit(),
        };
        visited.map_err(|error| error.or_at(&path, Part::Value))
    }

    /// A key is left out to say nothing; `null` in its place is no value of the language.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    /// A variant without fields is a string, one with fields an object with one key.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let path = self.path.clone();
        let visited = match self.value {
            Value::Object(object) => match object.properties.as_slice() {
                [property] => {
                    let key = property.name.as_str();
                    let content = Node {
                        value: &property.value,
                        path: path.key(key),
                    };
                    visitor.visit_enum(Variant {
                        type_name: name,
                        key,
                        place: (path.key(key), Part::Key),
                        content,
                        content_path: path.key(key),
                    })
                }
                properties => Err(Mismatch::KeyCount {
                    found: properties.len(),
                    known: variants.to_vec(),
                }
                .into()),
            },
            Value::StringLit(text) => visitor
                .visit_enum(StrDeserializer::<DecodeError>::new(&text.value))
                .map_err(|error| error.naming(name)),
            Value::NumberLit(_) | Value::BooleanLit(_) | Value::Array(_) | Value::NullKeyword(_) => {
                Err(self.mismatch("a name or an object with exactly one key"))
            }
        };
        visited.map_err(|error| error.or_at(&path, Part::Value))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// Whole numbers beyond 64 bits lose their type, not their value in the message.
fn visit_number<'de, V: Visitor<'de>>(number: &str, visitor: V) -> Result<V::Value, DecodeError> {
    if let Ok(whole) = number.parse::<u64>() {
        visitor.visit_u64(whole)
    } else if let Ok(whole) = number.parse::<i64>() {
        visitor.visit_i64(whole)
    } else {
        Err(de::Error::invalid_type(de::Unexpected::Other(number), &visitor))
    }
}

impl<'de> Deserializer<'de> for Fields<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let path = self.path.clone();
        visitor
            .visit_map(Properties::new(self))
            .map_err(|error| error.or_at(&path, Part::Value))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Fields and, in a property of its own, the name of the enum variant that has them.
struct TaggedFields<'de> {
    tag: Node<'de>,
    fields: Fields<'de>,
}

impl<'de> Deserializer<'de> for TaggedFields<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_enum("", &[], visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let Value::StringLit(key) = self.tag.value else {
            return Err(self.tag.mismatch("a string"));
        };
        let place = (self.tag.path, Part::Value);
        visitor.visit_enum(Variant {
            type_name: name,
            key: &key.value,
            place,
            content_path: self.fields.path.clone(),
            content: self.fields,
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
