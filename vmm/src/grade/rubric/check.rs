//! Finds what is wrong with a rubric: everything at once, each at its place.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::path::{Component, Path};

use miette::LabeledSpan;
use toml::Spanned;

use super::document::{Document, DocumentItem, DocumentLeftOut, DocumentLimits};
use super::{GUEST, Item, Kind, LeftOut, Limits, MAX_FILE_BYTES, Partial, Rubric};
use crate::grade::Points;
use crate::image::BuildLimits;
use crate::printable::Printable;
use crate::promise::Promise;
use crate::regular_file::{self, Links};
use crate::scenario::{Budget, Scenario, ScenarioErrors, Step};
use crate::worker::RunLimits;

/// Most weight of anything.
const MOST_WEIGHT: u32 = 1_000_000;

/// What is wrong so far.
#[derive(Default)]
pub(super) struct Problems {
    pub(super) spans: Vec<LabeledSpan>,
    pub(super) scenarios: Vec<ScenarioErrors>,
}

/// What an item of the rubric is worth, as it is written.
#[derive(Clone, Copy)]
enum Worth {
    Points(Points),
    Weight(u32),
}

impl Problems {
    pub(super) fn are_none(&self) -> bool {
        self.spans.is_empty() && self.scenarios.is_empty()
    }

    pub(super) fn add(&mut self, span: Range<usize>, message: impl Into<String>) {
        let message = Printable::from(message.into()).to_string();
        // What is missing at the end of the text is shown at what stands there last.
        let span = if span.is_empty() {
            span.start.saturating_sub(1)..span.start
        } else {
            span
        };
        self.spans.push(LabeledSpan::new_with_span(Some(message), span));
    }

    pub(super) fn check(&mut self, document: Document, folder: &Path) -> Rubric {
        for taken in &document.take {
            self.check_taken(taken);
        }
        let total = document.total.span();
        if document.kind == Kind::Sources && document.take.is_empty() {
            self.add(
                total,
                "nothing is taken of a submission: expected `take` to name files or folders",
            );
        }
        let limits = self.limits(&document.limits);
        let require = self.require(&document.require);
        let mut rubric = Rubric {
            title: document.title,
            kind: document.kind,
            take: document.take.into_iter().map(Spanned::into_inner).collect(),
            limits,
            options: document.options,
            require,
            left_out: Vec::new(),
            items: Vec::new(),
        };
        for left_out in document.left_out {
            rubric.left_out.extend(self.left_out(left_out, &rubric));
        }
        let mut worths = Vec::new();
        for item in &document.scenarios {
            let worth = self.worth(item);
            let Some(item) = self.item(item, &document.vary, folder, &rubric.items) else {
                continue;
            };
            rubric.items.push(item);
            worths.extend(worth);
        }
        if self.are_none() {
            self.share_total(&document.total, &worths, &mut rubric.items);
        }
        rubric
    }

    fn check_taken(&mut self, taken: &Spanned<String>) {
        let path = Path::new(taken.get_ref());
        let is_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_inside || !GUEST.iter().any(|part| path.starts_with(part)) {
            let message = format!("expected a path below {}, without `..`", GUEST.join(", "));
            self.add(taken.span(), message);
        }
    }

    fn limits(&mut self, limits: &DocumentLimits) -> Limits {
        let usual = BuildLimits::default();
        let build_seconds = self.within(limits.build_seconds.as_ref(), 1..=86_400, "seconds");
        let build_memory_mib = self.within(limits.build_memory_mib.as_ref(), 64..=1 << 20, "MiB");
        Limits {
            build: BuildLimits {
                build_seconds: build_seconds.unwrap_or(usual.build_seconds),
                build_memory_mib: build_memory_mib.unwrap_or(usual.build_memory_mib),
            },
            run: RunLimits {
                seconds: self.within(limits.run_seconds.as_ref(), 1..=Budget::MAX_SECONDS, "seconds"),
                exits: self.within(limits.run_exits.as_ref(), 1..=Budget::MAX_EXITS, "exits"),
            },
        }
    }

    fn within(
        &mut self,
        value: Option<&Spanned<u64>>,
        range: RangeInclusive<u64>,
        unit: &str,
    ) -> Option<u64> {
        let value = value?;
        if !range.contains(value.get_ref()) {
            let (least, most) = (range.start(), range.end());
            self.add(value.span(), format!("expected from {least} to {most} {unit}"));
        }
        Some(*value.get_ref())
    }

    fn require(&mut self, names: &[Spanned<String>]) -> Vec<Promise> {
        let mut reports = Vec::new();
        for name in names {
            match Promise::named(name.get_ref()) {
                Ok(named) => reports.extend(named),
                Err(error) => self.add(name.span(), format!("{error}; or `{}`", Promise::ALL_OF_THEM)),
            }
        }
        reports
    }

    fn left_out(&mut self, left_out: DocumentLeftOut, rubric: &Rubric) -> Option<LeftOut> {
        let DocumentLeftOut { file, function, body } = left_out;
        let is_taken = rubric.kind == Kind::Sources && rubric.takes(Path::new(file.get_ref()));
        if !is_taken || !file.get_ref().ends_with(".rs") {
            self.add(
                file.span(),
                "expected a Rust file that `take` names, for students to write",
            );
            return None;
        }
        if let Err(error) = syn::parse_str::<syn::Block>(&format!("{{{}}}", body.get_ref())) {
            self.add(
                body.span(),
                format!("expected the body of a function in Rust: {error}"),
            );
            return None;
        }
        Some(LeftOut {
            file: file.into_inner(),
            function,
            body: body.into_inner(),
        })
    }

