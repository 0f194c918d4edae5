//! The same requests through the board's driver, in memory: whatever the limits and the pieces, it reads the messages
//! that the engine reads, and refuses what the engine refuses.

use core::cell::RefCell;

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{RequestHead, Scratch};
use rws_core::service::{ConnectionInfo, Context, Service, Taken};
use rws_core::testing::wire::{self, Ending, Reading};
use rws_core::{Env, Field, Instant, Limits, ResponseHead, Status};
use rws_embassy::{BoardContext, Drive, Lent, Next, Platform};
use rws_tests::corpora::{self, Request};
use rws_tests::smuggling;

/// What was read of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Read {
    target: Vec<u8>,
    body: Vec<u8>,
    is_complete: bool,
}

/// Writes down what it is asked, and answers each request when it is complete.
#[derive(Default)]
struct Recorder(RefCell<Vec<Read>>);

impl<C: Context> Service<C> for Recorder {
    type State = bool;

    fn begin(&self, _: &mut C, head: &mut RequestHead<'_>) -> bool {
        let is_complete = !head.body().follows();
        let target = head.target().to_vec();
        self.0.borrow_mut().push(Read { target, body: Vec::new(), is_complete });
        is_complete
    }
    fn body(&self, _: &mut C, state: &mut bool, chunk: &[u8], end: bool) -> Taken {
        let mut all = self.0.borrow_mut();
        let read = all.last_mut().expect("it has begun");
        read.body.extend_from_slice(chunk);
        read.is_complete |= end;
        *state |= end;
        Taken::All
    }
    fn head<'s>(&self, state: &'s mut bool) -> HeadAnswer<'s> {
        match *state {
            true => HeadAnswer::Final(ResponseHead::bare(Status::OK), BodyPlan::Sized(0)),
            false => HeadAnswer::NotYet,
        }
    }
    fn fill(&self, _: &mut bool, _: &mut [u8]) -> Fill {
        Fill::End(0)
    }
}

struct Board;

impl Platform for Board {
    fn entropy(&self, out: &mut [u8]) {
        out.fill(7);
    }
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// It waits for more.
    Waits,
    /// It has said its last word; with this status.
    Closes(Option<u16>),
}

fn drive(limits: &Limits, mut input: &[u8], at_a_time: usize) -> (Vec<Read>, End) {
    let env = Env { now: Instant::from_micros(0), limits, date: None };
    let mut buf = vec![0; Drive::<bool>::buffer_bytes_min(limits)];
    let (mut bytes, mut fields) = (vec![0; 66_000], vec![Field::ZERO; 300]);
    let recorder = Recorder::default();
    let mut cx = BoardContext::new(Board, ConnectionInfo { peer: None, local: None, secure: false });
    let (mut drive, mut said) = (Drive::new(&env), Vec::new());
    let is_over = loop {
        let scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
        match drive.turn(&env, &mut Lent { buf: &mut buf, scratch }, &recorder, &mut cx) {
            Next::Send => {
                let unsent = drive.unsent(&buf);
                said.extend_from_slice(unsent);
                let count = unsent.len();
                drive.written(&env, count);
            }
            Next::Wait { read: true } if !input.is_empty() => {
                let space = drive.space(&mut buf, limits);
                let count = input.len().min(space.len()).min(at_a_time);
                space[..count].copy_from_slice(&input[..count]);
                input = &input[count..];
                drive.received(count);
            }
            Next::Wait { .. } => break false,
            Next::HalfClose | Next::Closed { .. } => break true,
        }
    };
    let said = String::from_utf8(said).expect("text");
    let last = said.rsplit("HTTP/1.1 ").next().and_then(|rest| rest.get(..3)?.parse().ok());
    (recorder.0.into_inner(), if is_over { End::Closes(last) } else { End::Waits })
}

/// What the driver must have made of what the engine reads.
fn agrees(reading: &Reading, (messages, end): &(Vec<Read>, End)) -> bool {
    let read = |message: &wire::Message| Read {
        target: message.target.clone(),
        body: message.body.clone(),
        is_complete: message.complete,
    };
    let expected: Vec<Read> = reading.messages.iter().map(read).collect();
    match &reading.ending {
        Ending::Refused(fault) => *messages == expected && *end == End::Closes(Some(fault.status().code())),
        Ending::Closing => *messages == expected && matches!(end, End::Closes(_)),
        Ending::Open(_) => *messages == expected && *end == End::Waits,
        // Here nobody takes the other protocol, so HTTP goes on behind it.
        Ending::Upgraded(_) => messages.starts_with(&expected),
    }
}

fn are_read_alike(requests: &[Request]) {
    for limits in [Limits::SERVER, Limits::DEVICE, device::LIMITS] {
        for request in requests {
            for at_a_time in [usize::MAX, 16, 1] {
                let pieces: Vec<&[u8]> = request.raw.chunks(at_a_time).collect();
                let (reading, driven) =
                    (wire::requests(&limits, &pieces), drive(&limits, &request.raw, at_a_time));
                assert!(
                    agrees(&reading, &driven),
                    "{}: {}\n{at_a_time} bytes at a time: {driven:?}\nnot {reading:?}",
                    request.name,
                    request.raw.escape_ascii()
                );
            }
        }
    }
}

#[test]
fn the_driver_of_the_board_reads_the_corpora_as_the_engine_does() {
    are_read_alike(&corpora::requests());
}

#[test]
fn the_driver_of_the_board_reads_attempts_at_smuggling_as_the_engine_does() {
    are_read_alike(&smuggling::requests());
}
