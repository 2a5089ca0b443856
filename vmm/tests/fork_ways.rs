//! Both ways in which the kernel can pass memory on at fork: every scenario that forks does the same with `fork=copy` as with
//! `fork=cow`. Only a check that speaks of frames can tell the two apart. Scenarios of memory that is too small are left out: copies
//! need room that they do not have.

#[path = "support/guest.rs"]
mod guest;
#[path = "support/shipped.rs"]
mod shipped;

use std::path::Path;

use vmm::image::ImageKind;
use vmm::report::text::{Colour, Detail, render};
use vmm::rule::Rule;
use vmm::scenario::{self, Step};

#[test]
fn what_a_scenario_does_is_the_same_when_fork_copies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let image = guest::image(ImageKind::Shipped);
    let mut compared = 0;
    for file in scenario::collect(&[root.join("scenarios")]).unwrap() {
        let mut scenario = shipped::read(&file, image);
        let forks = |step: &Step| step.to_string().contains(": fork");
        let has_way = scenario.guest.options.contains_key("fork");
        if !scenario.steps.iter().any(forks) || has_way || scenario.guest.swap.is_some() {
            continue;
        }
        let cow = guest::run(image, &scenario, &[]);
        scenario
            .guest
            .options
            .insert("fork".to_owned(), "copy".to_owned());
        let copy = guest::run(image, &scenario, &[]);

        let results = |report: &vmm::report::Report| -> Vec<_> {
            let lines = report.lines.iter();
            lines
                .map(|line| (line.result.clone(), line.claims.clone()))
                .collect()
        };
        assert_eq!(results(&cow), results(&copy), "{}", scenario.name);
        let broken = copy.findings().find(|finding| finding.rule != Rule::Expectation);
        assert!(broken.is_none(), "{}", render(&copy, Colour::Plain, Detail::Full));
        compared += 1;
    }
    assert!(compared > 5, "most scenarios fork, found {compared}");
}
