//! A bank of hostile kernels: what each tries, and the finding that it must get. None passes, and none can make the command use
//! more than it is given.
//!
//! The kernels are one C program in `kernel/`, whose file says which attack it is. What each costs is printed with `--nocapture`.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

#[path = "../support/bounded.rs"]
mod bounded;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Instant;

use bounded::{MOST_BYTES, command, workspace};
use tempfile::TempDir;
use vmm::image::{self, GuestImage, ImageKind};
use wait4::Wait4;

/// An attack, the scenario that it is made on, and what the report must say.
type Attack = (&'static str, &'static str, &'static str);

const COW: &str = "scenarios/cow.json";
/// One step, and so many exits that a flood is one.
const FLOOD: &str = "vmm/tests/bank/flood.json";

/// One step, and a second for it.
const SILENCE: &str = "vmm/tests/bank/silence.json";

const KERNEL_MODE: &str = "the processor was in kernel mode";
const NO_ACCOUNT: &str = "an account of the kernel's frames";
const MALFORMED: &str = "rule      page tables are well formed";
const OUT_OF_EXITS: &str = "the guest used up its budget of 30000 exits";

/// Kernels without processes that play the agents.
const AGENTS: &[Attack] = &[
    ("obedient", COW, KERNEL_MODE),
    ("liar", COW, KERNEL_MODE),
    ("printing-liar", "scenarios/ucore/hello.json", KERNEL_MODE),
    ("doctoring-liar", COW, "frame table is not in guest memory"),
    ("babbling-liar", COW, KERNEL_MODE),
    (
        "liar-in-user-mode",
        COW,
        "the instruction is not one of the agent's program",
    ),
];

/// The same over page tables that are endless, giant, or no page tables.
const TREES: &[Attack] = &[
    ("shared-tables", COW, MALFORMED),
    ("tables-of-devices", COW, MALFORMED),
    ("table-in-itself", COW, "is reached from itself"),
    ("giant-pages", COW, "expected  guest memory or the doorbell"),
    (
        "tables-outside-memory",
        COW,
        "selects a table outside guest memory",
    ),
    (
        "executable-aliases",
        COW,
        "expected  page tables that can be looked at as a whole",
    ),
    ("reserved-bits", COW, MALFORMED),
    (
        "kernel-for-users",
        COW,
        "expected  not both writable and executable",
    ),
];

/// Kernels that say something without end.
const FLOODS: &[Attack] = &[
    ("logs", FLOOD, OUT_OF_EXITS),
    ("console", FLOOD, OUT_OF_EXITS),
    ("protections", FLOOD, "changes too many to look at each"),
    ("user-faults", FLOOD, "moments that were not looked at"),
    ("user-fault-ranges", FLOOD, OUT_OF_EXITS),
    ("processes", FLOOD, MALFORMED),
    ("ends-of-nobody", FLOOD, OUT_OF_EXITS),
    ("introductions", FLOOD, KERNEL_MODE),
    ("rings", FLOOD, KERNEL_MODE),
    (
        "scribbled-archive",
        FLOOD,
        "a read-only file in memory holds what was loaded",
    ),
];

/// Kernels that stop, and what they say then.
const ENDS: &[Attack] = &[
    ("halt", COW, "the guest halted with nothing that could wake it"),
    ("spin", SILENCE, "of processor time"),
    ("triple-fault", COW, "triple fault"),
    ("silence-after-a-ring", SILENCE, NO_ACCOUNT),
    ("forged-panic", COW, "the kernel panicked: gone\\r"),
    ("forged-log", COW, NO_ACCOUNT),
    ("panic-outside-memory", COW, "lies outside guest memory"),
];

#[test]
fn no_kernel_that_plays_the_agents_passes() {
    AGENTS.iter().for_each(fails);
}

#[test]
fn no_tree_of_page_tables_takes_the_judge_longer_or_further_than_it_may() {
    TREES.iter().for_each(fails);
}

#[test]
fn no_flood_fills_memory() {
    FLOODS.iter().for_each(fails);
}

#[test]
fn every_way_to_stop_is_told() {
    ENDS.iter().for_each(fails);
}

#[test]
fn every_attack_of_the_kernel_is_tried() {
    let source = fs::read_to_string(sources().join("main.c")).unwrap();
    let names = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("{\""))
        .map(|line| line.split('"').next().unwrap());
    let tried = [AGENTS, TREES, FLOODS, ENDS].concat();
    assert!(names.clone().count() >= 20);
    for name in names {
        assert!(tried.iter().any(|(attack, ..)| *attack == name), "{name}");
    }
}

