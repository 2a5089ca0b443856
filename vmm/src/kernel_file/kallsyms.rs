//! The names that a Linux has of itself (`CONFIG_KALLSYMS`), for one whose file has no symbol table: that of a distribution.
//!
//! `scripts/kallsyms.c` of Linux writes them into the kernel as tables without a head. Names are sequences of 256 tokens, whose texts are one
//! of the tables. They are found by what must be true of them: the tokens for the ten digits are the digits, so the text `0 1 2 ... 9` with
//! zeros between stands in every kernel; an index says where each token begins; a table of markers says where each 256th name does. In Linux 6.4
//! and before addresses lie before the names, in later ones behind the tokens.

use std::iter;

/// Most symbols that are read. Linux has some hundred thousand.
const MAX_SYMBOLS: u32 = 1 << 20;
const FEWEST_SYMBOLS: u32 = 16;
/// Most bytes of a name, its kind included (`KSYM_NAME_LEN`).
const MAX_NAME_BYTES: usize = 512;
/// Most bytes that names take, before the tokens.
const MAX_NAMES_BYTES: usize = 16 << 20;
/// Most names that are tried on the way to the right ones.
const MAX_TRIES: usize = 64 << 20;

const TOKENS: usize = 256;
/// Names between two markers.
const NAMES_A_MARKER: usize = 256;
/// Tables lie at multiples of this many bytes.
const ALIGNMENT: usize = 8;
/// Where a Linux for x86-64 lies: addresses of symbols are counted from somewhere there.
const KERNEL_HALF: u64 = 0xffff_8000_0000_0000;

/// A symbol of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Symbol {
    /// What it is, as in `nm`: `T` or `t` is a function.
    pub(super) kind: u8,
    pub(super) name: Vec<u8>,
    pub(super) address: u64,
}

/// All that a kernel names, in the order of its table. None when it has no such tables.
pub(super) fn symbols(kernel: &[u8]) -> Option<Vec<Symbol>> {
    let tokens = Tokens::find(kernel)?;
    let names = Names::find(kernel, tokens.start)?;
    let addresses = addresses(kernel, &names, tokens.end)?;
    let texts = names.texts(kernel, &tokens);
    let symbols = texts.zip(addresses).map(|(text, address)| {
        let text = text?;
        let (kind, name) = text.split_first()?;
        Some(Symbol {
            kind: *kind,
            name: name.to_vec(),
            address,
        })
    });
    symbols.collect()
}

/// The texts that names consist of.
struct Tokens<'k> {
    texts: Vec<&'k [u8]>,
    /// Where the table begins in the file.
    start: usize,
    /// Where the index ends that follows it.
    end: usize,
}

