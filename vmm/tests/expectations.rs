//! Each kind of expectation, held against a guest that does not meet it: the verdict is fail, and the finding says what was
//! found instead. The guest is the shipped one; it is the scenarios that are wrong.

#[path = "support/guest.rs"]
mod guest;

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use vmm::image::{GuestImage, ImageKind};
use vmm::report::text::{Colour, Detail, render};
use vmm::report::{Report, Verdict};
use vmm::rule::Rule;
use vmm::scenario::Scenario;

/// A scenario that expects something wrong, and the finding that must come of it.
struct Case {
    name: &'static str,
    guest: Value,
    steps: Value,
    rule: Rule,
    found: &'static str,
}

fn main() {
    let arguments = Arguments::from_args();
    let image = guest::image(ImageKind::Shipped);
    let tests = checks()
        .into_iter()
        .chain(module_pages())
        .chain(user_faults())
        .chain(results())
        .map(|case| {
            Trial::test(format!("{}-is-refuted", case.name), move || {
                is_refuted(&case, image)
            })
        });
    libtest_mimic::run(&arguments, tests.collect()).exit();
}

/// A check with one wrong expectation, after a fork with three shared pages of which the child has written the first.
fn check(name: &'static str, expectation: &Value, found: &'static str) -> Case {
    let steps = json!([
        { "in": "parent", "do": "mmap", "as": "buf", "pages": 4, "prot": "rw" },
        { "in": "parent", "do": "write", "at": "buf", "fill": { "byte": 7, "bytes": 12288 } },
        { "in": "parent", "do": "fork", "as": "child" },
        { "in": "parent", "do": "fork", "as": "victim" },
        { "in": "child", "do": "mmap", "as": "table", "pages": 1, "prot": "rw" },
        { "in": "child", "do": "shadowpt_open", "of": "parent", "from": "buf", "to": "buf+4p", "entries": "table" },
        { "in": "child", "do": "shadowpt_start" },
        { "check": "before", "expect": [{ "mapped": ["parent:buf"] }] },
        { "in": "child", "do": "write", "at": "buf", "text": "child" },
        { "in": "victim", "do": "munmap", "at": "buf", "pages": 1 },
        { "in": "victim", "do": "write", "at": "buf", "text": "x", "fault": "SIGSEGV" },
        { "check": "wrong", "expect": [expectation] },
    ]);
    Case {
        name,
        guest: with_swap(),
        steps,
        rule: Rule::Expectation,
        found,
    }
}

fn checks() -> Vec<Case> {
    vec![
        check(
            "same-frame",
            &json!({ "same_frame": ["parent:buf", "child:buf"] }),
            "frame A, frame B",
        ),
        check(
            "different-frames",
            &json!({ "different_frames": ["parent:buf+1p", "child:buf+1p"] }),
            "frame B, frame B",
        ),
        check("mapped", &json!({ "mapped": ["parent:buf+3p"] }), "not mapped"),
        check(
            "not-mapped",
            &json!({ "not_mapped": ["child:buf+1p"] }),
            "mapped, frame B",
        ),
        check(
            "writable",
            &json!({ "writable": ["child:buf+1p"] }),
            "read-only, frame B",
        ),
        check(
            "not-writable",
            &json!({ "not_writable": ["child:buf"] }),
            "writable, frame B",
        ),
        check(
            "content",
            &json!({ "content": { "at": "child:buf", "text": "chilD" } }),
            "\"d\" from byte 4 on",
        ),
        check(
            "content-of-nothing",
            &json!({ "content": { "at": "child:buf+3p", "zeros": 1 } }),
            "not mapped",
        ),
        check(
            "dirtied",
            &json!({ "dirtied": { "region": "child:buf", "pages": [1] } }),
            "changed: 0p",
        ),
        check("frame-kept", &json!({ "frame_kept": ["child:buf"] }), "frame B"),
        check(
            "free-frames",
            &json!({ "free_frames": { "since": "start", "change": 1 } }),
            "-",
        ),
        check(
            "swapped-out",
            &json!({ "swapped_out": ["parent:buf"] }),
            "mapped, frame",
        ),
        check(
            "swapped-out-page-that-is-nowhere",
            &json!({ "swapped_out": ["parent:buf+3p"] }),
            "not mapped, and not on the disk",
        ),
        check(
            "spte",
            &json!({ "spte": { "at": "parent:buf+1p", "is": ["allocated", "mapped"] } }),
            "allocated anonymous mapped",
        ),
        check(
            "spte-of-a-page-that-is-not-there",
            &json!({ "spte": { "at": "parent:buf+3p", "is": ["allocated", "anonymous", "mapped"] } }),
            "allocated anonymous",
        ),
        check(
            "exit-status",
            &json!({ "exit_status": { "of": "victim", "exit": 0 } }),
            "was ended by SIGSEGV",
        ),
        check(
            "faulted",
            &json!({ "faulted": { "process": "victim", "at": "buf", "access": "read" } }),
            "a write of victim:buf+0p",
        ),
    ]
}

