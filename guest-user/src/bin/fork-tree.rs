//! A tree of processes: who is whose parent, and whose status arrives where. Prints relations, never process ids.
#![no_std]
#![no_main]

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_SHARED, PROT_READ, PROT_WRITE};
use abi::linux::process::WAIT_EXIT_SHIFT;
use guest_user::syscall::process;
use guest_user::{Arguments, Span, child, print, println, program};

program!(main);

/// Children of each process that has any.
const CHILDREN: u64 = 2;
/// Generations below the first process.
const GENERATIONS: u32 = 3;
const WORD_BYTES: u64 = 8;
/// Number of the first process in the tree.
const FIRST_NODE: u64 = 1;

fn main(_: Arguments) -> i32 {
    let ids = Span::map(PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED).expect("mmap");
    let processes = descend(ids, FIRST_NODE, 0);
    println!("processes in all: {processes}");
    0
}

/// Makes the subtree of process `node` (its children are `2 node` and `2 node + 1`) and gives the number of processes in it.
/// `ids` has a word for each process, to which it writes its id.
fn descend(ids: Span, node: u64, generation: u32) -> i32 {
    let own_id = process::process_id();
    ids.store_u64(node * WORD_BYTES, own_id as u64);
    if generation == GENERATIONS {
        return 1;
    }
    let mut processes = 1;
    for child_node in (0..CHILDREN).map(|nth| node * CHILDREN + nth) {
        let child = child::start(|| {
            let parents_word = ids.load_u64(node * WORD_BYTES);
            let parent_is_parent = process::parent_process_id() as u64 == parents_word;
            let id_is_new = process::process_id() as u64 != parents_word;
            indent(generation);
            println!(
                "process {child_node}: child of process {node}: {parent_is_parent}, id of its own: {id_is_new}"
            );
            process::exit(descend(ids, child_node, generation + 1))
        });
        let ended = process::wait(child, 0)
            .expect("wait4")
            .expect("a child that ended");
        let named = ids.load_u64(child_node * WORD_BYTES);
        indent(generation);
        println!(
            "process {node}: fork gave the id of process {child_node}: {}, wait4 too: {}, status: {}",
            child as u64 == named,
            ended.pid == child,
            ended.status
        );
        processes += (ended.status.0 >> WAIT_EXIT_SHIFT) as i32;
    }
    processes
}

fn indent(generation: u32) {
    for _ in 0..generation {
        print!("  ");
    }
}
