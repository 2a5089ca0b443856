//! `vmm doctor`: what this machine can do, and what to do about what is missing.

use vmm::doctor::{self, Check, State};

use super::{Shown, Status, print_line};

/// Tells of everything that was tried.
pub(super) fn doctor() -> Result<Status, Shown> {
    let checks = doctor::examine();
    for Check { name, need, state } in &checks {
        print_line(&match state {
            State::There { found } => format!("ok       {name}: {}", found.below("         ")),
            State::Missing { found, mend } => format!(
                "missing  {name}: {}\n         needed {need}\n         to mend it: {mend}",
                found.below("         ")
            ),
        })?;
    }
    let wanting: Vec<&str> = checks
        .iter()
        .filter(|check| check.is_wanting())
        .map(|check| check.name)
        .collect();
    if wanting.is_empty() {
        print_line("\nThis machine can build the guest and run scenarios.")?;
        Ok(Status::Passed)
    } else {
        print_line(&format!("\nThis machine lacks: {}.", wanting.join(", ")))?;
        Ok(Status::CouldNotTell)
    }
}
