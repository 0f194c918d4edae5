//! What a role of the engine reads from bytes that come in given pieces, written down so that two readings can
//! be compared.

use rws_core::connection::{
    BodyPlan, ByteConnection, Connection as _, ConnectionStatus, Event, Fill, HeadAnswer, RequestOut, Sent,
    Source, Step, StreamId,
};
use rws_core::h1::{Client, Server};
use rws_core::{Env, Field, FieldBlock, Instant, Limits, Method, PeerFault, ResponseHead, Scratch, Status};

/// CONNECT is on, so that the cases about it are judged by what they are about.
const LIMITS: Limits = Limits { connect_method: true, ..Limits::SERVER };

const ENV: Env<'static> = Env { now: Instant::from_micros(0), limits: &LIMITS, date: None };

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// The method, or the status code.
    pub(crate) start: String,
    /// The request target as sent.
    pub(crate) target: Vec<u8>,
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, Vec<u8>)>,
    /// Its last byte was read.
    pub(crate) complete: bool,
}

/// Where a reading stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// More bytes are welcome; what the end of input does here.
    Open(AtEnd),
    Refused(PeerFault),
    /// The connection is over, with no fault: what still comes is dropped.
    Closing,
    /// It speaks another protocol: the bytes that belong to that.
    Upgraded(Vec<u8>),
}

/// What the end of input means after all bytes were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtEnd {
    Fine,
    Truncated,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) messages: Vec<Message>,
    pub(crate) ending: Ending,
}

/// What a server reads: each request is answered when it is complete, an upgrade with 101, CONNECT with 200.
pub(crate) fn requests<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Reading {
    let mut reader = Reader::new(Server::new(&ENV), Answers::default());
    for piece in pieces {
        reader.feed(piece, |_| {});
    }
    reader.finish(|_| true)
}

/// What a client reads that asked with `method`, again after each complete response.
pub(crate) fn responses<'p>(
    pieces: impl IntoIterator<Item = &'p [u8]>,
    method: &'static str,
    upgrade: bool,
) -> Reading {
    let mut client = Client::new(&ENV);
    client.open().expect("a fresh connection");
    let mut reader = Reader::new(client, Answers { ready: true, method, upgrade });
    let again = |client: &mut Client| {
        if client.status() == ConnectionStatus::Open && client.exchange().is_none() {
            client.open().expect("the connection is idle");
        }
    };
    for piece in pieces {
        reader.feed(piece, again);
    }
    // A request that nothing answers yet is no message that was cut short.
    reader.finish(Client::response_started)
}

struct Reader<M> {
    machine: M,
    source: Answers,
    rx: Vec<u8>,
    messages: Vec<Message>,
    fault: Option<PeerFault>,
}

impl<M: ByteConnection> Reader<M> {
    fn new(machine: M, source: Answers) -> Reader<M> {
        let mut reader = Reader { machine, source, rx: Vec::new(), messages: Vec::new(), fault: None };
        reader.transmit();
        reader
    }

    fn feed(&mut self, piece: &[u8], mut between: impl FnMut(&mut M)) {
        self.rx.extend_from_slice(piece);
        loop {
            let (mut bytes, mut fields) = ([0; 16 * 1024], [Field::default(); 128]);
            let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
            let Step { consumed, event } = self.machine.receive(&ENV, &mut self.rx, &mut scratch);
            let rx = core::mem::take(&mut self.rx);
            if let Some(event) = event {
                self.take(event, &rx, scratch);
            }
            self.rx = rx[consumed..].to_vec();
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
                    fields: lines(view.fields()),
                    complete: end,
                    ..Message::default()
                });
                self.source.upgrade = head.upgrade || head.method == Method::Connect;
                self.source.method = if head.method == Method::Connect { "CONNECT" } else { "" };
                self.source.ready = end;
                if head.expect_continue {
                    self.machine.grant(stream, 1).expect("the exchange is under way");
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
                self.last().body.extend_from_slice(chunk.bytes(rx));
                self.machine.grant(stream, chunk.len).expect("the exchange is under way");
            }
            Event::End { stream, trailers } => {
                let trailers = trailers.map(|spans| lines(spans.view(rx, &scratch))).unwrap_or_default();
                let last = self.last();
                (last.complete, last.trailers) = (true, trailers);
                self.source.ready = true;
                self.machine.wake(stream);
            }
            Event::Refused { fault, .. } => self.fault = Some(fault),
            Event::Reset { .. } | Event::Stalled { .. } => panic!("{event:?}"),
            Event::Closed => {}
        }
    }

    fn last(&mut self) -> &mut Message {
        self.messages.last_mut().expect("a head came first")
    }

    fn transmit(&mut self) -> bool {
        let mut tx = vec![0; 32 * 1024];
        let mut moved = false;
        while let Sent::Bytes(n) =
            self.machine.transmit(&ENV, &mut tx, &mut Scratch::default(), &mut self.source)
        {
            self.machine.flushed(&ENV, n);
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
                match self.machine.receive_end(&ENV) {
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
    let line = |(name, value): (rws_core::FieldName<'_>, &[u8])| {
        (String::from_utf8_lossy(name.as_bytes()).to_ascii_lowercase(), value.to_vec())
    };
    block.iter().map(line).collect()
}

/// The source of either role: the shortest answer that fits, or the request.
#[derive(Default)]
struct Answers {
    ready: bool,
    method: &'static str,
    upgrade: bool,
}

impl Source for Answers {
    fn head(&mut self, _: StreamId) -> HeadAnswer<'_> {
        if !self.ready {
            return HeadAnswer::NotYet;
        }
        let status =
            if self.upgrade && self.method.is_empty() { Status::SWITCHING_PROTOCOLS } else { Status::OK };
        HeadAnswer::Final(ResponseHead::bare(status), BodyPlan::None)
    }

    fn request(&mut self, _: StreamId) -> Option<RequestOut<'_>> {
        const UPGRADE: &[u8] = b"x";
        let fields: &'static [Field] = if self.upgrade { &UPGRADE_FIELD } else { &[] };
        Some(RequestOut {
            method: self.method.as_bytes(),
            target: b"/",
            authority: b"a.example",
            fields: FieldBlock::new(UPGRADE, fields),
            body: BodyPlan::None,
            expect_continue: false,
            close: false,
        })
    }

    fn fill(&mut self, _: StreamId, _: &mut [u8]) -> Fill {
        Fill::End(0)
    }
}

static UPGRADE_FIELD: [Field; 1] =
    [Field::known(rws_core::KnownName::Upgrade, rws_core::Span { at: 0, len: 1 })];
