//! Random walks over every pair of state and verb, for both roles: nothing panics, nothing hangs, what is
//! over stays over, and what a server wrote is a sequence of well-formed responses.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::body::{BodyReader, Found};
use super::head::parse_response;
use super::{Client, Server};
use crate::connection::{
    BodyPlan, ByteConnection, Connection as _, ConnectionStatus, Event, Fill, HeadAnswer, RequestOut, Sent,
    Source, StreamId,
};
use crate::message::{BodyFraming, Field, FieldBlock, ResponseHead, Scratch};
use crate::{Env, Instant, Limits, Method, Status};

const LIMITS: Limits = Limits {
    response_head_bytes_max: 256,
    body_window_bytes: 8,
    linger_bytes_max: 40,
    requests_per_connection_max: 9,
    interim_max: 2,
    connect_method: true,
    ..Limits::SERVER
};

/// A small generator: the walk is the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len() as u64) as usize]
    }
}

/// A source without a plan.
struct Whim {
    dice: Dice,
    left: u64,
    faithful: bool,
}

impl Whim {
    fn plan(&mut self) -> BodyPlan {
        self.left = self.dice.roll(40);
        match self.dice.roll(3) {
            0 => BodyPlan::None,
            1 => BodyPlan::Sized(self.left),
            _ => BodyPlan::Streamed,
        }
    }
}

impl Source for Whim {
    fn head(&mut self, _: StreamId) -> HeadAnswer<'_> {
        match self.dice.roll(8) {
            0 | 1 => HeadAnswer::NotYet,
            2 => HeadAnswer::Interim(ResponseHead::bare(Status::EARLY_HINTS)),
            _ => {
                let codes = [200, 200, 200, 204, 304, 404, 413, if self.faithful { 205 } else { 101 }];
                let status = Status::new(codes[self.dice.roll(8) as usize]).unwrap();
                HeadAnswer::Final(ResponseHead::bare(status), self.plan())
            }
        }
    }

    fn request(&mut self, _: StreamId) -> Option<RequestOut<'_>> {
        if self.dice.roll(3) == 0 {
            return None;
        }
        let body = self.plan();
        Some(RequestOut {
            method: self.dice.pick(&["GET", "HEAD", "POST", "CONNECT"]).as_bytes(),
            target: b"/",
            authority: b"a",
            fields: FieldBlock::EMPTY,
            body,
            expect_continue: self.dice.roll(2) == 0,
            close: self.dice.roll(8) == 0,
        })
    }

    fn fill(&mut self, _: StreamId, out: &mut [u8]) -> Fill {
        if !self.faithful && self.dice.roll(20) == 0 {
            return Fill::Abort;
        }
        if self.dice.roll(4) == 0 {
            return Fill::Blocked;
        }
        let n = self.dice.roll(9).min(self.left).min(out.len() as u64);
        out[..n as usize].fill(b'x');
        self.left -= n;
        if self.left == 0 { Fill::End(n as usize) } else { Fill::More(n as usize) }
    }

    fn direct(&mut self, _: StreamId) -> u64 {
        if self.left == 0 || self.dice.roll(4) > 0 {
            return 0;
        }
        let n = 1 + self.dice.roll(self.left);
        self.left -= n;
        n
    }
}

const REQUESTS: [&str; 9] = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n01234567890123456789",
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n0123456789ab\r\n0\r\nA: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "\r\nOPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
];

const RESPONSES: [&str; 8] = [
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n0123456789ab\r\n0\r\nA: b\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.0 200 OK\r\n\r\nabc",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\n\r\n",
];

struct Walk {
    dice: Dice,
    whim: Whim,
    now_us: u64,
    rx: Vec<u8>,
    output: Vec<u8>,
    streams: Vec<StreamId>,
    direct: u64,
    requests: usize,
    wild: bool,
}

