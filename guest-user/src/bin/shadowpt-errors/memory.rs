//! open while the kernel's requests for memory fail, one after the other.

use abi::linux::errno::ENOMEM;
use guest_user::syscall::Errno;
use guest_user::{FailNth, ShadowTable};

use crate::{Setting, says};

/// More than open needs.
const MAX_REQUESTS: u32 = 1000;

pub(crate) fn cases(setting: Setting) {
    let Ok(fail_nth) = FailNth::open() else {
        says("this kernel", "has no /proc/self/fail-nth");
        return;
    };
    let mut refusals = 0;
    let mut others = 0;
    for nth in 1..MAX_REQUESTS {
        let table = ShadowTable::map(setting.start(), setting.end()).expect("mmap");
        let (opened, has_failed) = fail_nth.during(nth, || setting.try_open_in(table.entries()));
        match opened {
            Err(Errno(ENOMEM)) if has_failed => refusals += 1,
            Ok(()) if !has_failed => break,
            _ => others += 1,
        }
        // The same memory is untouched still.
        if setting.try_open_in(table.entries()).is_err() {
            others += 1;
        }
    }
    says(
        "a request that fails is ENOMEM, and the next open succeeds",
        refusals > 0,
    );
    says("anything else", others);
}
