//! A process that looks into a shadow page table whenever it is asked.

use abi::shadowpt::{SPTE_PTE_MAPPED, SPTE_VADDR_ALLOCATED};

use crate::syscall::process;
use crate::syscall::shadowpt::ShadowPt;
use crate::{Arguments, Board, ShadowTable, Span, child};

/// Words of the board: the number of the question, of the last answer, and the answer.
const QUESTION: u64 = 0;
const ANSWERED: u64 = 1;
const ALLOCATED: u64 = 2;
const MAPPED: u64 = 3;
/// A question that is the last.
const LAST: u64 = u64::MAX;

/// A child with the table of a span of its parent's, which it follows.
#[derive(Debug)]
pub struct Inspector {
    board: Board,
    process: i32,
    asked: u64,
}

/// What a table says, a bit a page, that of the first page being the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Pages that an area has.
    pub allocated: u64,
    /// Pages that are mapped.
    pub mapped: u64,
}

impl Inspector {
    /// Starts it.
    ///
    /// # Panics
    ///
    /// When the table cannot be opened, or the span has more than 64 pages.
    #[must_use]
    pub fn start(arguments: Arguments, span: Span) -> Self {
        let (board, target) = (Board::new(), process::process_id());
        let calls = ShadowPt::of_this_kernel(arguments);
        Self {
            board,
            process: child::start(|| inspect(calls, board, target, span)),
            asked: 0,
        }
    }

    /// What the table says now.
    pub fn look(&mut self) -> Seen {
        self.asked += 1;
        self.board.post(QUESTION, self.asked);
        self.board.wait_for(ANSWERED, self.asked);
        Seen {
            allocated: self.board.read(ALLOCATED),
            mapped: self.board.read(MAPPED),
        }
    }

    /// Ends it.
    ///
    /// # Panics
    ///
    /// When somebody else has ended it.
    pub fn end(self) {
        self.board.post(QUESTION, LAST);
        process::wait(self.process, 0).expect("wait4");
    }
}

/// Answers questions until the last one.
fn inspect(calls: ShadowPt, board: Board, target: i32, span: Span) {
    let table = ShadowTable::open(calls, target, span.address(), span.end()).expect("shadowpt_open");
    calls.start().expect("shadowpt_start");
    let mut answered = 0;
    loop {
        let question = board.read(QUESTION);
        if question == LAST {
            break;
        }
        if question == answered {
            process::sched_yield();
            continue;
        }
        answered = question;
        let bits = |flag| {
            let has = |index: u64| table.entry(index).state_flags & flag != 0;
            (0..table.pages())
                .map(|index| u64::from(has(index)) << index)
                .sum()
        };
        board.post(ALLOCATED, bits(SPTE_VADDR_ALLOCATED));
        board.post(MAPPED, bits(SPTE_PTE_MAPPED));
        board.post(ANSWERED, question);
    }
    calls.stop().expect("shadowpt_stop");
    calls.close().expect("shadowpt_close");
}
