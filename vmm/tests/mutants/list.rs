//! The faults, each with what must be said of it.

use vmm::judge::{Finding, Rule};

/// A fault, a scenario that shows it, and what the judge must say: the rule that is broken, and where, and which clause of a
/// specification that speaks against.
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    pub(crate) scenario: &'static str,
    pub(crate) rule: Rule,
    pub(crate) place: &'static str,
    pub(crate) clause: Option<&'static str>,
}

pub(crate) const fn mutant(
    name: &'static str,
    scenario: &'static str,
    rule: Rule,
    place: &'static str,
) -> Mutant {
    Mutant {
        name,
        scenario,
        rule,
        place,
        clause: None,
    }
}

/// A fault of the shadow page table.
const fn shadow(
    name: &'static str,
    scenario: &'static str,
    place: &'static str,
    clause: &'static str,
) -> Mutant {
    mutant(name, scenario, Rule::ShadowTable, place).naming(clause)
}

impl Mutant {
    /// The finding must name this clause, too.
    pub(crate) const fn naming(self, clause: &'static str) -> Mutant {
        Mutant {
            clause: Some(clause),
            ..self
        }
    }

    pub(crate) fn is_told_by(&self, finding: &Finding) -> bool {
        let names = |id: &str| finding.clauses.iter().any(|clause| clause.id.to_string() == id);
        finding.rule == self.rule && finding.place.contains(self.place) && self.clause.is_none_or(names)
    }
}

