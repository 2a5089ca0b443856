//! The sorted list of areas: find, cut, insert, merge. No hardware.

use alloc::vec::Vec;

use super::super::address::{PageRange, VirtAddr};
use super::super::frames::OutOfMemory;
use super::{AreaFlags, Vma, layout};

/// Room for areas that a process has from the start, so that a usual one never moves its list.
const USUAL_AREAS: usize = 32;
const _: () = assert!(
    USUAL_AREAS * size_of::<Vma>() <= 1344,
    "three lists of that size share a frame; a fork needs one when memory is short"
);

/// Where an area is in its list, as long as the list stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AreaIndex(usize);

/// Areas of one address space, lowest first. Neighbours that are alike become one.
#[derive(Debug)]
pub(super) struct Areas(Vec<Vma>);

impl Areas {
    pub(super) fn new() -> Result<Self, OutOfMemory> {
        let mut areas = Vec::new();
        areas.try_reserve_exact(USUAL_AREAS).map_err(|_| OutOfMemory)?;
        Ok(Self(areas))
    }

    /// What a child of fork has. Nobody serves its faults, and none of them is locked.
    pub(super) fn try_inherit(&self) -> Result<Self, OutOfMemory> {
        let mut areas = Self::new()?;
        areas.0.try_reserve(self.0.len()).map_err(|_| OutOfMemory)?;
        let inherited = self.0.iter().filter(|area| area.is_inherited());
        areas.0.extend(inherited.map(|area| Vma {
            watch: None,
            flags: area.flags.without(AreaFlags::LOCKINGS),
            backing: area.backing.clone(),
            ..*area
        }));
        Ok(areas)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Vma> {
        self.0.iter()
    }

    /// The area that an address lies in.
    pub(super) fn find(&self, address: VirtAddr) -> Option<AreaIndex> {
        let index = self.index_above(address);
        let area = self.0.get(index)?;
        area.range.contains(address).then_some(AreaIndex(index))
    }

    pub(super) fn get(&self, index: AreaIndex) -> &Vma {
        &self.0[index.0]
    }

    /// Lowest area that ends above the address.
    pub(super) fn at_or_above(&self, address: VirtAddr) -> Option<&Vma> {
        self.0.get(self.index_above(address))
    }

    /// Highest area that ends at or below the address.
    pub(super) fn below(&self, address: VirtAddr) -> Option<&Vma> {
        self.0.get(self.index_above(address).checked_sub(1)?)
    }

    /// Areas that share a page with the range.
    pub(super) fn overlapping(&self, range: PageRange) -> impl Iterator<Item = &Vma> {
        self.0[self.index_above(range.start())..]
            .iter()
            .take_while(move |area| area.range.start() < range.end())
    }

    /// Whether no page of the range lies in an area.
    pub(super) fn is_free(&self, range: PageRange) -> bool {
        self.overlapping(range).next().is_none()
    }

    /// Makes sure that the next change succeeds; it may need two areas more than there are.
    pub(super) fn reserve_change(&mut self) -> Result<(), OutOfMemory> {
        self.reserve(2)
    }

    /// Makes sure that an area can be put elsewhere, and then taken from where it was.
    pub(super) fn reserve_move(&mut self) -> Result<(), OutOfMemory> {
        self.reserve(3)
    }

    fn reserve(&mut self, count: usize) -> Result<(), OutOfMemory> {
        if self.0.len() + count > layout::MAX_AREAS {
            return Err(OutOfMemory);
        }
        self.0.try_reserve(count).map_err(|_| OutOfMemory)
    }

    /// Puts an area where there is none. After [`Self::reserve_change`].
    pub(super) fn insert(&mut self, area: Vma) {
        assert!(
            self.is_free(area.range),
            "areas must not overlap: {:?}",
            area.range
        );
        let index = self.index_above(area.range.start());
        self.0.insert(index, area);
        self.merge_around(index, index + 1);
    }

    /// Takes the range out of all areas. After [`Self::reserve_change`].
    pub(super) fn remove(&mut self, range: PageRange) {
        let (first, last) = self.isolate(range);
        self.0.drain(first..last);
        self.give_room_back();
    }

    /// Changes what the areas of all pages of the range are. After [`Self::reserve_change`].
    pub(super) fn change(&mut self, range: PageRange, change: impl FnMut(&mut Vma)) {
        let (first, last) = self.isolate(range);
        self.0[first..last].iter_mut().for_each(change);
        self.merge_around(first, last);
    }

    /// Changes what those areas are that lie in the range with all their pages. Needs no room.
    pub(super) fn change_whole(&mut self, range: PageRange, change: impl FnMut(&mut Vma)) {
        let first = self.0.partition_point(|area| area.range.start() < range.start());
        let last = self.0.partition_point(|area| area.range.end() <= range.end());
        if first < last {
            self.0[first..last].iter_mut().for_each(change);
            self.merge_around(first, last);
        }
    }

    /// Moves the start of the area that begins at `from` down to `to`.
    pub(super) fn grow_down(&mut self, from: VirtAddr, to: VirtAddr) {
        let index = self.index_above(from);
        let area = &mut self.0[index];
        area.range = PageRange::new(to, area.range.end());
    }

    /// Lowest range of `bytes` that lies between the two and is free.
    pub(super) fn find_free_above(&self, bottom: VirtAddr, top: VirtAddr, bytes: u64) -> Option<PageRange> {
        let mut start = bottom;
        for area in &self.0[self.index_above(bottom)..] {
            if area.start_with_gap() >= start && area.start_with_gap().as_u64() - start.as_u64() >= bytes {
                break;
            }
            start = start.max(area.range.end());
        }
        let is_below = start < top && top.as_u64() - start.as_u64() >= bytes;
        is_below.then(|| PageRange::new(start, start.plus(bytes)))
    }

    /// Highest range of `bytes` that ends at or below `top` and is free.
    pub(super) fn find_free_below(&self, top: VirtAddr, bytes: u64) -> Option<PageRange> {
        let mut end = top;
        let mut above = self.index_above(top);
        // An area that holds `top` itself is in the way too.
        if let Some(area) = self.0.get(above) {
            end = end.min(area.start_with_gap());
        }
        loop {
            let floor = match above.checked_sub(1) {
                Some(index) => self.0[index].range.end().max(layout::LOWEST),
                None => layout::LOWEST,
            };
            if end > floor && end.as_u64() - floor.as_u64() >= bytes {
                return Some(PageRange::new(end.minus(bytes), end));
            }
            above = above.checked_sub(1)?;
            end = end.min(self.0[above].start_with_gap());
        }
    }

    fn index_above(&self, address: VirtAddr) -> usize {
        self.0.partition_point(|area| area.range.end() <= address)
    }

    /// Cuts areas at both ends of the range; gives the indices of those inside.
    fn isolate(&mut self, range: PageRange) -> (usize, usize) {
        self.split_at(range.start());
        self.split_at(range.end());
        (
            self.index_above(range.start()),
            self.0.partition_point(|area| area.range.end() <= range.end()),
        )
    }

    fn split_at(&mut self, at: VirtAddr) {
        let index = self.index_above(at);
        if let Some(area) = self.0.get_mut(index)
            && area.range.start() < at
        {
            let upper = area.split_off(at);
            self.0.insert(index + 1, upper);
        }
    }

    /// Merges neighbours, from the one below `first` to the one at `last`.
    fn merge_around(&mut self, first: usize, last: usize) {
        let mut index = (last + 1).min(self.0.len());
        while index > first.max(1) {
            index -= 1;
            if index < self.0.len() && index > 0 && self.0[index - 1].continues_in(&self.0[index]) {
                let above = self.0.remove(index);
                let below = &mut self.0[index - 1];
                below.range = PageRange::new(below.range.start(), above.range.end());
            }
        }
        self.give_room_back();
    }

    fn give_room_back(&mut self) {
        if self.0.capacity() > USUAL_AREAS && self.0.len() < self.0.capacity() / 4 {
            let mut fewer = Vec::new();
            // Where there is no memory for the shorter list the long one stays.
            if fewer.try_reserve_exact(USUAL_AREAS.max(self.0.len() * 2)).is_ok() {
                fewer.append(&mut self.0);
                self.0 = fewer;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::page_cache::{CachedBytes, CachedFile};
    use super::super::{AreaFlags, Backing, Growth, Protection, Sharing};
    use super::*;

    const PAGE: u64 = 4096;

    fn range(first: u64, last: u64) -> PageRange {
        PageRange::new(VirtAddr::new(first * PAGE), VirtAddr::new(last * PAGE))
    }

    fn anonymous(first: u64, last: u64) -> Vma {
        Vma {
            range: range(first, last),
            protection: Protection::READ_WRITE,
            growth: Growth::Fixed,
            flags: AreaFlags::default(),
            backing: Backing::Anonymous,
            watch: None,
        }
    }

    /// What an area has that begins with that page of a file.
    fn file_from(first_page: u32) -> Backing {
        let contents = CachedBytes::new(0x8000..0x8000 + 5 * PAGE);
        Backing::File {
            file: CachedFile::of(contents).unwrap(),
            first_page,
            sharing: Sharing::Private,
        }
    }

    fn areas(list: &[Vma]) -> Areas {
        let mut areas = Areas::new().unwrap();
        list.iter().for_each(|area| areas.insert(area.clone()));
        areas
    }

    fn ranges(areas: &Areas) -> Vec<PageRange> {
        areas.iter().map(|area| area.range).collect()
    }

    #[test]
    fn neighbours_that_are_alike_become_one() {
        let areas = areas(&[anonymous(1, 2), anonymous(3, 4), anonymous(2, 3)]);
        assert_eq!(ranges(&areas), [range(1, 4)]);
    }

    #[test]
    fn a_hole_splits_an_area_and_the_upper_part_keeps_its_place_in_the_file() {
        let file = Vma {
            backing: file_from(8),
            ..anonymous(10, 16)
        };
        let mut areas = areas(&[file]);
        areas.remove(range(12, 14));
        assert_eq!(ranges(&areas), [range(10, 12), range(14, 16)]);
        let upper = areas.at_or_above(VirtAddr::new(14 * PAGE)).unwrap();
        assert_eq!(upper.backing, file_from(12));
    }

    #[test]
    fn pages_of_a_file_merge_only_where_the_file_goes_on() {
        let at = |first, last, first_page| Vma {
            backing: file_from(first_page),
            ..anonymous(first, last)
        };
        assert_eq!(ranges(&areas(&[at(1, 2, 1), at(2, 3, 2)])), [range(1, 3)]);
        assert_eq!(ranges(&areas(&[at(1, 2, 1), at(2, 3, 3)])).len(), 2);
    }

    #[test]
    fn protection_splits_and_coming_back_merges() {
        let mut areas = areas(&[anonymous(1, 10)]);
        areas.change(range(3, 5), |area| area.protection = Protection::READ);
        assert_eq!(ranges(&areas), [range(1, 3), range(3, 5), range(5, 10)]);
        areas.change(range(3, 5), |area| area.protection = Protection::READ_WRITE);
        assert_eq!(ranges(&areas), [range(1, 10)]);
    }

    #[test]
    fn protection_over_several_areas_merges_them_all() {
        let mut areas = areas(&[anonymous(1, 10)]);
        areas.change(range(2, 3), |area| area.protection = Protection::READ);
        areas.change(range(4, 5), |area| area.protection = Protection::READ);
        areas.change(range(1, 10), |area| area.protection = Protection::NONE);
        assert_eq!(ranges(&areas), [range(1, 10)]);
    }

    #[test]
    fn a_range_that_crosses_areas_and_holes_is_removed_from_all() {
        let read_only = Vma {
            protection: Protection::READ,
            ..anonymous(6, 9)
        };
        let mut areas = areas(&[anonymous(1, 4), read_only, anonymous(9, 12)]);
        areas.remove(range(3, 10));
        assert_eq!(ranges(&areas), [range(1, 3), range(10, 12)]);
    }

    #[test]
    fn free_ranges_are_found_top_down_and_keep_clear_of_a_stack() {
        let top = VirtAddr::new(1000 * PAGE);
        let mut areas = areas(&[anonymous(990, 1000), anonymous(980, 988)]);
        assert_eq!(areas.find_free_below(top, 2 * PAGE), Some(range(988, 990)));
        assert_eq!(areas.find_free_below(top, 3 * PAGE), Some(range(977, 980)));
        areas.insert(Vma {
            growth: Growth::Down,
            ..anonymous(970, 971)
        });
        assert_eq!(areas.find_free_below(top, 10 * PAGE), Some(range(704, 714)));
        assert_eq!(areas.find_free_below(top, 1000 * PAGE), None);
    }

    #[test]
    fn free_ranges_are_found_bottom_up_too() {
        let at = |page| VirtAddr::new(page * PAGE);
        let areas = areas(&[anonymous(8, 12), anonymous(14, 20)]);
        assert_eq!(
            areas.find_free_above(at(10), at(30), 2 * PAGE),
            Some(range(12, 14))
        );
        assert_eq!(
            areas.find_free_above(at(10), at(30), 3 * PAGE),
            Some(range(20, 23))
        );
        assert_eq!(areas.find_free_above(at(10), at(22), 3 * PAGE), None);
        assert_eq!(areas.find_free_above(at(2), at(30), 3 * PAGE), Some(range(2, 5)));
    }

    #[test]
    fn what_children_have_keeps_neighbours_apart() {
        let mut areas = areas(&[anonymous(1, 10)]);
        let flag = AreaFlags::WIPED;
        areas.change(range(3, 5), |area| area.flags = area.flags.with(flag));
        assert_eq!(ranges(&areas), [range(1, 3), range(3, 5), range(5, 10)]);
        areas.change(range(3, 5), |area| area.flags = area.flags.without(flag));
        assert_eq!(ranges(&areas), [range(1, 10)]);
    }

    #[test]
    fn an_area_across_the_top_is_in_the_way() {
        let areas = areas(&[anonymous(90, 110)]);
        assert_eq!(
            areas.find_free_below(VirtAddr::new(100 * PAGE), PAGE),
            Some(range(89, 90))
        );
    }

    #[test]
    fn room_for_many_areas_is_given_back() {
        let list: Vec<_> = (0..200)
            .map(|index| anonymous(2 * index, 2 * index + 1))
            .collect();
        let mut areas = areas(&list);
        assert!(areas.0.capacity() >= 200);
        areas.remove(range(0, 400));
        assert!(areas.0.capacity() <= USUAL_AREAS);
    }
}
