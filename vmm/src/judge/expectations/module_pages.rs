//! Whether a process maps the frames that a module offers.
//!
//! The module's claim is an address of the kernel's and a number of pages. What is behind them is looked up in the page tables:
//! the kernel's for the module, the process's own for the process.

use abi::PAGE_SIZE;
use abi::frame_table::{MODULE_PAGES, PAGE_RESERVED};

use super::{Look, spot, unlike};
use crate::address::{FrameNumber, VirtAddr};
use crate::finding::Finding;
use crate::inspect::walk::{self, Translation};
use crate::judge::Judge;
use crate::judge::scene::Scene;
use crate::printable::Printable;
use crate::scenario::{Layout, ModulePages};

impl Judge {
    /// Goes through the pages one after the other, up to the first that is not as expected.
    pub(super) fn module_pages(&mut self, expected: &ModulePages, scene: &Scene<'_>) -> Look {
        let module = expected.module.as_str();
        let offered = self.offered.get(&Printable::from(module)).copied();
        let (offered, count) =
            offered.ok_or_else(|| Finding::missing(module, "pages that it offers", "it told of none"))?;
        let pages = expected.first..expected.first.saturating_add(expected.pages);
        if pages.end > count {
            let found = format!("{count} pages, as it says");
            return Err(unlike(module, format!("{} pages", pages.end), found));
        }
        let spot = spot(&expected.at, scene)?;
        let kernel = scene.stop.root();
        let kernel = kernel
            .map_err(|error| Finding::missing(module, "the kernel's page tables", error.to_string()))?;
        let mut frames = Vec::new();
        for (index, number) in (0..).zip(pages) {
            let address = page_of(spot.address, index);
            let wanted = walk::translate(scene.memory(), kernel, page_of(offered, number)).ok();
            let found = walk::translate(scene.memory(), spot.root, address).ok();
            let found = found.filter(|found| found.permissions.user);
            match (&wanted, &found) {
                (Some(wanted), Some(found)) if wanted.frame() == found.frame() => frames.push(found.frame()),
                _ => {
                    let place = scene.place(spot.process, address);
                    let wanted = format!("page {number} of {module}, {}", self.frame_behind(&wanted));
                    return Err(unlike(place, wanted, self.frame_behind(&found)));
                }
            }
        }
        let found = layout(&frames);
        if found != expected.frames {
            let [wanted, found] = [expected.frames, found].map(|layout| format!("frames {layout}"));
            return Err(unlike(spot.text, wanted, found));
        }
        self.reservations(expected, &frames, scene)
    }

    /// Holds the marks in the kernel's account against what is expected of each frame.
    fn reservations(&mut self, expected: &ModulePages, frames: &[FrameNumber], scene: &Scene<'_>) -> Look {
        let module = expected.module.as_str();
        let table = self.account.table(scene.memory());
        let table =
            table.ok_or_else(|| Finding::missing(module, "an account of the kernel's frames", "none"))??;
        let is_reserved = |frame: &FrameNumber| {
            table
                .get(*frame)
                .is_some_and(|info| info.kind == MODULE_PAGES && info.private & PAGE_RESERVED != 0)
        };
        let Some(other) = frames
            .iter()
            .find(|frame| is_reserved(frame) != expected.reserved)
        else {
            return Ok(String::new());
        };
        let words = |is_reserved| if is_reserved { "reserved" } else { "not reserved" };
        let place = format!("{module}, {}", self.names.frame(*other));
        Err(unlike(place, words(expected.reserved), words(!expected.reserved)))
    }

    fn frame_behind(&mut self, translation: &Option<Translation>) -> String {
        let frame = translation.as_ref().map(Translation::frame);
        frame.map_or_else(|| "not mapped".to_owned(), |frame| self.names.frame(frame))
    }
}

/// Whatever the guest claims, adding to it does not overflow.
fn page_of(start: VirtAddr, number: u64) -> VirtAddr {
    VirtAddr(start.0.wrapping_add(number.wrapping_mul(PAGE_SIZE)))
}

fn layout(frames: &[FrameNumber]) -> Layout {
    let is_row = frames
        .windows(2)
        .all(|pair| pair[0].0.checked_add(1) == Some(pair[1].0));
    if is_row { Layout::Row } else { Layout::Scattered }
}
