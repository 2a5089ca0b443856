//! What happened, as trees: functions below those that called them, a block for each stretch in which one kernel stack is in use.

use std::mem;

use super::tree::totals;
use super::{Change, Trace, WayIn, What};

/// Most functions below each other; those below are beside the last of them. A guest may call without end.
const MOST_DEPTH: usize = 64;

/// A stretch in which one kernel stack is in use.
#[derive(Debug)]
pub struct Block<'a> {
    /// The process whose stack it is.
    pub thread: &'a str,
    /// What happens, in order.
    pub nodes: Vec<Node<'a>>,
}

/// Something that happens, with what happens in it.
#[derive(Debug)]
pub struct Node<'a> {
    /// What it is.
    pub what: Happening<'a>,
    /// What happens until it ends.
    pub below: Vec<Node<'a>>,
}

/// What can happen.
#[derive(Debug)]
pub enum Happening<'a> {
    /// The kernel begins to run.
    Enter(WayIn),
    /// The kernel goes back to user mode.
    Leave,
    /// A function runs.
    Function {
        /// Its name.
        name: &'a str,
        /// Instructions of its own and of those that it calls, until it ends.
        instructions: u64,
        /// How it comes to run.
        by: By,
    },
    /// An instruction changed something.
    Change(&'a Change),
}

/// How a function comes to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// It is called.
    Call,
    /// It began before the block did.
    Before,
    /// The compiler has put it into the one above.
    Inlining,
}

/// The blocks of a trace, up to so many events; and how many events are left out.
#[must_use]
pub fn blocks(trace: &Trace, most_events: usize) -> (Vec<Block<'_>>, usize) {
    let totals = totals(trace);
    let mut blocks = Blocks::default();
    for (event, instructions) in trace.events.iter().zip(totals).take(most_events) {
        let function = |number, by| Happening::Function {
            name: trace.function(number),
            instructions,
            by,
        };
        match event.what {
            What::Stack(number) => blocks.begin(trace.thread(number)),
            What::Call(number) => blocks.open(function(number, By::Call)),
            What::Resume(number) => blocks.open(function(number, By::Before)),
            What::Inline(number) => blocks.open(function(number, By::Inlining)),
            What::Return => blocks.close(),
            What::Enter(way) => blocks.add(Happening::Enter(way)),
            What::Leave => blocks.add(Happening::Leave),
            What::Change(number) => {
                if let Some(change) = trace.change(number) {
                    blocks.add(Happening::Change(change));
                }
            }
        }
    }
    blocks.end();
    (blocks.done, trace.events.len().saturating_sub(most_events))
}

/// Blocks under way.
#[derive(Default)]
struct Blocks<'a> {
    done: Vec<Block<'a>>,
    thread: &'a str,
    nodes: Vec<Node<'a>>,
    /// Functions under way, the outermost first.
    open: Vec<Node<'a>>,
    /// How many more are, which are too deep.
    deeper: usize,
}

impl<'a> Blocks<'a> {
    fn begin(&mut self, thread: &'a str) {
        self.end();
        self.thread = thread;
    }

    fn end(&mut self) {
        self.deeper = 0;
        while !self.open.is_empty() {
            self.close();
        }
        if !self.nodes.is_empty() {
            self.done.push(Block {
                thread: self.thread,
                nodes: mem::take(&mut self.nodes),
            });
        }
    }

    fn open(&mut self, what: Happening<'a>) {
        if self.open.len() == MOST_DEPTH {
            self.deeper += 1;
            self.add(what);
        } else {
            self.open.push(Node {
                what,
                below: Vec::new(),
            });
        }
    }

    /// The innermost function ends. One that began in an earlier block is in none of this one.
    fn close(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if let Some(node) = self.open.pop() {
            self.put(node);
        }
    }

    fn add(&mut self, what: Happening<'a>) {
        self.put(Node {
            what,
            below: Vec::new(),
        });
    }

    fn put(&mut self, node: Node<'a>) {
        let innermost = self.open.last_mut().map(|function| &mut function.below);
        innermost.unwrap_or(&mut self.nodes).push(node);
    }
}

#[cfg(test)]
mod tests {
    use std::iter::repeat_n;

    use super::super::TraceEvent;
    use super::*;
    use crate::printable::Printable;

    fn trace(whats: &[What]) -> Trace {
        let event = |(at, what): (usize, &What)| TraceEvent {
            at: at as u64,
            what: *what,
        };
        Trace {
            functions: ["handle", "fork"].map(Printable::from).into(),
            events: whats.iter().enumerate().map(event).collect(),
            threads: ["parent", "child"].map(Printable::from).into(),
            instructions: whats.len() as u64,
            ..Trace::default()
        }
    }

    fn outline(nodes: &[Node<'_>]) -> String {
        let one = |node: &Node<'_>| {
            let what = match &node.what {
                Happening::Enter(_) => ">".to_owned(),
                Happening::Leave => "<".to_owned(),
                Happening::Function { name, by, .. } => match by {
                    By::Call => (*name).to_owned(),
                    By::Before => format!("...{name}"),
                    By::Inlining => format!("[{name}]"),
                },
                Happening::Change(_) => "*".to_owned(),
            };
            if node.below.is_empty() {
                what
            } else {
                format!("{what}({})", outline(&node.below))
            }
        };
        nodes.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_switch_ends_a_block_and_functions_of_before_are_in_none_of_the_next() {
        let trace = trace(&[
            What::Stack(0),
            What::Enter(WayIn::Trap),
            What::Call(0),
            What::Call(1),
            What::Stack(1),
            What::Resume(1),
            What::Return,
            What::Leave,
            What::Stack(0),
            What::Return,
            What::Call(1),
            What::Return,
            What::Return,
            What::Leave,
        ]);
        let (blocks, left_out) = blocks(&trace, usize::MAX);
        let told: Vec<String> = blocks
            .iter()
            .map(|block| format!("{}: {}", block.thread, outline(&block.nodes)))
            .collect();
        assert_eq!(
            told,
            ["parent: > handle(fork)", "child: ...fork <", "parent: fork <"]
        );
        assert_eq!(left_out, 0);
    }

    #[test]
    fn what_calls_without_end_is_no_deeper_than_can_be_shown() {
        let mut whats = vec![What::Stack(0)];
        whats.extend(repeat_n(What::Call(0), 100_000));
        whats.extend(repeat_n(What::Return, 100_000));
        whats.push(What::Call(1));
        let trace = trace(&whats);
        let (blocks, left_out) = blocks(&trace, 300_000);
        assert_eq!((blocks.len(), left_out), (1, 0));
        assert_eq!(
            blocks[0].nodes.len(),
            2,
            "all that returned, and the one after it"
        );
        let (blocks, left_out) = super::blocks(&trace, 10);
        assert_eq!(
            (outline(&blocks[0].nodes).matches("handle").count(), left_out),
            (9, 199_992)
        );
    }
}
