//! Functions as methods: messages in and out of bytes.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;

use prost::Message;
use rws_core::grpc::{Encoding, EncodingSet, MessageHead, names};
use rws_core::message::{FieldBlock, OwnedFields};
use rws_core::{KnownName, field_lines};

use super::call::Call;
use super::codec;
use super::metadata::Metadata;
use super::request::{Request, Response};
use super::status::Status;
use super::stream::{self, Incoming, Source, Streamed};
use crate::app;
use crate::app::pipe::PipeReader;
use crate::handover::Learning;

/// A method of a service.
pub(super) struct Method {
    pub(super) run: Run,
    pub(super) learning: Learning,
}

impl core::fmt::Debug for Method {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Method").field("learning", &self.learning).finish_non_exhaustive()
    }
}

/// How it takes its requests.
pub(super) enum Run {
    /// One, which the shard collects.
    Message(Box<OfMessage>),
    /// As many as come, read on another thread.
    Stream(Box<OfStream>),
}

type OfMessage = dyn Fn(Asked, MessageHead, &[u8]) -> Reply + Send + Sync;
type OfStream = dyn Fn(Asked, PipeReader) -> Reply + Send + Sync;

/// A call without its messages.
pub(super) struct Asked {
    pub(super) call: Arc<Call>,
    pub(super) metadata: Metadata,
}

/// What a method answers with.
pub(super) struct Reply {
    pub(super) response: app::Response,
    /// Whether it goes on after it has begun.
    pub(super) streams: bool,
    /// What is left to do on a thread that may block, once the response is on its way.
    pub(super) pump: Option<Pump>,
}

pub(super) type Pump = Box<dyn FnOnce() + Send>;

impl Reply {
    pub(super) fn refused(status: &Status) -> Reply {
        Reply { response: refusal(status), streams: false, pump: None }
    }
}

/// How an answer becomes a reply.
type Answer<A> = fn(&Arc<Call>, Response<A>) -> Result<Reply, Status>;

/// A function of one message.
pub(super) fn of_message<T, A, F>(function: F, answer: Answer<A>) -> Run
where
    T: Message + Default + 'static,
    A: 'static,
    F: Fn(Request<T>) -> Result<Response<A>, Status> + Send + Sync + 'static,
{
    Run::Message(Box::new(move |asked, head, bytes| {
        let Asked { call, metadata } = asked;
        let reply = || {
            let message = codec::decode::<T>(head, call.encoding, bytes, call.message_bytes_max)?;
            answer(&call, function(Request::new(message, metadata, Arc::clone(&call)))?)
        };
        caught(reply)
    }))
}

/// A function of a stream.
pub(super) fn of_stream<T, A, F>(function: F, answer: Answer<A>) -> Run
where
    T: Message + Default + 'static,
    A: 'static,
    F: Fn(Request<Incoming<T>>) -> Result<Response<A>, Status> + Send + Sync + 'static,
{
    Run::Stream(Box::new(move |asked, reader| {
        let Asked { call, metadata } = asked;
        let reply = || {
            let incoming = Incoming::new(Arc::clone(&call), reader);
            answer(&call, function(Request::new(incoming, metadata, Arc::clone(&call)))?)
        };
        caught(reply)
    }))
}

/// A panic is an error of this call alone.
fn caught(reply: impl FnOnce() -> Result<Reply, Status>) -> Reply {
    let reply = catch_unwind(AssertUnwindSafe(reply));
    reply.unwrap_or_else(|_| Err(panicked())).unwrap_or_else(|status| Reply::refused(&status))
}

fn panicked() -> Status {
    Status::internal("the service panicked")
}

/// One message as the answer.
pub(super) fn answer_one<U: Message>(call: &Arc<Call>, response: Response<U>) -> Result<Reply, Status> {
    let frame = codec::frame(&response.message, call.answer_encoding)?;
    let body = app::Body::Bytes(frame);
    let mut trailers = stream::ok();
    response.trailers.write(&mut trailers);
    let body = app::Body::Trailed(Box::new(app::Trailed::new(body, trailers)));
    Ok(Reply { response: with_head(call, &response.metadata, body), streams: false, pump: None })
}

/// Many messages as the answer.
pub(super) fn answer_many<U: Message + 'static>(
    call: &Arc<Call>,
    response: Response<Streamed<U>>,
) -> Result<Reply, Status> {
    let Response { message: Streamed(source), metadata, trailers } = response;
    match source {
        Source::Written(reader) => {
            let mut before = OwnedFields::new();
            trailers.write(&mut before);
            let body = app::Body::Trailed(Box::new(app::Trailed::new(app::Body::Stream(reader), before)));
            Ok(Reply { response: with_head(call, &metadata, body), streams: true, pump: None })
        }
        Source::Each(answers) => {
            let pipe = call.open_answers();
            let body = app::Body::Stream(PipeReader(Arc::clone(&pipe)));
            let response = with_head(call, &metadata, body);
            let call = Arc::clone(call);
            let pump = move || {
                let pumped = AssertUnwindSafe(|| stream::pump(answers, &call, &pipe, &trailers));
                if catch_unwind(pumped).is_err() {
                    stream::end(&pipe, &panicked());
                }
            };
            Ok(Reply { response, streams: true, pump: Some(Box::new(pump)) })
        }
    }
}

static PLAIN: FieldBlock<'static> =
    field_lines!["Content-Type: application/grpc", "grpc-accept-encoding: identity,gzip"];
static GZIPPED: FieldBlock<'static> = field_lines![
    "Content-Type: application/grpc",
    "grpc-accept-encoding: identity,gzip",
    "grpc-encoding: gzip"
];

fn with_head(call: &Call, metadata: &Metadata, body: app::Body) -> app::Response {
    let fields = match call.answer_encoding {
        Encoding::Identity => &PLAIN,
        Encoding::Gzip => &GZIPPED,
    };
    if metadata.is_empty() {
        return app::Response::of(fields, body);
    }
    let mut fields = OwnedFields::copy_of(*fields);
    metadata.write(&mut fields);
    app::Response::with_fields(fields, body)
}

/// The answer to a call that ends without a message: a head that is trailers too.
pub(super) fn refusal(status: &Status) -> app::Response {
    let mut fields = OwnedFields::new();
    // These names and values are valid.
    let _ = fields.push(KnownName::ContentType, rws_core::grpc::trailers::CONTENT_TYPE.as_bytes());
    let _ = fields.push(names::ACCEPT_ENCODING, EncodingSet::ALL.value().as_bytes());
    status.write(&mut fields);
    app::Response::with_fields(fields, app::Body::Empty)
}
