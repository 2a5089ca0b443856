//! Moves to the steps of a scenario, with what each must answer.
//!
//! The script knows what it has asked for, page by page, and no more than it needs to tell which step must succeed and what a read
//! must find. Whether memory and the shadow page table really are so is for the judge to say.

mod arguments;
mod kernel_access;

use serde_json::{Value, json};

use super::arena::{ARENA, Access, Arena, Backing, Page, Part, choose, one_of};
use super::moves::{Kind, Move};
use crate::scenario::ScenarioName;

/// Most pages of the heap, and of the stack's room.
const HEAP: u64 = 12;
const ROOM: u64 = 96;
/// Pages that one move of the stack touches at most.
const TOUCH: u64 = 24;
/// Most pages of one mapping.
const LONGEST: u64 = 6;
/// Most children that the target has in a sequence.
const CHILDREN: usize = 4;
/// Bytes that are written and read.
const BYTES: u64 = 8;
/// A file of the image, and how it begins.
const FILE: (&str, &str) = ("secret", "The answer");

/// The table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Closed,
    /// Of which region.
    Open(&'static str),
}

/// The text of the scenario.
pub(super) fn scenario(name: &ScenarioName, moves: &[Move]) -> String {
    let mut script = Script::new();
    moves.iter().for_each(|&next| script.perform(next));
    let document = json!({
        "name": name.as_str(),
        "description": "A random sequence: the shadow page table says what is true of its target after every step.",
        "budget": { "exits": 10_000_000, "seconds": 60 },
        "steps": script.steps,
    });
    format!("{document:#}\n")
}

struct Script {
    steps: Vec<Value>,
    arena: Arena,
    heap_pages: u64,
    mappings: usize,
    touches: usize,
    children: Vec<Child>,
    table: Table,
}

struct Child {
    name: String,
    is_alive: bool,
    /// The arena as the child has it.
    arena: Arena,
}

impl Script {
    /// An arena without anything in it, and an inspector that watches it.
    fn new() -> Self {
        let steps = vec![
            json!({ "in": "target", "do": "mmap", "as": "arena", "pages": ARENA, "prot": "none" }),
            json!({ "in": "target", "do": "munmap", "at": "arena", "pages": ARENA }),
            json!({ "in": "target", "do": "brk", "pages": HEAP }),
            json!({ "in": "target", "do": "brk", "pages": -HEAP.cast_signed() }),
            json!({ "in": "target", "do": "stack_room", "as": "room", "pages": ROOM }),
            json!({ "in": "target", "do": "fork", "as": "inspector" }),
            json!({ "in": "inspector", "do": "mmap", "as": "table", "pages": 1, "prot": "rw" }),
            json!({ "in": "inspector", "do": "mmap", "as": "copy", "pages": 1, "prot": "rw" }),
        ];
        let mut script = Self {
            steps,
            arena: [None; ARENA as usize],
            heap_pages: 0,
            mappings: 0,
            touches: 0,
            children: Vec::new(),
            table: Table::Closed,
        };
        script.open(0);
        script.call("shadowpt_start");
        script
    }

    fn perform(&mut self, Move { kind, page, amount }: Move) {
        let page = page % ARENA;
        match kind {
            Kind::MapPrivate => self.map(page, amount, Backing::Private),
            Kind::MapShared => self.map(page, amount, Backing::Shared),
            Kind::MapFile => self.map(page, 0, Backing::File),
            Kind::Unmap => self.unmap(page, amount),
            Kind::Write => self.write(page, amount),
            Kind::Read => self.read(page),
            Kind::Protect => self.protect(page, amount),
            Kind::Discard => self.discard(page),
            Kind::GrowHeap => self.move_break((amount % 4 + 1).cast_signed()),
            Kind::ShrinkHeap => self.move_break(-(amount % 4 + 1).cast_signed()),
            Kind::WriteHeap => self.write_heap(page, amount),
            Kind::TouchStack => self.touch_stack(amount),
            Kind::Fork => self.fork(),
            Kind::ChildWrites => self.child_writes(page, amount),
            Kind::ChildUnmaps => self.child_unmaps(page, amount),
            Kind::ChildExits => self.child_exits(amount),
            Kind::KernelStores => self.kernel_stores(page, amount),
            Kind::KernelLoads => self.kernel_loads(page, amount),
            Kind::ChildKernelStores => self.child_kernel_stores(page, amount),
            Kind::ChildKernelLoads => self.child_kernel_loads(page, amount),
            Kind::MemWrites => self.mem_writes(page, amount),
            Kind::MemReads => self.mem_reads(page, amount),
            Kind::MapFree => self.map_free(page, amount),
            Kind::MapNear => self.map_near(page, amount),
            Kind::MapPresent => self.map_present(page, amount),
            Kind::ProtectRange => self.protect_range(page, amount),
            Kind::DiscardRange => self.discard_range(page, amount),
            Kind::Populate => self.populate(page, amount),
            Kind::AdviseFork => self.advise_fork(page, amount),
            Kind::Refused => self.refused(page, amount),
            Kind::Open => self.open(amount),
            Kind::Close => self.close(),
            Kind::Start => self.call("shadowpt_start"),
            Kind::Stop => self.call("shadowpt_stop"),
            Kind::Contents => self.contents(page),
            Kind::ContentsOfChild => self.contents_of_child(page, amount),
        }
    }

