//! Every way in which a scenario can be unusable, as its author sees it.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use miette::{GraphicalReportHandler, GraphicalTheme};
use vmm::scenario::{Scenario, ScenarioErrors};

/// Columns of the rendered errors.
const WIDTH: usize = 100;

fn refuse(text: &str) -> ScenarioErrors {
    let programs = ["agent", "hello", "fork-tree"].map(str::to_owned);
    Scenario::parse("scenarios/example.json", text, &programs).expect_err("the scenario should be refused")
}

fn render(text: &str) -> String {
    let mut rendered = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::none())
        .with_width(WIDTH)
        .render_report(&mut rendered, &refuse(text))
        .unwrap();
    rendered
        .lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

/// A scenario with this header, whose steps follow a mapping of four pages.
fn document(header: &str, steps: &str) -> String {
    format!(
        r#"{{
  "name": "example", "description": "An example.", {header}
  "steps": [
    {{ "in": "parent", "do": "mmap", "as": "buf", "pages": 4, "prot": "rw" }},
    {steps}
  ]
}}
"#
    )
}

macro_rules! refused {
    ($($(#[$doc:meta])* $name:ident: $text:expr;)*) => {
        $($(#[$doc])* #[test]
        fn $name() {
            insta::assert_snapshot!(render(&$text));
        })*
    };
}

macro_rules! refused_steps {
    ($($(#[$doc:meta])* $name:ident: $steps:expr;)*) => {
        refused! { $($(#[$doc])* $name: document("", $steps);)* }
    };
}

refused! {
    ticks_of_a_real_clock: document(r#""guest": { "clock": "real" },"#, r#"{ "tick": 1 }"#);
    a_schedule_without_points: document(r#""schedule": { "explore": { "points": 0 } },"#, r#"{ "in": "parent", "do": "sched_yield" }"#);
    an_unknown_rule_to_break: document(r#""schedule": { "explore": { "points": 3, "finds": "pagecache" } },"#, r#"{ "in": "parent", "do": "sched_yield" }"#);
    a_disk_without_size: document(r#""guest": { "swap": { "mib": 0 } },"#, r#"{ "in": "parent", "do": "sched_yield" }"#);
    a_function_without_a_name: document(
        r#""functions": { "copy": { "ringside": "cow", "linux": "" } },"#,
        r#"{ "check": "x", "expect": [{ "calls": { "in": "nobody", "order": ["cpoy"] } }, { "calls": {} }] }"#,
    );
    an_option_that_the_harness_sets: document(r#""guest": { "options": { "clock": "real" } },"#, r#"{ "in": "parent", "do": "sched_yield" }"#);
    an_empty_file: "";
    text_that_is_not_json: "{ \"name\": example }";
    a_comment: "{ // why\n  \"name\": \"example\" }";
    a_trailing_comma: "{ \"name\": \"example\", }";
    an_array_for_a_document: "[]";
    a_key_twice: document("", r#"{ "in": "parent", "do": "exit", "status": 0, "status": 1 }"#);
    an_unknown_key_of_the_document: document(r#""gest": {},"#, r#"{ "in": "parent", "do": "exit", "status": 0 }"#);
    a_missing_key_of_the_document: r#"{ "name": "example", "steps": [] }"#;
    no_steps: r#"{ "name": "example", "description": "None.", "steps": [] }"#;
    only_checks: r#"{ "name": "example", "description": "None.", "steps": [
        { "check": "nothing", "expect": [{ "free_frames": { "since": "start", "change": 0 } }] }
    ] }"#;
    a_name_that_is_not_the_files: r#"{ "name": "another", "description": "None.",
        "steps": [{ "in": "p", "do": "sched_yield" }] }"#;
    a_name_that_is_none: r#"{ "name": "My Example", "description": "None.", "steps": [] }"#;
    too_little_memory_and_too_large_a_budget: document(
        r#""guest": { "memory_mib": 0 }, "budget": { "exits": 1000000000000, "seconds": 0 },"#,
        r#"{ "in": "parent", "do": "exit", "status": 0 }"#
    );
    options_that_do_not_fit_a_command_line: document(
        r#""guest": { "options": { "init": "sh", "a b": "c", "mutant": "x y" } },"#,
        r#"{ "in": "parent", "do": "exit", "status": 0 }"#
    );
}

refused_steps! {
    a_watched_range_past_its_region: r#"
        { "in": "parent", "do": "fork", "as": "child" },
        { "in": "child", "do": "shadowpt_open", "of": "parent", "from": "buf", "to": "buf+5p", "entries": "buf" }"#;
    a_watched_range_that_is_not_aligned: r#"
        { "in": "parent", "do": "fork", "as": "child" },
        { "in": "child", "do": "shadowpt_open", "of": "parent", "from": "buf+8", "to": "buf+4p", "entries": "buf" }"#;
    a_target_that_nobody_made: r#"{ "in": "parent", "do": "shadowpt_open", "of": "child", "from": "buf", "to": "buf+4p", "entries": "buf" }"#;
    contents_that_do_not_fit: r#"{ "in": "parent", "do": "shadowpt_page_contents", "of": "parent:buf", "into": "buf+3p+8" }"#;
    an_entry_of_no_region: r#"{ "check": "entry", "expect": [{ "spte": { "at": "parent:bus", "is": [] } }] }"#;
    an_unknown_flag_of_an_entry: r#"{ "check": "entry", "expect": [{ "spte": { "at": "parent:buf", "is": ["dirty"] } }] }"#;
    a_page_map_past_its_region: r#"{ "in": "parent", "do": "pagemap", "of": "parent:buf+3p", "is": ["none", "none"] }"#;
    a_page_map_that_says_nothing: r#"{ "in": "parent", "do": "pagemap", "of": "parent:buf", "is": [] }"#;
    a_module_s_pages_past_the_region: r#"{ "check": "pages", "expect": [
        { "module_pages": { "module": "kmmap", "at": "parent:buf+3p", "pages": 2, "frames": "row", "reserved": true } }] }"#;
    no_pages_of_a_module: r#"{ "check": "pages", "expect": [
        { "module_pages": { "module": "kmmap", "at": "parent:buf", "pages": 0, "frames": "row", "reserved": true } }] }"#;
    a_module_s_pages_without_a_mark: r#"{ "check": "pages", "expect": [
        { "module_pages": { "module": "kmmap", "at": "parent:buf", "pages": 1, "frames": "row" } }] }"#;
    a_step_that_is_no_object: r#""exit""#;
    a_step_that_is_neither_operation_nor_check: r#"{ "chekc": "all is well" }"#;
    a_step_that_is_both: r#"{ "in": "parent", "check": "all is well" }"#;
    an_unknown_operation: r#"{ "in": "parent", "do": "munmapp", "at": "buf", "pages": 1 }"#;
    an_unknown_key_of_an_operation: r#"{ "in": "parent", "do": "munmap", "at": "buf", "page": 1 }"#;
    a_misspelt_outcome: r#"{ "in": "parent", "do": "munmap", "at": "buf", "pages": 1, "erno": "EINVAL" }"#;
    a_missing_key_of_an_operation: r#"{ "in": "parent", "do": "munmap", "pages": 1 }"#;
    a_key_for_an_operation_that_has_none: r#"{ "in": "parent", "do": "finish", "status": 0 }"#;
    a_misspelt_clause: r#"{ "tick": 1, "cause": "TIME-1 time passes" }"#;
    a_clause_without_identifier: r#"{ "tick": 1, "clause": "Time passes." }"#;
    a_clause_that_says_nothing: r#"{ "tick": 1, "clause": ["TIME-1 time passes", "TIME-2"] }"#;
    an_empty_list_of_clauses: r#"{ "tick": 1, "clause": [] }"#;
    a_number_for_a_clause: r#"{ "tick": 1, "clause": 1 }"#;
    a_clause_alone: r#"{ "clause": "TIME-1 time passes" }"#;
    an_unknown_expectation: r#"{ "check": "x", "expect": [{ "same_frames": ["parent:buf", "parent:buf+1p"] }] }"#;
    two_expectations_in_one: r#"{ "check": "x", "expect": [{ "mapped": ["parent:buf"], "writable": ["parent:buf"] }] }"#;
    no_expectations: r#"{ "check": "x", "expect": [] }"#;
    an_unknown_errno: r#"{ "in": "parent", "do": "munmap", "at": "buf", "pages": 1, "errno": "ENOMEN" }"#;
    an_unknown_signal: r#"{ "in": "parent", "do": "read", "at": "buf", "zeros": 1, "fault": "SEGV" }"#;
    an_unknown_protection: r#"{ "in": "parent", "do": "mprotect", "at": "buf", "pages": 1, "prot": "wr" }"#;
    a_string_for_a_number: r#"{ "in": "parent", "do": "munmap", "at": "buf", "pages": "1" }"#;
    a_negative_number_of_pages: r#"{ "in": "parent", "do": "munmap", "at": "buf", "pages": -1 }"#;
    a_fraction_of_a_page: r#"{ "in": "parent", "do": "munmap", "at": "buf", "pages": 1.5 }"#;
    an_exit_status_beyond_a_byte: r#"{ "in": "parent", "do": "exit", "status": 256 }"#;
    null_for_a_value: r#"{ "in": "parent", "do": "mmap", "as": "b", "pages": 1, "prot": "rw", "at": null }"#;
    no_content: r#"{ "in": "parent", "do": "write", "at": "buf" }"#;
    two_contents: r#"{ "in": "parent", "do": "write", "at": "buf", "text": "a", "zeros": 1 }"#;
    an_empty_content: r#"{ "in": "parent", "do": "write", "at": "buf", "text": "" }"#;
    an_address_that_is_none: r#"{ "in": "parent", "do": "read", "at": "buf+1q", "zeros": 1 }"#;
    a_process_in_the_address_of_an_operation: r#"{ "in": "parent", "do": "read", "at": "parent:buf", "zeros": 1 }"#;
    no_process_in_the_address_of_a_check: r#"{ "check": "x", "expect": [{ "mapped": ["buf"] }] }"#;
    an_offset_in_a_whole_region: r#"{ "check": "x", "expect": [{ "dirtied": { "region": "parent:buf+1p", "pages": [] } }] }"#;
    an_errno_of_an_access: r#"{ "in": "parent", "do": "read", "at": "buf", "zeros": 1, "errno": "EFAULT" }"#;
    a_fault_of_a_call: r#"{ "in": "parent", "do": "munmap", "at": "buf", "pages": 1, "fault": "SIGSEGV" }"#;
    a_call_that_cannot_block: r#"{ "in": "parent", "do": "fork", "as": "child", "blocks": true }"#;
    a_fork_until_that_expects_no_refusal: r#"{ "in": "parent", "do": "fork_until", "as": "many", "limit": 9 }"#;

    an_undefined_process: r#"{ "in": "parent", "do": "fork", "as": "child" },
    { "in": "chidl", "do": "exit", "status": 0 }"#;
    an_undefined_process_in_a_check: r#"{ "check": "x", "expect": [{ "same_frame": ["parent:buf", "child:buf"] }] }"#;
    an_undefined_region: r#"{ "in": "parent", "do": "write", "at": "bug", "text": "x" }"#;
    a_region_made_after_the_fork: r#"{ "in": "parent", "do": "fork", "as": "child" },
    { "in": "parent", "do": "mmap", "as": "late", "pages": 1, "prot": "rw" },
    { "in": "child", "do": "write", "at": "late", "text": "x" }"#;
    a_step_after_the_exit: r#"{ "in": "parent", "do": "fork", "as": "child" },
    { "in": "child", "do": "exit", "status": 0 },
    { "in": "child", "do": "read", "at": "buf", "zeros": 1 }"#;
    a_check_after_the_fault: r#"{ "in": "parent", "do": "fork", "as": "child" },
    { "in": "child", "do": "read", "at": "buf", "zeros": 1, "fault": "SIGSEGV" },
    { "check": "x", "expect": [{ "mapped": ["child:buf"] }] }"#;
    a_step_of_a_process_that_waits: r#"{ "in": "parent", "do": "fork", "as": "child" },
    { "in": "parent", "do": "wait", "status": { "exit": 0 }, "blocks": true },
    { "in": "parent", "do": "write", "at": "buf", "text": "x" }"#;
    a_process_name_twice: r#"{ "in": "parent", "do": "fork", "as": "child" },
    { "in": "parent", "do": "fork", "as": "child" }"#;
    an_inherited_region_name_twice: r#"{ "in": "parent", "do": "fork", "as": "child" },
    { "in": "child", "do": "mmap", "as": "buf", "pages": 1, "prot": "rw" },
    { "in": "child", "do": "mmap", "as": "heap", "pages": 1, "prot": "rw" }"#;
    init_does_more_than_wait: r#"{ "in": "init", "do": "mmap", "as": "own", "pages": 1, "prot": "rw" }"#;
    a_child_called_init: r#"{ "in": "parent", "do": "fork", "as": "init" }"#;
    a_signal_to_init: r#"{ "in": "parent", "do": "kill", "of": "init", "signal": "SIGKILL" }"#;
    a_signal_that_would_stop: r#"{ "in": "parent", "do": "fork", "as": "child" },
    { "in": "parent", "do": "kill", "of": "child", "signal": "SIGSTOP" }"#;
    a_step_of_a_killed_process: r#"{ "in": "parent", "do": "fork", "as": "child" },
    { "in": "parent", "do": "kill", "of": "child", "signal": "SIGTERM" },
    { "in": "child", "do": "sched_yield" }"#;
    another_parent_than_there_is: r#"{ "in": "parent", "do": "fork", "as": "child" },
    { "in": "child", "do": "getppid", "is": "init" }"#;
    execve_of_what_is_no_agent: r#"{ "in": "parent", "do": "execve", "program": "hello" }"#;
    a_region_of_the_program_before: r#"{ "in": "parent", "do": "execve", "program": "agent" },
    { "in": "parent", "do": "read", "at": "buf", "zeros": 1 }"#;
    a_sleep_that_is_finished_too_early: r#"{ "in": "parent", "do": "sleep", "ms": 35, "blocks": true },
    { "tick": 3 },
    { "in": "parent", "do": "finish" }"#;
    spinning_without_a_timer: r#"{ "in": "parent", "do": "spin", "blocks": true }"#;
    spinning_that_returns: r#"{ "in": "parent", "do": "spin" }"#;
    a_failure_of_a_disk_that_is_not_there: r#"{ "fail": "read" }"#;

    a_page_past_the_region: r#"{ "check": "x", "expect": [{ "mapped": ["parent:buf+3p", "parent:buf+4p"] }] }"#;
    bytes_past_the_region: r#"{ "in": "parent", "do": "write", "at": "buf+3p+4090", "text": "too long" }"#;
    pages_past_the_region: r#"{ "in": "parent", "do": "munmap", "at": "buf+2p", "pages": 3 }"#;
    an_offset_beyond_64_bits: r#"{ "in": "parent", "do": "read", "at": "buf+18446744073709551615p", "zeros": 1 }"#;
    a_heap_that_has_not_grown: r#"{ "in": "parent", "do": "write", "at": "heap", "text": "x" }"#;
    a_heap_that_shrinks_below_nothing: r#"{ "in": "parent", "do": "brk", "pages": 2 },
    { "in": "parent", "do": "brk", "pages": -3 }"#;
    no_pages: r#"{ "in": "parent", "do": "mmap", "as": "none", "pages": 0, "prot": "rw" }"#;
    a_mapping_beyond_guest_memory: r#"{ "in": "parent", "do": "mmap", "as": "huge", "pages": 8193, "prot": "rw" }"#;
    a_mapping_beyond_all_addresses: r#"{ "in": "parent", "do": "mmap", "as": "huge", "pages": 34359738369, "prot": "rw", "errno": "ENOMEM" }"#;
    half_a_page: r#"{ "in": "parent", "do": "mprotect", "at": "buf+16", "pages": 1, "prot": "r" }"#;

    a_raw_address_that_may_be_in_use: r#"{ "in": "parent", "do": "munmap", "at": "0x400000", "pages": 1, "errno": "EINVAL" },
    { "in": "parent", "do": "write", "at": "0xffff", "text": "over the edge", "fault": "SIGSEGV" }"#;
    a_raw_address_that_is_none: r#"{ "in": "parent", "do": "read", "at": "0x1ffffffffffffffff", "zeros": 1 }"#;
    no_length: r#"{ "in": "parent", "do": "munmap", "at": "buf" }"#;
    a_length_in_pages_and_bytes: r#"{ "in": "parent", "do": "munmap", "at": "buf", "pages": 1, "bytes": 4096 }"#;
    a_long_range_that_need_not_be_refused: r#"{ "in": "parent", "do": "mprotect", "at": "buf", "bytes": "0x800000000000", "prot": "r", "errno": "ENOMEM" },
    { "in": "parent", "do": "munmap", "at": "buf", "bytes": "0xfffffffffffff000" }"#;
    a_number_that_is_none: r#"{ "in": "parent", "do": "munmap", "at": "buf", "bytes": "0xfull" }"#;
    flags_and_advice_of_unknown_effect: r#"{ "in": "parent", "do": "mmap", "as": "b", "pages": 1, "prot": "rw", "flags": ["populate", "0x8000000"] },
    { "in": "parent", "do": "madvise", "at": "buf", "pages": 1, "advice": "free" }"#;
    an_unknown_advice: r#"{ "in": "parent", "do": "madvise", "at": "buf", "pages": 1, "advice": "dontned" }"#;
    a_placement_without_a_place: r#"{ "in": "parent", "do": "mmap", "as": "b", "pages": 1, "prot": "rw", "placement": "hint" }"#;
    a_count_of_a_call_that_is_refused: r#"{ "in": "parent", "do": "copy_to_user", "at": "buf", "text": "abc", "count": 2, "errno": "EFAULT" }"#;
    a_count_of_more_than_there_is: r#"{ "in": "parent", "do": "copy_from_user", "at": "buf", "text": "abc", "count": 4 }"#;
    more_bytes_than_one_call_takes: r#"{ "in": "parent", "do": "mem_write", "at": "parent:buf", "zeros": 4097 }"#;

    an_unknown_program: r#"{ "in": "parent", "do": "exec", "program": "helo" }"#;
    nothing_to_finish: r#"{ "in": "parent", "do": "finish" }"#;
    a_wait_without_children: r#"{ "in": "parent", "do": "wait", "status": { "exit": 0 } }"#;
    a_wait_without_status: r#"{ "in": "parent", "do": "fork", "as": "child" },
    { "in": "child", "do": "exit", "status": 0 },
    { "in": "parent", "do": "wait" }"#;
    a_wait_that_never_ends: r#"{ "in": "parent", "do": "fork", "as": "child" },
    { "in": "parent", "do": "wait", "for": "child", "status": { "exit": 0 } }"#;
    a_finish_that_never_comes: r#"{ "in": "parent", "do": "fork", "as": "child" },
    { "in": "parent", "do": "wait", "status": { "exit": 0 }, "blocks": true },
    { "in": "parent", "do": "finish" }"#;
    a_wait_that_does_not_block: r#"{ "in": "parent", "do": "fork", "as": "child" },
    { "in": "child", "do": "exit", "status": 0 },
    { "in": "parent", "do": "wait", "status": { "exit": 0 }, "blocks": true }"#;
    a_wait_for_a_stranger: r#"{ "in": "parent", "do": "fork", "as": "one" },
    { "in": "parent", "do": "fork", "as": "other" },
    { "in": "one", "do": "wait", "for": "other", "status": { "exit": 0 } }"#;
    a_child_waited_for_twice: r#"{ "in": "parent", "do": "fork", "as": "child" },
    { "in": "child", "do": "exit", "status": 0 },
    { "in": "parent", "do": "wait", "status": { "exit": 0 } },
    { "in": "parent", "do": "wait", "for": "child", "status": { "exit": 0 } }"#;
    a_group_that_is_told_to_write: r#"{ "in": "parent", "do": "fork_until", "as": "many", "limit": 9, "errno": "ENOMEM" },
    { "in": "many", "do": "write", "at": "buf", "text": "x" }"#;
    more_forks_than_channels: r#"{ "in": "parent", "do": "fork_until", "as": "many", "limit": 1023, "errno": "ENOMEM" },
    { "in": "parent", "do": "fork", "as": "one-more" },
    { "in": "parent", "do": "fork_until", "as": "most", "limit": 5000, "errno": "ENOMEM" }"#;

    a_clause_that_says_something_else_later: r#"{ "tick": 1, "clause": "TIME-1 time passes" },
    { "tick": 1, "clause": ["TIME-2 and passes", "TIME-1 time flies"] }"#;
    a_clause_twice_at_one_step: r#"{ "tick": 1, "clause": ["TIME-1 time passes", "TIME-1 time passes"] }"#;

    one_address_where_two_belong: r#"{ "check": "x", "expect": [{ "same_frame": ["parent:buf"] }] }"#;
    an_address_twice: r#"{ "check": "x", "expect": [{ "different_frames": ["parent:buf", "parent:buf+0p"] }] }"#;
    a_dirtied_page_past_the_region: r#"{ "check": "x", "expect": [{ "dirtied": { "region": "parent:buf", "pages": [1, 1, 4] } }] }"#;
    a_record_of_nothing: r#"{ "check": "x", "expect": [{ "mapped": ["parent:buf"] }], "trace": "look" }"#;
    two_records_of_one_name: r#"{ "in": "parent", "do": "sched_yield", "trace": "yield" },
    { "in": "parent", "do": "sched_yield", "trace": "yield" },
    { "in": "parent", "do": "sched_yield", "trace": "Yield" }"#;
    a_diff_since_no_check: r#"{ "check": "x", "expect": [{ "diff": [] }] }"#;
    a_diff_of_what_cannot_be_compared: r#"{ "check": "x", "expect": [{ "mapped": ["parent:buf"] }] },
    { "in": "parent", "do": "fork", "as": "child" },
    { "check": "y", "expect": [{ "diff": [
      { "at": "parent:buf+3p+8", "is": ["mapped", "contents"] },
      { "at": "parent:buf+2p", "pages": 3, "is": [] },
      { "at": "parent:buf", "pages": 0, "is": ["rights"] },
      { "at": "child:buf", "is": ["rights"] }
    ] }] }"#;
    a_frame_kept_since_no_check: r#"{ "check": "x", "expect": [{ "frame_kept": ["parent:buf"] }] }"#;
    a_frame_kept_since_before_its_region: r#"{ "check": "x", "expect": [{ "not_mapped": ["parent:buf"] }] },
    { "in": "parent", "do": "fork", "as": "child" },
    { "check": "y", "expect": [{ "frame_kept": ["parent:buf", "child:buf"] }] }"#;
    an_exit_status_of_the_living: r#"{ "check": "x", "expect": [{ "exit_status": { "of": "parent", "exit": 0 } }] }"#;
    an_exit_status_without_one: r#"{ "check": "x", "expect": [{ "exit_status": { "of": "parent" } }] }"#;
    a_fault_that_no_step_expects: r#"{ "in": "parent", "do": "fork", "as": "child" },
    { "in": "child", "do": "exit", "status": 0 },
    { "check": "x", "expect": [{ "faulted": { "process": "child", "at": "buf", "access": "read" } }] }"#;

    all_that_is_wrong_is_said_at_once: r#"{ "in": "paren", "do": "exit", "status": 0 },
    { "in": "parent", "do": "write", "at": "bug", "text": "x" },
    { "check": "x", "expect": [{ "mapped": ["parent:buf+9p"] }, { "frame_kept": ["parent:buf"] }] }"#;
}

#[test]
fn of_very_many_problems_only_the_first_are_kept() {
    let step = r#"{ "in": "nobody", "do": "exit", "status": 0 }"#;
    let errors = refuse(&document("", &[step; 50].join(",\n")));
    assert_eq!((errors.problems().len(), errors.omitted()), (20, 30));
}

#[test]
fn a_problem_knows_path_line_and_column() {
    let errors = refuse(&document(
        "",
        r#"{ "check": "x", "expect": [{ "mapped": ["parent:buf", "child:buf"] }] }"#,
    ));
    let [problem] = errors.problems() else {
        panic!("{errors:?}")
    };
    assert_eq!(
        (problem.path.as_str(), problem.line, problem.column),
        ("steps[1].expect[0].mapped[1]", 5, 59)
    );
}

#[test]
fn deep_nesting_is_an_error_and_no_stack_overflow() {
    let errors = refuse(&"[".repeat(200_000));
    assert!(errors.problems()[0].message.contains("nesting"), "{errors:?}");
}

#[test]
fn a_file_beyond_any_script_is_refused() {
    let errors = refuse(&" ".repeat(2 << 20));
    assert!(errors.problems()[0].message.contains("bytes"), "{errors:?}");
}
