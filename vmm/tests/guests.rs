//! What the shipped scenarios come to on other guests than this project's own: `ci/linux-scenarios` says it of those that a stock Linux can
//! run, and what a scenario needs says it of the others. The document of all is made of both.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

#[path = "support/document.rs"]
mod document;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use vmm::guest::needs::{self, Need, Needed};
use vmm::guest::{Description, linux};
use vmm::image::{self, ImageKind};
use vmm::offer::Offer;
use vmm::scenario::{Scenario, collect};

const LIST: &str = "ci/linux-scenarios";
const DOCUMENT: &str = "docs/guest-scenarios.md";
/// What further scenarios come to on the Linux that `ci/linux-kernel` builds.
const KERNEL_LIST: &str = "ci/linux-kernel-scenarios";
/// What a finding says of each fault that is planted into that Linux, and the scenarios that show them.
const PLANTED_LIST: &str = "ci/linux-planted";
const PLANTED: &str = "guest-linux/planted";

/// What a scenario comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Comes {
    Passes,
    /// For this reason.
    Differs(String),
    /// It needs what the guest does not promise or offer.
    NotApplicable(BTreeSet<&'static str>),
}

#[test]
fn each_scenario_that_a_linux_can_run_is_listed_and_no_other() {
    let complaints = complaints(&list(&read(LIST)).unwrap(), &needs_of_all(&linux_description()));
    assert!(complaints.is_empty(), "{LIST}:\n{}", complaints.join("\n"));
}

#[test]
fn each_scenario_that_a_linux_with_the_calls_of_the_shadow_page_table_can_run_is_listed() {
    let mut description = linux_description();
    // Its command line has the one option that a scenario of these has.
    description.offers.add(&[Offer::ShadowPageTable, Offer::Options]);
    let stock = needs_of_all(&linux_description());
    let mut needs = needs_of_all(&description);
    needs.retain(|name, _| stock[name].contains(Offer::ShadowPageTable.name()));
    let complaints = complaints(&list(&read(KERNEL_LIST)).unwrap(), &needs);
    assert!(complaints.is_empty(), "{KERNEL_LIST}:\n{}", complaints.join("\n"));
}

#[test]
fn each_fault_that_is_planted_into_linux_has_a_scenario_and_a_finding() {
    let files = fs::read_dir(root().join(PLANTED)).unwrap();
    let scenarios: BTreeSet<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .map(|name| name.strip_suffix(".json").unwrap().to_owned())
        .collect();
    let text = read(PLANTED_LIST);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let findings: BTreeSet<String> = lines
        .map(|line| {
            line.split_once(": ")
                .unwrap_or_else(|| panic!("{PLANTED_LIST}: {line}"))
        })
        .filter(|(_, finding)| !finding.trim().is_empty())
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(scenarios, findings);
}

#[test]
fn a_scenario_that_is_not_listed_and_an_entry_that_matches_none_are_told() {
    let nothing = BTreeSet::new();
    let needs = BTreeMap::from([
        ("cow".to_owned(), nothing),
        ("swap".to_owned(), BTreeSet::from(["swap"])),
    ]);
    let told = |text: &str| complaints(&list(text).unwrap(), &needs);
    assert_eq!(told("cow: passes"), [""; 0]);
    assert!(told("# nothing")[0].contains("cow is not listed"));
    assert!(told("cow: passes\nswap: passes")[0].contains("swap needs"));
    assert!(told("cow: passes\ngone: passes")[0].contains("there is no scenario gone"));
}

