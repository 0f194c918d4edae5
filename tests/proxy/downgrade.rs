//! HTTP/2 on this side, HTTP/1.1 on the other: what is one request here is one request there, or none.
//!
//! HTTP/2 has room for octets that end a line, a head or a body in HTTP/1.1 (CVE-2021-33193, CVE-2023-27491). The
//! upstream reads strictly ([`Seen`]): whatever it could understand in two ways fails the test.

use std::sync::mpsc::{Receiver, channel};

use rws_tests::h2::frame::{END_HEADERS, END_STREAM, HEADERS};
use rws_tests::h2::{Block, End, Peer};

use crate::client::PATIENCE;
use crate::site::Site;
use crate::upstream::{Seen, Upstream};

type Told = (String, String, Vec<(String, String)>, Vec<u8>);

/// A proxy before an upstream that tells what it sees.
struct Downgraded {
    site: Site,
    seen: Receiver<Told>,
}

impl Downgraded {
    fn new() -> Downgraded {
        let upstream = Upstream::new();
        let site = Site::before(&[upstream.address()]);
        let (sender, seen) = channel();
        upstream.serve(move |request: &Seen, link| {
            let told = (&request.method, &request.target, &request.fields, &request.body);
            let (method, target, fields, body) = told;
            let _ = sender.send((method.clone(), target.clone(), fields.clone(), body.clone()));
            link.answer(target);
        });
        Downgraded { site, seen }
    }

    fn open(&self) -> Peer {
        Peer::open(self.site.address(), PATIENCE, &[]).unwrap_or_else(|stop| panic!("no connection: {stop}"))
    }

    /// Sends a head and perhaps content; nobody behind the proxy sees a request.
    #[track_caller]
    fn is_refused(&self, what: &str, block: &Block, content: Option<&[u8]>) {
        let mut peer = self.open();
        peer.frame(HEADERS, if content.is_some() { 0 } else { END_STREAM } | END_HEADERS, 1, &block.0);
        if let Some(content) = content {
            peer.data(1, content, true);
        }
        // A connection that is closed is as good an answer.
        if let Ok(response) = peer.response(1) {
            let is_refused = (400..500).contains(&response.status) || matches!(response.end, End::Reset(_));
            assert!(is_refused, "{what}: {} {}", response.status, response.text());
        }
        // One that is sound, to see what the upstream makes of both.
        let (_, target, _, _) = self.passes("/last", &[], &[]);
        assert_eq!(target, "/last", "{what}");
    }

    /// A sound request: what the upstream saw.
    #[track_caller]
    fn passes(&self, path: &str, fields: &[(&str, &str)], content: &[u8]) -> Told {
        let mut peer = self.open();
        let method = if content.is_empty() { "GET" } else { "POST" };
        let block = fields
            .iter()
            .fold(Block::request(method, path, "a.example"), |block, (name, value)| block.field(name, value));
        if content.is_empty() {
            peer.request(1, &block);
        } else {
            peer.begin(1, &block);
            peer.data(1, content, true);
        }
        let response = peer.response(1).unwrap_or_else(|stop| panic!("{stop}; it got {}", peer.story()));
        assert_eq!((response.status, response.text()), (200, path));
        self.seen.recv_timeout(PATIENCE).expect("the upstream has seen it")
    }
}

fn request(method: &str, path: &str) -> Block {
    Block::request(method, path, "a.example")
}

