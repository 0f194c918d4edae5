//! Middleware: flat hooks around a service, with a state per request.
//!
//! ```text
//!   request(A) ─▶ request(B) ─▶ service ─▶ response(B) ─▶ response(A)
//!                 request_body                response_body          response hooks run inner to outer
//! ```

use crate::message::{FieldBlockMut, RequestHead, Status};
use crate::service::Context;

/// What a request hook decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestVerdict {
    /// Go on to the next hook, then the service.
    Continue,
    /// Answer with this now; the service never sees the request. Response hooks of the layers outside this
    /// one still run.
    Reply(Reply),
    /// Call again with the whole body collected, at most this many bytes (413 beyond).
    NeedBody(u64),
}

/// A short answer from a layer: a status and a text of its own choosing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: Status,
    /// A short body, `text/plain`; empty means none.
    pub text: &'static str,
    /// Close the connection after this answer.
    pub close: bool,
}

impl Reply {
    /// A reply that keeps the connection.
    pub const fn new(status: Status, text: &'static str) -> Reply {
        Reply { status, text, close: false }
    }
}

/// What a request-body hook did with a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyVerdict {
    /// The chunk goes on as it is.
    Pass,
    /// The hook wrote `made` bytes to `out` for the first `taken` bytes of the chunk; it is called again
    /// with the rest.
    Wrote {
        /// Bytes of the chunk that were used.
        taken: usize,
        /// Bytes of `out` that go on in their place.
        made: usize,
    },
    /// Answer with this now and stop the body.
    Reply(Reply),
    /// Cut the exchange off.
    Abort,
}

/// What a response hook sees of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyView<'b> {
    /// There is none.
    None,
    /// It will have this many bytes.
    Sized(u64),
    /// Its length is not known.
    Streamed,
    /// It has been collected: after [`ResponseVerdict::NeedBody`].
    Whole(&'b [u8]),
}

/// What a response hook decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseVerdict {
    /// Go on outwards.
    Continue,
    /// Call again with the whole body collected, at most this many bytes.
    NeedBody(u64),
}

/// What a body filter did: `taken` bytes of the input, `made` bytes of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filtered {
    /// Bytes of the input that were used.
    pub taken: usize,
    /// Bytes of the output that were written.
    pub made: usize,
}

/// A response head that hooks may edit.
#[derive(Debug)]
pub struct ResponseParts<'r, 'a> {
    /// The status.
    pub status: &'r mut Status,
    /// The fields.
    pub fields: &'r mut FieldBlockMut<'a>,
}

/// Which hooks a layer has; the others are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hooks(pub u8);

impl Hooks {
    /// [`Middleware::request`].
    pub const REQUEST: Hooks = Hooks(1);
    /// [`Middleware::request_body`].
    pub const REQUEST_BODY: Hooks = Hooks(2);
    /// [`Middleware::response`].
    pub const RESPONSE: Hooks = Hooks(4);
    /// [`Middleware::response_body`].
    pub const RESPONSE_BODY: Hooks = Hooks(8);

    /// Both sets.
    #[must_use]
    pub const fn and(self, other: Hooks) -> Hooks {
        Hooks(self.0 | other.0)
    }

    /// Whether this set has all of `other`.
    pub const fn has(self, other: Hooks) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A layer around a service.
pub trait Middleware<C: Context + ?Sized> {
    /// What the layer remembers about one request. Owns no borrow.
    type State: Default;

    /// Whether a hook may block (refused at compile time on the board).
    const MAY_BLOCK: bool = false;

    /// Which hooks do anything.
    fn hooks(&self) -> Hooks;

    /// A request head has come. `body` is `Some` when the body has been collected on request.
    fn request(
        &self,
        cx: &mut C,
        state: &mut Self::State,
        head: &mut RequestHead<'_>,
        body: Option<&[u8]>,
    ) -> RequestVerdict {
        let _ = (cx, state, head, body);
        RequestVerdict::Continue
    }

    /// A piece of the request body has come.
    fn request_body(
        &self,
        cx: &mut C,
        state: &mut Self::State,
        chunk: &[u8],
        end: bool,
        out: &mut [u8],
    ) -> BodyVerdict {
        let _ = (cx, state, chunk, end, out);
        BodyVerdict::Pass
    }

    /// The answer's head is decided.
    fn response(
        &self,
        cx: &mut C,
        state: &mut Self::State,
        head: &mut ResponseParts<'_, '_>,
        body: BodyView<'_>,
    ) -> ResponseVerdict {
        let _ = (cx, state, head, body);
        ResponseVerdict::Continue
    }

    /// Filters a piece of the answer's body. Only called if [`Hooks::RESPONSE_BODY`] is set, and then a
    /// sized body becomes a streamed one.
    fn response_body(
        &self,
        state: &mut Self::State,
        input: &[u8],
        end: bool,
        flush: bool,
        out: &mut [u8],
    ) -> Filtered {
        let _ = (state, end, flush);
        let n = input.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..n), input.get(..n)) {
            to.copy_from_slice(from);
        }
        Filtered { taken: n, made: n }
    }
}
