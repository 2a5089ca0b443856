//! The server over real sockets: both protocols, garbage, faults, slow clients, and many at a time.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use abi::warehouse::{self, FAIL, PAGE, PAGE_BYTES, REPLY_BYTES, Reply, SIZE, pages_of};
use warehouse_server::{Address, Answer, Asked, Fault, Options, Request, Server, Text};

const PAGES: u64 = 50;
/// Longer than a busy machine can delay anything.
const PATIENCE: Duration = Duration::from_secs(600);

fn text() -> Text {
    Text::generated(PAGES).expect("a text can have so many")
}

fn start(fault: Option<Fault>) -> Server {
    let options = Options {
        fault,
        ..Options::default()
    };
    Server::start(&Address::Tcp("127.0.0.1:0".into()), text(), options).expect("there is a free port")
}

fn connect(server: &Server) -> TcpStream {
    let Address::Tcp(host) = server.address() else {
        panic!("{} is not TCP", server.address());
    };
    let stream = TcpStream::connect(host).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("it is not zero");
    stream
}

fn ask(stream: &mut impl Write, kind: [u8; 4], argument: u32) {
    let request = warehouse::Request { kind, argument };
    stream.write_all(&request.encode()).expect("the server reads");
}

fn answer(stream: &mut impl Read) -> (Reply, Vec<u8>) {
    let mut header = [0; REPLY_BYTES];
    stream.read_exact(&mut header).expect("the server answers");
    let reply = Reply::decode(header);
    let mut bytes = vec![0; reply.len_bytes as usize];
    stream.read_exact(&mut bytes).expect("the server answers");
    (reply, bytes)
}

fn rest(mut stream: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the server answers");
    bytes
}

fn request(connection: u32, asked: Asked, answer: Answer) -> Request {
    Request {
        connection,
        asked,
        answer,
    }
}

#[test]
fn a_number_gets_five_extracts_and_the_end() {
    let server = start(None);
    for line in ["21307140051\n", "21307140051\r\n"] {
        let mut stream = connect(&server);
        stream.write_all(line.as_bytes()).unwrap();
        let mut expected = Vec::new();
        for number in pages_of(21_307_140_051, PAGES) {
            expected.extend(format!("Page {number} of {PAGES}\n").bytes());
            expected.extend(&text().page(number).unwrap()[..100]);
            expected.push(b'\n');
        }
        assert_eq!(rest(stream), expected);
    }
    let asked = Asked::Extracts(21_307_140_051);
    assert_eq!(
        server.stop(),
        [request(1, asked, Answer::Given), request(2, asked, Answer::Given)]
    );
}

#[test]
fn pages_and_the_size_are_given_as_often_as_one_asks() {
    let server = start(None);
    let mut stream = connect(&server);
    for number in [3, 0, 49, 3] {
        ask(&mut stream, PAGE, number);
        let (reply, bytes) = answer(&mut stream);
        assert_eq!((reply.kind, reply.argument), (PAGE, number));
        assert_eq!(bytes, text().page(number.into()).unwrap());
    }
    ask(&mut stream, SIZE, 0);
    let (reply, bytes) = answer(&mut stream);
    assert_eq!(
        (reply.kind, bytes),
        (SIZE, text().len_bytes().to_le_bytes().to_vec())
    );
    ask(&mut stream, PAGE, 50);
    let (reply, message) = answer(&mut stream);
    assert_eq!((reply.kind, reply.argument), (FAIL, 50));
    assert_eq!(
        String::from_utf8(message).unwrap(),
        "there is no page 50: the text has 50"
    );
    drop(stream);
    let asked: Vec<Asked> = server.stop().iter().map(|request| request.asked).collect();
    let page = Asked::Page;
    assert_eq!(
        asked,
        [page(3), page(0), page(49), page(3), Asked::Size, page(50)]
    );
}

#[test]
fn requests_that_were_sent_before_the_end_are_served_and_noted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    for _ in 0..50 {
        let server = Server::start(&Address::Unix(path.clone()), text(), Options::default()).unwrap();
        let mut stream = UnixStream::connect(&path).unwrap();
        (0..20).for_each(|number| ask(&mut stream, PAGE, number));
        drop(stream);
        assert_eq!(server.stop().len(), 20);
    }
}

