//! The protocol without gdb: by whoever else connects.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use crate::run::Run;

/// A client that sends packets and takes answers.
struct Client<S>(S);

impl<S: Read + Write> Client<S> {
    fn send(&mut self, body: &str) {
        let checksum = body.bytes().fold(0, u8::wrapping_add);
        write!(self.0, "${body}#{checksum:02x}").unwrap();
    }

    /// The next packet.
    fn answer(&mut self) -> String {
        let mut body = String::new();
        while self.byte() != b'$' {}
        loop {
            match self.byte() {
                b'#' => break,
                byte => body.push(char::from(byte)),
            }
        }
        // The checksum.
        let _ = (self.byte(), self.byte());
        body
    }

    fn ask(&mut self, body: &str) -> String {
        self.send(body);
        self.answer()
    }

    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.0.read_exact(&mut byte).unwrap();
        byte[0]
    }
}

fn connect(run: &Run) -> Client<TcpStream> {
    Client(TcpStream::connect(&run.place).unwrap())
}

#[test]
fn whoever_sends_garbage_and_goes_away_does_not_keep_the_run_from_its_verdict() {
    for garbage in [
        &b""[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"$#00$m#zz$Gxyz#00$vCont;q#00\xff\xfe$",
        &[b'$'; 20_000],
        // The guest runs when the client goes.
        b"$c#63",
        b"$c#63$m0,8#00$?#3f",
    ] {
        let run = Run::of("cow", "0");
        let mut client = TcpStream::connect(&run.place).unwrap();
        // Whoever is not listened to any more cannot send all of it.
        let _ = client.write_all(garbage);
        drop(client);
        let ended = run.end();
        assert_eq!(ended.status, Some(0), "{garbage:?}: {}", ended.stderr);
        assert!(ended.stdout.contains("PASS cow"), "{garbage:?}: {}", ended.stdout);
        let lost = ended.stderr.matches("the run goes on without it").count();
        assert!(lost <= 1, "{garbage:?}: {}", ended.stderr);
    }
}

#[test]
fn a_guest_that_runs_is_interrupted_and_goes_on_when_the_debugger_detaches() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("gdb").display().to_string();
    let run = Run::of("cow", &format!("unix:{socket}"));
    assert_eq!(run.place, socket);
    let mut client = Client(UnixStream::connect(&run.place).unwrap());
    assert!(client.ask("?").starts_with("T05"));
    // It loops at its first instruction until that is as it was.
    let first = instruction_pointer(&client.ask("g"));
    let was = client.ask(&format!("m{first:x},2"));
    assert_eq!(client.ask(&format!("M{first:x},2:ebfe")), "OK");
    for _ in 0..3 {
        client.send("c");
        client.0.write_all(&[3]).unwrap();
        let stop = client.answer();
        assert!(stop.starts_with("S02") || stop.starts_with("T02"), "{stop}");
        assert_eq!(instruction_pointer(&client.ask("g")), first);
    }
    assert_eq!(client.ask(&format!("M{first:x},2:{was}")), "OK");
    assert_eq!(client.ask("D"), "OK");
    let ended = run.end();
    assert_eq!(ended.status, Some(0), "{}", ended.stdout);
    assert!(
        ended
            .stderr
            .contains("it has detached, and the run goes on without it")
    );
}

#[test]
fn a_guest_that_dies_stands_still_before_its_end() {
    let run = Run::of("cow", "0");
    let mut client = connect(&run);
    let first = instruction_pointer(&client.ask("g"));
    // An invalid instruction, and nobody there to take the exception.
    assert_eq!(client.ask(&format!("M{first:x},2:0f0b")), "OK");
    let text: String = "the guest has died: triple fault\n"
        .bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(client.ask("c"), format!("O{text}"));
    let stop = client.answer();
    assert!(stop.starts_with("S06") || stop.starts_with("T06"), "{stop}");
    assert_eq!(client.ask(&format!("m{first:x},2")), "0f0b");
    assert_eq!(client.ask("c"), "X06");
    let ended = run.end();
    assert_eq!(ended.status, Some(1), "{}", ended.stdout);
    assert!(ended.stdout.contains("triple fault"), "{}", ended.stdout);
}

#[test]
fn memory_and_registers_are_read_and_written_and_what_cannot_be_is_an_error() {
    let run = Run::of("cow", "0");
    let mut client = connect(&run);
    // Before the first instruction there are no page tables.
    assert_eq!(client.ask("M8000,2:cafe"), "OK");
    assert_eq!(client.ask("m8000,2"), "cafe");
    assert_eq!(client.ask("mfffffffff0000000,8"), "E0e");
    assert_eq!(client.ask("Mfffffffff0000000,1:00"), "E0e");
    let before = client.ask("g");
    assert_eq!(client.ask(&format!("G{}", plain(&before))), "OK");
    assert_eq!(client.ask("g"), before);
    // A place of programs, and watchpoints.
    assert_eq!(client.ask("Z0,400000,1"), "E16");
    assert_eq!(client.ask("Z2,ffffffff80200000,8"), "");
    for (number, answer) in ["OK", "OK", "OK", "OK", "E1c"].iter().enumerate() {
        assert_eq!(client.ask(&format!("Z1,ffffffff8020{number:x}000,1")), *answer);
    }
    assert_eq!(client.ask("z1,ffffffff80200000,1"), "OK");
    assert_eq!(client.ask("vKill;1"), "OK");
    let ended = run.end();
    assert_eq!(ended.status, Some(4), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("the debugger ended the run"),
        "{}",
        ended.stdout
    );
}

/// That of all registers.
fn instruction_pointer(registers: &str) -> u64 {
    let registers = plain(registers);
    // After sixteen others, in hexadecimal digits.
    let digits = &registers[16 * 16..17 * 16];
    u64::from_str_radix(digits, 16).unwrap().swap_bytes()
}

/// A packet without run-length encoding: `0*"` is five times `0`.
fn plain(packet: &str) -> String {
    let mut text = String::new();
    let mut characters = packet.chars();
    while let Some(character) = characters.next() {
        if character == '*' {
            let count = characters.next().map_or(0, |count| count as usize - 29);
            let last = text.chars().last().unwrap();
            text.extend(std::iter::repeat_n(last, count));
        } else {
            text.push(character);
        }
    }
    text
}
