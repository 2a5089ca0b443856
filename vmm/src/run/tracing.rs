//! What the kernel did in each step, told by the names of the scenario.
//!
//! As with [`recorder`](super::recorder), frames get their names when the run has ended.

use std::collections::{BTreeMap, BTreeSet};

use abi::PAGE_SIZE;
use abi::paging::{NO_EXECUTE, WRITABLE};

use crate::address::{FrameNumber, Half, VirtAddr};
use crate::inspect::owners::{Owners, TableUse};
use crate::inspect::walk::{Entry, Root, Target};
use crate::inspect::{Effort, PhysicalMemory};
use crate::judge::{Judge, Scene};
use crate::printable::Printable;
use crate::report::Line;
use crate::trace::{Change, Event, Trace, UNKNOWN, What};
use crate::vm::{Followed, Store};

/// What stands for the part of memory that is the kernel's own.
const KERNEL: &str = "kernel";

/// Traces of a run's steps.
#[derive(Default)]
pub(super) struct Tracing {
    /// For each line with a trace its place in the report.
    steps: Vec<(usize, Seen)>,
    /// Page tables as they were after the step before.
    tables: Vec<TableUse>,
    /// Frames that programs mapped then, and where.
    mapped: BTreeMap<FrameNumber, String>,
    /// Whose top page table each was that was ever seen; one that ended may have left its frame to another.
    processes: BTreeMap<Root, String>,
}

/// What was seen in a step, before frames have names.
struct Seen {
    trace: Trace,
    changes: Vec<(u64, SeenChange)>,
}

enum SeenChange {
    Entry {
        of: String,
        page: String,
        was: Entry,
        is: Entry,
    },
    Root {
        of: String,
    },
    Frame {
        frame: FrameNumber,
        mapped: String,
    },
}

impl Tracing {
    /// Takes what the kernel did in the step of the report's line `line`, and looks at memory for the next one.
    pub(super) fn look(&mut self, line: usize, followed: Option<Followed>, scene: &Scene<'_>) {
        let memory = PhysicalMemory::new(scene.stop.memory());
        let spaces = scene.agents.spaces();
        let owners = Owners::of_spaces(memory, &spaces, &Effort::of(Effort::MOST));
        let mapped = mapped(&owners, scene);
        // Those that ended in the step are known from before, and those that began in it from now.
        let ended = self.processes.clone();
        let alive = scene.agents.alive();
        self.processes
            .extend(alive.map(|(agent, root)| (root, agent.name.clone())));
        let processes = [&ended, &self.processes];
        if let Some(followed) = followed {
            let tables: BTreeMap<FrameNumber, TableUse> = [owners.tables(), &self.tables]
                .into_iter()
                .flatten()
                .map(|table| (table.frame, *table))
                .collect();
            let seen = see(followed, &tables, [&self.mapped, &mapped], processes, scene);
            self.steps.push((line, seen));
        }
        self.tables = owners.tables().to_vec();
        self.mapped = mapped;
    }

    /// Puts what was seen into the report's lines.
    pub(super) fn tell(self, judge: &mut Judge, lines: &mut [Line]) {
        for (line, seen) in self.steps {
            if let Some(line) = lines.get_mut(line) {
                line.trace = Some(seen.named(judge));
            }
        }
    }
}

/// Frames that programs map, and the first place of each.
fn mapped(owners: &Owners, scene: &Scene<'_>) -> BTreeMap<FrameNumber, String> {
    let first = |(frame, mut owners): (FrameNumber, _)| {
        let owner = Iterator::next(&mut owners)?;
        Some((frame, scene.place_of(&owner)))
    };
    owners.by_frame().filter_map(first).collect()
}

fn see(
    followed: Followed,
    tables: &BTreeMap<FrameNumber, TableUse>,
    mapped: [&BTreeMap<FrameNumber, String>; 2],
    processes: [&BTreeMap<Root, String>; 2],
    scene: &Scene<'_>,
) -> Seen {
    let Followed {
        mut trace,
        stores,
        written,
        roots,
        stacks,
    } = followed;
    let thread =
        |root: Option<Root>| root.map_or_else(|| UNKNOWN.into(), |root| process_of(root, processes).into());
    trace.threads = stacks.into_iter().map(thread).collect();
    let mut changes: Vec<(u64, SeenChange)> = Vec::new();
    for store in stores {
        if let Some(table) = tables.get(&store.address.frame()) {
            changes.push((store.at, entry(store, table, scene)));
        }
    }
    let mut known = BTreeSet::new();
    for (at, frame) in written {
        let place = mapped.iter().find_map(|mapped| mapped.get(&frame));
        if let Some(place) = place.filter(|_| known.insert(frame)) {
            let mapped = place.clone();
            changes.push((at, SeenChange::Frame { frame, mapped }));
        }
    }
    for (at, root) in roots {
        let of = process_of(root, processes);
        changes.push((at, SeenChange::Root { of }));
    }
    changes.sort_by_key(|(at, _)| *at);
    Seen { trace, changes }
}

