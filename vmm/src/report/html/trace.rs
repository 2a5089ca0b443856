//! What the kernel did in a step, as a tree that can be folded.

use maud::{Markup, html};

use super::super::text::count;
use crate::trace::nested::{Block, By, Happening, Node, blocks};
use crate::trace::{Trace, What};

/// Most events that are shown: more would make a page that browsers stutter on.
const MOST_EVENTS: usize = 20_000;
/// So many functions below each other are unfolded at first.
const UNFOLDED: usize = 3;

/// The tree.
pub(super) fn tree(trace: &Trace) -> Markup {
    let (blocks, left_out) = blocks(trace, MOST_EVENTS);
    let calls = trace
        .events
        .iter()
        .filter(|event| matches!(event.what, What::Call(_)));
    html! {
        details.trace {
            summary {
                "What the kernel did"
                @if let Some(name) = &trace.name { " (" (name) ")" }
                ": " (count(calls.count(), "call")) ", " (trace.instructions) " instructions, "
                (count(trace.changes.len(), "change"))
            }
            p.legend { "The number beside a function counts its instructions and those of what it calls." }
            @for block in &blocks { (show(block)) }
            @if left_out > 0 { p { (count(left_out, "further event")) " not shown; " code { "vmm trace" } " has all." } }
            @if trace.is_cut { p { "The kernel went on, which is not recorded." } }
        }
    }
}

fn show(block: &Block<'_>) -> Markup {
    html! {
        section {
            h4 { "For " (block.thread) }
            @for node in &block.nodes { (happening(node, 0)) }
        }
    }
}

fn happening(node: &Node<'_>, depth: usize) -> Markup {
    match &node.what {
        Happening::Enter(way) => html! { div.way { "→ " (way.to_string()) } },
        Happening::Leave => html! { div.way { "← back to user mode" } },
        Happening::Change(change) => html! { div.change { (change.to_string()) } },
        Happening::Function {
            name,
            instructions,
            by,
        } => {
            let name = html! {
                span.count { (instructions) } " "
                @match by {
                    By::Call => (name),
                    By::Before => { "… " (name) }
                    By::Inlining => { (name) " " span.legend { "(inlined)" } }
                }
            };
            if node.below.is_empty() {
                return html! { div { (name) } };
            }
            html! {
                details open[depth < UNFOLDED] {
                    summary { (name) }
                    @for node in &node.below { (happening(node, depth + 1)) }
                }
            }
        }
    }
}
