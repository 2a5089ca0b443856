//! Where the guest and Linux may differ: `scenarios/linux-differences.toml`, the only place that says so.

use std::fmt::Write;
use std::path::Path;

use libtest_mimic::Failed;
use serde::Deserialize;
use vmm::linux_reference::StepClaims;
use vmm::perform::Claim;

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Differences {
    difference: Vec<Difference>,
}

/// One answer that the two kernels give differently.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Difference {
    /// Path of the scenario below its folder, without extension.
    pub(crate) scenario: String,
    /// Number of the step, from 1.
    step: usize,
    /// What the guest answers.
    guest: String,
    /// What Linux answers.
    linux: String,
    /// Why both are right.
    reason: String,
}

/// Stands for an answer that one side gave and the other did not.
const NO_ANSWER: &str = "nothing";

impl Differences {
    pub(crate) fn read(file: &Path) -> Differences {
        let text = std::fs::read_to_string(file).expect("the list of differences is shipped");
        let list: Differences = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}"));
        for difference in &list.difference {
            let reason = &difference.reason;
            assert!(!reason.is_empty(), "{difference:?} has no reason");
        }
        list
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Difference> {
        self.difference.iter()
    }

    /// Fails unless the claims differ exactly where it is listed.
    pub(crate) fn check(
        &self,
        scenario: &str,
        guest: &[StepClaims],
        linux: &[StepClaims],
    ) -> Result<(), Failed> {
        let mut listed: Vec<&Difference> = self
            .iter()
            .filter(|difference| difference.scenario == scenario)
            .collect();
        let mut complaint = String::new();
        for silent in guest.iter().chain(linux).filter(|step| step.claims.is_empty()) {
            let _ = writeln!(complaint, "step {} gave nothing to compare", silent.step);
        }
        for found in between(guest, linux) {
            let known = listed
                .iter()
                .position(|known| (known.step, &known.guest, &known.linux) == (found.0, &found.1, &found.2));
            match known {
                Some(index) => {
                    listed.swap_remove(index);
                }
                None => {
                    let (step, guest, linux) = found;
                    let _ = writeln!(
                        complaint,
                        "step {step} differs\n  guest  {guest}\n  linux  {linux}"
                    );
                }
            }
        }
        for difference in listed {
            let _ = writeln!(complaint, "listed, but does not occur: {difference:?}");
        }
        if complaint.is_empty() {
            Ok(())
        } else {
            Err(complaint.into())
        }
    }
}

/// Step, guest's and Linux's answer of each difference.
fn between(guest: &[StepClaims], linux: &[StepClaims]) -> Vec<(usize, String, String)> {
    let steps = guest.len().max(linux.len());
    (0..steps)
        .flat_map(|index| {
            let (guest, linux) = (guest.get(index), linux.get(index));
            let step = guest.or(linux).map_or(0, |claims| claims.step);
            between_claims(claims(guest), claims(linux)).map(move |(guest, linux)| (step, guest, linux))
        })
        .collect()
}

fn between_claims<'a>(
    guest: &'a [Claim],
    linux: &'a [Claim],
) -> impl Iterator<Item = (String, String)> + use<'a> {
    (0..guest.len().max(linux.len()))
        .map(|index| (guest.get(index), linux.get(index)))
        .filter(|(guest, linux)| guest != linux || *guest == Some(&Claim::LeftOut))
        .map(|(guest, linux)| (words(guest, linux), words(linux, guest)))
}

fn claims(step: Option<&StepClaims>) -> &[Claim] {
    step.map_or(&[], |step| &step.claims)
}

fn words(claim: Option<&Claim>, other: Option<&Claim>) -> String {
    match (claim, other) {
        (None, _) => NO_ANSWER.to_owned(),
        (Some(claim), None) => claim.to_string(),
        (Some(claim), Some(other)) => claim.beside(other),
    }
}

/// That the comparison can fail: each of these must be refused.
pub(crate) fn a_difference_is_found_and_a_stale_entry_too() -> Result<(), Failed> {
    let step = |number, claims: &[Claim]| StepClaims {
        step: number,
        claims: claims.to_vec(),
    };
    let guest = [step(1, &[Claim::Done]), step(3, &[Claim::Refused(12)])];
    let other = [step(1, &[Claim::Done]), step(3, &[Claim::Returned(0)])];
    let short = [step(1, &[Claim::Done])];
    let entry = |number| Difference {
        scenario: "s".to_owned(),
        step: number,
        guest: "refused with ENOMEM".to_owned(),
        linux: "returned 0".to_owned(),
        reason: "a test".to_owned(),
    };
    let list = |difference| Differences { difference };
    let cases = [
        ("equal", list(vec![]).check("s", &guest, &guest).is_ok()),
        ("unlisted", list(vec![]).check("s", &guest, &other).is_err()),
        ("listed", list(vec![entry(3)]).check("s", &guest, &other).is_ok()),
        (
            "listed for another step",
            list(vec![entry(1)]).check("s", &guest, &other).is_err(),
        ),
        (
            "listed for another scenario",
            list(vec![entry(3)]).check("t", &guest, &other).is_err(),
        ),
        ("stale", list(vec![entry(3)]).check("s", &guest, &guest).is_err()),
        (
            "listed twice",
            list(vec![entry(3), entry(3)]).check("s", &guest, &other).is_err(),
        ),
        (
            "a step has no claims",
            list(vec![]).check("s", &[step(1, &[])], &[step(1, &[])]).is_err(),
        ),
        (
            "a step too few on Linux",
            list(vec![]).check("s", &guest, &short).is_err(),
        ),
        (
            "a step too few on the guest",
            list(vec![]).check("s", &short, &guest).is_err(),
        ),
    ];
    for (case, as_it_should) in cases {
        if !as_it_should {
            return Err(format!("wrong when {case}").into());
        }
    }
    Ok(())
}
