//! The site: what a checked configuration serves, as an application for the shards.
//!
//! ```text
//!   request ──▶ routes.rs: which route? ──▶ files │ page │ proxy.rs │ /healthz /readyz /metrics
//!                                             └──────┴── answer.rs: head, fill, sendfile
//!   end ──▶ metrics/ (by pattern) and log.rs (one line)
//! ```
//!
//! An exchange remembers its answer, and what its line in the log will say, if there is a log. The way of a
//! file that is known takes no memory from the heap.

mod answer;
mod client;
mod grpc;
mod log;
mod metrics;
mod proxy;
mod routes;

use alloc::sync::Arc;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::OnceLock;

use rws_core::connection::{Fill, HeadAnswer};
use rws_core::message::{
    BodyFraming, FieldBlock, KnownName, Method, OwnedFields, RequestHead, ResponseHead, TargetForm,
};
use rws_core::middleware::{Middleware as _, Reply, RequestVerdict, TraceIdLayer, TraceIdState};
use rws_core::route::MethodSet;
use rws_core::service::{Context, Outcome, Service, Taken, WholeAnswer};
use rws_core::{Instant, PeerFault, Status};
use rws_std::files::{FilePlan, FileRequest};
use rws_std::forward::{Forward, ForwardError, Forwarded};
use rws_std::{Application, CutShort, JobCx, ServerHandle, sys};

use self::answer::{Answer, Page};
use self::client::Trust;
use self::log::{Ending, Note, SiteLog};
use self::metrics::{Ended, Metrics};
use self::routes::{Endpoint, Found, Routes, Target};
use crate::access_log::LogIntake;
use crate::config::Config;

/// What a configuration serves.
#[derive(Debug)]
pub struct Site {
    routes: Routes,
    /// The pages of each shard: the configured ones, then those of [`Own`].
    pages: Box<[Box<[Arc<Page>]>]>,
    body_bytes_max: u64,
    metrics_for_all: bool,
    metrics: Metrics,
    log: Option<SiteLog>,
    trust: Trust,
    /// Gives each request its id, if they have ids.
    ids: Option<TraceIdLayer<Trust>>,
    server: OnceLock<ServerHandle>,
}

/// Pages of the site's own, in the order of [`own_pages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Own {
    NotFound,
    UnknownHost,
    TooLarge,
    Forbidden,
    Alive,
    Ready,
    Draining,
    MaxForwards,
}

fn own_pages() -> [Page; 8] {
    [
        Page::text(Status::NOT_FOUND, "there is nothing here\n"),
        Page::text(Status::MISDIRECTED_REQUEST, "this host is not served here\n"),
        Page::text(Status::CONTENT_TOO_LARGE, "the body is too large\n"),
        Page::text(Status::FORBIDDEN, "metrics are for this machine only\n").not_stored(),
        Page::text(Status::OK, "alive\n").not_stored(),
        Page::text(Status::OK, "ready\n").not_stored(),
        Page::text(Status::SERVICE_UNAVAILABLE, "draining\n").not_stored(),
        Page::text(Status::BAD_REQUEST, "Max-Forwards is not one whole number\n"),
    ]
}

/// One exchange.
#[derive(Debug)]
pub struct Exchange {
    answer: Answer,
    began: Instant,
    /// The place of the route.
    route: Option<usize>,
    /// What the client got, if the exchange ends before its time.
    cut: Option<CutShort>,
    /// For the log, and for the id; none without both.
    note: Option<Box<Note>>,
}

impl Site {
    /// What `config` serves, with memory for this many shards; lines of the access log go to `log`, if it is
    /// there.
    ///
    /// # Errors
    /// A root that cannot be opened any more, or a path that the route table does not take.
    pub fn new(config: &Config, shards: usize, log: Option<&LogIntake>) -> io::Result<Site> {
        let routes = Routes::new(config, shards)?;
        let trust = Trust::new(config);
        let pages = |_| routes.pages.iter().cloned().chain(own_pages()).map(Arc::new).collect();
        Ok(Site {
            pages: (0..shards.max(1)).map(pages).collect(),
            body_bytes_max: config.request_body_bytes_max,
            metrics_for_all: config.metrics,
            metrics: Metrics::new(routes.labels(), shards),
            log: log.map(|intake| SiteLog::new(intake.clone(), config.log_format, shards)),
            ids: config.request_id.then(|| TraceIdLayer::new().trusting(trust.clone())),
            trust,
            server: OnceLock::new(),
            routes,
        })
    }

