//! The site's side of the access log: what is remembered of a request until its line is written.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::sync::{Mutex, PoisonError};

use rws_core::connection::ResetCause;
use rws_core::message::{KnownName, OwnedFields, RequestHead, Version};
use rws_core::middleware::TraceIdState;
use rws_core::service::Context;
use rws_core::{PeerFault, Status};
use rws_std::{JobCx, sys};

use super::routes::Endpoint;
use crate::access_log::{FIELD_BYTES_MAX, Format, Level, LineBuffer, LogIntake, Record};

/// Bytes of one field that are remembered: one more than a line shows, so that the line tells of the cut.
const KEPT_BYTES_MAX: usize = FIELD_BYTES_MAX + 1;

/// A way to the log for each shard.
#[derive(Debug)]
pub(super) struct SiteLog {
    intake: LogIntake,
    shards: Box<[Mutex<LineBuffer>]>,
}

/// What is remembered of a request for its line and its answer: one piece of memory with the texts one behind
/// the other, and who takes part in it.
#[derive(Debug)]
pub(super) struct Note {
    text: Box<[u8]>,
    method: u16,
    target: u16,
    user_agent: Option<u16>,
    referer: Option<u16>,
    version: Version,
    id: TraceIdState,
    client: Option<IpAddr>,
    /// The server of the upstream that it was sent to last.
    pub(super) backend: Option<SocketAddr>,
    /// Why it could not be answered as it should be.
    pub(super) error: Option<&'static str>,
    /// The fields of an answer of our own, the id among them.
    pub(super) fields: OwnedFields,
}

/// How an exchange ended, for its line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending<'e> {
    /// `None` if no answer had begun.
    pub(super) status: Option<Status>,
    /// Why it was cut short, if it was.
    pub(super) cut_by: Option<ResetCause>,
    pub(super) body_bytes: u64,
    pub(super) duration: Duration,
    pub(super) route: Option<&'e Endpoint>,
}

impl Note {
    /// What is to be remembered of `head`, which `client` has sent.
    pub(super) fn of(head: &RequestHead<'_>, client: Option<IpAddr>, id: TraceIdState) -> Note {
        let (fields, cut) = (head.fields(), |text: &[u8]| text.len().min(KEPT_BYTES_MAX) as u16);
        let user_agent = fields.first(KnownName::UserAgent);
        let referer = fields.first(KnownName::Referer);
        let (method, target) = (cut(head.method_bytes()), cut(head.target()));
        let parts = [head.method_bytes(), head.target(), user_agent.unwrap_or(&[]), referer.unwrap_or(&[])];
        let parts = parts.map(|part| &part[..usize::from(cut(part))]);
        Note {
            text: parts.concat().into(),
            method,
            target,
            user_agent: user_agent.map(cut),
            referer: referer.map(cut),
            version: head.version(),
            id,
            client,
            backend: None,
            error: None,
            fields: OwnedFields::new(),
        }
    }

    /// The request's id; empty if it has none.
    pub(super) fn id(&self) -> &[u8] {
        self.id.id()
    }

    fn parts(&self) -> [Option<&[u8]>; 4] {
        let mut at = 0;
        [Some(self.method), Some(self.target), self.user_agent, self.referer].map(|len| {
            let from = at;
            at += usize::from(len?);
            self.text.get(from..at)
        })
    }
}

impl SiteLog {
    /// Lines in this format, from this many shards.
    pub(super) fn new(intake: LogIntake, format: Format, shards: usize) -> SiteLog {
        let buffer = |_| Mutex::new(intake.line_buffer(format));
        SiteLog { shards: (0..shards.max(1)).map(buffer).collect(), intake }
    }

    /// Lines that were dropped so far.
    pub(super) fn dropped_lines(&self) -> u64 {
        self.intake.dropped_lines()
    }

    /// Writes the line of an exchange that is over.
    pub(super) fn exchange(&self, cx: &JobCx, note: &Note, ending: &Ending<'_>) {
        let [method, target, user_agent, referer] = note.parts();
        let status = ending.status.map_or(0, Status::code);
        let level = match (Level::of_status(status), ending.cut_by) {
            (_, Some(ResetCause::ByUs)) => Level::Error,
            (Level::Info, Some(_)) => Level::Warn,
            // A call is told of it behind a status of 200.
            (Level::Info, None) if note.error.is_some() => Level::Error,
            (level, _) => level,
        };
        let record = Record {
            level,
            method: method.unwrap_or(b""),
            path: target.unwrap_or(b""),
            protocol: note.version.as_str(),
            status,
            latency_us: u64::try_from(ending.duration.as_micros()).unwrap_or(u64::MAX),
            request_id: note.id(),
            client: note.client,
            bytes: ending.body_bytes,
            user_agent,
            referer,
            route: ending.route.map(|route| &*route.label),
            upstream: ending.route.and_then(Endpoint::upstream),
            backend: note.backend,
            is_aborted: ending.cut_by.is_some(),
            error: note.error.or(ending.cut_by.map(why)),
            ..of_nobody(cx)
        };
        self.write(cx, &record);
    }

    /// Writes the line of a request that could not be read.
    pub(super) fn refused(&self, cx: &JobCx, status: Status, fault: PeerFault) {
        let (level, status) = (Level::of_status(status.code()), status.code());
        self.write(cx, &Record { level, status, error: Some(fault.text()), ..of_nobody(cx) });
    }

    fn write(&self, cx: &JobCx, record: &Record<'_>) {
        // Nobody else wants this lock: one thread drives the shard.
        let Some(lines) = self.shards.get(cx.shard() % self.shards.len()) else { return };
        lines.lock().unwrap_or_else(PoisonError::into_inner).write(record);
    }
}

/// A line that says nothing but when, and from where.
fn of_nobody<'r>(cx: &JobCx) -> Record<'r> {
    Record {
        unix_time_us: sys::unix_time_us(),
        level: Level::Info,
        method: b"-",
        path: b"-",
        protocol: "-",
        status: 0,
        latency_us: 0,
        request_id: b"",
        peer: peer(cx),
        client: None,
        bytes: 0,
        user_agent: None,
        referer: None,
        route: None,
        upstream: None,
        backend: None,
        is_aborted: false,
        error: None,
    }
}

/// Why an exchange was cut short.
const fn why(cause: ResetCause) -> &'static str {
    match cause {
        ResetCause::Truncated => "the request ended before its time",
        ResetCause::BodyTimeout => "the client was too slow with its body",
        ResetCause::WriteTimeout => "the client was too slow to take the answer",
        ResetCause::ByPeer => "the client has gone",
        ResetCause::ByUs => "the answer could not be completed",
    }
}

fn peer(cx: &JobCx) -> IpAddr {
    cx.connection().peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip().to_canonical())
}
