//! Debian's version numbers, as far as they have to be compared with a compiler's.

/// Whether a package version, as in `1:1.95.0+dfsg1-2~bpo13+1`, is a packaging of the upstream release `1.95.0`.
pub(super) fn is_release(version: &str, release: &str) -> bool {
    let without_epoch = version.split_once(':').map_or(version, |(_, rest)| rest);
    let upstream = without_epoch
        .rsplit_once('-')
        .map_or(without_epoch, |(upstream, _)| upstream);
    // What follows a plus sign is Debian's repackaging (`+dfsg1`, `+dfsg1~exp2`), which leaves the library as it is.
    upstream.split_once('+').map_or(upstream, |(plain, _)| plain) == release
}

#[cfg(test)]
mod tests {
    use super::is_release;

    #[test]
    fn a_packaging_of_the_release_matches_whatever_its_revision_and_suite() {
        for version in [
            "1.95.0",
            "1.95.0-1",
            "1.95.0+dfsg1-2",
            "1.95.0+dfsg1-2~bpo13+1",
            "1.95.0+dfsg1~exp1-1",
            "2:1.95.0-1",
        ] {
            assert!(is_release(version, "1.95.0"), "{version}");
        }
    }

    #[test]
    fn another_release_does_not_match_even_if_it_begins_alike() {
        for version in [
            "1.95.1+dfsg1-1",
            "1.95.0~beta.3+dfsg1-1",
            "11.95.0-1",
            "1.9-1",
            "1.95.0.1-1",
            "",
        ] {
            assert!(!is_release(version, "1.95.0"), "{version}");
        }
    }
}
