//! A guest that has performed some steps and still stands there, for measurements.

use std::collections::BTreeMap;
use std::time::Duration;

use vmm::drive::{Driver, Outcome};
use vmm::guest::ProgramText;
use vmm::image::{self, GuestImage, ImageKind};
use vmm::judge::{Judge, Scene};
use vmm::machine::Machine;
use vmm::perform::Performer;
use vmm::promise::Promises;
use vmm::scenario::{Clock, Operation, OperationStep, Scenario, Step};
use vmm::vm::{Boot, Budget, Config, KernelImage, Stop, Vm};

/// Memory of the guest in MiB.
const MEMORY_MIB: u64 = 32;
/// Pages that the guest's one process fills: most of what is left beside kernel and programs.
const FILLED_PAGES: u64 = 6000;

/// A guest with one process, and the judge of it.
pub(crate) struct LiveGuest {
    performer: Performer<Driver>,
    judge: Judge,
    read: OperationStep,
}

/// The image that is measured.
pub(crate) fn image() -> GuestImage {
    image::ensure(ImageKind::Shipped, &*image::to_stderr()).expect("the guest image can be built")
}

/// Boots a guest up to its first program's first question.
pub(crate) fn boot(image: &GuestImage) -> (Driver, Boot) {
    let agent = ProgramText::read(&image.initrd, "agent").expect("the image has an archive");
    let config = Config {
        kernel: &image.kernel,
        initrd: &image.initrd,
        machine: Machine::Bare,
        kernel_image: KernelImage::Stays,
        agent: agent.as_ref(),
        programs: &BTreeMap::new(),
        command_line: "init=agent",
        memory_mib: MEMORY_MIB,
        clock: Clock::Virtual,
        swap_mib: None,
        sockets: None,
        budget: Budget {
            exits: u64::MAX,
            processor_time: Duration::from_secs(600),
            host_time: Duration::from_secs(3600),
            answer_time: Duration::ZERO,
        },
    };
    let kvm = vmm::vm::open().expect("the host has KVM");
    let mut driver = Driver::new(Vm::new(&kvm, &config).expect("the host runs guests"));
    let booted = driver.boot().expect("the host runs guests");
    assert!(
        matches!(booted, Outcome::Replied(_)),
        "the agent asks for an operation, found {booted:?}"
    );
    let stop = driver.stop().expect("it has run");
    let boot = stop.boot().expect("the kernel reports the end of booting");
    (driver, boot)
}

impl LiveGuest {
    /// A guest whose process has filled most of memory.
    pub(crate) fn with_full_memory(image: &GuestImage) -> Self {
        let scenario =
            Scenario::parse("full.json", &fill_memory(), &image.programs).expect("a valid scenario");
        let (driver, _) = boot(image);
        let mut guest = Self {
            performer: Performer::new(driver),
            judge: Judge::new(Promises::all()),
            read: read_step(&scenario),
        };
        guest.note();
        let mut scene = Scene::of(&mut guest.performer).expect("it has booted");
        guest.judge.begin(&mut scene).expect("the host runs guests");
        let begun = guest
            .performer
            .begin(scenario.first_process())
            .expect("the host runs guests");
        assert_eq!(begun.findings, []);
        for step in operations(&scenario) {
            guest.perform(step);
        }
        guest.audit();
        guest
    }

    /// Has the process read a few bytes.
    pub(crate) fn read(&mut self) {
        let step = self.read.clone();
        self.perform(&step);
    }

    /// Applies all rules that hold after every step.
    pub(crate) fn audit(&mut self) {
        self.note();
        let mut scene = Scene::of(&mut self.performer).expect("it has booted");
        let findings = self.judge.audit(&mut scene).expect("the host runs guests");
        assert_eq!(findings, []);
    }

    /// The machine as it stands still.
    pub(crate) fn stop(&mut self) -> Stop<'_> {
        self.performer.driver_mut().stop().expect("it has booted")
    }

    fn perform(&mut self, step: &OperationStep) {
        let performed = self.performer.step(step).expect("the host runs guests");
        assert_eq!(performed.findings, []);
    }

    fn note(&mut self) {
        let events = self.performer.driver_mut().take_events();
        self.judge.note(events);
    }
}

fn fill_memory() -> String {
    let len_bytes = FILLED_PAGES * abi::PAGE_SIZE;
    format!(
        r#"{{
            "name": "full",
            "description": "Most of memory is in use.",
            "guest": {{ "memory_mib": {MEMORY_MIB} }},
            "steps": [
                {{ "in": "main", "do": "mmap", "as": "buf", "pages": {FILLED_PAGES}, "prot": "rw" }},
                {{ "in": "main", "do": "write", "at": "buf", "fill": {{ "byte": 90, "bytes": {len_bytes} }} }},
                {{ "in": "main", "do": "read", "at": "buf", "text": "ZZZZ" }}
            ]
        }}"#
    )
}

fn operations(scenario: &Scenario) -> impl Iterator<Item = &OperationStep> {
    scenario.steps.iter().filter_map(|step| match step {
        Step::Operation(step) => Some(step),
        Step::Tick(_) | Step::Fail(_) | Step::Check(_) => None,
    })
}

fn read_step(scenario: &Scenario) -> OperationStep {
    operations(scenario)
        .find(|step| matches!(step.operation, Operation::Read(_)))
        .expect("the scenario reads")
        .clone()
}
