//! Gives every request an id that all who handle it can see.

use core::net::IpAddr;

use super::traceparent::{Trace, write_hex};
use super::{
    BodyView, Hooks, IpSet, Middleware, NoAddress, Reply, RequestVerdict, ResponseParts, ResponseVerdict,
};
use crate::message::RequestHead;
use crate::scan::copy_into;
use crate::service::Context;
use crate::{Error, KnownName, Status};

/// Stamps `X-Request-ID` on the request (so that handler, log and upstream see it) and on the answer, and
/// continues a W3C trace (`traceparent`) with a span of its own.
///
/// An incoming id is kept only from a trusted peer, and only if it is well-formed: exactly one, of 1 to
/// [`ID_BYTES_MAX`] letters, digits and `-_.:+=/@`. Otherwise the id is 32 hexadecimal digits of the context's
/// entropy. A `traceparent` that is malformed, repeated, or not to be believed starts a new trace, and its
/// `tracestate` goes (W3C Trace Context §3.2, §3.3).
///
/// Where the head cannot be edited for lack of memory the answer is 431: otherwise a client's own id would
/// be taken for ours.
#[derive(Clone, Copy, Debug)]
pub struct TraceIdLayer<T = NoAddress> {
    trusted: T,
    is_answer_stamped: bool,
    traces: TracesFrom,
}

/// Whose `traceparent` is continued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TracesFrom {
    /// Everybody's.
    #[default]
    All,
    /// That of trusted peers: strangers can neither choose trace ids nor have traces recorded.
    Trusted,
}

/// The longest request id that is accepted: bytes.
pub const ID_BYTES_MAX: usize = 64;

impl TraceIdLayer {
    /// A layer that believes nobody's request id.
    pub const fn new() -> TraceIdLayer {
        TraceIdLayer { trusted: NoAddress, is_answer_stamped: true, traces: TracesFrom::All }
    }
}

impl Default for TraceIdLayer {
    fn default() -> TraceIdLayer {
        TraceIdLayer::new()
    }
}

impl<T: IpSet> TraceIdLayer<T> {
    /// The same layer, which believes the request ids of these peers.
    pub fn trusting<U: IpSet>(self, trusted: U) -> TraceIdLayer<U> {
        TraceIdLayer { trusted, is_answer_stamped: self.is_answer_stamped, traces: self.traces }
    }

    /// The same layer, which continues these traces.
    #[must_use]
    pub fn traces_from(self, traces: TracesFrom) -> TraceIdLayer<T> {
        TraceIdLayer { traces, ..self }
    }

    /// The same layer, which leaves answers alone.
    #[must_use]
    pub fn without_answer_field(self) -> TraceIdLayer<T> {
        TraceIdLayer { is_answer_stamped: false, ..self }
    }
}

/// What the layer remembers: the request's id.
#[derive(Clone, Copy, Debug)]
pub struct TraceIdState {
    bytes: [u8; ID_BYTES_MAX],
    len: u8,
}

impl Default for TraceIdState {
    fn default() -> TraceIdState {
        TraceIdState { bytes: [0; ID_BYTES_MAX], len: 0 }
    }
}

impl TraceIdState {
    /// The id; empty before the request hook has run.
    pub fn id(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&[])
    }

    fn set(&mut self, id: &[u8]) {
        if let Some(place) = self.bytes.get_mut(..id.len()) {
            copy_into(place, id);
            self.len = id.len() as u8;
        }
    }
}

const HEAD_TOO_LARGE: Reply =
    Reply::new(Status::REQUEST_HEADER_FIELDS_TOO_LARGE, "the head leaves no room for a request id\n");

impl<C: Context + ?Sized, T: IpSet> Middleware<C> for TraceIdLayer<T> {
    type State = TraceIdState;

    fn hooks(&self) -> Hooks {
        if self.is_answer_stamped { Hooks::REQUEST.and(Hooks::RESPONSE) } else { Hooks::REQUEST }
    }

    fn request(
        &self,
        cx: &mut C,
        state: &mut TraceIdState,
        head: &mut RequestHead<'_>,
        _body: Option<&[u8]>,
    ) -> RequestVerdict {
        let peer: Option<IpAddr> = cx.connection().peer.map(|peer| peer.ip().to_canonical());
        let is_trusted = peer.is_some_and(|peer| self.trusted.contains(peer));
        if !self.keep_id(state, head, is_trusted) {
            let mut random = [0; 16];
            cx.entropy(&mut random);
            let mut id = [0; 32];
            write_hex(&random, &mut id);
            state.set(&id);
        }
        let told = head.fields().single(KnownName::Traceparent).and_then(Trace::parse);
        let (trace, is_continued) = match told {
            Some(trace) if is_trusted || self.traces == TracesFrom::All => (trace, true),
            Some(_) | None => {
                let mut random = [0; 16];
                cx.entropy(&mut random);
                (Trace::new(random), false)
            }
        };
        let mut span = [0; 8];
        cx.entropy(&mut span);
        match stamp(head, state.id(), &trace.with_span(span), is_continued) {
            Ok(()) => RequestVerdict::Continue,
            Err(_) => RequestVerdict::Reply(HEAD_TOO_LARGE),
        }
    }

    fn response(
        &self,
        _cx: &mut C,
        state: &mut TraceIdState,
        head: &mut ResponseParts<'_, '_>,
        _body: BodyView<'_>,
    ) -> ResponseVerdict {
        // Without room for it the answer is still right; it is only harder to find in a log.
        let _ = head.fields.set(KnownName::XRequestId, state.id());
        ResponseVerdict::Continue
    }
}

impl<T> TraceIdLayer<T> {
    /// Keeps the id that came, if it may be believed.
    fn keep_id(&self, state: &mut TraceIdState, head: &RequestHead<'_>, is_trusted: bool) -> bool {
        let told = if is_trusted { head.fields().single(KnownName::XRequestId) } else { None };
        let Some(id) = told.filter(|id| is_id(id)) else { return false };
        state.set(id);
        true
    }
}

fn is_id(id: &[u8]) -> bool {
    let is_id_byte = |&byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:+=/@".contains(&byte);
    (1..=ID_BYTES_MAX).contains(&id.len()) && id.iter().all(is_id_byte)
}

fn stamp(head: &mut RequestHead<'_>, id: &[u8], traceparent: &[u8], is_continued: bool) -> Result<(), Error> {
    let fields = head.fields_mut().edit()?;
    fields.set(KnownName::XRequestId, id)?;
    fields.set(KnownName::Traceparent, traceparent)?;
    if !is_continued {
        fields.remove(KnownName::Tracestate);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
