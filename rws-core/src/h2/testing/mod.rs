//! A driver for tests: feeds a machine in pieces, answers from a script, and writes down what happened and what was
//! sent.

mod frames;

pub(in crate::h2) use self::frames::{Frames, GET, POST, block, read};

use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{Lent, Memory, StreamSlot};
use crate::connection::{
    BodyPlan, ByteConnection, ConnectionStatus, Event, Fill, HeadAnswer, RequestOut, Sent, Source, Step,
    StreamId,
};
use crate::message::{Field, FieldBlock, OwnedFields, ResponseHead, Scratch};
use crate::{Env, Instant, Limits, Status};

/// Memory that grows as it is asked to.
#[derive(Debug, Default)]
pub(in crate::h2) struct Grown {
    pub(in crate::h2) slots: Vec<StreamSlot>,
    pub(in crate::h2) decoder: Vec<u8>,
    pub(in crate::h2) encoder: Vec<u8>,
    /// No more slots than this, if it is not 0.
    pub(in crate::h2) most: usize,
}

impl Grown {
    pub(in crate::h2) fn new() -> Grown {
        Grown { decoder: alloc::vec![0; 4096], encoder: alloc::vec![0; 4096], ..Grown::default() }
    }
}

impl Memory for Grown {
    fn lend(&mut self) -> Lent<'_> {
        Lent { slots: &mut self.slots, decoder: &mut self.decoder, encoder: &mut self.encoder }
    }

    fn grow(&mut self, slots: u16) {
        let slots = usize::from(slots);
        if slots > self.slots.len() && (self.most == 0 || slots <= self.most) {
            self.slots.resize(slots, StreamSlot::FREE);
        }
    }

    fn release(&mut self) {
        self.slots = Vec::new();
    }
}

/// One thing a scripted body does.
#[derive(Clone, Debug)]
pub(in crate::h2) enum Give {
    Bytes(Vec<u8>),
    Blocked,
    Abort,
}

/// One scripted message.
#[derive(Clone, Debug)]
pub(in crate::h2) struct Message {
    pub(in crate::h2) status: Status,
    pub(in crate::h2) method: &'static str,
    pub(in crate::h2) target: String,
    pub(in crate::h2) fields: OwnedFields,
    pub(in crate::h2) interim: VecDeque<Status>,
    pub(in crate::h2) plan: BodyPlan,
    pub(in crate::h2) body: VecDeque<Give>,
    pub(in crate::h2) trailers: OwnedFields,
    /// How often it is not ready yet.
    pub(in crate::h2) waits: usize,
    /// Only once the request has come to its end.
    pub(in crate::h2) body_first: bool,
    /// A request that waits for `100 (Continue)` before its body.
    pub(in crate::h2) expects: bool,
}

impl Message {
    pub(in crate::h2) fn new(status: u16) -> Message {
        Message {
            status: Status::new(status).unwrap(),
            method: "GET",
            target: "/".into(),
            fields: OwnedFields::new(),
            interim: VecDeque::new(),
            plan: BodyPlan::None,
            body: VecDeque::new(),
            trailers: OwnedFields::new(),
            waits: 0,
            body_first: true,
            expects: false,
        }
    }

    pub(in crate::h2) fn sized(status: u16, body: &str) -> Message {
        Message {
            plan: BodyPlan::Sized(body.len() as u64),
            body: [Give::Bytes(body.into())].into(),
            ..Message::new(status)
        }
    }

    pub(in crate::h2) fn streamed(status: u16, pieces: &[&str]) -> Message {
        Message {
            plan: BodyPlan::Streamed,
            body: pieces.iter().map(|piece| Give::Bytes((*piece).into())).collect(),
            ..Message::new(status)
        }
    }

    pub(in crate::h2) fn with(mut self, name: &str, value: &str) -> Message {
        self.fields.push(name, value.as_bytes()).unwrap();
        self
    }

    pub(in crate::h2) fn at_once(self) -> Message {
        Message { body_first: false, ..self }
    }
}

