//! The same bytes, cut in several ways: what a driver is told and what is written back must be the same.
//!
//! The driver sends at places that are the same whatever the cuts (after some of the frames), or else what it has
//! answered would depend on them: between those it only receives.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use rws_core::connection::{
    BodyPlan, ByteConnection, Event, Fill, HeadAnswer, RequestOut, Sent, Source, StreamId,
};
use rws_core::h2::{Client, Server};
use rws_core::{Env, Field, FieldBlock, Instant, ResponseHead, Scratch, Status};

use super::frames::{Frame, beginning};
use super::output::assert_valid;
use super::{LIMITS, Slots};

const FRAMES_MAX: usize = 40;

/// The bytes up to each place at which the driver sends.
type Wire = Vec<Vec<u8>>;

pub(super) fn check(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let role: u8 = input.arbitrary().unwrap_or(0);
    let is_server = role.is_multiple_of(2);
    let mut parts = vec![beginning(is_server, &mut input)];
    for _ in 0..FRAMES_MAX {
        if input.is_empty() {
            break;
        }
        let Ok(frame) = Frame::arbitrary(&mut input) else { break };
        if input.ratio(1, 3).unwrap_or(false) {
            parts.push(Vec::new());
        }
        frame.write(parts.last_mut().expect("one at least"));
    }
    let whim = u32::from(role);
    let whole = play_role(is_server, &parts, usize::MAX, whim);
    for size in [1, 1 + usize::from(role) % 13] {
        let other = play_role(is_server, &parts, size, whim);
        assert_eq!(whole.log, other.log, "what was told, in pieces of {size}");
        assert_eq!(whole.written, other.written, "what was written, in pieces of {size}");
    }
    assert_valid(is_server, &whole.written, &parts.concat());
}

fn play_role(is_server: bool, parts: &Wire, size: usize, whim: u32) -> Told {
    let env = Env { now: Instant::from_micros(0), limits: &LIMITS, date: None };
    if is_server {
        return play(Server::new(&env, Slots::new()), |_, _| {}, parts, size, whim);
    }
    let open = |client: &mut Client<Slots>, env: &Env<'_>| {
        if client.live() < 3 {
            let _ = client.open(env);
        }
    };
    play(Client::new(&env, Slots::new(), false), open, parts, size, whim)
}

#[derive(Debug, Default)]
struct Told {
    log: Vec<String>,
    written: Vec<u8>,
}

