//! One run of one scenario, from a machine that does not exist yet to a verdict: the whole pipeline, each line of which leads
//! to the module that does the work.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::boot::{Booted, Setting, boot};
use super::debugging::Debugging;
use super::ends::{end, with_log};
use super::going_on::{is_about_one_step, leaves_processes_as_they_were};
use super::proof::Prover;
use super::recording::Recording;
use super::spans::Spans;
use super::tracing::Tracing;
use crate::block::Failure;
use crate::channel::Event;
use crate::channel::schedule::Decision;
use crate::drive::{self, AtChoice, Drive, Driver};
use crate::finding::Finding;
use crate::guest::{Guest, PowerOff, shadowpt_base};
use crate::judge::{Judge, NamedFunctions, Scene};
use crate::perform::{Performed, Performer};
use crate::report::{Cost, ExpectationLine, GuestEnd, Line, Report, Verdict, clauses, states, warehouse};
use crate::rule::Rule;
use crate::scenario::{FailStep, Operation, Scenario, Step};
use crate::vm::{Stop, StopReason, VmError};

/// What one run gives.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Trial {
    pub(crate) report: Report,
    /// Who went on at the reschedule points.
    pub(crate) decisions: Vec<Decision>,
}

/// Runs a scenario once, with these choices at the reschedule points; `at_choice` is called at each.
pub(super) fn once(
    setting: Setting<'_>,
    choices: &[usize],
    at_choice: Option<AtChoice>,
) -> Result<Trial, VmError> {
    let booted = boot(setting, choices, at_choice)?;
    perform(setting.guest, setting.scenario, booted)
}

/// Performs a scenario's steps on its guest.
pub(super) fn perform(guest: &Guest, scenario: &Scenario, mut booted: Booted) -> Result<Trial, VmError> {
    let description = &guest.description;
    let debugging = Debugging::of(&mut booted);
    let Booted {
        mut driver,
        outcome,
        started,
        onlookers,
    } = booted;
    let functions = if scenario.functions.is_empty() {
        NamedFunctions::default()
    } else {
        let vm = driver.vm_mut();
        NamedFunctions::of(&scenario.functions, &description.name, |part| {
            vm.has_function(part)
        })
    };
    let mut run = Run {
        performer: Performer::new(driver).with_shadowpt_base(shadowpt_base(guest, scenario)),
        power_off: description.power_off,
        judge: Judge::new(description.promises.clone())
            .with_struct_pages(description.page_layout)
            .with_functions(functions),
        prover: Prover::default(),
        recording: Recording::of(guest.record, onlookers.keeper),
        tracing: Tracing::of(guest, scenario),
        debugging,
        steps: Spans::default(),
        audits: Spans::default(),
        lines: Vec::new(),
    };
    let mut steps_not_run = scenario.steps.len();
    if run.begin(scenario, &outcome)? {
        for (index, step) in scenario.steps.iter().zip(scenario.performed()).enumerate() {
            steps_not_run -= 1;
            if !run.step(index + 1, step)? {
                break;
            }
        }
        if steps_not_run == 0 && run.is_alive() {
            run.end()?;
        }
    }
    let stop = run.performer.driver_mut().stop();
    let decisions = stop.map(|mut stop| stop.devices().schedule.decisions().to_vec());
    Ok(Trial {
        report: run.report(scenario, steps_not_run, started),
        decisions: decisions.unwrap_or_default(),
    })
}

/// A run under way.
struct Run {
    performer: Performer<Driver>,
    power_off: PowerOff,
    judge: Judge,
    prover: Prover,
    recording: Recording,
    /// Takes what the kernel did in each step, when it is followed.
    tracing: Option<Tracing>,
    debugging: Debugging,
    steps: Spans,
    audits: Spans,
    lines: Vec<Line>,
}

impl Run {
    /// Makes the scenario's first process. False when booting was the end already.
    fn begin(&mut self, scenario: &Scenario, booted: &drive::Outcome) -> Result<bool, VmError> {
        self.note();
        if self.is_alive()
            && let Some(mut scene) = Scene::of(&mut self.performer)
        {
            self.judge.begin(&mut scene)?;
        }
        if *booted == drive::Outcome::Silent || !self.is_alive() {
            let mut performed = Performed::nothing("");
            if self.is_alive() {
                let (expected, found) = ("it asks for an operation", "others ask, and it does not");
                performed
                    .findings
                    .push(Finding::new(Rule::Answer, "init", expected, found));
            }
            self.after_operation(None, "boot".to_owned(), performed)?;
            return Ok(false);
        }
        let performed = self.performer.begin(scenario.first_process())?;
        self.after_operation(
            None,
            format!("boot, and make {}", scenario.first_process()),
            performed,
        )
    }

