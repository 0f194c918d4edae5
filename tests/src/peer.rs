//! A client that sends whatever bytes it likes and reads answers without mercy.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};

/// Longer than any answer may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
#[derive(Debug)]
pub struct Peer {
    /// The socket.
    pub stream: TcpStream,
    got: Vec<u8>,
}

/// Field lines: names, and values without white space around them.
pub type Fields = Vec<(String, Vec<u8>)>;

/// One final answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Field lines as they came.
    pub fields: Fields,
    /// The content, without framing.
    pub body: Vec<u8>,
    /// Field lines behind a chunked body.
    pub trailers: Vec<(String, String)>,
    /// Whether the body is complete, as far as a client can tell.
    pub is_whole: bool,
    /// Interim answers before it: their status and fields.
    pub interim: Vec<(u16, Fields)>,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In order: FIN.
    Closed,
    /// RST.
    Reset,
    /// It is still open, and silent.
    Silent,
}

impl Peer {
    /// Connects to `address`.
    pub fn connect(address: SocketAddr) -> Peer {
        Peer::over(TcpStream::connect_timeout(&address, PATIENCE).expect("the server accepts"))
    }

    /// Over a connection that is there.
    pub fn over(stream: TcpStream) -> Peer {
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        Peer { stream, got: Vec::new() }
    }

