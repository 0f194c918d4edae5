//! What a route may say about its handler: [`handler`] and [`streaming`].

use super::handler::Handler;
use super::request::Request;
use super::response::Response;
use crate::handover::Placement;

/// What a route says beside its pattern; see [`WithOptions`].
#[derive(Clone, Copy, Debug, Default)]
pub struct RouteOptions {
    pub(super) streams: bool,
    pub(super) placement: Option<Placement>,
    pub(super) body_bytes_max: Option<u64>,
    pub(super) length_required: bool,
}

impl RouteOptions {
    /// These, and where they say nothing, those of the handler `inside`.
    fn around(self, inside: RouteOptions) -> RouteOptions {
        RouteOptions {
            streams: self.streams || inside.streams,
            placement: self.placement.or(inside.placement),
            body_bytes_max: self.body_bytes_max.or(inside.body_bytes_max),
            length_required: self.length_required || inside.length_required,
        }
    }
}

/// A handler with the options of its route; made by [`handler`] and [`streaming`].
#[derive(Clone, Copy, Debug)]
pub struct WithOptions<H> {
    inside: H,
    options: RouteOptions,
}

/// `inside`, ready to be given options:
///
/// ```
/// use rws_std::handover::Placement;
/// use rws_std::{App, Request, handler};
///
/// fn report(_: Request) -> String {
///     // … asks a database, which takes its time.
///     String::new()
/// }
///
/// let app = App::new()
///     .get("/report", handler(report).placement(Placement::Offload))
///     .post("/notes", handler(|note: Request| note.text()).body_bytes_max(10_000).require_length());
/// ```
pub const fn handler<H>(inside: H) -> WithOptions<H> {
    let options =
        RouteOptions { streams: false, placement: None, body_bytes_max: None, length_required: false };
    WithOptions { inside, options }
}

/// Lets `inside` read its body as it comes instead of collecting it beforehand. It runs on a thread of its
/// own, beside the connection. The body has no limit but [`WithOptions::body_bytes_max`], those of layers and
/// [`Limits::body_bytes_max`](rws_core::Limits::body_bytes_max).
pub const fn streaming<H>(inside: H) -> WithOptions<H> {
    let mut with = handler(inside);
    with.options.streams = true;
    with
}

impl<H> WithOptions<H> {
    /// Where the handler runs: on its shard, on another thread, or (by default) on its shard until it turns
    /// out to block. A handler that streams its body always has a thread of its own while one comes.
    #[must_use]
    pub fn placement(mut self, placement: Placement) -> WithOptions<H> {
        self.options.placement = Some(placement);
        self
    }

    /// How many bytes a request body of this route may have: 413 beyond, by its `Content-Length` before a
    /// byte of it is read, else by counting. A handler that streams is told by an error of its body.
    #[must_use]
    pub fn body_bytes_max(mut self, bytes: u64) -> WithOptions<H> {
        self.options.body_bytes_max = Some(bytes);
        self
    }

    /// Takes bodies only if their length is told beforehand: 411 otherwise (RFC 9110 §15.5.12).
    #[must_use]
    pub fn require_length(mut self) -> WithOptions<H> {
        self.options.length_required = true;
        self
    }
}

#[diagnostic::do_not_recommend]
impl<S, A: 'static, H: Handler<S, A>> Handler<S, WithOptions<A>> for WithOptions<H> {
    fn options(&self) -> RouteOptions {
        self.options.around(self.inside.options())
    }

    fn call(&self, request: Request<'_>, state: &S) -> Response {
        self.inside.call(request, state)
    }
}
