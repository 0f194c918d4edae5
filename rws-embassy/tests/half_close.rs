//! A peer that ends its side behind its last request: what it has said whole is answered.

use core::cell::Cell;

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{BodyFraming, RequestHead, Scratch};
use rws_core::service::{ConnectionInfo, Context, Outcome, Service, Taken};
use rws_core::{Env, Field, Instant, Limits, ResponseHead, Status};
use rws_embassy::{BUFFER_BYTES, BoardContext, Drive, Lent, Next, Platform};

const LIMITS: Limits = Limits::DEVICE;

/// Does nothing until it is ready, then reads the body if it is one that does, and answers 204.
struct Slow {
    reads_bodies: bool,
    ready: Cell<bool>,
    aborted: Cell<usize>,
}

#[derive(Default)]
struct Job {
    kept: u32,
    ended: bool,
}

impl<C: Context> Service<C> for Slow {
    type State = Job;

    fn begin(&self, _: &mut C, head: &mut RequestHead<'_>) -> Job {
        Job { kept: 0, ended: head.body() == BodyFraming::None }
    }
    fn body(&self, _: &mut C, job: &mut Job, chunk: &[u8], end: bool) -> Taken {
        job.kept += chunk.len() as u32;
        job.ended |= end;
        Taken::Later
    }
    fn credit(&self, job: &mut Job) -> u32 {
        if self.reads_bodies && self.ready.get() { core::mem::take(&mut job.kept) } else { 0 }
    }
    fn head<'s>(&self, job: &'s mut Job) -> HeadAnswer<'s> {
        if self.ready.get() && (job.ended || !self.reads_bodies) {
            HeadAnswer::Final(ResponseHead::bare(Status::NO_CONTENT), BodyPlan::None)
        } else {
            HeadAnswer::NotYet
        }
    }
    fn fill(&self, _: &mut Job, _: &mut [u8]) -> Fill {
        Fill::End(0)
    }
    fn reads_bodies(&self) -> bool {
        self.reads_bodies
    }
    fn end(&self, _: &mut C, _: Job, outcome: Outcome) {
        if matches!(outcome, Outcome::Aborted(_)) {
            self.aborted.set(self.aborted.get() + 1);
        }
    }
}

struct Board;

impl Platform for Board {
    fn entropy(&self, out: &mut [u8]) {
        out.fill(7);
    }
}

/// What is said to a peer that sends `input` and the end of its side before the service is ready, and how many
/// exchanges were cut off.
fn ask(reads_bodies: bool, mut input: &[u8]) -> (String, usize) {
    let service = Slow { reads_bodies, ready: Cell::new(false), aborted: Cell::new(0) };
    let env = Env { now: Instant::from_micros(0), limits: &LIMITS, date: None };
    let (mut buf, mut bytes, mut fields) = ([0; BUFFER_BYTES], [0; 2048], [Field::ZERO; 64]);
    let mut cx = BoardContext::new(Board, ConnectionInfo { peer: None, local: None, secure: false });
    let (mut drive, mut said, mut has_ended) = (Drive::new(&env), Vec::new(), false);
    for _ in 0..1_000 {
        let scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
        match drive.turn(&env, &mut Lent { buf: &mut buf, scratch }, &service, &mut cx) {
            Next::Send => {
                said.extend_from_slice(drive.unsent(&buf));
                let sent = drive.unsent(&buf).len();
                drive.written(&env, sent);
            }
            Next::Wait { read: true } if !has_ended => {
                let space = drive.space(&mut buf, &LIMITS);
                let count = input.len().min(space.len());
                space[..count].copy_from_slice(&input[..count]);
                input = &input[count..];
                has_ended = count == 0;
                drive.received(count);
            }
            Next::Wait { .. } if !service.ready.get() => service.ready.set(true),
            // Its service has woken it.
            Next::Wait { .. } | Next::HalfClose => {}
            Next::Closed { .. } => return (String::from_utf8(said).expect("text"), service.aborted.get()),
        }
    }
    panic!("it comes to no end")
}

#[test]
fn a_body_that_waits_for_room_has_come_even_if_its_sender_has_ended() {
    for bytes in [3, 512, 513, 800, 1400, 3000] {
        let body = "x".repeat(bytes);
        let sized = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {bytes}\r\n\r\n{body}");
        let chunked = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{bytes:x}\r\n{body}\r\n0\r\n\r\n"
        );
        for input in [sized, chunked] {
            let (said, aborted) = ask(true, input.as_bytes());
            assert!(said.starts_with("HTTP/1.1 204 "), "{bytes} bytes: {said:?}");
            assert_eq!(aborted, 0, "{bytes} bytes");
        }
    }
}

#[test]
fn a_body_that_nobody_reads_is_no_reason_to_drop_its_answer() {
    for bytes in [3, 512, 513, 800, 1400, 3000] {
        let body = "x".repeat(bytes);
        let sized = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {bytes}\r\n\r\n{body}");
        let chunked = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{bytes:x}\r\n{body}\r\n0\r\n\r\n"
        );
        for input in [sized, chunked] {
            let (said, aborted) = ask(false, input.as_bytes());
            assert!(said.starts_with("HTTP/1.1 204 "), "{bytes} bytes: {said:?}");
            assert_eq!(aborted, 0, "{bytes} bytes");
        }
    }
}

#[test]
fn requests_that_wait_behind_the_first_are_answered_too() {
    for reads_bodies in [true, false] {
        let input = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(4);
        let (said, aborted) = ask(reads_bodies, input.as_bytes());
        assert_eq!((said.matches("HTTP/1.1 204 ").count(), aborted), (4, 0), "{said:?}");
    }
}

#[test]
fn a_body_whose_rest_never_comes_is_cut_off() {
    for body in ["Content-Length: 600\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n258\r\n"] {
        for bytes in [0, 511, 512, 513, 599] {
            let input = format!("POST / HTTP/1.1\r\nHost: a\r\n{body}{}", "x".repeat(bytes));
            let (said, aborted) = ask(true, input.as_bytes());
            assert_eq!((said.as_str(), aborted), ("", 1), "{bytes} bytes");
        }
    }
}
