//! Writes a message that was read, with the engine, as a proxy does: what comes out must read as what went in.

use rws_core::connection::{BodyPlan, ByteConnection, Fill, HeadAnswer, RequestOut, Sent, Source, StreamId};
use rws_core::h1::{Client, Server};
use rws_core::message::OwnedFields;
use rws_core::testing::wire::Message;
use rws_core::{Env, Field, FieldBlock, Instant, Limits, ResponseHead, Scratch, Status};

/// Field lines as names in lower case and values.
pub type Lines = Vec<(String, Vec<u8>)>;

/// What a head may grow to here: more than any input.
pub const LIMITS: Limits = Limits {
    head_bytes_max: 16 * 1024,
    response_head_bytes_max: 16 * 1024,
    trailer_bytes_max: 16 * 1024,
    target_bytes_max: 8 * 1024,
    fields_max: 512,
    interim_max: 255,
    ..Limits::SERVER
};

const ENV: Env<'static> = Env { now: Instant::from_micros(0), limits: &LIMITS, date: None };

/// The lines that are a message's own: not its framing, nor the connection's.
pub fn own(lines: &Lines) -> Lines {
    const OTHERS: [&str; 10] = [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "proxy-connection",
        "expect",
        "te",
        "upgrade",
        "date",
    ];
    lines.iter().filter(|(name, _)| !OTHERS.contains(&&name[..])).cloned().collect()
}

/// The lines as the engine takes them. What was read is always accepted.
pub fn owned(lines: &Lines) -> OwnedFields {
    let mut fields = OwnedFields::new();
    for (name, value) in lines {
        fields.push(name.as_bytes(), value).expect("a field that was read can be written");
    }
    fields
}

struct Said<'m> {
    message: &'m Message,
    interim: &'m [Message],
    fields: OwnedFields,
    trailers: OwnedFields,
    plan: BodyPlan,
    said: usize,
    authority: &'m [u8],
}

impl<'m> Said<'m> {
    fn new(message: &'m Message, interim: &'m [Message], plan: BodyPlan) -> Said<'m> {
        Said {
            fields: owned(&own(&message.fields)),
            trailers: owned(&message.trailers),
            authority: if message.authority.is_empty() { b"a" } else { &message.authority },
            message,
            interim,
            plan,
            said: 0,
        }
    }
}

impl Source for Said<'_> {
    fn head(&mut self, _: StreamId) -> HeadAnswer<'_> {
        if let [first, rest @ ..] = self.interim {
            self.interim = rest;
            self.fields = owned(&own(&first.fields));
            return HeadAnswer::Interim(ResponseHead { status: status(first), fields: self.fields.block() });
        }
        self.fields = owned(&own(&self.message.fields));
        let head = ResponseHead { status: status(self.message), fields: self.fields.block() };
        HeadAnswer::Final(head, self.plan)
    }

    fn request(&mut self, _: StreamId) -> Option<RequestOut<'_>> {
        Some(RequestOut {
            method: self.message.start.as_bytes(),
            target: &self.message.target,
            authority: self.authority,
            fields: self.fields.block(),
            body: self.plan,
            expect_continue: false,
            close: false,
        })
    }

    fn fill(&mut self, _: StreamId, out: &mut [u8]) -> Fill {
        let rest = &self.message.body[self.said..];
        let n = rest.len().min(out.len());
        out[..n].copy_from_slice(&rest[..n]);
        self.said += n;
        if n == rest.len() { Fill::End(n) } else { Fill::More(n) }
    }

    fn trailers(&mut self, _: StreamId) -> FieldBlock<'_> {
        self.trailers.block()
    }
}

fn status(message: &Message) -> Status {
    message.start.parse().ok().and_then(Status::new).expect("the status of a response")
}

/// A message's body as it is written anew: with its length if that is known without trailers.
pub fn plan(message: &Message) -> BodyPlan {
    match (message.trailers.is_empty(), message.body.len()) {
        (true, 0) => BodyPlan::None,
        (true, len) => BodyPlan::Sized(len as u64),
        (false, _) => BodyPlan::Streamed,
    }
}

/// The request, written by the client role.
pub fn request(message: &Message) -> Vec<u8> {
    let mut client = Client::new(&ENV);
    client.open().expect("a fresh connection");
    let bytes = written(&mut client, &mut Said::new(message, &[], plan(message)));
    assert_eq!(client.error(), None, "a request that was read can be written");
    bytes
}

/// The response and the interim ones before it, written by the server role in answer to `asked`.
pub fn response(interim: &[Message], message: &Message, asked: &[u8]) -> Vec<u8> {
    let (mut server, mut fields) = (Server::new(&ENV), [Field::default(); 8]);
    let mut scratch = Scratch { bytes: &mut [], fields: &mut fields };
    server.receive(&ENV, &mut asked.to_vec(), &mut scratch);
    let bytes = written(&mut server, &mut Said::new(message, interim, plan(message)));
    assert_eq!(server.error(), None, "a response that was read can be written");
    bytes
}

fn written(machine: &mut impl ByteConnection, said: &mut Said<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut tx = vec![0; usize::from(LIMITS.response_head_bytes_max) + 256];
    while let Sent::Bytes(n) = machine.transmit(&ENV, &mut tx, &mut Scratch::default(), said) {
        out.extend_from_slice(&tx[..n]);
        machine.flushed(&ENV, n);
    }
    out
}