    fn map(&mut self, page: u64, amount: u64, backing: Backing) {
        let pages = length(page, amount);
        let mut step = json!({
            "in": "target", "do": "mmap", "as": format!("m{}", self.mappings), "pages": pages, "prot": "rw",
            "at": format!("arena+{page}p"),
        });
        match backing {
            Backing::Private => {}
            Backing::Shared => step["sharing"] = json!("shared"),
            Backing::File => step["file"] = json!(FILE.0),
        }
        self.mappings += 1;
        self.steps.push(step);
        self.arena[span(page, pages)].fill(Some(Page::new(backing)));
    }

    fn unmap(&mut self, page: u64, amount: u64) {
        let pages = length(page, amount);
        let at = format!("arena+{page}p");
        self.steps
            .push(json!({ "in": "target", "do": "munmap", "at": at, "pages": pages }));
        self.arena[span(page, pages)].fill(None);
    }

    fn write(&mut self, choice: u64, byte: u64) {
        let Some((number, page)) = choose(&mut self.arena, choice, |page| page.access == Access::Write)
        else {
            return;
        };
        page.store(Part::First, byte);
        self.steps.push(write("target", "arena", number, byte));
    }

    fn read(&mut self, choice: u64) {
        let Some((number, page)) = choose(&mut self.arena, choice, |page| page.access != Access::None) else {
            return;
        };
        let is_untouched_file = page.backing == Backing::File && !page.present;
        let mut step = json!({ "in": "target", "do": "read", "at": format!("arena+{number}p") });
        match page.byte {
            Some(byte) => step["fill"] = json!({ "byte": byte, "bytes": BYTES }),
            None if is_untouched_file => step["text"] = json!(FILE.1),
            None => return,
        }
        page.present = true;
        self.steps.push(step);
    }

    fn protect(&mut self, choice: u64, amount: u64) {
        let Some((number, page)) = choose(&mut self.arena, choice, |_| true) else {
            return;
        };
        let access = Access::ALL[amount as usize % Access::ALL.len()];
        page.access = access;
        self.steps.push(json!({
            "in": "target", "do": "mprotect", "at": format!("arena+{number}p"), "pages": 1, "prot": access.word(),
        }));
    }

    fn discard(&mut self, choice: u64) {
        let Some((number, page)) = choose(&mut self.arena, choice, |_| true) else {
            return;
        };
        page.discard();
        self.steps.push(json!({
            "in": "target", "do": "madvise", "at": format!("arena+{number}p"), "pages": 1, "advice": "dontneed",
        }));
    }

    fn move_break(&mut self, change: i64) {
        let pages = self
            .heap_pages
            .saturating_add_signed(change)
            .min(HEAP)
            .cast_signed();
        let change = pages - self.heap_pages.cast_signed();
        if change != 0 {
            self.heap_pages = pages.cast_unsigned();
            self.steps
                .push(json!({ "in": "target", "do": "brk", "pages": change }));
        }
    }

    fn write_heap(&mut self, page: u64, byte: u64) {
        if self.heap_pages > 0 {
            self.steps
                .push(write("target", "heap", page % self.heap_pages, byte));
        }
    }

    fn touch_stack(&mut self, amount: u64) {
        let name = format!("s{}", self.touches);
        self.touches += 1;
        self.steps.push(json!({
            "in": "target", "do": "touch_stack", "as": name, "pages": amount % TOUCH + 1,
        }));
    }

    fn fork(&mut self) {
        if self.children.len() < CHILDREN {
            let name = format!("child-{}", self.children.len());
            self.steps
                .push(json!({ "in": "target", "do": "fork", "as": name }));
            self.children.push(Child {
                name,
                is_alive: true,
                arena: self.arena.map(|page| page.and_then(Page::at_fork)),
            });
        }
    }

