//! The rules that hold after every step of every scenario, whether or not it asks.

use std::collections::BTreeMap;

use abi::PAGE_SIZE;

use super::{Finding, Judge, Rule, Scene, doorbell, shadowpt};
use crate::address::{FrameNumber, VirtAddr};
use crate::block::Disk;
use crate::channel::Channel;
use crate::inspect::audit::{self, KernelFinding, Policy, UserFinding};
use crate::inspect::cross_check::{cross_check, samples};
use crate::inspect::frame_table::{self, FrameTableFinding};
use crate::inspect::memory::FrameBytes;
use crate::inspect::owners::{Owner, Owners, Space, SpaceId};
use crate::inspect::walk::{Anomaly, Root, Translation, translate};
use crate::inspect::{Effort, Findings, PhysicalMemory};
use crate::model::{Expected, PageNumber};
use crate::printable::Printable;
use crate::report::excerpt;
use crate::vm::VmError;

/// Addresses on which the judge's page walk is compared with KVM's, after each step.
const CROSS_CHECKED_ADDRESSES: usize = 8;

/// The frame behind a page that a process can reach.
pub(super) fn frame_of(memory: PhysicalMemory<'_>, root: Root, number: PageNumber) -> Option<FrameNumber> {
    let found = translate(memory, root, address_of(number)).ok()?;
    found.permissions.user.then(|| found.frame())
}

pub(super) fn audit(judge: &mut Judge, scene: &mut Scene<'_>) -> Result<Vec<Finding>, VmError> {
    let mut findings = reports(judge, scene);
    let spaces: Vec<Space> = scene
        .agents
        .alive()
        .map(|(agent, root)| Space {
            id: space_of(agent.channel),
            root,
        })
        .collect();
    let owners = Owners::of_spaces(scene.memory(), &spaces, &judge.effort);
    user_halves(judge, scene, &owners, &mut findings);
    kernel_half(judge, scene, &owners, &mut findings)?;
    account(judge, scene, &owners, &mut findings);
    for space in &spaces {
        process_memory(scene, process_of(space.id), space.root, &mut findings);
    }
    shadowpt::audit(judge, scene, &mut findings);
    page_walk(scene, &judge.effort, &mut findings)?;
    judge.effort.renew();
    Ok(findings)
}

/// What the kernel reported must be readable, or the rest of its reports may be missing too.
fn reports(judge: &mut Judge, scene: &mut Scene<'_>) -> Vec<Finding> {
    let place = "the kernel's reports";
    let wrong = |reason: Printable| Finding::new(Rule::Reports, place, "a well-formed report", reason);
    let mut findings = Vec::new();
    let malformed = std::mem::take(&mut judge.malformed_reports);
    push_all(&malformed, &mut findings, Rule::Reports, place, |reason| {
        wrong(reason.clone())
    });
    let lost = scene.stop.devices().events.lost();
    if lost > 0 {
        findings.push(wrong(format!("{lost} reports were lost in a flood").into()));
    }
    findings
}

fn user_halves(judge: &mut Judge, scene: &Scene<'_>, owners: &Owners, findings: &mut Vec<Finding>) {
    let shared_on_purpose = |_: FrameNumber, owner: &Owner| {
        let page = scene
            .model
            .page(process_of(owner.space), owner.address.0 / PAGE_SIZE);
        page.is_some_and(|page| page.shared.is_some())
    };
    let policy = Policy {
        kernel_only: &[scene.stop.kernel_frames()],
        devices: &[doorbell()],
        shared_on_purpose: &shared_on_purpose,
    };
    let found = audit::user(owners, &policy);
    push_all(&found, findings, Rule::WritableTwice, "user memory", |finding| {
        let place = |owner: &Owner| scene.place(process_of(owner.space), owner.address);
        match finding {
            UserFinding::WritableTwice { frame, first, second } => Finding::new(
                Rule::WritableTwice,
                format!("{}, {}", place(first), judge.names.frame(*frame)),
                "writable by one owner",
                format!("writable through {} too", place(second)),
            ),
            UserFinding::WritableWhileShared { frame, writer, other } => Finding::new(
                Rule::WritableTwice,
                format!("{}, {}", place(writer), judge.names.frame(*frame)),
                "not writable while another process has the frame",
                format!("writable, and mapped at {}", place(other)),
            ),
            UserFinding::PageTableMapped { frame, owner, .. } => Finding::new(
                Rule::KernelExposed,
                format!("{}, {}", place(owner), judge.names.frame(*frame)),
                "user memory",
                "a page table",
            ),
            UserFinding::KernelOnlyMapped { frame, owner } => Finding::new(
                Rule::KernelExposed,
                format!("{}, {}", place(owner), judge.names.frame(*frame)),
                "user memory",
                "a frame of the kernel image",
            ),
            UserFinding::OutsideMemory { mapping } => Finding::new(
                Rule::KernelExposed,
                place(&mapping.owner),
                "guest memory or the doorbell",
                format!("physical address {}", mapping.target),
            ),
            UserFinding::Anomaly(anomaly) => {
                page_tables(scene.process(process_of(anomaly.space)), &anomaly.anomaly)
            }
        }
    });
}

