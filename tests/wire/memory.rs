//! Memory that does not grow with what passes through it.

use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::peer::Peer;
use crate::process::Hello;
use crate::serving::Site;

const MIB: u64 = 1 << 20;

/// Sends `bytes` to the echo and reads them back at the same time; how many came, framing and all.
fn echo(hello: &Hello, bytes: u64) -> u64 {
    let mut writer = hello.connect().stream;
    let mut reader = writer.try_clone().expect("a descriptor");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let head = format!("POST /echo HTTP/1.0\r\nContent-Length: {bytes}\r\n\r\n");
            writer.write_all(head.as_bytes()).expect("the server reads");
            let chunk = [b'm'; 65_536];
            for _ in 0..bytes / 65_536 {
                writer.write_all(&chunk).expect("the server reads");
            }
        });
        count(&mut reader)
    })
}

fn count(reader: &mut TcpStream) -> u64 {
    let (mut sum, mut taken) = (0, vec![0; 65_536]);
    loop {
        match reader.read(&mut taken).expect("the server goes on") {
            0 => return sum,
            n => sum += n as u64,
        }
    }
}

#[test]
fn an_echo_of_any_length_takes_constant_memory() {
    let hello = Hello::start();
    assert!(echo(&hello, 4 * MIB) > 4 * MIB);
    let warm = hello.peak_bytes();
    let long = if std::env::var("RWS_TESTS_FULL").is_ok_and(|full| full == "1") { 1024 } else { 100 };
    let came = echo(&hello, long * MIB);
    assert!(came > long * MIB && came < long * MIB + 1000, "{came} bytes of {long} MiB");
    let grown = hello.peak_bytes() - warm;
    assert!(grown < 2 * MIB, "{long} MiB took {grown} bytes more than 4");
}

/// Uploads until nothing more goes: what the kernel and the server hold is bounded.
fn stuff(stream: &mut TcpStream, piece: &[u8]) -> u64 {
    stream.set_write_timeout(Some(Duration::from_millis(500))).expect("a socket");
    let mut sent = 0;
    while let Ok(n) = stream.write(piece) {
        sent += n as u64;
        assert!(sent < 256 * MIB, "the server swallows without end");
    }
    sent
}

#[test]
fn a_client_that_sends_and_never_reads_meets_back_pressure() {
    let hello = Hello::start();
    assert!(echo(&hello, 4 * MIB) > 4 * MIB);
    let warm = hello.peak_bytes();
    let mut stuffed: Vec<TcpStream> = (0..4).map(|_| hello.connect().stream).collect();
    for stream in &mut stuffed {
        stream
            .write_all(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n")
            .expect("room");
        stuff(stream, &[b'b'; 65_536]);
    }
    for stream in &mut (0..4).map(|_| hello.connect().stream).collect::<Vec<_>>() {
        stuff(stream, "GET /hello/a HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1000).as_bytes());
    }
    let grown = hello.peak_bytes() - warm;
    assert!(grown < 8 * MIB, "eight stuffed connections took {grown} bytes");
    assert_eq!(hello.connect().get("/").status, 200);
}

/// A large buffer's bytes.
const BUFFER: usize = 64 * 1024;

fn crowded(buffers: usize) -> Site {
    Site::with(|settings| settings.waiting_bytes_max = buffers * BUFFER)
}

/// The beginning of a head that is longer than what every connection may keep.
fn long_beginning() -> String {
    format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(8000))
}

#[test]
fn heads_that_are_not_whole_share_a_bound_beyond_which_long_ones_are_refused() {
    let site = crowded(4);
    let mut kept: Vec<Peer> = (0..4).map(|_| site.connect()).collect();
    for peer in &mut kept {
        peer.send(long_beginning());
        // Answered after the shard has read the beginning.
        site.is_sound();
    }
    let mut refused = site.connect();
    refused.send(long_beginning());
    let answer = refused.answer();
    assert_eq!((answer.status, answer.field("Connection")), (431, Some("close")));
    refused.is_closed();
    // What arrives whole needs no room, and what is short has its own.
    let (mut whole, mut short) = (site.connect(), site.connect());
    whole.send(format!("{}\r\n\r\n", long_beginning()));
    assert_eq!(whole.answer().status, 200);
    short.send("GET / HTTP/1.1\r\nHo");
    site.is_sound();
    short.send("st: a\r\n\r\n");
    assert_eq!(short.answer().status, 200);
    for peer in &mut kept {
        peer.send("\r\n\r\n");
        assert_eq!(peer.answer().status, 200);
    }
    // The room is free again.
    let mut next = site.connect();
    next.send(long_beginning());
    site.is_sound();
    next.send("\r\n\r\n");
    assert_eq!(next.answer().status, 200);
}

#[test]
fn requests_behind_a_slow_one_are_given_up_where_there_is_no_room_for_them() {
    let site = crowded(0);
    let mut peer = site.connect();
    let row = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n".repeat(300);
    peer.send(format!("GET /stream/30000000 HTTP/1.1\r\nHost: a\r\n\r\n{row}"));
    // The answer is more than the kernel takes before its client reads, so it is under way still.
    site.is_sound();
    assert_eq!(peer.answer().body.len(), 30_000_000);
    peer.is_closed();
    assert_eq!(site.hidden(), 0);
    site.is_sound();
}

#[test]
fn a_trailer_section_that_is_not_whole_is_refused_where_there_is_no_room_for_it() {
    let site = crowded(0);
    let mut peer = site.connect();
    peer.send("POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
    peer.send(format!("X: {}", "x".repeat(6000)));
    let answer = peer.answer();
    assert_eq!((answer.status, answer.field("Connection")), (431, Some("close")));
    peer.is_closed();
}

#[test]
fn content_that_its_reader_has_not_asked_for_is_kept_whatever_the_room() {
    let site = crowded(0);
    let mut peer = site.connect();
    let body = "b".repeat(300_000);
    peer.send("POST /drip-read HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n");
    let mut writer = peer.stream.try_clone().expect("a descriptor");
    std::thread::scope(|scope| {
        scope.spawn(move || writer.write_all(body.as_bytes()).expect("the server reads"));
        assert_eq!(peer.answer().text(), "300000 bytes, whole\n");
    });
}
