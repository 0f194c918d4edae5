//! What a handler is given.

use alloc::borrow::Cow;
use core::str::FromStr;

use rws_core::Status;
use rws_core::message::{FieldBlock, FieldName, Method, QueryPairs, QueryText, RequestHead};
use rws_core::service::{ConnectionInfo, Context};

use super::body::Body;
use super::failure::Failure;
use super::pipe::{BodyWriter, Pipe, PipeReader};
use super::response::Response;
use crate::job::JobCx;

/// A request: its head, its path parameters, its body.
#[derive(Debug)]
pub struct Request<'r> {
    pub(super) cx: &'r mut JobCx,
    pub(super) head: &'r RequestHead<'r>,
    pub(super) matched: Option<(&'r str, &'r str)>,
    pub(super) body: Body,
    /// How many bytes of a stream may be collected.
    pub(super) body_bytes_max: usize,
}

impl<'r> Request<'r> {
    /// The head.
    pub const fn head(&self) -> &RequestHead<'r> {
        self.head
    }

    /// The method.
    pub const fn method(&self) -> Method {
        self.head.method()
    }

    /// The canonical path.
    pub fn path(&self) -> &'r str {
        self.head.path()
    }

    /// The first value of `name` in the query, decoded: `?q=a+b%21` has `a b!` for `q`. Empty for a name
    /// without a value, `None` if there is no such name. Bytes that are no UTF-8 become U+FFFD.
    pub fn query(&self, name: &str) -> Option<Cow<'r, str>> {
        QueryPairs::new(self.raw_query()?).value(name).map(decoded)
    }

    /// The names and values of the query in their order, decoded.
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'r, str>, Cow<'r, str>)> + use<'r> {
        let pairs = QueryPairs::new(self.raw_query().unwrap_or(&[]));
        pairs.map(|(name, value)| (decoded(name), decoded(value)))
    }

    /// The query without its `?`, as it was sent.
    pub fn raw_query(&self) -> Option<&'r [u8]> {
        self.head.query()
    }

    /// The fields.
    pub fn fields(&self) -> FieldBlock<'_> {
        self.head.fields()
    }

    /// The first value of a field.
    pub fn field<'n>(&self, name: impl Into<FieldName<'n>>) -> Option<&[u8]> {
        self.head.fields().first(name)
    }

    /// The pattern of the route that took the request.
    pub fn pattern(&self) -> Option<&'r str> {
        self.matched.map(|(pattern, _)| pattern)
    }

    /// The value of the path parameter `name` (`/hello/:name`), decoded; empty if the route has none of that
    /// name.
    pub fn param(&self, name: &str) -> &'r str {
        self.matched
            .and_then(|(pattern, path)| rws_core::route::Params::new(pattern, path).value(name))
            .unwrap_or("")
    }

    /// The value of the path parameter `name` as a number or whatever else can be read from a text.
    ///
    /// # Errors
    /// A [`Failure`] with 400 if it can't.
    pub fn param_as<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        self.param(name).parse().map_err(|_| {
            Failure::new(Status::BAD_REQUEST, format!("the path parameter `{name}` is malformed"))
        })
    }

    /// Where the request came from.
    pub fn connection(&self) -> &ConnectionInfo {
        self.cx.connection()
    }

    /// The number of the shard that the request came to.
    pub const fn shard(&self) -> usize {
        self.cx.shard()
    }

    /// The adapter's context: time, randomness, wakers.
    pub const fn cx(&mut self) -> &mut JobCx {
        self.cx
    }

    /// The body. A stream where the route asks for one or the client sends more than the server collects
    /// beforehand.
    pub fn into_body(mut self) -> Body {
        self.take_body()
    }

    /// The body, taken out of the request.
    pub fn take_body(&mut self) -> Body {
        match &mut self.body {
            Body::Trailed(trailed) => core::mem::take(&mut trailed.body),
            body => core::mem::take(body),
        }
    }

    /// The trailer section behind a body that was collected (RFC 9110 §6.5). Of one that streams it is known once that has
    /// been read: [`Body::take_trailers`].
    pub fn trailers(&self) -> FieldBlock<'_> {
        match &self.body {
            Body::Trailed(trailed) => trailed.trailers.block(),
            Body::Empty | Body::Constant(_) | Body::Bytes(_) | Body::PartlyRead(_) | Body::Stream(_) => {
                FieldBlock::EMPTY
            }
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// A [`Failure`] with 413 if there is more than the route or else the app collects, with 400 if the
    /// client is gone before the end; both only for a body that streams.
    pub fn bytes(self) -> Result<Vec<u8>, Failure> {
        Ok(self.body.read_all(self.body_bytes_max)?)
    }

    /// The whole body as text.
    ///
    /// # Errors
    /// A [`Failure`] with 400 if it is no UTF-8, and what [`Request::bytes`] gives.
    pub fn text(self) -> Result<String, Failure> {
        let malformed = |_| Failure::new(Status::BAD_REQUEST, "the body is no UTF-8");
        String::from_utf8(self.bytes()?).map_err(malformed)
    }

    /// A 200 answer whose body is written later, from any thread. Its type is `application/octet-stream`
    /// unless [`Response::content_type`] says otherwise.
    pub fn stream(&self) -> (Response, BodyWriter) {
        let pipe = Pipe::for_answer(self.cx.waker());
        let reader = PipeReader(std::sync::Arc::clone(&pipe));
        (Response::body(Body::Stream(reader)), BodyWriter { pipe })
    }
}

fn decoded(text: QueryText<'_>) -> Cow<'_, str> {
    if text.is_plain() {
        return String::from_utf8_lossy(text.raw());
    }
    let bytes: Vec<u8> = text.bytes().collect();
    Cow::Owned(match String::from_utf8_lossy(&bytes) {
        Cow::Owned(replaced) => replaced,
        Cow::Borrowed(text) => text.to_owned(),
    })
}
