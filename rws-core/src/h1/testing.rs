//! A driver for tests: feeds a machine in pieces, answers from a script, and writes down what happened.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::connection::{
    BodyPlan, ByteConnection, ConnectionStatus, Event, Fill, HeadAnswer, RequestOut, Sent, Source, Step,
    StreamId,
};
use crate::message::{Field, FieldBlock, FieldBlockMut, ResponseHead, Scratch};
use crate::{Env, Instant, Limits, Status};

pub(super) const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";

/// Fields that own their memory.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnFields {
    arena: Vec<u8>,
    index: Vec<Field>,
}

impl OwnFields {
    pub(super) fn new(fields: &[(&str, &str)]) -> OwnFields {
        let mut arena = alloc::vec![0; 4096];
        let mut index = alloc::vec![Field::default(); 64];
        let mut block = FieldBlockMut::new(Scratch { bytes: &mut arena, fields: &mut index });
        for (name, value) in fields {
            block.push(*name, value.as_bytes()).unwrap();
        }
        let len = block.block().len();
        index.truncate(len);
        OwnFields { arena, index }
    }

    /// Fields as nobody may write them, built by hand.
    pub(super) fn raw(arena: &[u8], index: Vec<Field>) -> OwnFields {
        OwnFields { arena: arena.to_vec(), index }
    }

    pub(super) fn block(&self) -> FieldBlock<'_> {
        FieldBlock::new(&self.arena, &self.index)
    }
}

/// One thing a scripted body does.
#[derive(Clone, Debug)]
pub(super) enum Give {
    Bytes(Vec<u8>),
    /// Bytes that the driver sends by itself.
    Direct(Vec<u8>),
    Blocked,
    Abort,
}

/// One scripted message.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) interim: VecDeque<(Status, OwnFields)>,
    pub(super) said: OwnFields,
    pub(super) waits: usize,
    pub(super) status: Status,
    pub(super) request: (String, String, String),
    pub(super) fields: OwnFields,
    pub(super) plan: BodyPlan,
    pub(super) body: VecDeque<Give>,
    pub(super) trailers: OwnFields,
    pub(super) expect: bool,
    pub(super) close: bool,
}

impl Message {
    pub(super) fn new(status: u16) -> Message {
        Message {
            interim: VecDeque::new(),
            said: OwnFields::default(),
            waits: 0,
            status: Status::new(status).unwrap(),
            request: ("GET".into(), "/".into(), "a.example".into()),
            fields: OwnFields::default(),
            plan: BodyPlan::None,
            body: VecDeque::new(),
            trailers: OwnFields::default(),
            expect: false,
            close: false,
        }
    }

    pub(super) fn sized(status: u16, body: &str) -> Message {
        Message {
            plan: BodyPlan::Sized(body.len() as u64),
            body: [Give::Bytes(body.into())].into(),
            ..Message::new(status)
        }
    }

    pub(super) fn streamed(status: u16, pieces: &[&str]) -> Message {
        Message {
            plan: BodyPlan::Streamed,
            body: pieces.iter().map(|piece| Give::Bytes((*piece).into())).collect(),
            ..Message::new(status)
        }
    }

    pub(super) fn to(method: &str, target: &str) -> Message {
        Message { request: (method.into(), target.into(), "a.example".into()), ..Message::new(200) }
    }

    pub(super) fn with(self, fields: &[(&str, &str)]) -> Message {
        Message { fields: OwnFields::new(fields), ..self }
    }

    pub(super) fn plan(self, plan: BodyPlan) -> Message {
        Message { plan, ..self }
    }

    pub(super) fn gives(self, body: impl IntoIterator<Item = Give>) -> Message {
        Message { body: body.into_iter().collect(), ..self }
    }
}

/// A source that plays messages in order, one for each exchange.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    pub(super) messages: VecDeque<Message>,
    pub(super) heads_asked: usize,
    /// A request body is still coming: the answer waits for it.
    pub(super) holds: bool,
    current: Option<StreamId>,
}

impl Script {
    pub(super) fn new(messages: impl IntoIterator<Item = Message>) -> Script {
        Script { messages: messages.into_iter().collect(), ..Script::default() }
    }

    fn turn(&mut self, stream: StreamId) -> &mut Message {
        if self.current.is_some_and(|current| current != stream) {
            self.messages.pop_front();
        }
        self.current = Some(stream);
        self.messages.front_mut().expect("a message was scripted for this exchange")
    }

    fn take_direct(&mut self, stream: StreamId) -> Vec<u8> {
        let message = self.turn(stream);
        match message.body.pop_front() {
            Some(Give::Direct(bytes)) => bytes,
            other => panic!("a direct run, not {other:?}"),
        }
    }
}

