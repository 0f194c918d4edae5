//! Any verb in any state, in both roles, with bytes, sizes and times of any kind: the laws of a connection hold.

use arbitrary::{Arbitrary, Unstructured};
use rws_core::connection::{
    BodyPlan, ByteConnection, ConnectionStatus, Event, Fill, HeadAnswer, RequestOut, Sent, Source, StreamId,
};
use rws_core::h1::{Client, Server};
use rws_core::{Env, Field, FieldBlock, Instant, Limits, ResponseHead, Scratch, Status};

const LIMITS: Limits = Limits {
    response_head_bytes_max: 256,
    body_window_bytes: 8,
    linger_bytes_max: 40,
    requests_per_connection_max: 9,
    interim_max: 2,
    connect_method: true,
    ..Limits::SERVER
};

/// The input is a list of verbs with their arguments.
pub fn check(data: &[u8]) {
    let env = Env { now: Instant::from_micros(0), limits: &LIMITS, date: None };
    run(Server::new(&env), data, Server::exchange, |_| {});
    run(Client::new(&env), data, Client::exchange, |client| _ = client.open());
}

#[derive(Debug, Arbitrary)]
enum Verb {
    Open,
    Arrive(Text),
    Bytes(Vec<u8>),
    Receive { shown: u8 },
    Transmit { room: u16 },
    Grant { stale: bool, bytes: u32 },
    Wake { stale: bool },
    Sent { stale: bool, bytes: u16 },
    Flushed(u16),
    Tick(u32),
    ToDeadline,
    End,
    Shutdown,
    Reset { stale: bool },
}

/// Messages and parts of messages that lead on.
#[derive(Debug, Arbitrary)]
enum Text {
    Get,
    Head,
    Post,
    Expect,
    Chunked,
    Connect,
    Upgrade,
    Old,
    Chunk,
    LastChunk,
    Ok,
    Continue,
    Streamed,
    NoContent,
    UntilClose,
    Switching,
    Refusal,
}

impl Text {
    const fn bytes(&self) -> &'static str {
        match self {
            Text::Get => "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            Text::Head => "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
            Text::Post => "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n01234567890123456789",
            Text::Expect => "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
            Text::Chunked => "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            Text::Connect => "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
            Text::Upgrade => "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            Text::Old => "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            Text::Chunk => "c\r\n0123456789ab\r\n",
            Text::LastChunk => "0\r\nA: b\r\n\r\n",
            Text::Ok => "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            Text::Continue => "HTTP/1.1 100 Continue\r\n\r\n",
            Text::Streamed => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            Text::NoContent => "HTTP/1.1 204 No Content\r\n\r\n",
            Text::UntilClose => "HTTP/1.0 200 OK\r\n\r\nabc",
            Text::Switching => {
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
            }
            Text::Refusal => "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n",
        }
    }
}

struct Run<M> {
    machine: M,
    exchange: fn(&M) -> Option<StreamId>,
    now_us: u64,
    rx: Vec<u8>,
    /// Bytes of the driver's own run that are left, and whose they are.
    direct: Option<(StreamId, u64)>,
    /// The exchange before this one.
    stale: StreamId,
    current: Option<StreamId>,
    body: u64,
}

fn run<M>(machine: M, data: &[u8], exchange: fn(&M) -> Option<StreamId>, open: fn(&mut M))
where
    M: ByteConnection + core::fmt::Debug,
{
    let mut input = Unstructured::new(data);
    let mut run = Run {
        machine,
        exchange,
        now_us: 0,
        rx: Vec::new(),
        direct: None,
        stale: StreamId::new(0, u32::MAX),
        current: None,
        body: 0,
    };
    for _ in 0..500 {
        if input.is_empty() {
            return;
        }
        let Ok(verb) = Verb::arbitrary(&mut input) else { return };
        let before = run.machine.status();
        if matches!(verb, Verb::Open) {
            open(&mut run.machine);
        } else {
            run.step(&verb, &mut input);
        }
        run.assert_laws(before, &verb);
    }
}

