//! Ranges that are none.

use abi::PAGE_SIZE;
use abi::paging::USER_END;

use crate::{Setting, fact};

pub(crate) fn cases(setting: Setting) {
    let (start, end) = (setting.start(), setting.end());
    let open = |start, end| setting.try_open(setting.target, start, end);
    fact("nothing", open(start, start));
    fact("an end before the start", open(end, start));
    fact("a misaligned start", open(start + 1, end));
    fact("a misaligned end", open(start, end - 1));
    fact("both misaligned", open(start + 8, end + 8));
    fact(
        "a page in the kernel's half",
        open(USER_END, USER_END + PAGE_SIZE),
    );
    fact(
        "an end in the kernel's half",
        open(USER_END - 2 * PAGE_SIZE, USER_END + PAGE_SIZE),
    );
    fact("the last page of all", open(u64::MAX - PAGE_SIZE + 1, u64::MAX));
    fact("from the first address to the last", open(0, u64::MAX));
    fact("where the target has nothing", open(end, end + PAGE_SIZE));
    fact("from address 0", open(0, PAGE_SIZE));
}
