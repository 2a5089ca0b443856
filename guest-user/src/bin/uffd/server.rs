//! A thread that serves faults, and what it was told.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering::SeqCst};

use abi::PAGE_SIZE;
use guest_user::thread::{self, Thread};
use guest_user::{Message, Span, Userfaultfd};

use crate::page;

/// How many messages the server has read, and which (the first ones).
static COUNT: AtomicU64 = AtomicU64::new(0);
static TOLD: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

/// How a fault is served.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Service {
    /// By a copy of a page.
    Copy(Span),
    Zeros,
    /// By letting the store be.
    Unprotect,
}

/// Serves so many faults in the background.
pub(crate) fn start(uffd: Userfaultfd, service: Service, count: u64) -> Thread {
    COUNT.store(0, SeqCst);
    thread::spawn(move || {
        for index in 0..count {
            let message = uffd.next_message();
            TOLD[index as usize].store(message.0.flags + 1, SeqCst);
            COUNT.store(index + 1, SeqCst);
            serve(uffd, message, service);
        }
    })
    .expect("clone")
}

/// Serves one fault.
pub(crate) fn serve(uffd: Userfaultfd, message: Message, service: Service) {
    let page = page_of(message);
    match service {
        Service::Copy(from) => uffd.copy(page, from.address(), 0).0.expect("UFFDIO_COPY"),
        Service::Zeros => uffd.fill_with_zeros(page, 0).0.expect("UFFDIO_ZEROPAGE"),
        Service::Unprotect => uffd.write_protect(page, 0).expect("UFFDIO_WRITEPROTECT"),
    }
}

pub(crate) fn page_of(message: Message) -> Span {
    crate::at(message.address() & !(PAGE_SIZE - 1), PAGE_SIZE)
}

/// Runs `f` while so many faults are served.
pub(crate) fn while_serving<R>(uffd: Userfaultfd, service: Service, count: u64, f: impl FnOnce() -> R) -> R {
    let server = start(uffd, service, count);
    let result = f();
    server.join();
    result
}

/// Runs `f` while the first fault of the span's page `index` is served by a copy.
pub(crate) fn with_copy<R>(uffd: Userfaultfd, from: Span, f: impl FnOnce() -> R) -> R {
    while_serving(uffd, Service::Copy(page(from, 0)), 1, f)
}

/// What the server was told last, for people.
pub(crate) fn told() -> impl fmt::Display {
    fmt::from_fn(|formatter| {
        let count = COUNT.load(SeqCst);
        for (index, told) in TOLD.iter().take(count as usize).enumerate() {
            let mut message = Message(abi::linux::userfaultfd::UffdMsg::default());
            message.0.flags = told.load(SeqCst) - 1;
            let comma = if index == 0 { "" } else { ", " };
            write!(formatter, "{comma}{}", message.kind())?;
        }
        Ok(())
    })
}
