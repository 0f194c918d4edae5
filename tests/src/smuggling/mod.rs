//! One connection, two readings: requests that two servers frame in two ways, after every attack of the kind that is
//! publicly known.

mod neighbours;
mod pieces;

pub use pieces::{BENT, CODING_LINES, CODINGS, CODINGS_THAT_WE_LACK, LENGTH_LINES, LENGTHS, NOISE};

use crate::corpora::Request;
use crate::device::exchanges::PASSWORD;
use neighbours::{
    EXPECTATIONS, FIELD_LINES, HOSTS, LENGTH_AND_CODING, REQUEST_LINES, TARGETS, UNREAD, UPGRADES,
};

/// What a laxer reader would find.
const HIDDEN: &str = "GET /led/on HTTP/1.1\r\nHost: a\r\n\r\n";

/// All of them as requests to the device, most of them to its route that reads bodies; behind them, and in them, hides
/// a request. Beside them what only its limits make faults of, and neighbours that are sound.
#[must_use]
pub fn requests() -> Vec<Request> {
    let mut all = of_pieces();
    all.extend(of_limits());
    for (method, target) in UNREAD {
        let head = |framing: &str| format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n");
        let sized = head(&format!("Content-Length: {}", HIDDEN.len()));
        let chunks = format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len());
        all.push(request("a body that nobody reads", sized + HIDDEN + HIDDEN));
        all.push(request("chunks that nobody reads", head("Transfer-Encoding: chunked") + &chunks + HIDDEN));
    }
    all
}

fn request(name: &str, raw: String) -> Request {
    Request { name: name.to_owned(), raw: raw.into_bytes() }
}

fn of_pieces() -> Vec<Request> {
    let mut all = Vec::new();
    let mut add = |name: &str, raw: String| all.push(request(name, raw));
    for length in LENGTHS {
        add("a length", post(&format!("Content-Length: {length}\r\n")));
    }
    for coding in [CODINGS, CODINGS_THAT_WE_LACK].concat() {
        add("a coding", post(&format!("Transfer-Encoding: {coding}\r\n")));
    }
    for lines in [LENGTH_LINES, CODING_LINES, LENGTH_AND_CODING, UPGRADES, EXPECTATIONS].concat() {
        add("field lines", post(lines));
        add("field lines in HTTP/1.0", post(lines).replacen("HTTP/1.1", "HTTP/1.0", 1));
    }
    for lines in HOSTS {
        add("a host", format!("GET / HTTP/1.1\r\n{lines}\r\n{HIDDEN}"));
    }
    for line in [REQUEST_LINES, TARGETS].concat() {
        add("a request line", format!("{line}\r\nHost: a\r\n\r\n{HIDDEN}"));
    }
    for noise in NOISE {
        add("noise", format!("{noise}GET / HTTP/1.1\r\nHost: a\r\n\r\n{HIDDEN}"));
    }
    for lines in FIELD_LINES {
        add("a field line", get("/", lines));
    }
    for body in BENT {
        add("chunks", chunked(body));
    }
    all
}

fn get(target: &str, lines: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n{lines}\r\n{HIDDEN}")
}

/// With these framing fields, and a body that ends early in one reading.
fn post(fields: &str) -> String {
    let known = format!("{PASSWORD}X-CRC32: 00000000\r\n");
    format!("POST /firmware HTTP/1.1\r\nHost: a\r\n{known}{fields}\r\n0\r\n\r\n{HIDDEN}")
}

fn chunked(body: &str) -> String {
    let fields = format!("{PASSWORD}X-CRC32: 3610a686\r\nTransfer-Encoding: chunked\r\n");
    format!("POST /firmware HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}{HIDDEN}")
}

/// On both sides of what a device allows.
fn of_limits() -> Vec<Request> {
    let mut all = Vec::new();
    let mut add = |name: &str, raw: String| all.push(request(name, raw));
    for length in [200, 254, 255, 256, 257, 300, 1000, 3000] {
        add("a long target", get(&format!("/{}", "a".repeat(length)), ""));
    }
    for length in [600, 900, 970, 980, 990, 1000, 1024, 1100, 3000] {
        add("a long field", get("/", &format!("X: {}\r\n", "v".repeat(length))));
    }
    for count in [20, 22, 23, 24, 25, 60, 200] {
        add("many fields", get("/", &"A: b\r\n".repeat(count)));
    }
    let hello = "5\r\nhello\r\n0\r\n";
    for length in [30, 31, 32, 33, 100, 3000] {
        add("an extension", chunked(&format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(length))));
    }
    for length in [200, 240, 256, 300, 2000] {
        add("a long trailer", chunked(&format!("{hello}X: {}\r\n\r\n", "t".repeat(length))));
    }
    for count in [20, 23, 24, 25, 50, 500] {
        add("many trailers", chunked(&format!("{hello}{}\r\n", "X: t\r\n".repeat(count))));
    }
    for count in [10, 30, 100] {
        let chunk = format!("1;{}\r\nx\r\n", "e".repeat(25));
        add("framing beyond its content", chunked(&(chunk.repeat(count) + "0\r\n\r\n")));
    }
    for length in ["1048576", "1048577", "18446744073709551615"] {
        add("a length at the cap", post(&format!("Content-Length: {length}\r\n")));
    }
    add("a chunk beyond the cap", chunked("100001\r\nhello"));
    all
}