/// What every request would be that one of these smuggles in.
const HIDDEN: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn line_ends_and_nul_in_fields_reach_nobody() {
    let downgraded = Downgraded::new();
    for end in ["\r\n", "\n", "\r", "\0"] {
        for text in [
            format!("x{end}x-smuggled: y"),
            format!("x{end}{end}{HIDDEN}"),
            format!("x{end}"),
            format!("{end}x"),
        ] {
            downgraded.is_refused("a value", &request("GET", "/").field("x-a", &text), None);
            downgraded.is_refused("a name", &request("GET", "/").field(&text, "x"), None);
            downgraded.is_refused("a path", &request("GET", &format!("/{text}")), None);
            downgraded.is_refused("a method", &request(&format!("GET{text}"), "/"), None);
            downgraded.is_refused("an authority", &Block::request("GET", "/", &format!("a{text}")), None);
            let block = Block::new().field(":method", "GET").field(":scheme", format!("http{text}"));
            downgraded.is_refused("a scheme", &block.field(":path", "/").field(":authority", "a"), None);
        }
    }
}

#[test]
fn names_that_are_none_reach_nobody() {
    let downgraded = Downgraded::new();
    for name in [
        "x:",
        "x: y",
        "x y",
        " x",
        "x ",
        "\tx",
        "X",
        "xY",
        "",
        "x\u{e9}",
        "x\x7f",
        "transfer-encoding:",
        "x(y)",
        "x\"",
        "x,y",
    ] {
        downgraded.is_refused(name, &request("GET", "/").field(name, "chunked"), None);
    }
}

#[test]
fn fields_of_the_connection_reach_nobody() {
    let downgraded = Downgraded::new();
    for (name, value) in [
        ("transfer-encoding", "chunked"),
        ("transfer-encoding", "identity"),
        ("connection", "keep-alive"),
        ("connection", "x-forwarded-for"),
        ("proxy-connection", "close"),
        ("keep-alive", "timeout=1"),
        ("upgrade", "websocket"),
        ("te", "chunked"),
        ("te", "trailers, gzip"),
    ] {
        downgraded.is_refused(name, &request("GET", "/").field(name, value), None);
        let chunks = format!("0\r\n\r\n{HIDDEN}");
        downgraded.is_refused(name, &request("POST", "/").field(name, value), Some(chunks.as_bytes()));
    }
}

#[test]
fn targets_that_are_none_reach_nobody() {
    let downgraded = Downgraded::new();
    for path in [
        "",
        "smuggled",
        "/a b",
        "/ HTTP/1.1",
        "http://other.example/",
        "//other.example/ x",
        "/a#b",
        "*",
        "/a\tb",
    ] {
        downgraded.is_refused(path, &request("GET", path), None);
    }
    for authority in ["a b", "a/b", "user@a", "a,b", "a\\b", "http://a", "a?b", "a#b"] {
        downgraded.is_refused(authority, &Block::request("GET", "/", authority), None);
    }
    for method in ["", "GET ", "G T", "GET /smuggled HTTP/1.1", "G:T"] {
        downgraded.is_refused(method, &request(method, "/"), None);
    }
    downgraded.is_refused("two hosts", &request("GET", "/").field("host", "other.example"), None);
    let without = Block::new().field(":method", "GET").field(":scheme", "http").field(":path", "/");
    downgraded.is_refused("no host", &without, None);
    downgraded.is_refused("hosts", &without.clone().field("host", "a").field("host", "b"), None);
    downgraded.is_refused("a bad host", &without.field("host", "a b"), None);
}

/// A body of another length than told: the upstream never has all of the request, and nothing behind it.
#[test]
fn content_of_another_length_than_told_reaches_nobody() {
    let downgraded = Downgraded::new();
    let content = HIDDEN.as_bytes();
    for length in ["0", "1", "39", "1000", "+38", "38, 38", "0x26", "38 ", "", "-1"] {
        downgraded.is_refused(length, &request("POST", "/").field("content-length", length), Some(content));
    }
    let twice = request("POST", "/").field("content-length", "38").field("content-length", "0");
    downgraded.is_refused("two lengths", &twice, Some(content));
    downgraded.is_refused("a length alone", &request("POST", "/").field("content-length", "38"), None);
}

