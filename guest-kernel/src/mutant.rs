//! Deliberate faults, to prove that the judge sees them.
//!
//! A kernel that is built with the feature `mutants` commits the one that `mutant=NAME` on its command line names. In every
//! other kernel [`is`] is constant and the faults are not in the image.

/// Declares the faults once and yields the enum and its table.
macro_rules! mutants {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal;)*) => {
        /// A deliberate fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Mutant {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Mutant {
            /// The fault of that name.
            #[cfg(any(test, feature = "mutants"))]
            fn from_name(name: &[u8]) -> Option<Self> {
                [$((Self::$variant, $name)),*].into_iter().find(|(_, known)| known.as_bytes() == name).map(|(this, _)| this)
            }
        }
    };
}

mutants! {
    /// Fork leaves the parent's anonymous pages, except the stack's, writable, so that its stores reach the child.
    ForkKeepsParentWritable = "fork-keeps-parent-writable";
    /// Fork maps the parent's anonymous pages, except the stack's, for the child without taking a reference: the first to
    /// give one back frees it under the other.
    ForkForgetsReference = "fork-forgets-reference";
    /// A copy-on-write fault keeps the reference to the frame that it does not map any more.
    CowForgetsReference = "cow-forgets-reference";
    /// A copy-on-write fault copies the next frame instead of the one that was written to.
    CowCopiesWrongFrame = "cow-copies-wrong-frame";
    /// A frame is copied on write only when three or more have it.
    CowNeedsThreeReferences = "cow-needs-three-references";
    /// Fork takes no reference on any frame that it maps for the child.
    ForkTakesNoReference = "fork-takes-no-reference";
    /// Fork leaves private pages writable for both.
    ForkProtectsNothing = "fork-protects-nothing";
    /// Fork gives the child the parent's own last-level page table for a piece of anonymous memory: whoever ends first frees it under the
    /// other.
    ForkSharesTable = "fork-shares-table";
    /// Fork leaves pages of files that the parent has stored to writable for it.
    ForkKeepsFilePagesWritable = "fork-keeps-file-pages-writable";
    /// Fork passes on no pages that the parent may not access.
    ForkDropsHiddenPages = "fork-drops-hidden-pages";
    /// A child's heap is as long as its parent's, and its break is where the heap begins.
    ForkForgetsBreak = "fork-forgets-break";
    /// Fork leaves the old, writable translations of the parent's pages cached.
    CowStaleTlb = "cow-stale-tlb";
    /// munmap forgets to clear the last page-table entry of the range.
    MunmapLeavesPte = "munmap-leaves-pte";
    /// munmap frees the frame of each page and leaves it mapped.
    FreeFrameMapped = "free-frame-mapped";
    /// Exit keeps a reference to one of the process's frames.
    ExitLeaksFrame = "exit-leaks-frame";
    /// Exec keeps a reference to a frame of the old address space.
    ExecLeaksFrame = "exec-leaks-frame";
    /// What a program prints is sent to the console while the kernel's own page table is in use.
    PrintsElsewhere = "prints-elsewhere";
    /// A process that prints is reported as ended before.
    EndToldEarly = "end-told-early";
    /// execve leaves out the last setting of the environment.
    EnvironmentCut = "environment-cut";
    /// A reused frame is handed out with its last owner's contents.
    DemandZeroDirty = "demand-zero-dirty";
    /// The kernel's code is mapped writable.
    KernelTextWritable = "kernel-text-writable";
    /// mprotect leaves pages writable that it should protect.
    MprotectKeepsWritable = "mprotect-keeps-writable";
    /// mprotect makes a page writable though another process has its frame.
    MprotectWritesShared = "mprotect-writes-shared";
    /// madvise(MADV_DONTNEED) reports success and drops nothing.
    MadviseKeepsContents = "madvise-keeps-contents";
    /// Lowering the break leaves the pages above it mapped.
    BrkShrinkKeepsPage = "brk-shrink-keeps-page";
    /// Fork treats shared memory as private.
    SharedCopiedOnFork = "shared-copied-on-fork";
    /// The exit code keeps its low four bits only.
    ExitCodeTruncated = "exit-code-truncated";
    /// A page that is read before it is written to is the kernel's own.
    UserMapsKernelFrame = "user-maps-kernel-frame";
    /// A process's top page table contains itself.
    PageTableLoop = "page-table-loop";
    /// A forked process is never put where the scheduler would find it.
    ChildNeverRuns = "child-never-runs";
    /// The end of a process is reported with a kind that no event has.
    NonsenseReport = "nonsense-report";
    /// The kernel powers off when the first process ends.
    PowersOffEarly = "powers-off-early";
    /// A page comes back from the disk with the contents of the next slot.
    SwapInStale = "swap-in-stale";
    /// A page on the disk that is unmapped keeps its slot.
    SwapSlotLeaked = "swap-slot-leaked";
    /// Pages on the disk outlive the area that they were in, and whatever is mapped there next begins with them.
    UnmapLeavesSlots = "unmap-leaves-slots";
    /// A page that comes back from the disk can be written to, whatever became of its area meanwhile.
    SwapInWritable = "swap-in-writable";
    /// The frame of a page that goes to the disk is freed and stays mapped.
    SwapKeepsMapping = "swap-keeps-mapping";
    /// A page that cannot be read from the disk comes back as zeros.
    SwapErrorIgnored = "swap-error-ignored";
    /// A legal write to a page that is mapped read-only ends the process.
    StickyWriteFault = "sticky-write-fault";
    /// The first touch of a page brings its neighbour, too.
    TouchBringsNeighbour = "touch-brings-neighbour";
    /// A page fault lets the other threads run before it is repaired, which no memory shows.
    FaultGivesWay = "fault-gives-way";
    /// wait4 tells how a child ended and leaves the zombie where it is.
    ZombieNeverReaped = "zombie-never-reaped";
    /// The children of a process that ends keep it as their parent.
    OrphanNotAdopted = "orphan-not-adopted";
    /// wait4 for a given child takes any.
    WaitWrongChild = "wait-wrong-child";
    /// The frame of a handler lies in the red zone.
    RedZoneOverwritten = "red-zone-overwritten";
    /// The mask that a handler runs with stays when it has returned.
    SigreturnKeepsMask = "sigreturn-keeps-mask";
    /// Another program has the handlers of the one before it.
    ExecKeepsHandlers = "exec-keeps-handlers";
    /// A signal that should end a process does nothing.
    KillIgnored = "kill-ignored";
    /// A thread that sleeps stays among those that can run.
    SleeperScheduled = "sleeper-scheduled";
    /// A thread that has used up its time slice goes on.
    SliceNeverEnds = "slice-never-ends";
    /// Programs run with interrupts masked.
    TicksMasked = "ticks-masked";
    /// A sleep ends one tick before its time.
    SleepTooShort = "sleep-too-short";
    /// The last owner of a page that was shared gets a copy of it when it writes.
    LastOwnerCopies = "last-owner-copies";
    /// A futex wake-up wakes nobody.
    FutexWakeLost = "futex-wake-lost";
    /// Floating-point registers are not saved when another thread runs.
    SseNotSaved = "sse-not-saved";
    /// A copy on write of the target leaves the old frame in the shadow page table.
    ShadowCowUntracked = "shadow-cow-untracked";
    /// A copy on write of whatever process goes into the shadow page table.
    ShadowCowOfOthersTracked = "shadow-cow-of-others-tracked";
    /// A page that comes with its first access does not go into the shadow page table.
    ShadowFaultUntracked = "shadow-fault-untracked";
    /// munmap leaves the pages mapped in the shadow page table.
    ShadowMunmapKeepsMapped = "shadow-munmap-keeps-mapped";
    /// madvise(MADV_DONTNEED) leaves the pages mapped in the shadow page table.
    ShadowMadviseUntracked = "shadow-madvise-untracked";
    /// mprotect leaves pages unmapped in the shadow page table, whatever they allow now.
    ShadowMprotectUnmaps = "shadow-mprotect-unmaps";
    /// A page that nobody can reach is mapped in the shadow page table, but not to its frame.
    ShadowHeldFrameLost = "shadow-held-frame-lost";
    /// A page that comes back from the disk does not go into the shadow page table.
    ShadowSwapInUntracked = "shadow-swap-in-untracked";
    /// Private mappings of files are anonymous to the shadow page table.
    ShadowFileAnonymous = "shadow-file-anonymous";
    /// Lowering the break leaves the pages in the shadow page table.
    ShadowBrkShrinkUntracked = "shadow-brk-shrink-untracked";
    /// A stack that grows does not in the shadow page table.
    ShadowStackGrowthUntracked = "shadow-stack-growth-untracked";
    /// execve leaves the old program's memory in the shadow page table.
    ShadowExecveUntracked = "shadow-execve-untracked";
    /// The end of the target leaves its memory in the shadow page table.
    ShadowExitKeepsEntries = "shadow-exit-keeps-entries";
    /// shadowpt_start does not reset a table that was started before.
    ShadowStartKeepsOld = "shadow-start-keeps-old";
    /// shadowpt_stop does not stop.
    ShadowStopIgnored = "shadow-stop-ignored";
    /// shadowpt_open does not tell that it has cut the range.
    ShadowTruncationUntold = "shadow-truncation-untold";
    /// The inspector can write to the shadow page table.
    ShadowEntriesWritable = "shadow-entries-writable";
    /// shadowpt_close leaves the table in the inspector's memory.
    ShadowCloseKeepsWindow = "shadow-close-keeps-window";
    /// The end of the inspector leaves the table open.
    ShadowInspectorDeathIgnored = "shadow-inspector-death-ignored";
    /// shadowpt_page_contents copies the first page of the range, whatever frame it is asked for.
    ShadowContentsOfAnyFrame = "shadow-contents-of-any-frame";
    /// shadowpt_open that runs out of memory half-way leaves what it has mapped by then.
    ShadowOpenLeavesPages = "shadow-open-leaves-pages";
    /// shadowpt_open that fails leaves the table taken.
    ShadowOpenFailureKeepsClaim = "shadow-open-failure-keeps-claim";
    /// Two callers of shadowpt_open at the same time may both find the table free.
    ShadowOpenRace = "shadow-open-race";
    /// A driver is not told of areas that go.
    DriverAreaUncounted = "driver-area-uncounted";
    /// A driver's device can be taken away while it is open or mapped.
    DriverGoesInUse = "driver-goes-in-use";
    /// Stores to a private mapping of a driver's memory reach the driver.
    DriverPrivateShared = "driver-private-shared";
    /// The direct map goes on to allow writes to a module's code.
    ModuleAliasWritable = "module-alias-writable";
    /// What vmalloc gave is given back with its direct-map alias as protected as it was.
    VfreeKeepsProtection = "vfree-keeps-protection";
    /// A module that is removed keeps its memory.
    RemovedModuleStays = "removed-module-stays";
    /// A module whose init function fails keeps its memory.
    FailedModuleStays = "failed-module-stays";
    /// A module's mark that its pages are reserved is not set.
    ReservationForgotten = "reservation-forgotten";
    /// A module may lend programs frames that the kernel executes or may not write.
    ProtectedFrameLent = "protected-frame-lent";
    /// The mark of a page that a module has reserved stays when the module takes it away.
    ReservationStays = "reservation-stays";
    /// A module's row of pages is mapped without its last page.
    RemapPageShort = "remap-page-short";
    /// Pages of vmalloc are taken to be in a row of frames behind the first.
    VmallocContiguous = "vmalloc-contiguous";
    /// Pages that a module puts into an area are mapped without a reference: the program's munmap frees them under the module.
    RemapForgetsReference = "remap-forgets-reference";
    /// The page that a module gives for a fault is mapped without a reference.
    FaultForgetsReference = "fault-forgets-reference";
    /// A module can be removed while somebody uses it.
    RemovalInUse = "removal-in-use";
    /// What a module copies from a program is read where the program says, whatever is there.
    UserMemoryUnchecked = "user-memory-unchecked";
    /// A change of the protection of the kernel's pages leaves the old translations cached.
    ProtectionStaleTlb = "protection-stale-tlb";
    /// What the kernel copies to a program goes to the frame that is mapped, be it another process's too.
    KernelStoreIgnoresCow = "kernel-store-ignores-cow";
    /// What the kernel copies to a program goes to pages that the program may only read.
    KernelStoreIgnoresProtection = "kernel-store-ignores-protection";
    /// The kernel copies from pages that the program may not read.
    KernelLoadIgnoresProtection = "kernel-load-ignores-protection";
    /// What the kernel copies to or from a page that is on the disk is refused.
    KernelCopyMissesDisk = "kernel-copy-misses-disk";
    /// A copy that ends early counts the bytes that it could not move.
    PartialCountTooLarge = "partial-count-too-large";
    /// A store through /proc/PID/mem goes to the frame that is mapped, be it another process's too.
    MemStoreIgnoresCow = "mem-store-ignores-cow";
    /// A mapping that lies over the end of an area and the start of another keeps the pages of the first.
    FixedKeepsPagesOfTheFirst = "fixed-keeps-pages-of-the-first";
    /// MAP_FIXED_NOREPLACE replaces what is there.
    NoreplaceReplaces = "noreplace-replaces";
    /// mmap takes a hint for an order.
    HintReplaces = "hint-replaces";
    /// MAP_POPULATE is accepted and ignored.
    PopulateIgnored = "populate-ignored";
    /// munmap takes an address in a page for the page's.
    MunmapRoundsAddress = "munmap-rounds-address";
    /// mprotect over a hole changes nothing before it.
    MprotectHoleChangesNothing = "mprotect-hole-changes-nothing";
    /// madvise accepts advice that it does not know, and ignores it.
    AdviceUnknownAccepted = "advice-unknown-accepted";
    /// A child of fork has areas that MADV_DONTFORK should keep from it.
    DontforkIgnored = "dontfork-ignored";
    /// A child of fork finds what is in areas that MADV_WIPEONFORK should keep from it.
    WipeonforkIgnored = "wipeonfork-ignored";
    /// The page map tells of the page behind the one that was asked for.
    PagemapOffByOne = "pagemap-off-by-one";
    /// What a socket is given to send and its peer has no room for is dropped.
    VsockDataLost = "vsock-data-lost";
    /// A peer that closes its connection goes unnoticed.
    VsockCloseUnseen = "vsock-close-unseen";
    /// A peer does not learn that a program has taken what it sent.
    VsockCreditKept = "vsock-credit-kept";
    /// Nobody is told of a fault that a program serves.
    UffdFaultUntold = "uffd-fault-untold";
    /// UFFDIO_COPY wakes whoever waits before the copy is there, and not afterwards.
    UffdWakesBeforeCopy = "uffd-wakes-before-copy";
    /// UFFDIO_COPY replaces a page that is there.
    UffdCopyReplaces = "uffd-copy-replaces";
    /// UFFDIO_COPY puts each page one page further on.
    UffdCopyWrongPage = "uffd-copy-wrong-page";
    /// UFFDIO_UNREGISTER wakes nobody.
    UffdUnregisterLosesWaiter = "uffd-unregister-loses-waiter";
    /// Fork takes write protection by userfaultfd away from the parent's pages.
    UffdGuardLostAtFork = "uffd-guard-lost-at-fork";
    /// A child of fork has its parent's write protection by userfaultfd.
    UffdGuardInherited = "uffd-guard-inherited";
    /// A page that goes to the disk is not write-protected by userfaultfd any more.
    UffdGuardLostOnDisk = "uffd-guard-lost-on-disk";
    /// A message of a fault is read for ever.
    UffdMessageTwice = "uffd-message-twice";
    /// The kernel's own copies do not wait for a page that a program serves.
    UffdKernelDoesNotWait = "uffd-kernel-does-not-wait";
    /// A page that UFFDIO_COPY puts there is not shown in a shadow page table.
    ShadowUffdUntracked = "shadow-uffd-untracked";
    /// The page in which a file ends shows a program what lies behind its last byte.
    FileTailNotZero = "file-tail-not-zero";
    /// A shared mapping of a read-only file can be written to, and the file with it.
    SharedFileWritable = "shared-file-writable";
    /// mremap leaves the page-table entries of the pages that it moves where they were.
    MremapLeavesEntries = "mremap-leaves-entries";
    /// mremap gives a process a copy of the shared page that it moves.
    MremapCopiesShared = "mremap-copies-shared";
    /// Pages that mremap has moved are not shown in a shadow page table.
    ShadowMremapUntracked = "shadow-mremap-untracked";
    /// A page of locked memory can go to the disk.
    LockedPageGoes = "locked-page-goes";
    /// The processor stops after each instruction of a program, and the kernel has it go on.
    ProgramsStepped = "programs-stepped";
    /// A breakpoint stops each program where the kernel likes.
    ProgramsHaveBreakpoint = "programs-have-breakpoint";
}

