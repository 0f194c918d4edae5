//! Middleware: flat hooks around a service, with a state per request.
//!
//! ```text
//!   request(A) ─▶ request(B) ─▶ service ─▶ response(B) ─▶ response(A)
//!                 request_body                response_body          response hooks run inner to outer
//! ```
//!
//! A layer is a [`Middleware`]: it names the hooks that it has ([`Hooks`]) and implements those. A list of
//! layers ([`Layers`]: a tuple, or a `Stack` put together at run time) around a service is [`Layered`], a
//! service again; its page has a layer in ten lines. The memory that some hooks need is a [`Room`].
//!
//! Layers that come with the engine: [`TraceIdLayer`], [`BodyLimitLayer`], [`BlocklistLayer`],
//! [`BasicAuthLayer`]; and [`OnlyFor`] puts any layer before some requests only.
//!
//! What holds for every list of layers:
//!
//! - A layer that replies is seen by the response hooks of the layers outside of it, and by no others.
//! - A body hook sees what the layers outside of it made of the request body; a filter, and a response hook
//!   that asks for the body, sees what those inside made of the answer's.
//! - A hook that a layer does not name is never called and costs nothing.
//! - What cannot be done, for lack of memory or by a layer's fault, is an answer or a cut-off exchange,
//!   never a shortened message.

mod base64;
mod basic_auth;
mod blocklist;
mod body_limit;
mod cidr;
mod client_ip;
mod layered;
mod layers;
mod only_for;
mod room;
#[cfg(feature = "alloc")]
mod stack;
mod trace_id;
mod traceparent;

pub use basic_auth::{
    BasicAuthLayer, BasicAuthState, CHALLENGE_BYTES_MAX, CREDENTIALS_BYTES_MAX, Realm, User, Users, Verify,
};
pub use blocklist::{BlocklistLayer, ListMode};
pub use body_limit::{BodyLimitLayer, BodyLimitOverride, BodyLimitState, NoOverride};
pub use cidr::{Cidr, CidrError, CidrFault, CidrList, CidrSet, CidrSlot, IpSet, NoAddress};
pub use client_ip::{HopField, client_ip};
pub use layered::{Layered, LayeredState};
pub use layers::{Layers, Mark, Piece, States};
pub use only_for::{OnlyFor, OnlyForState};
#[cfg(feature = "alloc")]
pub use room::Heap;
pub use room::{DeviceRoom, Inline, Memory, Room};
#[cfg(feature = "alloc")]
pub use stack::{BoxedMiddleware, Stack, StackState};
pub use trace_id::{ID_BYTES_MAX, TraceIdLayer, TraceIdState, TracesFrom};

use crate::message::{FieldBlockMut, RequestHead, Status};
use crate::service::{Context, Outcome};

/// What a request hook decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestVerdict {
    /// Go on to the next hook, then the service.
    Continue,
    /// Answer with this now; the service never sees the request. Response hooks of the layers outside this
    /// one still run.
    Reply(Reply),
    /// Call again with the whole body collected, at most this many bytes (413 beyond). What is collected
    /// has passed the request-body hooks of the layers outside this one; this layer's own hook and those
    /// further in see it afterwards, on its way to the service.
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
    /// Run the response hook of the layer that replies as well, before those of the layers outside it: it
    /// can add fields that only it knows (`Retry-After`, `Allow`, `WWW-Authenticate`).
    pub own_response_hook: bool,
}

impl Reply {
    /// A reply that keeps the connection.
    pub const fn new(status: Status, text: &'static str) -> Reply {
        Reply { status, text, close: false, own_response_hook: false }
    }

    /// The same reply, after which the connection closes.
    #[must_use]
    pub const fn closing(self) -> Reply {
        Reply { close: true, ..self }
    }

    /// The same reply, with the replying layer's own response hook run on it.
    #[must_use]
    pub const fn with_own_hook(self) -> Reply {
        Reply { own_response_hook: true, ..self }
    }
}

/// What a request-body hook did with a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyVerdict {
    /// The chunk goes on as it is.
    Pass,
    /// The hook wrote `made` bytes to `out` for the first `taken` bytes of the chunk. It is called again with
    /// the rest, and also when it filled `out` (perhaps with an empty rest): `made < out.len()` says that it
    /// has nothing more to write for what it took.
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
    /// It cannot be shown: it is longer than what was asked for with [`ResponseVerdict::NeedBody`] or than
    /// the memory for it, or the request was a HEAD. Nothing of it is lost: it goes out as it would have.
    Unseen,
}

/// What a response hook decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseVerdict {
    /// Go on outwards.
    Continue,
    /// Call again with the whole body collected, at most this many bytes ([`BodyView::Unseen`] beyond).
    NeedBody(u64),
    /// Drop this answer and its body and send this instead. The layers outside this one see it like any
    /// other. This is how a layer fails closed.
    Reply(Reply),
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hooks(pub u8);

impl Hooks {
    /// No hook.
    pub const NONE: Hooks = Hooks(0);
    /// [`Middleware::request`].
    pub const REQUEST: Hooks = Hooks(1);
    /// [`Middleware::request_body`].
    pub const REQUEST_BODY: Hooks = Hooks(2);
    /// [`Middleware::response`].
    pub const RESPONSE: Hooks = Hooks(4);
    /// [`Middleware::response_body`].
    pub const RESPONSE_BODY: Hooks = Hooks(8);
    /// [`Middleware::end`].
    pub const END: Hooks = Hooks(16);
    /// [`Middleware::request_body`] may answer [`BodyVerdict::Wrote`]; without this bit it is lent no `out`.
    /// Set it together with [`Hooks::REQUEST_BODY`].
    pub const REWRITE_REQUEST_BODY: Hooks = Hooks(32);

    /// Both sets.
    #[must_use]
    pub const fn and(self, other: Hooks) -> Hooks {
        Hooks(self.0 | other.0)
    }

    /// Whether this set has all of `other`.
    pub const fn has(self, other: Hooks) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether this set has any of `other`.
    pub const fn has_any(self, other: Hooks) -> bool {
        self.0 & other.0 != 0
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

    /// Whether this answer's body is to be filtered, for a layer with [`Hooks::RESPONSE_BODY`]. Asked once,
    /// after its response hook.
    fn filters(&self, state: &Self::State) -> bool {
        let _ = state;
        true
    }

    /// Filters a piece of the answer's body; a sized body becomes a streamed one. Must not block.
    ///
    /// `end`: `input` is the last of the body. `flush`: no more input for now, so what is held back should
    /// go out if it can. The filter fills `out` for as long as it has something to write: `made < out.len()`
    /// says that it has nothing more for what it took. It must do its work even with an `out` of one byte.
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
            crate::scan::copy_into(to, from);
        }
        Filtered { taken: n, made: n }
    }

    /// The exchange is over; the last call for this state. Also called when the request never reached the
    /// service, for every layer whose request hook was reached.
    fn end(&self, cx: &mut C, state: &mut Self::State, outcome: Outcome) {
        let _ = (cx, state, outcome);
    }
}
