//! Trailer sections of answers, over the wire.

#![expect(clippy::unwrap_used, reason = "a test")]

use core::net::SocketAddr;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use rws_std::{App, OwnedFields, Request, Response, Server};

fn answer(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn streamed(request: Request) -> Response {
    let (response, mut writer) = request.stream();
    thread::spawn(move || {
        writer.write_all(b"hello").unwrap();
        let mut trailers = OwnedFields::new();
        trailers.push("X-Sum", b"7").unwrap();
        writer.finish_with(trailers);
    });
    response
}

#[test]
fn trailers_follow_bodies_in_memory_and_streams_and_never_frame() {
    let app = App::new()
        .get("/text", || Response::text("hello").trailer("X-Sum", "5").trailer("Content-Length", "9"))
        .get("/empty", || Response::text("").trailer("X-Sum", "0"))
        .get("/stream", streamed)
        .get("/both", |request: Request| streamed(request).trailer("X-First", "1"))
        .get("/split", || Response::text("secret").trailer("X-Sum", "5\r\nX-Evil: 1"));
    let running = Server::bind("127.0.0.1:0").unwrap().shards(1).start(app.finish().unwrap()).unwrap();
    let answer = |path| answer(running.address(), path);
    assert!(answer("/text").ends_with("\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n"), "{}", answer("/text"));
    assert!(answer("/empty").ends_with("\r\n\r\n0\r\nX-Sum: 0\r\n\r\n"));
    assert!(answer("/stream").ends_with("hello\r\n0\r\nX-Sum: 7\r\n\r\n"));
    assert!(answer("/both").ends_with("hello\r\n0\r\nX-First: 1\r\nX-Sum: 7\r\n\r\n"));
    let refused = answer("/split");
    assert!(refused.starts_with("HTTP/1.1 500 ") && !refused.contains("Evil") && !refused.contains("secret"));
    running.drain();
}