    /// What is to be remembered of a request where there is a log or requests have ids; and an answer, if it cannot
    /// have one.
    #[inline(never)]
    fn note(&self, cx: &mut JobCx, head: &mut RequestHead<'_>) -> (Box<Note>, Option<Reply>) {
        let client = self.trust.client(cx.connection(), head);
        let mut id = TraceIdState::default();
        let verdict = match &self.ids {
            Some(layer) => layer.request(cx, &mut id, head, None),
            None => RequestVerdict::Continue,
        };
        let refusal = match verdict {
            RequestVerdict::Reply(reply) => Some(reply),
            RequestVerdict::Continue | RequestVerdict::NeedBody(_) => None,
        };
        (Box::new(Note::of(head, client, id)), refusal)
    }

    fn answer(&self, cx: &mut JobCx, head: &RequestHead<'_>) -> (Answer, Option<usize>) {
        let (endpoint, place) = match self.routes.find(head) {
            Found::Route(endpoint, place) => (endpoint, place),
            Found::NotAllowed(allow) => return (not_allowed(head.method(), allow), None),
            Found::Options(allow) => return (allowed(allow), None),
            Found::UnknownHost => return (self.own(cx, Own::UnknownHost), None),
            Found::Nothing if head.form() == TargetForm::Asterisk => {
                return (allowed(self.routes.methods()), None);
            }
            Found::Nothing => return (self.own(cx, Own::NotFound), None),
        };
        // Said before a byte of the body is read, and before any `100 (Continue)`.
        let is_too_large = matches!(head.body(), BodyFraming::Sized(n) if n > self.body_bytes_max);
        let answer = match is_too_large {
            true if endpoint.is_grpc() => too_large_call(),
            true => self.own(cx, Own::TooLarge),
            false => self.lead(cx, head, endpoint),
        };
        (answer, Some(place))
    }

    fn lead(&self, cx: &mut JobCx, head: &RequestHead<'_>, endpoint: &Endpoint) -> Answer {
        match &endpoint.target {
            Target::Files { server, mount } => self.file(cx, head, *server, mount),
            Target::Page(_) | Target::Proxy(_) if head.method() == Method::Trace => {
                not_allowed(Method::Trace, endpoint.allow())
            }
            Target::Page(page) => self.page(cx, *page),
            Target::Proxy(proxy) => match proxy::hops(head) {
                // It goes no further: we are whom it is for.
                Ok(Some(0)) => allowed(endpoint.allow()),
                Ok(hops) => Answer::Upstream(proxy.begin(cx, head, &self.trust, hops)),
                Err(_) => self.own(cx, Own::MaxForwards),
            },
            Target::Health => self.own(cx, Own::Alive),
            Target::Ready => {
                let is_draining = self.server.get().is_some_and(ServerHandle::is_draining);
                self.own(cx, if is_draining { Own::Draining } else { Own::Ready })
            }
            Target::Metrics => {
                if self.metrics_for_all || self.trust.is_near(cx.connection(), head) {
                    self.metrics_page()
                } else {
                    self.own(cx, Own::Forbidden)
                }
            }
        }
    }

    /// No upstream has answered.
    #[cold]
    #[inline(never)]
    fn answer_for_upstream(&self, state: &mut Exchange, error: ForwardError) {
        let endpoint = state.route.and_then(|place| self.routes.endpoint(place));
        let is_grpc = endpoint.is_some_and(Endpoint::is_grpc);
        if is_grpc {
            state.answer = grpc::page(grpc::code_of(error), error.text()).into();
        }
        // Without a note there is nobody to tell, and the text that the exchange has by itself will do.
        let Some(note) = &mut state.note else { return };
        note.error = Some(error.text());
        if !is_grpc {
            let page = Page::text(error.status(), &format!("{}\n", error.text()));
            let is_for_now = error.status() == Status::SERVICE_UNAVAILABLE;
            state.answer = if is_for_now { page.with(KnownName::RetryAfter, "1") } else { page }.into();
        }
        sign(&mut state.answer, note);
    }

    fn file(&self, cx: &JobCx, head: &RequestHead<'_>, server: usize, mount: &str) -> Answer {
        let below = head.path().strip_prefix(mount).unwrap_or(head.path());
        let (path, is_mount) = if below.is_empty() { (head.path(), true) } else { (below, false) };
        let request = FileRequest { method: head.method(), path, query: head.query(), fields: head.fields() };
        let Some(files) = self.routes.files.get(server) else { return self.own(cx, Own::NotFound) };
        Answer::File(if is_mount {
            FilePlan::to_directory(&request)
        } else {
            files.plan(cx.shard(), &request, cx.now())
        })
    }