    fn worth(&mut self, item: &DocumentItem) -> Option<Worth> {
        match (&item.points, &item.weight) {
            (Some(points), None) => Some(Worth::Points(*points.get_ref())),
            (None, Some(weight)) => {
                self.check_weight(weight);
                Some(Worth::Weight(*weight.get_ref()))
            }
            (Some(_), Some(weight)) => {
                self.add(weight.span(), "expected either points or a weight, found both");
                None
            }
            (None, None) => {
                self.add(
                    item.file.span(),
                    "expected the scenario to have `points` or a `weight`",
                );
                None
            }
        }
    }

    fn check_weight(&mut self, weight: &Spanned<u32>) {
        if !(1..=MOST_WEIGHT).contains(weight.get_ref()) {
            self.add(
                weight.span(),
                format!("expected a weight from 1 to {MOST_WEIGHT}"),
            );
        }
    }

    /// Gives each item its points.
    fn share_total(&mut self, total: &Spanned<Points>, worths: &[Worth], items: &mut [Item]) {
        let weights = worths.iter().map(|worth| match worth {
            Worth::Points(_) => None,
            Worth::Weight(weight) => Some(*weight),
        });
        let points = worths.iter().map(|worth| match worth {
            Worth::Points(points) => Some(*points),
            Worth::Weight(_) => None,
        });
        let weights: Option<Vec<u32>> = weights.collect();
        let points: Option<Vec<Points>> = points.collect();
        let points = match (points, weights) {
            _ if items.is_empty() => {
                return self.add(
                    total.span(),
                    "the rubric has no scenario: expected at least one `[[scenario]]`",
                );
            }
            (Some(points), _) => {
                let sum: Points = points.iter().copied().sum();
                if sum != *total.get_ref() {
                    let message = format!("the points of the scenarios add up to {sum}, expected this total");
                    self.add(total.span(), message);
                }
                points
            }
            (None, Some(weights)) => total.get_ref().split(&weights),
            (None, None) => {
                return self.add(
                    total.span(),
                    "some scenarios have points and others a weight: expected the same of all",
                );
            }
        };
        for (item, points) in items.iter_mut().zip(points) {
            item.points = points;
        }
    }

    fn item(&mut self, item: &DocumentItem, seeds: &[u64], folder: &Path, before: &[Item]) -> Option<Item> {
        let path = folder.join(item.file.get_ref());
        // Who grades has named the rubric, and nothing that it names.
        let text = match regular_file::read_text(&path, Links::Refused, MAX_FILE_BYTES) {
            Ok(text) => text,
            Err(error) => {
                self.add(
                    item.file.span(),
                    format!("cannot read {}: {error}", path.display()),
                );
                return None;
            }
        };
        let file = path.display().to_string();
        let scenario = match Scenario::parse_for_any_image(&file, &text) {
            Ok(scenario) => scenario,
            Err(errors) => {
                self.add(item.file.span(), "this scenario cannot be used");
                self.scenarios.push(errors);
                return None;
            }
        };
        if before.iter().any(|other| other.scenario.name == scenario.name) {
            self.add(
                item.file.span(),
                "a scenario of this name stands above: expected each once",
            );
        }
        let shown: Vec<String> = scenario
            .step_clauses
            .iter()
            .flatten()
            .map(|clause| clause.id.to_string())
            .collect();
        for clause in &item.clauses {
            if !shown.contains(clause.get_ref()) {
                let message = format!("no step of {file} shows this clause");
                self.add(clause.span(), message);
            }
        }
        let partial = self.partial(item, &scenario, &shown);
        Some(Item {
            file,
            text,
            points: Points::default(),
            partial,
            weights: self.weights(item, partial, &scenario, &shown),
            visibility: item.visibility,
            seeds: item.vary.clone().unwrap_or_else(|| seeds.to_vec()),
            scenario,
        })
    }

    fn partial(&mut self, item: &DocumentItem, scenario: &Scenario, shown: &[String]) -> Partial {
        let Some(partial) = &item.partial else {
            return Partial::None;
        };
        let has_checks = scenario.steps.iter().any(|step| matches!(step, Step::Check(_)));
        let impossible = match partial.get_ref() {
            Partial::None | Partial::Steps => None,
            Partial::Checks => (!has_checks).then_some("the scenario has no checks"),
            Partial::Clauses => shown
                .is_empty()
                .then_some("no step of the scenario shows a clause"),
        };
        if let Some(message) = impossible {
            self.add(partial.span(), message);
        }
        *partial.get_ref()
    }

    fn weights(
        &mut self,
        item: &DocumentItem,
        partial: Partial,
        scenario: &Scenario,
        shown: &[String],
    ) -> BTreeMap<String, u32> {
        let titles = scenario.steps.iter().filter_map(|step| match step {
            Step::Check(check) => Some(check.title.as_str()),
            Step::Operation(_) | Step::Tick(_) | Step::Fail(_) => None,
        });
        let titles: Vec<&str> = titles.collect();
        for (name, weight) in &item.weights {
            self.check_weight(weight);
            let unknown = match partial {
                Partial::Checks => {
                    (!titles.contains(&name.as_str())).then_some("no check of the scenario has the title")
                }
                Partial::Clauses => {
                    (!shown.contains(name)).then_some("no step of the scenario shows the clause")
                }
                Partial::None | Partial::Steps => Some(
                    "only checks and clauses have weights (`partial = \"checks\"` or `\"clauses\"`), and there is",
                ),
            };
            if let Some(problem) = unknown {
                self.add(weight.span(), format!("{problem} `{name}`"));
            }
        }
        let weights = item.weights.iter();
        weights
            .map(|(name, weight)| (name.clone(), *weight.get_ref()))
            .collect()
    }
}