impl Walk {
    fn new(seed: u64) -> Walk {
        let wild = seed.is_multiple_of(3);
        let dice = |salt| Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt) | 1);
        Walk {
            dice: dice(0),
            whim: Whim { dice: dice(77), left: 0, faithful: !wild },
            now_us: 0,
            rx: Vec::new(),
            output: Vec::new(),
            streams: Vec::new(),
            direct: 0,
            requests: 0,
            wild,
        }
    }

    fn env(&self) -> Env<'static> {
        Env { now: Instant::from_micros(self.now_us), limits: &LIMITS, date: None }
    }

    /// One verb, chosen by `op`. What must hold after any verb is checked here.
    fn step<M: ByteConnection>(&mut self, machine: &mut M, op: u64, messages: &[&str]) {
        let env = self.env();
        let over = matches!(machine.status(), ConnectionStatus::Closed);
        let written = self.output.len();
        let stream = match self.streams.len() {
            0 => StreamId::new(0, 0),
            len => self.streams[len - 1 - self.dice.roll(2.min(len as u64)) as usize],
        };
        match op {
            0 => self.arrive(messages),
            1 => self.receive(machine),
            2 | 3 => self.transmit(machine),
            4 => _ = machine.grant(stream, self.dice.roll(30) as u32),
            5 => machine.wake(stream),
            6 => machine.flushed(&env, self.dice.roll(400) as usize),
            7 => self.tick(machine),
            8 => {
                let part = self.direct.min(1 + self.dice.roll(20));
                if machine.sent(stream, part).is_ok() {
                    self.output.extend(core::iter::repeat_n(b'y', part as usize));
                    self.direct -= part;
                }
            }
            9 if self.dice.roll(8) == 0 => {
                self.receive(machine);
                _ = machine.receive_end(&env);
            }
            10 if self.dice.roll(20) == 0 => machine.shutdown(&env),
            11 if self.wild && self.dice.roll(20) == 0 => machine.reset(stream),
            _ => {}
        }
        if over {
            assert_eq!(machine.status(), ConnectionStatus::Closed, "what is over stays over");
            assert_eq!(written, self.output.len());
            assert_eq!((machine.rx_want(), machine.next_deadline()), (0, Instant::NEVER));
        }
    }

    fn arrive(&mut self, messages: &[&str]) {
        if self.rx.len() > 200 {
            return;
        }
        let message = messages[self.dice.roll(messages.len() as u64) as usize];
        self.rx.extend_from_slice(message.as_bytes());
        if self.wild && self.dice.roll(4) == 0 {
            let at = self.dice.roll(self.rx.len() as u64) as usize;
            self.rx[at] = self.dice.roll(256) as u8;
        }
    }

    fn receive<M: ByteConnection>(&mut self, machine: &mut M) {
        let env = self.env();
        let (mut bytes, mut fields) = ([0; 256], [Field::default(); 16]);
        for _ in 0..1000 {
            let shown = self.dice.roll(self.rx.len() as u64 + 1) as usize;
            let shown = if self.dice.roll(2) == 0 { self.rx.len() } else { shown };
            let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
            let step = machine.receive(&env, &mut self.rx[..shown], &mut scratch);
            assert!(step.consumed <= shown);
            if let Some(Event::Request { stream, head, .. }) = step.event {
                self.streams.push(stream);
                self.requests += 1;
                assert!(usize::from(head.arena_len) <= shown);
            }
            if let Some(Event::Body { chunk, .. }) = step.event {
                assert!(!chunk.bytes(&self.rx[..shown]).is_empty());
            }
            self.rx.drain(..step.consumed);
            if step.consumed == 0 && step.event.is_none() {
                return;
            }
        }
        panic!("receive does not come to rest");
    }

    fn transmit<M: ByteConnection>(&mut self, machine: &mut M) {
        let env = self.env();
        let room = self.dice.roll(700) as usize;
        let mut tx = alloc::vec![0; room];
        let wanted = machine.wants_transmit();
        match machine.transmit(&env, &mut tx, &mut Scratch::default(), &mut self.whim) {
            Sent::Bytes(n) => {
                assert!(n > 0 && n <= room);
                self.output.extend_from_slice(&tx[..n]);
            }
            Sent::Direct { bytes, len, .. } => {
                assert!(len > 0 && self.direct == 0);
                self.output.extend_from_slice(&tx[..bytes]);
                self.direct = len;
            }
            Sent::NeedRoom(n) => {
                assert!(n > room, "{n} asked for, {room} lent");
                assert!(wanted);
            }
            Sent::Nothing => assert!(!machine.wants_transmit(), "nothing was sent, and it wants to send"),
            Sent::Close => {
                let status = machine.status();
                assert!(matches!(status, ConnectionStatus::Closed | ConnectionStatus::CloseAfterFlush));
                assert!(!machine.wants_transmit());
            }
        }
    }

    fn tick<M: ByteConnection>(&mut self, machine: &mut M) {
        let due = machine.next_deadline().as_micros();
        self.now_us = match self.dice.roll(12) {
            0 if due < u64::MAX => self.now_us.max(due),
            _ => self.now_us + self.dice.roll(100_000),
        };
        _ = machine.on_deadline(&self.env());
    }
}

