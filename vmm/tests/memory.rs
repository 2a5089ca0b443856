//! The VMM is small: what it uses beside the guest's own memory has a limit.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::fs;

use vm_memory::{GuestAddress, GuestMemoryBackend};

#[path = "support/live_guest.rs"]
mod live_guest;
use live_guest::LiveGuest;

/// Most memory beside the guest's, in KiB.
const LIMIT_KIB: u64 = 10 << 10;

#[test]
fn the_vmm_needs_less_than_10_mib_beside_the_guests_memory() {
    let mut guest = LiveGuest::with_full_memory(&live_guest::image());
    guest.read();
    guest.audit();
    let guest_kib = resident_kib(guest.stop().memory().get_host_address(GuestAddress(0)).unwrap() as usize);
    assert!(
        guest_kib > 20 << 10,
        "the guest has filled its memory, found {guest_kib} KiB"
    );
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let own_kib = kib_of(&status, "VmHWM:").unwrap() - guest_kib;
    println!("{own_kib} KiB beside {guest_kib} KiB of guest memory");
    assert!(
        own_kib < LIMIT_KIB,
        "expected less than {LIMIT_KIB} KiB, found {own_kib}"
    );
}

/// Resident part of the mapping that holds `address`.
fn resident_kib(address: usize) -> u64 {
    let mappings = fs::read_to_string("/proc/self/smaps").unwrap();
    let mut inside = false;
    for line in mappings.lines() {
        if let Some((start, end)) = range(line) {
            inside = (start..end).contains(&address);
        } else if inside && let Some(kib) = kib_of(line, "Rss:") {
            return kib;
        }
    }
    panic!("no mapping holds {address:#x}");
}

/// The range that a mapping's first line begins with.
fn range(line: &str) -> Option<(usize, usize)> {
    let (start, end) = line.split_whitespace().next()?.split_once('-')?;
    Some((
        usize::from_str_radix(start, 16).ok()?,
        usize::from_str_radix(end, 16).ok()?,
    ))
}

/// The number behind a key of `/proc`.
fn kib_of(text: &str, key: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(key))?;
    value.split_whitespace().next()?.parse().ok()
}
