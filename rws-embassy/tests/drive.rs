//! The connection without IO: its buffer, whatever passes through it.

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{RequestHead, Scratch};
use rws_core::service::{ConnectionInfo, Context, Service, Taken};
use rws_core::{Env, Field, Instant, Limits, ResponseHead, Status};
use rws_embassy::{BUFFER_BYTES, BoardContext, Drive, Lent, Next, Platform};

const LIMITS: Limits = Limits::DEVICE;

/// Answers 204, and reads no body.
struct Deaf;

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
}

struct Board;

impl Platform for Board {
    fn entropy(&self, out: &mut [u8]) {
        out.fill(7);
    }
}

/// How much of `input` a connection takes before it waits for its deadline or its peer, and what it says.
fn take(mut input: &[u8]) -> (usize, String) {
    let env = Env { now: Instant::from_micros(0), limits: &LIMITS, date: None };
    let (mut buf, mut bytes, mut fields) = ([0; BUFFER_BYTES], [0; 2048], [Field::ZERO; 64]);
    let mut cx = BoardContext::new(Board, ConnectionInfo { peer: None, local: None, secure: false });
    let (mut drive, mut said, mut taken) = (Drive::new(&env), Vec::new(), 0);
    loop {
        let scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
        match drive.turn(&env, &mut Lent { buf: &mut buf, scratch }, &Deaf, &mut cx) {
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
    for bytes in [0, 900, 1023, 1024, 1025, 2048, 3000, 4000, 9000] {
        let input = format!("GET / HTTP/1.1\r\nHost : a\r\n\r\n{}", "x".repeat(bytes));
        let (taken, said) = take(input.as_bytes());
        assert_eq!(taken, input.len(), "{bytes} bytes more");
        assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
    }
}

#[test]
fn a_body_that_nobody_reads_makes_room_for_the_next_request() {
    for bytes in [0, 900, 1024, 2000, 2048, 3000, 4000] {
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {bytes}\r\n\r\n");
        let input = format!("{head}{}GET / HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(bytes));
        let (taken, said) = take(input.as_bytes());
        assert_eq!(taken, input.len(), "{bytes} bytes");
        assert_eq!(said.matches("HTTP/1.1 204 ").count(), 2, "{said}");
    }
}
