//! The warehouse: a server that hands out a text page by page, and what it and its clients say to each other.
//!
//! One port has two protocols. The first byte of a connection tells them apart: a digit begins the line protocol, a capital
//! letter the page protocol.
//!
//! **Line protocol**, for people with `nc`: a decimal number of 64 bits (a student's, say) and a newline in; five extracts out, one
//! for each of [`pages_of`] that number; then the server closes. An extract is a line `Page NUMBER of PAGES`, the first
//! [`EXTRACT_BYTES`] bytes of the page, and a newline.
//!
//! **Page protocol**, for programs: requests of [`REQUEST_BYTES`], as many as one likes on a connection, each answered in its
//! order by a header of [`REPLY_BYTES`] and the bytes that it announces. All numbers are little endian.
//!
//! | request | argument | reply | bytes |
//! |---|---|---|---|
//! | [`PAGE`] | page number | [`PAGE`] | the page's 4096; those behind the end of the text are zero |
//! | [`SIZE`] | 0 | [`SIZE`] | 8: bytes of the text |
//! | either | whatever cannot be answered | [`FAIL`] | a message |
//!
//! What is neither request is answered with [`FAIL`], and the server closes.

/// Kind of message: a page.
pub const PAGE: [u8; 4] = *b"PAGE";
/// Kind of message: how long the text is.
pub const SIZE: [u8; 4] = *b"SIZE";
/// Kind of reply: the request cannot be answered.
pub const FAIL: [u8; 4] = *b"FAIL";

/// Bytes of a request: kind, argument.
pub const REQUEST_BYTES: usize = 8;
/// Bytes of a reply's header: kind, the request's argument, number of the bytes that follow.
pub const REPLY_BYTES: usize = 12;
/// Bytes that follow a reply of kind [`PAGE`].
pub const PAGE_BYTES: usize = crate::PAGE_SIZE as usize;
/// Bytes that follow a reply of kind [`SIZE`].
pub const SIZE_BYTES: usize = 8;
/// Most bytes that follow a reply of kind [`FAIL`].
pub const MAX_MESSAGE_BYTES: usize = 256;
/// Bytes of a page that the line protocol shows.
pub const EXTRACT_BYTES: usize = 100;
/// Pages that belong to a number.
pub const PAGES_OF_ID: usize = 5;

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// [`PAGE`] or [`SIZE`].
    pub kind: [u8; 4],
    /// Page number, or 0.
    pub argument: u32,
}

impl Request {
    /// As it goes over the wire.
    #[must_use]
    pub const fn encode(self) -> [u8; REQUEST_BYTES] {
        let ([a, b, c, d], [e, f, g, h]) = (self.kind, self.argument.to_le_bytes());
        [a, b, c, d, e, f, g, h]
    }

    /// From the wire; the kind may be any.
    #[must_use]
    pub const fn decode(bytes: [u8; REQUEST_BYTES]) -> Self {
        let [a, b, c, d, e, f, g, h] = bytes;
        Self {
            kind: [a, b, c, d],
            argument: u32::from_le_bytes([e, f, g, h]),
        }
    }
}

/// The header of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// [`PAGE`], [`SIZE`] or [`FAIL`].
    pub kind: [u8; 4],
    /// The request's.
    pub argument: u32,
    /// Bytes that follow.
    pub len_bytes: u32,
}

impl Reply {
    /// As it goes over the wire.
    #[must_use]
    pub const fn encode(self) -> [u8; REPLY_BYTES] {
        let ([a, b, c, d], [e, f, g, h]) = (self.kind, self.argument.to_le_bytes());
        let [i, j, k, l] = self.len_bytes.to_le_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l]
    }

    /// From the wire; the kind may be any.
    #[must_use]
    pub const fn decode(bytes: [u8; REPLY_BYTES]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
        Self {
            kind: [a, b, c, d],
            argument: u32::from_le_bytes([e, f, g, h]),
            len_bytes: u32::from_le_bytes([i, j, k, l]),
        }
    }
}

/// The pages that belong to a number, among `pages` pages. From five pages on they are distinct, and there is one in each fifth of
/// the text; which one, and in which order the fifths come, [`mix`] decides.
#[must_use]
pub const fn pages_of(id: u64, pages: u64) -> [u64; PAGES_OF_ID] {
    const FIFTHS: u64 = PAGES_OF_ID as u64;
    let mut chosen = [0; PAGES_OF_ID];
    let first = mix(id) % FIFTHS;
    // Five is a prime, so every step from 1 to 4 leads through all fifths.
    let step = 1 + mix(id ^ u64::MAX) % (FIFTHS - 1);
    let mut index = 0;
    while index < PAGES_OF_ID {
        let number = mix(mix(id).wrapping_add(index as u64));
        chosen[index] = if pages >= FIFTHS {
            let fifth = (first + index as u64 * step) % FIFTHS;
            let (start, end) = (bound(pages, fifth), bound(pages, fifth + 1));
            start + number % (end - start)
        } else if pages > 0 {
            number % pages
        } else {
            0
        };
        index += 1;
    }
    chosen
}

/// First page of a fifth; no product that could be too large.
const fn bound(pages: u64, fifth: u64) -> u64 {
    const FIFTHS: u64 = PAGES_OF_ID as u64;
    pages / FIFTHS * fifth + pages % FIFTHS * fifth / FIFTHS
}

/// Scatters numbers: the output function of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014),
/// in which every bit of the number has its say in every bit of the result.
#[must_use]
pub const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_wire() {
        let request = Request {
            kind: PAGE,
            argument: 0x0102_0304,
        };
        assert_eq!(request.encode(), *b"PAGE\x04\x03\x02\x01");
        assert_eq!(Request::decode(request.encode()), request);
        let reply = Reply {
            kind: FAIL,
            argument: 7,
            len_bytes: 0x100,
        };
        assert_eq!(reply.encode(), *b"FAIL\x07\0\0\0\0\x01\0\0");
        assert_eq!(Reply::decode(reply.encode()), reply);
    }

    #[test]
    fn the_five_pages_are_distinct_and_one_of_each_fifth() {
        for pages in [5, 6, 9, 100, 4096, u64::MAX] {
            for id in [0, 1, 21_307_140_051, u64::MAX] {
                let mut chosen = pages_of(id, pages);
                chosen.sort_unstable();
                for (fifth, page) in (0..).zip(chosen) {
                    assert!(
                        (bound(pages, fifth)..bound(pages, fifth + 1)).contains(&page),
                        "{pages} {id}"
                    );
                }
            }
        }
        assert_ne!(pages_of(1, 4096), pages_of(2, 4096));
    }

    #[test]
    fn a_text_of_few_pages_has_them_more_than_once() {
        assert!(pages_of(7, 3).iter().all(|page| *page < 3));
        assert_eq!(pages_of(7, 0), [0; PAGES_OF_ID]);
    }
}