#[test]
fn content_that_looks_like_framing_stays_content() {
    let downgraded = Downgraded::new();
    let texts = [
        HIDDEN.to_owned(),
        format!("0\r\n\r\n{HIDDEN}"),
        format!("5\r\nhello\r\n0\r\n\r\n{HIDDEN}"),
        "\r\n".to_owned(),
    ];
    for text in texts {
        let (method, target, _, body) = downgraded.passes("/whole", &[], text.as_bytes());
        assert_eq!((method.as_str(), target.as_str(), body.as_slice()), ("POST", "/whole", text.as_bytes()));
        let length = text.len().to_string();
        let (_, _, fields, body) =
            downgraded.passes("/told", &[("content-length", &length)], text.as_bytes());
        assert_eq!(body, text.as_bytes());
        assert_eq!(values(&fields, "content-length"), [length]);
    }
}

fn values<'f>(fields: &'f [(String, String)], name: &str) -> Vec<&'f str> {
    let own = fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    own.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn a_sound_request_is_written_anew_in_its_own_words() {
    let downgraded = Downgraded::new();
    let fields = [
        ("cookie", "a=b"),
        ("x-a", "1"),
        ("cookie", "c=d"),
        ("te", "trailers"),
        ("x-a", "2"),
        ("cookie", "e=f"),
    ];
    let (method, target, fields, body) = downgraded.passes("/path?query=1", &fields, &[]);
    assert_eq!((method.as_str(), target.as_str(), body.len()), ("GET", "/path?query=1", 0));
    // RFC 9113 §8.2.3: crumbs become one field.
    assert_eq!(values(&fields, "cookie"), ["a=b; c=d; e=f"]);
    assert_eq!(values(&fields, "x-a"), ["1", "2"]);
    assert_eq!(values(&fields, "host").len(), 1);
    // It may be passed on only as a field of this connection (RFC 9110 §10.1.4).
    assert_eq!((values(&fields, "te"), values(&fields, "connection")), (vec!["trailers"], vec!["TE"]));
    assert!(values(&fields, "transfer-encoding").is_empty(), "{fields:?}");
    assert!(fields.iter().all(|(name, _)| !name.starts_with(':')), "{fields:?}");
}

#[test]
fn trailers_become_no_part_of_a_head() {
    let downgraded = Downgraded::new();
    for (name, value) in
        [("content-length", "0"), ("transfer-encoding", "chunked"), ("host", "other.example"), ("x-sum", "1")]
    {
        let mut peer = downgraded.open();
        peer.begin(1, &request("POST", "/trailers"));
        peer.data(1, b"content", false);
        peer.request(1, &Block::new().field(name, value));
        let outcome = peer.response(1);
        if let Ok((_, _, fields, body)) = downgraded.seen.recv_timeout(core::time::Duration::from_millis(300))
        {
            assert_eq!(body, b"content");
            assert!(!values(&fields, name).contains(&value), "{fields:?}");
            assert!(
                outcome.is_ok_and(|response| response.status == 200),
                "{name}: it was seen, and not answered"
            );
        } else {
            assert!(name != "x-sum", "a trailer is no reason to refuse: {outcome:?}");
        }
        downgraded.passes("/last", &[], &[]);
    }
}

/// Many streams of one connection share the upstream's connections, and each has its own answer.
#[test]
fn every_stream_gets_its_own_answer() {
    let downgraded = Downgraded::new();
    let mut peer = downgraded.open();
    let streams: Vec<u32> = (1..101).step_by(2).collect();
    for stream in &streams {
        if stream % 3 == 0 {
            peer.begin(*stream, &request("POST", &format!("/{stream}")));
            peer.data(*stream, HIDDEN.as_bytes(), true);
        } else {
            peer.request(*stream, &request("GET", &format!("/{stream}")));
        }
    }
    for stream in streams.iter().rev() {
        let response =
            peer.response(*stream).unwrap_or_else(|stop| panic!("{stop}; it got {}", peer.story()));
        assert_eq!((response.status, response.text()), (200, format!("/{stream}").as_str()));
    }
}
