//! Memory holds what the steps wrote, allows no more than it was mapped for, and is gone when it was unmapped: the pages of each
//! agent's process, held against the reference model.

use super::{StandingRule, View};
use crate::block::Disk;
use crate::channel::Channel;
use crate::drive::channel_of;
use crate::finding::{Finding, excerpt};
use crate::inspect::PhysicalMemory;
use crate::inspect::memory::FrameBytes;
use crate::inspect::walk::{Root, Translation, translate};
use crate::judge::scene::{Scene, address_of, frame_of};
use crate::model::ExpectedPage;
use crate::rule::Rule;
use crate::vm::VmError;

/// Remembers nothing: the model does.
#[derive(Debug, Default)]
pub(super) struct ProcessMemory;

impl StandingRule for ProcessMemory {
    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        let mut findings = Vec::new();
        for space in view.spaces {
            compare(view.scene, channel_of(space.id), space.root, &mut findings);
        }
        Ok(findings)
    }
}

/// Holds one process's pages against the reference model.
fn compare(scene: &Scene<'_>, process: Channel, root: Root, findings: &mut Vec<Finding>) {
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
    expected: ExpectedPage<'_>,
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
    expected: ExpectedPage<'_>,
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
    expected: ExpectedPage<'_>,
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