/// Whose top page table this is. A kernel that keeps most of itself out of the tables that programs run with has its own in the frame before.
fn process_of(root: Root, processes: [&BTreeMap<Root, String>; 2]) -> String {
    let with = Root::from_cr3(root.table().start().0 | PAGE_SIZE);
    let name =
        |processes: &BTreeMap<Root, String>| processes.get(&root).or_else(|| processes.get(&with)).cloned();
    processes
        .into_iter()
        .find_map(name)
        .unwrap_or_else(|| KERNEL.to_owned())
}

fn entry(store: Store, table: &TableUse, scene: &Scene<'_>) -> SeenChange {
    let entry = |value| Entry {
        level: table.level,
        at: store.address,
        value,
    };
    let index = store.address.page_offset() / size_of::<u64>() as u64;
    let address = table
        .address
        .0
        .wrapping_add(index * table.level.entry_span_bytes());
    // The upper half of a top table, which governs both.
    let address = VirtAddr(if address >> 47 & 1 == 1 {
        address | !0 << 47
    } else {
        address
    });
    let (of, page) = match address.half() {
        Some(Half::User) => (scene.process_of(table.space), scene.page(table.space, address)),
        Some(Half::Kernel) | None => (KERNEL.to_owned(), address.to_string()),
    };
    SeenChange::Entry {
        of,
        page,
        was: entry(store.was),
        is: entry(store.is),
    }
}

impl Seen {
    fn named(self, judge: &mut Judge) -> Trace {
        let mut trace = self.trace;
        let mut events = Vec::with_capacity(trace.events.len() + self.changes.len());
        let mut changes = self.changes.into_iter().peekable();
        for event in trace.events {
            // What an instruction changed comes before what begins or ends with the next one.
            while let Some((at, change)) = changes.next_if(|(at, _)| *at < event.at) {
                push(&mut trace.changes, &mut events, at, change.named(judge));
            }
            events.push(event);
        }
        for (at, change) in changes {
            push(&mut trace.changes, &mut events, at, change.named(judge));
        }
        trace.events = events;
        trace
    }
}

fn push(changes: &mut Vec<Change>, events: &mut Vec<Event>, at: u64, change: Change) {
    let place = u32::try_from(changes.len()).unwrap_or(u32::MAX);
    events.push(Event {
        at,
        what: What::Change(place),
    });
    changes.push(change);
}

impl SeenChange {
    fn named(self, judge: &mut Judge) -> Change {
        match self {
            SeenChange::Entry { of, page, was, is } => {
                let names_frames = of != KERNEL;
                let [was, is] = [was, is].map(|entry| told(entry, names_frames, judge));
                Change::Entry {
                    of: of.into(),
                    level: was.1,
                    page: page.into(),
                    was: was.0,
                    is: is.0,
                }
            }
            SeenChange::Root { of } => Change::Root { of: of.into() },
            SeenChange::Frame { frame, mapped } => Change::Frame {
                frame: judge.frame_name(frame).into(),
                mapped: mapped.into(),
            },
        }
    }
}

/// What an entry says, and the level of its table.
fn told(entry: Entry, names_frames: bool, judge: &mut Judge) -> (Printable, u8) {
    let may = |bit: u64, letter| if entry.value & bit != 0 { letter } else { '-' };
    let executable = if entry.value & NO_EXECUTE == 0 { 'x' } else { '-' };
    let text = match entry.target() {
        Ok(Target::Nothing) if entry.value == 0 => "empty".to_owned(),
        Ok(Target::Nothing) => "not present".to_owned(),
        Ok(Target::Table(..)) => "a table".to_owned(),
        Ok(Target::Page(_, address)) => {
            let frame = if names_frames {
                judge.frame_name(address.frame())
            } else {
                "a frame".to_owned()
            };
            format!("{frame} r{}{executable}", may(WRITABLE, 'w'))
        }
        Err(defect) => format!("what {defect}"),
    };
    (text.into(), entry.level as u8)
}
