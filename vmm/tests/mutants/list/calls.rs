//! Faults of what calls take and refuse, and of how the kernel reaches memory for a process.

use vmm::rule::Rule;

use crate::entry::{Mutant, mutant};

pub(super) const MUTANTS: &[Mutant] = &[
    mutant(
        "kernel-store-ignores-cow",
        "kernel-copies/into-shared-frames",
        Rule::Contents,
        "parent:buf+0p",
    ),
    mutant(
        "kernel-store-ignores-protection",
        "kernel-copies/out-of-reach",
        Rule::Contents,
        "parent:buf+1p",
    ),
    mutant(
        "kernel-load-ignores-protection",
        "kernel-copies/out-of-reach",
        Rule::Result,
        "parent",
    ),
    mutant(
        "kernel-copy-misses-disk",
        "kernel-copies/on-the-disk",
        Rule::Result,
        "parent",
    ),
    mutant(
        "partial-count-too-large",
        "kernel-copies/out-of-reach",
        Rule::Result,
        "parent:buf+0p+4090",
    ),
    mutant(
        "mem-store-ignores-cow",
        "kernel-copies/by-the-memory-file",
        Rule::Contents,
        "parent:buf+0p",
    ),
    mutant(
        "fixed-keeps-pages-of-the-first",
        "arguments/where-to-map",
        Rule::Contents,
        "parent:across+0p",
    ),
    mutant(
        "noreplace-replaces",
        "arguments/where-to-map",
        Rule::Result,
        "parent",
    ),
    mutant(
        "hint-replaces",
        "arguments/where-to-map",
        Rule::Result,
        "parent:buf+1p",
    ),
    mutant(
        "populate-ignored",
        "arguments/before-they-are-needed",
        Rule::PageMap,
        "parent:eager+0p",
    ),
    mutant(
        "munmap-rounds-address",
        "arguments/lengths-and-flags",
        Rule::Result,
        "parent",
    ),
    mutant(
        "mprotect-hole-changes-nothing",
        "arguments/lengths-and-flags",
        Rule::Permissions,
        "parent:buf+2p",
    ),
    mutant(
        "advice-unknown-accepted",
        "arguments/lengths-and-flags",
        Rule::Result,
        "parent",
    ),
    mutant(
        "dontfork-ignored",
        "arguments/before-they-are-needed",
        Rule::StillMapped,
        "child:kept+1p",
    ),
    mutant(
        "wipeonfork-ignored",
        "arguments/before-they-are-needed",
        Rule::Contents,
        "child:kept+3p",
    ),
    mutant("file-tail-not-zero", "mappings/files", Rule::Result, "mappings"),
    mutant(
        "shared-file-writable",
        "mappings/files",
        Rule::PageCache,
        "file mappings+0p",
    ),
    mutant(
        "mremap-leaves-entries",
        "mappings/moves",
        Rule::WritableTwice,
        "process ",
    ),
    mutant("mremap-copies-shared", "mappings/moves", Rule::Result, "mappings"),
    mutant("locked-page-goes", "mappings/swapped", Rule::Result, "mappings"),
];
