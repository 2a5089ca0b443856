//! One connection, from its first byte to its end.

use std::io::{self, Read, Write};

use abi::warehouse::{
    self, EXTRACT_BYTES, FAIL, MAX_MESSAGE_BYTES, PAGE, PAGE_BYTES, REQUEST_BYTES, Reply, SIZE, pages_of,
};

use crate::{Answer, Asked, Fault, Text};

/// Longest number: that of 2^64 - 1, and a carriage return.
const MAX_LINE_BYTES: usize = 21;

/// What a connection is served from, and who is told.
pub(crate) struct Service<'a> {
    pub(crate) text: &'a Text,
    pub(crate) fault: Option<Fault>,
    /// Told of each request before it is answered.
    pub(crate) note: &'a dyn Fn(Asked, Answer),
}

/// A client that may be gone before it has read its answers: then they are lost, and what it sent before is served all the same.
pub(crate) struct Client<'a, S> {
    stream: &'a mut S,
    is_gone: bool,
}

impl<'a, S> Client<'a, S> {
    pub(crate) fn new(stream: &'a mut S) -> Self {
        Self {
            stream,
            is_gone: false,
        }
    }
}

impl<S: Read> Read for Client<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl<S: Write> Write for Client<'_, S> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if !self.is_gone {
            match self.stream.write(buffer) {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(_) => self.is_gone = true,
            }
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether more requests may come.
enum Then {
    GoOn,
    Close,
}

