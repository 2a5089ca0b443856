//! One run of one scenario, from a machine that does not exist yet to a verdict. Read this file first: it is the whole
//! pipeline, and each line of it leads to the module that does the work.

use std::path::Path;
use std::time::{Duration, Instant};

use kvm_ioctls::Kvm;

use crate::block::{self, Failure};
use crate::channel::Event;
use crate::channel::schedule::Decision;
use crate::drive::{self, Drive, Driver};
use crate::explore::explore;
use crate::judge::{Finding, Judge, Rule};
use crate::perform::{Performed, Performer};
use crate::report::{Cost, ExpectationLine, Line, Report, Verdict, clauses, states, warehouse};
use crate::scenario::{Clock, FailStep, Scenario, Schedule, Step};
use crate::vm::{Budget, Config, Stop, StopReason, Vm, VmError};
use crate::vsock;

/// The guest to run: a kernel and the archive of its programs.
#[derive(Clone, Copy, Debug)]
pub struct Guest<'a> {
    /// PVH ELF file.
    pub kernel: &'a Path,
    /// newc archive.
    pub initrd: &'a Path,
    /// Words for the kernel command line besides the scenario's own, such as `mutant=cow-copies-wrong-frame`.
    pub options: &'a [String],
}

/// Runs a scenario and judges it: once, or once for each of the schedules that it wants explored.
///
/// # Errors
/// The host cannot run a guest. What the guest does wrong is in the report.
pub fn run(kvm: &Kvm, guest: &Guest<'_>, scenario: &Scenario) -> Result<Report, VmError> {
    match &scenario.schedule {
        Some(Schedule::Explore(exploration)) => explore(kvm, guest, scenario, *exploration),
        Some(Schedule::Choices(choices)) => Ok(once(kvm, guest, scenario, choices)?.report),
        None => Ok(once(kvm, guest, scenario, &[])?.report),
    }
}

/// What one run gives.
pub(crate) struct Outcome {
    pub(crate) report: Report,
    /// Who went on at the reschedule points.
    pub(crate) decisions: Vec<Decision>,
}