    /// Performs one step and looks at everything. False when no further step makes sense.
    fn step(&mut self, number: usize, (told, step): (&Step, &Step)) -> Result<bool, VmError> {
        self.begin_trace(Some(number))?;
        self.debugging.before_step((number, told), &mut self.performer)?;
        match step {
            Step::Operation(operation) => {
                let mut performed = self.steps.measure(|| self.performer.step(operation))?;
                self.note();
                if let Operation::Exec { program, reports, .. } = &operation.operation {
                    performed
                        .findings
                        .extend(self.judge.missing_reports(program, reports));
                }
                let can_go_on = leaves_processes_as_they_were(&operation.operation)
                    && performed
                        .findings
                        .iter()
                        .all(|finding| is_about_one_step(finding.rule));
                let goes_on = self.after_operation(Some(number), told.to_string(), performed)?;
                Ok(goes_on || can_go_on && self.is_alive())
            }
            Step::Tick(tick) => {
                let performed = self.performer.tick(tick.count)?;
                self.after_operation(Some(number), told.to_string(), performed)
            }
            Step::Check(check) => {
                let Some(mut scene) = Scene::of(&mut self.performer) else {
                    return Ok(false);
                };
                let judged = self.judge.check(check, &mut scene)?;
                let expectations = told
                    .expectations()
                    .iter()
                    .zip(judged)
                    .map(|(told, judged)| ExpectationLine {
                        what: told.to_string().into(),
                        found: judged.found.into(),
                        findings: judged.findings,
                    })
                    .collect();
                self.line(
                    Some(number),
                    told.to_string(),
                    Performed::nothing(""),
                    expectations,
                );
                Ok(true)
            }
            Step::Fail(FailStep { request, nth }) => {
                let failure = Failure {
                    request: *request,
                    nth: *nth,
                };
                if let Some(mut stop) = self.performer.driver_mut().stop()
                    && let Some(block) = &mut stop.devices().block
                {
                    block.disk_mut().fail(failure);
                }
                self.line(Some(number), told.to_string(), Performed::nothing(""), Vec::new());
                Ok(true)
            }
        }
    }

    fn begin_trace(&mut self, number: Option<usize>) -> Result<(), VmError> {
        match &self.tracing {
            Some(tracing) => tracing.begin(number, self.performer.driver_mut().vm_mut()),
            None => Ok(()),
        }
    }

    /// Lets all processes end, and looks whether everything has come back.
    fn end(&mut self) -> Result<(), VmError> {
        self.begin_trace(None)?;
        let performed = self.performer.end_all()?;
        let go_on = performed.findings.is_empty();
        self.after_operation(None, "end all processes".to_owned(), performed)?;
        if !go_on || !self.is_alive() {
            return Ok(());
        }
        if let Some(scene) = Scene::of(&mut self.performer) {
            let mut lost = self.judge.last_process_ended(&scene);
            lost.extend(self.judge.failures_that_never_came(&scene));
            if let Some(line) = self.lines.last_mut() {
                line.findings.extend(lost);
            }
        }
        self.performer.driver_mut().power_off(self.power_off.command())?;
        self.note();
        let result = Performed::nothing("");
        self.line(None, "power off".to_owned(), result, Vec::new());
        Ok(())
    }

    fn after_operation(
        &mut self,
        number: Option<usize>,
        what: String,
        mut performed: Performed,
    ) -> Result<bool, VmError> {
        self.note();
        if let Some(StopReason::PoweredOff) = self.reason() {
            let (expected, found) = ("it goes on", "it powered itself off");
            let finding = Finding::new(Rule::Death, "the guest", expected, found);
            performed
                .findings
                .push(with_log(finding, self.performer.driver_mut()));
        }
        if self.is_alive() {
            self.performer.driver_mut().ask_for_untold_ends()?;
        }
        let go_on = performed.findings.is_empty() && self.is_alive();
        if go_on {
            // What is drawn for a proof would show in what the kernel does.
            let is_exact = |tracing: &Tracing| tracing.is_exact(number);
            if !self.tracing.as_ref().is_some_and(is_exact) {
                performed
                    .findings
                    .extend(self.prover.perhaps(&mut self.performer)?);
            }
            self.note();
        }
        if self.can_be_looked_at()
            && let Some(mut scene) = Scene::of(&mut self.performer)
        {
            let audited = self.audits.measure(|| self.judge.audit(&mut scene));
            performed.findings.extend(audited?);
        }
        self.line(number, what, performed, Vec::new());
        Ok(go_on)
    }

