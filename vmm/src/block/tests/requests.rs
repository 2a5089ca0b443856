//! Requests one by one, each with the status that it must get.

use std::io;
use std::sync::mpsc;

use virtio_bindings::virtio_blk::{
    VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_OK, VIRTIO_BLK_S_UNSUPP, VIRTIO_BLK_T_GET_ID, VIRTIO_BLK_T_IN,
    VIRTIO_BLK_T_OUT,
};
use virtio_bindings::virtio_config::{VIRTIO_CONFIG_S_DRIVER_OK, VIRTIO_CONFIG_S_FEATURES_OK};
use virtio_bindings::virtio_mmio::{
    VIRTIO_MMIO_DRIVER_FEATURES, VIRTIO_MMIO_DRIVER_FEATURES_SEL, VIRTIO_MMIO_INT_VRING,
    VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INTERRUPT_STATUS, VIRTIO_MMIO_STATUS,
};

use super::{DATA, Driver, FRAME_BYTES, HEADER, NO_STATUS, WRITE, status};
use crate::interrupt_line::InterruptLine;
use crate::virtio::Device;

#[test]
fn a_page_that_was_written_is_on_the_disk_and_can_be_read_back() {
    let mut driver = Driver::started();
    let page = [7; FRAME_BYTES as usize];
    driver.put(DATA, &page);
    assert_eq!(driver.request(VIRTIO_BLK_T_OUT, 8, 0), status(VIRTIO_BLK_S_OK));
    assert!(driver.device.disk().holds(&page));
    driver.put(DATA, &[0; FRAME_BYTES as usize]);
    assert_eq!(driver.request(VIRTIO_BLK_T_IN, 8, WRITE), status(VIRTIO_BLK_S_OK));
    assert_eq!(driver.get(DATA), page);
    assert_eq!(driver.used(), 2);
}

#[test]
fn a_request_past_the_end_of_the_disk_gets_an_error_and_changes_nothing() {
    let mut driver = Driver::started();
    driver.put(DATA, &[7; FRAME_BYTES as usize]);
    for sector in [2048 - 7, u64::MAX, u64::MAX / 512] {
        assert_eq!(
            driver.request(VIRTIO_BLK_T_OUT, sector, 0),
            status(VIRTIO_BLK_S_IOERR)
        );
        assert_eq!(
            driver.request(VIRTIO_BLK_T_IN, sector, WRITE),
            status(VIRTIO_BLK_S_IOERR)
        );
    }
    assert_eq!(driver.get(DATA), [7; FRAME_BYTES as usize]);
    assert!(!driver.device.disk().holds(&[7; FRAME_BYTES as usize]));
}

#[test]
fn a_request_of_another_kind_is_not_supported() {
    let mut driver = Driver::started();
    assert_eq!(
        driver.request(VIRTIO_BLK_T_GET_ID, 0, WRITE),
        status(VIRTIO_BLK_S_UNSUPP)
    );
}

#[test]
fn a_chain_without_room_for_a_status_is_used_up_and_not_served() {
    let mut driver = Driver::started();
    driver.put(HEADER, &[&VIRTIO_BLK_T_OUT.to_le_bytes()[..], &[0; 12]].concat());
    let page = [7; FRAME_BYTES as usize];
    driver.put(DATA, &page);
    driver.describe(&[
        (HEADER, 16, 0),
        (DATA, u32::try_from(FRAME_BYTES).expect("a page"), 0),
    ]);
    driver.notify();
    assert_eq!(driver.used(), 1);
    assert!(!driver.device.disk().holds(&page));
}

#[test]
fn nothing_is_served_before_the_driver_is_ready_or_features_are_agreed_on() {
    let mut driver = Driver::powered_on();
    driver.put(DATA, &[7; FRAME_BYTES as usize]);
    assert_eq!(driver.request(VIRTIO_BLK_T_OUT, 0, 0), NO_STATUS);
    driver.start();
    driver.set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    driver.set(VIRTIO_MMIO_DRIVER_FEATURES, u32::MAX);
    driver.set(
        VIRTIO_MMIO_STATUS,
        VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK,
    );
    assert_eq!(
        driver.device.read(VIRTIO_MMIO_STATUS),
        VIRTIO_CONFIG_S_DRIVER_OK,
        "what is not offered is not agreed on"
    );
    assert_eq!(driver.request(VIRTIO_BLK_T_OUT, 0, 0), NO_STATUS);
}

#[test]
fn a_request_that_is_done_interrupts_the_driver_which_acknowledges_it() {
    let mut driver = Driver::started();
    let (sender, interrupts) = mpsc::channel();
    driver.device.connect(InterruptLine::to(move || {
        sender.send(()).map_err(io::Error::other)
    }));
    assert_eq!(driver.device.read(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
    driver.request(VIRTIO_BLK_T_IN, 0, WRITE);
    assert_eq!(interrupts.try_iter().count(), 1);
    assert_eq!(
        driver.device.read(VIRTIO_MMIO_INTERRUPT_STATUS),
        VIRTIO_MMIO_INT_VRING
    );
    driver.set(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
    assert_eq!(driver.device.read(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

#[test]
fn the_command_line_names_size_address_and_interrupt_of_the_registers() {
    assert_eq!(
        crate::block::command_line_word(),
        "virtio_mmio.device=4K@0xd0400000:5"
    );
}
