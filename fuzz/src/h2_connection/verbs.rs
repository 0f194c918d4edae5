//! Any verb in any state, with sizes and times of any kind, over any frames: the laws of a connection hold.

use arbitrary::{Arbitrary, Unstructured};
use rws_core::connection::{
    BodyPlan, ByteConnection, ConnectionStatus, Event, Fill, HeadAnswer, RequestOut, Sent, Source, StreamId,
};
use rws_core::h2::{Client, Server};
use rws_core::message::OwnedFields;
use rws_core::{Env, Field, FieldBlock, Instant, ResponseHead, Scratch, Status};

use super::frames::{Frame, beginning};
use super::output::assert_valid;
use super::{LIMITS, Slots};

#[derive(Debug, Arbitrary)]
enum Verb {
    Arrive(Frame),
    Receive {
        shown: u16,
    },
    Turn,
    Transmit {
        room: u16,
    },
    Grant {
        stream: u8,
        bytes: u32,
    },
    Wake {
        stream: u8,
    },
    Reset {
        stream: u8,
    },
    Patient {
        stream: u8,
    },
    /// What the role alone has: requests, pushes.
    Begin {
        stream: u8,
    },
    Excuse,
    Release,
    Flushed(u16),
    Tick(u32),
    ToDeadline,
    End,
    Shutdown,
}

/// What the two roles do not have in common.
trait Role: ByteConnection + core::fmt::Debug {
    fn begin(&mut self, env: &Env<'_>, stream: StreamId) -> Option<StreamId>;
    fn excuse(&mut self);
    fn give_back(&mut self);
    fn count(&self) -> u16;
}

impl Role for Server<Slots> {
    fn begin(&mut self, env: &Env<'_>, stream: StreamId) -> Option<StreamId> {
        self.push(env, stream).ok()
    }
    fn excuse(&mut self) {
        self.excuse_peer();
    }
    fn give_back(&mut self) {
        self.release();
    }
    fn count(&self) -> u16 {
        self.live()
    }
}

impl Role for Client<Slots> {
    fn begin(&mut self, env: &Env<'_>, _: StreamId) -> Option<StreamId> {
        let can = self.can_open(env);
        let opened = self.open(env);
        assert!(can || opened.is_err());
        opened.ok()
    }
    fn excuse(&mut self) {
        self.excuse_peer();
    }
    fn give_back(&mut self) {
        self.release();
    }
    fn count(&self) -> u16 {
        self.live()
    }
}

pub(super) fn check(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let is_server = input.arbitrary::<u8>().unwrap_or(0).is_multiple_of(2);
    let env = Env { now: Instant::from_micros(0), limits: &LIMITS, date: None };
    let start = beginning(is_server, &mut input);
    if is_server {
        run(Server::new(&env, Slots::new()), start, true, input);
    } else {
        run(Client::new(&env, Slots::new(), true), start, false, input);
    }
}

struct Run<M> {
    machine: M,
    now_us: u64,
    rx: Vec<u8>,
    received: Vec<u8>,
    written: Vec<u8>,
    /// Bytes that were written and not flushed yet.
    unflushed: usize,
    streams: Vec<StreamId>,
}

fn run<M: Role>(machine: M, start: Vec<u8>, is_server: bool, mut input: Unstructured<'_>) {
    let mut run = Run {
        machine,
        now_us: 0,
        rx: start.clone(),
        received: start,
        written: Vec::new(),
        unflushed: 0,
        streams: vec![StreamId::new(0, 1)],
    };
    for _ in 0..300 {
        if input.is_empty() {
            break;
        }
        let Ok(verb) = Verb::arbitrary(&mut input) else { break };
        let before = run.machine.status();
        run.step(&verb, &mut input);
        run.assert_laws(before, &verb);
    }
    assert_valid(is_server, &run.written, &run.received);
}

impl<M: Role> Run<M> {
    fn env(&self) -> Env<'static> {
        Env { now: Instant::from_micros(self.now_us), limits: &LIMITS, date: None }
    }

