//! What a user waits for: a scenario, the boot in it, one step, and the audit after each step.
//!
//! `cargo bench -p vmm` measures all of it on the host's KVM. Aims, on a machine where KVM interprets the guest's kernel:
//! `cow.json` in 100 ms, the boot in 25 ms, the audit of a full 32 MiB guest in 5 ms.

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use criterion::Criterion;
use vmm::image::GuestImage;

#[path = "../tests/support/live_guest.rs"]
mod live_guest;
use live_guest::LiveGuest;

fn main() {
    let image = live_guest::image();
    let mut criterion = Criterion::default()
        .sample_size(20)
        .measurement_time(Duration::from_secs(5))
        .configure_from_args();
    scenario(&mut criterion);
    boot(&mut criterion, &image);
    let mut guest = LiveGuest::with_full_memory(&image);
    step(&mut criterion, &mut guest);
    criterion.bench_function("audit of a full 32 MiB guest", |bencher| {
        bencher.iter(|| guest.audit());
    });
    criterion.final_summary();
}

/// From the start of the process to its end, with the image built already.
fn scenario(criterion: &mut Criterion) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/cow.json");
    criterion.bench_function("vmm cow.json, process start to verdict", |bencher| {
        bencher.iter(|| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_vmm"));
            let status = command.arg(&file).stdout(Stdio::null()).status();
            assert!(status.expect("the command starts").success(), "cow.json passes");
        });
    });
}

/// From the guest's first instruction to the first one of its first program.
fn boot(criterion: &mut Criterion, image: &GuestImage) {
    let (_, boot) = live_guest::boot(image);
    println!("boot: {} exits", boot.exits);
    criterion.bench_function("boot, first instruction to first user instruction", |bencher| {
        bencher.iter_custom(|iterations| {
            let boots = (0..iterations).map(|_| live_guest::boot(image).1.time);
            black_box(boots.sum())
        });
    });
}

/// One `read` of four bytes, without the audit that follows a step.
fn step(criterion: &mut Criterion, guest: &mut LiveGuest) {
    let before = guest.stop().exits();
    guest.read();
    println!("step: {} exits", guest.stop().exits() - before);
    criterion.bench_function("one step, reading four bytes", |bencher| {
        bencher.iter(|| guest.read());
    });
}
