//! How long the parts of a run take.

use std::time::{Duration, Instant};

use crate::report::Spent;

/// How long each part of one kind took.
#[derive(Debug, Default)]
pub(super) struct Spans(Vec<Duration>);

impl Spans {
    /// Does one such part.
    pub(super) fn measure<T>(&mut self, part: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = part();
        self.0.push(begun.elapsed());
        done
    }

    pub(super) fn spent(mut self) -> Spent {
        self.0.sort_unstable();
        let microseconds = |span: &Duration| span.as_micros() as u64;
        Spent {
            count: self.0.len(),
            median_microseconds: self.0.get(self.0.len() / 2).map(microseconds),
            total_microseconds: microseconds(&self.0.iter().sum()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle_and_nothing_has_none() {
        let spans = [5, 1, 30].map(Duration::from_micros).to_vec();
        let spent = Spent {
            count: 3,
            median_microseconds: Some(5),
            total_microseconds: 36,
        };
        assert_eq!(Spans(spans).spent(), spent);
        assert_eq!(Spans::default().spent(), Spent::default());
    }
}
