//! A step's memory as a picture: the pages of each process at the sides, the frames in the middle, and a line from each page to the frame
//! that it is on. Two lines to one frame are sharing; a frame that was not there before is a copy.
//!
//! The same facts stand below the picture as a table, for whoever does not see it. What changed since the step before is marked with words,
//! not with colour alone.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::super::{Area, MappedPage, MemoryMap, ProcessMemory};

const PAGE_WIDTH: usize = 240;
const FRAME_WIDTH: usize = 96;
const GAP: usize = 70;
const PAGE_HEIGHT: usize = 38;
const FRAME_HEIGHT: usize = 34;
const ROOM: usize = 6;
const HEAD: usize = 26;
const MARGIN: usize = 4;
const WIDTH: usize = 2 * (MARGIN + PAGE_WIDTH + GAP) + FRAME_WIDTH;

/// The picture, with what changed since `before`.
pub(super) fn figure(memory: &MemoryMap, before: Option<&MemoryMap>) -> Markup {
    let picture = Picture::of(memory, before);
    html! {
        figure {
            figcaption { "Memory after this step" }
            div.scroll role="group" aria-label="Picture of memory" tabindex="0" { (picture.svg()) }
            p.legend {
                span { span.key.writable {} " may be written" }
                span { span.key.readonly {} " may only be read" }
                span { span.key.shared {} " a frame with several pages" }
                span { span.key.changed {} " changed in this step" }
            }
            details {
                summary { "The same as a table" }
                (table(&picture))
            }
            @if memory.is_last {
                p { "The memory after further steps is not recorded: there is too much of it." }
            }
        }
    }
}

/// A page in its place.
struct Place<'a> {
    process: &'a ProcessMemory,
    area: &'a Area,
    page: &'a MappedPage,
    /// What changed, in a few words each.
    changes: Vec<String>,
    x: usize,
    y: usize,
}

/// A text above some pages.
struct Head {
    text: String,
    class: &'static str,
    x: usize,
    y: usize,
}

struct Frame<'a> {
    name: &'a str,
    pages: Vec<usize>,
    is_new: bool,
    y: usize,
}

struct Picture<'a> {
    places: Vec<Place<'a>>,
    heads: Vec<Head>,
    frames: Vec<Frame<'a>>,
    height: usize,
}

impl<'a> Picture<'a> {
    fn of(memory: &'a MemoryMap, before: Option<&'a MemoryMap>) -> Self {
        let mut picture = Picture {
            places: Vec::new(),
            heads: Vec::new(),
            frames: Vec::new(),
            height: 0,
        };
        // Every other process stands on the other side.
        let mut bottom = [MARGIN, MARGIN];
        for (number, process) in memory.processes.iter().enumerate() {
            let side = number % 2;
            let x = [MARGIN, WIDTH - MARGIN - PAGE_WIDTH][side];
            bottom[side] = picture.process(process, before, x, bottom[side]);
        }
        picture.height = bottom[0].max(bottom[1]);
        picture.frames(before);
        picture
    }

    /// Puts a process's pages below each other, and says where they end.
    fn process(
        &mut self,
        process: &'a ProcessMemory,
        before: Option<&MemoryMap>,
        x: usize,
        mut y: usize,
    ) -> usize {
        self.head(process.process.to_string(), "process", x, y);
        y += HEAD;
        for area in &process.areas {
            let pages = super::super::text::count(area.length_pages, "page");
            self.head(format!("{}, {pages}", area.name), "area", x, y);
            y += HEAD - ROOM;
            for page in &area.pages {
                self.places.push(Place {
                    process,
                    area,
                    page,
                    changes: changes(process, area, page, before),
                    x,
                    y,
                });
                y += PAGE_HEIGHT + ROOM;
            }
            let left_out = area.length_pages.saturating_sub(area.pages.len());
            if left_out > 0 {
                let pages = super::super::text::count(left_out, "page");
                self.head(format!("and {pages} more"), "area", x, y);
                y += HEAD;
            }
        }
        y + 2 * ROOM
    }

    fn head(&mut self, text: String, class: &'static str, x: usize, y: usize) {
        self.heads.push(Head { text, class, x, y });
    }

    /// Puts each frame at the height of the pages that are on it, as far as there is room.
    fn frames(&mut self, before: Option<&MemoryMap>) {
        let mut pages: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
        for (index, place) in self.places.iter().enumerate() {
            if let Some(on) = &place.page.on {
                pages.entry((on.frame.len(), &on.frame)).or_default().push(index);
            }
        }
        let mut frames: Vec<Frame<'a>> = Vec::new();
        for ((_, _), pages) in pages {
            let Some(on) = &self.places[pages[0]].page.on else {
                continue;
            };
            let middle: usize = pages.iter().map(|page| self.places[*page].y).sum::<usize>() / pages.len();
            frames.push(Frame {
                name: &on.frame,
                is_new: before.is_some_and(|before| !has_frame(before, &on.frame)),
                pages,
                y: middle,
            });
        }
        frames.sort_by_key(|frame| frame.y);
        let mut free = HEAD + MARGIN;
        for frame in &mut frames {
            frame.y = frame.y.max(free);
            free = frame.y + FRAME_HEIGHT + ROOM;
        }
        self.height = self.height.max(free);
        self.frames = frames;
    }

