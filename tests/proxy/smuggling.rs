//! Whatever a client sends, the upstream sees one sound request for each answer, or none.
//!
//! The upstream here reads as strictly as can be ([`Seen`](crate::upstream::Seen)): a head that two readers could
//! understand differently fails the test, and so does a request that nobody meant to send (`/smuggled`).

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use crate::client::{Client, End};
use crate::site::Site;
use crate::upstream::{Upstream, meet};

/// An upstream that counts what it sees.
struct Watched {
    site: Site,
    seen: Arc<AtomicUsize>,
    smuggled: Arc<AtomicUsize>,
}

impl Watched {
    fn new() -> Watched {
        let upstream = Upstream::new();
        let site = Site::before(&[upstream.address()]);
        let (seen, smuggled) = (Arc::default(), Arc::default());
        let watched = Watched { site, seen: Arc::clone(&seen), smuggled: Arc::clone(&smuggled) };
        upstream.serve(move |request, link| {
            let number = seen.fetch_add(1, Ordering::SeqCst);
            if request.target.contains("smuggled") || request.method.contains("SMUGGLED") {
                smuggled.fetch_add(1, Ordering::SeqCst);
            }
            link.answer(&format!("{number} {}", request.target));
        });
        watched
    }

    /// Sends `bytes` on a new connection, and counts the answers until it is closed or a last request of our own
    /// is answered.
    fn answers(&self, bytes: &str) -> Vec<u16> {
        let mut client = self.site.connect();
        let _ = client.try_send(bytes);
        let _ = client.try_send("GET /last HTTP/1.1\r\nHost: a\r\n\r\n");
        client.half_close_if_open();
        let mut statuses = Vec::new();
        loop {
            match client.answer_to("GET") {
                Ok(answer) => statuses.push(answer.status),
                Err(End::Silent) => panic!("silence after {statuses:?} to {bytes:?}"),
                Err(End::Closed | End::Reset) => return statuses,
            }
        }
    }

    #[track_caller]
    fn has_seen_nothing_hidden(&self, what: &str) {
        assert_eq!(self.smuggled.load(Ordering::SeqCst), 0, "{what}");
    }
}

/// A body that is a request if it is read as one.
const HIDDEN: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn two_lengths_or_a_length_and_a_coding_reach_nobody() {
    let watched = Watched::new();
    for fields in [
        "Content-Length: 0\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 0",
        "Content-Length: 0\r\nContent-Length: 38",
        "Content-Length: 38\r\nContent-Length: 38",
        "Content-Length: 0, 38",
        "Content-Length: +0",
        "Content-Length: -1",
        "Content-Length: 0x0",
        "Content-Length: 0 0",
        "Content-Length: ",
        "Content-Length: 1e1",
        "Content-Length: 99999999999999999999",
        "Content-Length : 0",
        "Content-Length\t: 0",
        " Content-Length: 0",
        "X: y\r\n Content-Length: 0",
        "Content-Length:\r\n 0",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked;x=y",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: \x0bchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\r\n: chunked",
        "Transfer-Encoding: chun\rked",
        "X: y\nTransfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "X: \0\r\nContent-Length: 0",
    ] {
        let before = watched.seen.load(Ordering::SeqCst);
        for body in [HIDDEN, "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"] {
            let statuses = watched.answers(&format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}"));
            assert!(matches!(statuses[..], [400 | 501]), "{fields:?}: {statuses:?}");
        }
        assert_eq!(watched.seen.load(Ordering::SeqCst), before, "{fields:?}");
    }
    watched.has_seen_nothing_hidden("");
}

#[test]
fn fields_that_only_look_like_framing_are_not_framing() {
    let watched = Watched::new();
    for fields in [
        "Content_Length: 38",
        "Transfer_Encoding: chunked",
        "X-Content-Length: 38",
        "Content-Length2: 38",
        "TransferEncoding: chunked",
        "X: Content-Length: 38",
    ] {
        let statuses = watched.answers(&format!("GET /first HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n"));
        assert_eq!(statuses, [200, 200], "{fields:?}");
    }
}

