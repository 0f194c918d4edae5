//! Drives an HTTP/1 role over bytes that come in given pieces, and writes down what it read: what corpora, fuzz
//! targets and differential tests compare.
//!
//! ```
//! use rws_core::Limits;
//! use rws_core::testing::wire::{self, AtEnd, Ending};
//!
//! let bytes = b"POST /a HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\nhi";
//! let read = |pieces: &[&[u8]]| wire::requests(&Limits::SERVER, pieces);
//! let whole = read(&[bytes]);
//! assert_eq!((&whole.messages[0].body[..], &whole.ending), (&b"hi"[..], &Ending::Open(AtEnd::Fine)));
//! for at in 0..bytes.len() {
//!     assert!(wire::reads_alike(read, &[&bytes[..at], &bytes[at..]], &whole));
//! }
//! ```

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::connection::{
    BodyPlan, ByteConnection, ConnectionStatus, Event, Fill, HeadAnswer, RequestOut, Sent, Source, Step,
    StreamId,
};
use crate::h1::{Client, Server};
use crate::message::{OwnedFields, PathAt};
use crate::{Env, Field, FieldBlock, Instant, Limits, Method, PeerFault, ResponseHead, Scratch, Status};

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The method, or the status code.
    pub start: String,
    /// The request target as sent.
    pub target: Vec<u8>,
    /// The canonical path, if the target has one.
    pub path: Option<String>,
    /// The authority in force.
    pub authority: Vec<u8>,
    /// The field lines: names in lower case, and values.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The content.
    pub body: Vec<u8>,
    /// The trailer section, as `fields`.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Its last byte was read.
    pub complete: bool,
}

/// Where a reading stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// More bytes are welcome; what the end of input does here.
    Open(AtEnd),
    /// The peer broke the protocol.
    Refused(PeerFault),
    /// The connection is over, with no fault: what still comes is dropped.
    Closing,
    /// It speaks another protocol: the bytes that belong to that.
    Upgraded(Vec<u8>),
}

/// What the end of input means after all bytes were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// It comes between messages, or ends one.
    Fine,
    /// It cuts a message short.
    Truncated,
}

/// All that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The messages, in order; the last one may be incomplete.
    pub messages: Vec<Message>,
    /// How it ended.
    pub ending: Ending,
}

/// What a server reads: each request is answered when it is complete, an upgrade with 101, CONNECT with 200.
pub fn requests(limits: &Limits, pieces: &[&[u8]]) -> Reading {
    let mut reader = Reader::new(limits, Server::new(&env(limits)), Answers::default());
    for piece in pieces {
        reader.feed(piece, |_| {});
    }
    reader.finish(|_| true)
}

/// What a client reads that asked with `method`, and for an upgrade if `upgrade` says so; it asks the same again
/// after each complete response.
pub fn responses(limits: &Limits, pieces: &[&[u8]], method: Method, upgrade: bool) -> Reading {
    let mut client = Client::new(&env(limits));
    let _ = client.open();
    let mut reader = Reader::new(limits, client, Answers::asking(method, upgrade));
    for piece in pieces {
        // An error only says that it is not time to ask.
        reader.feed(piece, |client| _ = client.open());
    }
    // A request that nothing answers yet is no message that was cut short.
    reader.finish(Client::response_started)
}

/// Whether `pieces` are read as `whole` was: the pieces that bytes come in change nothing. A head that is wrong
/// already may be refused early or at its end, so a reading that waits there is given one.
pub fn reads_alike(read: impl Fn(&[&[u8]]) -> Reading, pieces: &[&[u8]], whole: &Reading) -> bool {
    let reading = read(pieces);
    let waits = reading.ending == Ending::Open(AtEnd::Truncated);
    reading == *whole || (waits && read(&[pieces, &[b"\r\n\r\n"]].concat()) == *whole)
}

fn env(limits: &Limits) -> Env<'_> {
    Env { now: Instant::from_micros(0), limits, date: None }
}

struct Reader<'l, M> {
    limits: &'l Limits,
    machine: M,
    source: Answers,
    rx: Vec<u8>,
    tx: Vec<u8>,
    bytes: Vec<u8>,
    index: Vec<Field>,
    messages: Vec<Message>,
    fault: Option<PeerFault>,
}