/// Runs a scenario once, with these choices at the reschedule points.
pub(crate) fn once(
    kvm: &Kvm,
    guest: &Guest<'_>,
    scenario: &Scenario,
    choices: &[usize],
) -> Result<Outcome, VmError> {
    let started = Instant::now();
    let command_line = command_line(guest, scenario);
    let mut vm = Vm::new(
        kvm,
        &Config {
            kernel: guest.kernel,
            initrd: guest.initrd,
            command_line: &command_line,
            memory_mib: scenario.guest.memory_mib,
            clock: scenario.guest.clock,
            swap_mib: scenario.guest.swap.map(|swap| swap.mib),
            sockets: Some(&scenario.guest.vsock).filter(|places| !places.is_empty()),
            budget: Budget {
                exits: scenario.budget.exits,
                wall_time: Duration::from_secs(scenario.budget.seconds),
                answer_time: Duration::from_millis(scenario.budget.answer_ms),
            },
        },
    )?;
    vm.devices().schedule.follow(choices.to_vec());
    let mut run = Run {
        performer: Performer::new(Driver::new(vm)).with_shadowpt_base(scenario.guest.shadowpt_base()),
        judge: Judge::default(),
        lines: Vec::new(),
    };
    let mut steps_not_run = scenario.steps.len();
    if run.boot(scenario)? {
        for (index, step) in scenario.steps.iter().enumerate() {
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
    Ok(Outcome {
        report: run.report(scenario, steps_not_run, started),
        decisions: decisions.unwrap_or_default(),
    })
}

/// A run under way.
struct Run {
    performer: Performer<Driver>,
    judge: Judge,
    lines: Vec<Line>,
}

impl Run {
    /// Boots the guest and makes the scenario's first process. False when that is the end already.
    fn boot(&mut self, scenario: &Scenario) -> Result<bool, VmError> {
        let booted = self.performer.driver_mut().boot()?;
        self.note();
        if booted == drive::Outcome::Silent || !self.is_alive() {
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
        if let Some(scene) = self.performer.scene() {
            self.judge.begin(&scene)?;
        }
        let performed = self.performer.begin(scenario.first_process())?;
        self.after_operation(
            None,
            format!("boot, and make {}", scenario.first_process()),
            performed,
        )
    }

    /// Performs one step and looks at everything. False when no further step makes sense.
    fn step(&mut self, number: usize, step: &Step) -> Result<bool, VmError> {
        match step {
            Step::Operation(operation) => {
                let performed = self.performer.step(operation)?;
                self.after_operation(Some(number), step.to_string(), performed)
            }
            Step::Tick(tick) => {
                let performed = self.performer.tick(tick.count)?;
                self.after_operation(Some(number), step.to_string(), performed)
            }
            Step::Check(check) => {
                let Some(scene) = self.performer.scene() else {
                    return Ok(false);
                };
                let judged = self.judge.check(check, &scene)?;
                let expectations = judged
                    .into_iter()
                    .map(|judged| ExpectationLine {
                        what: judged.text.into(),
                        found: judged.found.into(),
                        findings: judged.findings,
                    })
                    .collect();
                self.line(
                    Some(number),
                    step.to_string(),
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
                self.line(Some(number), step.to_string(), Performed::nothing(""), Vec::new());
                Ok(true)
            }
        }
    }

    /// Lets all processes end, and looks whether everything has come back.
    fn end(&mut self) -> Result<(), VmError> {
        let performed = self.performer.end_all()?;
        let go_on = performed.findings.is_empty();
        self.after_operation(None, "end all processes".to_owned(), performed)?;
        if !go_on || !self.is_alive() {
            return Ok(());
        }
        if let Some(scene) = self.performer.scene() {
            let mut lost = self.judge.last_process_ended(&scene);
            lost.extend(self.judge.failures_that_never_came(&scene));
            if let Some(line) = self.lines.last_mut() {
                line.findings.extend(lost);
            }
        }
        self.performer.driver_mut().power_off()?;
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
            performed
                .findings
                .push(Finding::new(Rule::Death, "the guest", expected, found));
        }
        let go_on = performed.findings.is_empty() && self.is_alive();
        if self.is_alive()
            && let Some(mut scene) = self.performer.scene()
        {
            performed.findings.extend(self.judge.audit(&mut scene)?);
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
        let Performed { result, mut findings } = performed;
        if let Some(StopReason::Died(death)) = self.reason() {
            let found = match self.performer.last_fault(&death) {
                Some(fault) if death.cause.is_endless() => format!("{}; {fault}", death.cause),
                Some(_) | None => death.cause.to_string(),
            };
            let place = death.place.to_string();
            findings.push(Finding::new(Rule::Death, place, "it goes on", found));
        }
        self.lines.push(Line {
            step,
            what: what.into(),
            result: result.into(),
            claims: self.performer.take_claims(),
            clauses: Vec::new(),
            expectations,
            findings,
        });
    }

    fn note(&mut self) {
        let events: Vec<Event> = self.performer.driver_mut().take_events();
        self.judge.note(events);
        self.judge.note_looks(self.performer.driver_mut().take_looks());
        self.judge
            .note_user_faults(self.performer.driver_mut().take_user_faults());
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.reason(), Some(StopReason::Ring(_)))
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
        let sockets = stop.and_then(|mut stop| stop.devices().vsock.take());
        let warehouses = sockets.map_or_else(Vec::new, |sockets| {
            sockets.end().iter().flat_map(warehouse::lines).collect()
        });
        let agents = self.performer.driver().agents();
        let name_of = |pid: u32| agents.with_pid(pid.into()).map(|agent| agent.name.clone());
        let history = self.judge.history();
        let states =
            (!history.processes().is_empty()).then(|| states::draw(history, scenario.guest.clock, name_of));
        let clauses = clauses::attribute(&mut self.lines, &scenario.step_clauses);
        let mut report = Report {
            scenario: scenario.name.as_str().into(),
            description: scenario.description.as_str().into(),
            verdict: Verdict::Broken,
            lines: self.lines,
            steps_not_run,
            warehouses,
            clauses,
            explored: None,
            states,
            log: self.judge.logged(),
            cost: Cost {
                exits,
                wall_microseconds: started.elapsed().as_micros() as u64,
                boot_microseconds: boot.map(|boot| boot.time.as_micros() as u64),
                boot_exits: boot.map(|boot| boot.exits),
            },
        };
        report.judge();
        report
    }
}

/// The kernel command line: the first program, then what the caller and the scenario add.
fn command_line(guest: &Guest<'_>, scenario: &Scenario) -> String {
    let init = format!("{}={}", abi::boot::CMDLINE_INIT, abi::boot::AGENT_PATH);
    let options = scenario
        .guest
        .options
        .iter()
        .map(|(key, value)| match value.as_str() {
            "" => key.clone(),
            value => format!("{key}={value}"),
        });
    let schedule = scenario
        .schedule
        .as_ref()
        .map(|_| format!("{}=vmm", abi::boot::CMDLINE_SCHEDULE));
    let clock = match scenario.guest.clock {
        Clock::Virtual => None,
        Clock::Real => Some(format!("{}=real", abi::boot::CMDLINE_CLOCK)),
    };
    std::iter::once(init)
        .chain(schedule)
        .chain(clock)
        .chain(scenario.guest.swap.map(|_| block::command_line_word()))
        .chain((!scenario.guest.vsock.is_empty()).then(vsock::command_line_word))
        .chain(guest.options.iter().cloned())
        .chain(options)
        .collect::<Vec<_>>()
        .join(" ")
}