/// Something must be able to move it on: bytes, the source, a grant, the driver's own run, or time.
fn is_alive<M: ByteConnection>(machine: &M, walk: &Walk, waits_for_us: bool) -> bool {
    machine.rx_want() > 0
        || machine.wants_transmit()
        || machine.next_deadline() != Instant::NEVER
        || walk.direct > 0
        || waits_for_us
}

#[test]
fn a_server_survives_every_verb_in_every_state() {
    let mut pairs = BTreeSet::new();
    for seed in 1..1500 {
        let mut walk = Walk::new(seed);
        let mut server = Server::new(&walk.env());
        for _ in 0..200 {
            let op = walk.dice.roll(12);
            pairs.insert((server.phase_number(), op));
            let direct = walk.direct;
            walk.step(&mut server, op, &REQUESTS);
            if server.exchange().is_none() {
                walk.direct = 0;
            }
            let busy = server.exchange().is_some();
            let done = matches!(server.status(), ConnectionStatus::Closed | ConnectionStatus::Upgraded);
            assert!(done || is_alive(&server, &walk, busy), "seed {seed}, after {op}, {direct}: {server:?}");
        }
        if !walk.wild {
            well_formed(&walk.output, walk.requests, seed);
        }
    }
    assert_eq!(pairs.len(), 8 * 12, "every state met every verb: {pairs:?}");
}

#[test]
fn a_client_survives_every_verb_in_every_state() {
    let mut pairs = BTreeSet::new();
    for seed in 1..1500 {
        let mut walk = Walk::new(seed);
        let mut client = Client::new(&walk.env());
        for _ in 0..200 {
            if walk.dice.roll(4) == 0 {
                walk.streams.extend(client.open());
            }
            let op = walk.dice.roll(12);
            pairs.insert((client.phase_number(), op));
            walk.step(&mut client, op, &RESPONSES);
            if client.exchange().is_none() {
                walk.direct = 0;
            }
            let busy = client.exchange().is_some();
            let done = matches!(client.status(), ConnectionStatus::Closed | ConnectionStatus::Upgraded);
            assert!(done || is_alive(&client, &walk, busy), "seed {seed}, after {op}: {client:?}");
        }
    }
    assert_eq!(pairs.len(), 5 * 12, "every state met every verb: {pairs:?}");
}

/// Reads `output` as a client that knows no methods would not: bodies of HEAD are told by what follows. At
/// most one final response for each request, and one for a refusal.
fn well_formed(output: &[u8], requests: usize, seed: u64) {
    let (mut at, mut finals) = (0, 0);
    let (mut bytes, mut fields) = ([0; 256], [Field::default(); 16]);
    while at < output.len() {
        let rest = &output[at..];
        let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
        let text = String::from_utf8_lossy(rest).into_owned();
        let parsed = parse_response(rest, &mut 0, Method::Get, &mut scratch, &LIMITS);
        let parsed = parsed.unwrap_or_else(|fault| panic!("seed {seed}: {fault:?} in {text:?}"));
        // Heads are written whole.
        let parsed = parsed.unwrap_or_else(|| panic!("seed {seed}: half a head in {text:?}"));
        at += usize::from(parsed.spans.arena_len);
        if parsed.spans.status.is_interim() {
            continue;
        }
        finals += 1;
        let answers_head = output[at..].starts_with(b"HTTP/1.1 ") || at == output.len();
        if parsed.spans.body == BodyFraming::UntilClose {
            break;
        }
        if !answers_head {
            at += body_len(parsed.spans.body, &output[at..], seed);
        }
    }
    assert!(finals <= requests + 1, "seed {seed}: {finals} responses to {requests} requests");
}

fn body_len(framing: BodyFraming, bytes: &[u8], seed: u64) -> usize {
    let mut reader = BodyReader::new(framing, u32::MAX);
    let (mut at, mut scanned) = (0, 0);
    while !reader.is_ended() {
        let step = reader.step(&bytes[at..], &mut scanned, &mut Scratch::default(), &LIMITS);
        let (consumed, found) = step.unwrap_or_else(|fault| panic!("seed {seed}: {fault:?} in our body"));
        at += consumed;
        if consumed == 0 && found == Found::Nothing {
            break;
        }
    }
    at
}
