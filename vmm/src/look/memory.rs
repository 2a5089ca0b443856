//! The answers about memory at one moment.

use std::fmt::Write;

use abi::PAGE_SIZE;
use pretty_hex::{HexConfig, config_hex};

use super::{Look, LookError, MemoryPlace};
use crate::address::{FrameNumber, Half, PhysAddr, VirtAddr};
use crate::inspect::Effort;
use crate::inspect::owners::{Owners, Space, SpaceId};
use crate::inspect::walk::{Root, regions, translate};
use crate::view::{NamedProcess, walk};

/// Most bytes that are shown at once.
const MOST_BYTES: usize = 1 << 16;
/// How bytes are shown: sixteen a line, with their addresses before and their characters behind them.
const HEX: HexConfig = HexConfig {
    title: false,
    ascii: true,
    width: 16,
    group: 8,
    chunk: 1,
    max_bytes: usize::MAX,
    display_offset: 0,
};

impl Look {
    /// The user halves of page tables: runs of pages with the same rights, and the names in them.
    pub(super) fn maps(&self, process: Option<&str>) -> Result<String, LookError> {
        let named = self.snapshots.named();
        let processes = match process {
            Some(name) => std::slice::from_ref(named.process(name)?),
            None => named.processes(),
        };
        let mut told = String::new();
        for process in processes {
            // Writing to a string cannot fail.
            let _ = writeln!(told, "{}:", process.name);
            let effort = Effort::of(Effort::MOST);
            let (regions, anomalies) = regions(self.snapshots.memory(), process.root, Half::User, &effort);
            for region in regions.as_slice() {
                let names: Vec<&str> = process
                    .mappings
                    .iter()
                    .filter(|mapping| {
                        let last = mapping.page_start(mapping.pages.saturating_sub(1));
                        mapping.start <= region.last() && region.start <= last
                    })
                    .map(|mapping| &*mapping.name)
                    .collect();
                let names = names.join(", ");
                let line = format!(
                    "  {}..{}  {}  {names}",
                    region.start,
                    region.last(),
                    region.permissions
                );
                let _ = writeln!(told, "{}", line.trim_end());
            }
            if regions.omitted() > 0 {
                let _ = writeln!(told, "  and {} more", regions.omitted());
            }
            for anomaly in anomalies.as_slice() {
                let _ = writeln!(told, "  {anomaly}");
            }
        }
        Ok(told)
    }

    /// The frames of a named mapping, or of one of its pages.
    pub(super) fn frame(&self, place: &MemoryPlace) -> Result<String, LookError> {
        match place {
            MemoryPlace::Named {
                process,
                mapping,
                page: None,
            } => Ok(self
                .snapshots
                .named()
                .frames(process, mapping, self.snapshots.memory())?),
            MemoryPlace::Named { .. } | MemoryPlace::Address(_) => {
                let (root, address) = self.resolved(place, None)?;
                let found = translate(self.snapshots.memory(), root, address)
                    .map_err(|_| LookError::NotMapped(place.to_string()))?;
                Ok(format!(
                    "{place} at {address}: frame {}, {}\n",
                    found.frame().start(),
                    found.permissions
                ))
            }
        }
    }

