//! Where a route leads: a handler, and how its body and its thread are provided.

use super::handler::{BoxedHandler, Handler, boxed};
use super::request::Request;
use super::response::Response;
use crate::files::FileServer;
use crate::handover::{Learning, Placement};
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
    pub(super) streams: bool,
    learning: Learning,
}

impl<S: 'static> Function<S> {
    pub(super) fn new<A: 'static, H: Handler<S, A>>(handler: H) -> Function<S> {
        Function { streams: H::STREAMS, handler: boxed(handler), learning: Learning::new(Placement::Auto) }
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
