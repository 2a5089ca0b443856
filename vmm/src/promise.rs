//! What a kernel can promise to report. A report is a claim: it names, times and explains. What is judged with it cannot be judged
//! without it.

use std::collections::BTreeSet;
use std::fmt;
use std::slice;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! promises {
    ($($(#[$doc:meta])* $promise:ident: $name:literal, $text:literal;)*) => {
        /// A kind of report.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Promise {
            $($(#[$doc])* $promise,)*
        }

        impl Promise {
            /// Every kind.
            pub const ALL: &[Promise] = &[$(Promise::$promise),*];

            /// Its name in files and on the command line.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Promise::$promise => $name,)* }
            }
        }

        impl fmt::Display for Promise {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(match self { $(Promise::$promise => $text,)* })
            }
        }
    };
}

promises! {
    /// How each process ends, with its wait status.
    Ends: "ends", "reports of how processes end";
    /// Which exception ends a process, and where.
    Faults: "faults", "reports of fatal faults";
    /// References and kind of every frame.
    FrameAccount: "frame-account", "an account of the kernel's frames";
    /// Which thread runs, sleeps and is woken, from the making of each process to its end.
    Switches: "switches", "reports of what processes do";
    /// Faults that programs serve: when a thread begins to wait for one and when it goes on.
    UserFaults: "user-faults", "reports of faults that programs serve";
    /// When the kernel changes what it may do with its own pages.
    Protection: "protection", "reports of changes of the kernel's own mappings";
    /// At each reschedule point, a question who goes on.
    Schedule: "schedule", "questions of who goes on at reschedule points";
    /// The clock moves only when the harness says so.
    VirtualClock: "virtual-clock", "a clock that the harness moves";
    /// Pages that modules offer to programs.
    Modules: "modules", "reports of what modules offer";
    /// What a program prints leaves the kernel while that program runs.
    Output: "output", "output that leaves the machine while its program runs";
    /// Files of the archive stay where they were loaded, and are what programs map.
    PageCache: "page-cache", "an archive that stays in memory as the page cache";
}

/// A text that names no kind of report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no report; there are {}", names())]
pub struct NoSuchPromise {
    /// The text.
    pub found: String,
}

fn names() -> String {
    let names: Vec<&str> = Promise::ALL.iter().map(|promise| promise.name()).collect();
    names.join(", ")
}

impl Promise {
    /// The word for every report, where reports are named that must be there.
    pub const ALL_OF_THEM: &str = "all";

    /// What is meant by the name of a report, or by [`Promise::ALL_OF_THEM`].
    ///
    /// # Errors
    /// It is neither.
    pub fn named(text: &str) -> Result<&'static [Promise], NoSuchPromise> {
        if text == Promise::ALL_OF_THEM {
            return Ok(Promise::ALL);
        }
        let promise = Promise::ALL.iter().find(|promise| promise.name() == text);
        promise.map(slice::from_ref).ok_or_else(|| NoSuchPromise {
            found: text.to_owned(),
        })
    }
}

/// What a kernel promises to report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Promises(BTreeSet<Promise>);

impl Promises {
    /// All there are.
    #[must_use]
    pub fn all() -> Promises {
        Promises(Promise::ALL.iter().copied().collect())
    }

    /// These.
    #[must_use]
    pub fn of(promises: &[Promise]) -> Promises {
        Promises(promises.iter().copied().collect())
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn has(&self, promise: Promise) -> bool {
        self.0.contains(&promise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_report_has_one_name_that_is_the_same_everywhere() {
        for promise in Promise::ALL {
            assert_eq!(Promise::named(promise.name()), Ok(slice::from_ref(promise)));
            let json = serde_json::to_value(promise).unwrap();
            assert_eq!(json, promise.name());
        }
        assert!(
            Promise::named("heat")
                .unwrap_err()
                .to_string()
                .contains("frame-account")
        );
    }
}
