//! Functions of kernels: what a scenario calls them, what each guest does, and that they are called.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::name::{FunctionName, ProcessName};

/// What a scenario calls functions. Each has, by the name of a guest (such as `ringside` or `linux`), a part of what that guest's kernel calls it.
pub type Functions = BTreeMap<FunctionName, BTreeMap<String, String>>;

/// Functions that the kernel calls between two check steps, found by stepping the processor.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calls {
    /// The process in whose time in the kernel they are called; without it, that of any.
    #[serde(rename = "in", default)]
    #[schemars(with = "ProcessName")]
    pub process: Option<ProcessName>,
    /// Functions that are called in this order; others may be called before, between and after them.
    #[serde(default)]
    pub order: Vec<FunctionName>,
    /// Functions none of which is called.
    #[serde(default)]
    pub never: Vec<FunctionName>,
    /// The function that is called last of all.
    #[serde(default)]
    #[schemars(with = "FunctionName")]
    pub last: Option<FunctionName>,
}

impl Calls {
    /// Every function that is named, and the key under which it stands.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, Option<usize>, &FunctionName)> {
        let order = self.order.iter().map(|name| ("order", name)).enumerate();
        let never = self.never.iter().map(|name| ("never", name)).enumerate();
        let listed = order
            .chain(never)
            .map(|(index, (key, name))| (key, Some(index), name));
        listed.chain(self.last.iter().map(|name| ("last", None, name)))
    }
}
