//! How serde walks through objects, arrays and enum variants of the tree.

use jsonc_parser::ast::Value;
use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, Visitor};

use super::error::DecodeError;
use super::node::{Fields, Node};
use crate::scenario::path::{Part, Path};

/// The properties of an object, one after the other.
pub(super) struct Properties<'de> {
    rest: std::vec::IntoIter<(&'de str, &'de Value<'de>)>,
    current: Option<Node<'de>>,
    path: Path,
}

impl<'de> Properties<'de> {
    pub(super) fn new(fields: Fields<'de>) -> Self {
        Self {
            rest: fields.properties.into_iter(),
            current: None,
            path: fields.path,
        }
    }
}

impl<'de> de::MapAccess<'de> for Properties<'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        let path = self.path.key(key);
        let decoded = seed.deserialize(StrDeserializer::<DecodeError>::new(key));
        let decoded = decoded.map_err(|error| error.or_at(&path, Part::Key))?;
        self.current = Some(Node { value, path });
        Ok(Some(decoded))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DecodeError> {
        decode_at(
            seed,
            self.current
                .take()
                .expect("serde asks for a value only after its key"),
        )
    }
}

/// The elements of an array, one after the other.
pub(super) struct Elements<I>(pub(super) I);

impl<'de, I: Iterator<Item = Node<'de>>> de::SeqAccess<'de> for Elements<I> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        self.0.next().map(|node| decode_at(seed, node)).transpose()
    }
}

/// Places the errors of conversions too, which come when the value itself has been decoded.
fn decode_at<'de, S: DeserializeSeed<'de>>(seed: S, node: Node<'de>) -> Result<S::Value, DecodeError> {
    let path = node.path.clone();
    seed.deserialize(node)
        .map_err(|error| error.or_at(&path, Part::Value))
}

/// A variant's name, where it stands, and what the variant holds.
pub(super) struct Variant<'de, C> {
    pub(super) type_name: &'static str,
    pub(super) key: &'de str,
    pub(super) place: (Path, Part),
    pub(super) content: C,
    pub(super) content_path: Path,
}

/// What a variant without fields holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl<'de, C: Deserializer<'de, Error = DecodeError>> de::EnumAccess<'de> for Variant<'de, C> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), DecodeError> {
        let (path, part) = &self.place;
        let decoded = seed.deserialize(StrDeserializer::<DecodeError>::new(self.key));
        let decoded = decoded.map_err(|error| error.naming(self.type_name).or_at(path, *part))?;
        Ok((decoded, self))
    }
}

impl<'de, C: Deserializer<'de, Error = DecodeError>> de::VariantAccess<'de> for Variant<'de, C> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Nothing::deserialize(self.content).map(|Nothing {}| ())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, DecodeError> {
        seed.deserialize(self.content)
            .map_err(|error| error.or_at(&self.content_path, Part::Value))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.content.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.content.deserialize_any(visitor)
    }
}