/// The attack fails the scenario, the report says so, and no line of it at the left margin says otherwise.
fn fails((attack, scenario, told): &Attack) {
    let image = image_with(attack);
    let stdout = image.path().join("stdout");
    let started = Instant::now();
    let mut command = command();
    command
        .args(["run", "--log", "--image"])
        .args([image.path(), Path::new(scenario)])
        .stdout(fs::File::create(&stdout).unwrap())
        .stderr(Stdio::inherit());
    let ended = command.spawn().unwrap().wait4().unwrap();
    let report = fs::read_to_string(&stdout).unwrap();
    println!(
        "{attack:24} {:4} ms {:4} MiB at most, {:4} KiB of report",
        started.elapsed().as_millis(),
        ended.rusage.maxrss >> 20,
        report.len() >> 10
    );
    assert_eq!(ended.status.code(), Some(1), "{attack}: {report}");
    assert!(report.contains(told), "{attack}: no {told:?} in {report}");
    assert!(
        !report.lines().any(|line| line.starts_with("PASS")),
        "{attack}: {report}"
    );
    assert!(
        ended.rusage.maxrss <= MOST_BYTES,
        "{attack}: {} bytes",
        ended.rusage.maxrss
    );
}

/// The shipped image with a kernel that makes this attack.
fn image_with(attack: &str) -> TempDir {
    let shipped = &*SHIPPED;
    let dir = tempfile::tempdir().unwrap();
    let mut kernel = KERNEL.clone();
    let mark = b"attack=";
    let at = kernel
        .windows(mark.len())
        .position(|bytes| bytes == mark)
        .unwrap()
        + mark.len();
    kernel[at..][..attack.len()].copy_from_slice(attack.as_bytes());
    fs::write(dir.path().join("kernel"), kernel).unwrap();
    fs::copy(&shipped.initrd, dir.path().join("initrd")).unwrap();
    fs::create_dir(dir.path().join("programs")).unwrap();
    for program in fs::read_dir(&shipped.program_dir).unwrap().map(Result::unwrap) {
        if program.file_type().unwrap().is_file() {
            let name = dir.path().join("programs").join(program.file_name());
            fs::copy(program.path(), name).unwrap();
        }
    }
    dir
}

static SHIPPED: LazyLock<GuestImage> =
    LazyLock::new(|| image::ensure(ImageKind::Shipped, &*image::to_stderr()).unwrap());

/// The kernel's file, without the name of an attack.
static KERNEL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let kernel = dir.path().join("kernel");
    let status = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()))
        .args("-m64 -O1 -ffreestanding -nostdlib -static -fno-pic -no-pie -mcmodel=kernel".split(' '))
        .args("-fno-stack-protector -mno-red-zone -mgeneral-regs-only".split(' '))
        .args("-fno-asynchronous-unwind-tables -Wall -Wextra -Werror".split(' '))
        .args("-Wl,-z,max-page-size=4096,--build-id=none -T link.ld boot.S".split(' '))
        .args(["main.c", "agents.c", "trees.c", "floods.c", "ends.c"])
        .arg("-o")
        .arg(&kernel)
        .current_dir(sources())
        .status();
    assert!(status.unwrap().success(), "the C compiler failed");
    fs::read(kernel).unwrap()
});

fn sources() -> PathBuf {
    workspace().join("vmm/tests/bank/kernel")
}
