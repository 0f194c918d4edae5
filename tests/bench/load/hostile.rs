//! Hostile requests in great number. Each ends with a refusal, or with the end of the connection; a server that
//! answers one with success, or keeps the client waiting, is counted.

use core::sync::atomic::{AtomicU64, Ordering};
use std::io::{ErrorKind, Read, Write};
use std::thread;

use crate::client::connect;
use crate::options::Options;

struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    after: After,
}

/// What the client does once it has sent the bytes, and what it takes for right.
#[derive(Clone, Copy, PartialEq)]
enum After {
    /// Waits for an answer of 400 or above, and then for the end of the connection.
    ExpectRefusal,
    /// Waits for the end of the connection, whatever comes before it.
    ExpectEnd,
    /// Closes at once, with the answer unread.
    Vanish,
}

#[derive(Default)]
struct Tally {
    refused: AtomicU64,
    ended: AtomicU64,
    vanished: AtomicU64,
    wrong: AtomicU64,
}

/// Sends the cases in an order that the seed fixes, some at a time, and prints how they ended.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let (count, workers) = (options.number("count", 10_000)?, options.number("workers", 16)?);
    let seed = options.number("seed", 1)?;
    let (cases, tally) = (cases(), Tally::default());
    thread::scope(|scope| {
        for worker in 0..workers {
            let (cases, tally) = (&cases, &tally);
            let share = count / workers + u64::from(worker < count % workers);
            scope.spawn(move || attack(options.port, cases, share, seed.wrapping_add(worker), tally));
        }
    });
    for (name, counter) in [
        ("refused", &tally.refused),
        ("ended", &tally.ended),
        ("vanished", &tally.vanished),
        ("wrong", &tally.wrong),
    ] {
        println!("{name} {}", counter.load(Ordering::Relaxed));
    }
    match tally.wrong.load(Ordering::Relaxed) {
        0 => Ok(()),
        wrong => Err(format!("{wrong} of {count} hostile requests did not end as they must")),
    }
}

fn attack(port: u16, cases: &[Case], count: u64, seed: u64, tally: &Tally) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for _ in 0..count {
        // xorshift: any order will do, as long as the seed repeats it.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let pick = usize::try_from(state >> 33).unwrap_or(0) % cases.len();
        let Some(case) = cases.get(pick) else { continue };
        match one(port, case) {
            Ok(()) if case.after == After::Vanish => tally.vanished.fetch_add(1, Ordering::Relaxed),
            Ok(()) if case.after == After::ExpectEnd => tally.ended.fetch_add(1, Ordering::Relaxed),
            Ok(()) => tally.refused.fetch_add(1, Ordering::Relaxed),
            Err(problem) => {
                if tally.wrong.fetch_add(1, Ordering::Relaxed) < 10 {
                    eprintln!("{}: {problem}", case.name);
                }
                0
            }
        };
    }
}

fn one(port: u16, case: &Case) -> Result<(), String> {
    let mut stream = connect(port).map_err(|error| format!("connect: {error}"))?;
    // The server may refuse, and stop reading, before all is written.
    let _ = stream.write_all(&case.bytes);
    if case.after == After::Vanish {
        return Ok(());
    }
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset && case.after == After::ExpectEnd => {}
        Err(error) => return Err(format!("after {} bytes of answer: {error}", answer.len())),
    }
    let class = answer.get(9).copied().unwrap_or(0);
    let refused = answer.starts_with(b"HTTP/1.1 ") && (class == b'4' || class == b'5');
    if case.after == After::ExpectRefusal && !refused {
        let start = answer.split_at(answer.len().min(40)).0;
        return Err(format!("answered {:?}", String::from_utf8_lossy(start)));
    }
    Ok(())
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name, after, bytes: &[u8]| cases.push(Case { name, bytes: bytes.to_vec(), after });
    let refused = After::ExpectRefusal;
    add("no host", refused, b"GET / HTTP/1.1\r\n\r\n");
    add("two hosts", refused, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    add("bare line feeds", refused, b"GET / HTTP/1.1\nHost: a\n\n");
    add("a NUL in a value", refused, b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n");
    add("a space before the colon", refused, b"GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n");
    add("a folded line", refused, b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n");
    add(
        "both framings",
        refused,
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    );
    add(
        "two lengths",
        refused,
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    );
    add("a signed length", refused, b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc");
    add(
        "an endless length",
        refused,
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    );
    add(
        "an unknown coding",
        refused,
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    );
    add("a major version unknown", refused, b"GET / HTTP/3.0\r\nHost: a\r\n\r\n");
    add("TLS to a plain port", refused, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n");
    add("noise", refused, b"\xff\xfe\xfd\xfc\xfb garbage \x01\x02\r\n\r\n");
    add(
        "a long target",
        refused,
        &[b"GET /".as_slice(), &[b'a'; 70_000], b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat(),
    );
    add(
        "a long field",
        refused,
        &[b"GET / HTTP/1.1\r\nHost: a\r\nX: ".as_slice(), &[b'b'; 70_000], b"\r\n\r\n"].concat(),
    );
    let many = b"X-A: b\r\n".repeat(9000);
    add("many fields", refused, &[b"GET / HTTP/1.1\r\nHost: a\r\n".as_slice(), &many, b"\r\n"].concat());
    let ends = After::ExpectEnd;
    let chunked = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    add("a chunk size too large", ends, &[chunked.as_slice(), b"fffffffffffffffff\r\nabc"].concat());
    add("a chunk size in no base", ends, &[chunked.as_slice(), b"0x3\r\nabc\r\n0\r\n\r\n"].concat());
    add("a chunk longer than it says", ends, &[chunked.as_slice(), b"3\r\nabcdef\r\n0\r\n\r\n"].concat());
    add(
        "a smuggled second request",
        ends,
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nGET /\r\n\r\n",
    );
    let vanish = After::Vanish;
    add("half a head", vanish, b"GET / HTTP/1.1\r\nHost: a\r\nX-Half: ");
    add("half a body", vanish, b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc");
    add("nothing at all", vanish, b"");
    add("answers nobody reads", vanish, &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(50));
    cases
}
