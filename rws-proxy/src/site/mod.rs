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
mod log;
mod metrics;
mod proxy;
mod routes;

use alloc::sync::Arc;
use core::time::Duration;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::OnceLock;

use rws_core::connection::{Fill, HeadAnswer};
use rws_core::message::{BodyFraming, FieldBlock, KnownName, Method, RequestHead, TargetForm};
use rws_core::route::MethodSet;
use rws_core::service::{Context, Outcome, Service, Taken};
use rws_core::{Instant, PeerFault, Status};
use rws_std::files::{FilePlan, FileRequest};
use rws_std::forward::{Forward, Forwarded};
use rws_std::{Application, JobCx, ServerHandle, sys};

use self::answer::{Answer, Page};
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
}

fn own_pages() -> [Page; 7] {
    [
        Page::text(Status::NOT_FOUND, "there is nothing here\n"),
        Page::text(Status::MISDIRECTED_REQUEST, "this host is not served here\n"),
        Page::text(Status::CONTENT_TOO_LARGE, "the body is too large\n"),
        Page::text(Status::FORBIDDEN, "metrics are for this machine only\n").not_stored(),
        Page::text(Status::OK, "alive\n").not_stored(),
        Page::text(Status::OK, "ready\n").not_stored(),
        Page::text(Status::SERVICE_UNAVAILABLE, "draining\n").not_stored(),
    ]
}

/// One exchange.
#[derive(Debug)]
pub struct Exchange {
    answer: Answer,
    began: Instant,
    /// The place of the route.
    route: Option<usize>,
    head_is_out: bool,
    note: Option<Note>,
}

impl Site {
    /// What `config` serves, with memory for this many shards; lines of the access log go to `log`, if it is
    /// there.
    ///
    /// # Errors
    /// A root that cannot be opened any more, or a path that the route table does not take.
    pub fn new(config: &Config, shards: usize, log: Option<&LogIntake>) -> io::Result<Site> {
        let routes = Routes::new(config, shards)?;
        let pages = |_| routes.pages.iter().cloned().chain(own_pages()).map(Arc::new).collect();
        Ok(Site {
            pages: (0..shards.max(1)).map(pages).collect(),
            body_bytes_max: config.request_body_bytes_max,
            metrics_for_all: config.metrics,
            metrics: Metrics::new(routes.labels(), shards),
            log: log.map(|intake| SiteLog::new(intake.clone(), config.log_format, shards)),
            server: OnceLock::new(),
            routes,
        })
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
        let answer = if is_too_large { self.own(cx, Own::TooLarge) } else { self.lead(cx, head, endpoint) };
        (answer, Some(place))
    }

    fn lead(&self, cx: &mut JobCx, head: &RequestHead<'_>, endpoint: &Endpoint) -> Answer {
        match &endpoint.target {
            Target::Files { server, mount } => self.file(cx, head, *server, mount),
            Target::Page(page) => self.page(cx, *page),
            Target::Proxy(proxy) => Answer::Upstream(proxy.begin(cx, head)),
            Target::Health => self.own(cx, Own::Alive),
            Target::Ready => {
                let is_draining = self.server.get().is_some_and(ServerHandle::is_draining);
                self.own(cx, if is_draining { Own::Draining } else { Own::Ready })
            }
            Target::Metrics => {
                let is_near = cx.connection().peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback());
                if is_near || self.metrics_for_all {
                    self.metrics_page()
                } else {
                    self.own(cx, Own::Forbidden)
                }
            }
        }
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
        let (answer, route) = self.answer(cx, head);
        let note = self.log.as_ref().map(|_| Note::of(head));
        Exchange { answer, began: cx.now(), route, head_is_out: false, note }
    }

    fn body(&self, _cx: &mut JobCx, _state: &mut Exchange, _chunk: &[u8], _end: bool) -> Taken {
        // Nothing of ours reads a body: the answer does not wait for it, and the engine drops a short rest.
        Taken::Stop
    }

    fn head<'s>(&self, state: &'s mut Exchange) -> HeadAnswer<'s> {
        state.head_is_out = state.answer.status().is_some();
        state.answer.head()
    }

    fn fill(&self, state: &mut Exchange, out: &mut [u8]) -> Fill {
        state.answer.fill(out)
    }

    fn trailers<'s>(&self, _state: &'s mut Exchange) -> FieldBlock<'s> {
        FieldBlock::EMPTY
    }

    fn end(&self, cx: &mut JobCx, state: Exchange, outcome: Outcome) {
        let duration = Duration::from_micros(sys::monotonic_us().saturating_sub(state.began.as_micros()));
        let (ended, status, body_bytes) = match outcome {
            Outcome::Complete { status, body_bytes } => (Ended::Whole(status), Some(status), body_bytes),
            Outcome::Aborted(_) => {
                let status = if state.head_is_out { state.answer.status() } else { None };
                (Ended::Aborted, status, state.answer.sent())
            }
        };
        self.metrics.count(cx.shard(), state.route, ended, duration);
        if let (Some(log), Some(note)) = (&self.log, &state.note) {
            let route = state.route.and_then(|place| self.routes.endpoint(place));
            let ending = Ending { status, is_whole: ended != Ended::Aborted, body_bytes, duration, route };
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
        if let Answer::Upstream(proxied) = &mut state.answer {
            proxied.take(forwarded);
        }
    }

    fn direct(&self, state: &mut Exchange) -> u64 {
        state.answer.direct()
    }

    fn send(&self, state: &mut Exchange, socket: BorrowedFd<'_>, len: u64) -> io::Result<usize> {
        state.answer.send(socket, len)
    }

    fn refused(&self, cx: &mut JobCx, status: Status, fault: PeerFault) {
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

/// A status that the configuration was checked for.
fn status(code: u16) -> Status {
    Status::new(code).unwrap_or(Status::INTERNAL_SERVER_ERROR)
}
