//! What a sequence is made of.

use proptest::prelude::*;

/// One thing that somebody does. Numbers are taken modulo what there is, and a move that makes no sense at its moment is left
/// out, so a sequence from which some are taken is a sequence too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) kind: Kind,
    /// Where: a page.
    pub(super) page: u64,
    /// How much: pages, or a byte, or a choice.
    pub(super) amount: u64,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    MapPrivate,
    MapShared,
    MapFile,
    Unmap,
    Write,
    Read,
    Protect,
    Discard,
    GrowHeap,
    ShrinkHeap,
    WriteHeap,
    TouchStack,
    Fork,
    ChildWrites,
    ChildUnmaps,
    ChildExits,
    KernelStores,
    KernelLoads,
    ChildKernelStores,
    ChildKernelLoads,
    MemWrites,
    MemReads,
    MapFree,
    MapNear,
    MapPresent,
    ProtectRange,
    DiscardRange,
    Populate,
    AdviseFork,
    Refused,
    Open,
    Close,
    Start,
    Stop,
    Contents,
    ContentsOfChild,
}

/// Any move. Accesses are more frequent than what makes and unmakes memory, and calls of the inspector less.
pub(super) fn any() -> impl Strategy<Value = Move> {
    let kind = prop_oneof![
        6 => Just(Kind::MapPrivate),
        1 => Just(Kind::MapShared),
        1 => Just(Kind::MapFile),
        3 => Just(Kind::Unmap),
        8 => Just(Kind::Write),
        4 => Just(Kind::Read),
        4 => Just(Kind::Protect),
        3 => Just(Kind::Discard),
        2 => Just(Kind::GrowHeap),
        2 => Just(Kind::ShrinkHeap),
        2 => Just(Kind::WriteHeap),
        1 => Just(Kind::TouchStack),
        2 => Just(Kind::Fork),
        4 => Just(Kind::ChildWrites),
        1 => Just(Kind::ChildUnmaps),
        1 => Just(Kind::ChildExits),
        4 => Just(Kind::KernelStores),
        4 => Just(Kind::KernelLoads),
        3 => Just(Kind::ChildKernelStores),
        2 => Just(Kind::ChildKernelLoads),
        2 => Just(Kind::MemWrites),
        2 => Just(Kind::MemReads),
        1 => Just(Kind::MapFree),
        1 => Just(Kind::MapNear),
        1 => Just(Kind::MapPresent),
        2 => Just(Kind::ProtectRange),
        1 => Just(Kind::DiscardRange),
        2 => Just(Kind::Populate),
        3 => Just(Kind::AdviseFork),
        3 => Just(Kind::Refused),
        3 => Just(Kind::Open),
        1 => Just(Kind::Close),
        3 => Just(Kind::Start),
        1 => Just(Kind::Stop),
        2 => Just(Kind::Contents),
        1 => Just(Kind::ContentsOfChild),
    ];
    (kind, 0..64_u64, 0..256_u64).prop_map(|(kind, page, amount)| Move { kind, page, amount })
}
