//! The whole way: files over a socket.

use core::net::SocketAddr;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use super::*;
use crate::files::FileServer;
use crate::{Running, Server};

fn serve(files: Files) -> Running<FileServer> {
    Server::bind("127.0.0.1:0").unwrap().shards(1).start(FileServer::new(files, 1)).unwrap()
}

fn connect(address: SocketAddr, request: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(core::time::Duration::from_secs(20))).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    socket
}

/// The head and the body of the answer on a connection that is closed after it.
fn exchange(address: SocketAddr, start: &str, fields: &str) -> (String, Vec<u8>) {
    let request = format!("{start} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n");
    let mut answer = Vec::new();
    connect(address, &request).read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let body = answer.split_off(end);
    (String::from_utf8(answer).unwrap(), body)
}

#[test]
fn small_and_large_files_arrive_whole() {
    let site = Site::new();
    let large: Vec<u8> = (0..10_000_000_u32).map(|at| (at % 251) as u8).collect();
    site.write("large.bin", &large);
    site.write("small.txt", b"hello");
    site.write("empty.txt", b"");
    let server = serve(site.files());
    let (head, body) = exchange(server.address(), "GET /small.txt", "");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("\r\nContent-Length: 5\r\n") && head.contains("\r\nETag: \""), "{head}");
    assert_eq!(body, b"hello");
    let (head, body) = exchange(server.address(), "GET /large.bin", "");
    assert!(head.contains("\r\nContent-Length: 10000000\r\n"), "{head}");
    assert!(body == large, "{} bytes", body.len());
    let (head, body) = exchange(server.address(), "GET /large.bin", "Range: bytes=5000000-9999998\r\n");
    assert!(head.contains("\r\nContent-Range: bytes 5000000-9999998/10000000\r\n"), "{head}");
    assert!(body == large[5_000_000..9_999_999], "{} bytes", body.len());
    let (head, body) = exchange(server.address(), "GET /empty.txt", "");
    assert!(head.contains("\r\nContent-Length: 0\r\n") && body.is_empty(), "{head}");
    let (head, body) = exchange(server.address(), "HEAD /large.bin", "");
    assert!(head.contains("\r\nContent-Length: 10000000\r\n") && body.is_empty(), "{head}");
    server.drain();
}

#[test]
fn parts_of_a_large_file_arrive_as_long_as_announced() {
    let site = Site::new();
    site.write("large.bin", &vec![b'x'; 1_000_000]);
    let server = serve(site.files());
    let (head, body) =
        exchange(server.address(), "GET /large.bin", "Range: bytes=0-299999,500000-500001,600000-999999\r\n");
    let len = format!("\r\nContent-Length: {}\r\n", body.len());
    assert!(head.starts_with("HTTP/1.1 206") && head.contains(&len), "{head}");
    assert_eq!(body.iter().filter(|&&byte| byte == b'x').count(), 300_000 + 2 + 400_000);
    server.drain();
}

#[test]
fn no_request_target_shows_a_file_outside() {
    let site = Site::with(&[("a.txt", "inside"), ("d/b.txt", "inside"), (".env", "hidden")]);
    site.link("../secret.txt", "link.txt");
    let server = serve(site.files());
    for target in [
        "/../secret.txt",
        "/d/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/.%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/%252e%252e/secret.txt",
        "/d/..;/..;/secret.txt",
        "//secret.txt",
        "/d//../../secret.txt",
        "/%c0%ae%c0%ae/secret.txt",
        "/a.txt%00",
        "/link.txt",
        "/.env",
        "/%2eenv",
        "http://x/../secret.txt",
    ] {
        let (head, body) = exchange(server.address(), &format!("GET {target}"), "");
        let status = head.get(9..12).unwrap();
        assert!(matches!(status, "400" | "404"), "{target}: {head}");
        let body = String::from_utf8(body).unwrap();
        assert!(!body.contains("outside") && !body.contains("hidden"), "{target}");
    }
    assert_eq!(exchange(server.address(), "GET /d/../a%2etxt", "").1, b"inside");
    server.drain();
}

#[test]
fn an_answer_whose_file_shrinks_is_cut_short_and_never_looks_complete() {
    let site = Site::new();
    let len = 50_000_000;
    site.write("large.bin", &vec![b'x'; len]);
    // What comes after the change must not be answered from before it.
    let server = serve(site.files().cache_ttl_us(0));
    let mut socket = connect(server.address(), "GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
    // What the sockets hold is far less than the file: the rest is sent after it has shrunk.
    let mut answer = vec![0; 100_000];
    socket.read_exact(&mut answer).unwrap();
    fs::File::options().write(true).open(site.path("large.bin")).unwrap().set_len(200_000).unwrap();
    // An end or a reset: both say that the rest is missing.
    let _ = socket.read_to_end(&mut answer);
    assert!(answer.starts_with(b"HTTP/1.1 200"), "it had begun");
    assert!(answer.len() < len, "{} bytes", answer.len());
    let (head, body) = exchange(server.address(), "GET /large.bin", "");
    assert!(head.contains("\r\nContent-Length: 200000\r\n") && body.len() == 200_000, "{head}");
    server.drain();
}

#[test]
fn requests_that_are_pipelined_are_answered_in_order() {
    let site = Site::with(&[("a", "first"), ("b", &"2".repeat(100_000)), ("c", "third")]);
    let server = serve(site.files());
    let one = |path: &str, last: &str| format!("GET /{path} HTTP/1.1\r\nHost: x\r\n{last}\r\n");
    let requests = [one("a", ""), one("b", ""), one("none", ""), one("c", "Connection: close\r\n")].concat();
    let mut answer = Vec::new();
    connect(server.address(), &requests).read_to_end(&mut answer).unwrap();
    let text = String::from_utf8(answer).unwrap();
    let places: Vec<usize> = ["first", &"2".repeat(100_000), " 404 ", "third"]
        .iter()
        .map(|part| text.find(part).unwrap_or_else(|| panic!("{} is missing", &part[..5])))
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    server.drain();
}
