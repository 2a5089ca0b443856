//! Traces as viewers read them: the JSON format of Chrome's `about:tracing`, which Perfetto opens, too. A microsecond stands for an instruction.
//! <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>, "Trace TraceEvent Format".

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::under_way::UnderWay;
use super::{Trace, What, inlined};

/// The track of the scenario's steps.
const STEPS: &str = "steps";

/// A trace of several steps, each with its text, as one document. The steps follow each other on a track of their own; each process has one.
#[must_use]
pub fn document<'a>(steps: impl IntoIterator<Item = (String, &'a Trace)>) -> Value {
    let mut events = Vec::new();
    let mut tracks = Tracks::default();
    let mut start = 0;
    for (what, trace) in steps {
        let track = tracks.number(STEPS);
        events.push(json!({
            "name": what, "ph": "X", "ts": start, "dur": trace.instructions, "pid": 1, "tid": track,
        }));
        add(trace, start, &mut tracks, &mut events);
        start += trace.instructions;
    }
    let names = tracks.0.iter().enumerate().map(|(number, name)| {
        json!({ "name": "thread_name", "ph": "M", "pid": 1, "tid": number, "args": { "name": name } })
    });
    let mut all: Vec<Value> = names.collect();
    all.extend(events);
    json!({ "traceEvents": all, "displayTimeUnit": "ns", "otherData": { "time": "one microsecond is one instruction of the kernel" } })
}

/// The numbers of tracks, by their places.
#[derive(Default)]
struct Tracks(Vec<String>);

impl Tracks {
    fn number(&mut self, name: &str) -> usize {
        self.0.iter().position(|known| known == name).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        })
    }
}

fn add(trace: &Trace, start: u64, tracks: &mut Tracks, events: &mut Vec<Value>) {
    let mut under_way: UnderWay<()> = UnderWay::default();
    let mut seen = BTreeSet::new();
    for event in &trace.events {
        let stack = under_way.current();
        let track = tracks.number(trace.thread(stack));
        let at = start + event.at;
        let told =
            |phase: &str, name: &str| json!({ "name": name, "ph": phase, "ts": at, "pid": 1, "tid": track });
        match event.what {
            What::Call(function) | What::Resume(function) => {
                events.push(placed(told("B", trace.function(function)), trace.place(function)));
            }
            What::Inline(function) => {
                let name = inlined(trace.function(function));
                events.push(placed(told("B", &name), trace.place(function)));
            }
            What::Return if !under_way.functions().is_empty() => events.push(told("E", "")),
            What::Enter(way) => events.push(instant(told("i", &way.to_string()))),
            What::Change(number) => {
                let change = trace.change(number).map(ToString::to_string).unwrap_or_default();
                events.push(instant(told("i", &change)));
            }
            What::Return | What::Stack(_) | What::Leave => {}
        }
        under_way.go_on(event, |_| ());
        seen.insert(under_way.current());
    }
    // What is under way at the end of a step goes on in a later one, and ends here.
    for stack in seen {
        let track = tracks.number(trace.thread(stack));
        for _ in 0..under_way.depth_of(stack) {
            events.push(json!({ "ph": "E", "ts": start + trace.instructions, "pid": 1, "tid": track }));
        }
    }
}

/// A function with where in its source it is.
fn placed(mut event: Value, place: &str) -> Value {
    if !place.is_empty() {
        event["args"] = json!({ "source": place });
    }
    event
}

/// A moment on one track.
fn instant(mut event: Value) -> Value {
    event["s"] = "t".into();
    event
}
