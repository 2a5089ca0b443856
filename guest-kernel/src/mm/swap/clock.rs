//! The clock hand: second-chance replacement over all address spaces. No hardware.
//!
//! The hand goes over the address spaces in the order of their places, and in each from the lowest page to the highest. It
//! takes the mark from each page that was accessed since it last came by, and stops at the first one without.

use abi::PAGE_SIZE;

use super::super::address::VirtAddr;

/// Where the next search begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hand {
    space: usize,
    page: VirtAddr,
}

impl Hand {
    pub(super) const START: Self = Self {
        space: 0,
        page: VirtAddr::new(0),
    };

    /// Moves on to the next page to give up. `sweep` goes over one of the `spaces`, from a page to the end, and gives the
    /// first page without a mark; marks that it passes are gone afterwards. So the hand needs at most two rounds, and the
    /// part of a space that it began in.
    pub(super) fn advance(
        &mut self,
        spaces: usize,
        mut sweep: impl FnMut(usize, VirtAddr) -> Option<VirtAddr>,
    ) -> Option<(usize, VirtAddr)> {
        if spaces == 0 {
            return None;
        }
        for _ in 0..=2 * spaces {
            if self.space >= spaces {
                *self = Self::START;
            }
            if let Some(page) = sweep(self.space, self.page) {
                self.page = page.plus(PAGE_SIZE);
                return Some((self.space, page));
            }
            *self = Self {
                space: self.space + 1,
                ..Self::START
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Hand, PAGE_SIZE, VirtAddr};

    /// Marks of the pages of each space; None where nothing can be given up.
    type Spaces<'a> = [&'a mut [Option<bool>]];

    fn next(hand: &mut Hand, spaces: &mut Spaces<'_>) -> Option<(usize, u64)> {
        let found = hand.advance(spaces.len(), |space, from| {
            let first = (from.as_u64() / PAGE_SIZE) as usize;
            let pages = spaces[space].iter_mut().enumerate().skip(first);
            for (number, mark) in pages {
                match mark {
                    Some(true) => *mark = Some(false),
                    Some(false) => return Some(VirtAddr::new(number as u64 * PAGE_SIZE)),
                    None => {}
                }
            }
            None
        });
        found.map(|(space, page)| (space, page.as_u64() / PAGE_SIZE))
    }

    #[test]
    fn pages_without_a_mark_go_in_the_order_of_spaces_and_addresses() {
        let (mut first, mut second) = ([Some(false), None, Some(false)], [Some(false)]);
        let spaces: &mut Spaces<'_> = &mut [&mut first, &mut second];
        let mut hand = Hand::START;
        let order = [(); 4].map(|()| next(&mut hand, spaces));
        assert_eq!(order, [Some((0, 0)), Some((0, 2)), Some((1, 0)), Some((0, 0))]);
    }

    #[test]
    fn a_marked_page_is_passed_once_and_stays_when_it_is_marked_again() {
        let mut pages = [Some(true), Some(false), Some(false)];
        let mut hand = Hand::START;
        assert_eq!(next(&mut hand, &mut [&mut pages]), Some((0, 1)));
        pages[1] = None;
        assert_eq!(pages[0], Some(false), "its mark is gone");
        pages[0] = Some(true);
        assert_eq!(next(&mut hand, &mut [&mut pages]), Some((0, 2)));
        pages[2] = None;
        assert_eq!(
            next(&mut hand, &mut [&mut pages]),
            Some((0, 0)),
            "nobody marked it again"
        );
    }

    #[test]
    fn when_all_are_marked_the_hand_comes_round_to_where_it_stood() {
        let mut pages = [Some(true); 3];
        let mut hand = Hand::START;
        pages[0] = Some(false);
        assert_eq!(next(&mut hand, &mut [&mut pages]), Some((0, 0)));
        pages[0] = Some(true);
        assert_eq!(next(&mut hand, &mut [&mut pages]), Some((0, 1)));
    }

    #[test]
    fn the_hand_gives_up_when_there_is_nothing_to_give_up() {
        let mut pages = [None, None];
        assert_eq!(next(&mut Hand::START.clone(), &mut [&mut pages]), None);
        assert_eq!(next(&mut Hand::START.clone(), &mut []), None);
    }

    #[test]
    fn a_space_that_is_gone_sends_the_hand_back_to_the_start() {
        let (mut first, mut second) = ([Some(false)], [Some(false)]);
        let mut hand = Hand::START;
        next(&mut hand, &mut [&mut first, &mut second]);
        next(&mut hand, &mut [&mut first, &mut second]);
        assert_eq!(next(&mut hand, &mut [&mut first]), Some((0, 0)));
    }
}