#[test]
fn a_difference_without_a_reason_and_a_line_that_says_nothing_are_refused() {
    for wrong in [
        "cow: differs: ",
        "cow: differs",
        "cow",
        "cow: fails",
        "cow: passes\ncow: passes",
    ] {
        assert!(list(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_document_says_what_the_list_and_the_needs_say() {
    let made = made(&list(&read(LIST)).unwrap(), &needs_of_all(&linux_description()));
    document::holds(DOCUMENT, &made);
}

/// What the list says, by scenario.
fn list(text: &str) -> Result<BTreeMap<String, Comes>, String> {
    let mut listed = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let unreadable = || format!("`{line}` does not say `NAME: passes` or `NAME: differs: REASON`");
        let (name, comes) = line.split_once(": ").ok_or_else(unreadable)?;
        let comes = match comes.split_once(": ") {
            None if comes == "passes" => Comes::Passes,
            Some(("differs", reason)) if !reason.trim().is_empty() => Comes::Differs(reason.to_owned()),
            None | Some(_) => return Err(unreadable()),
        };
        if listed.insert(name.to_owned(), comes).is_some() {
            return Err(format!("{name} is listed twice"));
        }
    }
    Ok(listed)
}

/// What is wrong with a list; `needs` has what each scenario needs and the guest lacks.
fn complaints(
    listed: &BTreeMap<String, Comes>,
    needs: &BTreeMap<String, BTreeSet<&'static str>>,
) -> Vec<String> {
    let unlisted = needs
        .iter()
        .filter(|(name, lacks)| lacks.is_empty() && !listed.contains_key(*name))
        .map(|(name, _)| format!("{name} is not listed: run ci/linux {name}, and say what it comes to"));
    let wrong = listed.keys().filter_map(|name| match needs.get(name) {
        None => Some(format!("there is no scenario {name}")),
        Some(lacks) if lacks.is_empty() => None,
        Some(lacks) => Some(format!("{name} needs what this guest has not got: {lacks:?}")),
    });
    unlisted.chain(wrong).collect()
}

/// What each scenario needs that the guest neither promises nor offers.
fn needs_of_all(description: &Description) -> BTreeMap<String, BTreeSet<&'static str>> {
    let folder = root().join("scenarios");
    let image = image::ensure(ImageKind::Shipped, &*image::to_stderr()).unwrap();
    let of = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let scenario = Scenario::parse(&path.to_string_lossy(), &text, &image.programs).unwrap();
        let lacks = needs::of(&scenario, &image.modules)
            .into_iter()
            .filter_map(|Need { what, .. }| lack(what, &scenario, description));
        let name = path.strip_prefix(&folder).unwrap().with_extension("");
        (name.to_string_lossy().into_owned(), lacks.collect())
    };
    collect(std::slice::from_ref(&folder))
        .unwrap()
        .into_iter()
        .map(of)
        .collect()
}

fn lack(what: Needed, scenario: &Scenario, description: &Description) -> Option<&'static str> {
    match what {
        Needed::Report(promise) => (!description.promises.has(promise)).then(|| promise.name()),
        Needed::Offer(offer) => (!description.offers.has(offer)).then(|| offer.name()),
        // A kernel without symbols lacks those already.
        Needed::Functions if !description.offers.has(Offer::Symbols) => None,
        Needed::Functions => {
            let mut functions = scenario.functions.values();
            let named = functions.all(|parts| parts.contains_key(&description.name));
            (!named).then_some("names of its functions")
        }
    }
}

fn made(listed: &BTreeMap<String, Comes>, needs: &BTreeMap<String, BTreeSet<&'static str>>) -> String {
    let of = |name: &String| match listed.get(name) {
        Some(comes) => comes.clone(),
        None => Comes::NotApplicable(needs[name].clone()),
    };
    let all: Vec<(&String, Comes)> = needs.keys().map(|name| (name, of(name))).collect();
    let count = |is: fn(&Comes) -> bool| all.iter().filter(|(_, comes)| is(comes)).count();
    let mut text = format!(
        "# Scenarios and guests\n\n\
         What each scenario comes to on a stock Linux of Debian's ([guests](guests.md)). On this project's own kernel all run; \
         [snapshots](../snapshots) have their reports. The list is made of `{LIST}`, which `ci/linux` holds against runs, and of what the \
         scenarios need; `cargo test --test guests` makes it anew.\n\n\
         {} pass, {} differ for a reason, {} are not applicable.\n\n\
         | scenario | on a stock Linux |\n|---|---|\n",
        count(|comes| matches!(comes, Comes::Passes)),
        count(|comes| matches!(comes, Comes::Differs(_))),
        count(|comes| matches!(comes, Comes::NotApplicable(_))),
    );
    for (name, comes) in &all {
        let comes = match comes {
            Comes::Passes => "passes".to_owned(),
            Comes::Differs(reason) => format!("differs: {reason}"),
            Comes::NotApplicable(lacks) => {
                let lacks: Vec<String> = lacks.iter().map(|lack| format!("`{lack}`")).collect();
                format!("not applicable: {}", lacks.join(", "))
            }
        };
        writeln!(text, "| [`{name}`](../scenarios/{name}.json) | {comes} |").unwrap();
    }
    text
}

/// A stock one, which has drivers for the machine's disk and sockets among its modules, and the names of its own functions.
fn linux_description() -> Description {
    let mut description = linux::description(PathBuf::new());
    description
        .offers
        .add(&[Offer::Swap, Offer::Sockets, Offer::Symbols]);
    description
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_default()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
