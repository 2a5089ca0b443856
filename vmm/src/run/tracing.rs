//! What the kernel did in each step, told by the names of the scenario.
//!
//! As with [`recorder`](super::recorder), frames get their names when the run has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use abi::PAGE_SIZE;
use abi::paging::{NO_EXECUTE, WRITABLE};

use crate::address::{FrameNumber, Half, VirtAddr};
use crate::guest::{Guest, Inlining, Stretch};
use crate::inspect::owners::{Owners, TableUse};
use crate::inspect::walk::{Entry, Root, Target};
use crate::inspect::{Effort, PhysicalMemory};
use crate::judge::{Judge, Scene};
use crate::printable::Printable;
use crate::report::Line;
use crate::scenario::{Scenario, TraceName};
use crate::trace::{Change, Trace, TraceEvent, UNKNOWN, What};
use crate::vm::{Followed, Store, Vm, VmError};

/// What stands for the part of memory that is the kernel's own.
const KERNEL: &str = "kernel";

/// Traces of a run's steps.
pub(super) struct Tracing {
    /// What is told of, if anything.
    stretch: Option<Stretch>,
    /// Numbers of the steps of which the judge wants to know.
    judged: BTreeSet<usize>,
    /// What the scenario calls the records of steps, by number.
    named: BTreeMap<usize, TraceName>,
    /// Where the kernel begins to run.
    ways_in: Vec<String>,
    inlining: Inlining,
    /// For each line with a trace its place in the report.
    steps: Vec<(usize, SeenStep)>,
    /// What there was after the step before.
    before: Picture,
}

/// What is where at one moment.
#[derive(Default)]
struct Picture {
    tables: BTreeMap<FrameNumber, TableUse>,
    /// Frames that programs map, and the first place of each.
    mapped: BTreeMap<FrameNumber, String>,
    /// Whose top page table each is.
    processes: BTreeMap<Root, String>,
}

/// What was seen in a step, before frames have names.
struct SeenStep {
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
    /// None where nobody wants to know what the kernel does.
    pub(super) fn of(guest: &Guest, scenario: &Scenario) -> Option<Tracing> {
        let (stretch, judged) = (guest.record.kernel, scenario.followed());
        let name = |number| Some((number, scenario.trace_of(number)?.clone()));
        (stretch.is_some() || scenario.is_followed()).then(|| Tracing {
            stretch,
            judged,
            named: (1..=scenario.steps.len()).filter_map(name).collect(),
            ways_in: guest.description.ways_in.clone(),
            inlining: guest.record.inlining,
            steps: Vec::new(),
            before: Picture::default(),
        })
    }

    /// Whether somebody looks at all that the kernel does in a step, so that nothing of it may depend on what is drawn.
    pub(super) fn is_exact(&self, number: Option<usize>) -> bool {
        self.stretch.is_some() || self.is_followed(number)
    }

    fn is_followed(&self, number: Option<usize>) -> bool {
        self.is_judged(number) || self.is_told(number)
    }

    fn is_judged(&self, number: Option<usize>) -> bool {
        number.is_some_and(|number| self.judged.contains(&number))
    }

    fn name(&self, number: Option<usize>) -> Option<&TraceName> {
        self.named.get(&number?)
    }

    fn is_told(&self, number: Option<usize>) -> bool {
        match self.stretch {
            Some(Stretch::Boot | Stretch::Steps) => true,
            Some(Stretch::Step(followed)) if Some(followed) == number => true,
            Some(Stretch::Step(_)) | None => self.name(number).is_some(),
        }
    }

    /// A step begins: its number, None for what the harness does after the last one.
    pub(super) fn begin(&self, number: Option<usize>, vm: &mut Vm) -> Result<(), VmError> {
        if let Some(Stretch::Boot | Stretch::Steps) = self.stretch {
            // It is followed since before the first step.
            return Ok(());
        }
        if self.is_followed(number) {
            vm.follow(&self.ways_in, self.inlining)
        } else {
            vm.follow_no_more()
        }
    }

    /// Takes what the kernel did in the step `number`, which is the report's line `line`, and looks at memory for the next one.
    pub(super) fn look(
        &mut self,
        (line, number): (usize, Option<usize>),
        followed: Option<Followed>,
        scene: &Scene<'_>,
        judge: &mut Judge,
    ) {
        let before = mem::replace(&mut self.before, Picture::of(scene));
        if let Some(followed) = followed {
            // What ended in the step is known from before, and what began in it from now.
            let mut seen = see(followed, [&before, &self.before], scene);
            seen.trace.name = self.name(number).map(|name| name.as_str().into());
            if self.is_judged(number) {
                judge.note_calls(&seen.trace);
            }
            if self.is_told(number) {
                self.steps.push((line, seen));
            }
        }
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

impl Picture {
    fn of(scene: &Scene<'_>) -> Picture {
        let memory = PhysicalMemory::new(scene.stop.memory());
        let owners = Owners::of_spaces(memory, &scene.agents.spaces(), &Effort::of(Effort::MOST));
        let first = |(frame, mut owners): (FrameNumber, _)| {
            let owner = Iterator::next(&mut owners)?;
            Some((frame, scene.place_of(&owner)))
        };
        let alive = scene.agents.alive();
        Picture {
            tables: owners
                .tables()
                .iter()
                .map(|table| (table.frame, *table))
                .collect(),
            mapped: owners.by_frame().filter_map(first).collect(),
            processes: alive.map(|(agent, root)| (root, agent.name.clone())).collect(),
        }
    }

    /// Whose top page table this is. A kernel that keeps most of itself out of the tables that programs run with has its own in the frame
    /// before.
    fn process(&self, root: Root) -> Option<&String> {
        let with = Root::from_cr3(root.table().start().0 | PAGE_SIZE);
        self.processes.get(&root).or_else(|| self.processes.get(&with))
    }
}

fn see(followed: Followed, pictures: [&Picture; 2], scene: &Scene<'_>) -> SeenStep {
    let Followed {
        mut trace,
        stores,
        written,
        roots,
        stacks,
    } = followed;
    let process_of = |root| pictures.iter().find_map(|picture| picture.process(root));
    let process_of = |root| process_of(root).map_or(KERNEL, String::as_str);
    let thread = |root: Option<Root>| root.map_or(UNKNOWN, process_of).into();
    trace.threads = stacks.into_iter().map(thread).collect();
    let mut changes: Vec<(u64, SeenChange)> = Vec::new();
    for store in stores {
        let frame = store.address.frame();
        if let Some(table) = pictures.iter().find_map(|picture| picture.tables.get(&frame)) {
            changes.push((store.at, entry(store, table, scene)));
        }
    }
    let mut known = BTreeSet::new();
    for (at, frame) in written {
        let place = pictures.iter().find_map(|picture| picture.mapped.get(&frame));
        if let Some(place) = place.filter(|_| known.insert(frame)) {
            let mapped = place.clone();
            changes.push((at, SeenChange::Frame { frame, mapped }));
        }
    }
    for (at, root) in roots {
        let of = process_of(root).to_owned();
        changes.push((at, SeenChange::Root { of }));
    }
    changes.sort_by_key(|(at, _)| *at);
    SeenStep { trace, changes }
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

impl SeenStep {
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

fn push(changes: &mut Vec<Change>, events: &mut Vec<TraceEvent>, at: u64, change: Change) {
    let place = u32::try_from(changes.len()).unwrap_or(u32::MAX);
    events.push(TraceEvent {
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