pub(crate) const MUTANTS: &[Mutant] = &[
    mutant(
        "fork-keeps-parent-writable",
        "cow",
        Rule::WritableTwice,
        "parent:buf+0p",
    ),
    mutant("fork-forgets-reference", "cow", Rule::References, "frame A"),
    mutant(
        "cow-forgets-reference",
        "cow",
        Rule::FramesLost,
        "anonymous frames",
    ),
    mutant(
        "cow-copies-wrong-frame",
        "mprotect-then-fault",
        Rule::Contents,
        "writer:buf+0p",
    ),
    mutant(
        "munmap-leaves-pte",
        "munmap-then-fault",
        Rule::StillMapped,
        "parent:buf+2p",
    ),
    mutant(
        "free-frame-mapped",
        "munmap-then-fault",
        Rule::FreeFrameMapped,
        "parent:buf+2p",
    ),
    mutant(
        "exit-leaks-frame",
        "exit-returns-frames",
        Rule::FramesLost,
        "anonymous frames",
    ),
    mutant("exec-leaks-frame", "exec", Rule::FramesLost, "anonymous frames"),
    mutant(
        "demand-zero-dirty",
        "demand-zero",
        Rule::Contents,
        "main:again+0p",
    ),
    mutant(
        "kernel-text-writable",
        "cow",
        Rule::KernelWx,
        "0xffffffff80200000",
    ),
    mutant(
        "mprotect-keeps-writable",
        "mprotect-then-fault",
        Rule::Permissions,
        "parent:buf+1p",
    ),
    mutant(
        "madvise-keeps-contents",
        "madvise-dontneed",
        Rule::Contents,
        "parent:buf+1p",
    ),
    mutant(
        "brk-shrink-keeps-page",
        "brk-growth",
        Rule::StillMapped,
        "child:heap",
    ),
    mutant(
        "shared-copied-on-fork",
        "shared-across-fork",
        Rule::Expectation,
        "parent:board+0p",
    ),
    mutant("exit-code-truncated", "exit-returns-frames", Rule::Result, "rich"),
    mutant(
        "user-maps-kernel-frame",
        "demand-zero",
        Rule::KernelExposed,
        "main:buf+1p",
    ),
    mutant("page-table-loop", "cow", Rule::PageTables, "parent"),
    mutant("child-never-runs", "cow", Rule::Answer, "parent"),
    mutant("powers-off-early", "cow", Rule::Death, "the guest"),
    mutant("nonsense-report", "cow", Rule::Reports, "the kernel's reports"),
    mutant("sticky-write-fault", "cow", Rule::Death, "guest_kernel::panic"),
    mutant("zombie-never-reaped", "wait", Rule::Result, "parent"),
    mutant("orphan-not-adopted", "orphans", Rule::Result, "living"),
    mutant("wait-wrong-child", "wait", Rule::Result, "parent"),
    mutant("kill-ignored", "kill", Rule::Result, "idle"),
    mutant("sleeper-scheduled", "wait", Rule::Life, "parent"),
    mutant("slice-never-ends", "spinning", Rule::Death, "0x"),
    mutant("ticks-masked", "sleep", Rule::Clock, "the clock"),
    mutant("sleep-too-short", "sleep", Rule::Result, "short"),
    mutant(
        "last-owner-copies",
        "last-owner",
        Rule::Expectation,
        "parent:buf+0p",
    ),
    mutant("futex-wake-lost", "threads", Rule::Death, ""),
    mutant("sse-not-saved", "sse", Rule::Result, "sse"),
    mutant(
        "swap-in-stale",
        "swap-write-error",
        Rule::Contents,
        "parent:old+0p",
    ),
    mutant(
        "swap-keeps-mapping",
        "swap-write-error",
        Rule::Contents,
        "parent:old+0p",
    ),
    mutant(
        "swap-error-ignored",
        "swap-read-error",
        Rule::Contents,
        "victim:old+0p",
    ),
    mutant("swap-slot-leaked", "swap", Rule::Result, "parent"),
    shadow(
        "shadow-cow-untracked",
        "shadowpt/cow",
        "inspector:table",
        "PAGE-7",
    ),
    shadow(
        "shadow-cow-of-others-tracked",
        "shadowpt/cow",
        "inspector:table",
        "PAGE-8",
    ),
    shadow(
        "shadow-fault-untracked",
        "shadowpt/pages",
        "inspector:table",
        "PAGE-1",
    ),
    shadow(
        "shadow-munmap-keeps-mapped",
        "shadowpt/pages",
        "inspector:table",
        "PAGE-2",
    ),
    shadow(
        "shadow-madvise-untracked",
        "shadowpt/pages",
        "inspector:table",
        "PAGE-3",
    ),
    shadow(
        "shadow-mprotect-untracked",
        "shadowpt/pages",
        "inspector:table",
        "PAGE-4",
    ),
    shadow(
        "shadow-swap-untracked",
        "shadowpt/swap",
        "inspector:table",
        "PAGE-10",
    ),
    shadow(
        "shadow-file-anonymous",
        "shadowpt/areas",
        "inspector:table",
        "AREA-5",
    ),
    shadow(
        "shadow-brk-shrink-untracked",
        "shadowpt/brk",
        "inspector:table",
        "AREA-10",
    ),
    shadow(
        "shadow-stack-growth-untracked",
        "shadowpt/stack",
        "inspector:table",
        "AREA-11",
    ),
    shadow(
        "shadow-execve-untracked",
        "shadowpt/execve",
        "inspector:table",
        "AREA-12",
    ),
    shadow(
        "shadow-exit-keeps-entries",
        "shadowpt/target-ends",
        "inspector:table",
        "AREA-14",
    ),
    shadow(
        "shadow-start-keeps-old",
        "shadowpt/start-stop",
        "inspector:table",
        "START-5",
    ),
    shadow(
        "shadow-stop-ignored",
        "shadowpt/start-stop",
        "inspector:table",
        "START-4",
    ),
    shadow(
        "shadow-entries-writable",
        "shadowpt/open",
        "inspector:memory+1p",
        "OPEN-2",
    ),
    shadow(
        "shadow-close-keeps-window",
        "shadowpt/close",
        "inspector:table",
        "CLOSE-4",
    ),
    shadow(
        "shadow-inspector-death-ignored",
        "shadowpt/inspector-ends",
        "frames of the shadow page table",
        "CLOSE-6",
    ),
    mutant(
        "shadow-open-leaves-pages",
        "shadowpt/open-out-of-memory",
        Rule::Result,
        "inspector",
    )
    .naming("OPEN-15"),
    mutant(
        "shadow-open-failure-keeps-claim",
        "shadowpt/open-errors",
        Rule::Result,
        "inspector",
    )
    .naming("OPEN-6"),
    mutant(
        "shadow-truncation-untold",
        "shadowpt/open-truncates",
        Rule::Result,
        "inspector, end_vaddr",
    )
    .naming("OPEN-8"),
    mutant(
        "shadow-contents-of-any-frame",
        "shadowpt/page-contents",
        Rule::Contents,
        "inspector:copy+1p",
    )
    .naming("CONTENTS-1"),
    mutant(
        "shadow-open-race",
        "shadowpt/race-open",
        Rule::Result,
        "shadowpt-races",
    )
    .naming("RACE-1"),
    mutant("vsock-data-lost", "net/vsock", Rule::Result, "vsock"),
    mutant("vsock-close-unseen", "net/vsock", Rule::Result, "vsock"),
    mutant("vsock-credit-kept", "net/vsock", Rule::Result, "vsock"),
    mutant("uffd-fault-untold", "uffd/faults", Rule::Death, ""),
    mutant("uffd-wakes-before-copy", "uffd/faults", Rule::Result, "uffd"),
    mutant("uffd-copy-replaces", "uffd/copy", Rule::Result, "uffd"),
    mutant("uffd-copy-wrong-page", "uffd/copy", Rule::Result, "uffd"),
    mutant("uffd-unregister-loses-waiter", "uffd/ends", Rule::Death, ""),
    mutant("uffd-guard-lost-at-fork", "uffd/fork", Rule::Result, "uffd"),
    mutant("uffd-guard-inherited", "uffd/fork", Rule::Result, "uffd"),
    mutant("uffd-guard-lost-on-disk", "uffd/swap", Rule::Result, "uffd"),
    mutant("uffd-message-twice", "uffd/faults", Rule::Result, "uffd"),
    mutant("uffd-kernel-does-not-wait", "uffd/kernel", Rule::Result, "uffd"),
    mutant("driver-area-uncounted", "testdev", Rule::Result, "testdev"),
    mutant("driver-goes-in-use", "testdev", Rule::Result, "testdev"),
    mutant("driver-private-shared", "testdev", Rule::Result, "testdev"),
    mutant(
        "module-alias-writable",
        "modules/hello",
        Rule::KernelWx,
        "0xffffffffd0000000",
    ),
    mutant(
        "vfree-keeps-protection",
        "modules/load-100",
        Rule::Death,
        "guest_kernel::panic",
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
    mutant("reservation-stays", "modules/kmmap", Rule::FramesLost, "module"),
    mutant("remap-page-short", "modules/kmmap", Rule::Result, "mmap-test"),
    mutant("vmalloc-contiguous", "modules/vmmap", Rule::Result, "mmap-test"),
    mutant(
        "remap-forgets-reference",
        "modules/removal-while-mapped",
        Rule::Death,
        "guest_kernel::panic",
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
        "guest_kernel::panic",
    ),
    mutant(
        "user-memory-unchecked",
        "modules/device-errors",
        Rule::Death,
        "guest_kernel",
    ),
    mutant(
        "pagemap-off-by-one",
        "modules/proc-mmap",
        Rule::Result,
        "proc-mmap-test",
    ),
];

/// Faults that only a processor with a translation cache of its own can show: where KVM interprets the kernel, each store
/// to a page table takes effect at once. Their tests are ignored; on a processor with VMX or SVM, run them with `--ignored`.
/// `ci/qemu-boot` catches them on any machine.
pub(crate) const NEED_A_TRANSLATION_CACHE: &[Mutant] = &[
    mutant("cow-stale-tlb", "exec", Rule::Result, "cow"),
    mutant(
        "protection-stale-tlb",
        "modules/kernel-jit",
        Rule::Result,
        "test-jit",
    ),
];
