//! The trailer sections of requests, as services and handlers see them: the same on both versions, whole or in pieces.

use core::time::Duration;
use std::io::Read;

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{FieldBlock, RequestHead, ResponseHead};
use rws_core::middleware::TraceIdLayer;
use rws_core::service::{Service, Taken};
use rws_std::{App, Application, JobCx, Plain, Request, Running, Server, Settings, Status, streaming};
use rws_tests::h2::frame::{DATA, END_HEADERS, END_STREAM, HEADERS, PADDED, frame};
use rws_tests::h2::{Block, Peer};

use crate::server::{PATIENCE, post};

const TRAILERS: [(&str, &str); 3] = [("x-sum", "1234"), ("x-more", "a, b"), ("x-more", "c")];
const SEEN: &str = "x-sum: 1234\nx-more: a, b\nx-more: c\n";

fn told(trailers: FieldBlock<'_>) -> String {
    let line = |(name, value): (rws_core::message::FieldName<'_>, &[u8])| {
        format!("{}: {}\n", name.as_bytes().escape_ascii(), value.escape_ascii()).to_lowercase()
    };
    trailers.iter().map(line).collect()
}

fn start<A: Application>(app: A) -> Running<A> {
    let server = Server::bind("127.0.0.1:0").expect("a free port").shards(1).settings(Settings::default());
    server.start(app).expect("threads and descriptors")
}

fn app() -> App {
    App::new()
        .post("/collected", |request: Request<'_>| {
            let trailers = told(request.trailers());
            format!("{}|{trailers}", request.text().unwrap_or_default())
        })
        .post(
            "/streamed",
            streaming(|request: Request<'_>| {
                let (mut body, mut text) = (request.into_body(), String::new());
                assert!(body.take_trailers().is_none(), "not before the end");
                body.read_to_string(&mut text).expect("a whole body");
                let trailers = body.take_trailers().unwrap_or_default();
                assert!(body.take_trailers().is_none(), "once");
                format!("{text}|{}", told(trailers.block()))
            }),
        )
        .post("/echoed", streaming(|request: Request<'_>| request.into_body()))
        .post("/echoed-whole", |request: Request<'_>| request.into_body())
}

/// Sends `octets` whole, or in pieces of one.
fn send(stream: &mut std::net::TcpStream, octets: &[u8], in_pieces: bool) {
    let pieces = if in_pieces { 1 } else { octets.len() };
    for piece in octets.chunks(pieces) {
        std::io::Write::write_all(stream, piece).expect("it reads");
    }
}

/// What a request with trailers is answered with on HTTP/1.1.
fn over_http_1(address: core::net::SocketAddr, path: &str, in_pieces: bool) -> String {
    let mut stream = std::net::TcpStream::connect(address).expect("it accepts");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut text = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
         4\r\nsome\r\n8\r\n content\r\n0\r\n"
    );
    for (name, value) in TRAILERS {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    send(&mut stream, (text + "\r\n").as_bytes(), in_pieces);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole head");
    if head.contains("chunked") { unchunked(body) } else { body.to_owned() }
}

fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            assert_eq!(rest, "\r\n", "no trailers come back");
            break;
        }
        text.push_str(&rest[..size]);
        body = &rest[size + 2..];
    }
    text
}

/// The same on HTTP/2.
fn over_http_2(address: core::net::SocketAddr, path: &str, in_pieces: bool) -> String {
    let mut peer = Peer::open(address, PATIENCE, &[]).unwrap_or_else(|stop| panic!("no connection: {stop}"));
    let block = TRAILERS.iter().fold(Block::new(), |block, (name, value)| block.field(name, value));
    let octets = [
        frame(HEADERS, END_HEADERS, 1, &post(path).0),
        frame(DATA, 0, 1, b"some"),
        frame(DATA, PADDED, 1, b"\x02 content\0\0"),
        frame(HEADERS, END_HEADERS | END_STREAM, 1, &block.0),
    ]
    .concat();
    peer.stream.set_nodelay(true).expect("a socket");
    send(&mut peer.stream, &octets, in_pieces);
    let response = peer.response(1).unwrap_or_else(|stop| panic!("{stop}; it sent {}", peer.story()));
    assert_eq!((response.status, response.trailers.as_ref()), (200, None), "{}", response.text());
    response.text().to_owned()
}

