//! A driver that keeps to the specification.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use abi::vsock::{
    OP_CREDIT_REQUEST, OP_CREDIT_UPDATE, OP_REQUEST, OP_RST, OP_RW, OP_SHUTDOWN, SHUTDOWN_BOTH,
    SHUTDOWN_RECEIVE, SHUTDOWN_SEND,
};

use super::super::{BUFFER_BYTES, MAX_CONNECTIONS};
use super::{Driver, PATIENCE, PORT, QUEUE_SIZE, ROOM_BYTES, packet};

/// More than the buffers of a socket hold.
const MOST_SENT_BYTES: u32 = 1 << 30;

fn driver() -> Driver {
    let mut driver = Driver::started(PATIENCE);
    driver.offer(QUEUE_SIZE);
    driver
}

#[test]
fn bytes_go_both_ways() {
    let mut driver = driver();
    let mut server = driver.connect();
    driver.send(&packet(OP_RW), b"hello");
    let mut bytes = [0; 5];
    server.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"hello");
    server.write_all(b"good day").unwrap();
    let (header, data) = driver.await_packet();
    assert_eq!((header.operation, &data[..]), (OP_RW, &b"good day"[..]));
    assert_eq!((header.room_bytes, header.forwarded), (BUFFER_BYTES, 5));
}

#[test]
fn what_a_scenario_does_not_name_is_refused() {
    let mut driver = driver();
    let other_port = super::Header {
        destination_port: PORT + 1,
        ..packet(OP_REQUEST)
    };
    let other_machine = super::Header {
        destination_cid: 1,
        ..packet(OP_REQUEST)
    };
    let datagram = super::Header {
        socket_type: 3,
        ..packet(OP_REQUEST)
    };
    for refused in [other_port, other_machine, datagram, packet(OP_RW), packet(99)] {
        driver.send(&refused, &[]);
        let (answer, _) = driver.receive().expect("an answer at once");
        assert_eq!(
            (answer.operation, answer.source_cid, answer.source_port),
            (OP_RST, refused.destination_cid, refused.destination_port)
        );
        driver.offer(1);
    }
    driver.send(&packet(OP_RST), &[]);
    driver.look();
    assert_eq!(driver.receive(), None, "a reset is not answered");
}

#[test]
fn the_guest_gets_no_more_than_it_has_room_for() {
    let mut driver = driver();
    let mut server = driver.connect();
    let sent: Vec<u8> = (0..40_000_u32).map(|number| (number % 251) as u8).collect();
    server.write_all(&sent).unwrap();
    let mut received = Vec::new();
    while received.len() < sent.len() {
        driver.look();
        let before = received.len();
        while let Some((header, data)) = driver.receive() {
            assert_eq!(header.operation, OP_RW);
            received.extend(data);
            driver.offer(1);
        }
        let room = received.len() - before;
        assert!(0 < room && room <= ROOM_BYTES as usize, "{room} bytes in one go");
        let account = super::Header {
            forwarded: received.len() as u32,
            ..packet(OP_CREDIT_UPDATE)
        };
        driver.send(&account, &[]);
    }
    assert_eq!(received, sent);
}

#[test]
fn a_server_that_does_not_read_fills_the_guests_credit_and_a_server_that_does_gives_it_back() {
    let mut driver = driver();
    let mut server = driver.connect();
    let chunk = [7; 4096];
    let mut sent = 0;
    let mut forwarded = 0;
    // Until the host's buffers and the device's own are full: they have an end, and nothing drains them.
    loop {
        while sent - forwarded + chunk.len() as u32 <= BUFFER_BYTES {
            driver.send(&packet(OP_RW), &chunk);
            sent += chunk.len() as u32;
        }
        driver.send(&packet(OP_CREDIT_REQUEST), &[]);
        let (header, _) = driver.await_packet();
        assert_eq!(header.operation, OP_CREDIT_UPDATE);
        driver.offer(1);
        if header.forwarded == forwarded {
            break;
        }
        forwarded = header.forwarded;
        assert!(sent < MOST_SENT_BYTES, "the host takes {sent} bytes and more");
    }
    assert_eq!(sent - forwarded, BUFFER_BYTES / 4096 * 4096);
    let reader = std::thread::spawn(move || {
        let mut count = 0;
        let mut bytes = [0; 4096];
        while count < sent as usize {
            match server.read(&mut bytes).unwrap() {
                0 => break,
                now => count += now,
            }
        }
        // A server that closes says so before it gives credit, so it stays until the guest has what it waits for.
        (count, server)
    });
    while forwarded < sent {
        let (header, _) = driver.await_packet();
        assert_eq!(header.operation, OP_CREDIT_UPDATE);
        driver.offer(1);
        forwarded = header.forwarded;
        if forwarded < sent {
            driver.send(&packet(OP_CREDIT_REQUEST), &[]);
        }
    }
    let (count, _server) = reader.join().unwrap();
    assert_eq!(count, sent as usize);
}

