//! Users and groups of users: who may become whom, and who may send signals to whom.
//!
//! What is right depends on whose process this is, the superuser's or not. So a line says that it is, or else what came instead.
#![no_std]
#![no_main]

use abi::linux::errno::{EINVAL, EPERM, ESRCH};
use abi::linux::process::{SIGKILL, SIGTERM, SIGUSR1};
use guest_user::syscall::credentials::{
    effective_group_id, effective_user_id, group_id, set_group_id, set_user_id, user_id,
};
use guest_user::syscall::process::{self, WaitOutcome};
use guest_user::syscall::signal::{SignalSet, block, wait_for};
use guest_user::syscall::{Errno, as_it_should_be};
use guest_user::{Arguments, Board, child, println, program};

program!(main);

const SOMEBODY: u32 = 54_321;
const SOMEBODY_ELSE: u32 = 54_322;
const SOME_GROUP: u32 = 54_323;

const OK: Result<(), Errno> = Ok(());
const REFUSED: Result<(), Errno> = Err(Errno(EPERM));
/// Words on boards.
const READY: u64 = 0;

fn main(_: Arguments) -> i32 {
    let ids = Ids::now();
    println!("real and effective ids are the same: {}", ids.are_the_same());
    println!("a child's changes: {}", child::run(|| changes(ids)));
    println!("they are the child's alone: {}", Ids::now() == ids);
    println!("a child's signals: {}", child::run(|| signals(ids)));
    from_the_superuser();
    0
}

fn changes(before: Ids) {
    let for_superuser = before.for_superuser(OK, REFUSED);
    let invalid = Err(Errno(EINVAL));
    fact("nobody's user", set_user_id(u32::MAX), invalid);
    fact("nobody's group", set_group_id(u32::MAX), invalid);
    fact("another group", set_group_id(SOME_GROUP), for_superuser);
    fact("another user", set_user_id(SOMEBODY), for_superuser);
    let after = Ids::now();
    println!("  all or nothing: {}", after.are_the_same());
    fact("the same user", set_user_id(after.user), OK);
    fact("the same group", set_group_id(after.group), OK);
    fact("the superuser", set_user_id(0), REFUSED);
    fact("somebody else", set_user_id(SOMEBODY_ELSE), REFUSED);
    fact("the superuser's group", set_group_id(0), REFUSED);
    println!("  nothing has changed: {}", Ids::now() == after);
    let child = child::run(|| process::exit(i32::from(Ids::now() == after)));
    println!("  a child is the same user's: {}", child::exited_with(child, 1));
}

fn signals(before: Ids) {
    let parent = process::parent_process_id();
    let _ = set_user_id(SOMEBODY);
    let to_parent = before.for_superuser(REFUSED, OK);
    fact("whether the parent is there", send(parent, 0), to_parent);
    fact("no signal", send(parent, 65), Err(Errno(EINVAL)));
    fact("to nobody", send(i32::MAX, SIGTERM), Err(Errno(ESRCH)));
    let same = child::start(child::wait_for_ever);
    fact("to the same user", send(same, SIGKILL), OK);
    println!("  it ended with: {}", WaitOutcome(process::wait(same, 0)));

    let set = SignalSet::of(&[SIGUSR1]);
    block(set).expect("rt_sigprocmask");
    fact("to itself", send(process::process_id(), SIGUSR1), OK);
    let taken = wait_for(set, None).expect("rt_sigtimedwait");
    println!("  it comes from the same user: {}", taken.uid == user_id());
}

/// Or from a user to himself, if this is not the superuser's process.
fn from_the_superuser() {
    let board = Board::new();
    let somebody = child::start(|| {
        let _ = set_user_id(SOMEBODY);
        board.post(READY, 1);
        child::wait_for_ever();
    });
    board.wait_for(READY, 1);
    fact("to somebody", send(somebody, SIGTERM), OK);
    println!("  it ended with: {}", WaitOutcome(process::wait(somebody, 0)));
}

fn send(pid: i32, signal: u32) -> Result<(), Errno> {
    process::kill(pid, signal.into()).map(drop)
}

fn fact(what: &str, found: Result<(), Errno>, right: Result<(), Errno>) {
    println!("  {what}: {}", as_it_should_be(found, right));
}

/// Whose process this is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ids {
    user: u32,
    effective_user: u32,
    group: u32,
    effective_group: u32,
}

impl Ids {
    fn now() -> Self {
        Self {
            user: user_id(),
            effective_user: effective_user_id(),
            group: group_id(),
            effective_group: effective_group_id(),
        }
    }

    fn are_the_same(self) -> bool {
        self.user == self.effective_user && self.group == self.effective_group
    }

    fn for_superuser<T>(self, superuser: T, others: T) -> T {
        if self.effective_user == 0 {
            superuser
        } else {
            others
        }
    }
}
