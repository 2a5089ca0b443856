//! Where pages are, as `/proc/PID/pagemap` tells it: own pages and a child's, what the words say, and who may know.
//!
//! Which frame a page is in is the kernel's choice, so lines say whether two are the same. Who is not the superuser is not told,
//! and then nothing can be said: see [`PageWord::is_with`](guest_user::PageWord::is_with).
//!
//! The argument `user` is for the program's own use: it runs again so, for somebody else.
#![no_std]
#![no_main]

mod files;
mod pages;
mod processes;
mod users;

use guest_user::{Arguments, program};

program!(main);

fn main(arguments: Arguments) -> i32 {
    if arguments.get(1) == Some(users::AGAIN.to_bytes()) {
        users::as_somebody();
        return 0;
    }
    pages::show();
    files::show();
    processes::show();
    users::show();
    0
}