fn kernel_half(
    judge: &mut Judge,
    scene: &Scene<'_>,
    owners: &Owners,
    findings: &mut Vec<Finding>,
) -> Result<(), VmError> {
    if judge.missed_looks > 0 {
        let found = format!("{} changes too many to look at each", judge.missed_looks);
        findings.push(Finding::missing(
            "kernel memory",
            "few changes of protection",
            found,
        ));
    }
    let mut found = std::mem::take(&mut judge.looks);
    found.append(audit::kernel(
        scene.memory(),
        scene.stop.root()?,
        owners,
        &judge.effort,
    ));
    let code = |address: VirtAddr| {
        let symbol = scene.stop.symbols().name(address);
        symbol.map_or_else(|| address.to_string(), |symbol| format!("{address} ({symbol})"))
    };
    push_all(&found, findings, Rule::KernelWx, "kernel memory", |finding| {
        let not_both = "not both writable and executable";
        match finding {
            KernelFinding::WritableAndExecutable { region } => {
                Finding::new(Rule::KernelWx, code(region.start), not_both, "both")
            }
            KernelFinding::WritableAlias { alias } => Finding::new(
                Rule::KernelWx,
                format!(
                    "{}, {}",
                    code(alias.executable_at),
                    judge.names.frame(alias.first)
                ),
                not_both,
                format!("writable at {}", alias.writable_at),
            ),
            KernelFinding::WritableByUser {
                frame,
                executable_at,
                owner,
            } => Finding::new(
                Rule::KernelWx,
                format!("{}, {}", code(*executable_at), judge.names.frame(*frame)),
                not_both,
                format!(
                    "writable at {}",
                    scene.place(process_of(owner.space), owner.address)
                ),
            ),
            KernelFinding::UserAccessible { region } => Finding::new(
                Rule::KernelExposed,
                format!("the kernel's mapping at {}", region.start),
                "for the kernel alone",
                "accessible to users",
            ),
            KernelFinding::Anomaly { anomaly } => page_tables("the kernel half", anomaly),
        }
    });
    Ok(())
}

/// What is odd about page tables is the guest's doing; that there is too much to look at is missing evidence.
fn page_tables(place: impl Into<Printable>, anomaly: &Anomaly) -> Finding {
    match anomaly {
        Anomaly::Unfinished { .. } => Finding::missing(
            place,
            "page tables that can be looked at as a whole",
            anomaly.to_string(),
        ),
        Anomaly::RootOutsideMemory { .. }
        | Anomaly::Malformed { .. }
        | Anomaly::Loop { .. }
        | Anomaly::SharedTable { .. } => Finding::new(
            Rule::PageTables,
            place,
            "well-formed page tables",
            anomaly.to_string(),
        ),
    }
}

fn account(judge: &mut Judge, scene: &Scene<'_>, owners: &Owners, findings: &mut Vec<Finding>) {
    let table = match judge.account.table(scene.memory()) {
        None => return,
        Some(Err(finding)) => return findings.push(finding),
        Some(Ok(table)) => table,
    };
    let found = frame_table::check(&table, owners);
    push_all(
        &found,
        findings,
        Rule::References,
        "the kernel's frame table",
        |finding| {
            let place = |owner: &Owner| scene.place(process_of(owner.space), owner.address);
            match finding {
                FrameTableFinding::FreeFrameMapped { frame, owner } => Finding::new(
                    Rule::FreeFrameMapped,
                    format!("{}, {}", place(owner), judge.names.frame(*frame)),
                    "a frame in use",
                    "a frame that is free by the kernel's account",
                ),
                FrameTableFinding::FreeFrameIsPageTable { frame, table } => Finding::new(
                    Rule::FreeFrameMapped,
                    format!(
                        "page table of {}, {}",
                        scene.process(process_of(table.space)),
                        judge.names.frame(*frame)
                    ),
                    "a frame in use",
                    "a frame that is free by the kernel's account",
                ),
                FrameTableFinding::TooFewReferences {
                    frame,
                    references,
                    mappings,
                } => Finding::new(
                    Rule::References,
                    judge.names.frame(*frame),
                    format!("at least {mappings} references, one for each mapping"),
                    format!("{references} by the kernel's account"),
                ),
                FrameTableFinding::KernelFrameMapped { frame, kind, owner } => Finding::new(
                    Rule::KernelExposed,
                    format!("{}, {}", place(owner), judge.names.frame(*frame)),
                    "user memory",
                    format!(
                        "{} by the kernel's account",
                        abi::frame_table::frame_kind_name(*kind).unwrap_or("unknown")
                    ),
                ),
                FrameTableFinding::NotDescribed { frame, owner } => Finding::new(
                    Rule::References,
                    format!("{}, {}", place(owner), judge.names.frame(*frame)),
                    "a frame that the kernel accounts for",
                    "a frame that it leaves out",
                ),
            }
        },
    );
}