    /// Adds a line to the report, and the end of the guest if it has come.
    fn line(
        &mut self,
        step: Option<usize>,
        what: String,
        performed: Performed,
        expectations: Vec<ExpectationLine>,
    ) {
        let Performed {
            result,
            output,
            mut findings,
        } = performed;
        let claims = self.performer.take_claims();
        if let Some(StopReason::Died(death)) = self.reason() {
            let last_fault = self.performer.last_fault(&death);
            findings.push(with_log(end(&death, last_fault), self.performer.driver_mut()));
        }
        self.lines.push(Line {
            step,
            what: what.into(),
            result: result.into(),
            output,
            claims: self.recording.claims(claims),
            clauses: Vec::new(),
            expectations,
            findings,
            memory: None,
            trace: None,
        });
        if let Some(tracing) = &mut self.tracing {
            let followed = self.performer.driver_mut().vm_mut().take_followed();
            if let Some(scene) = Scene::of(&mut self.performer) {
                tracing.look((self.lines.len() - 1, step), followed, &scene, &mut self.judge);
            }
        }
        if self.can_be_looked_at()
            && self.recording.wants_memory()
            && let Some(scene) = Scene::of(&mut self.performer)
        {
            self.recording.look(self.lines.len() - 1, &scene);
        }
    }

    fn note(&mut self) {
        let events: Vec<Event> = self.performer.driver_mut().take_events();
        self.judge.note(events);
        self.judge
            .note_moments(self.performer.driver_mut().take_moments());
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.reason(), Some(StopReason::Ring(_)))
    }

    /// Whether memory can be judged: while the guest lives, and when it has come to an end of its own making, for then what is
    /// wrong in memory may say why. A guest that was stopped for the host's sake stands anywhere.
    fn can_be_looked_at(&mut self) -> bool {
        match self.reason() {
            Some(StopReason::Ring(_)) => true,
            Some(StopReason::Died(death)) => death.is_the_guests_doing(),
            Some(StopReason::PoweredOff | StopReason::Reported(_) | StopReason::Choosing(_)) | None => false,
        }
    }

    fn reason(&mut self) -> Option<StopReason> {
        self.performer
            .driver_mut()
            .stop()
            .map(|stop| stop.reason().clone())
    }

    fn report(mut self, scenario: &Scenario, steps_not_run: usize, started: Instant) -> Report {
        let stop = self.performer.driver_mut().stop();
        let exits = stop.as_ref().map_or(0, Stop::exits);
        let boot = stop.as_ref().and_then(Stop::boot);
        let end = stop.as_ref().and_then(|stop| GuestEnd::of(stop.reason()));
        let sockets = stop.and_then(|mut stop| stop.devices().vsock.take());
        let warehouses = sockets.map_or_else(Vec::new, |sockets| {
            sockets.end().iter().flat_map(warehouse::lines).collect()
        });
        let agents = self.performer.driver().agents();
        let name_of = |pid: u32| agents.with_pid(pid.into()).map(|agent| agent.name.clone());
        let history = self.judge.history();
        let states =
            (!history.processes().is_empty()).then(|| states::draw(history, scenario.guest.clock, name_of));
        if let Some(tracing) = self.tracing.take() {
            tracing.tell(&mut self.judge, &mut self.lines);
        }
        self.recording.tell(&mut self.judge, &mut self.lines);
        let clauses = clauses::attribute(&mut self.lines, &scenario.step_clauses);
        let mut report = Report {
            scenario: scenario.name.as_str().into(),
            description: scenario.description.as_str().into(),
            origin: None,
            judged: None,
            verdict: Verdict::Broken,
            lines: self.lines,
            steps_not_run,
            end,
            warehouses,
            clauses,
            explored: None,
            not_judged: self.judge.not_judged(),
            states,
            log: self.judge.logged(),
            seed: None,
            cost: Cost {
                exits,
                wall_microseconds: started.elapsed().as_micros() as u64,
                boot_microseconds: boot.map(|boot| boot.time.as_micros() as u64),
                boot_exits: boot.map(|boot| boot.exits),
                steps: self.steps.spent(),
                audits: self.audits.spent(),
            },
        };
        report.judge();
        report
    }
}