impl<'k> Tokens<'k> {
    fn find(kernel: &'k [u8]) -> Option<Tokens<'k>> {
        let digits: Vec<u8> = (b'0'..=b'9').flat_map(|digit| [digit, 0]).collect();
        let mut places = kernel
            .windows(digits.len())
            .enumerate()
            .filter(|(_, window)| *window == digits);
        places.find_map(|(at, _)| Tokens::around(kernel, at))
    }

    /// The table in which the text of the digits lies at `digits_at`.
    fn around(kernel: &'k [u8], digits_at: usize) -> Option<Tokens<'k>> {
        let zero = usize::from(b'0');
        let mut end = digits_at;
        for _ in zero..TOKENS {
            end += kernel
                .get(end..)?
                .iter()
                .take(MAX_NAME_BYTES)
                .position(|byte| *byte == 0)?
                + 1;
        }
        let index_at = end.next_multiple_of(ALIGNMENT);
        let index: Vec<usize> = (0..TOKENS)
            .map(|number| {
                Some(usize::from(u16::from_le_bytes(read(
                    kernel,
                    index_at + 2 * number,
                )?)))
            })
            .collect::<Option<_>>()?;
        let start = digits_at.checked_sub(index[zero])?;
        let ends = index.iter().skip(1).copied().chain(iter::once(end - start));
        let texts = index.iter().zip(ends).map(|(&begin, end)| {
            // Each is followed by a zero.
            let text = kernel.get(start + begin..start + end)?;
            let (last, text) = text.split_last()?;
            (*last == 0 && !text.contains(&0)).then_some(text)
        });
        let texts: Vec<&[u8]> = texts.collect::<Option<_>>()?;
        (index[0] == 0).then_some(Tokens {
            texts,
            start,
            end: index_at + 2 * TOKENS,
        })
    }
}

/// The table of names.
struct Names {
    count: usize,
    /// Where their number stands, and the first of them.
    count_at: usize,
    first_at: usize,
}

impl Names {
    /// The names that lie closest before the tokens.
    fn find(kernel: &[u8], tokens_at: usize) -> Option<Names> {
        let nearest = tokens_at / ALIGNMENT * ALIGNMENT;
        let mut tries = MAX_TRIES;
        (1..=MAX_NAMES_BYTES / ALIGNMENT).find_map(|step| {
            let count_at = nearest.checked_sub(step * ALIGNMENT)?;
            // The number has 32 bits, and the table begins at the next multiple.
            let count = u64::from_le_bytes(read(kernel, count_at)?);
            let is_likely = (FEWEST_SYMBOLS.into()..=MAX_SYMBOLS.into()).contains(&count);
            let names = Names {
                count: usize::try_from(count).ok()?,
                count_at,
                first_at: count_at + ALIGNMENT,
            };
            (is_likely && names.agree_with_markers(kernel, tokens_at, &mut tries)).then_some(names)
        })
    }

    /// Whether there are so many names, and the markers behind them say where they are.
    fn agree_with_markers(&self, kernel: &[u8], tokens_at: usize, tries: &mut usize) -> bool {
        let mut at = self.first_at;
        let mut markers = Vec::new();
        for number in 0..self.count {
            if number % NAMES_A_MARKER == 0 {
                markers.push((at - self.first_at) as u32);
            }
            *tries = tries.saturating_sub(1);
            match entry(kernel, at) {
                Some((_, end)) if end <= tokens_at && *tries > 0 => at = end,
                _ => return false,
            }
        }
        let markers_at = at.next_multiple_of(ALIGNMENT);
        let found =
            (0..markers.len()).map(|number| read(kernel, markers_at + 4 * number).map(u32::from_le_bytes));
        found.eq(markers.iter().copied().map(Some))
    }

    /// Each with its kind before it; None for one that is longer than any.
    fn texts<'a>(
        &self,
        kernel: &'a [u8],
        tokens: &'a Tokens<'_>,
    ) -> impl Iterator<Item = Option<Vec<u8>>> + 'a {
        let mut at = self.first_at;
        (0..self.count).map(move |_| {
            let (parts, end) = entry(kernel, at)?;
            at = end;
            let mut text = Vec::new();
            for part in parts {
                text.extend_from_slice(tokens.texts[usize::from(*part)]);
                if text.len() > MAX_NAME_BYTES {
                    return None;
                }
            }
            Some(text)
        })
    }
}

/// The tokens of the name at a place in the file, and where it ends.
fn entry(kernel: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let first = usize::from(*kernel.get(at)?);
    // A long one has its length in two bytes, seven bits in the first.
    let (len, at) = if first & 0x80 == 0 {
        (first, at + 1)
    } else {
        (first & 0x7f | usize::from(*kernel.get(at + 1)?) << 7, at + 2)
    };
    let parts = kernel.get(at..at + len).filter(|parts| !parts.is_empty())?;
    Some((parts, at + len))
}

