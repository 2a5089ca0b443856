//! The faults, each with what must be said of it.
//!
//! - `processes`: of processes and of their memory
//! - `calls`: of what calls take and refuse, and of how the kernel reaches memory for a process
//! - `shadow`: of shadow page tables
//! - `drivers`: of what programs meet as files

mod calls;
mod drivers;
mod processes;
mod shadow;

use vmm::rule::Rule;

use crate::entry::{Mutant, mutant};

/// Those that every machine shows.
pub(crate) fn mutants() -> impl Iterator<Item = &'static Mutant> {
    [
        processes::MUTANTS,
        calls::MUTANTS,
        shadow::MUTANTS,
        drivers::MUTANTS,
    ]
    .into_iter()
    .flatten()
}

/// Faults that only a processor with a translation cache of its own can show: where KVM interprets the kernel, each store
/// to a page table takes effect at once. Their tests are ignored; on a processor with VMX or SVM, run them with `--ignored`.
/// `ci/qemu-boot` catches them on any machine.
pub(crate) const NEED_A_TRANSLATION_CACHE: &[Mutant] = &[
    mutant("cow-stale-tlb", "exec", Rule::Result, "cow"),
    mutant(
        "protection-stale-tlb",
        "modules/memory",
        Rule::Result,
        "stale-protection",
    ),
];
