//! The connection without IO: its buffer, whatever passes through it.

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{RequestHead, Scratch};
use rws_core::service::{ConnectionInfo, Context, Service, Taken};
use rws_core::{Env, Field, Instant, Limits, ResponseHead, Status};
use rws_embassy::{BUFFER_BYTES, BoardContext, Drive, Lent, Next, Platform};

const LIMITS: Limits = Limits::DEVICE;

/// Answers 204, and wants no body.
struct Deaf {
    /// Whether it is asked all the same.
    reads_bodies: bool,
}

const BOTH: [Deaf; 2] = [Deaf { reads_bodies: true }, Deaf { reads_bodies: false }];

impl<C: Context> Service<C> for Deaf {
    type State = ();

    fn begin(&self, _: &mut C, _: &mut RequestHead<'_>) {}
    fn body(&self, _: &mut C, (): &mut (), _: &[u8], _: bool) -> Taken {
        Taken::Stop
    }
    fn head<'s>(&self, (): &'s mut ()) -> HeadAnswer<'s> {
        HeadAnswer::Final(ResponseHead::bare(Status::NO_CONTENT), BodyPlan::None)
    }
    fn fill(&self, (): &mut (), _: &mut [u8]) -> Fill {
        Fill::End(0)
    }
    fn reads_bodies(&self) -> bool {
        self.reads_bodies
    }
}

struct Board;

impl Platform for Board {
    fn entropy(&self, out: &mut [u8]) {
        out.fill(7);
    }
}

/// How much of `input` a connection takes before it waits for its deadline or its peer, and what it says.
fn take(service: &Deaf, mut input: &[u8]) -> (usize, String) {
    let env = Env { now: Instant::from_micros(0), limits: &LIMITS, date: None };
    let (mut buf, mut bytes, mut fields) = ([0; BUFFER_BYTES], [0; 2048], [Field::ZERO; 64]);
    let mut cx = BoardContext::new(Board, ConnectionInfo { peer: None, local: None, secure: false });
    let (mut drive, mut said, mut taken) = (Drive::new(&env), Vec::new(), 0);
    loop {
        let scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
        match drive.turn(&env, &mut Lent { buf: &mut buf, scratch }, service, &mut cx) {
            Next::Send => {
                said.extend_from_slice(drive.unsent(&buf));
                let sent = drive.unsent(&buf).len();
                drive.written(&env, sent);
            }
            Next::Wait { read: true } if !input.is_empty() => {
                let space = drive.space(&mut buf, &LIMITS);
                let count = input.len().min(space.len());
                space[..count].copy_from_slice(&input[..count]);
                input = &input[count..];
                taken += count;
                drive.received(count);
            }
            Next::HalfClose => {}
            Next::Wait { .. } | Next::Closed { .. } => {
                return (taken, String::from_utf8(said).expect("text"));
            }
        }
    }
}

#[test]
fn what_follows_a_refusal_is_dropped_however_long_it_is() {
    for service in &BOTH {
        for bytes in [0, 900, 1023, 1024, 1025, 2048, 3000, 4000, 9000] {
            let input = format!("GET / HTTP/1.1\r\nHost : a\r\n\r\n{}", "x".repeat(bytes));
            let (taken, said) = take(service, input.as_bytes());
            assert_eq!(taken, input.len(), "{bytes} bytes more");
            assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
        }
    }
}

#[test]
fn a_body_that_nobody_reads_makes_room_for_the_next_request() {
    for service in &BOTH {
        for bytes in [0, 900, 1024, 2000, 2048, 3000, 4000] {
            let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {bytes}\r\n\r\n");
            let input = format!("{head}{}GET / HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(bytes));
            let (taken, said) = take(service, input.as_bytes());
            assert_eq!(taken, input.len(), "{bytes} bytes");
            assert_eq!(said.matches("HTTP/1.1 204 ").count(), 2, "{said}");
        }
    }
}

#[test]
fn a_body_that_nobody_reads_ends_the_connection_if_it_is_long_or_in_chunks() {
    let next = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let long = format!("Content-Length: 5000\r\n\r\n{}", "x".repeat(5000));
    for service in &BOTH {
        let input = format!("POST / HTTP/1.1\r\nHost: a\r\n{long}{next}");
        let (taken, said) = take(service, input.as_bytes());
        assert_eq!((taken, said.matches("HTTP/1.1 204 ").count()), (input.len(), 1), "{said}");
    }
    let chunks = "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let input = format!("POST / HTTP/1.1\r\nHost: a\r\n{chunks}{next}");
    for (service, answers) in BOTH.iter().zip([2, 1]) {
        let (taken, said) = take(service, input.as_bytes());
        assert_eq!((taken, said.matches("HTTP/1.1 204 ").count()), (input.len(), answers), "{said}");
        assert_eq!(said.contains("Connection: close"), answers == 1, "{said}");
    }
}

#[test]
fn heads_are_judged_alike_whether_bodies_are_read_or_not() {
    for fields in [
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Content-Length: 3, 3",
        "Content-Length: 70000",
        "Content-Length: 99999999999999999999",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: gzip, chunked",
        "Expect: 100-continue\r\nContent-Length: 3",
        "Expect: nothing",
        "Upgrade: x\r\nConnection: upgrade\r\nContent-Length: 3",
    ] {
        let input = format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
        let [read, unread] = BOTH.each_ref().map(|service| take(service, input.as_bytes()));
        assert_eq!(read, unread, "{fields}");
        assert!(read.1.starts_with("HTTP/1.1 "), "{fields}");
    }
}
