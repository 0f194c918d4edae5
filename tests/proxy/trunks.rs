//! Upstreams that speak HTTP/2: many requests share a connection, and what becomes of one is nothing to the others.

use rws_tests::h2::frame::{
    DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS,
    RST_STREAM, SETTINGS, WINDOW_UPDATE, rst_stream, settings, window_update,
};
use rws_tests::h2::{Block, End as StreamEnd, PREFACE, Peer};
use std::io::Read;

use crate::client::{Client, PATIENCE};
use crate::site::Site;
use crate::upstream::Upstream;

const CANCEL: u32 = 8;
const REFUSED_STREAM: u32 = 7;
const INTERNAL_ERROR: u32 = 2;

/// The upstream's end of a connection that many requests share.
struct Trunk(Peer);

/// A proxy before an upstream that speaks HTTP/2.
fn meet_h2() -> (Upstream, Site) {
    let upstream = Upstream::new();
    let site = before(&upstream);
    (upstream, site)
}

fn before(upstream: &Upstream) -> Site {
    Site::with(&[upstream.address()], "upstream_scheme = \"h2\"\nread_timeout_ms = 5000", |_| {})
}

impl Trunk {
    /// The next connection, whose upstream says these settings of itself.
    #[track_caller]
    fn accept(upstream: &Upstream, pairs: &[(u16, u32)]) -> Trunk {
        let mut link = upstream.accept();
        let mut preface = [0; PREFACE.len()];
        link.stream.read_exact(&mut preface).expect("a preface");
        assert_eq!(preface, PREFACE);
        let mut peer = Peer::over(link.stream, PATIENCE).expect("a socket");
        // What it looks for are faults of servers.
        peer.audits = false;
        peer.gives_credit = true;
        peer.send(settings(pairs));
        peer.wait(|log| log.iter().any(|frame| frame.kind == SETTINGS).then_some(())).expect("SETTINGS");
        Trunk(peer)
    }

    /// The stream of the request for `path`, and its head.
    #[track_caller]
    fn asked(&mut self, path: &str) -> (u32, Frame) {
        let found = self.0.wait(|log| log.iter().find(|frame| field(frame, ":path") == Some(path)).cloned());
        let head = found.unwrap_or_else(|stop| panic!("{path}: {stop}; {}", self.0.story()));
        (head.stream, head)
    }

    fn respond(&mut self, stream: u32, text: &str) {
        self.head(stream, &Block::new().field(":status", "200"), false);
        self.0.data(stream, text.as_bytes(), true);
    }

    fn head(&mut self, stream: u32, block: &Block, is_end: bool) {
        let end = if is_end { END_STREAM } else { 0 };
        self.0.frame(HEADERS, END_HEADERS | end, stream, &block.0);
    }

    /// Waits for RST_STREAM of `stream`: its code.
    #[track_caller]
    fn reset_code(&mut self, stream: u32) -> u32 {
        let reset = |frame: &&Frame| frame.kind == RST_STREAM && frame.stream == stream;
        let code = self.0.wait(|log| log.iter().find(reset).and_then(Frame::code));
        code.unwrap_or_else(|stop| panic!("{stream}: {stop}; {}", self.0.story()))
    }

    /// The content of `stream`, and whether it has ended.
    fn body(&self, stream: u32) -> (Vec<u8>, bool) {
        let frames = || self.0.log.iter().filter(|frame| frame.stream == stream);
        let body = frames().filter(|frame| frame.kind == DATA).flat_map(|frame| frame.data().to_vec());
        (body.collect(), frames().any(|frame| frame.flags & END_STREAM != 0 && frame.kind <= HEADERS))
    }

    /// Waits for the end of the request on `stream`: its content.
    #[track_caller]
    fn whole_body(&mut self, stream: u32) -> Vec<u8> {
        let is_end =
            |frame: &Frame| frame.stream == stream && frame.kind <= HEADERS && frame.flags & END_STREAM != 0;
        let waited = self.0.wait(|log| log.iter().any(is_end).then_some(()));
        waited.unwrap_or_else(|stop| panic!("{stream}: {stop}; {}", self.0.story()));
        self.body(stream).0
    }

