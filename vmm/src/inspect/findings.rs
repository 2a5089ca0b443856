//! A list that a hostile guest cannot make long.

/// Findings in the order in which they were made. Keeps the first [`Findings::LIMIT`] and counts the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings<T> {
    kept: Vec<T>,
    omitted: u64,
}

impl<T> Findings<T> {
    /// Most findings that are kept. Nobody reads more, and a guest can make as many as it has page-table entries.
    pub const LIMIT: usize = 256;

    /// No findings.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            kept: Vec::new(),
            omitted: 0,
        }
    }

    /// Adds a finding, or counts it if there are too many.
    pub fn push(&mut self, finding: T) {
        self.push_with(|| finding);
    }

    /// Adds a finding, or counts it without making it if there are too many.
    pub fn push_with(&mut self, finding: impl FnOnce() -> T) {
        if self.kept.len() < Self::LIMIT {
            self.kept.push(finding());
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }

    /// True if nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The findings that were kept.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.kept
    }

    /// Number of findings that were not kept.
    #[must_use]
    pub const fn omitted(&self) -> u64 {
        self.omitted
    }

    /// The same findings in the terms of another stage.
    #[must_use]
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Findings<U> {
        Findings {
            kept: self.kept.into_iter().map(convert).collect(),
            omitted: self.omitted,
        }
    }

    /// Adds all findings of another list.
    pub fn append(&mut self, other: Self) {
        self.omitted = self.omitted.saturating_add(other.omitted);
        self.extend(other.kept);
    }
}

impl<T> Default for Findings<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Extend<T> for Findings<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, findings: I) {
        for finding in findings {
            self.push(finding);
        }
    }
}

impl<T> IntoIterator for Findings<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.kept.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Findings<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.kept.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_past_the_limit_are_counted_and_not_kept() {
        let mut findings = Findings::new();
        findings.extend(0..Findings::<usize>::LIMIT + 3);
        assert_eq!(findings.as_slice().len(), Findings::<usize>::LIMIT);
        assert_eq!(findings.omitted(), 3);

        let mut twice = findings.clone();
        twice.append(findings);
        assert_eq!(twice.omitted(), 3 + 3 + Findings::<usize>::LIMIT as u64);
    }
}
