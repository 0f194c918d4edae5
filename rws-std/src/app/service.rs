//! An app as a [`Service`].

use core::panic::AssertUnwindSafe;
use std::io;
use std::os::fd::BorrowedFd;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::Arc;

use rws_core::Status;
use rws_core::connection::{Fill, HeadAnswer};
use rws_core::message::{
    Field, FieldBlock, KnownName, Method, OwnedFields, OwnedRequestHead, RequestHead, Scratch, TargetForm,
};
use rws_core::route::{Matched, MethodSet, OwnedRouteTable, RouteMatch};
use rws_core::service::{Context, Outcome, Service, Taken, WholeAnswer};

use super::OnStart;
use super::body::Body;
use super::collected::{Budget, Collected, UsedUp};
use super::endpoint::{Asked, Endpoint, Function, busy, too_large};
use super::exchange::{AnswerSlot, Answering, AppExchange, Collecting, Elsewhere, Feed, Phase, TooLarge};
use super::pipe::{Pipe, PipeReader};
use super::push::Pushes;
use super::response::Response;
use crate::application::Application;
use crate::files::{FilePlan, FileRequest, FileServer};
use crate::job::JobCx;
use crate::server_handle::ServerHandle;

/// An app that is being served; made by [`App::finish`](super::App::finish).
#[derive(Debug)]
pub struct Serving<S>(pub(super) Arc<Inner<S>>);

pub(super) struct Inner<S> {
    pub(super) state: S,
    pub(super) table: OwnedRouteTable<Endpoint<S>>,
    pub(super) body_bytes_max: usize,
    /// For the bodies that are collected.
    pub(super) budget: Arc<Budget>,
    pub(super) on_start: Vec<OnStart>,
}

impl<S> core::fmt::Debug for Inner<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

