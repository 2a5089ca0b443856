//! A text that nobody wrote: each page is made of its number, whenever it is asked for.

use abi::warehouse::{PAGE_BYTES, mix};

/// Longest line, in bytes.
const LINE_BYTES: usize = 64;

const OPENINGS: [&str; 8] = [
    "In the morning",
    "Before the rain",
    "At the harbour",
    "Long after supper",
    "By the third gate",
    "Under the clock",
    "On the last shelf",
    "Behind the mill",
];
const SUBJECTS: [&str; 12] = [
    "the keeper",
    "an old clerk",
    "the ferryman",
    "a quiet child",
    "the baker's sister",
    "a porter",
    "the watchman",
    "nobody",
    "the miller",
    "a stranger",
    "the archivist",
    "her neighbour",
];
const VERBS: [&str; 12] = [
    "counted",
    "carried",
    "forgot",
    "mended",
    "sold",
    "copied",
    "weighed",
    "hid",
    "remembered",
    "painted",
    "numbered",
    "lost",
];
const OBJECTS: [&str; 12] = [
    "the lanterns",
    "seven barrels",
    "a page of the ledger",
    "the iron keys",
    "every letter",
    "the blue sails",
    "two sacks of barley",
    "a broken compass",
    "the winter coats",
    "the bells",
    "a map of the fens",
    "the empty boxes",
];
const ENDINGS: [&str; 8] = [
    "and said so.",
    "without a word.",
    "as was the custom.",
    "and nobody asked why.",
    "for the second time.",
    "while the kettle sang.",
    "and went home.",
    "until the lamp went out.",
];

/// A page of the text, full to the last byte.
pub(crate) fn page(number: u64) -> [u8; PAGE_BYTES] {
    let mut bytes = Vec::with_capacity(PAGE_BYTES + LINE_BYTES);
    let mut dice = Dice(mix(number));
    let mut column = 0;
    while bytes.len() < PAGE_BYTES {
        let parts = [
            dice.pick(&OPENINGS),
            dice.pick(&SUBJECTS),
            dice.pick(&VERBS),
            dice.pick(&OBJECTS),
            dice.pick(&ENDINGS),
        ];
        for word in parts.iter().flat_map(|part| part.split(' ')) {
            if column == 0 {
                column = word.len();
            } else if column + 1 + word.len() > LINE_BYTES {
                bytes.push(b'\n');
                column = word.len();
            } else {
                bytes.push(b' ');
                column += 1 + word.len();
            }
            bytes.extend_from_slice(word.as_bytes());
        }
    }
    bytes.truncate(PAGE_BYTES);
    bytes.try_into().expect("it was cut to that length")
}

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        self.0 = mix(self.0);
        // The high half; a remainder is fair enough for prose.
        choices[(self.0 >> 32) as usize % choices.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_plain_lines_and_differ() {
        let first = page(0);
        assert_eq!(first, page(0));
        assert_ne!(first[..100], page(1)[..100]);
        assert!(
            first
                .iter()
                .all(|byte| (b' '..=b'~').contains(byte) || *byte == b'\n')
        );
        assert!(
            first
                .split(|byte| *byte == b'\n')
                .all(|line| line.len() <= LINE_BYTES)
        );
    }
}
