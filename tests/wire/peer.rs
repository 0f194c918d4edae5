//! A client that sends whatever bytes it likes and reads answers without mercy.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};

/// Longer than any answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    got: Vec<u8>,
}

/// One final answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Field lines as they came.
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body's end was marked, as opposed to the connection being closed.
    pub(crate) is_whole: bool,
    /// Interim answers before it.
    pub(crate) interim: Vec<u16>,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In order: FIN.
    Closed,
    /// RST.
    Reset,
    /// It is still open, and silent.
    Silent,
}

impl Peer {
    pub(crate) fn connect(address: SocketAddr) -> Peer {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the server accepts");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        Peer { stream, got: Vec::new() }
    }

    /// Sends all of it.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the server reads");
    }

    /// Sends, though the server may have closed already. Whether all went.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// A GET request on this connection, and its answer.
    pub(crate) fn get(&mut self, target: &str) -> Answer {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        self.answer()
    }

    pub(crate) fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).expect("the connection is open");
    }

    /// Cuts the connection with a reset.
    pub(crate) fn reset(self) {
        let socket = socket2::Socket::from(self.stream);
        socket.set_linger(Some(Duration::ZERO)).expect("a socket");
    }

    /// Waits for bytes at most this long; whether any came (or the end).
    pub(crate) fn hears_within(&mut self, patience: Duration) -> bool {
        self.stream.set_read_timeout(Some(patience)).expect("a socket");
        let heard = !self.got.is_empty() || self.more() != Err(End::Silent);
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        heard
    }

    /// Reads the next answer.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Answer {
        self.answer_to("GET").unwrap_or_else(|end| panic!("no answer, the connection is {end:?}"))
    }

    #[track_caller]
    pub(crate) fn answer_to_head(&mut self) -> Answer {
        self.answer_to("HEAD").unwrap_or_else(|end| panic!("no answer, the connection is {end:?}"))
    }

    /// The next answer to a request with this method, or how the connection ended before its head was whole.
    pub(crate) fn answer_to(&mut self, method: &str) -> Result<Answer, End> {
        let mut interim = Vec::new();
        loop {
            let head = self.take_head()?;
            let (status, fields) = parse_head(&head);
            if (100..200).contains(&status) {
                interim.push(status);
                continue;
            }
            let mut answer = Answer { status, fields, body: Vec::new(), is_whole: true, interim };
            if method != "HEAD" && status != 204 && status != 304 {
                self.body_of(&mut answer);
            }
            return Ok(answer);
        }
    }

    /// The next interim answer's status.
    #[track_caller]
    pub(crate) fn interim(&mut self) -> u16 {
        let head = self.take_head().expect("an interim answer");
        let (status, _) = parse_head(&head);
        assert!((100..200).contains(&status), "{status} is final");
        status
    }

    /// What still comes, and how it ends.
    pub(crate) fn rest(&mut self) -> (Vec<u8>, End) {
        loop {
            if let Err(end) = self.more() {
                return (core::mem::take(&mut self.got), end);
            }
        }
    }

    /// Asserts that nothing more comes and that the server closes in order.
    #[track_caller]
    pub(crate) fn is_closed(&mut self) {
        let (rest, end) = self.rest();
        assert_eq!(String::from_utf8_lossy(&rest), "", "bytes after the last answer");
        assert_eq!(end, End::Closed);
    }

    fn take_head(&mut self) -> Result<Vec<u8>, End> {
        loop {
            if let Some(at) = self.got.windows(4).position(|four| four == b"\r\n\r\n") {
                return Ok(self.got.drain(..at + 4).collect());
            }
            assert!(self.got.len() < 1 << 17, "an endless head");
            self.more()?;
        }
    }

    fn body_of(&mut self, answer: &mut Answer) {
        let length = answer.field("Content-Length").map(|text| text.parse::<usize>().expect("a length"));
        let coding = answer.field("Transfer-Encoding").map(str::to_owned);
        match (length, coding.as_deref()) {
            (Some(length), None) => answer.is_whole = self.take(length, &mut answer.body),
            (None, Some("chunked")) => answer.is_whole = self.chunks(&mut answer.body),
            (None, None) => {
                let (body, end) = self.rest();
                answer.body = body;
                answer.is_whole = end == End::Closed;
            }
            (length, coding) => panic!("length {length:?} and coding {coding:?}"),
        }
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> bool {
        loop {
            let mut line = Vec::new();
            while !line.ends_with(b"\r\n") {
                if !self.take(1, &mut line) {
                    return false;
                }
            }
            let text = core::str::from_utf8(&line[..line.len() - 2]).expect("hexadecimal");
            let size = usize::from_str_radix(text, 16).expect("hexadecimal");
            let mut end = Vec::new();
            if !self.take(size, body) || !self.take(2, &mut end) {
                return false;
            }
            assert_eq!(end, b"\r\n", "after a chunk of {size}");
            if size == 0 {
                return true;
            }
        }
    }

    /// Moves `count` bytes to `into`; false if the connection ends before.
    fn take(&mut self, count: usize, into: &mut Vec<u8>) -> bool {
        while self.got.len() < count {
            if self.more().is_err() {
                into.append(&mut self.got);
                return false;
            }
        }
        into.extend(self.got.drain(..count));
        true
    }

    fn more(&mut self) -> Result<(), End> {
        let mut chunk = [0; 64 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(End::Closed),
            Ok(n) => {
                self.got.extend_from_slice(&chunk[..n]);
                Ok(())
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Err(End::Silent),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Err(End::Reset),
                other => panic!("reading: {other}"),
            },
        }
    }
}

impl Answer {
    /// The value of a field that appears at most once.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
        let first = values.next()?;
        assert!(values.next().is_none(), "{name} is repeated");
        Some(core::str::from_utf8(&first.1).expect("a readable value"))
    }

    pub(crate) fn text(&self) -> &str {
        core::str::from_utf8(&self.body).expect("text")
    }
}

/// Status and fields of a head, read as strictly as a head can be read.
fn parse_head(head: &[u8]) -> (u16, Vec<(String, Vec<u8>)>) {
    let lines = head[..head.len() - 4].split(|&byte| byte == b'\n');
    let mut lines: Vec<&[u8]> = lines.collect();
    for line in &mut lines {
        *line = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(!line.contains(&b'\r') && !line.contains(&0), "{:?}", String::from_utf8_lossy(line));
    }
    let start = String::from_utf8_lossy(lines[0]).into_owned();
    let status = start.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let fields = lines[1..].iter().map(|line| {
        let colon = line.iter().position(|&byte| byte == b':').expect("a field line");
        let name = core::str::from_utf8(&line[..colon]).expect("a name").to_owned();
        (name, line[colon + 1..].trim_ascii().to_vec())
    });
    (status.unwrap_or_else(|| panic!("the status line is {start:?}")), fields.collect())
}