impl Source for Script {
    fn head(&mut self, stream: StreamId) -> HeadAnswer<'_> {
        self.heads_asked += 1;
        if self.holds {
            return HeadAnswer::NotYet;
        }
        let message = self.turn(stream);
        if message.waits > 0 {
            message.waits -= 1;
            return HeadAnswer::NotYet;
        }
        if let Some((status, fields)) = message.interim.pop_front() {
            message.said = fields;
            return HeadAnswer::Interim(ResponseHead { status, fields: message.said.block() });
        }
        let head = ResponseHead { status: message.status, fields: message.fields.block() };
        HeadAnswer::Final(head, message.plan)
    }

    fn request(&mut self, stream: StreamId) -> Option<RequestOut<'_>> {
        self.heads_asked += 1;
        let message = self.turn(stream);
        if message.waits > 0 {
            message.waits -= 1;
            return None;
        }
        Some(RequestOut {
            method: message.request.0.as_bytes(),
            target: message.request.1.as_bytes(),
            authority: message.request.2.as_bytes(),
            fields: message.fields.block(),
            body: message.plan,
            expect_continue: message.expect,
            close: message.close,
        })
    }

    fn fill(&mut self, stream: StreamId, out: &mut [u8]) -> Fill {
        assert!(!out.is_empty(), "a source is never lent an empty slice");
        let message = self.turn(stream);
        match message.body.front_mut() {
            None => Fill::End(0),
            Some(Give::Direct(_)) => panic!("direct bytes are not pulled"),
            Some(Give::Blocked) => {
                message.body.pop_front();
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

    fn direct(&mut self, stream: StreamId) -> u64 {
        match self.turn(stream).body.front() {
            Some(Give::Direct(bytes)) => bytes.len() as u64,
            _ => 0,
        }
    }

    fn trailers(&mut self, stream: StreamId) -> FieldBlock<'_> {
        self.turn(stream).trailers.block()
    }
}

/// How a test drives a machine.
pub(super) struct Drive<'l> {
    pub(super) limits: &'l Limits,
    pub(super) now_us: u64,
    pub(super) tx_bytes: usize,
    /// Grants as much as arrives, and once when a request comes that waits for it.
    pub(super) grants: bool,
    /// Wakes a stream as soon as it is parked.
    pub(super) wakes: bool,
    /// Answers a request only when its body has come, so that the pieces it comes in change nothing.
    pub(super) body_first: bool,
    rx: Vec<u8>,
    pub(super) log: Vec<String>,
    pub(super) output: Vec<u8>,
    pub(super) told_to_close: bool,
}

impl<'l> Drive<'l> {
    pub(super) fn new(limits: &'l Limits) -> Drive<'l> {
        Drive {
            limits,
            now_us: 0,
            tx_bytes: 64 * 1024,
            grants: true,
            wakes: true,
            body_first: true,
            rx: Vec::new(),
            log: Vec::new(),
            output: Vec::new(),
            told_to_close: false,
        }
    }

    pub(super) fn env(&self) -> Env<'l> {
        Env { now: Instant::from_micros(self.now_us), limits: self.limits, date: Some(DATE) }
    }

    /// Offers `bytes`, and goes on until nothing moves any more.
    pub(super) fn feed<M: ByteConnection>(&mut self, machine: &mut M, script: &mut Script, bytes: &[u8]) {
        self.rx.extend_from_slice(bytes);
        for _ in 0..100_000 {
            let received = self.receive(machine, script);
            let sent = self.transmit(machine, script);
            if !received && !sent {
                return;
            }
        }
        panic!("the machine does not come to rest: {:?}", self.log);
    }

    /// The peer's end of input.
    pub(super) fn end<M: ByteConnection>(&mut self, machine: &mut M, script: &mut Script) {
        let env = self.env();
        if let Some(event) = machine.receive_end(&env) {
            self.write_down(event, &[], &[]);
        }
        self.feed(machine, script, b"");
    }

    /// Moves the clock to the next deadline and lets it strike.
    pub(super) fn strike<M: ByteConnection>(&mut self, machine: &mut M, script: &mut Script) {
        let at = machine.next_deadline();
        assert_ne!(at, Instant::NEVER, "nothing is armed");
        self.now_us = self.now_us.max(at.as_micros());
        let env = self.env();
        if let Some(event) = machine.on_deadline(&env) {
            self.write_down(event, &[], &[]);
        }
        self.feed(machine, script, b"");
    }