    fn goaway(&mut self, last: u32) {
        let payload = [last.to_be_bytes(), 0_u32.to_be_bytes()].concat();
        self.0.frame(GOAWAY, 0, 0, payload);
    }

    /// Credit that the proxy has given to `stream`, 0 for the connection.
    fn credit(&self, stream: u32) -> u64 {
        let updates = self.0.log.iter().filter(|frame| frame.kind == WINDOW_UPDATE && frame.stream == stream);
        updates.filter_map(|frame| frame.number(0)).map(u64::from).sum()
    }
}

/// The value of a field in a head.
fn field<'f>(frame: &'f Frame, name: &str) -> Option<&'f str> {
    let fields = frame.fields.as_ref()?;
    let (_, value) = fields.iter().find(|(known, _)| known == name)?;
    core::str::from_utf8(value).ok()
}

/// A client that has asked for `path`, and where the request came.
#[track_caller]
fn asking(site: &Site, trunk: &mut Trunk, path: &str) -> (Client, u32) {
    let mut client = site.connect();
    client.ask(path);
    let (stream, _) = trunk.asked(path);
    (client, stream)
}

/// A proxy, a trunk that has served a request, and the client of that.
fn warmed(pairs: &[(u16, u32)]) -> (Upstream, Site, Trunk, Client) {
    let (upstream, site) = meet_h2();
    let mut client = site.connect();
    client.ask("/first");
    let mut trunk = Trunk::accept(&upstream, pairs);
    let (stream, _) = trunk.asked("/first");
    trunk.respond(stream, "first");
    assert_eq!(client.answer().whole(), (200, "first"));
    (upstream, site, trunk, client)
}

#[test]
fn many_clients_share_a_connection_and_are_answered_in_any_order() {
    let (upstream, site, mut trunk, _first) = warmed(&[]);
    let mut clients: Vec<_> =
        (0..50).map(|at| asking(&site, &mut trunk, &format!("/{at}"))).enumerate().collect();
    for (at, (client, stream)) in clients.iter_mut().rev() {
        trunk.respond(*stream, &format!("answer {at}"));
        assert_eq!(client.answer().whole(), (200, format!("answer {at}").as_str()));
    }
    assert!(upstream.accept_if_any().is_none(), "one connection is enough");
}

#[test]
fn no_more_requests_are_open_than_an_upstream_takes() {
    let (upstream, site, mut trunk, _first) = warmed(&[(MAX_CONCURRENT_STREAMS, 2)]);
    let two = ["/1", "/2"].map(|path| asking(&site, &mut trunk, path));
    let mut third = site.connect();
    third.ask("/3");
    let mut other = Trunk::accept(&upstream, &[(MAX_CONCURRENT_STREAMS, 2)]);
    let (stream, _) = other.asked("/3");
    other.respond(stream, "third");
    assert_eq!(third.answer().whole(), (200, "third"));
    for (mut client, stream) in two {
        trunk.respond(stream, "one of two");
        assert_eq!(client.answer().whole(), (200, "one of two"));
    }
    let (mut client, stream) = asking(&site, &mut trunk, "/4");
    trunk.respond(stream, "back on the first");
    assert_eq!(client.answer().whole(), (200, "back on the first"));
}

#[test]
fn a_connection_that_takes_no_more_requests_is_not_kept() {
    let (upstream, site, mut trunk, _first) = warmed(&[(MAX_CONCURRENT_STREAMS, 0)]);
    let goaway = |log: &[Frame]| log.iter().any(|frame| frame.kind == GOAWAY).then_some(());
    trunk.0.wait(goaway).expect("GOAWAY");
    let end = trunk.0.wait(|_| None::<()>).expect_err("nothing more");
    assert_eq!(end.to_string(), "the server closed the connection");
    let mut client = site.connect();
    client.ask("/next");
    let mut other = Trunk::accept(&upstream, &[]);
    let (stream, _) = other.asked("/next");
    other.respond(stream, "next");
    assert_eq!(client.answer().whole(), (200, "next"));
}