impl Service<'_> {
    /// Serves until the client has no more to ask.
    pub(crate) fn serve(&self, stream: &mut (impl Read + Write)) -> io::Result<()> {
        let mut first = [0];
        if stream.read(&mut first)? == 0 {
            return Ok(());
        }
        match first[0] {
            b'0'..=b'9' => self.serve_line(first[0], stream),
            b'A'..=b'Z' => self.serve_requests(first[0], stream),
            _ => self.refuse_line(
                "expected a decimal number and a newline, or a request of the page protocol",
                stream,
            ),
        }
    }

    fn serve_line(&self, first: u8, stream: &mut (impl Read + Write)) -> io::Result<()> {
        let mut line = vec![first];
        loop {
            let mut next = [0];
            // A client that ends the number by closing its side has said all there is to say.
            if stream.read(&mut next)? == 0 || next[0] == b'\n' {
                break;
            }
            if line.len() == MAX_LINE_BYTES {
                return self.refuse_line(
                    "expected a decimal number below 2^64, found a longer line",
                    stream,
                );
            }
            line.push(next[0]);
        }
        let digits = line.strip_suffix(b"\r").unwrap_or(&line);
        let is_number = digits.iter().all(u8::is_ascii_digit);
        let id = std::str::from_utf8(digits).ok().filter(|_| is_number);
        let Some(id) = id.and_then(|digits| digits.parse().ok()) else {
            return self.refuse_line("expected a decimal number below 2^64", stream);
        };
        if self.fault == Some(Fault::NeverAnswers) {
            (self.note)(Asked::Extracts(id), Answer::Faulty(Fault::NeverAnswers));
            return drain(stream);
        }
        (self.note)(Asked::Extracts(id), Answer::Given);
        let pages = self.text.pages();
        let mut answer = Vec::new();
        for number in pages_of(id, pages) {
            answer.extend_from_slice(format!("Page {number} of {pages}\n").as_bytes());
            let page = self
                .text
                .page(number)
                .expect("the numbers are below that of pages");
            answer.extend_from_slice(&page[..EXTRACT_BYTES]);
            answer.push(b'\n');
        }
        stream.write_all(&answer)
    }

    fn refuse_line(&self, why: &str, stream: &mut impl Write) -> io::Result<()> {
        (self.note)(Asked::Nonsense, Answer::Refused);
        stream.write_all(format!("error: {why}\n").as_bytes())
    }

    fn serve_requests(&self, first: u8, stream: &mut (impl Read + Write)) -> io::Result<()> {
        let mut bytes = [0; REQUEST_BYTES];
        bytes[0] = first;
        stream.read_exact(&mut bytes[1..])?;
        loop {
            match self.answer(warehouse::Request::decode(bytes), stream)? {
                Then::GoOn => {}
                Then::Close => return Ok(()),
            }
            // Between two requests a client may leave, within one it may not.
            if stream.read(&mut bytes[..1])? == 0 {
                return Ok(());
            }
            stream.read_exact(&mut bytes[1..])?;
        }
    }

    fn answer(&self, request: warehouse::Request, stream: &mut (impl Read + Write)) -> io::Result<Then> {
        let argument = request.argument;
        let asked = match request.kind {
            PAGE => Asked::Page(argument),
            SIZE => Asked::Size,
            _ => Asked::Nonsense,
        };
        if self.fault == Some(Fault::NeverAnswers) {
            (self.note)(asked, Answer::Faulty(Fault::NeverAnswers));
            return drain(stream).map(|()| Then::Close);
        }
        match asked {
            Asked::Page(number) => self.answer_page(number, stream),
            Asked::Size => {
                (self.note)(asked, Answer::Given);
                let len_bytes = self.text.len_bytes().to_le_bytes();
                reply(SIZE, argument, &len_bytes, stream).map(|()| Then::GoOn)
            }
            Asked::Extracts(_) | Asked::Nonsense => {
                (self.note)(asked, Answer::Refused);
                let kind = request.kind.escape_ascii();
                fail(argument, &format!("expected PAGE or SIZE, found {kind}"), stream)?;
                Ok(Then::Close)
            }
        }
    }

    fn answer_page(&self, number: u32, stream: &mut impl Write) -> io::Result<Then> {
        let pages = self.text.pages();
        let Some(page) = self.text.page(number.into()) else {
            (self.note)(Asked::Page(number), Answer::Refused);
            fail(
                number,
                &format!("there is no page {number}: the text has {pages}"),
                stream,
            )?;
            return Ok(Then::GoOn);
        };
        let answer = self.fault.map_or(Answer::Given, Answer::Faulty);
        (self.note)(Asked::Page(number), answer);
        let header_of = |argument: u32, len_bytes: usize| {
            let len_bytes = u32::try_from(len_bytes).expect("about a page");
            Reply {
                kind: PAGE,
                argument,
                len_bytes,
            }
            .encode()
        };
        let header = |len_bytes| header_of(number, len_bytes);
        let next = (u64::from(number) + 1) % pages;
        let wrong = || {
            self.text
                .page(next)
                .expect("a remainder is below the number of pages")
        };
        // A whole reply goes out at once, so that nobody who waits for it sees a part.
        let (message, then) = match self.fault {
            // Never answering was dealt with.
            None | Some(Fault::NeverAnswers) => ([&header(PAGE_BYTES)[..], &page].concat(), Then::GoOn),
            Some(Fault::CutPage) => (
                [&header(PAGE_BYTES)[..], &page[..PAGE_BYTES / 2]].concat(),
                Then::Close,
            ),
            Some(Fault::ShortPage) => {
                let few = &page[..PAGE_BYTES - EXTRACT_BYTES];
                ([&header(few.len())[..], few].concat(), Then::Close)
            }
            Some(Fault::LongPage) => {
                let more = &page[..EXTRACT_BYTES];
                (
                    [&header(PAGE_BYTES + more.len())[..], &page, more].concat(),
                    Then::GoOn,
                )
            }
            Some(Fault::WrongPage) => {
                let label = u32::try_from(next).expect("texts have no more pages than numbers");
                ([&header_of(label, PAGE_BYTES)[..], &wrong()].concat(), Then::GoOn)
            }
            Some(Fault::MislabelledPage) => ([&header(PAGE_BYTES)[..], &wrong()].concat(), Then::GoOn),
        };
        stream.write_all(&message)?;
        Ok(then)
    }
}

fn fail(argument: u32, message: &str, stream: &mut impl Write) -> io::Result<()> {
    debug_assert!(message.len() <= MAX_MESSAGE_BYTES);
    reply(FAIL, argument, message.as_bytes(), stream)
}

fn reply(kind: [u8; 4], argument: u32, bytes: &[u8], stream: &mut impl Write) -> io::Result<()> {
    let len_bytes = u32::try_from(bytes.len()).expect("replies are short");
    let header = Reply {
        kind,
        argument,
        len_bytes,
    }
    .encode();
    stream.write_all(&[&header[..], bytes].concat())
}

/// Reads what comes until the client closes.
fn drain(stream: &mut impl Read) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(|_| ())
}