    fn receive<M: ByteConnection>(&mut self, machine: &mut M, script: &mut Script) -> bool {
        let mut moved = false;
        loop {
            let env = self.env();
            let mut bytes = [0; 16 * 1024];
            let mut fields = [Field::default(); 128];
            let mut rx = core::mem::take(&mut self.rx);
            let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
            let Step { consumed, event } = machine.receive(&env, &mut rx, &mut scratch);
            assert!(consumed <= rx.len());
            if let Some(event) = event {
                self.write_down_with(event, &rx, scratch);
                self.grant(machine, event);
                match event {
                    Event::Request { end, .. } => script.holds = self.body_first && !end,
                    Event::End { stream, .. } => {
                        script.holds = false;
                        machine.wake(stream);
                    }
                    _ => {}
                }
            }
            self.rx = rx.split_off(consumed);
            if consumed == 0 && event.is_none() {
                return moved;
            }
            moved = true;
        }
    }

    fn grant<M: ByteConnection>(&self, machine: &mut M, event: Event) {
        if !self.grants {
            return;
        }
        match event {
            Event::Request { stream, head, .. } if head.expect_continue => {
                machine.grant(stream, 1).unwrap();
            }
            Event::Body { stream, chunk } => machine.grant(stream, chunk.len).unwrap(),
            _ => {}
        }
    }

    fn transmit<M: ByteConnection>(&mut self, machine: &mut M, script: &mut Script) -> bool {
        let mut moved = false;
        loop {
            let env = self.env();
            let mut tx = alloc::vec![b'~'; self.tx_bytes];
            let mut scratch = Scratch::default();
            match machine.transmit(&env, &mut tx, &mut scratch, script) {
                Sent::Bytes(n) => {
                    self.output.extend_from_slice(&tx[..n]);
                    machine.flushed(&env, n);
                    moved = true;
                }
                Sent::Direct { bytes, stream, len } => {
                    self.output.extend_from_slice(&tx[..bytes]);
                    machine.flushed(&env, bytes);
                    let run = script.take_direct(stream);
                    assert!(len <= run.len() as u64);
                    let (now, later) = run.split_at(len as usize);
                    self.output.extend_from_slice(now);
                    assert!(later.is_empty());
                    let half = len / 2;
                    if half > 0 {
                        machine.sent(stream, half).unwrap();
                        assert!(!machine.wants_transmit());
                    }
                    machine.sent(stream, len - half).unwrap();
                    moved = true;
                }
                Sent::NeedRoom(n) => panic!("{n} bytes of room wanted, {} lent", self.tx_bytes),
                Sent::Close => {
                    self.told_to_close = true;
                    let status = machine.status();
                    assert!(matches!(status, ConnectionStatus::CloseAfterFlush | ConnectionStatus::Closed));
                    return moved;
                }
                Sent::Nothing => {
                    let parked =
                        script.current.filter(|_| self.wakes && !script.holds && !machine.wants_transmit());
                    if let Some(stream) = parked {
                        machine.wake(stream);
                    }
                    if parked.is_none() || !machine.wants_transmit() {
                        return moved;
                    }
                }
            }
        }
    }

    fn write_down(&mut self, event: Event, rx: &[u8], fields: &[Field]) {
        let mut fields = fields.to_vec();
        self.write_down_with(event, rx, Scratch { bytes: &mut [], fields: &mut fields });
    }

    fn write_down_with(&mut self, event: Event, rx: &[u8], scratch: Scratch<'_>) {
        let line = match event {
            Event::Request { head, end, .. } => {
                let head = head.view(rx, scratch);
                let method = String::from_utf8_lossy(head.method_bytes()).into_owned();
                format!("{method} {} end={end} {}", head.path(), show(head.fields()))
            }
            Event::Interim { head, .. } => {
                let head = head.view(rx, scratch);
                format!("interim {} {}", head.status, show(head.fields))
            }
            Event::Response { head, end, .. } => {
                let head = head.view(rx, scratch);
                format!("response {} end={end} {}", head.status, show(head.fields))
            }
            Event::Body { chunk, .. } => {
                let bytes = String::from_utf8_lossy(chunk.bytes(rx)).into_owned();
                assert!(!bytes.is_empty(), "no empty chunks");
                if let Some(last) = self.log.last_mut().filter(|last| last.starts_with("body ")) {
                    last.push_str(&bytes);
                    return;
                }
                format!("body {bytes}")
            }
            Event::End { trailers, .. } => match trailers {
                Some(spans) => format!("end {}", show(spans.view(rx, &scratch))),
                None => "end".to_string(),
            },
            Event::Reset { cause, .. } => format!("reset {cause:?}"),
            Event::Stalled { .. } => "stalled".to_string(),
            Event::Refused { stream, status, fault } => {
                format!("refused {status} {fault:?} in exchange={}", stream.is_some())
            }
            Event::Closed => "closed".to_string(),
        };
        self.log.push(line);
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}

fn show(block: FieldBlock<'_>) -> String {
    let mut text = String::new();
    for (name, value) in block.iter() {
        let name = String::from_utf8_lossy(name.as_bytes());
        let value = String::from_utf8_lossy(value);
        text.push_str(&format!("[{name}: {value}]"));
    }
    text
}