/// Pages of a module, the last 14 of 16 of which a process has mapped, with something wrong.
fn module_pages() -> Vec<Case> {
    let case = |name, changed: &str, to: Value, found| {
        let mut expected = json!({ "module": "kmmap", "at": "parent:dev+2p", "pages": 14, "first": 2, "frames": "row", "reserved": true });
        expected[changed] = to;
        Case {
            name,
            guest: with_swap(),
            steps: json!([
                { "in": "parent", "do": "exec", "program": "insmod", "args": ["kmmap.ko"] },
                { "in": "parent", "do": "mmap", "as": "dev", "pages": 16, "prot": "rw", "sharing": "shared", "file": "/dev/kmmap" },
                { "in": "parent", "do": "munmap", "at": "dev", "pages": 2 },
                { "check": "wrong", "expect": [{ "module_pages": expected }] },
                { "in": "parent", "do": "munmap", "at": "dev+2p", "pages": 14 },
                { "in": "parent", "do": "exec", "program": "rmmod", "args": ["kmmap"] },
            ]),
            rule: Rule::Expectation,
            found,
        }
    };
    vec![
        case("another-page-of-a-module", "first", json!(1), "frame B"),
        case(
            "a-module-s-page-that-is-not-mapped",
            "at",
            json!("parent:dev"),
            "not mapped",
        ),
        case(
            "more-pages-than-a-module-has",
            "first",
            json!(3),
            "16 pages, as it says",
        ),
        case(
            "how-a-module-s-frames-lie",
            "frames",
            json!("scattered"),
            "frames in a row",
        ),
        case("a-module-s-reservations", "reserved", json!(false), "reserved"),
    ]
}

fn with_swap() -> Value {
    json!({ "swap": { "mib": 1 } })
}

/// What a client has loaded, or a program tracked, with something wrong.
fn user_faults() -> Vec<Case> {
    let case = |name, server: Value, expected: Value, found| Case {
        name,
        guest: json!({ "vsock": { "9000": { "warehouse": server } } }),
        steps: json!([
            { "in": "parent", "do": "exec", "program": "warehouse-client", "args": ["1", "vsock:2:9000"] },
            { "check": "wrong", "expect": [{ "loaded": expected }] },
        ]),
        rule: Rule::Expectation,
        found,
    };
    let loaded =
        |pages: [u64; 5], frames: u64| json!({ "port": "9000", "pages": pages, "frames_at_most": frames });
    let good = json!({ "pages": 64 });
    let tracked = |name, times: Value, found| Case {
        name,
        guest: json!({}),
        steps: json!([
            { "in": "parent", "do": "exec", "program": "dirty-tracker" },
            { "check": "wrong", "expect": [{ "tracked": times }] },
        ]),
        rule: Rule::Expectation,
        found,
    };
    let all: Vec<u64> = (0..16).collect();
    vec![
        case(
            "other-pages-loaded",
            good.clone(),
            loaded([0, 1, 2, 3, 4], 64),
            "pages ",
        ),
        case("fewer-frames", good, loaded(PAGES, 3), "frames"),
        case(
            "bytes-that-no-client-can-tell",
            json!({ "pages": 64, "fault": "mislabelled-page" }),
            loaded(PAGES, 64),
            "third gate",
        ),
        tracked("fewer-times", json!([[]]), "7 times"),
        tracked(
            "another-page-tracked",
            json!([[], [], [4], [0, 3, 6, 9, 12, 15], [7, 8], all, []]),
            "the protection met on pages 5",
        ),
    ]
}

