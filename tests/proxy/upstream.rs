//! A server behind the proxy that says exactly what a test wants, and reads requests as strictly as they can be
//! read: one that two readers could understand differently fails the test.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use rws_tests::peer::read;
pub(crate) use rws_tests::streaming::Framing;

use crate::client::{Client, End, PATIENCE};
use crate::site::Site;

/// A listening server; its connections come one by one.
pub(crate) struct Upstream {
    address: SocketAddr,
    connections: Receiver<TcpStream>,
}

/// A connection that the proxy has made.
pub(crate) struct Link {
    pub(crate) stream: TcpStream,
    got: Vec<u8>,
}

/// A request as the upstream sees it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Field lines as they came.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) framing: Framing,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, String)>,
}

impl Upstream {
    pub(crate) fn new() -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (sender, connections) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let gone = stream.is_ok_and(|stream| sender.send(stream).is_err());
                if gone {
                    return;
                }
            }
        });
        Upstream { address, connections }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection.
    #[track_caller]
    pub(crate) fn accept(&self) -> Link {
        Link::new(self.connections.recv_timeout(PATIENCE).expect("the proxy connects"))
    }

    /// Lets `client` ask for `target` by GET; where the request came, on a new connection.
    #[track_caller]
    pub(crate) fn asked(&self, client: &mut Client, target: &str) -> Link {
        client.ask(target);
        let mut link = self.accept();
        link.request();
        link
    }

    /// A connection, if one has been made.
    pub(crate) fn accept_if_any(&self) -> Option<Link> {
        match self.connections.try_recv() {
            Ok(stream) => Some(Link::new(stream)),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }

    /// The next connection, or the status of an answer that `client` gets without one.
    pub(crate) fn accept_or(&self, client: &mut Client) -> Result<Link, u16> {
        client.stream.set_nonblocking(true).expect("a socket");
        let until = std::time::Instant::now() + PATIENCE;
        let accepted = loop {
            if let Some(link) = self.accept_if_any() {
                break Ok(link);
            }
            if client.stream.peek(&mut [0]).is_ok() {
                break Err(());
            }
            assert!(std::time::Instant::now() < until, "neither a connection nor an answer");
            std::thread::yield_now();
        };
        client.stream.set_nonblocking(false).expect("a socket");
        accepted.map_err(|()| client.answer().status)
    }

    /// Answers every request of every connection by `serve`, for as long as the test runs.
    pub(crate) fn serve(self, serve: impl Fn(&Seen, &mut Link) + Clone + Send + 'static) {
        std::thread::spawn(move || {
            while let Ok(stream) = self.connections.recv() {
                let serve = serve.clone();
                std::thread::spawn(move || {
                    let mut link = Link::new(stream);
                    while let Ok(seen) = link.try_request() {
                        serve(&seen, &mut link);
                    }
                });
            }
        });
    }
}

/// An upstream, a proxy before it, and a client of that.
pub(crate) fn meet() -> (Upstream, Site, Client) {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    let client = site.connect();
    (upstream, site, client)
}

/// An address that refuses connections.
pub(crate) fn refusing() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

impl Link {
    fn new(stream: TcpStream) -> Link {
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        Link { stream, got: Vec::new() }
    }

    /// The next request, whole.
    #[track_caller]
    pub(crate) fn request(&mut self) -> Seen {
        self.try_request().unwrap_or_else(|end| panic!("no whole request, the proxy has {end:?}"))
    }

    /// The next request, or how the connection ended before it was whole.
    pub(crate) fn try_request(&mut self) -> Result<Seen, End> {
        let mut seen = self.try_head()?;
        match seen.framing {
            Framing::None => {}
            Framing::Sized(length) => seen.body = self.take(length)?,
            Framing::Chunked => self.chunks(&mut seen)?,
        }
        Ok(seen)
    }

    /// The head of the next request; what follows it stays unread.
    #[track_caller]
    pub(crate) fn head(&mut self) -> Seen {
        self.try_head().unwrap_or_else(|end| panic!("no head, the proxy has {end:?}"))
    }

    fn try_head(&mut self) -> Result<Seen, End> {
        let end = loop {
            if let Some(at) = self.got.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more()?;
        };
        let head: Vec<u8> = self.got.drain(..end).collect();
        Ok(Seen::of(&head))
    }