/// A source that answers the requests in the order in which they came.
#[derive(Debug, Default)]
pub(in crate::h2) struct Script {
    pub(in crate::h2) messages: VecDeque<Message>,
    pub(in crate::h2) current: BTreeMap<u32, Message>,
    /// Streams whose request is complete.
    pub(in crate::h2) complete: Vec<u32>,
    pub(in crate::h2) parked: Vec<StreamId>,
    pub(in crate::h2) ended: Vec<(u32, bool)>,
    pub(in crate::h2) most_lent: usize,
    /// Requests are those of pushes, which have no body.
    pub(in crate::h2) pushes: bool,
}

impl Script {
    pub(in crate::h2) fn new(messages: impl IntoIterator<Item = Message>) -> Script {
        Script { messages: messages.into_iter().collect(), ..Script::default() }
    }

    fn message(&mut self, stream: StreamId) -> &mut Message {
        let messages = &mut self.messages;
        self.current
            .entry(stream.generation())
            .or_insert_with(|| messages.pop_front().expect("a message was scripted for this exchange"))
    }
}

impl Source for Script {
    fn head(&mut self, stream: StreamId) -> HeadAnswer<'_> {
        let is_complete = self.complete.contains(&stream.generation());
        let message = self.message(stream);
        if message.waits > 0 || (message.body_first && !is_complete) {
            message.waits = message.waits.saturating_sub(1);
            self.parked.push(stream);
            return HeadAnswer::NotYet;
        }
        let message = self.message(stream);
        if let Some(status) = message.interim.pop_front() {
            return HeadAnswer::Interim(ResponseHead::bare(status));
        }
        HeadAnswer::Final(
            ResponseHead { status: message.status, fields: message.fields.block() },
            message.plan,
        )
    }

    fn request(&mut self, stream: StreamId) -> Option<RequestOut<'_>> {
        let pushes = self.pushes;
        let message = self.message(stream);
        if message.waits > 0 {
            message.waits -= 1;
            self.parked.push(stream);
            return None;
        }
        let message = self.message(stream);
        Some(RequestOut {
            method: message.method.as_bytes(),
            target: message.target.as_bytes(),
            authority: b"a",
            fields: message.fields.block(),
            body: if pushes { BodyPlan::None } else { message.plan },
            expect_continue: message.expects,
            close: false,
        })
    }

    fn fill(&mut self, stream: StreamId, out: &mut [u8]) -> Fill {
        assert!(!out.is_empty(), "a source is never lent an empty slice");
        self.most_lent = self.most_lent.max(out.len());
        let message = self.message(stream);
        match message.body.front_mut() {
            None => Fill::End(0),
            Some(Give::Blocked) => {
                message.body.pop_front();
                self.parked.push(stream);
                Fill::Blocked
            }
            Some(Give::Abort) => Fill::Abort,
            Some(Give::Bytes(bytes)) => {
                let n = bytes.len().min(out.len());
                out[..n].copy_from_slice(&bytes[..n]);
                bytes.drain(..n);
                if bytes.is_empty() {
                    message.body.pop_front();
                }
                if message.body.is_empty() { Fill::End(n) } else { Fill::More(n) }
            }
        }
    }

    fn trailers(&mut self, stream: StreamId) -> FieldBlock<'_> {
        self.message(stream).trailers.block()
    }

    fn ended(&mut self, stream: StreamId, complete: bool) {
        self.ended.push((stream.generation(), complete));
    }
}

/// How a test drives a machine.
pub(in crate::h2) struct Drive<'l> {
    pub(in crate::h2) limits: &'l Limits,
    pub(in crate::h2) now_us: u64,
    pub(in crate::h2) tx_bytes: usize,
    pub(in crate::h2) rx_bytes: usize,
    pub(in crate::h2) grants: bool,
    pub(in crate::h2) wakes: bool,
    pub(in crate::h2) rx: Vec<u8>,
    pub(in crate::h2) log: Vec<String>,
    pub(in crate::h2) output: Vec<u8>,
    pub(in crate::h2) told_to_close: bool,
    flushes: bool,
}