#[test]
fn requests_that_were_sent_before_the_end_are_served_however_long_that_takes() {
    let options = Options {
        // Longer, all together, than a client that does not read may hold up the end.
        watcher: Some(Box::new(|_| thread::sleep(Duration::from_millis(60)))),
        ..Options::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let server = Server::start(&Address::Unix(path.clone()), text(), options).unwrap();
    let mut stream = UnixStream::connect(&path).unwrap();
    (0..50).for_each(|number| ask(&mut stream, PAGE, number));
    drop(stream);
    assert_eq!(server.stop().len(), 50);
}

#[test]
fn garbage_is_refused_in_words() {
    let server = start(None);
    for (sent, expected) in [
        (&b"hello\n"[..], "error: expected a decimal number and a newline"),
        (b"\0\0\0\0", "error: expected a decimal number and a newline"),
        (b"12x\n", "error: expected a decimal number below 2^64\n"),
        (
            b"18446744073709551616\n",
            "error: expected a decimal number below 2^64\n",
        ),
        (
            &[b'1'; 1000],
            "error: expected a decimal number below 2^64, found a longer line",
        ),
    ] {
        let mut stream = connect(&server);
        // The server may have closed before all of it was sent.
        let _ = stream.write_all(sent);
        let _ = stream.shutdown(Shutdown::Write);
        let mut found = Vec::new();
        let _ = stream.read_to_end(&mut found);
        assert!(String::from_utf8_lossy(&found).starts_with(expected), "{found:?}");
    }
    let mut stream = connect(&server);
    ask(&mut stream, *b"GET ", 47);
    let (reply, message) = answer(&mut stream);
    assert_eq!((reply.kind, reply.argument), (FAIL, 47));
    assert_eq!(
        String::from_utf8(message).unwrap(),
        "expected PAGE or SIZE, found GET "
    );
    assert_eq!(rest(stream), b"");
}

#[test]
fn each_fault_does_what_its_name_says() {
    let page = |number| text().page(number).unwrap();
    for fault in [
        Fault::CutPage,
        Fault::ShortPage,
        Fault::LongPage,
        Fault::WrongPage,
        Fault::MislabelledPage,
    ] {
        let server = start(Some(fault));
        let mut stream = connect(&server);
        ask(&mut stream, PAGE, 7);
        stream.shutdown(Shutdown::Write).unwrap();
        let bytes = rest(stream);
        let (header, bytes) = bytes.split_at(REPLY_BYTES);
        let reply = Reply::decode(header.try_into().unwrap());
        let announced = reply.len_bytes as usize;
        assert_eq!(reply.argument, if fault == Fault::WrongPage { 8 } else { 7 });
        match fault {
            Fault::CutPage => assert_eq!((announced, bytes.len()), (PAGE_BYTES, PAGE_BYTES / 2)),
            Fault::ShortPage => assert_eq!((announced, bytes.len()), (PAGE_BYTES - 100, PAGE_BYTES - 100)),
            Fault::LongPage => assert_eq!((announced, bytes.len()), (PAGE_BYTES + 100, PAGE_BYTES + 100)),
            Fault::WrongPage | Fault::MislabelledPage => {
                assert_eq!((announced, bytes), (PAGE_BYTES, &page(8)[..]));
            }
            Fault::NeverAnswers => unreachable!("below"),
        }
        assert_eq!(server.stop(), [request(1, Asked::Page(7), Answer::Faulty(fault))]);
    }
}

#[test]
fn a_server_that_never_answers_keeps_the_connection_and_can_be_stopped() {
    let server = start(Some(Fault::NeverAnswers));
    let mut stream = connect(&server);
    ask(&mut stream, PAGE, 7);
    while server.requests().is_empty() {
        thread::yield_now();
    }
    stream.set_nonblocking(true).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    let answer = Answer::Faulty(Fault::NeverAnswers);
    assert_eq!(server.stop(), [request(1, Asked::Page(7), answer)]);
}

#[test]
fn a_client_that_sends_byte_by_byte_is_served() {
    let server = start(None);
    let mut stream = connect(&server);
    stream.set_nodelay(true).unwrap();
    for byte in (warehouse::Request {
        kind: PAGE,
        argument: 1,
    })
    .encode()
    {
        stream.write_all(&[byte]).unwrap();
        thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(answer(&mut stream).1, text().page(1).unwrap());
}

#[test]
fn a_client_that_does_not_read_holds_up_neither_others_nor_the_end() {
    let server = start(None);
    let mut lazy = connect(&server);
    lazy.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    // Until the server waits for room for its replies, and reads no more.
    while lazy
        .write_all(
            &warehouse::Request {
                kind: PAGE,
                argument: 0,
            }
            .encode()
            .repeat(512),
        )
        .is_ok()
    {}
    let mut other = connect(&server);
    ask(&mut other, PAGE, 2);
    assert_eq!(answer(&mut other).1, text().page(2).unwrap());
    server.stop();
}

#[test]
fn many_connections_are_served_at_a_time_and_told_apart() {
    let server = start(None);
    // More than are served at a time: the others wait for their turn.
    thread::scope(|scope| {
        for number in 0..200u32 {
            let server = &server;
            scope.spawn(move || {
                let mut stream = connect(server);
                ask(&mut stream, PAGE, number % 50);
                assert_eq!(
                    answer(&mut stream).1,
                    text().page(u64::from(number % 50)).unwrap()
                );
            });
        }
    });
    let mut connections: Vec<u32> = server.stop().iter().map(|request| request.connection).collect();
    connections.dedup();
    assert!(connections.into_iter().eq(1..=200));
}

#[test]
fn a_unix_socket_serves_the_same_and_is_gone_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let address = Address::Unix(path.clone());
    let server = Server::start(&address, text(), Options::default()).unwrap();
    let mut stream = UnixStream::connect(&path).unwrap();
    ask(&mut stream, PAGE, 5);
    assert_eq!(answer(&mut stream).1, text().page(5).unwrap());
    let second = Server::start(&address, text(), Options::default());
    let message = second.err().expect("the path is taken").to_string();
    assert_eq!(message, format!("cannot listen on unix:{}", path.display()));
    drop(server);
    assert!(!path.exists());
}

#[test]
fn a_client_that_says_nothing_for_too_long_is_left() {
    let options = Options {
        idle: Some(Duration::from_millis(50)),
        ..Options::default()
    };
    let server = Server::start(&Address::Tcp("127.0.0.1:0".into()), text(), options).unwrap();
    assert_eq!(rest(connect(&server)), b"");
}
