//! Callers that are not the superuser.

use guest_user::syscall::credentials::set_user_id;

use crate::{Setting, fact, hole, in_child, untouched};

const SOMEBODY: u32 = 54_321;

pub(crate) fn cases(setting: Setting) {
    let calls = setting.calls;
    let as_somebody = |what: &str, body: &dyn Fn()| {
        in_child(what, || {
            set_user_id(SOMEBODY).expect("setuid");
            body();
        });
    };
    as_somebody("somebody, without a table", &|| {
        fact("  open", setting.open());
        fact("  open in bad memory", setting.try_open_in(hole()));
        fact("  open of nobody", setting.try_open(-1, 0, 0));
        fact("  close", calls.close());
        fact("  page contents", calls.page_contents(0, untouched(1)));
    });

    let table = setting.open().expect("shadowpt_open");
    calls.start().expect("shadowpt_start");
    let frame = table.entry(0).pfn;
    as_somebody("somebody, while the superuser has a table", &|| {
        fact("  open", setting.open());
        fact("  start", calls.start());
        fact("  stop", calls.stop());
        fact("  close", calls.close());
        fact("  page contents", calls.page_contents(frame, untouched(1)));
    });
    calls.close().expect("shadowpt_close");

    in_child("somebody who was the superuser when he opened it", || {
        setting.open().expect("shadowpt_open");
        set_user_id(SOMEBODY).expect("setuid");
        fact("  start", calls.start());
        fact("  page contents", calls.page_contents(frame, untouched(1)));
        fact("  stop", calls.stop());
        fact("  close", calls.close());
        fact("  open again", setting.open());
    });
}