    fn chunks(&mut self, seen: &mut Seen) -> Result<(), End> {
        loop {
            let line = self.line()?;
            assert!(!line.is_empty() && line.iter().all(u8::is_ascii_hexdigit), "chunk size {line:?}");
            let text = core::str::from_utf8(&line).expect("digits");
            let size = usize::from_str_radix(text, 16).expect("a size");
            if size == 0 {
                break;
            }
            seen.body.append(&mut self.take(size)?);
            assert_eq!(self.take(2)?, b"\r\n", "after a chunk");
        }
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(());
            }
            seen.trailers.push(field(&line));
        }
    }

    fn line(&mut self) -> Result<Vec<u8>, End> {
        loop {
            if let Some(at) = self.got.windows(2).position(|two| two == b"\r\n") {
                let mut line: Vec<u8> = self.got.drain(..at + 2).collect();
                line.truncate(at);
                return Ok(line);
            }
            self.more()?;
        }
    }

    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Result<Vec<u8>, End> {
        while self.got.len() < count {
            self.more()?;
        }
        Ok(self.got.drain(..count).collect())
    }

    /// What has been read beyond what was asked for.
    pub(crate) fn buffered(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.got)
    }

    /// What still comes, and how it ends.
    pub(crate) fn rest(&mut self) -> (Vec<u8>, End) {
        loop {
            if let Err(end) = self.more() {
                return (core::mem::take(&mut self.got), end);
            }
        }
    }

    /// Asserts that the proxy gives this connection up, without another byte.
    #[track_caller]
    pub(crate) fn is_given_up(&mut self) {
        let (rest, end) = self.rest();
        assert_eq!(String::from_utf8_lossy(&rest), "");
        assert_ne!(end, End::Silent, "the proxy keeps the connection");
    }

    fn more(&mut self) -> Result<(), End> {
        let mut chunk = [0; 64 * 1024];
        let n = read(&mut self.stream, &mut chunk)?;
        self.got.extend_from_slice(&chunk[..n]);
        Ok(())
    }

    /// Sends all of it.
    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the proxy reads");
    }

    /// Sends, though the proxy may have closed already. Whether all went.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Answers 200 with this body.
    #[track_caller]
    pub(crate) fn answer(&mut self, body: &str) {
        self.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    }

    pub(crate) fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).expect("the connection is open");
    }

    /// Cuts the connection with a reset.
    pub(crate) fn reset(self) {
        let linger = rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO));
        linger.expect("a socket");
    }
}

impl Seen {
    /// Reads a head and refuses whatever a second reader might read in another way.
    #[track_caller]
    fn of(head: &[u8]) -> Seen {
        let text = core::str::from_utf8(head).expect("ASCII or UTF-8");
        let mut lines = text.strip_suffix("\r\n\r\n").expect("a whole head").split("\r\n");
        let start = lines.next().expect("a request line");
        let words: Vec<&str> = start.split(' ').collect();
        let [method, target, "HTTP/1.1"] = words[..] else { panic!("the request line is {start:?}") };
        assert!(is_token(method) && !target.is_empty(), "{start:?}");
        assert!(target.bytes().all(|byte| byte.is_ascii_graphic()), "{start:?}");
        let fields: Vec<(String, String)> = lines.map(|line| field(line.as_bytes())).collect();
        let all = |name: &str| -> Vec<&str> {
            let named = fields.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
            named.map(|(_, value)| value.as_str()).collect()
        };
        assert_eq!(all("Host").len(), 1, "{text:?}");
        let framing = match (&all("Content-Length")[..], &all("Transfer-Encoding")[..]) {
            ([], []) => Framing::None,
            ([length], []) => {
                assert!(length.bytes().all(|byte| byte.is_ascii_digit()), "{text:?}");
                Framing::Sized(length.parse().expect("a length"))
            }
            ([], ["chunked"]) => Framing::Chunked,
            _ => panic!("the framing can be read in two ways: {text:?}"),
        };
        let (method, target) = (method.to_owned(), target.to_owned());
        Seen { method, target, fields, framing, body: Vec::new(), trailers: Vec::new() }
    }

    /// The value of a field that appears at most once.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
        let first = values.next()?;
        assert!(values.next().is_none(), "{name} is repeated: {:?}", self.fields);
        Some(&first.1)
    }
}

/// A field line without its end.
#[track_caller]
fn field(line: &[u8]) -> (String, String) {
    let line = core::str::from_utf8(line).expect("ASCII or UTF-8");
    let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no field line: {line:?}"));
    assert!(is_token(name), "{line:?}");
    assert!(!value.bytes().any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f), "{line:?}");
    (name.to_owned(), value.trim_matches([' ', '\t']).to_owned())
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