fn play<M: ByteConnection + core::fmt::Debug>(
    mut machine: M,
    open: impl Fn(&mut M, &Env<'_>),
    parts: &Wire,
    size: usize,
    whim: u32,
) -> Told {
    let (mut told, mut rx, mut now_us) = (Told::default(), Vec::new(), 0);
    let mut source = Planned { whim, streams: BTreeMap::new(), parked: Vec::new() };
    for part in parts {
        let env = Env { now: Instant::from_micros(now_us), limits: &LIMITS, date: None };
        open(&mut machine, &env);
        send(&mut machine, &env, &mut source, &mut told);
        for piece in part.chunks(size.min(part.len()).max(1)) {
            rx.extend_from_slice(piece);
            receive(&mut machine, &env, &mut rx, &mut told);
        }
        // What had to wait for something to be sent has its turn.
        for _ in 0..1000 {
            let (before, len) = (rx.len(), told.written.len());
            send(&mut machine, &env, &mut source, &mut told);
            receive(&mut machine, &env, &mut rx, &mut told);
            if (rx.len(), told.written.len()) == (before, len) {
                break;
            }
        }
        for stream in core::mem::take(&mut source.parked) {
            machine.wake(stream);
            let _ = machine.grant(stream, 30);
        }
        now_us += 700_000;
        let env = Env { now: Instant::from_micros(now_us), limits: &LIMITS, date: None };
        while machine.next_deadline() <= env.now
            && let Some(event) = machine.on_deadline(&env)
        {
            told.log.push(format!("{event:?}"));
        }
    }
    let env = Env { now: Instant::from_micros(now_us), limits: &LIMITS, date: None };
    if let Some(event) = machine.receive_end(&env) {
        told.log.push(format!("{event:?}"));
    }
    send(&mut machine, &env, &mut source, &mut told);
    told
}

fn receive<M: ByteConnection + core::fmt::Debug>(
    machine: &mut M,
    env: &Env<'_>,
    rx: &mut Vec<u8>,
    told: &mut Told,
) {
    let (mut bytes, mut fields) = ([0; 1500], [Field::default(); 40]);
    for _ in 0..2 * rx.len() + 10 {
        let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
        let step = machine.receive(env, rx, &mut scratch);
        match step.event {
            None if step.consumed == 0 => return,
            // When it is said depends on whether the bytes are there already.
            None | Some(Event::Stalled { .. }) => {}
            Some(Event::Body { stream, chunk }) => {
                let start = format!("{stream:?} body ");
                let text = chunk.bytes(rx).escape_ascii().to_string();
                match told.log.last_mut() {
                    Some(last) if last.starts_with(&start) => last.push_str(&text),
                    Some(_) | None => told.log.push(start + &text),
                }
                if stream.slot().is_multiple_of(2) {
                    let _ = machine.grant(stream, chunk.len);
                }
            }
            Some(Event::Request { stream, head, end }) => {
                let head = head.view(rx, scratch);
                let fields: Vec<_> = head.fields().iter().map(|(_, value)| value.to_vec()).collect();
                told.log.push(format!("{stream:?} {:?} {:?} {end} {fields:?}", head.method(), head.path()));
            }
            Some(Event::End { stream, trailers }) => {
                let count = trailers.map(|trailers| trailers.view(rx, &scratch).iter().count());
                told.log.push(format!("{stream:?} end {count:?}"));
            }
            Some(event) => told.log.push(format!("{event:?}")),
        }
        rx.drain(..step.consumed);
        if step.consumed == 0 && matches!(step.event, Some(Event::Stalled { .. })) {
            return;
        }
    }
    panic!("it does not come to rest: {machine:?}");
}

fn send<M: ByteConnection + core::fmt::Debug>(
    machine: &mut M,
    env: &Env<'_>,
    source: &mut Planned,
    told: &mut Told,
) {
    for _ in 0..2000 {
        let mut tx = [0; 700];
        match machine.transmit(env, &mut tx, &mut Scratch::default(), source) {
            Sent::Bytes(n) => {
                told.written.extend_from_slice(&tx[..n]);
                machine.flushed(env, n);
            }
            Sent::NeedRoom(n) => panic!("{n} bytes of room"),
            Sent::Direct { .. } => panic!("no direct runs"),
            Sent::Nothing | Sent::Close => return,
        }
    }
    panic!("it sends without end: {machine:?}");
}

/// Messages that depend on nothing but their streams.
struct Planned {
    whim: u32,
    /// What is left of each body.
    streams: BTreeMap<u32, usize>,
    parked: Vec<StreamId>,
}

impl Planned {
    fn roll(&self, stream: StreamId, sides: u32) -> u32 {
        (stream.generation().wrapping_mul(2_654_435_761) >> 7).wrapping_add(self.whim) % sides
    }

    /// Whether this is the first time that anything is asked of the stream.
    fn is_new(&mut self, stream: StreamId) -> bool {
        let len = self.roll(stream, 7) as usize * 40;
        self.streams.insert(stream.generation(), len).is_none()
    }

    fn plan(&self, stream: StreamId) -> BodyPlan {
        match self.roll(stream, 3) {
            0 => BodyPlan::None,
            1 => BodyPlan::Sized(u64::from(self.roll(stream, 7)) * 40),
            _ => BodyPlan::Streamed,
        }
    }
}

impl Source for Planned {
    fn head(&mut self, stream: StreamId) -> HeadAnswer<'_> {
        if self.is_new(stream) && self.roll(stream, 2) == 0 {
            self.parked.push(stream);
            return HeadAnswer::NotYet;
        }
        HeadAnswer::Final(ResponseHead::bare(Status::OK), self.plan(stream))
    }

    fn request(&mut self, stream: StreamId) -> Option<RequestOut<'_>> {
        self.is_new(stream);
        Some(RequestOut {
            method: b"POST",
            target: b"/",
            authority: b"a",
            fields: FieldBlock::EMPTY,
            body: self.plan(stream),
            expect_continue: self.roll(stream, 5) == 0,
            close: false,
        })
    }

    fn fill(&mut self, stream: StreamId, out: &mut [u8]) -> Fill {
        let left = self.streams.entry(stream.generation()).or_default();
        let n = (*left).min(out.len());
        *left -= n;
        if *left == 0 { Fill::End(n) } else { Fill::More(n) }
    }
}