    /// Sends all of it.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the server reads");
    }

    /// Sends, though the server may have closed already. Whether all went.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Begins a GET request.
    #[track_caller]
    pub fn ask(&mut self, target: &str) {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
    }

    /// A GET request on this connection, and its answer.
    #[track_caller]
    pub fn get(&mut self, target: &str) -> Answer {
        self.ask(target);
        self.answer()
    }

    /// Sends no more.
    pub fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).expect("the connection is open");
    }

    /// Sends no more, though the server may have closed already.
    pub fn half_close_if_open(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Cuts the connection with a reset.
    pub fn reset(self) {
        let socket = socket2::Socket::from(self.stream);
        socket.set_linger(Some(Duration::ZERO)).expect("a socket");
    }

    /// Waits for bytes at most this long; whether any came (or the end).
    pub fn hears_within(&mut self, patience: Duration) -> bool {
        self.stream.set_read_timeout(Some(patience)).expect("a socket");
        let heard = !self.got.is_empty() || self.more() != Err(End::Silent);
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        heard
    }

    /// Reads the next answer.
    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        self.answer_to("GET").unwrap_or_else(|end| panic!("no answer, the connection is {end:?}"))
    }

    /// Reads the next answer, which is one to HEAD.
    #[track_caller]
    pub fn answer_to_head(&mut self) -> Answer {
        self.answer_to("HEAD").unwrap_or_else(|end| panic!("no answer, the connection is {end:?}"))
    }

    /// The next answer to a request with this method.
    ///
    /// # Errors
    /// How the connection ended before the head was whole.
    pub fn answer_to(&mut self, method: &str) -> Result<Answer, End> {
        let mut interim = Vec::new();
        loop {
            let head = self.take_head()?;
            let (status, fields) = parse_head(&head);
            if (100..200).contains(&status) {
                interim.push((status, fields));
                continue;
            }
            let (body, trailers) = (Vec::new(), Vec::new());
            let mut answer = Answer { status, fields, body, trailers, is_whole: true, interim };
            if method != "HEAD" && status != 204 && status != 304 {
                self.body_of(&mut answer);
            }
            return Ok(answer);
        }
    }

    /// The next interim answer's status.
    #[track_caller]
    pub fn interim(&mut self) -> u16 {
        let head = self.take_head().expect("an interim answer");
        let (status, _) = parse_head(&head);
        assert!((100..200).contains(&status), "{status} is final");
        status
    }

    /// What still comes, and how it ends.
    pub fn rest(&mut self) -> (Vec<u8>, End) {
        loop {
            if let Err(end) = self.more() {
                return (core::mem::take(&mut self.got), end);
            }
        }
    }

    /// Asserts that nothing more comes and that the server closes in order.
    #[track_caller]
    pub fn is_closed(&mut self) {
        let (rest, end) = self.rest();
        assert_eq!(String::from_utf8_lossy(&rest), "", "bytes after the last answer");
        assert_eq!(end, End::Closed);
    }

    /// The next head as it came, with the empty line behind it.
    ///
    /// # Errors
    /// How the connection ended before.
    pub fn take_head(&mut self) -> Result<Vec<u8>, End> {
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
            (None, Some("chunked")) => answer.is_whole = self.chunks(answer),
            (None, None) => {
                let (body, end) = self.rest();
                answer.body = body;
                answer.is_whole = end == End::Closed;
            }
            (length, coding) => panic!("length {length:?} and coding {coding:?}"),
        }
    }

    fn chunks(&mut self, answer: &mut Answer) -> bool {
        loop {
            let Some(line) = self.line() else { return false };
            let size = usize::from_str_radix(&line, 16).expect("hexadecimal");
            if size == 0 {
                break;
            }
            let mut end = Vec::new();
            if !self.take(size, &mut answer.body) || !self.take(2, &mut end) {
                return false;
            }
            assert_eq!(end, b"\r\n", "after a chunk of {size}");
        }
        loop {
            match self.line() {
                Some(line) if line.is_empty() => return true,
                Some(line) => {
                    let (name, value) = line.split_once(':').expect("a field line");
                    answer.trailers.push((name.to_owned(), value.trim_ascii().to_owned()));
                }
                None => return false,
            }
        }
    }

    /// The next line, without its end.
    pub(crate) fn line(&mut self) -> Option<String> {
        let at = loop {
            if let Some(at) = self.got.windows(2).position(|two| two == b"\r\n") {
                break at;
            }
            self.more().ok()?;
        };
        let line = self.got.drain(..at + 2).take(at).collect();
        Some(String::from_utf8(line).expect("readable"))
    }

    /// The next bytes, at least one and at most `most`.
    pub(crate) fn piece(&mut self, most: usize) -> Option<Vec<u8>> {
        if self.got.is_empty() {
            self.more().ok()?;
        }
        let rest = self.got.split_off(most.min(self.got.len()));
        Some(core::mem::replace(&mut self.got, rest))
    }

    /// Moves `count` bytes to `into`; false if the connection ends before.
    pub fn take(&mut self, count: usize, into: &mut Vec<u8>) -> bool {
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
        let n = read(&mut self.stream, &mut chunk)?;
        self.got.extend_from_slice(&chunk[..n]);
        Ok(())
    }
}

/// Reads what is there.
///
/// # Errors
/// How the connection has ended.
pub fn read(stream: &mut TcpStream, into: &mut [u8]) -> Result<usize, End> {
    match stream.read(into) {
        Ok(0) => Err(End::Closed),
        Ok(n) => Ok(n),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Err(End::Silent),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Err(End::Reset),
            other => panic!("reading: {other}"),
        },
    }
}

impl Answer {
    /// The value of a field that appears at most once.
    #[track_caller]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
        let first = values.next()?;
        assert!(values.next().is_none(), "{name} is repeated: {:?}", self.fields);
        Some(core::str::from_utf8(&first.1).expect("a readable value"))
    }

    /// The body, which is text.
    #[track_caller]
    pub fn text(&self) -> &str {
        core::str::from_utf8(&self.body).expect("text")
    }

    /// Status and body, of an answer that is whole.
    #[track_caller]
    pub fn whole(&self) -> (u16, &str) {
        assert!(self.is_whole, "{self:?}");
        (self.status, self.text())
    }
}

/// Status and fields of a head, read as strictly as a head can be read.
fn parse_head(head: &[u8]) -> (u16, Fields) {
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
