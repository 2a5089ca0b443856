//! The rules that guests are held to, and who is to blame when one is broken.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident: $text:literal,)*) => {
        /// The rules that guests are held to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Rule] = &[$(Rule::$rule),*];
        }

        impl fmt::Display for Rule {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Rule::$rule => $text,)* })
            }
        }
    };
}

rules! {
    /// An operation gives the result that the scenario expects.
    Result: "an operation gives the expected result",
    /// A process that can run answers.
    Answer: "a process that can run answers",
    /// The guest lives until it powers itself off.
    Death: "the guest lives until it powers itself off",
    /// A check's expectation holds.
    Expectation: "an expectation of a check holds",
    /// A page holds what the steps wrote.
    Contents: "memory holds what the steps wrote",
    /// A page is accessible to its process as it was mapped, and no further.
    Permissions: "page-table permissions do not exceed the mapping's",
    /// Pages that were unmapped are not reachable.
    StillMapped: "an unmapped page is not reachable",
    /// No frame is writable by two owners unless shared on purpose.
    WritableTwice: "no frame is writable by two owners unless shared on purpose",
    /// Users reach only memory that is meant for them.
    KernelExposed: "users reach no memory of the kernel's",
    /// Kernel mappings are not writable and executable at once, aliases included.
    KernelWx: "no kernel memory is writable and executable",
    /// Files in memory hold what was loaded.
    PageCache: "a read-only file in memory holds what was loaded",
    /// Page tables are well formed.
    PageTables: "page tables are well formed",
    /// A free frame is mapped nowhere.
    FreeFrameMapped: "a free frame is mapped nowhere",
    /// A frame has at least as many references as mappings.
    References: "a frame has a reference for each mapping",
    /// After the last process every frame has come back.
    FramesLost: "after the last process every frame has come back",
    /// What `/proc/PID/pagemap` says is what the page tables have.
    PageMap: "pagemap says what the page tables have",
    /// A shadow page table says what is true of its target, is the kernel's alone to write, and is gone when it is closed.
    ShadowTable: "the shadow page table says what is true of its target",
    /// A fault that a program serves is a fault, and its thread goes on when it is none any more.
    UserFault: "a thread waits for its page until it is there",
    /// Who was reported as ended uses its page table no more.
    Ended: "who was reported as ended runs no more",
    /// Processes and threads change their states as they may.
    Life: "processes change state as allowed",
    /// Who runs a program can be interrupted.
    Clock: "a tick of the clock interrupts the program that runs",
    /// Who asks for operations is the agent, in user mode, with the page table that the judge looks at.
    Speaker: "who asks is the agent's program",
    /// What a program prints comes from that program.
    ProgramOutput: "what a program prints comes from that program",
    /// A process uses the page table that the judge walks.
    PageTableInUse: "a process uses the page table that it shows",
    /// The walls between processes, and around the kernel, stand while programs run.
    Inside: "the rules of user memory hold while programs run",
    /// Reports of the kernel are well formed, and not too many to follow.
    Reports: "the kernel's reports can be read",
    /// The judge's own page walk leads where KVM's does.
    Walker: "the judge's page walk and KVM's agree",
    /// What a check needs can be had from this guest.
    Evidence: "the evidence that a check needs is there",
}

/// Who is to blame when a rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The guest.
    Guest,
    /// The judge: what it says of this run cannot be trusted.
    Judge,
    /// Nobody: it could not be told.
    Nobody,
}

impl Rule {
    /// Who is to blame when it is broken.
    #[must_use]
    pub fn blame(self) -> Blame {
        match self {
            Rule::Walker => Blame::Judge,
            Rule::Evidence => Blame::Nobody,
            Rule::Result
            | Rule::Answer
            | Rule::Death
            | Rule::Expectation
            | Rule::Contents
            | Rule::Permissions
            | Rule::StillMapped
            | Rule::WritableTwice
            | Rule::KernelExposed
            | Rule::KernelWx
            | Rule::PageCache
            | Rule::PageTables
            | Rule::FreeFrameMapped
            | Rule::References
            | Rule::FramesLost
            | Rule::PageMap
            | Rule::ShadowTable
            | Rule::UserFault
            | Rule::Ended
            | Rule::Life
            | Rule::Clock
            | Rule::Speaker
            | Rule::ProgramOutput
            | Rule::PageTableInUse
            | Rule::Inside
            | Rule::Reports => Blame::Guest,
        }
    }
}
