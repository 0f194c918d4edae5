//! One connection that asks and waits: as little HTTP as a measurement needs.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Client {
    stream: TcpStream,
    request: Vec<u8>,
    received: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(port: u16, path: &str) -> io::Result<Self> {
        let stream = connect(port)?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes();
        Ok(Self { stream, request, received: Vec::with_capacity(4096) })
    }

    /// One exchange, from request to the last byte of its answer, which must be a 200.
    pub(crate) fn exchange(&mut self) -> io::Result<()> {
        self.send()?;
        self.wait()
    }

    pub(crate) fn send(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.request)
    }

    pub(crate) fn wait(&mut self) -> io::Result<()> {
        self.received.clear();
        let mut chunk = [0_u8; 4096];
        loop {
            let got = self.stream.read(&mut chunk)?;
            if got == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            self.received.extend(chunk.iter().take(got));
            if let Some(length) = answer_length(&self.received)?
                && self.received.len() >= length
            {
                return Ok(());
            }
        }
    }
}

pub(crate) fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Head and body in bytes, once the whole head has come.
fn answer_length(received: &[u8]) -> io::Result<Option<usize>> {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(received.split_at(end).0).to_ascii_lowercase();
    if !head.starts_with("http/1.1 200 ") {
        return Err(Error::other(format!("answered {:?}", head.lines().next().unwrap_or_default())));
    }
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.map(|body| Some(end + 4 + body)).ok_or_else(|| Error::other("an answer without content-length"))
}