impl<'l> Drive<'l> {
    pub(in crate::h2) fn new(limits: &'l Limits) -> Drive<'l> {
        Drive {
            limits,
            now_us: 1_000_000,
            tx_bytes: 64 * 1024,
            rx_bytes: usize::MAX,
            grants: true,
            wakes: true,
            rx: Vec::new(),
            log: Vec::new(),
            output: Vec::new(),
            told_to_close: false,
            flushes: true,
        }
    }

    pub(in crate::h2) fn env(&self) -> Env<'l> {
        Env { now: Instant::from_micros(self.now_us), limits: self.limits, date: None }
    }

    /// What is written from now on is not taken by the transport.
    pub(in crate::h2) fn stop_flushing(&mut self) {
        self.flushes = false;
    }

    /// Offers `bytes`, and goes on until nothing moves any more.
    pub(in crate::h2) fn feed<M: ByteConnection>(
        &mut self,
        machine: &mut M,
        script: &mut Script,
        bytes: &[u8],
    ) {
        self.rx.extend_from_slice(bytes);
        for _ in 0..1_000_000 {
            let received = self.receive(machine, script);
            let sent = self.transmit(machine, script);
            let woken = self.wake(machine, script);
            if !received && !sent && !woken {
                return;
            }
        }
        panic!("the machine does not come to rest: {:?}", self.log);
    }

    pub(in crate::h2) fn end<M: ByteConnection>(&mut self, machine: &mut M, script: &mut Script) {
        let env = self.env();
        if let Some(event) = machine.receive_end(&env) {
            self.write_down(event, &[], &mut Scratch::default());
        }
        self.feed(machine, script, b"");
    }

    /// Moves the clock to the next deadline and lets it strike.
    pub(in crate::h2) fn strike<M: ByteConnection>(&mut self, machine: &mut M, script: &mut Script) {
        let at = machine.next_deadline();
        assert_ne!(at, Instant::NEVER, "nothing is armed");
        self.now_us = self.now_us.max(at.as_micros());
        for _ in 0..10_000 {
            let env = self.env();
            if machine.next_deadline() > env.now {
                break;
            }
            if let Some(event) = machine.on_deadline(&env) {
                self.write_down(event, &[], &mut Scratch::default());
            }
        }
        self.feed(machine, script, b"");
    }

    /// Lets the time go on for `us`, with all that strikes in it.
    pub(in crate::h2) fn pass<M: ByteConnection>(&mut self, machine: &mut M, script: &mut Script, us: u64) {
        let until = self.now_us + us;
        for _ in 0..10_000 {
            let next = machine.next_deadline().as_micros();
            if next > until {
                self.now_us = until;
                return;
            }
            self.strike(machine, script);
        }
        panic!("timers do not come to rest");
    }

    fn receive<M: ByteConnection>(&mut self, machine: &mut M, script: &mut Script) -> bool {
        let mut moved = false;
        loop {
            let env = self.env();
            let mut bytes = [0; 16 * 1024];
            let mut fields = [Field::default(); 128];
            let mut rx = core::mem::take(&mut self.rx);
            let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
            let lent = rx.len().min(self.rx_bytes);
            let Step { consumed, event } = machine.receive(&env, &mut rx[..lent], &mut scratch);
            assert!(consumed <= lent);
            if let Some(event) = event {
                self.write_down(event, &rx, &mut scratch);
                self.act(machine, script, event);
            }
            self.rx = rx.split_off(consumed);
            if consumed == 0 && event.is_none() {
                // To a driver that means: more bytes, or something sent, and not: once more.
                let lent = self.rx.len().min(self.rx_bytes);
                let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
                let again = machine.receive(&env, &mut self.rx[..lent], &mut scratch);
                assert!(again.consumed == 0 && again.event.is_none(), "no progress, and then {again:?}");
                return moved;
            }
            moved = true;
        }
    }

    fn act<M: ByteConnection>(&mut self, machine: &mut M, script: &mut Script, event: Event) {
        match event {
            Event::Request { stream, head, end } => {
                if end {
                    script.complete.push(stream.generation());
                }
                if self.grants && head.expect_continue {
                    machine.grant(stream, 1).unwrap();
                }
            }
            Event::Body { stream, chunk } if self.grants => machine.grant(stream, chunk.len).unwrap(),
            Event::End { stream, .. } => script.complete.push(stream.generation()),
            _ => {}
        }
    }