    fn page(&self, cx: &JobCx, page: usize) -> Answer {
        let pages = &self.pages[cx.shard() % self.pages.len()];
        Answer::page(&pages[page])
    }

    fn own(&self, cx: &JobCx, page: Own) -> Answer {
        self.page(cx, self.routes.pages.len() + page as usize)
    }

    fn metrics_page(&self) -> Answer {
        let dropped = self.log.as_ref().map(SiteLog::dropped_lines);
        let text = self.metrics.page(self.server.get(), dropped);
        let page = Page::new(Status::OK, "text/plain; version=0.0.4; charset=utf-8", text.into_bytes());
        page.not_stored().into()
    }
}

impl Service<JobCx> for Site {
    type State = Exchange;

    fn begin(&self, cx: &mut JobCx, head: &mut RequestHead<'_>) -> Exchange {
        let (mut note, mut refusal) = (None, None);
        if self.log.is_some() || self.ids.is_some() {
            let noted = self.note(cx, head);
            (note, refusal) = (Some(noted.0), noted.1);
        }
        let (answer, route) = match refusal {
            None => self.answer(cx, head),
            Some(reply) => (Page::text(reply.status, reply.text).into(), None),
        };
        let mut begun = Exchange { answer, began: cx.now(), route, cut: None, note };
        if let Some(note) = &mut begun.note {
            sign(&mut begun.answer, note);
        }
        begun
    }

    fn body(&self, _cx: &mut JobCx, _state: &mut Exchange, _chunk: &[u8], _end: bool) -> Taken {
        // Nothing of ours reads a body: the answer does not wait for it, and the engine drops a short rest.
        Taken::Stop
    }

    fn head<'s>(&self, state: &'s mut Exchange) -> HeadAnswer<'s> {
        let answer = state.answer.head();
        match (&state.note, answer) {
            (Some(note), HeadAnswer::Final(head, body)) if !note.fields.block().is_empty() => {
                HeadAnswer::Final(ResponseHead { fields: note.fields.block(), ..head }, body)
            }
            (_, answer) => answer,
        }
    }

    fn whole<'s>(&self, state: &'s Exchange) -> Option<WholeAnswer<'s>> {
        let answer = state.answer.whole()?;
        match &state.note {
            Some(note) if !note.fields.block().is_empty() => {
                let head = ResponseHead { fields: note.fields.block(), ..answer.head };
                Some(WholeAnswer { head, ..answer })
            }
            Some(_) | None => Some(answer),
        }
    }

    fn fill(&self, state: &mut Exchange, out: &mut [u8]) -> Fill {
        state.answer.fill(out)
    }

    fn trailers<'s>(&self, _state: &'s mut Exchange) -> FieldBlock<'s> {
        FieldBlock::EMPTY
    }

    fn end(&self, cx: &mut JobCx, state: Exchange, outcome: Outcome) {
        let duration = Duration::from_micros(sys::monotonic_us().saturating_sub(state.began.as_micros()));
        let (ended, status, body_bytes) = match (outcome, state.cut) {
            (Outcome::Complete { status, body_bytes }, _) => (Ended::Whole(status), Some(status), body_bytes),
            (Outcome::Aborted(_), Some(CutShort::Replaced { status })) => {
                (Ended::Whole(status), Some(status), 0)
            }
            (Outcome::Aborted(_), Some(CutShort::Partly { status, body_bytes })) => {
                (Ended::Aborted, Some(status), body_bytes)
            }
            (Outcome::Aborted(_), Some(CutShort::Unanswered) | None) => (Ended::Aborted, None, 0),
        };
        self.metrics.count(cx.shard(), state.route, ended, duration);
        if let (Some(log), Some(note)) = (&self.log, &state.note) {
            let route = state.route.and_then(|place| self.routes.endpoint(place));
            let cut_by = match (ended, outcome) {
                (Ended::Aborted, Outcome::Aborted(cause)) => Some(cause),
                (Ended::Whole(_) | Ended::Aborted, _) => None,
            };
            let ending = Ending { status, cut_by, body_bytes, duration, route };
            log.exchange(cx, note, &ending);
        }
    }
}

