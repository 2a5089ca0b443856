//! "Did you mean".

use std::fmt::Write as _;

/// Least similarity, of 1, at which a name is worth suggesting.
const NEAR: f64 = 0.7;
/// Shortest ending of a name that still points to it, in bytes.
const MIN_ENDING: usize = 3;

/// What to do about the unknown name `found`, when the known names are these; `what` is their noun, in the plural.
pub(super) fn instead_of(found: &str, what: &str, known: &[&str]) -> String {
    let mut help = String::new();
    if let Some(near) = nearest(found, known) {
        let _ = write!(help, "did you mean `{near}`? ");
    }
    if known.is_empty() {
        let _ = write!(help, "there are no {what} here");
    } else {
        let listed: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        let _ = write!(help, "known {what}: {}", listed.join(", "));
    }
    help
}

/// The known name that `found` was most likely meant to be.
#[must_use]
pub fn nearest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    let found = found.to_lowercase();
    let similarity = |name: &str| {
        let name = name.to_lowercase();
        // The end of a long name, such as SEGV, is unlike the whole of it letter by letter.
        if found.len() >= MIN_ENDING && name.ends_with(&found) {
            NEAR
        } else {
            strsim::jaro_winkler(&found, &name)
        }
    };
    let scored = known.iter().map(|name| (*name, similarity(name)));
    let (best, similarity) = scored.max_by(|one, other| one.1.total_cmp(&other.1))?;
    (similarity >= NEAR).then_some(best)
}
