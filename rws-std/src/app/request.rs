//! What a handler is given.

use rws_core::message::{FieldBlock, FieldName, Method, RequestHead};
use rws_core::service::{ConnectionInfo, Context};

use super::body::Body;
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

    /// The query without its `?`, not decoded.
    pub fn query(&self) -> Option<&'r [u8]> {
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

    /// The value of the path parameter `name` (`/hello/:name`); empty if the route has none of that name.
    pub fn param(&self, name: &str) -> &'r str {
        self.matched
            .and_then(|(pattern, path)| rws_core::route::Params::new(pattern, path).value(name))
            .unwrap_or("")
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
    pub fn into_body(self) -> Body {
        self.body
    }

    /// The body, taken out of the request.
    pub fn take_body(&mut self) -> Body {
        core::mem::take(&mut self.body)
    }

    /// A 200 answer whose body is written later, from any thread.
    pub fn stream(&self) -> (Response, BodyWriter) {
        let pipe = Pipe::for_answer(self.cx.waker());
        let reader = PipeReader(std::sync::Arc::clone(&pipe));
        (Response::body(Body::Stream(reader)), BodyWriter { pipe })
    }
}
