//! Schedules: the race of CVE-2016-5195 is found in a kernel that has it, the schedule that shows it is a scenario that fails
//! the same way every time, and a kernel without it passes all schedules.

#[path = "support/guest.rs"]
mod guest;

use serde_json::{Value, json};
use vmm::image::ImageKind;
use vmm::report::{Report, Verdict};
use vmm::rule::Rule;
use vmm::scenario::{Scenario, ScenarioName, with_choices};

fn scenario(dirtycow: &str, schedule: &Value) -> String {
    json!({
        "name": "race",
        "description": "A file that may only be read stays as it is.",
        "guest": { "options": { "dirtycow": dirtycow } },
        "schedule": schedule,
        "steps": [{ "in": "attacker", "do": "exec", "program": "dirtycow" }],
    })
    .to_string()
}

fn run(text: &str) -> Report {
    let image = guest::image(ImageKind::Shipped);
    let scenario = Scenario::parse("race.json", text, &image.programs).expect("the scenario is sound");
    guest::run(image, &scenario, &[])
}

fn breaks_page_cache(report: &Report) -> bool {
    report.findings().any(|finding| finding.rule == Rule::PageCache)
}

#[test]
fn the_race_is_found_and_its_schedule_fails_the_same_way_every_time() {
    let text = scenario("vulnerable", &json!({ "explore": { "points": 8 } }));
    let report = run(&text);
    assert_eq!(report.verdict, Verdict::Fail);
    assert!(breaks_page_cache(&report));
    let choices = report.explored.as_ref().unwrap().choices().unwrap();
    assert_ne!(choices.last(), Some(&0), "a shortest schedule ends with a choice");

    let name = ScenarioName::try_from("race".to_owned()).unwrap();
    let replay = with_choices(&text, &name, &choices).unwrap();
    for _ in 0..3 {
        let again = run(&replay);
        assert_eq!(again.verdict, Verdict::Fail);
        assert_eq!(again.lines, report.lines);
    }
}

#[test]
fn every_shorter_schedule_passes() {
    let text = scenario("vulnerable", &json!({ "explore": { "points": 8 } }));
    let choices = run(&text).explored.unwrap().choices().unwrap();
    let fewer = u64::try_from(choices.len() - 1).unwrap();
    let report = run(&scenario(
        "vulnerable",
        &json!({ "explore": { "points": fewer } }),
    ));
    assert_eq!(report.verdict, Verdict::Pass);
    assert!(report.explored.unwrap().is_complete);
}

#[test]
fn a_kernel_without_the_race_passes_all_schedules() {
    let report = run(&scenario("fixed", &json!({ "explore": { "points": 8 } })));
    assert_eq!(report.verdict, Verdict::Pass);
    let explored = report.explored.unwrap();
    assert!(explored.is_complete && explored.schedules > 1);
}

#[test]
fn a_race_that_is_wanted_and_not_there_fails_the_scenario() {
    let wanted = json!({ "explore": { "points": 8, "finds": "page-cache" } });
    assert_eq!(run(&scenario("vulnerable", &wanted)).verdict, Verdict::Pass);
    assert_eq!(run(&scenario("fixed", &wanted)).verdict, Verdict::Fail);
}