/// The pages that the client's number 1 stands for, among 64.
const PAGES: [u64; 5] = [2, 33, 57, 12, 40];

/// An operation with a wrong expectation, after a mapping of two pages, a child that gives up one, and one that ends.
fn result(name: &'static str, operation: &Value, found: &'static str) -> Case {
    let mmap = json!({ "in": "parent", "do": "mmap", "as": "buf", "pages": 2, "prot": "r" });
    let fork = |name: &str| json!({ "in": "parent", "do": "fork", "as": name });
    let munmap = json!({ "in": "child", "do": "munmap", "at": "buf+1p", "pages": 1 });
    let exit = json!({ "in": "late", "do": "exit", "status": 4 });
    Case {
        name,
        guest: with_swap(),
        steps: json!([mmap, fork("child"), fork("late"), munmap, exit, operation]),
        rule: Rule::Result,
        found,
    }
}

fn results() -> Vec<Case> {
    vec![
        result(
            "errno-of-a-call-that-succeeds",
            &json!({ "in": "parent", "do": "munmap", "at": "buf", "pages": 1, "errno": "EINVAL" }),
            "it succeeded",
        ),
        result(
            "success-of-a-call-that-fails",
            &json!({ "in": "child", "do": "mprotect", "at": "buf", "pages": 2, "prot": "r" }),
            "refused with ENOMEM",
        ),
        result(
            "another-errno",
            &json!({ "in": "parent", "do": "munmap", "at": "buf+1", "pages": 1, "errno": "ENOMEM" }),
            "refused with EINVAL",
        ),
        result(
            "fault-of-an-access-that-succeeds",
            &json!({ "in": "child", "do": "read", "at": "buf", "zeros": 1, "fault": "SIGSEGV" }),
            "it succeeded",
        ),
        result(
            "access-that-faults",
            &json!({ "in": "child", "do": "write", "at": "buf", "text": "x" }),
            "the process was ended by SIGSEGV",
        ),
        result(
            "bytes-read",
            &json!({ "in": "child", "do": "read", "at": "buf", "text": "x" }),
            "bytes 00",
        ),
        result(
            "status-of-a-child",
            &json!({ "in": "parent", "do": "wait", "for": "late", "status": { "exit": 5 } }),
            "late exited with 4",
        ),
        result(
            "output",
            &json!({ "in": "parent", "do": "exec", "program": "hello", "output": "goodbye\n" }),
            "\n- goodbye\n+ hello\n+ argv[0] = hello",
        ),
        Case {
            rule: Rule::PageMap,
            ..result(
                "what-pagemap-tells",
                &json!({ "in": "parent", "do": "pagemap", "of": "child:buf", "is": ["present", "none"] }),
                "none",
            )
        },
        result(
            "status-of-a-program",
            &json!({ "in": "parent", "do": "exec", "program": "exit-status", "args": ["3"] }),
            "exited with 3",
        ),
    ]
}

fn is_refuted(case: &Case, image: &GuestImage) -> Result<(), Failed> {
    let report = run(case, image)?;
    let named = report
        .findings()
        .any(|finding| finding.rule == case.rule && finding.found.contains(case.found));
    if report.verdict == Verdict::Fail && named && report.findings().count() == 1 {
        return Ok(());
    }
    let text = render(&report, Colour::Plain, Detail::Full);
    Err(format!(
        "expected one finding of {:?} that says {:?}, found\n{text}",
        case.rule, case.found
    )
    .into())
}

fn run(case: &Case, image: &GuestImage) -> Result<Report, Failed> {
    let text = json!({
        "name": case.name,
        "description": "Wrong on purpose.",
        "guest": case.guest,
        "budget": { "seconds": 120 },
        "steps": case.steps,
    })
    .to_string();
    let scenario = Scenario::parse(&format!("{}.json", case.name), &text, &image.programs)?;
    Ok(guest::run(image, &scenario, &[]))
}
