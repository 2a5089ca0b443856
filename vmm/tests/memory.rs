//! The VMM is small: what it uses beside the guest's own memory has a limit.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryRegion};
use vmm::vm::Stop;

#[path = "support/live_guest.rs"]
mod live_guest;
use live_guest::LiveGuest;

/// Most memory beside the guest's, in KiB.
const LIMIT_KIB: u64 = 10 << 10;
/// Bit of an entry of `/proc/self/pagemap`: the page is in memory.
const PRESENT: u64 = 1 << 63;

#[test]
fn the_vmm_needs_less_than_10_mib_beside_the_guests_memory() {
    let mut guest = LiveGuest::with_full_memory(&live_guest::image());
    guest.read();
    guest.audit();
    let guest_kib = guest_kib(&guest.stop());
    assert!(
        guest_kib > 20 << 10,
        "the guest has filled its memory, found {guest_kib} KiB"
    );
    let own_kib = peak_kib() - guest_kib;
    println!("{own_kib} KiB beside {guest_kib} KiB of guest memory");
    assert!(
        own_kib < LIMIT_KIB,
        "expected less than {LIMIT_KIB} KiB, found {own_kib} KiB"
    );
}

/// Guest memory that takes up memory of the host: what the guest has touched.
fn guest_kib(stop: &Stop<'_>) -> u64 {
    let memory = stop.memory();
    let start = memory.get_host_address(GuestAddress(0)).unwrap() as u64;
    let pages = memory.iter().map(GuestMemoryRegion::len).sum::<u64>() / abi::PAGE_SIZE;
    let mut entries = vec![0; 8 * pages as usize];
    let pagemap = File::open("/proc/self/pagemap").unwrap();
    pagemap
        .read_exact_at(&mut entries, start / abi::PAGE_SIZE * 8)
        .unwrap();
    let entries = entries
        .as_chunks()
        .0
        .iter()
        .map(|entry| u64::from_ne_bytes(*entry));
    entries.filter(|entry| entry & PRESENT != 0).count() as u64 * abi::PAGE_SIZE / 1024
}

/// Most memory that this process has ever used, its program included.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    peak.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}