    fn wake<M: ByteConnection>(&mut self, machine: &mut M, script: &mut Script) -> bool {
        if !self.wakes {
            return false;
        }
        let parked = core::mem::take(&mut script.parked);
        let mut woken = false;
        for stream in parked {
            let waits_for_body = script
                .current
                .get(&stream.generation())
                .is_some_and(|message| message.body_first && !script.complete.contains(&stream.generation()));
            if waits_for_body {
                script.parked.push(stream);
            } else {
                machine.wake(stream);
                woken = true;
            }
        }
        woken
    }

    fn transmit<M: ByteConnection>(&mut self, machine: &mut M, script: &mut Script) -> bool {
        let mut moved = false;
        loop {
            let env = self.env();
            let mut tx = alloc::vec![b'~'; self.tx_bytes];
            match machine.transmit(&env, &mut tx, &mut Scratch::default(), script) {
                Sent::Bytes(n) => {
                    self.output.extend_from_slice(&tx[..n]);
                    if self.flushes {
                        machine.flushed(&env, n);
                    }
                    moved = true;
                }
                Sent::Direct { .. } => panic!("no direct runs"),
                Sent::NeedRoom(n) => panic!("{n} bytes of room wanted, {} lent", self.tx_bytes),
                Sent::Close => {
                    self.told_to_close = true;
                    let status = machine.status();
                    assert!(matches!(status, ConnectionStatus::CloseAfterFlush | ConnectionStatus::Closed));
                    return moved;
                }
                Sent::Nothing => {
                    assert!(!machine.wants_transmit(), "it said so, and then there was nothing");
                    return moved;
                }
            }
        }
    }

    fn write_down(&mut self, event: Event, rx: &[u8], scratch: &mut Scratch<'_>) {
        let line = match event {
            Event::Request { stream, head, end } => {
                let head = head.view(rx, scratch.reborrow());
                let method = String::from_utf8_lossy(head.method_bytes()).into_owned();
                let end = if end { " end" } else { "" };
                format!("{} {method} {}{end}{}", stream.generation(), head.path(), show(head.fields()))
            }
            Event::Interim { stream, head } => {
                let head = head.view(rx, scratch.reborrow());
                format!("{} interim {}", stream.generation(), head.status)
            }
            Event::Response { stream, head, end } => {
                let head = head.view(rx, scratch.reborrow());
                let end = if end { " end" } else { "" };
                format!("{} response {}{end}{}", stream.generation(), head.status, show(head.fields))
            }
            Event::Body { stream, chunk } => {
                let bytes = String::from_utf8_lossy(chunk.bytes(rx)).into_owned();
                assert!(!bytes.is_empty(), "no empty chunks");
                let start = format!("{} body ", stream.generation());
                if let Some(last) = self.log.last_mut().filter(|last| last.starts_with(&start)) {
                    last.push_str(&bytes);
                    return;
                }
                start + &bytes
            }
            Event::End { stream, trailers } => {
                let trailers = trailers.map(|spans| show(spans.view(rx, scratch))).unwrap_or_default();
                format!("{} end{trailers}", stream.generation())
            }
            Event::Reset { stream, cause } => format!("{} reset {cause:?}", stream.generation()),
            Event::Stalled { stream } => format!("{} stalled", stream.generation()),
            Event::Refused { stream, status, fault } => match stream {
                Some(stream) => format!("{} refused {status} {fault:?}", stream.generation()),
                None => format!("refused {status} {fault:?}"),
            },
            Event::Closed => "closed".to_string(),
        };
        self.log.push(line);
    }

    /// What was sent, frame by frame; the first SETTINGS and acknowledgements of SETTINGS left out.
    pub(in crate::h2) fn sent(&self) -> Vec<String> {
        let all = read(&self.output);
        all.into_iter().filter(|line| !line.starts_with("SETTINGS")).collect()
    }
}

fn show(block: FieldBlock<'_>) -> String {
    let mut text = String::new();
    for (name, value) in block.iter() {
        let name = String::from_utf8_lossy(name.as_bytes()).to_ascii_lowercase();
        text.push_str(&format!(" [{name}: {}]", String::from_utf8_lossy(value)));
    }
    text
}
