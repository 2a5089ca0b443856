//! Moves that ask for what must be refused, for more than is there, and for what only flags and advice can say.

use serde_json::{Value, json};

use super::super::arena::{Access, Backing, Page};
use super::{Script, choose, length, span};

impl Script {
    /// Maps where nothing is, or not at all.
    pub(super) fn map_free(&mut self, page: u64, amount: u64) {
        let pages = length(page, amount);
        let mut step = self.map_step(page, pages);
        step["placement"] = json!("fixed_noreplace");
        let places = &mut self.arena[span(page, pages)];
        if places.iter().any(Option::is_some) {
            step["errno"] = json!("EEXIST");
        } else {
            places.fill(Some(Page::new(Backing::Private)));
        }
        self.steps.push(step);
    }

    /// Asks for a place. What comes to be elsewhere goes at once: nobody knows where it is.
    pub(super) fn map_near(&mut self, page: u64, amount: u64) {
        let pages = length(page, amount);
        let mut step = self.map_step(page, pages);
        step["placement"] = json!("hint");
        let name = step["as"].clone();
        self.steps.push(step);
        let places = &mut self.arena[span(page, pages)];
        if places.iter().all(Option::is_none) {
            places.fill(Some(Page::new(Backing::Private)));
        } else {
            self.steps
                .push(json!({ "in": "target", "do": "munmap", "at": name, "pages": pages }));
        }
    }

    pub(super) fn map_present(&mut self, page: u64, amount: u64) {
        let pages = length(page, amount);
        let mut step = self.map_step(page, pages);
        step["flags"] = json!(["populate"]);
        self.steps.push(step);
        let mut present = Page::new(Backing::Private);
        present.present = true;
        self.arena[span(page, pages)].fill(Some(present));
    }

    fn map_step(&mut self, page: u64, pages: u64) -> Value {
        let name = format!("m{}", self.mappings);
        self.mappings += 1;
        json!({
            "in": "target", "do": "mmap", "as": name, "pages": pages, "prot": "rw", "at": format!("arena+{page}p"),
        })
    }

    /// As far as the first hole.
    pub(super) fn protect_range(&mut self, page: u64, amount: u64) {
        let pages = length(page, amount);
        let access = Access::ALL[(amount / 8) as usize % Access::ALL.len()];
        let mut step = json!({
            "in": "target", "do": "mprotect", "at": format!("arena+{page}p"), "pages": pages, "prot": access.word(),
        });
        let places = &mut self.arena[span(page, pages)];
        if places.iter().any(Option::is_none) {
            step["errno"] = json!("ENOMEM");
        }
        let before_hole = places.iter_mut().map_while(Option::as_mut);
        before_hole.for_each(|page| page.access = access);
        self.steps.push(step);
    }

    /// Over holes.
    pub(super) fn discard_range(&mut self, page: u64, amount: u64) {
        let pages = length(page, amount);
        let mut step = advise(page, pages, "dontneed");
        let places = &mut self.arena[span(page, pages)];
        if places.iter().any(Option::is_none) {
            step["errno"] = json!("ENOMEM");
        }
        places.iter_mut().flatten().for_each(Page::discard);
        self.steps.push(step);
    }

    pub(super) fn populate(&mut self, page: u64, amount: u64) {
        let (advice, needed) = if amount.is_multiple_of(2) {
            ("populate_read", Access::Read)
        } else {
            ("populate_write", Access::Write)
        };
        let mut step = advise(page, 1, advice);
        match &mut self.arena[page as usize] {
            None => step["errno"] = json!("ENOMEM"),
            Some(page) if page.access < needed => step["errno"] = json!("EINVAL"),
            Some(page) => page.present = true,
        }
        self.steps.push(step);
    }

    pub(super) fn advise_fork(&mut self, choice: u64, amount: u64) {
        let Some((number, page)) = choose(&mut self.arena, choice, |_| true) else {
            return;
        };
        let is_private = page.backing == Backing::Private;
        let (advice, is_taken) = match amount % 6 {
            0 | 1 => ("dontfork", true),
            2 => ("dofork", true),
            3 | 4 => ("wipeonfork", is_private),
            _ => ("keeponfork", true),
        };
        let mut step = advise(number, 1, advice);
        match advice {
            "dontfork" => page.is_left_out = true,
            "dofork" => page.is_left_out = false,
            "keeponfork" => page.is_wiped = false,
            _ if is_taken => page.is_wiped = true,
            _ => step["errno"] = json!("EINVAL"),
        }
        self.steps.push(step);
    }

    /// What changes nothing, whatever is there.
    pub(super) fn refused(&mut self, page: u64, amount: u64) {
        let at = format!("arena+{page}p");
        let within = format!("arena+{page}p+1");
        let wraps = "0xfffffffffffff000";
        let mut step = match amount % 12 {
            0 => json!({ "do": "munmap", "at": within, "bytes": 100, "errno": "EINVAL" }),
            1 => json!({ "do": "munmap", "at": at, "bytes": 0, "errno": "EINVAL" }),
            2 => json!({ "do": "munmap", "at": at, "bytes": wraps, "errno": "EINVAL" }),
            3 => json!({ "do": "mprotect", "at": within, "bytes": 100, "prot": "none", "errno": "EINVAL" }),
            4 => json!({ "do": "mprotect", "at": at, "bytes": wraps, "prot": "none", "errno": "ENOMEM" }),
            5 => {
                json!({ "do": "madvise", "at": within, "bytes": 100, "advice": "dontneed", "errno": "EINVAL" })
            }
            6 => {
                json!({ "do": "madvise", "at": at, "bytes": wraps, "advice": "dontneed", "errno": "EINVAL" })
            }
            7 => json!({ "do": "madvise", "at": at, "pages": 1, "advice": "0x63", "errno": "EINVAL" }),
            8 => {
                json!({ "do": "mmap", "as": "no", "at": within, "pages": 1, "prot": "rw", "errno": "EINVAL" })
            }
            9 => json!({ "do": "mmap", "as": "no", "at": at, "bytes": 0, "prot": "rw", "errno": "EINVAL" }),
            10 => {
                json!({ "do": "mmap", "as": "no", "at": at, "bytes": wraps, "prot": "rw", "errno": "ENOMEM" })
            }
            _ => json!({
                "do": "mmap", "as": "no", "at": at, "pages": 1, "prot": "rw", "flags": ["0x4"], "errno": "EINVAL",
            }),
        };
        step["in"] = json!("target");
        self.steps.push(step);
    }
}

fn advise(page: u64, pages: u64, advice: &str) -> Value {
    json!({
        "in": "target", "do": "madvise", "at": format!("arena+{page}p"), "pages": pages, "advice": advice,
    })
}
