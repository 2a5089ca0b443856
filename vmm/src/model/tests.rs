//! What the model says after sequences of steps.

use super::*;

const PARENT: Channel = Channel::FIRST;
const READ_WRITE: u64 = PROT_READ | PROT_WRITE;

fn child() -> Channel {
    Channel::new(1).unwrap()
}

fn range(first_page: u64, pages: u64) -> Range<VirtAddr> {
    VirtAddr(first_page * PAGE_SIZE)..VirtAddr((first_page + pages) * PAGE_SIZE)
}

fn first_byte(model: &Model, process: Channel, number: PageNumber) -> u8 {
    model.page(process, number).unwrap().contents.unwrap()[0]
}

fn model_with_fork(kind: Kind) -> Model {
    let mut model = Model::default();
    model.start(PARENT);
    model.map(PARENT, range(16, 2), READ_WRITE, kind);
    model.write(PARENT, VirtAddr(16 * PAGE_SIZE), b"a");
    model.fork(PARENT, child());
    model.write(child(), VirtAddr(16 * PAGE_SIZE), b"b");
    model
}

#[test]
fn a_private_page_is_copied_by_fork() {
    let model = model_with_fork(Kind::Private);
    assert_eq!(first_byte(&model, PARENT, 16), b'a');
    assert_eq!(first_byte(&model, child(), 16), b'b');
    assert_eq!(model.page(PARENT, 16).unwrap().shared, None);
}

#[test]
fn a_shared_page_is_seen_by_both_after_fork() {
    let model = model_with_fork(Kind::Shared);
    assert_eq!(first_byte(&model, PARENT, 16), b'b');
    assert_eq!(
        model.page(PARENT, 16).unwrap().shared,
        model.page(child(), 16).unwrap().shared
    );
    assert_ne!(
        model.page(PARENT, 16).unwrap().shared,
        model.page(PARENT, 17).unwrap().shared
    );
}

#[test]
fn a_store_across_a_page_boundary_lands_on_both_pages() {
    let mut model = model_with_fork(Kind::Private);
    model.write(PARENT, VirtAddr(17 * PAGE_SIZE - 1), b"xy");
    assert_eq!(model.page(PARENT, 16).unwrap().contents.unwrap()[4095], b'x');
    assert_eq!(first_byte(&model, PARENT, 17), b'y');
}

#[test]
fn a_fill_covers_its_bytes_and_no_other() {
    let mut model = Model::default();
    model.start(PARENT);
    model.map(PARENT, range(16, 4), READ_WRITE, Kind::Private);
    model.fill(PARENT, VirtAddr(17 * PAGE_SIZE - 1), PAGE_SIZE + 2, b'x');
    let contents = |number| model.page(PARENT, number).unwrap().contents.unwrap();
    assert_eq!((contents(16)[4094], contents(16)[4095]), (0, b'x'));
    assert_eq!(contents(17), &[b'x'; PAGE_SIZE as usize]);
    assert_eq!((contents(18)[0], contents(18)[1]), (b'x', 0));
    assert_eq!(contents(19), &ZEROS);
}

#[test]
fn a_store_to_one_of_many_filled_pages_leaves_the_others() {
    let mut model = Model::default();
    model.start(PARENT);
    model.map(PARENT, range(16, 2), READ_WRITE, Kind::Private);
    model.fill(PARENT, VirtAddr(16 * PAGE_SIZE), 2 * PAGE_SIZE, b'x');
    model.write(PARENT, VirtAddr(16 * PAGE_SIZE), b"y");
    assert_eq!(first_byte(&model, PARENT, 16), b'y');
    assert_eq!(first_byte(&model, PARENT, 17), b'x');
}

#[test]
fn discarded_private_pages_hold_zeros_and_discarded_shared_ones_do_not() {
    let mut model = model_with_fork(Kind::Private);
    model.discard(PARENT, range(16, 1));
    assert_eq!(first_byte(&model, PARENT, 16), 0);
    let mut model = model_with_fork(Kind::Shared);
    model.discard(PARENT, range(16, 1));
    assert_eq!(first_byte(&model, PARENT, 16), b'b');
}

#[test]
fn an_unmapped_page_is_remembered_until_it_is_mapped_again() {
    let mut model = model_with_fork(Kind::Private);
    model.unmap(PARENT, range(17, 1), Removal::Munmap);
    assert!(model.page(PARENT, 17).is_none());
    assert_eq!(
        model.removed_pages(PARENT).collect::<Vec<_>>(),
        [(17, Removal::Munmap)]
    );
    model.map(PARENT, range(17, 1), PROT_READ, Kind::Private);
    assert_eq!(model.removed_pages(PARENT).count(), 0);
    assert!(!model.page(PARENT, 17).unwrap().writable());
}

#[test]
fn what_took_a_page_away_is_remembered() {
    let mut model = model_with_fork(Kind::Private);
    model.unmap(PARENT, range(17, 1), Removal::Brk);
    model.replace_program(PARENT);
    let removals: BTreeMap<PageNumber, Removal> = model.removed_pages(PARENT).collect();
    assert_eq!(removals[&17], Removal::Brk);
    assert!(removals.len() > 1);
    let others = removals.iter().filter(|(number, _)| **number != 17);
    assert!(others.into_iter().all(|(_, removal)| *removal == Removal::Execve));
}

#[test]
fn a_child_does_not_have_what_is_left_out_and_finds_zeros_in_what_is_wiped() {
    let mut model = Model::default();
    model.start(PARENT);
    model.map(PARENT, range(16, 4), READ_WRITE, Kind::Private);
    model.write(PARENT, VirtAddr(16 * PAGE_SIZE), &[b'a'; 4 * PAGE_SIZE as usize]);
    model.advise_fork(PARENT, range(16, 2), ForkAdvice::LeaveOut);
    model.advise_fork(PARENT, range(17, 1), ForkAdvice::Pass);
    model.advise_fork(PARENT, range(18, 2), ForkAdvice::Wipe);
    model.advise_fork(PARENT, range(19, 1), ForkAdvice::Keep);
    model.fork(PARENT, child());
    assert!(model.page(child(), 16).is_none());
    let removed: Vec<_> = model.removed_pages(child()).collect();
    assert_eq!(removed, [(16, Removal::Fork)]);
    let found = [17, 18, 19].map(|page| first_byte(&model, child(), page));
    assert_eq!(found, [b'a', 0, b'a']);
    assert_eq!(first_byte(&model, PARENT, 18), b'a');

    let grandchild = Channel::new(2).unwrap();
    model.write(child(), VirtAddr(18 * PAGE_SIZE), b"b");
    model.fork(child(), grandchild);
    assert_eq!(first_byte(&model, grandchild, 18), 0);
    model.map(child(), range(18, 1), READ_WRITE, Kind::Private);
    model.write(child(), VirtAddr(18 * PAGE_SIZE), b"c");
    model.fork(child(), grandchild);
    assert_eq!(first_byte(&model, grandchild, 18), b'c');
}