#[track_caller]
fn both_versions_give(address: core::net::SocketAddr, path: &str, wanted: &str) {
    for in_pieces in [false, true] {
        assert_eq!(over_http_1(address, path, in_pieces), wanted, "HTTP/1.1 {path}, in pieces: {in_pieces}");
        assert_eq!(over_http_2(address, path, in_pieces), wanted, "HTTP/2 {path}, in pieces: {in_pieces}");
    }
}

#[test]
fn handlers_see_the_trailers_of_requests_and_do_not_send_them_back() {
    for layered in [false, true] {
        let app = if layered { app().wrap(TraceIdLayer::new()) } else { app() };
        let running = start(app.finish().expect("sound routes"));
        let seen = format!("some content|{SEEN}");
        both_versions_give(running.address(), "/collected", &seen);
        both_versions_give(running.address(), "/streamed", &seen);
        both_versions_give(running.address(), "/echoed", "some content");
        both_versions_give(running.address(), "/echoed-whole", "some content");
    }
}

/// Writes down in which order it is called, and takes its time for each piece.
struct Diary(Duration);

impl Service<JobCx> for Diary {
    type State = (String, bool);

    fn begin(&self, _: &mut JobCx, _: &mut RequestHead<'_>) -> Self::State {
        (String::new(), false)
    }
    fn body(&self, _: &mut JobCx, (diary, ended): &mut Self::State, chunk: &[u8], end: bool) -> Taken {
        std::thread::sleep(self.0);
        *ended = end;
        diary.push_str(&chunk.escape_ascii().to_string());
        if end {
            diary.push_str("<end>");
        }
        Taken::All
    }
    fn request_trailers(&self, _: &mut JobCx, (diary, ended): &mut Self::State, trailers: FieldBlock<'_>) {
        assert!(!*ended, "the end is the last thing");
        diary.push_str(&format!("<trailers>{}", told(trailers)));
    }
    fn head<'s>(&self, (diary, ended): &'s mut Self::State) -> HeadAnswer<'s> {
        if !*ended {
            return HeadAnswer::NotYet;
        }
        HeadAnswer::Final(ResponseHead::bare(Status::OK), BodyPlan::Sized(diary.len() as u64))
    }
    fn fill(&self, (diary, _): &mut Self::State, out: &mut [u8]) -> Fill {
        let n = diary.len().min(out.len());
        let rest = diary.split_off(n);
        out[..n].copy_from_slice(diary.as_bytes());
        *diary = rest;
        if diary.is_empty() { Fill::End(n) } else { Fill::More(n) }
    }
}

#[test]
fn a_service_is_given_the_trailers_right_before_the_end() {
    let running = start(Plain(Diary(Duration::ZERO)));
    both_versions_give(running.address(), "/", &format!("some content<trailers>{SEEN}<end>"));
}

#[test]
fn what_comes_while_a_job_is_out_is_kept_for_it_with_its_trailers() {
    let running = start(Plain(Diary(Duration::from_millis(20))));
    // What is put off comes together: the last piece with the end.
    let address = running.address();
    for in_pieces in [false, true] {
        for answer in [over_http_1(address, "/", in_pieces), over_http_2(address, "/", in_pieces)] {
            let end = answer.strip_suffix("<end>").unwrap_or_else(|| panic!("{answer}"));
            let (before, rest) = end.split_once("<trailers>").unwrap_or_else(|| panic!("{answer}"));
            let last = rest.strip_prefix(SEEN).unwrap_or_else(|| panic!("{answer}"));
            assert_eq!(format!("{before}{last}"), "some content");
        }
    }
}