#[test]
fn more_than_there_is_credit_for_resets_the_connection() {
    let mut driver = driver();
    let _server = driver.connect();
    // The host's buffers may take some of it.
    let answer = (0..1000).find_map(|_| {
        driver.send(&packet(OP_RW), &[0; 8000]);
        driver.receive()
    });
    assert_eq!(answer.expect("a reset").0.operation, OP_RST);
}

#[test]
fn a_server_that_ends_one_direction_still_receives() {
    let mut driver = driver();
    let mut server = driver.connect();
    server.write_all(b"last words").unwrap();
    server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(driver.await_packet().1, b"last words");
    let header = match driver.receive() {
        Some((header, _)) => header,
        None => driver.await_packet().0,
    };
    assert_eq!((header.operation, header.flags), (OP_SHUTDOWN, SHUTDOWN_SEND));
    driver.send(&packet(OP_RW), b"thanks");
    let mut bytes = [0; 6];
    server.read_exact(&mut bytes).unwrap();
}

#[test]
fn a_server_that_closes_ends_both() {
    let mut driver = driver();
    drop(driver.connect());
    let (header, _) = driver.await_packet();
    assert_eq!((header.operation, header.flags), (OP_SHUTDOWN, SHUTDOWN_BOTH));
}

#[test]
fn a_guest_that_ends_one_direction_still_receives_and_one_that_ends_both_is_reset_after_its_last_byte() {
    let mut driver = driver();
    let mut server = driver.connect();
    let ends = |flags| super::Header {
        flags,
        ..packet(OP_SHUTDOWN)
    };
    driver.send(&packet(OP_RW), b"that is all");
    driver.send(&ends(SHUTDOWN_SEND), &[]);
    let mut bytes = Vec::new();
    server.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"that is all");
    server.write_all(b"well").unwrap();
    assert_eq!(driver.await_packet().1, b"well");
    driver.send(&ends(SHUTDOWN_RECEIVE), &[]);
    let (header, _) = driver.receive().expect("an answer at once");
    assert_eq!(header.operation, OP_RST);
    driver.send(&packet(OP_RW), b"x");
    assert_eq!(driver.receive().expect("an answer").0.operation, OP_RST);
}

#[test]
fn a_silent_server_is_waited_for_once_until_it_is_spoken_to_again() {
    let short = Duration::from_millis(20);
    let mut driver = Driver::started(short);
    driver.offer(QUEUE_SIZE);
    let mut server = driver.connect();
    // How long it looks in vain.
    let look_for = |driver: &mut Driver, patience: Duration| {
        driver.device.patience = patience;
        let started = Instant::now();
        driver.look();
        assert_eq!(driver.receive(), None);
        started.elapsed()
    };
    assert!(look_for(&mut driver, short) >= short);
    assert!(look_for(&mut driver, PATIENCE) < PATIENCE);
    driver.send(&packet(OP_RW), b"are you there?");
    assert!(look_for(&mut driver, short) >= short);
    server.write_all(b"yes").unwrap();
    driver.look();
    assert_eq!(driver.receive().expect("an answer").1, b"yes");
}

#[test]
fn without_buffers_nothing_is_lost_and_nothing_waits() {
    let mut driver = Driver::started(PATIENCE);
    driver.offer(1);
    let mut server = driver.connect();
    server.write_all(b"patience").unwrap();
    let started = Instant::now();
    driver.look();
    driver.look();
    assert!(started.elapsed() < PATIENCE);
    assert_eq!(driver.receive(), None);
    driver.offer(1);
    assert_eq!(driver.await_packet().1, b"patience");
}

#[test]
fn there_is_an_end_to_connections() {
    let mut driver = driver();
    for number in 0..=MAX_CONNECTIONS {
        let request = super::Header {
            source_port: 2000 + number as u32,
            ..packet(OP_REQUEST)
        };
        driver.send(&request, &[]);
        let (answer, _) = driver.receive().expect("an answer at once");
        assert_eq!(answer.operation == OP_RST, number == MAX_CONNECTIONS);
        driver.offer(1);
        if number < MAX_CONNECTIONS {
            driver.listener.accept().unwrap();
        }
    }
}

#[test]
fn a_driver_that_starts_anew_has_no_connections() {
    let mut driver = driver();
    let mut server = driver.connect();
    (driver.sent, driver.offered, driver.received) = (0, 0, 0);
    (super::RECEIVE..2 * super::QUEUE_FRAMES).for_each(|frame| {
        driver.put(frame * super::FRAME_BYTES, &[0; super::FRAME_BYTES as usize]);
    });
    driver.start();
    assert_eq!(server.read(&mut [0]).unwrap(), 0, "the connection is closed");
    driver.offer(QUEUE_SIZE);
    driver.connect();
}