#[test]
fn a_body_is_a_body_however_much_it_looks_like_a_request() {
    let watched = Watched::new();
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "POST"] {
        let sized =
            format!("{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{HIDDEN}", HIDDEN.len());
        let chunk = format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len());
        let chunked = format!("{method} / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
        for request in [sized, chunked] {
            let mut client = watched.site.connect();
            client.send(&request);
            let first = client.answer_to(method).expect("an answer");
            assert_eq!(first.status, 200, "{request:?}");
            client.ask("/last");
            let last = client.answer();
            assert!(last.text().ends_with(" /last"), "{request:?}: {last:?}");
            watched.has_seen_nothing_hidden(&request);
        }
    }
}

#[test]
fn a_body_for_a_local_route_reaches_no_upstream() {
    let watched = Watched::new();
    let request =
        format!("POST /local HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{HIDDEN}", HIDDEN.len());
    let statuses = watched.answers(&request);
    assert_eq!(statuses, [200, 200]);
    watched.has_seen_nothing_hidden(&request);
}

#[test]
fn chunks_that_can_be_read_in_two_ways_reach_no_upstream_whole() {
    let watched = Watched::new();
    for chunks in [
        "5\nhello\n0\n\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5,5\r\nhello\r\n0\r\n\r\n",
        "5;\nx\r\nhello\r\n0\r\n\r\n",
        "5;a\rb\r\nhello\r\n0\r\n\r\n",
        "00000000000000005\r\nhello\r\n0\r\n\r\n",
        "ffffffffffffffff1\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "5\r\rhello\r\n0\r\n\r\n",
        "0\r\n\rGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        "0\r\nX: y\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        "0\r\nX : y\r\n\r\n",
        "0\r\n X: y\r\n\r\n",
    ] {
        let before = watched.seen.load(Ordering::SeqCst);
        let request =
            format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}{HIDDEN}");
        let statuses = watched.answers(&request);
        assert!(!statuses.contains(&200), "{chunks:?}: {statuses:?}");
        assert_eq!(watched.seen.load(Ordering::SeqCst), before, "{chunks:?}");
        watched.has_seen_nothing_hidden(chunks);
    }
}

#[test]
fn chunk_extensions_and_odd_sizes_end_with_us() {
    let (upstream, _site, mut client) = meet();
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
         005;x=\"y\"\r\nhello\r\n0;last\r\n\r\n",
    );
    let mut link = upstream.accept();
    link.head();
    let (mut raw, whole) = (Vec::new(), b"5\r\nhello\r\n0\r\n\r\n");
    while raw.len() < whole.len() {
        raw.extend(link.take(1).expect("the body"));
    }
    assert_eq!(raw, whole);
    link.answer("x");
    assert_eq!(client.answer().status, 200);
}