impl<S: Send + Sync + 'static> Service<JobCx> for Serving<S> {
    type State = AppExchange;

    fn begin(&self, cx: &mut JobCx, head: &mut RequestHead<'_>) -> AppExchange {
        let inner = &*self.0;
        let table = inner.table.table();
        let found = table.find(head.method(), head.path(), head.authority());
        match found {
            RouteMatch::Found(Matched { to: Endpoint::Function(function), pattern, path, .. }) => {
                let body_bytes_max = function.collected_bytes_max(inner.body_bytes_max);
                let asked = Asked { cx, head, matched: (pattern, path), body_bytes_max };
                if !head.body().follows() && !function.blocks() {
                    return AppExchange::answering(function.run_inline(asked, Body::Empty, &inner.state));
                }
                self.begin_with_more(asked.cx, head, function)
            }
            RouteMatch::Found(Matched { to: Endpoint::Files(files), pattern, path, .. }) => {
                file(cx, head, files, pattern, path)
            }
            #[cfg(feature = "grpc")]
            RouteMatch::Found(Matched { to: Endpoint::Grpc(grpc), .. }) => {
                AppExchange(Phase::Grpc(Box::new(grpc.begin(cx, head))))
            }
            // Nobody wants a body: the answer does not wait for one.
            RouteMatch::MethodNotAllowed(_) | RouteMatch::Options(_) | RouteMatch::NotFound => {
                AppExchange::answering(inner.answer(cx, head, &found, Body::Empty))
            }
        }
    }

    fn body(&self, cx: &mut JobCx, state: &mut AppExchange, chunk: &[u8], end: bool) -> Taken {
        match &mut state.0 {
            Phase::Collecting(collecting) => {
                if collecting.body.len() + chunk.len() > collecting.bytes_max {
                    *state = AppExchange::answering(too_large());
                    return Taken::Stop;
                }
                if let Err(UsedUp) = collecting.body.push(chunk) {
                    *state = AppExchange::answering(busy());
                    return Taken::Stop;
                }
                if end {
                    let body = Body::Bytes(collecting.body.take());
                    let body = body.with_trailers(collecting.trailers.take());
                    let response = self.0.answer_owned(cx, &collecting.head, body);
                    *state = AppExchange::answering(response);
                }
                Taken::All
            }
            Phase::Elsewhere(elsewhere) => match &mut elsewhere.feed {
                Some(feed) => match feed.push(chunk, end) {
                    Ok(taken) => taken,
                    Err(TooLarge) => {
                        elsewhere.errand.owe();
                        *state = AppExchange::answering(too_large());
                        Taken::Stop
                    }
                },
                None => Taken::Stop,
            },
            Phase::Answering(Answering { feed: place @ Some(_), .. }) => {
                let taken = place.as_mut().map_or(Ok(Taken::Stop), |feed| feed.push(chunk, end));
                taken.unwrap_or_else(|TooLarge| {
                    // The answer has begun: all that is left is to let its reader know.
                    *place = None;
                    Taken::Stop
                })
            }
            Phase::Answering(_) | Phase::File(_) => Taken::Stop,
            #[cfg(feature = "grpc")]
            Phase::Grpc(call) => call.body(cx, chunk, end),
        }
    }

    fn request_trailers(&self, _cx: &mut JobCx, state: &mut AppExchange, trailers: FieldBlock<'_>) {
        let place = match &mut state.0 {
            Phase::Collecting(collecting) => Some(&mut collecting.trailers),
            Phase::Elsewhere(elsewhere) => elsewhere.feed.as_mut().map(|feed| &mut feed.trailers),
            Phase::Answering(answering) => answering.feed.as_mut().map(|feed| &mut feed.trailers),
            Phase::File(_) => None,
            // A call has metadata before its messages only.
            #[cfg(feature = "grpc")]
            Phase::Grpc(_) => None,
        };
        if let Some(place) = place {
            *place = Some(OwnedFields::copy_of(trailers));
        }
    }

    #[inline]
    fn advance(&self, _cx: &mut JobCx, state: &mut AppExchange) {
        state.arrive();
    }

    fn head<'s>(&self, state: &'s mut AppExchange) -> HeadAnswer<'s> {
        if let Phase::Elsewhere(elsewhere) = &mut state.0
            && let Some(response) = elsewhere.answer.take()
        {
            // A panic over there is one of this exchange: whoever runs it counts it and answers.
            let response = response.unwrap_or_else(|panic| resume_unwind(panic));
            let feed = elsewhere.feed.take();
            let has_pushes = response.has_pushes();
            state.0 = Phase::Answering(Answering { response, sent: 0, feed });
            if has_pushes {
                // They come first: the job that its wake is for will ask for them.
                return HeadAnswer::NotYet;
            }
        }
        match &mut state.0 {
            Phase::Answering(answering) if answering.response.body.has_begun() => {
                HeadAnswer::Final(answering.response.head(), answering.response.plan())
            }
            Phase::File(plan) => {
                let (head, body) = plan.head();
                HeadAnswer::Final(head, body)
            }
            Phase::Answering(_) | Phase::Collecting(_) | Phase::Elsewhere(_) => HeadAnswer::NotYet,
            #[cfg(feature = "grpc")]
            Phase::Grpc(call) => call.head(),
        }
    }

    #[inline]
    fn whole<'s>(&self, state: &'s AppExchange) -> Option<WholeAnswer<'s>> {
        match &state.0 {
            Phase::Answering(answering) => {
                let response = &answering.response;
                if response.has_pushes() {
                    return None;
                }
                Some(WholeAnswer { head: response.head(), body: response.body.in_memory()? })
            }
            #[cfg(feature = "grpc")]
            Phase::Grpc(call) => call.whole(),
            Phase::Collecting(_) | Phase::Elsewhere(_) | Phase::File(_) => None,
        }
    }

    fn fill(&self, state: &mut AppExchange, out: &mut [u8]) -> Fill {
        match &mut state.0 {
            Phase::Answering(answering) => answering.response.body.fill(&mut answering.sent, out),
            Phase::File(plan) => plan.body_mut().fill(out),
            Phase::Collecting(_) | Phase::Elsewhere(_) => Fill::Blocked,
            #[cfg(feature = "grpc")]
            Phase::Grpc(call) => call.fill(out),
        }
    }

    fn trailers<'s>(&self, state: &'s mut AppExchange) -> FieldBlock<'s> {
        match &mut state.0 {
            Phase::Answering(answering) => answering.response.body.trailers(),
            Phase::File(_) | Phase::Collecting(_) | Phase::Elsewhere(_) => FieldBlock::EMPTY,
            #[cfg(feature = "grpc")]
            Phase::Grpc(call) => call.trailers(),
        }
    }
}