#[test]
fn heads_are_written_anew_for_both_sides() {
    let (upstream, site) = meet_h2();
    let mut client = site.connect();
    client.send(
        "GET /a?b=c HTTP/1.1\r\nHost: a.example\r\nConnection: x-own\r\nX-Own: 1\r\nTE: trailers, deflate\r\n\
         Keep-Alive: 5\r\nX-Kept: yes\r\n\r\n",
    );
    let mut trunk = Trunk::accept(&upstream, &[]);
    let (stream, head) = trunk.asked("/a?b=c");
    for (name, value) in [
        (":authority", "a.example"),
        (":scheme", "http"),
        ("te", "trailers"),
        ("x-kept", "yes"),
        ("via", "1.1 rws"),
    ] {
        assert_eq!(field(&head, name), Some(value), "{name}");
    }
    for name in ["connection", "x-own", "keep-alive", "host", "transfer-encoding"] {
        assert_eq!(field(&head, name), None, "{name}");
    }
    assert!(head.flags & END_STREAM != 0, "nothing follows");
    let block = Block::new().field(":status", "404").field("content-length", "4").field("x-from", "there");
    trunk.head(stream, &block, false);
    trunk.0.data(stream, b"gone", true);
    let answer = client.answer();
    assert_eq!((answer.whole(), answer.field("X-From")), ((404, "gone"), Some("there")));
}

#[test]
fn a_client_that_leaves_cancels_its_request_and_no_other() {
    let (_upstream, site, mut trunk, _first) = warmed(&[]);
    let (leaver, left) = asking(&site, &mut trunk, "/leaver");
    let (mut stayer, stayed) = asking(&site, &mut trunk, "/stayer");
    leaver.reset();
    assert_eq!(trunk.reset_code(left), CANCEL);
    trunk.respond(stayed, "still here");
    assert_eq!(stayer.answer().whole(), (200, "still here"));
    let mut h2 = Peer::open(site.address(), PATIENCE, &[]).expect("HTTP/2");
    for stream in [1, 3] {
        h2.request(stream, &Block::request("GET", &format!("/{stream}"), "a"));
    }
    let (cancelled, _) = trunk.asked("/1");
    let (kept, _) = trunk.asked("/3");
    h2.send(rst_stream(1, CANCEL));
    assert_eq!(trunk.reset_code(cancelled), CANCEL);
    trunk.respond(kept, "kept");
    assert_eq!(h2.response(3).expect("an answer").text(), "kept");
}

#[test]
fn a_reset_before_the_head_is_502_and_one_behind_it_cuts_the_answer() {
    let (_upstream, site, mut trunk, mut other) = warmed(&[]);
    let (mut client, stream) = asking(&site, &mut trunk, "/before");
    trunk.0.send(rst_stream(stream, INTERNAL_ERROR));
    assert_eq!(client.answer().status, 502);
    let mut h2 = Peer::open(site.address(), PATIENCE, &[]).expect("HTTP/2");
    for (at, stream) in [(1, "/behind"), (3, "/beside")] {
        h2.request(at, &Block::request("GET", stream, "a"));
    }
    let (behind, _) = trunk.asked("/behind");
    let (beside, _) = trunk.asked("/beside");
    trunk.head(behind, &Block::new().field(":status", "200"), false);
    trunk.0.data(behind, b"part", false);
    trunk.0.send(rst_stream(behind, INTERNAL_ERROR));
    let cut = h2.response(1).expect("an answer");
    assert!(cut.status == 200 && matches!(cut.end, StreamEnd::Reset(_)), "{cut:?}");
    trunk.respond(beside, "whole");
    assert_eq!(h2.response(3).expect("an answer").text(), "whole");
    // On HTTP/1.1 there is no other way than to close.
    other.ask("/last");
    let (last, _) = trunk.asked("/last");
    trunk.head(last, &Block::new().field(":status", "200").field("content-length", "9"), false);
    trunk.0.data(last, b"part", false);
    trunk.0.send(rst_stream(last, INTERNAL_ERROR));
    assert!(!other.answer().is_whole);
}