#[test]
fn request_lines_and_hosts_that_can_be_read_in_two_ways_reach_nobody() {
    let watched = Watched::new();
    for head in [
        "GET  / HTTP/1.1\r\nHost: a",
        "GET /\tHTTP/1.1\r\nHost: a",
        "GET / HTTP/1.1 \r\nHost: a",
        "GET / HTTP/1.1 GET /smuggled HTTP/1.1\r\nHost: a",
        "GET / x HTTP/1.1\r\nHost: a",
        "GET / HTTP/1.10\r\nHost: a",
        "GET / http/1.1\r\nHost: a",
        "GET /\r\nHost: a",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a",
        "GET / HTTP/1.1\r\nX: y",
        "GET / HTTP/1.1\r\nHost: a/b",
        "GET / HTTP/1.1\r\nHost: a b",
        "GET / HTTP/1.1\r\nHost: a@b",
        "GET / HTTP/1.1\r\nHost: a, b",
        "GET http://a@b/ HTTP/1.1\r\nHost: a",
        "GET ftp://a/ HTTP/1.1\r\nHost: a",
        "GET a HTTP/1.1\r\nHost: a",
        "GET / HTTP/1.1\r\nHost: a\r\nX\0: y",
        "GET / HTTP/1.1\r\nHost: a\r\nX(: y",
        "GET / HTTP/1.1\r\nHost: a\r\n: y",
        "GET / HTTP/1.1\r\nHost: a\r\nX",
        "G\0T / HTTP/1.1\r\nHost: a",
        "G(T / HTTP/1.1\r\nHost: a",
        "GET /\u{e9} HTTP/1.1\r\nHost: a",
        "GET /a\x7fb HTTP/1.1\r\nHost: a",
        "GET /?a\x7fb HTTP/1.1\r\nHost: a",
        "GET /?a b HTTP/1.1\r\nHost: a",
        "PRI / HTTP/2.0",
    ] {
        let before = watched.seen.load(Ordering::SeqCst);
        let statuses = watched.answers(&format!("{head}\r\n\r\n"));
        assert!(matches!(statuses[..], [400 | 505]), "{head:?}: {statuses:?}");
        assert_eq!(watched.seen.load(Ordering::SeqCst), before, "{head:?}");
    }
    watched.has_seen_nothing_hidden("");
}

#[test]
fn an_upgrade_or_a_tunnel_hides_no_second_request() {
    let watched = Watched::new();
    for head in [
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    ] {
        let statuses = watched.answers(&format!("{head}\r\n\r\n"));
        assert_eq!(statuses, [200, 200], "{head:?}: the upgrade is not made, and what follows is a request");
    }
    let with_body = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: {}\r\n\r\n{HIDDEN}",
        HIDDEN.len()
    );
    assert_eq!(watched.answers(&with_body), [400]);
    let tunnel = format!("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n{HIDDEN}");
    let statuses = watched.answers(&tunnel);
    assert_eq!(statuses.first(), Some(&405));
    watched.has_seen_nothing_hidden("a refused tunnel ends its connection");
}

#[test]
fn an_answer_cannot_be_split_by_what_an_upstream_says() {
    let upstream = Upstream::new();
    let site = Site::before(&[upstream.address()]);
    for line in
        ["X: a\rSet-Cookie: b", "X: a\nSet-Cookie: b", "X: a\0b", "X\rY: a", "Set-Cookie : a", " folded: a"]
    {
        let mut client = site.connect();
        let mut link = upstream.asked(&mut client, "/");
        link.send(format!("HTTP/1.1 200 OK\r\nX: y\r\n{line}\r\nContent-Length: 0\r\n\r\n"));
        let answer = client.answer();
        assert_eq!((answer.status, answer.field("Set-Cookie")), (502, None), "{line:?}");
    }
    let mut client: Client = site.connect();
    let mut link = upstream.asked(&mut client, "/");
    link.send("HTTP/1.1 200 a\tb \u{e9} c\r\nX:\t  tabs  \t\r\nContent-Length: 0\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.field("X")), (200, Some("tabs")));
}

#[test]
fn requests_in_any_cut_are_the_same_requests() {
    let watched = Watched::new();
    let row = format!(
        "POST /one HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{HIDDEN}\r\n0\r\nX: y\r\n\r\n\
         GET /two HTTP/1.1\r\nHost: a\r\n\r\nPOST /three HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{HIDDEN}\
         GET /local HTTP/1.1\r\nHost: a\r\n\r\n",
        HIDDEN.len(),
        HIDDEN.len()
    );
    for cut in 1..row.len() {
        let mut client = watched.site.connect();
        client.send(&row[..cut]);
        client.send(&row[cut..]);
        let texts: Vec<String> = (0..4).map(|_| client.answer().text().to_owned()).collect();
        for (text, target) in texts.iter().zip(["/one", "/two", "/three", "local"]) {
            assert!(text.ends_with(target), "cut at {cut}: {texts:?}");
        }
        watched.has_seen_nothing_hidden(&format!("cut at {cut}"));
    }
}