impl<M: ByteConnection + core::fmt::Debug> Run<M> {
    fn env(&self) -> Env<'static> {
        Env { now: Instant::from_micros(self.now_us), limits: &LIMITS, date: None }
    }

    fn step(&mut self, verb: &Verb, input: &mut Unstructured<'_>) {
        let env = self.env();
        let stream = |stale: bool| if stale { self.stale } else { self.current.unwrap_or(self.stale) };
        match *verb {
            Verb::Open => {}
            Verb::Arrive(ref text) => self.arrive(text.bytes().as_bytes()),
            Verb::Bytes(ref bytes) => self.arrive(bytes),
            Verb::Receive { shown } => self.receive(usize::from(shown)),
            Verb::Transmit { room } => self.transmit(usize::from(room), input),
            Verb::Grant { stale, bytes } => {
                let stream = stream(stale);
                let granted = self.machine.grant(stream, bytes);
                assert_eq!(granted.is_ok(), self.current == Some(stream));
            }
            Verb::Wake { stale } => self.machine.wake(stream(stale)),
            Verb::Sent { stale, bytes } => self.sent(stream(stale), u64::from(bytes)),
            Verb::Flushed(bytes) => self.machine.flushed(&env, usize::from(bytes)),
            Verb::Tick(us) => {
                self.now_us += u64::from(us);
                _ = self.machine.on_deadline(&self.env());
            }
            Verb::ToDeadline => {
                let next = self.machine.next_deadline();
                if next != Instant::NEVER {
                    self.now_us = self.now_us.max(next.as_micros());
                    _ = self.machine.on_deadline(&self.env());
                    assert!(
                        self.machine.next_deadline() > self.env().now,
                        "it strikes once: {:?}",
                        self.machine
                    );
                }
            }
            Verb::End => {
                self.receive(usize::MAX);
                _ = self.machine.receive_end(&env);
            }
            Verb::Shutdown => self.machine.shutdown(&env),
            Verb::Reset { stale } => self.machine.reset(stream(stale)),
        }
    }

    fn arrive(&mut self, bytes: &[u8]) {
        if self.rx.len() < 2000 {
            self.rx.extend_from_slice(bytes);
        }
    }

    fn receive(&mut self, shown: usize) {
        let env = self.env();
        let (mut bytes, mut fields) = ([0; 256], [Field::default(); 16]);
        // Each step consumes something, or says something: at most two for each byte.
        for _ in 0..2 * self.rx.len() + 3 {
            let shown = shown.min(self.rx.len());
            let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
            let step = self.machine.receive(&env, &mut self.rx[..shown], &mut scratch);
            assert!(step.consumed <= shown);
            match step.event {
                Some(Event::Request { head, .. }) => assert!(usize::from(head.arena_len) <= shown),
                Some(Event::Body { stream, chunk }) => {
                    assert!(chunk.len > 0 && (chunk.at + chunk.len) as usize <= step.consumed);
                    assert_eq!((self.exchange)(&self.machine), Some(stream));
                }
                Some(Event::Refused { status, .. }) => assert!(status.code() >= 400),
                _ => {}
            }
            self.rx.drain(..step.consumed);
            if step.consumed == 0 && step.event.is_none() {
                return;
            }
        }
        panic!("it does not come to rest: {:?}", self.machine);
    }

    fn transmit(&mut self, room: usize, input: &mut Unstructured<'_>) {
        let env = self.env();
        let mut tx = vec![0; room.min(1000)];
        let (wanted, before) = (self.machine.wants_transmit(), (self.exchange)(&self.machine));
        let mut whim = Whim { input, left: &mut self.body };
        match self.machine.transmit(&env, &mut tx, &mut Scratch::default(), &mut whim) {
            Sent::Bytes(n) => assert!(wanted && n > 0 && n <= tx.len()),
            Sent::Direct { bytes, stream, len } => {
                assert!(wanted && len > 0 && bytes <= tx.len() && before == Some(stream));
                assert!(self.direct.is_none_or(|(owner, _)| owner != stream), "one run at a time");
                self.direct = Some((stream, len));
            }
            Sent::NeedRoom(n) => assert!(wanted && n > tx.len(), "{n} asked for, {} lent", tx.len()),
            Sent::Nothing => assert!(!self.machine.wants_transmit(), "{:?}", self.machine),
            Sent::Close => {
                let status = self.machine.status();
                assert!(matches!(status, ConnectionStatus::Closed | ConnectionStatus::CloseAfterFlush));
                assert!(!self.machine.wants_transmit());
            }
        }
    }

    fn sent(&mut self, stream: StreamId, bytes: u64) {
        let run = self.direct.filter(|(owner, _)| *owner == stream && self.current == Some(stream));
        let fits = run.is_some_and(|(_, left)| bytes <= left);
        if fits {
            assert_eq!(self.machine.sent(stream, bytes), Ok(()));
            self.direct = run.map(|(owner, left)| (owner, left - bytes)).filter(|(_, left)| *left > 0);
        } else if self.current != Some(stream) {
            assert!(self.machine.sent(stream, bytes).is_err(), "no such exchange");
        }
    }

    fn assert_laws(&mut self, before: ConnectionStatus, verb: &Verb) {
        let status = self.machine.status();
        let now = (self.exchange)(&self.machine);
        if now != self.current {
            if let Some(over) = self.current {
                self.stale = over;
            }
            self.current = now;
        }
        if before == ConnectionStatus::Closed {
            assert_eq!(status, ConnectionStatus::Closed, "what is over stays over, after {verb:?}");
        }
        if before == ConnectionStatus::Draining {
            assert_ne!(status, ConnectionStatus::Open, "a drain is not taken back");
        }
        if status == ConnectionStatus::Closed {
            assert_eq!(
                (now, self.machine.rx_want(), self.machine.next_deadline()),
                (None, 0, Instant::NEVER)
            );
        }
        // Something can always move it on: bytes, the driver, the source, or time.
        let alive = self.machine.rx_want() > 0
            || self.machine.wants_transmit()
            || self.machine.next_deadline() != Instant::NEVER
            || now.is_some();
        let over = matches!(status, ConnectionStatus::Closed | ConnectionStatus::Upgraded);
        assert!(alive || over, "after {verb:?}: {:?}", self.machine);
    }
}