#[test]
fn a_request_that_is_refused_is_sent_again_with_its_body_a_few_times() {
    let (_upstream, site, mut trunk, _first) = warmed(&[]);
    let mut client = site.connect();
    client.send("POST /again HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    let mut refused = 0;
    for _ in 0..3 {
        let (stream, _) = trunk.asked("/again");
        assert!(stream > refused);
        assert_eq!(trunk.whole_body(stream), b"body");
        trunk.0.log.clear();
        trunk.0.send(rst_stream(stream, REFUSED_STREAM));
        refused = stream;
    }
    let (stream, _) = trunk.asked("/again");
    assert_eq!(trunk.whole_body(stream), b"body");
    trunk.respond(stream, "taken");
    assert_eq!(client.answer().whole(), (200, "taken"));
    client.send("POST /never HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    for _ in 0..4 {
        let (stream, _) = trunk.asked("/never");
        trunk.0.log.clear();
        trunk.0.send(rst_stream(stream, REFUSED_STREAM));
    }
    assert_eq!(client.answer().status, 502);
}

#[test]
fn a_body_that_goes_on_while_its_beginning_waits_to_be_sent_again_has_room() {
    let (_upstream, _site, mut trunk, mut client) = warmed(&[]);
    let body = [b'x'; 70_000];
    client.send("POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n");
    client.send(&body[..4000]);
    let (refused, _) = trunk.asked("/large");
    while trunk.body(refused).0.len() < 4000 {
        trunk.0.ping().expect("an answer");
    }
    trunk.0.log.clear();
    trunk.0.send(settings(&[(INITIAL_WINDOW_SIZE, 0)]));
    trunk.0.send(rst_stream(refused, REFUSED_STREAM));
    let (stream, _) = trunk.asked("/large");
    client.send(&body[4000..]);
    for _ in 0..20 {
        trunk.0.ping().expect("an answer");
    }
    trunk.0.send(window_update(0, 70_000));
    trunk.0.send(window_update(stream, 70_000));
    assert_eq!(trunk.whole_body(stream).len(), body.len());
    trunk.respond(stream, "taken");
    assert_eq!(client.answer().whole(), (200, "taken"));
}

#[test]
fn goaway_lets_what_was_begun_end_and_sends_the_rest_elsewhere() {
    let (upstream, site, mut trunk, _first) = warmed(&[]);
    let (mut begun, kept) = asking(&site, &mut trunk, "/begun");
    let mut left = site.connect();
    left.send("POST /left HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    trunk.asked("/left");
    trunk.goaway(kept);
    let mut other = Trunk::accept(&upstream, &[]);
    let (stream, _) = other.asked("/left");
    assert_eq!(other.whole_body(stream), b"body");
    other.respond(stream, "elsewhere");
    assert_eq!(left.answer().whole(), (200, "elsewhere"));
    trunk.respond(kept, "to its end");
    assert_eq!(begun.answer().whole(), (200, "to its end"));
    let closed = trunk.0.wait(|_| None::<()>);
    assert_eq!(closed, Err(rws_tests::h2::Stop::Closed), "nothing is left to do on it");
    let (mut client, stream) = asking(&site, &mut other, "/next");
    other.respond(stream, "next");
    assert_eq!(client.answer().whole(), (200, "next"));
}

#[test]
fn a_connection_that_breaks_is_made_anew_for_what_may_be_sent_twice() {
    let (upstream, site, mut trunk, _first) = warmed(&[]);
    let (mut safe, _) = asking(&site, &mut trunk, "/safe");
    let mut unsafe_one = site.connect();
    unsafe_one.send("POST /unsafe HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    trunk.asked("/unsafe");
    drop(trunk);
    let mut other = Trunk::accept(&upstream, &[]);
    let (stream, _) = other.asked("/safe");
    other.respond(stream, "again");
    assert_eq!(safe.answer().whole(), (200, "again"));
    assert_eq!(unsafe_one.answer().status, 502);
}

#[test]
fn a_slow_reader_stops_its_own_stream_and_no_other() {
    let (_upstream, site, mut trunk, _first) = warmed(&[]);
    let (mut slow, stream) = asking(&site, &mut trunk, "/slow");
    trunk.head(stream, &Block::new().field(":status", "200"), false);
    let (chunk, mut sent) = ([b'x'; 16_384], 0_u64);
    loop {
        let open = 65_535 + trunk.credit(stream) - sent;
        if open >= chunk.len() as u64 {
            trunk.0.data(stream, &chunk, false);
            sent += chunk.len() as u64;
            continue;
        }
        // All that the proxy has to say about it has come before the answer to this.
        let before = trunk.credit(stream);
        let (mut quick, beside) = asking(&site, &mut trunk, &format!("/quick/{sent}"));
        trunk.respond(beside, "quick");
        assert_eq!(quick.answer().whole(), (200, "quick"));
        trunk.0.ping().expect("an answer");
        if trunk.credit(stream) == before {
            break;
        }
        assert!(sent < 64 << 20, "nothing stops it");
    }
    for round in 0..20 {
        let (mut quick, beside) = asking(&site, &mut trunk, &format!("/beside/{round}"));
        trunk.respond(beside, "beside");
        assert_eq!(quick.answer().whole(), (200, "beside"));
    }
    trunk.0.data(stream, b"end", true);
    let answer = slow.answer();
    assert!(answer.is_whole && answer.body.len() as u64 == sent + 3, "{} of {sent}", answer.body.len());
}

/// A client with no window: whatever answers it waits in the proxy.
fn dawdling(site: &Site, path: &str) -> Peer {
    let mut peer = Peer::open(site.address(), PATIENCE, &[(INITIAL_WINDOW_SIZE, 0)])
        .unwrap_or_else(|stop| panic!("no connection: {stop}"));
    peer.request(1, &Block::request("GET", path, "a"));
    peer
}

#[test]
fn an_answer_that_waits_for_its_client_is_nothing_to_a_later_connection_of_its_upstream() {
    let (upstream, site) = meet_h2();
    let mut slow = dawdling(&site, "/slow");
    let mut trunk = Trunk::accept(&upstream, &[]);
    let (stream, _) = trunk.asked("/slow");
    trunk.respond(stream, "whole, and waiting");
    // It takes the place of the one before on the connection, which breaks then.
    let (mut client, stream) = asking(&site, &mut trunk, "/second");
    trunk.respond(stream, "second");
    assert_eq!(client.answer().whole(), (200, "second"));
    drop(trunk);
    let mut victim = site.connect();
    victim.ask("/third");
    let mut other = Trunk::accept(&upstream, &[]);
    let (stream, _) = other.asked("/third");
    // Its first request has the name that the slow one had on the connection before.
    slow.send(rst_stream(1, CANCEL));
    slow.ping().expect("an answer");
    other.0.ping().expect("an answer");
    let resets = other.0.log.iter().filter(|frame| frame.kind == RST_STREAM).count();
    assert_eq!(resets, 0, "{}", other.0.story());
    other.respond(stream, "third");
    assert_eq!(victim.answer().whole(), (200, "third"));
}

#[test]
fn an_upstream_that_takes_no_body_stops_its_client_and_no_other() {
    let (_upstream, site, mut trunk, _first) = warmed(&[(INITIAL_WINDOW_SIZE, 0)]);
    let mut stopped = site.connect();
    stopped.send("PUT /stopped HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n");
    let mut writer = stopped.stream.try_clone().expect("a descriptor");
    let writing =
        std::thread::spawn(move || std::io::Write::write_all(&mut writer, &[b'y'; 400_000]).is_ok());
    let (stream, _) = trunk.asked("/stopped");
    for round in 0..10 {
        let (mut quick, beside) = asking(&site, &mut trunk, &format!("/quick/{round}"));
        trunk.respond(beside, "quick");
        assert_eq!(quick.answer().whole(), (200, "quick"));
    }
    assert_eq!(trunk.body(stream).0.len(), 0, "it has no credit");
    trunk.0.send(rws_tests::h2::frame::window_update(stream, 1 << 20));
    assert_eq!(trunk.whole_body(stream), [b'y'; 400_000]);
    assert!(writing.join().expect("no panic"));
    trunk.respond(stream, "all of it");
    assert_eq!(stopped.answer().whole(), (200, "all of it"));
}

#[test]
fn trailers_go_both_ways_over_either_version() {
    let (_upstream, site, mut trunk, mut client) = warmed(&[]);
    client.send(
        "POST /1 HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n\
         2\r\nup\r\n0\r\nX-Sum: 1\r\nX-Real-IP: 6.6.6.6\r\n\r\n",
    );
    let mut h2 = Peer::open(site.address(), PATIENCE, &[]).expect("HTTP/2");
    h2.begin(1, &Block::request("POST", "/2", "a"));
    h2.data(1, b"up", false);
    h2.frame(HEADERS, END_STREAM | END_HEADERS, 1, Block::new().field("x-sum", "1").0);
    for path in ["/1", "/2"] {
        let (stream, _) = trunk.asked(path);
        assert_eq!(trunk.whole_body(stream), b"up");
        let last = trunk.0.log.iter().rev().find(|frame| frame.stream == stream && frame.fields.is_some());
        let last = last.expect("trailers");
        assert_eq!((field(last, "x-sum"), field(last, "x-real-ip")), (Some("1"), None));
        trunk.head(stream, &Block::new().field(":status", "200"), false);
        trunk.0.data(stream, b"down", false);
        trunk.head(stream, &Block::new().field("x-sum", "2"), true);
    }
    let answer = client.answer();
    assert_eq!(answer.whole(), (200, "down"));
    assert_eq!(answer.trailers, [("x-sum".to_owned(), "2".to_owned())]);
    let answer = h2.response(1).expect("an answer");
    assert_eq!((answer.text(), answer.end), ("down", StreamEnd::Whole));
    assert_eq!(answer.trailers, Some(vec![("x-sum".into(), "2".into())]));
}

#[test]
fn interim_heads_go_on_and_100_lets_the_body_go() {
    let (_upstream, _site, mut trunk, mut client) = warmed(&[]);
    client.send("POST /body HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    let (stream, head) = trunk.asked("/body");
    assert_eq!(field(&head, "expect"), Some("100-continue"));
    trunk.head(stream, &Block::new().field(":status", "103").field("link", "</a>; rel=preload"), false);
    assert_eq!(client.interim(), 103);
    trunk.head(stream, &Block::new().field(":status", "100"), false);
    assert_eq!(client.interim(), 100);
    client.send("body");
    assert_eq!(trunk.whole_body(stream), b"body");
    trunk.respond(stream, "thanks");
    assert_eq!(client.answer().whole(), (200, "thanks"));
}

#[test]
fn an_answer_without_a_body_is_whole_at_once() {
    let (_upstream, _site, mut trunk, mut client) = warmed(&[]);
    client.send("HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n");
    let (stream, _) = trunk.asked("/head");
    trunk.head(stream, &Block::new().field(":status", "200").field("content-length", "9"), true);
    let answer = client.answer_to_head();
    assert_eq!((answer.status, answer.field("Content-Length")), (200, Some("9")));
    for status in ["204", "304", "200"] {
        client.ask(&format!("/{status}"));
        let (stream, _) = trunk.asked(&format!("/{status}"));
        trunk.head(stream, &Block::new().field(":status", status), true);
        let answer = client.answer();
        assert_eq!((answer.status.to_string().as_str(), answer.text()), (status, ""));
    }
}

#[test]
fn what_breaks_the_protocol_is_502_for_all_who_wait() {
    let (upstream, site, mut trunk, _first) = warmed(&[]);
    let mut waiting = ["/1", "/2", "/3"].map(|path| asking(&site, &mut trunk, path).0);
    // DATA on no stream.
    trunk.0.frame(DATA, 0, 0, b"x");
    for client in &mut waiting {
        assert_eq!(client.answer().status, 502);
    }
    let mut client = site.connect();
    client.ask("/next");
    let mut other = Trunk::accept(&upstream, &[]);
    let (stream, _) = other.asked("/next");
    // One stream alone: a field that no answer can have.
    other.head(stream, &Block::new().field(":status", "200").field("connection", "close"), true);
    assert_eq!(client.answer().status, 502);
    let (mut client, stream) = asking(&site, &mut other, "/sound");
    other.respond(stream, "sound");
    assert_eq!(client.answer().whole(), (200, "sound"));
}

#[test]
fn a_silent_upstream_is_504_and_its_connection_goes_on() {
    let upstream = Upstream::new();
    let lines = "upstream_scheme = \"h2\"\nread_timeout_ms = 200";
    let site = Site::with(&[upstream.address()], lines, |_| {});
    let mut client = site.connect();
    client.ask("/silent");
    let mut trunk = Trunk::accept(&upstream, &[]);
    let (stream, _) = trunk.asked("/silent");
    assert_eq!(client.answer().status, 504);
    assert_eq!(trunk.reset_code(stream), CANCEL);
    client.ask("/next");
    let (stream, _) = trunk.asked("/next");
    trunk.respond(stream, "next");
    assert_eq!(client.answer().whole(), (200, "next"));
}

#[test]
fn an_answer_before_the_end_of_the_body_reaches_the_client() {
    let (_upstream, site, mut trunk, _first) = warmed(&[]);
    let mut client = site.connect();
    client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhello");
    let mut h2 = Peer::open(site.address(), PATIENCE, &[]).expect("HTTP/2");
    h2.begin(1, &Block::request("POST", "/early2", "a"));
    h2.data(1, b"hello", false);
    for path in ["/early", "/early2"] {
        let (stream, _) = trunk.asked(path);
        trunk.head(stream, &Block::new().field(":status", "413"), false);
        trunk.0.data(stream, b"too much", true);
        assert_eq!(trunk.reset_code(stream), CANCEL, "nobody needs the rest");
    }
    assert_eq!(client.answer().whole(), (413, "too much"));
    assert_eq!(h2.response(1).expect("an answer").text(), "too much");
    let (mut client, stream) = asking(&site, &mut trunk, "/next");
    trunk.respond(stream, "next");
    assert_eq!(client.answer().whole(), (200, "next"));
}

#[test]
fn a_drain_lets_what_is_under_way_end() {
    let (_upstream, site, mut trunk, _first) = warmed(&[]);
    let (mut client, stream) = asking(&site, &mut trunk, "/last");
    let draining = std::thread::spawn(move || site.running.drain());
    trunk.head(stream, &Block::new().field(":status", "200"), false);
    trunk.0.data(stream, b"to its ", false);
    trunk.0.data(stream, b"end", true);
    assert_eq!(client.answer().whole(), (200, "to its end"));
    assert_eq!(draining.join().expect("no panic"), 0, "every thread has ended");
}

#[test]
fn the_log_tells_of_a_call_that_failed_behind_a_status_of_200() {
    let upstream = Upstream::new();
    let site = Site::logged(&[upstream.address()], |config| {
        let route = config.routes.last_mut().expect("a route");
        let rws_proxy::config::Action::Proxy(mut calls) = route.action.clone() else { panic!("a proxy") };
        calls.upstream_scheme = rws_proxy::config::Scheme::H2;
        route.action = rws_proxy::config::Action::Grpc(calls);
    });
    let mut h2 = Peer::open(site.address(), PATIENCE, &[]).expect("HTTP/2");
    let call = Block::request("POST", "/a.B/C", "a").field("content-type", "application/grpc");
    h2.request(1, &call.field("te", "trailers"));
    let mut trunk = Trunk::accept(&upstream, &[]);
    let (stream, head) = trunk.asked("/a.B/C");
    assert_eq!(field(&head, "te"), Some("trailers"));
    trunk.0.send(rst_stream(stream, INTERNAL_ERROR));
    let answer = h2.response(1).expect("an answer");
    assert_eq!((answer.status, answer.field("content-type")), (200, Some("application/grpc")));
    assert_eq!((answer.field("grpc-status"), answer.trailers.is_none()), (Some("13"), true));
    drop(h2);
    let lines = site.end();
    let line = lines.last().expect("a line");
    assert_eq!(line["error"], "the upstream reset the request");
    assert_eq!((&line["level"], line["status"].as_u64()), (&"error".into(), Some(200)));
}