    fn step(&mut self, verb: &Verb, input: &mut Unstructured<'_>) {
        let env = self.env();
        let stream = |at: u8| self.streams[usize::from(at) % self.streams.len()];
        match *verb {
            Verb::Arrive(ref frame) => self.arrive(frame),
            Verb::Receive { shown } => self.receive(usize::from(shown)),
            Verb::Turn => {
                self.receive(usize::MAX);
                self.transmit(1000, input);
            }
            Verb::Transmit { room } => self.transmit(usize::from(room), input),
            Verb::Grant { stream: at, bytes } => _ = self.machine.grant(stream(at), bytes),
            Verb::Wake { stream: at } => self.machine.wake(stream(at)),
            Verb::Reset { stream: at } => self.machine.reset(stream(at)),
            Verb::Patient { stream: at } => self.machine.be_patient(stream(at)),
            Verb::Begin { stream: at } => {
                let named = stream(at);
                self.streams.extend(self.machine.begin(&env, named));
            }
            Verb::Excuse => self.machine.excuse(),
            Verb::Release => self.machine.give_back(),
            Verb::Flushed(bytes) => {
                let bytes = usize::from(bytes).min(self.unflushed);
                self.unflushed -= bytes;
                self.machine.flushed(&env, bytes);
            }
            Verb::Tick(us) => {
                self.now_us += u64::from(us);
                _ = self.machine.on_deadline(&self.env());
            }
            Verb::ToDeadline => self.strike(),
            Verb::End => {
                self.receive(usize::MAX);
                _ = self.machine.receive_end(&env);
            }
            Verb::Shutdown => self.machine.shutdown(&env),
        }
    }

    fn arrive(&mut self, frame: &Frame) {
        if self.received.len() < 5000 {
            let mut bytes = Vec::new();
            frame.write(&mut bytes);
            self.rx.extend_from_slice(&bytes);
            self.received.extend_from_slice(&bytes);
        }
    }

    /// To the next deadline. Each that has passed strikes once, and there are no more than streams and timers.
    fn strike(&mut self) {
        let next = self.machine.next_deadline();
        if next == Instant::NEVER {
            return;
        }
        self.now_us = self.now_us.max(next.as_micros());
        for _ in 0..40 {
            if self.machine.next_deadline() > self.env().now {
                return;
            }
            _ = self.machine.on_deadline(&self.env());
        }
        panic!("it strikes again and again: {:?}", self.machine);
    }

    fn receive(&mut self, shown: usize) {
        let env = self.env();
        let (mut bytes, mut fields) = ([0; 600], [Field::default(); 30]);
        for _ in 0..2 * self.rx.len() + 10 {
            let shown = shown.min(self.rx.len());
            let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
            let step = self.machine.receive(&env, &mut self.rx[..shown], &mut scratch);
            assert!(step.consumed <= shown);
            match step.event {
                Some(Event::Request { stream, .. }) => self.streams.push(stream),
                Some(Event::Body { chunk, .. }) => {
                    assert!(chunk.len > 0 && (chunk.at + chunk.len) as usize <= step.consumed);
                }
                Some(Event::Refused { status, .. }) => assert!(status.code() >= 400),
                _ => {}
            }
            self.rx.drain(..step.consumed);
            if step.consumed == 0 && matches!(step.event, None | Some(Event::Stalled { .. })) {
                return;
            }
        }
        panic!("it does not come to rest: {:?}", self.machine);
    }

    fn transmit(&mut self, room: usize, input: &mut Unstructured<'_>) {
        let env = self.env();
        let mut tx = vec![0; room.min(1000)];
        let wanted = self.machine.wants_transmit();
        let mut whim = Whim { input, fields: OwnedFields::new() };
        match self.machine.transmit(&env, &mut tx, &mut Scratch::default(), &mut whim) {
            Sent::Bytes(n) => {
                assert!(wanted && n > 0 && n <= tx.len());
                self.written.extend_from_slice(&tx[..n]);
                self.unflushed += n;
            }
            Sent::Direct { .. } => panic!("no direct runs"),
            Sent::NeedRoom(n) => assert!(wanted && n > tx.len(), "{n} asked for, {} lent", tx.len()),
            Sent::Nothing => assert!(!self.machine.wants_transmit(), "{:?}", self.machine),
            Sent::Close => {
                let status = self.machine.status();
                assert!(matches!(status, ConnectionStatus::Closed | ConnectionStatus::CloseAfterFlush));
                assert!(!self.machine.wants_transmit());
            }
        }
    }