/// A source without a plan, and not always an honest one.
struct Whim<'w, 'd> {
    input: &'w mut Unstructured<'d>,
    left: &'w mut u64,
}

impl Whim<'_, '_> {
    fn roll(&mut self, sides: u8) -> u8 {
        self.input.arbitrary::<u8>().unwrap_or(0) % sides
    }

    fn plan(&mut self) -> BodyPlan {
        *self.left = u64::from(self.roll(40));
        match self.roll(3) {
            0 => BodyPlan::None,
            1 => BodyPlan::Sized(*self.left),
            _ => BodyPlan::Streamed,
        }
    }
}

impl Source for Whim<'_, '_> {
    fn head(&mut self, _: StreamId) -> HeadAnswer<'_> {
        match self.roll(8) {
            0 | 1 => HeadAnswer::NotYet,
            2 => HeadAnswer::Interim(ResponseHead::bare(Status::EARLY_HINTS)),
            _ => {
                let codes = [200, 200, 201, 204, 205, 304, 404, 413, 101, 100];
                let code = codes[usize::from(self.roll(10))];
                let status = Status::new(code).expect("a status");
                HeadAnswer::Final(ResponseHead::bare(status), self.plan())
            }
        }
    }

    fn request(&mut self, _: StreamId) -> Option<RequestOut<'_>> {
        if self.roll(3) == 0 {
            return None;
        }
        let body = self.plan();
        let methods = ["GET", "HEAD", "POST", "CONNECT"];
        Some(RequestOut {
            method: methods[usize::from(self.roll(4))].as_bytes(),
            target: b"/",
            authority: b"a",
            fields: FieldBlock::EMPTY,
            body,
            expect_continue: self.roll(2) == 0,
            close: self.roll(8) == 0,
        })
    }

    fn fill(&mut self, _: StreamId, out: &mut [u8]) -> Fill {
        assert!(!out.is_empty());
        match self.roll(12) {
            0 => return Fill::Abort,
            1..=3 => return Fill::Blocked,
            4 => return Fill::More(out.len() + 1),
            5 => return Fill::End(0),
            _ => {}
        }
        let n = u64::from(self.roll(9)).min(*self.left).min(out.len() as u64);
        *self.left -= n;
        if *self.left == 0 { Fill::End(n as usize) } else { Fill::More(n as usize) }
    }

    fn direct(&mut self, _: StreamId) -> u64 {
        if *self.left == 0 || self.roll(4) > 0 {
            return 0;
        }
        1 + u64::from(self.roll(40))
    }
}
