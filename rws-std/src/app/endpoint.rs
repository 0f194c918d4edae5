//! Where a route leads: a handler, and how its body and its thread are provided.

use rws_core::Status;
use rws_core::message::{BodyFraming, KnownName, RequestHead};

use super::body::Body;
use super::handler::{BoxedHandler, Handler, boxed};
use super::options::RouteOptions;
use super::request::Request;
use super::response::Response;
use crate::files::FileServer;
use crate::handover::Learning;
use crate::job::JobCx;
use crate::{job, sys};

/// A route's target.
pub(super) enum Endpoint<S> {
    /// A function.
    Function(Function<S>),
    /// A folder of files.
    Files(FileServer),
    /// Calls.
    #[cfg(feature = "grpc")]
    Grpc(std::sync::Arc<crate::grpc::Grpc>),
}

impl<S: 'static> Endpoint<S> {
    /// How many bytes of a body this route may collect in memory.
    pub(super) fn collected_bytes_max(&self, unsaid: usize) -> usize {
        match self {
            Endpoint::Function(function) if !function.options.streams => function.collected_bytes_max(unsaid),
            Endpoint::Function(_) | Endpoint::Files(_) => 0,
            // They have a budget of their own.
            #[cfg(feature = "grpc")]
            Endpoint::Grpc(_) => 0,
        }
    }
}

/// A handler, and what its route knows about it.
pub(super) struct Function<S> {
    handler: BoxedHandler<S>,
    pub(super) options: RouteOptions,
    learning: Learning,
}

impl<S: 'static> Function<S> {
    pub(super) fn new<A: 'static, H: Handler<S, A>>(handler: H) -> Function<S> {
        let options = handler.options();
        let learning = Learning::new(options.placement.unwrap_or_default());
        Function { options, handler: boxed(handler), learning }
    }

    /// The answer to a request whose body this route does not take, as its framing tells. What is collected
    /// has the app's limit unless the route says otherwise.
    pub(super) fn refuses(&self, body: BodyFraming, collected_bytes_max: usize) -> Option<Response> {
        match body {
            BodyFraming::Sized(len) if len > self.body_bytes_max(collected_bytes_max) => Some(too_large()),
            BodyFraming::Streamed | BodyFraming::UntilClose if self.options.length_required => {
                let text = Response::text("a body needs a Content-Length here\n");
                Some(text.status(Status::LENGTH_REQUIRED))
            }
            BodyFraming::None | BodyFraming::Sized(_) | BodyFraming::Streamed | BodyFraming::UntilClose => {
                None
            }
        }
    }

    /// How many bytes a body of this route may have.
    pub(super) fn body_bytes_max(&self, collected_bytes_max: usize) -> u64 {
        let unsaid = if self.options.streams { u64::MAX } else { collected_bytes_max as u64 };
        self.options.body_bytes_max.unwrap_or(unsaid)
    }

    /// How many bytes of a body this route may collect in memory.
    pub(super) fn collected_bytes_max(&self, unsaid: usize) -> usize {
        self.options.body_bytes_max.map_or(unsaid, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// Whether the route has learned that its handler blocks: it should run on another thread than the
    /// shard's.
    pub(super) fn blocks(&self) -> bool {
        self.learning.offloads()
    }

    /// Runs the handler. If it is known to block and the shard's thread runs it nevertheless, the shard goes
    /// on with another one first.
    pub(super) fn run(&self, asked: Asked<'_>, body: Body, state: &S) -> Response {
        if !self.learning.offloads() {
            return self.run_inline(asked, body, state);
        }
        job::about_to_block();
        let _lesson = Lesson { learning: &self.learning, began_us: Some(sys::monotonic_us()) };
        self.call(asked, body, state)
    }

    /// Runs the handler of a route that is not known to block.
    #[inline(always)]
    pub(super) fn run_inline(&self, asked: Asked<'_>, body: Body, state: &S) -> Response {
        let Asked { cx, head, matched, body_bytes_max } = asked;
        // Looks also when the handler panics: one that blocks first has to be known for it all the same.
        let lesson = Lesson { learning: &self.learning, began_us: None };
        let response = self.call(Asked { cx: &mut *cx, head, matched, body_bytes_max }, body, state);
        core::mem::forget(lesson);
        if cx.was_slow() {
            self.learning.note_stolen(sys::monotonic_us());
        }
        response
    }

    #[inline(always)]
    fn call(&self, asked: Asked<'_>, body: Body, state: &S) -> Response {
        let Asked { cx, head, matched, body_bytes_max } = asked;
        let request = Request { cx, head, matched: Some(matched), body, body_bytes_max };
        let mut response = (self.handler)(request, state);
        response.body.attach();
        response.attach_pushes(head);
        response
    }
}

/// What a request is made of, beside its body.
pub(super) struct Asked<'r> {
    pub(super) cx: &'r mut JobCx,
    pub(super) head: &'r RequestHead<'r>,
    /// The pattern of the route, and the path that it fits.
    pub(super) matched: (&'r str, &'r str),
    pub(super) body_bytes_max: usize,
}

/// What a route learns from one run of its handler, once that is over.
struct Lesson<'l> {
    learning: &'l Learning,
    /// When it began, if it runs away from the shard.
    began_us: Option<u64>,
}

impl Drop for Lesson<'_> {
    fn drop(&mut self) {
        match self.began_us {
            Some(began_us) => self.learning.note_offloaded(sys::monotonic_us().saturating_sub(began_us)),
            None if job::was_slow() => self.learning.note_stolen(sys::monotonic_us()),
            None => {}
        }
    }
}

pub(super) fn too_large() -> Response {
    Response::text("the body is too large\n").status(Status::CONTENT_TOO_LARGE)
}

pub(super) fn busy() -> Response {
    let text = Response::text("the server is busy\n").status(Status::SERVICE_UNAVAILABLE);
    text.field(KnownName::RetryAfter, "1")
}
