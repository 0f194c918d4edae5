//! Memory that does not grow with what passes through it.

use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::process::Hello;

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
