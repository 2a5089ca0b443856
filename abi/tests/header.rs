//! `include/linux/shadowpt.h` is `src/shadowpt.rs` as C sees it: generated from it, and laid out alike.

use std::ffi::OsString;
use std::fs;
use std::mem::{offset_of, size_of};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use abi::shadowpt::{
    MAX_SPT_RANGE, SPTE_PTE_MAPPED, SPTE_VADDR_ALLOCATED, SPTE_VADDR_ANONYMOUS, ShadowPte, UserShadowPt,
};
use cbindgen::{Builder, Config, DocumentationStyle, ItemType, Language, Style};

const HEADER: &str = "include/linux/shadowpt.h";
const SOURCE: &str = "src/shadowpt.rs";

const ABOUT: &str = "\
/*
 * The shadow page table: five system calls with which one process, the inspector,
 * watches the page tables of another, the target.
 *
 * Generated from abi/src/shadowpt.rs. `cargo test -p abi` compares, and says what to
 * do when that has changed.
 */

#ifndef _LINUX_SHADOWPT_H
#define _LINUX_SHADOWPT_H";

/// What C has macros for and Rust has none, and the end.
const MACROS_AND_END: &str = "\
/* The macros take the flags of an entry, and are not 0 when it says so. */

/* The target may have something at the address: it has mapped it. */
#define is_vaddr_allocated(state) ((state) & SPTE_VADDR_ALLOCATED)

/* What it has there comes from no file. */
#define is_vaddr_anonymous(state) ((state) & SPTE_VADDR_ANONYMOUS)

/* There is a frame behind the address now, and the entry has its number. */
#define is_pte_mapped(state) ((state) & SPTE_PTE_MAPPED)

#endif /* _LINUX_SHADOWPT_H */
";

#[test]
fn the_header_is_what_the_source_says() {
    let header = root().join(HEADER);
    let generated = generate();
    let fresh = header.with_extension("h.new");
    if fs::read_to_string(&header).is_ok_and(|committed| committed == generated) {
        let _ = fs::remove_file(fresh);
        return;
    }
    fs::write(&fresh, generated).unwrap();
    panic!(
        "{HEADER} is not what {SOURCE} says: read {HEADER}.new, and if it is right, rename it to {HEADER}"
    );
}

#[test]
fn c_lays_out_what_the_header_declares_as_rust_does() {
    let output = compile("layout", &probe(&facts()));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
}

#[test]
fn a_layout_that_differs_does_not_compile() {
    for (index, (fact, value)) in facts().into_iter().enumerate() {
        let output = compile("differs", &probe(&[(fact.clone(), value + 1)]));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && errors.contains("as in Rust"),
            "fact {index}, {fact}: {errors}"
        );
    }
}

/// Expressions of C, and the value that Rust has for each.
fn facts() -> Vec<(String, u64)> {
    let size = |name: &str, bytes: usize| (format!("sizeof({name})"), bytes as u64);
    let offset = |name: &str, field: &str, bytes: usize| (format!("offsetof({name}, {field})"), bytes as u64);
    let macros = |name: &str, flag: u64| (format!("{name}(7)"), flag);
    let (pte, table) = ("struct shadow_pte", "struct user_shadow_pt");
    vec![
        size(pte, size_of::<ShadowPte>()),
        offset(pte, "vaddr", offset_of!(ShadowPte, vaddr)),
        offset(pte, "pfn", offset_of!(ShadowPte, pfn)),
        offset(pte, "state_flags", offset_of!(ShadowPte, state_flags)),
        size(table, size_of::<UserShadowPt>()),
        offset(table, "start_vaddr", offset_of!(UserShadowPt, start_vaddr)),
        offset(table, "end_vaddr", offset_of!(UserShadowPt, end_vaddr)),
        offset(table, "entries", offset_of!(UserShadowPt, entries)),
        ("MAX_SPT_RANGE".to_owned(), MAX_SPT_RANGE),
        macros("is_vaddr_allocated", SPTE_VADDR_ALLOCATED),
        macros("is_vaddr_anonymous", SPTE_VADDR_ANONYMOUS),
        macros("is_pte_mapped", SPTE_PTE_MAPPED),
    ]
}

/// A program that compiles if the facts are true. It includes the header twice, as programs do by way of others.
fn probe(facts: &[(String, u64)]) -> String {
    let asserts: String = facts
        .iter()
        .map(|(fact, value)| format!("_Static_assert({fact} == {value}, \"{fact} as in Rust\");\n"))
        .collect();
    format!(
        "#include <stddef.h>
#include <linux/shadowpt.h>
#include <linux/shadowpt.h>

{asserts}
unsigned long frame(const struct user_shadow_pt *table);
unsigned long frame(const struct user_shadow_pt *table)
{{
\tconst struct shadow_pte *first = table->entries;

\treturn is_pte_mapped(first->state_flags) ? first->pfn : 0;
}}
"
    )
}

fn compile(name: &str, program: &str) -> Output {
    let source = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.c"));
    fs::write(&source, program).expect("the folder for tests can be written");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
    Command::new(&compiler)
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I"])
        .arg(root().join("include"))
        .arg(source)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", compiler.display()))
}

fn generate() -> String {
    let mut config = Config {
        language: Language::C,
        style: Style::Tag,
        header: Some(ABOUT.to_owned()),
        no_includes: true,
        trailer: Some(MACROS_AND_END.to_owned()),
        documentation_style: DocumentationStyle::Doxy,
        tab_width: 8,
        ..Config::default()
    };
    config.export.include = ["ShadowPte", "UserShadowPt"].map(str::to_owned).to_vec();
    config.export.item_types = vec![ItemType::Constants, ItemType::Structs];
    // Numbers that the kernel and its judge share, and no program needs.
    config.export.exclude = [
        "BASE_NUMBER",
        "BASE_VARIABLE",
        "OPEN",
        "CLOSE",
        "START",
        "STOP",
        "PAGE_CONTENTS",
        "CALLS",
        "ENTRY_BYTES",
        "REQUEST_BYTES",
        "END_OFFSET",
    ]
    .map(str::to_owned)
    .to_vec();
    config.export.rename = [("ShadowPte", "shadow_pte"), ("UserShadowPt", "user_shadow_pt")]
        .map(|(rust, c)| (rust.to_owned(), c.to_owned()))
        .into();
    let bindings = Builder::new()
        .with_config(config)
        .with_src(root().join(SOURCE))
        .generate()
        .unwrap_or_else(|error| panic!("{SOURCE}: {error}"));
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = String::from_utf8(text).expect("the source is UTF-8");
    // Rust's links mean nothing in C, and a header of Linux's indents with tabs.
    text.replace("[`", "").replace("`]", "").replace("        ", "\t")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