impl<S: Send + Sync + 'static> Application for Serving<S> {
    #[inline]
    fn end_whole(&self, _cx: &mut JobCx, state: &mut Option<AppExchange>, _outcome: Outcome) {
        if state.as_ref().is_some_and(AppExchange::is_constant) {
            // It owns nothing: this spares the look at each of its parts that dropping it is.
            core::mem::forget(state.take());
        } else {
            drop(state.take());
        }
    }

    fn pushes(&self, state: &mut AppExchange) -> Option<Box<Pushes>> {
        state.arrive();
        match &mut state.0 {
            Phase::Answering(answering) => answering.response.take_pushes(),
            Phase::Collecting(_) | Phase::Elsewhere(_) | Phase::File(_) => None,
            #[cfg(feature = "grpc")]
            Phase::Grpc(_) => None,
        }
    }

    fn direct(&self, state: &mut AppExchange) -> u64 {
        match &state.0 {
            Phase::File(plan) => plan.body().direct(),
            Phase::Answering(_) | Phase::Collecting(_) | Phase::Elsewhere(_) => 0,
            #[cfg(feature = "grpc")]
            Phase::Grpc(_) => 0,
        }
    }

    fn send(&self, state: &mut AppExchange, socket: BorrowedFd<'_>, len: u64) -> io::Result<usize> {
        match &mut state.0 {
            Phase::File(plan) => plan.body_mut().send_to(socket, len),
            Phase::Answering(_) | Phase::Collecting(_) | Phase::Elsewhere(_) => {
                Err(io::Error::from(io::ErrorKind::Unsupported))
            }
            #[cfg(feature = "grpc")]
            Phase::Grpc(_) => Err(io::Error::from(io::ErrorKind::Unsupported)),
        }
    }

    fn started(&self, server: &ServerHandle) {
        for then in &self.0.on_start {
            then(server);
        }
    }

    fn tidy(&self, cx: &mut JobCx) {
        for route in self.0.table.table().routes() {
            if let Endpoint::Files(files) = &route.to {
                files.sweep(cx.shard(), cx.now());
            }
        }
    }
}

/// Answers with the file that the rest of the path names.
fn file(
    cx: &mut JobCx,
    head: &RequestHead<'_>,
    files: &FileServer,
    pattern: &str,
    path: &str,
) -> AppExchange {
    let prefix = pattern.strip_suffix("/*").unwrap_or(pattern);
    let rest = path.strip_prefix(prefix).unwrap_or(path);
    let is_folder = rest.is_empty();
    let request = FileRequest {
        method: head.method(),
        path: if is_folder { path } else { rest },
        query: head.query(),
        fields: head.fields(),
    };
    let plan =
        if is_folder { FilePlan::to_directory(&request) } else { files.plan(cx.shard(), &request, cx.now()) };
    AppExchange(Phase::File(Box::new(plan)))
}

