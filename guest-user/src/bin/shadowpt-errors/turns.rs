//! Calls that come at the wrong time, or by the wrong process.

use abi::linux::mman::{MAP_FIXED_NOREPLACE, MAP_PRIVATE};
use guest_user::child;

use crate::{READ_WRITE, Setting, fact, hole, in_child, says, untouched};

pub(crate) fn cases(setting: Setting) {
    let calls = setting.calls;
    let frame_of_range = {
        let table = setting.open().expect("shadowpt_open");
        calls.start().expect("shadowpt_start");
        let frame = table.entry(0).pfn;
        calls.close().expect("shadowpt_close");
        frame
    };
    let buffer = untouched(1);
    fact("close without a table", calls.close());
    fact("start without a table", calls.start());
    fact("stop without a table", calls.stop());
    fact(
        "page contents without a table",
        calls.page_contents(frame_of_range, buffer),
    );

    let table = setting.open().expect("shadowpt_open");
    fact("a second table", setting.open());
    fact("a second table in bad memory", setting.try_open_in(hole()));
    fact("a second table of nobody", setting.try_open(-1, 0, 0));
    fact("stop before a start", calls.stop());
    fact("start", calls.start());
    fact("start once more", calls.start());
    in_child("a child", || {
        fact("  open", setting.open());
        fact("  start", calls.start());
        fact("  stop", calls.stop());
        fact("  close", calls.close());
    });
    says(
        "a child's load from the entries",
        child::run(|| {
            let _ = table.entries().load(0);
        }),
    );
    in_child("a child that maps memory where the entries are", || {
        let free = table
            .entries()
            .map_here(READ_WRITE, MAP_PRIVATE | MAP_FIXED_NOREPLACE);
        fact("  mmap", free);
    });
    fact("stop", calls.stop());
    fact("stop once more", calls.stop());
    fact("close", calls.close());
    fact("close once more", calls.close());
    says("the memory afterwards is zero", table.entries().load_u64(0) == 0);
    table.entries().store(0, 1);
    says("and can be written", table.entries().load(0) == 1);

    in_child("a child that opens one, and ends", || {
        fact("  open", setting.open());
    });
}