    /// Who maps a frame, and whether it is a page table.
    pub(super) fn owners(&self, place: &MemoryPlace) -> Result<String, LookError> {
        let memory = self.snapshots.memory();
        let frame = match place {
            MemoryPlace::Address(address) => PhysAddr(address.0).frame(),
            MemoryPlace::Named { .. } => {
                let (root, address) = self.resolved(place, None)?;
                translate(memory, root, address)
                    .map_err(|_| LookError::NotMapped(place.to_string()))?
                    .frame()
            }
        };
        if !memory.has_frame(frame) {
            let end = FrameNumber(memory.frames()).start();
            return Err(LookError::Unknown(format!(
                "{} is outside guest memory, which ends at {end}",
                frame.start()
            )));
        }
        let processes = self.snapshots.named().processes();
        let spaces: Vec<Space> = (0..)
            .zip(processes)
            .map(|(id, process)| Space {
                id: SpaceId(id),
                root: process.root,
            })
            .collect();
        let process = |space: SpaceId| -> &NamedProcess { &processes[space.0 as usize] };
        let owners = Owners::of_spaces(memory, &spaces, &Effort::of(Effort::MOST));
        let mut told = format!("frame {}\n", frame.start());
        for owner in owners.of(frame) {
            let process = process(owner.space);
            let name = process.page_name(owner.address);
            let name = name.map_or_else(|| process.name.to_string(), |name| name.to_string());
            let _ = writeln!(told, "  {name} at {}: {}", owner.address, owner.permissions);
        }
        for table in owners.tables_in(frame) {
            let _ = writeln!(
                told,
                "  {} of {}, for addresses from {}",
                table.level,
                process(table.space).name,
                table.address
            );
        }
        if owners.of(frame).len() == 0 && owners.tables_in(frame).is_empty() {
            told.push_str("  no process that the scenario knows maps it\n");
        }
        for anomaly in owners.anomalies().as_slice() {
            let process = process(anomaly.space);
            let _ = writeln!(told, "  in {}: {}", process.name, anomaly.anomaly);
        }
        Ok(told)
    }

    /// The page-table entries on the way to a place.
    pub(super) fn walk(&self, place: &MemoryPlace, process: Option<&str>) -> Result<String, LookError> {
        let (root, address) = self.resolved(place, process)?;
        Ok(walk(self.snapshots.memory(), root, address))
    }

    /// The bytes at a place, as far as there are pages.
    pub(super) fn contents(
        &self,
        place: &MemoryPlace,
        bytes: usize,
        process: Option<&str>,
    ) -> Result<String, LookError> {
        let (root, start) = self.resolved(place, process)?;
        let memory = self.snapshots.memory();
        let wanted = bytes.min(MOST_BYTES);
        let mut held = Vec::new();
        while held.len() < wanted {
            let Some(address) = start.checked_add(held.len() as u64) else {
                break;
            };
            let Ok(found) = translate(memory, root, address) else {
                break;
            };
            let in_page = usize::try_from(PAGE_SIZE - address.page_offset()).unwrap_or(usize::MAX);
            let mut page = vec![0; in_page.min(wanted - held.len())];
            if memory.copy(found.address, &mut page).is_err() {
                break;
            }
            held.append(&mut page);
        }
        if held.is_empty() && wanted > 0 {
            return Err(LookError::NotMapped(place.to_string()));
        }
        let mut told = String::new();
        for (line, bytes) in (0..).zip(held.chunks(HEX.width)) {
            let address = VirtAddr(start.0 + line * HEX.width as u64);
            let shown = config_hex(&bytes, HEX);
            // The crate counts from 0, and there is one line of it.
            let shown = shown.split_once(':').map_or(shown.as_str(), |(_, bytes)| bytes);
            let _ = writeln!(told, "{address}:{shown}");
        }
        if held.len() < wanted {
            let _ = writeln!(told, "nothing is mapped behind it");
        } else if wanted < bytes {
            let _ = writeln!(told, "no more than {MOST_BYTES} bytes are shown");
        }
        Ok(told)
    }

    /// The address of a place, and the page table by which it is one: that of the process that is named, or else of the place.
    fn resolved(&self, place: &MemoryPlace, process: Option<&str>) -> Result<(Root, VirtAddr), LookError> {
        let named = self.snapshots.named();
        match place {
            MemoryPlace::Address(address) => Ok((self.root(process)?, *address)),
            MemoryPlace::Named {
                process: owner,
                mapping,
                page,
            } => {
                let owner = named.process(owner)?;
                let mapping = owner.mapping(mapping)?;
                let root = match process {
                    Some(_) => self.root(process)?,
                    None => owner.root,
                };
                let page = page.unwrap_or(0);
                if page >= mapping.pages {
                    let count = mapping.pages;
                    return Err(LookError::Unknown(format!(
                        "there is no {place}: its pages are numbered from 0, and there are {count}"
                    )));
                }
                Ok((root, mapping.page_start(page)))
            }
        }
    }
}