    fn assert_laws(&mut self, before: ConnectionStatus, verb: &Verb) {
        let status = self.machine.status();
        if before == ConnectionStatus::Closed {
            assert_eq!(status, ConnectionStatus::Closed, "what is over stays over, after {verb:?}");
        }
        if before == ConnectionStatus::CloseAfterFlush {
            assert!(matches!(status, ConnectionStatus::Closed | ConnectionStatus::CloseAfterFlush));
        }
        if before == ConnectionStatus::Draining {
            assert_ne!(status, ConnectionStatus::Open, "a drain is not taken back");
        }
        if status == ConnectionStatus::Closed {
            assert_eq!((self.machine.rx_want(), self.machine.next_deadline()), (0, Instant::NEVER));
        }
        assert!(self.machine.count() <= LIMITS.streams_max, "after {verb:?}: {:?}", self.machine);
        // Something can always move it on: bytes, the driver, the source, or time.
        let alive = self.machine.rx_want() > 0
            || self.machine.wants_transmit()
            || self.machine.next_deadline() != Instant::NEVER
            || self.machine.count() > 0;
        assert!(alive || status == ConnectionStatus::Closed, "after {verb:?}: {:?}", self.machine);
    }
}

/// A source without a plan, and not always an honest one.
struct Whim<'w, 'd> {
    input: &'w mut Unstructured<'d>,
    fields: OwnedFields,
}

impl Whim<'_, '_> {
    fn roll(&mut self, sides: u8) -> u8 {
        self.input.arbitrary::<u8>().unwrap_or(0) % sides
    }

    fn plan(&mut self) -> BodyPlan {
        let len = u64::from(self.roll(100));
        [BodyPlan::None, BodyPlan::Sized(len), BodyPlan::Streamed][usize::from(self.roll(3))]
    }

    fn some_fields(&mut self) -> FieldBlock<'_> {
        self.fields.clear();
        for _ in 0..self.roll(4) {
            let value = vec![b'v'; usize::from(self.roll(90))];
            self.fields.push("x-a", &value).expect("a field");
        }
        self.fields.block()
    }
}

impl Source for Whim<'_, '_> {
    fn head(&mut self, _: StreamId) -> HeadAnswer<'_> {
        match self.roll(8) {
            0 | 1 => HeadAnswer::NotYet,
            2 => HeadAnswer::Interim(ResponseHead::bare(Status::EARLY_HINTS)),
            _ => {
                let codes = [200, 200, 201, 204, 205, 304, 404, 413, 101, 100];
                let status = Status::new(codes[usize::from(self.roll(10))]).expect("a status");
                let plan = self.plan();
                HeadAnswer::Final(ResponseHead { status, fields: self.some_fields() }, plan)
            }
        }
    }

    fn request(&mut self, _: StreamId) -> Option<RequestOut<'_>> {
        if self.roll(4) == 0 {
            return None;
        }
        let (body, expect_continue) = (self.plan(), self.roll(2) == 0);
        let methods = ["GET", "GET", "HEAD", "POST", "CONNECT"];
        let method = methods[usize::from(self.roll(5))].as_bytes();
        Some(RequestOut {
            method,
            target: if method == b"CONNECT" { b"a:1" } else { b"/" },
            authority: b"a",
            fields: self.some_fields(),
            body,
            expect_continue,
            close: false,
        })
    }

    fn fill(&mut self, _: StreamId, out: &mut [u8]) -> Fill {
        assert!(!out.is_empty());
        let n = usize::from(self.roll(60)).min(out.len());
        match self.roll(12) {
            0 => Fill::Abort,
            1..=3 => Fill::Blocked,
            4 => Fill::More(out.len() + 1),
            5 | 6 => Fill::End(n),
            7 => Fill::End(out.len()),
            _ => Fill::More(n),
        }
    }

    fn trailers(&mut self, _: StreamId) -> FieldBlock<'_> {
        self.fields.block()
    }
}