/// Where the symbols are: each is told by its distance from a base.
fn addresses(kernel: &[u8], names: &Names, tokens_end: usize) -> Option<Vec<u64>> {
    let table_bytes = (4 * names.count).next_multiple_of(ALIGNMENT);
    let behind = tokens_end.next_multiple_of(ALIGNMENT);
    let before = names.count_at.checked_sub(ALIGNMENT);
    let places = [
        before.and_then(|base_at| Some((base_at.checked_sub(table_bytes)?, base_at))),
        Some((behind, behind + table_bytes)),
    ];
    places.into_iter().flatten().find_map(|(table_at, base_at)| {
        let base = u64::from_le_bytes(read(kernel, base_at)?);
        let offsets: Vec<i32> = (0..names.count)
            .map(|number| Some(i32::from_le_bytes(read(kernel, table_at + 4 * number)?)))
            .collect::<Option<_>>()?;
        // With variables of each processor, which have low addresses, all others are negative and begin at -1.
        let has_low = offsets.iter().any(|offset| *offset < 0);
        let address = |offset: i32| match (has_low, offset) {
            (true, ..0) => base.wrapping_add_signed(-1 - i64::from(offset)),
            (true, _) => u64::from(offset.unsigned_abs()),
            (false, _) => base.wrapping_add(u64::from(offset.unsigned_abs())),
        };
        (base >= KERNEL_HALF).then(|| offsets.into_iter().map(address).collect())
    })
}

fn read<const LEN: usize>(kernel: &[u8], at: usize) -> Option<[u8; LEN]> {
    kernel.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const BASE: u64 = 0xffff_ffff_8100_0000;

    /// Where addresses lie, and how they are told.
    #[derive(Clone, Copy, Debug)]
    enum Layout {
        BeforeNames,
        BehindTokens,
    }

    /// Three hundred functions, with what lies around them in a kernel.
    pub(crate) fn kernel() -> Vec<u8> {
        written(Layout::BeforeNames, true)
    }

    fn name(number: usize) -> String {
        format!("function_{number}")
    }

    fn written(layout: Layout, has_low: bool) -> Vec<u8> {
        let mut kernel = b"what a kernel has beside them: 0123456789 and 0\x001\x002\x00".to_vec();
        let align = |kernel: &mut Vec<u8>| kernel.resize(kernel.len().next_multiple_of(ALIGNMENT), 0);
        let offsets = |kernel: &mut Vec<u8>| {
            for number in 0..300_i32 {
                let offset = if has_low { -1 - 16 * number } else { 16 * number };
                kernel.extend(offset.to_le_bytes());
            }
            align(kernel);
            kernel.extend(BASE.to_le_bytes());
        };
        align(&mut kernel);
        if let Layout::BeforeNames = layout {
            offsets(&mut kernel);
        }
        kernel.extend(300_u64.to_le_bytes());
        let first_at = kernel.len();
        let mut markers = Vec::new();
        for number in 0..300 {
            if number % NAMES_A_MARKER == 0 {
                markers.push((kernel.len() - first_at) as u32);
            }
            let text = format!("T{}", name(number));
            kernel.push(text.len() as u8);
            kernel.extend(text.as_bytes());
        }
        align(&mut kernel);
        markers
            .iter()
            .for_each(|marker| kernel.extend(marker.to_le_bytes()));
        align(&mut kernel);
        let start = kernel.len();
        let mut index = Vec::new();
        for token in 0..=u8::MAX {
            index.push((kernel.len() - start) as u16);
            kernel.extend([token.max(1), 0]);
        }
        align(&mut kernel);
        index.iter().for_each(|at| kernel.extend(at.to_le_bytes()));
        if let Layout::BehindTokens = layout {
            offsets(&mut kernel);
        }
        kernel
    }

    #[test]
    fn names_and_addresses_are_found_in_each_layout() {
        for layout in [Layout::BeforeNames, Layout::BehindTokens] {
            for has_low in [true, false] {
                let found = symbols(&written(layout, has_low)).unwrap();
                assert_eq!(found.len(), 300, "{layout:?}");
                for (number, symbol) in found.iter().enumerate() {
                    let expected = Symbol {
                        kind: b'T',
                        name: name(number).into_bytes(),
                        address: BASE + 16 * number as u64,
                    };
                    assert_eq!(*symbol, expected);
                }
            }
        }
    }

    #[test]
    fn what_is_damaged_anywhere_is_no_table_or_another_one_and_never_a_panic() {
        let kernel = kernel();
        for at in (0..kernel.len()).step_by(3) {
            let mut damaged = kernel.clone();
            damaged[at] ^= 0xff;
            if let Some(found) = symbols(&damaged) {
                assert_eq!(found.len(), 300);
            }
            symbols(&kernel[..at]);
        }
    }
}
