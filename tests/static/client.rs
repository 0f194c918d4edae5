//! A client that hides nothing: bytes out, one parsed answer in.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of the only field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} twice in {self:?}");
        value
    }

    pub(crate) fn text(&self) -> &str {
        core::str::from_utf8(&self.body).expect("a body of text")
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Client {
        let socket = TcpStream::connect(address).expect("a connection");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        Client(BufReader::new(socket))
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).expect("the server takes the request");
    }

    /// Sends a request without a body (`fields` are whole lines) and reads its answer.
    pub(crate) fn ask(&mut self, method: &str, target: &str, fields: &str) -> Answer {
        self.send(format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"));
        self.answer(method)
    }

    /// Reads the answer to a request with this method.
    pub(crate) fn answer(&mut self, method: &str) -> Answer {
        let mut start = self.line();
        while start.starts_with("HTTP/1.1 100 ") {
            assert_eq!(self.line(), "");
            start = self.line();
        }
        let status = start.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).expect("a status line");
        let mut answer =
            Answer { status: status.parse().expect("a status"), fields: Vec::new(), body: Vec::new() };
        loop {
            let line = self.line();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').expect("a field line");
            answer.fields.push((name.to_owned(), value.trim_ascii().to_owned()));
        }
        let len = answer.field("Content-Length").map_or(0, |len| len.parse().expect("a length"));
        if method != "HEAD" && !matches!(answer.status, 204 | 304) {
            answer.body.resize(len, 0);
            self.0.read_exact(&mut answer.body).expect("the whole body");
        }
        answer
    }

    /// Waits until something of an answer has come, and reads none of it.
    pub(crate) fn wait_for_bytes(&mut self) {
        assert!(self.0.get_ref().peek(&mut [0]).expect("an answer") > 0);
    }

    /// Whether the server has closed the connection, with nothing more before the end.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).is_ok() && rest.is_empty()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line.strip_suffix("\r\n").expect("a line that ends in CRLF").to_owned()
    }
}