#[cfg(feature = "mutants")]
mod selected {
    use core::sync::atomic::{AtomicU8, Ordering};

    use super::Mutant;

    const NONE: u8 = u8::MAX;
    static SELECTED: AtomicU8 = AtomicU8::new(NONE);

    /// Whether the kernel commits this fault.
    #[inline]
    pub(crate) fn is(mutant: Mutant) -> bool {
        SELECTED.load(Ordering::Relaxed) == mutant as u8
    }

    /// Switches on the fault that the command line names. A name that nothing has is an error of whoever wrote it.
    pub(crate) fn select(name: Option<&[u8]>) {
        let Some(name) = name else { return };
        match Mutant::from_name(name) {
            Some(mutant) => SELECTED.store(mutant as u8, Ordering::Relaxed),
            None => panic!("there is no mutant {:?}", core::str::from_utf8(name)),
        }
    }
}

#[cfg(not(feature = "mutants"))]
mod selected {
    use super::Mutant;

    /// Whether the kernel commits this fault: never.
    #[inline]
    pub(crate) const fn is(_: Mutant) -> bool {
        false
    }

    /// A kernel without faults does not pretend to have one.
    pub(crate) fn select(name: Option<&[u8]>) {
        assert!(
            name.is_none(),
            "mutant= needs a kernel that is built with the feature `mutants`"
        );
    }
}

pub(crate) use selected::{is, select};

#[cfg(test)]
mod tests {
    use super::Mutant;

    #[test]
    fn mutants_are_found_by_their_names_only() {
        assert_eq!(Mutant::from_name(b"cow-stale-tlb"), Some(Mutant::CowStaleTlb));
        assert_eq!(Mutant::from_name(b"cow-stale"), None);
    }
}