impl<'l, M: ByteConnection> Reader<'l, M> {
    fn new(limits: &'l Limits, machine: M, source: Answers) -> Reader<'l, M> {
        let mut reader = Reader {
            limits,
            machine,
            source,
            rx: Vec::new(),
            tx: alloc::vec![0; 512 + usize::from(limits.response_head_bytes_max)],
            bytes: alloc::vec![0; usize::from(limits.target_bytes_max)],
            index: alloc::vec![Field::default(); usize::from(limits.fields_max)],
            messages: Vec::new(),
            fault: None,
        };
        reader.transmit();
        reader
    }

    fn feed(&mut self, piece: &[u8], mut between: impl FnMut(&mut M)) {
        self.rx.extend_from_slice(piece);
        let env = env(self.limits);
        loop {
            // Out of the reader while they are lent, so that it can take down what they say.
            let mut rx = core::mem::take(&mut self.rx);
            let (mut bytes, mut index) = (core::mem::take(&mut self.bytes), core::mem::take(&mut self.index));
            let mut scratch = Scratch { bytes: &mut bytes, fields: &mut index };
            let Step { consumed, event } = self.machine.receive(&env, &mut rx, &mut scratch);
            if let Some(event) = event {
                self.take(event, &rx, scratch);
            }
            rx.drain(..consumed);
            (self.rx, self.bytes, self.index) = (rx, bytes, index);
            between(&mut self.machine);
            let sent = self.transmit();
            if consumed == 0 && event.is_none() && !sent {
                return;
            }
        }
    }

    fn take(&mut self, event: Event, rx: &[u8], mut scratch: Scratch<'_>) {
        match event {
            Event::Request { stream, head, end } => {
                let view = head.view(rx, scratch.reborrow());
                self.messages.push(Message {
                    start: String::from_utf8_lossy(view.method_bytes()).into_owned(),
                    target: view.target().to_vec(),
                    path: (head.target.path != PathAt::Nowhere).then(|| String::from(view.path())),
                    authority: view.authority().to_vec(),
                    fields: lines(view.fields()),
                    complete: end,
                    ..Message::default()
                });
                self.source = Answers {
                    ready: end,
                    tunnels: head.method == Method::Connect,
                    switches: head.upgrade,
                    ..Answers::default()
                };
                if head.expect_continue {
                    let _ = self.machine.grant(stream, 1);
                }
            }
            Event::Interim { head, .. } | Event::Response { head, .. } => {
                let complete = !matches!(event, Event::Response { end: false, .. });
                let view = head.view(rx, scratch);
                let start = view.status.code().to_string();
                self.messages.push(Message {
                    start,
                    fields: lines(view.fields),
                    complete,
                    ..Message::default()
                });
            }
            Event::Body { stream, chunk } => {
                if let Some(message) = self.messages.last_mut() {
                    message.body.extend_from_slice(chunk.bytes(rx));
                }
                let _ = self.machine.grant(stream, chunk.len);
            }
            Event::End { stream, trailers } => {
                if let Some(message) = self.messages.last_mut() {
                    message.trailers =
                        trailers.map(|spans| lines(spans.view(rx, &scratch))).unwrap_or_default();
                    message.complete = true;
                }
                self.source.ready = true;
                self.machine.wake(stream);
            }
            Event::Refused { fault, .. } => self.fault = Some(fault),
            Event::Reset { .. } | Event::Stalled { .. } | Event::Closed => {}
        }
    }

    fn transmit(&mut self) -> bool {
        let env = env(self.limits);
        let mut moved = false;
        while let Sent::Bytes(n) =
            self.machine.transmit(&env, &mut self.tx, &mut Scratch::default(), &mut self.source)
        {
            self.machine.flushed(&env, n);
            moved = true;
        }
        moved
    }

    fn finish(mut self, is_begun: impl Fn(&M) -> bool) -> Reading {
        let ending = match (self.fault, self.machine.status()) {
            (Some(fault), _) => Ending::Refused(fault),
            (None, ConnectionStatus::Upgraded) => Ending::Upgraded(core::mem::take(&mut self.rx)),
            (None, ConnectionStatus::CloseAfterFlush | ConnectionStatus::Closed) => Ending::Closing,
            (None, ConnectionStatus::Open | ConnectionStatus::Draining) => {
                match self.machine.receive_end(&env(self.limits)) {
                    Some(Event::Refused { .. } | Event::Reset { .. }) if is_begun(&self.machine) => {
                        Ending::Open(AtEnd::Truncated)
                    }
                    _ => Ending::Open(AtEnd::Fine),
                }
            }
        };
        Reading { messages: self.messages, ending }
    }
}

fn lines(block: FieldBlock<'_>) -> Vec<(String, Vec<u8>)> {
    block
        .iter()
        .map(|(name, value)| (String::from_utf8_lossy(name.as_bytes()).to_ascii_lowercase(), value.to_vec()))
        .collect()
}

/// The source of either role: the shortest answer that fits, or the request.
#[derive(Default)]
struct Answers {
    ready: bool,
    tunnels: bool,
    switches: bool,
    method: &'static str,
    fields: OwnedFields,
}

impl Answers {
    fn asking(method: Method, upgrade: bool) -> Answers {
        let mut fields = OwnedFields::new();
        if upgrade {
            let _ = fields.push("Upgrade", b"x");
        }
        Answers { method: method.as_str(), fields, ..Answers::default() }
    }
}

impl Source for Answers {
    fn head(&mut self, _: StreamId) -> HeadAnswer<'_> {
        if !self.ready {
            return HeadAnswer::NotYet;
        }
        let switches = self.switches && !self.tunnels;
        let status = if switches { Status::SWITCHING_PROTOCOLS } else { Status::OK };
        HeadAnswer::Final(ResponseHead::bare(status), BodyPlan::None)
    }

    fn request(&mut self, _: StreamId) -> Option<RequestOut<'_>> {
        Some(RequestOut {
            method: self.method.as_bytes(),
            target: if self.method == "CONNECT" { b"a.example:443" } else { b"/" },
            authority: b"a.example",
            fields: self.fields.block(),
            body: BodyPlan::None,
            expect_continue: false,
            close: false,
        })
    }

    fn fill(&mut self, _: StreamId, _: &mut [u8]) -> Fill {
        Fill::End(0)
    }
}