    fn svg(&self) -> Markup {
        let frame_x = MARGIN + PAGE_WIDTH + GAP;
        let height = self.height + MARGIN;
        html! {
            svg viewBox={ "0 0 " (WIDTH) " " (height) } width=(WIDTH) height=(height) role="img"
                aria-label="Pages of each process, and the frames that they are on; the table below says the same" {
                @for head in &self.heads {
                    text.(head.class) x=(head.x) y=(head.y + 15) { (head.text) }
                }
                @for frame in &self.frames {
                    @for index in &frame.pages { (line(&self.places[*index], frame, frame_x)) }
                }
                @for place in &self.places { (page(place)) }
                @for frame in &self.frames { (boxed(frame, frame_x)) }
            }
        }
    }
}

/// From the side of a page that looks to the frames, to the frame.
fn line(place: &Place<'_>, frame: &Frame<'_>, frame_x: usize) -> Markup {
    let is_left = place.x < frame_x;
    let (from, to) = if is_left {
        (place.x + PAGE_WIDTH, frame_x)
    } else {
        (place.x, frame_x + FRAME_WIDTH)
    };
    let (from_y, to_y) = (place.y + PAGE_HEIGHT / 2, frame.y + FRAME_HEIGHT / 2);
    let bend = (from + to) / 2;
    html! {
        path.map.(may_write(place.page)).changed[!place.changes.is_empty()]
            d={ "M" (from) " " (from_y) "C" (bend) " " (from_y) " " (bend) " " (to_y) " " (to) " " (to_y) } {}
    }
}

fn page(place: &Place<'_>) -> Markup {
    let Place { page, x, y, .. } = place;
    html! {
        g.page.absent[page.on.is_none()].changed[!place.changes.is_empty()] {
            rect x=(x) y=(y) width=(PAGE_WIDTH) height=(PAGE_HEIGHT) rx="4" {}
            text x=(x + 8) y=(y + 15) { (place.area.name) "+" (page.page) "p" }
            text.rights x=(x + PAGE_WIDTH - 8) y=(y + 15) text-anchor="end" { (rights(page)) }
            text.mark x=(x + 8) y=(y + 31) {
                @if place.changes.is_empty() {
                    @if page.on.is_none() { "not in memory" }
                } @else {
                    (place.changes.join(", "))
                }
            }
        }
    }
}

fn boxed(frame: &Frame<'_>, x: usize) -> Markup {
    let pages = frame.pages.len();
    html! {
        g.frame.shared[pages > 1].changed[frame.is_new] {
            rect x=(x) y=(frame.y) width=(FRAME_WIDTH) height=(FRAME_HEIGHT) rx="4" {}
            text x=(x + FRAME_WIDTH / 2) y=(frame.y + 14) text-anchor="middle" { (frame.name) }
            text.mark x=(x + FRAME_WIDTH / 2) y=(frame.y + 28) text-anchor="middle" {
                (super::super::text::count(pages, "page"))
                @if frame.is_new { ", new" }
            }
        }
    }
}

fn table(picture: &Picture<'_>) -> Markup {
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th scope="col" { "Page" } th scope="col" { "Frame" } th scope="col" { "Mapped for" }
                        th scope="col" { "Page table" } th scope="col" { "Changed" }
                    }
                }
                tbody {
                    @for place in &picture.places {
                        tr {
                            th scope="row" { (place.process.process) ":" (place.area.name) "+" (place.page.page) "p" }
                            @match &place.page.on {
                                Some(on) => { td { (on.frame) } td { (asked(place.page)) } td { (on.allows) } }
                                None => { td { "not in memory" } td { (asked(place.page)) } td {} }
                            }
                            td { (place.changes.join(", ")) }
                        }
                    }
                }
            }
        }
    }
}

/// What changed of a page since the step before.
fn changes(
    process: &ProcessMemory,
    area: &Area,
    page: &MappedPage,
    before: Option<&MemoryMap>,
) -> Vec<String> {
    let Some(before) = before else { return Vec::new() };
    let mut changes = Vec::new();
    let Some(old) = before.page(&process.process, &area.name, page.page) else {
        changes.push("new".to_owned());
        if page.is_written {
            changes.push("written".to_owned());
        }
        return changes;
    };
    match (&old.on, &page.on) {
        (None, Some(_)) => changes.push("now in memory".to_owned()),
        (Some(old), None) => changes.push(format!("was on {}", old.frame)),
        (Some(old), Some(new)) => {
            if old.frame != new.frame {
                changes.push(format!("was on {}", old.frame));
            }
            if old.allows != new.allows {
                changes.push(format!("was {}", old.allows));
            }
        }
        (None, None) => {}
    }
    if page.is_written {
        changes.push("written".to_owned());
    }
    if old.mapped_for != page.mapped_for {
        changes.push(
            if page.mapped_for.is_empty() {
                "unmapped"
            } else {
                "protected anew"
            }
            .to_owned(),
        );
    }
    changes
}

fn has_frame(memory: &MemoryMap, frame: &str) -> bool {
    let areas = memory.processes.iter().flat_map(|process| &process.areas);
    let mut frames = areas
        .flat_map(|area| &area.pages)
        .filter_map(|page| page.on.as_ref());
    frames.any(|on| on.frame == *frame)
}

fn may_write(page: &MappedPage) -> &'static str {
    match &page.on {
        Some(on) if on.allows.contains('w') => "writable",
        Some(_) | None => "readonly",
    }
}

/// What the page table allows, and what was asked for where that is something else.
fn rights(page: &MappedPage) -> String {
    match &page.on {
        None => asked(page).to_owned(),
        Some(on) if on.allows == page.mapped_for => on.allows.clone(),
        Some(on) => format!("{} of {}", on.allows, asked(page)),
    }
}

fn asked(page: &MappedPage) -> &str {
    if page.mapped_for.is_empty() {
        "nothing"
    } else {
        &page.mapped_for
    }
}
