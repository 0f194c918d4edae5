//! Refuses request bodies that are too long.

use super::{BodyVerdict, Hooks, Middleware, Reply, RequestVerdict};
use crate::Status;
use crate::message::{BodyFraming, RequestHead};
use crate::service::Context;

/// Answers 413 (RFC 9110 §15.5.14) to a body beyond a limit: by its `Content-Length` before a byte of it is
/// read, and so before `100 (Continue)`; by counting where the length is not told.
///
/// What is counted is the body as it comes to this layer: behind a layer that decompresses, the decompressed
/// bytes. Whether the rest of the body is drained or the connection closed is the connection's decision. The
/// engine's own [`body_bytes_max`](crate::Limits::body_bytes_max) stands before any layer, so a layer can
/// only be stricter.
///
/// With [`require_length`](BodyLimitLayer::require_length) a body whose length is not told is answered 411
/// (RFC 9110 §15.5.12) instead of being counted.
///
/// ```
/// use rws_core::middleware::BodyLimitLayer;
///
/// // 1 MiB, but 64 MiB for uploads.
/// let layer = BodyLimitLayer::new(1 << 20)
///     .with_override(|head: &rws_core::RequestHead<'_>| head.path().starts_with("/upload/").then_some(64 << 20));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BodyLimitLayer<O = NoOverride> {
    body_bytes_max: u64,
    length_required: bool,
    overrides: O,
}

/// Where another limit holds.
pub trait BodyLimitOverride {
    /// The limit of this request in bytes; `None` for the layer's own.
    fn body_bytes_max(&self, head: &RequestHead<'_>) -> Option<u64>;
}

/// The same limit everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoOverride;

impl BodyLimitOverride for NoOverride {
    fn body_bytes_max(&self, _head: &RequestHead<'_>) -> Option<u64> {
        None
    }
}

impl<F: Fn(&RequestHead<'_>) -> Option<u64>> BodyLimitOverride for F {
    fn body_bytes_max(&self, head: &RequestHead<'_>) -> Option<u64> {
        self(head)
    }
}

impl BodyLimitLayer {
    /// At most `body_bytes_max` bytes everywhere.
    pub const fn new(body_bytes_max: u64) -> BodyLimitLayer {
        BodyLimitLayer { body_bytes_max, length_required: false, overrides: NoOverride }
    }

    /// The same layer, with other limits for some requests.
    pub const fn with_override<O: BodyLimitOverride>(self, overrides: O) -> BodyLimitLayer<O> {
        let BodyLimitLayer { body_bytes_max, length_required, overrides: NoOverride } = self;
        BodyLimitLayer { body_bytes_max, length_required, overrides }
    }
}

impl<O> BodyLimitLayer<O> {
    /// The same layer, which takes bodies only if their length is told beforehand: 411 otherwise.
    #[must_use]
    pub fn require_length(mut self) -> BodyLimitLayer<O> {
        self.length_required = true;
        self
    }
}

/// What the layer remembers: how many bytes may still come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodyLimitState {
    left: u64,
}

const TOO_LARGE: Reply = Reply::new(Status::CONTENT_TOO_LARGE, "the body is too large\n");
const LENGTH_REQUIRED: Reply = Reply::new(Status::LENGTH_REQUIRED, "a body needs a Content-Length here\n");

impl<C: Context + ?Sized, O: BodyLimitOverride> Middleware<C> for BodyLimitLayer<O> {
    type State = BodyLimitState;

    fn hooks(&self) -> Hooks {
        Hooks::REQUEST.and(Hooks::REQUEST_BODY)
    }

    fn request(
        &self,
        _cx: &mut C,
        state: &mut BodyLimitState,
        head: &mut RequestHead<'_>,
        _body: Option<&[u8]>,
    ) -> RequestVerdict {
        state.left = self.overrides.body_bytes_max(head).unwrap_or(self.body_bytes_max);
        match head.body() {
            BodyFraming::Sized(len) if len > state.left => RequestVerdict::Reply(TOO_LARGE),
            BodyFraming::Streamed | BodyFraming::UntilClose if self.length_required => {
                RequestVerdict::Reply(LENGTH_REQUIRED)
            }
            BodyFraming::None | BodyFraming::Sized(_) | BodyFraming::Streamed | BodyFraming::UntilClose => {
                RequestVerdict::Continue
            }
        }
    }

    fn request_body(
        &self,
        _cx: &mut C,
        state: &mut BodyLimitState,
        chunk: &[u8],
        _end: bool,
        _out: &mut [u8],
    ) -> BodyVerdict {
        match state.left.checked_sub(chunk.len() as u64) {
            Some(left) => {
                state.left = left;
                BodyVerdict::Pass
            }
            None => BodyVerdict::Reply(TOO_LARGE),
        }
    }
}

#[cfg(test)]
mod tests;
