//! Runs one exchange and writes down what came back.
//!
//! Heads are kept byte for byte, in their order. What is left out or masked, since it differs from run to run
//! or with the size of a buffer:
//!
//! - the `Date` field, which a device without a clock does not send;
//! - the value of `X-Request-ID`: `<id>`;
//! - where the chunks of a body are cut: the content is shown;
//! - numbers of samples in metrics and in events: `#`;
//! - content that is long or no text: its length and a sum.

use core::fmt::Write as _;
use core::net::SocketAddr;
use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use crate::device::exchanges::{Exchange, Step};

/// Longer than any answer may take, on a simulated board too.
const PATIENCE: Duration = Duration::from_secs(20);

/// What an exchange with the device at `address` looks like.
pub fn of(exchange: &Exchange, address: SocketAddr) -> String {
    let mut client = Client::connect(address, exchange.name);
    let mut text = String::new();
    for step in &exchange.steps {
        match step {
            Step::Send(bytes) => client.send(bytes),
            Step::Dribble(bytes, at_a_time) => bytes.chunks(*at_a_time).for_each(|piece| client.send(piece)),
            Step::Interim => {
                let head = client.head();
                assert!(head.starts_with("HTTP/1.1 1"), "{}: {head}", exchange.name);
                text.push_str(&shown_head(&head));
            }
            Step::Answer(status) => client.answer(*status, Content::Follows, &mut text),
            Step::AnswerToHead(status) => client.answer(*status, Content::Absent, &mut text),
            Step::Events(count) => client.events(*count, &mut text),
            Step::Closed => client.closed(&mut text),
        }
    }
    text
}

struct Client {
    name: &'static str,
    stream: TcpStream,
    got: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq)]
enum Content {
    Follows,
    Absent,
}

impl Client {
    fn connect(address: SocketAddr, name: &'static str) -> Client {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the device accepts");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        Client { name, stream, got: Vec::new() }
    }

    /// A device that has refused a body need not read the rest of it.
    fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// False at the end of the connection, however it ends.
    fn more(&mut self) -> bool {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk) {
            Ok(n) => {
                self.got.extend_from_slice(&chunk[..n]);
                n > 0
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("{}: {error} behind {:?}", self.name, String::from_utf8_lossy(&self.got)),
        }
    }

    fn until(&mut self, mark: &[u8]) -> Vec<u8> {
        loop {
            if let Some(at) = self.got.windows(mark.len()).position(|window| window == mark) {
                return self.got.drain(..at + mark.len()).collect();
            }
            assert!(
                self.more(),
                "{}: the connection ends in {:?}",
                self.name,
                String::from_utf8_lossy(&self.got)
            );
        }
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        while self.got.len() < count {
            assert!(
                self.more(),
                "{}: the connection ends {} bytes too early",
                self.name,
                count - self.got.len()
            );
        }
        self.got.drain(..count).collect()
    }

    fn head(&mut self) -> String {
        String::from_utf8(self.until(b"\r\n\r\n")).expect("a readable head")
    }

    fn answer(&mut self, status: u16, content: Content, text: &mut String) {
        let head = self.head();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{}: not {status}: {head}", self.name);
        text.push_str(&shown_head(&head));
        if content == Content::Absent || status == 204 || status == 304 {
            return;
        }
        let body = match (field(&head, "Content-Length"), field(&head, "Transfer-Encoding")) {
            (Some(length), None) => self.take(length.parse().expect("a length")),
            (None, Some("chunked")) => self.chunks(),
            (None, None) => {
                while self.more() {}
                core::mem::take(&mut self.got)
            }
            (length, coding) => panic!("{}: length {length:?} and coding {coding:?}", self.name),
        };
        shown_body(&head, &body, text);
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk() {
            body.extend(chunk);
        }
        body
    }

    /// The next chunk; `None` at the end of the body.
    fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = String::from_utf8(self.until(b"\r\n")).expect("a size");
        let size = usize::from_str_radix(line.trim_end(), 16).expect("hexadecimal digits");
        if size == 0 {
            assert_eq!(self.take(2), b"\r\n", "{}: trailers", self.name);
            return None;
        }
        let chunk = self.take(size);
        assert_eq!(self.take(2), b"\r\n", "{}: behind a chunk", self.name);
        Some(chunk)
    }

    /// The head of a stream of events, and its first `count` events.
    fn events(&mut self, count: usize, text: &mut String) {
        let head = self.head();
        text.push_str(&shown_head(&head));
        let mut body = Vec::new();
        while count_of(&body, b"\n\n") < count {
            body.extend(self.chunk().expect("the stream does not end"));
        }
        let body = String::from_utf8(body).expect("text");
        let heard: String = body.split_inclusive("\n\n").take(count).collect();
        text.push_str(&masked(&heard));
    }

    /// The device closes, and says nothing more.
    fn closed(&mut self, text: &mut String) {
        while self.more() {}
        assert_eq!(String::from_utf8_lossy(&self.got), "", "{}: bytes behind the last answer", self.name);
        text.push_str("<closed>\n");
    }
}

fn count_of(text: &[u8], mark: &[u8]) -> usize {
    text.windows(mark.len()).filter(|window| *window == mark).count()
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let value = |line: &'h str| line.strip_prefix(name)?.strip_prefix(": ");
    head.split("\r\n").find_map(value)
}

fn shown_head(head: &str) -> String {
    let lines = head.split("\r\n").filter(|line| !line.starts_with("Date: "));
    let lines =
        lines.map(|line| if line.starts_with("X-Request-ID: ") { "X-Request-ID: <id>" } else { line });
    let shown: Vec<&str> = lines.collect();
    shown.join("\n")
}

/// Longer content is not shown: bytes.
const SHOWN_BYTES_MAX: usize = 512;

fn shown_body(head: &str, body: &[u8], text: &mut String) {
    let written = match core::str::from_utf8(body) {
        Ok(body) if head.contains("version=0.0.4") => writeln!(text, "{}", masked_samples(body)),
        Ok(body) if body.len() <= SHOWN_BYTES_MAX => writeln!(text, "{body}"),
        Ok(_) | Err(_) => writeln!(text, "<{} bytes, sum {:016x}>", body.len(), sum(body)),
    };
    written.expect("a string takes all");
}

/// FNV-1a: enough to tell one page from another.
fn sum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Metrics with their numbers masked.
fn masked_samples(page: &str) -> String {
    let line = |line: &str| match line.rsplit_once(' ') {
        Some((name, _)) if !line.starts_with('#') => format!("{name} #\n"),
        _ => format!("{line}\n"),
    };
    page.lines().map(line).collect()
}

/// Events with their numbers masked, but for the time to wait before coming back.
fn masked(events: &str) -> String {
    let line = |line: &str| {
        if line.starts_with("retry") {
            return format!("{line}\n");
        }
        let mut shown = String::new();
        for letter in line.chars() {
            match (letter.is_ascii_digit(), shown.ends_with('#')) {
                (true, true) => {}
                (true, false) => shown.push('#'),
                (false, _) => shown.push(letter),
            }
        }
        shown + "\n"
    };
    events.lines().map(line).collect()
}