impl Application for Site {
    fn forward(&self, state: &mut Exchange) -> Option<Box<Forward>> {
        match &mut state.answer {
            Answer::Upstream(proxied) => proxied.take_plan(),
            Answer::File(_) | Answer::Page(..) => None,
        }
    }

    fn forwarded(&self, _cx: &mut JobCx, state: &mut Exchange, forwarded: Forwarded<'_>) {
        let Answer::Upstream(proxied) = &mut state.answer else { return };
        proxied.take(forwarded);
        if let Forwarded::Failed(error) = forwarded {
            return self.answer_for_upstream(state, error);
        }
        if let Some(note) = &state.note
            && !note.id().is_empty()
        {
            // It is a field value of moderate length, and there is room for it.
            let _ = proxied.set_field(KnownName::XRequestId, note.id());
        }
    }

    fn forwarding_to(&self, state: &mut Exchange, backend: SocketAddr) {
        if let Some(note) = &mut state.note {
            note.backend = Some(backend);
        }
    }

    fn cut_short(&self, state: &mut Exchange, cut: CutShort) {
        state.cut = Some(cut);
    }

    fn not_begun(&self, cx: &mut JobCx, head: &RequestHead<'_>, status: Status) {
        let route = match self.routes.find(head) {
            Found::Route(_, place) => Some(place),
            Found::NotAllowed(_) | Found::Options(_) | Found::UnknownHost | Found::Nothing => None,
        };
        self.metrics.count(cx.shard(), route, Ended::Whole(status), Duration::ZERO);
        if let Some(log) = &self.log {
            let client = self.trust.client(cx.connection(), head);
            let note = Note::of(head, client, TraceIdState::default());
            let route = route.and_then(|place| self.routes.endpoint(place));
            let duration = Duration::ZERO;
            let ending = Ending { status: Some(status), cut_by: None, body_bytes: 0, duration, route };
            log.exchange(cx, &note, &ending);
        }
    }

    fn direct(&self, state: &mut Exchange) -> u64 {
        state.answer.direct()
    }

    fn send(&self, state: &mut Exchange, socket: BorrowedFd<'_>, len: u64) -> io::Result<usize> {
        state.answer.send(socket, len)
    }

    fn refused(&self, cx: &mut JobCx, status: Status, fault: PeerFault) {
        self.metrics.count_refused(cx.shard(), status);
        if let Some(log) = &self.log {
            log.refused(cx, status, fault);
        }
    }

    fn started(&self, server: &ServerHandle) {
        // A site is served once; a second server would keep counting in the same place.
        let _ = self.server.set(server.clone());
    }

    fn tidy(&self, cx: &mut JobCx) {
        for files in &self.routes.files {
            files.sweep(cx.shard(), cx.now());
        }
    }
}

/// Gives an answer the request's id, if it has one: among its fields, which `note` keeps, and in the text about an
/// error. An upstream's answer gets it once it is there.
#[inline(never)]
fn sign(answer: &mut Answer, note: &mut Note) {
    if note.id().is_empty() {
        return;
    }
    answer.add_id(note.id());
    if let HeadAnswer::Final(head, _) = answer.head() {
        let mut fields = OwnedFields::copy_of(head.fields);
        // It is a field value of moderate length, and there is room for it.
        let _ = fields.set(KnownName::XRequestId, note.id());
        note.fields = fields;
    }
}

/// 405, or 501 for a method that nothing here knows (RFC 9110 §15.6.2).
fn not_allowed(method: Method, allow: MethodSet) -> Answer {
    let page = if method == Method::Other {
        Page::text(Status::NOT_IMPLEMENTED, "this method is not known here\n")
    } else {
        Page::text(Status::METHOD_NOT_ALLOWED, "this method is not allowed here\n")
    };
    page.with(KnownName::Allow, &allow.to_string()).into()
}

/// The answer to OPTIONS (RFC 9110 §9.3.7).
fn allowed(allow: MethodSet) -> Answer {
    Page::text(Status::NO_CONTENT, "").with(KnownName::Allow, &allow.to_string()).into()
}

/// As the page that says so, to a call.
fn too_large_call() -> Answer {
    grpc::page(grpc::code_of(ForwardError::BodyTooLarge), ForwardError::BodyTooLarge.text()).into()
}

/// A status that the configuration was checked for.
fn status(code: u16) -> Status {
    Status::new(code).unwrap_or(Status::INTERNAL_SERVER_ERROR)
}
