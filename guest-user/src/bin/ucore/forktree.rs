//! A binary tree of processes that live at the same time: each has the name of its parent and one bit more.
//!
//! Everyone posts its and its parent's id, and the leaves wait until all are there; the root prints the tree when all have ended, so the order is the tree's.
#![no_std]
#![no_main]

use core::fmt;

use guest_user::syscall::process::{self, ANY_CHILD};
use guest_user::{Arguments, Board, child, println, program};

program!(main);

/// Bits in the names of the leaves.
const DEPTH: u32 = 4;
/// Number of the root; the children of node `n` are `2n` and `2n + 1`.
const ROOT: u64 = 1;
const NODES: u64 = 1 << (DEPTH + 1);

fn main(_: Arguments) -> i32 {
    let (ids, parents) = (Board::new(), Board::new());
    grow(ids, parents, ROOT);
    let mut processes = 0;
    for node in ROOT..NODES {
        let is_child = node == ROOT || parents.read(node) == ids.read(node / 2);
        let is_new = (ROOT..node).all(|other| ids.read(other) != ids.read(node));
        println!(
            "I am {}, my parent's child: {is_child}, an id of my own: {is_new}",
            Name(node)
        );
        processes += u64::from(ids.read(node) != 0);
    }
    println!("processes: {processes}");
    println!("forktree pass");
    0
}

fn grow(ids: Board, parents: Board, node: u64) {
    ids.post(node, process::process_id() as u64);
    parents.post(node, process::parent_process_id() as u64);
    if node >= NODES / 2 {
        for other in ROOT..NODES {
            let _ = ids.wait_for_any(other);
        }
        return;
    }
    for child in [2 * node, 2 * node + 1] {
        child::start(|| grow(ids, parents, child));
    }
    while process::wait(ANY_CHILD, 0).is_ok() {}
}

/// The bits of a node's number behind the first one.
struct Name(u64);

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0.ilog2();
        formatter.write_str("'")?;
        for bit in (0..bits).rev() {
            write!(formatter, "{}", self.0 >> bit & 1)?;
        }
        formatter.write_str("'")
    }
}