impl<S: Send + Sync + 'static> Serving<S> {
    /// A request with a body, refused as its framing tells, else streamed or collected; or one whose handler
    /// blocks.
    #[inline(never)]
    fn begin_with_more(&self, cx: &mut JobCx, head: &RequestHead<'_>, function: &Function<S>) -> AppExchange {
        if !head.body().follows() {
            return self.begin_elsewhere(cx, head, None);
        }
        if let Some(refusal) = function.refuses(head.body(), self.0.body_bytes_max) {
            return AppExchange::answering(refusal);
        }
        if function.options.streams {
            return self.begin_elsewhere(cx, head, Some(function.body_bytes_max(self.0.body_bytes_max)));
        }
        AppExchange(Phase::Collecting(Box::new(Collecting {
            head: OwnedRequestHead::of(head),
            body: Collected::new(Arc::clone(&self.0.budget)),
            bytes_max: function.collected_bytes_max(self.0.body_bytes_max),
            trailers: None,
        })))
    }

    /// Starts the handler on another thread, with a pipe for a body of at most `body_bytes_max` if there is
    /// one.
    fn begin_elsewhere(
        &self,
        cx: &mut JobCx,
        head: &RequestHead<'_>,
        body_bytes_max: Option<u64>,
    ) -> AppExchange {
        let pipe = Pipe::for_request(cx.waker());
        let answer = Arc::new(AnswerSlot::default());
        let owned = OwnedRequestHead::of(head);
        let body = match body_bytes_max {
            None => Body::Empty,
            Some(_) => Body::Stream(PipeReader(Arc::clone(&pipe))),
        };
        let (inner, slot, waker, mut job_cx) =
            (Arc::clone(&self.0), Arc::clone(&answer), cx.waker(), cx.fork());
        let started = cx.send_out(move |duty| {
            let run = || inner.answer_owned(&mut job_cx, &owned, body);
            let response = catch_unwind(AssertUnwindSafe(run));
            drop(duty);
            slot.put(response);
            waker.wake();
        });
        let Ok(errand) = started else { return AppExchange::answering(busy()) };
        let feed = Some(Box::new(Feed { pipe, bytes_left: body_bytes_max.unwrap_or(0), trailers: None }));
        AppExchange(Phase::Elsewhere(Box::new(Elsewhere { feed, answer, errand })))
    }
}

impl<S: 'static> Inner<S> {
    fn answer_owned(&self, cx: &mut JobCx, head: &OwnedRequestHead, body: Body) -> Response {
        let mut bytes = Vec::new();
        let mut fields: Vec<Field> = Vec::new();
        let view = head.view(Scratch { bytes: &mut bytes, fields: &mut fields });
        let table = self.table.table();
        let found = table.find(view.method(), view.path(), view.authority());
        self.answer(cx, &view, &found, body)
    }

    /// Runs the handler that was found, or says why there is none.
    fn answer(
        &self,
        cx: &mut JobCx,
        head: &RequestHead<'_>,
        found: &RouteMatch<'_, Endpoint<S>>,
        body: Body,
    ) -> Response {
        match *found {
            RouteMatch::Found(Matched { to: Endpoint::Function(function), pattern, path, .. }) => {
                let body_bytes_max = function.collected_bytes_max(self.body_bytes_max);
                let asked = Asked { cx, head, matched: (pattern, path), body_bytes_max };
                function.run(asked, body, &self.state)
            }
            // Files are answered before it comes to this.
            RouteMatch::Found(_) => Response::new(Status::INTERNAL_SERVER_ERROR),
            RouteMatch::MethodNotAllowed(_) if head.method() == Method::Other => {
                Response::text("this method is not implemented\n").status(Status::NOT_IMPLEMENTED)
            }
            RouteMatch::MethodNotAllowed(allow) => with_allow(
                Response::text("this method is not allowed here\n").status(Status::METHOD_NOT_ALLOWED),
                allow,
            ),
            RouteMatch::Options(allow) => with_allow(Response::new(Status::NO_CONTENT), allow),
            // `OPTIONS *` asks about the server as a whole (RFC 9110 §9.3.7).
            RouteMatch::NotFound if head.form() == TargetForm::Asterisk => {
                with_allow(Response::new(Status::NO_CONTENT), self.methods_served())
            }
            RouteMatch::NotFound => Response::text("nothing is here\n").status(Status::NOT_FOUND),
        }
    }

    fn methods_served(&self) -> MethodSet {
        let every = self.table.table().entries();
        let every = every.fold(MethodSet::NONE, |sum, entry| sum.union(entry.methods));
        // A target of CONNECT is a host and a port, and nothing of ours (RFC 9110 §9.3.6).
        every.served().with(Method::Options).without(Method::Connect)
    }
}

fn with_allow(response: Response, allow: MethodSet) -> Response {
    response.field(KnownName::Allow, allow.to_string())
}
