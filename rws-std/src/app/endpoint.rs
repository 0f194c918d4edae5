//! Where a route leads: a handler, and how its body and its thread are provided.

use rws_core::Status;
use rws_core::message::BodyFraming;

use super::handler::{BoxedHandler, Handler, boxed};
use super::options::RouteOptions;
use super::request::Request;
use super::response::Response;
use crate::files::FileServer;
use crate::handover::Learning;
use crate::{job, sys};

/// A route's target.
pub(super) enum Endpoint<S> {
    /// A function.
    Function(Function<S>),
    /// A folder of files.
    Files(FileServer),
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
    pub(super) fn run(&self, request: Request<'_>, state: &S) -> Response {
        let response = self.run_timed(request, state);
        response.body.attach();
        response
    }

    fn run_timed(&self, request: Request<'_>, state: &S) -> Response {
        // Looks also when the handler panics: one that blocks first has to be known for it all the same.
        let _lesson = if self.learning.offloads() {
            job::about_to_block();
            Lesson { learning: &self.learning, began_us: Some(sys::monotonic_us()) }
        } else {
            Lesson { learning: &self.learning, began_us: None }
        };
        (self.handler)(request, state)
    }
}

/// What a route learns from one run of its handler, once that is over.
struct Lesson<'l> {
    learning: &'l Learning,
    /// When it began, if it runs away from the shard.
    began_us: Option<u64>,
}

impl Drop for Lesson<'_> {
    #[inline]
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