/// Holds one process's pages against the reference model.
fn process_memory(scene: &Scene<'_>, process: Channel, root: Root, findings: &mut Vec<Finding>) {
    let memory = scene.memory();
    let mut bytes = FrameBytes::zeroed();
    for (number, expected) in scene.model.pages(process) {
        let place = || scene.place(process, address_of(number));
        match translate(memory, root, address_of(number)) {
            Ok(found) => {
                permissions(&found, expected, place, findings);
                contents(memory, &mut bytes, &found, expected, place, findings);
            }
            Err(_) => lost_contents(scene.stop.disk(), expected, place, findings),
        }
    }
    for (number, removal) in scene.model.removed_pages(process) {
        if frame_of(memory, root, number).is_some() {
            let place = scene.place(process, address_of(number));
            findings.push(Finding::new(
                Rule::StillMapped,
                place,
                format!("not mapped since {removal}"),
                "mapped",
            ));
        }
    }
}

/// A page that its process can touch and that is not mapped must be one whose first touch finds zeros, or one whose
/// contents are on the disk. A shared page may wait in its object, and an inaccessible one wherever the kernel likes, until
/// somebody can reach it.
fn lost_contents(
    disk: Option<&Disk>,
    expected: Expected<'_>,
    place: impl Fn() -> String,
    findings: &mut Vec<Finding>,
) {
    if expected.shared.is_some() || !expected.accessible() {
        return;
    }
    if let Some(wanted) = expected
        .contents
        .filter(|wanted| wanted.iter().any(|byte| *byte != 0))
    {
        let found = match disk {
            None => "no page is mapped there",
            Some(disk) if disk.holds(wanted) => return,
            Some(_) => "no page is mapped there, and no block of the disk holds it",
        };
        findings.push(Finding::new(
            Rule::Contents,
            place(),
            excerpt(wanted, wanted),
            found,
        ));
    }
}

fn permissions(
    found: &Translation,
    expected: Expected<'_>,
    place: impl Fn() -> String,
    findings: &mut Vec<Finding>,
) {
    let actual = found.permissions;
    let excess = [
        (actual.user && !expected.accessible(), "no access", "accessible"),
        (
            actual.user && actual.writable && !expected.writable(),
            "not writable",
            "writable",
        ),
        (
            actual.user && actual.executable && !expected.executable(),
            "not executable",
            "executable",
        ),
    ];
    for (_, allowed, is) in excess.into_iter().filter(|(broken, ..)| *broken) {
        findings.push(Finding::new(Rule::Permissions, place(), allowed, is));
    }
}

fn contents(
    memory: PhysicalMemory<'_>,
    bytes: &mut FrameBytes,
    found: &Translation,
    expected: Expected<'_>,
    place: impl Fn() -> String,
    findings: &mut Vec<Finding>,
) {
    let Some(wanted) = expected.contents else { return };
    let is = match memory.copy_frame(found.frame(), bytes) {
        Ok(()) if bytes.0 == *wanted => return,
        Ok(()) => excerpt(&bytes.0, wanted),
        Err(error) => error.to_string(),
    };
    findings.push(Finding::new(
        Rule::Contents,
        place(),
        excerpt(wanted, &bytes.0),
        is,
    ));
}

/// The judge itself: its walk must lead where KVM's does.
fn page_walk(scene: &Scene<'_>, effort: &Effort, findings: &mut Vec<Finding>) -> Result<(), VmError> {
    let (memory, root) = (scene.memory(), scene.stop.root()?);
    let answers = samples(memory, root, CROSS_CHECKED_ADDRESSES, effort)
        .into_iter()
        .map(|address| Ok((address, scene.stop.kvm_translate(address)?)))
        .collect::<Result<BTreeMap<_, _>, VmError>>()?;
    let found = cross_check(memory, root, answers.keys().copied(), |address| answers[&address]);
    push_all(&found, findings, Rule::Walker, "page walks", |disagreement| {
        Finding::new(
            Rule::Walker,
            "page walk",
            "the same translation as KVM's",
            disagreement.to_string(),
        )
    });
    Ok(())
}

/// Adds findings of the inspector in the judge's terms, and says how many were left out.
pub(super) fn push_all<T>(
    found: &Findings<T>,
    findings: &mut Vec<Finding>,
    rule: Rule,
    place: &str,
    convert: impl FnMut(&T) -> Finding,
) {
    findings.extend(found.as_slice().iter().map(convert));
    if found.omitted() > 0 {
        findings.push(Finding::new(
            rule,
            place,
            "none",
            format!("{} more findings like these", found.omitted()),
        ));
    }
}

/// The inspector tells address spaces apart by number; the judge uses the agent's channel.
fn space_of(process: Channel) -> SpaceId {
    SpaceId(u32::try_from(process.number()).expect("channels are few"))
}

fn process_of(space: SpaceId) -> Channel {
    Channel::new(space.0.into()).expect("made from a channel")
}

pub(super) fn address_of(number: PageNumber) -> VirtAddr {
    VirtAddr(number * PAGE_SIZE)
}
