//! Making a sequence shorter as long as it is still of interest.

/// Leaves out runs of elements, long ones first and then shorter ones, as long as what is left `is_wanted`, and gives what
/// is left in the end: no single element of it can go.
///
/// # Errors
/// Those of `is_wanted`.
pub(super) fn shorten<T: Clone, E>(
    mut sequence: Vec<T>,
    mut is_wanted: impl FnMut(&[T]) -> Result<bool, E>,
) -> Result<Vec<T>, E> {
    let mut run = sequence.len().div_ceil(2);
    while run > 0 {
        let mut start = sequence.len();
        let mut has_shrunk = false;
        // From the end: what comes after the fault goes at once.
        while start > 0 {
            let end = start;
            start = start.saturating_sub(run);
            let mut shorter = sequence.clone();
            shorter.drain(start..end);
            if is_wanted(&shorter)? {
                sequence = shorter;
                has_shrunk = true;
            }
        }
        run = if run == 1 && has_shrunk { 1 } else { run / 2 };
    }
    Ok(sequence)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::shorten;

    #[test]
    fn what_is_left_is_what_is_needed() {
        let mut runs = 0;
        let Ok(left) = shorten((0..100).collect(), |some: &[i32]| {
            runs += 1;
            Ok::<_, Infallible>(some.contains(&13) && some.contains(&77))
        });
        assert_eq!(left, [13, 77]);
        assert!(runs < 60, "{runs} runs");
    }

    #[test]
    fn elements_that_can_only_go_together_or_after_another_go() {
        // 3 can go only when 5 is gone.
        let Ok(left) = shorten((0..8).collect(), |some: &[i32]| {
            Ok::<_, Infallible>(some.contains(&1) && (some.contains(&3) || !some.contains(&5)))
        });
        assert_eq!(left, [1]);
    }
}
