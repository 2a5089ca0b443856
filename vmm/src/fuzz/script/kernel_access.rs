//! Moves in which the kernel reaches memory for a process.

use serde_json::{Value, json};

use super::super::arena::{ARENA, Access, Arena, Backing, Part};
use super::{BYTES, Script, choose};

/// Where the last bytes of a page begin.
const LAST: u64 = 4096 - BYTES;

impl Script {
    pub(super) fn kernel_stores(&mut self, number: u64, byte: u64) {
        let step = store("target", &mut self.arena, number, byte);
        self.steps.push(step);
    }

    pub(super) fn child_kernel_stores(&mut self, number: u64, byte: u64) {
        let Some(child) = self.child(byte / 2) else { return };
        let step = store(&child.name, &mut child.arena, number, byte);
        self.steps.push(step);
        self.forget_shared();
    }

    pub(super) fn kernel_loads(&mut self, number: u64, choice: u64) {
        let step = load("target", &mut self.arena, number, choice);
        self.steps.extend(step);
    }

    pub(super) fn child_kernel_loads(&mut self, number: u64, choice: u64) {
        let Some(child) = self.child(choice / 2) else {
            return;
        };
        let step = load(&child.name, &mut child.arena, number, choice);
        self.steps.extend(step);
    }

    /// Protection does not count for private memory.
    pub(super) fn mem_writes(&mut self, number: u64, byte: u64) {
        let Some(child) = self.child(byte) else { return };
        let mut step = json!({
            "in": "target", "do": "mem_write", "at": format!("{}:arena+{number}p", child.name),
            "fill": { "byte": byte, "bytes": BYTES },
        });
        match &mut child.arena[number as usize] {
            Some(page) if page.backing != Backing::Shared || page.access == Access::Write => {
                page.store(Part::First, byte);
            }
            _ => step["errno"] = json!("EIO"),
        }
        self.steps.push(step);
        self.forget_shared();
    }

    pub(super) fn mem_reads(&mut self, choice: u64, of: u64) {
        let Some(child) = self.child(of) else { return };
        let name = child.name.clone();
        let known = choose(&mut child.arena, choice, |page| {
            page.backing == Backing::Private && page.byte.is_some()
        });
        let Some((number, page)) = known else { return };
        page.present = true;
        let byte = page.byte;
        self.steps.push(json!({
            "in": "target", "do": "mem_read", "at": format!("{name}:arena+{number}p"),
            "fill": { "byte": byte, "bytes": BYTES },
        }));
    }
}

/// The kernel stores to the start of a page, or to all of it but that and over its end to the start of the next.
fn store(process: &str, arena: &mut Arena, number: u64, byte: u64) -> Value {
    let allows = |page: &Option<_>| page.is_some_and(|page: super::Page| page.access == Access::Write);
    let index = number as usize;
    let crosses = byte % 2 == 1 && number + 1 < ARENA;
    let (offset, bytes) = if crosses { (BYTES, 4096) } else { (0, BYTES) };
    let mut step = json!({
        "in": process, "do": "copy_to_user", "at": format!("arena+{number}p+{offset}"),
        "fill": { "byte": byte, "bytes": bytes },
    });
    if !allows(&arena[index]) {
        step["errno"] = json!("EFAULT");
        return step;
    }
    let part = if crosses { Part::Last } else { Part::First };
    if let Some(page) = &mut arena[index] {
        page.store(part, byte);
    }
    if !crosses {
        return step;
    }
    match &mut arena[index + 1] {
        next if !allows(next) => step["count"] = json!(4096 - BYTES),
        Some(next) => next.store(Part::First, byte),
        None => {}
    }
    step
}

/// The kernel loads from the start of a page, or from its end and over it, as far as it is known what is there.
fn load(process: &str, arena: &mut Arena, number: u64, choice: u64) -> Option<Value> {
    let allows = |page: &Option<_>| page.is_some_and(|page: super::Page| page.access != Access::None);
    let index = number as usize;
    let step = |offset: u64, byte: u64, bytes: u64| {
        json!({
            "in": process, "do": "copy_from_user", "at": format!("arena+{number}p+{offset}"),
            "fill": { "byte": byte, "bytes": bytes },
        })
    };
    if !allows(&arena[index]) {
        let mut refused = step(0, 0, BYTES);
        refused["errno"] = json!("EFAULT");
        return Some(refused);
    }
    let page = arena[index].as_mut()?;
    if choice.is_multiple_of(2) || number + 1 == ARENA {
        let loaded = step(0, page.byte?, BYTES);
        page.present = true;
        return Some(loaded);
    }
    let last = page.last?;
    page.present = true;
    let next = &mut arena[index + 1];
    Some(if !allows(next) {
        let mut partly = step(LAST, last, 2 * BYTES);
        partly["count"] = json!(BYTES);
        partly
    } else if let Some(next) = next.as_mut().filter(|next| next.byte == Some(last)) {
        next.present = true;
        step(LAST, last, 2 * BYTES)
    } else {
        step(LAST, last, BYTES)
    })
}
