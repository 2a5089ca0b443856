//! Faults of what programs meet as files: page faults that they serve, sockets, drivers and modules.

use vmm::rule::Rule;

use crate::entry::{Mutant, mutant};

pub(super) const MUTANTS: &[Mutant] = &[
    mutant("uffd-fault-untold", "uffd/faults", Rule::Result, "uffd"),
    mutant("uffd-wakes-before-copy", "uffd/faults", Rule::Result, "uffd"),
    mutant("uffd-copy-replaces", "uffd/copy", Rule::Result, "uffd"),
    mutant("uffd-copy-wrong-page", "uffd/copy", Rule::Result, "uffd"),
    mutant("uffd-unregister-loses-waiter", "uffd/ends", Rule::Result, "uffd"),
    mutant("uffd-guard-lost-at-fork", "uffd/fork", Rule::Result, "uffd"),
    mutant("uffd-guard-inherited", "uffd/fork", Rule::Result, "uffd"),
    mutant("uffd-guard-lost-on-disk", "uffd/swap", Rule::Result, "uffd"),
    mutant("uffd-message-twice", "uffd/faults", Rule::Result, "uffd"),
    mutant("uffd-kernel-does-not-wait", "uffd/kernel", Rule::Result, "uffd"),
    mutant(
        "shadow-uffd-untracked",
        "uffd/shadow",
        Rule::Result,
        "uffd-shadow",
    ),
    mutant(
        "shadow-mremap-untracked",
        "mappings/shadow",
        Rule::Result,
        "mremap-shadow",
    ),
    mutant("vsock-data-lost", "net/vsock", Rule::Result, "vsock"),
    mutant("vsock-close-unseen", "net/vsock", Rule::Result, "vsock"),
    mutant("vsock-credit-kept", "net/vsock", Rule::Result, "vsock"),
    mutant("driver-area-uncounted", "testdev", Rule::Result, "testdev"),
    mutant("driver-goes-in-use", "testdev", Rule::Result, "testdev"),
    mutant("driver-private-shared", "testdev", Rule::Result, "testdev"),
    mutant(
        "module-alias-writable",
        "modules/hello",
        Rule::KernelWx,
        "0xffffffffd000",
    ),
    mutant(
        "vfree-keeps-protection",
        "modules/load-100",
        Rule::Death,
        "guest_kernel::device::vmm",
    ),
    mutant(
        "removed-module-stays",
        "modules/hello",
        Rule::FramesLost,
        "vmalloc frames",
    ),
    mutant(
        "failed-module-stays",
        "modules/refused",
        Rule::FramesLost,
        "vmalloc frames",
    ),
    mutant(
        "reservation-forgotten",
        "modules/kmmap",
        Rule::Expectation,
        "kmmap, frame",
    ),
    mutant(
        "protected-frame-lent",
        "modules/device-errors",
        Rule::Result,
        "module-errors",
    ),
    mutant("reservation-stays", "modules/kmmap", Rule::FramesLost, "module"),
    mutant("remap-page-short", "modules/kmmap", Rule::Result, "mmap-test"),
    mutant("vmalloc-contiguous", "modules/vmmap", Rule::Result, "mmap-test"),
    mutant(
        "remap-forgets-reference",
        "modules/removal-while-mapped",
        Rule::Death,
        "guest_kernel::device::vmm",
    ),
    mutant(
        "fault-forgets-reference",
        "modules/proc-mmap",
        Rule::Death,
        "guest_kernel",
    ),
    mutant(
        "removal-in-use",
        "modules/removal-while-mapped",
        Rule::Death,
        "guest_kernel::device::vmm",
    ),
    mutant(
        "user-memory-unchecked",
        "modules/device-errors",
        Rule::Death,
        "guest_kernel",
    ),
];