    fn child(&mut self, choice: u64) -> Option<&mut Child> {
        let living = self.children.iter_mut().filter(|child| child.is_alive);
        one_of(living, choice)
    }

    fn child_writes(&mut self, number: u64, byte: u64) {
        let Some(child) = self.child(byte) else { return };
        let Some(page) = child.arena[number as usize].as_mut() else {
            return;
        };
        if page.access == Access::Write {
            page.store(Part::First, byte);
            let (step, backing) = (write(&child.name, "arena", number, byte), page.backing);
            self.steps.push(step);
            self.stored_by_a_child(backing);
        }
    }

    fn stored_by_a_child(&mut self, backing: Backing) {
        if backing == Backing::Shared {
            self.forget_shared();
        }
    }

    /// What is in shared memory is the judge's business alone once a child has written there.
    fn forget_shared(&mut self) {
        let pages = self.arena.iter_mut().flatten();
        for page in pages.filter(|page| page.backing == Backing::Shared) {
            (page.byte, page.last) = (None, None);
        }
    }

    fn child_unmaps(&mut self, page: u64, amount: u64) {
        let pages = length(page, amount);
        let Some(child) = self.child(amount) else { return };
        child.arena[span(page, pages)].fill(None);
        let step = json!({
            "in": child.name, "do": "munmap", "at": format!("arena+{page}p"), "pages": pages,
        });
        self.steps.push(step);
    }

    fn child_exits(&mut self, amount: u64) {
        let Some(child) = self.child(amount) else { return };
        child.is_alive = false;
        let name = child.name.clone();
        self.steps.push(json!({ "in": name, "do": "exit", "status": 0 }));
        self.steps
            .push(json!({ "in": "target", "do": "wait", "for": name, "status": { "exit": 0 } }));
    }

    fn open(&mut self, amount: u64) {
        let (region, pages) =
            [("arena", ARENA), ("arena", ARENA), ("heap", HEAP), ("room", ROOM)][amount as usize % 4];
        let mut step = json!({
            "in": "inspector", "do": "shadowpt_open", "of": "target", "from": region, "to": format!("{region}+{pages}p"),
            "entries": "table",
        });
        match self.table {
            Table::Open(_) => step["errno"] = json!("EBUSY"),
            Table::Closed => self.table = Table::Open(region),
        }
        self.steps.push(step);
    }

    fn close(&mut self) {
        self.call("shadowpt_close");
        self.table = Table::Closed;
    }

    /// A call that needs an open table, and nothing else.
    fn call(&mut self, call: &str) {
        let mut step = json!({ "in": "inspector", "do": call });
        if self.table == Table::Closed {
            step["errno"] = json!("EINVAL");
        }
        self.steps.push(step);
    }

    fn contents(&mut self, choice: u64) {
        let Some((number, page)) = choose(&mut self.arena, choice, |_| true) else {
            return;
        };
        // Whether a page is mapped that nobody can reach is for the kernel to say.
        if page.present && page.access == Access::None {
            return;
        }
        let is_mapped = page.present;
        let mut step = contents("target", number);
        if self.table != Table::Open("arena") || !is_mapped {
            step["errno"] = json!("EINVAL");
        }
        self.steps.push(step);
    }

    /// A page that only a child has is none of the target's.
    fn contents_of_child(&mut self, number: u64, byte: u64) {
        let Some(child) = self.child(byte) else { return };
        let Some(page) = child.arena[number as usize] else {
            return;
        };
        if page.backing != Backing::Private || page.access != Access::Write {
            return;
        }
        let name = child.name.clone();
        self.steps.push(write(&name, "arena", number, byte));
        let mut step = contents(&name, number);
        step["errno"] = json!("EINVAL");
        self.steps.push(step);
    }
}

/// Pages of a mapping, or of a part of some, that starts at a page of the arena.
fn length(page: u64, amount: u64) -> u64 {
    (amount % LONGEST + 1).min(ARENA - page)
}

fn span(page: u64, pages: u64) -> std::ops::Range<usize> {
    page as usize..(page + pages) as usize
}

fn write(process: &str, region: &str, page: u64, byte: u64) -> Value {
    json!({
        "in": process, "do": "write", "at": format!("{region}+{page}p"), "fill": { "byte": byte, "bytes": BYTES },
    })
}

fn contents(process: &str, page: u64) -> Value {
    json!({
        "in": "inspector", "do": "shadowpt_page_contents", "of": format!("{process}:arena+{page}p"), "into": "copy",
    })
}
