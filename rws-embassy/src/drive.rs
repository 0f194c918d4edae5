//! One connection, its machine and its service, without IO: what every driver of this crate turns.
//!
//! ```text
//!           ┌───────────────── turn(env, memory, service, cx) ─────────────────┐
//!           ▼                                                                  │
//!   Send ────────── write some of `unsent` ───────▶ written(n) ────────────────┤
//!   Wait ────┬───── read into `space` ────────────▶ received(n), or ended ─────┤
//!            ├───── the deadline passes ──────────▶ (turn looks at the clock) ─┤
//!            └───── somebody woke the exchange ───▶ (turn asks the service) ───┘
//!   HalfClose ───── send a FIN after what was sent, go on
//!   Closed ──────── end the connection: in order, or by a reset
//! ```
//!
//! All the bytes of a connection lie in one buffer that the driver lends (`flow`): received ones in front, those to be
//! sent behind them, and always enough room left for the head of an answer. A connection begins with HTTP/1, and may
//! turn out to speak something else ([`Also`]).

mod also;
mod flow;
#[cfg(feature = "http2")]
mod http2;

use rws_core::connection::{ByteConnection, Connection, ConnectionStatus, Event, ResetCause, Sent, StreamId};
use rws_core::h1::head::ParsedRequest;
use rws_core::h1::{Received, ReceivedHead};
use rws_core::message::Scratch;
use rws_core::service::{Context, Service, Taken};
use rws_core::{Env, Instant, h1};

pub use self::also::Also;
use self::flow::Eof;
pub use self::flow::Flow;
#[cfg(feature = "http2")]
pub use self::http2::Http2;
use crate::exchange::{Exchange, Pull};
use crate::log;

/// What a connection needs next from its driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Write [`Drive::unsent`], or a part of it, then tell [`Drive::written`].
    Send,
    /// Wait until bytes have come (only if `read`), the [`Drive::deadline`] has passed, or the exchange was woken.
    Wait {
        /// Read into [`Drive::space`].
        read: bool,
    },
    /// Send a FIN after what was sent, keep reading.
    HalfClose,
    /// It is over. `abrupt`: an orderly end would make a cut-off answer look whole, so reset the transport.
    Closed {
        /// By a reset (a TCP RST).
        abrupt: bool,
    },
}

/// What a driver lends for one turn.
#[derive(Debug)]
pub struct Lent<'t> {
    /// The connection's own buffer, the same in every call.
    pub buf: &'t mut [u8],
    /// Memory for one head while it is looked at. It may be another one each time, and all connections can share it.
    pub scratch: Scratch<'t>,
}

/// A context that can be pointed at an exchange.
pub trait Enter: Context {
    /// The calls that follow are about this exchange, at this time.
    fn enter(&mut self, stream: StreamId, now: Instant);
}

/// A connection in the server role. `X` is the state of the service's exchange, `A` what it may speak beside HTTP/1.
#[derive(Debug)]
pub struct Drive<X, A = ()> {
    h1: h1::Server,
    exchange: Option<Exchange<X>>,
    flow: Flow,
    also: A,
}

impl<X> Drive<X> {
    /// A connection that was just accepted, for HTTP/1 alone.
    pub fn new(env: &Env<'_>) -> Drive<X> {
        Drive::open(env, ())
    }

    /// How many bytes a buffer must have for these limits, see [`rws_core::Limits`].
    pub const fn buffer_bytes_min(limits: &rws_core::Limits) -> usize {
        limits.head_bytes_max as usize + limits.response_head_bytes_max as usize
    }
}

impl<X, A: Also<X>> Drive<X, A> {
    /// A connection that was just accepted, for HTTP/1 and what else it may speak.
    pub fn open(env: &Env<'_>, mut also: A) -> Drive<X, A> {
        also.reopen();
        Drive { h1: h1::Server::new(env), exchange: None, flow: Flow::NEW, also }
    }

    /// The next connection, in the same memory. The one before must have been told that it is closed.
    pub fn reopen(&mut self, env: &Env<'_>) {
        self.also.reopen();
        self.h1 = h1::Server::new(env);
        self.exchange = None;
        self.flow = Flow::NEW;
    }

    /// Does all that can be done without IO.
    pub fn turn<C, S>(&mut self, env: &Env<'_>, lent: &mut Lent<'_>, service: &S, cx: &mut C) -> Next
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        if !self.also.speaks() {
            let next = self.turn_http1(env, lent, service, cx);
            if !self.also.speaks() {
                return next;
            }
        }
        self.also.turn(&mut self.flow, env, lent, service, cx)
    }

    fn turn_http1<C, S>(&mut self, env: &Env<'_>, lent: &mut Lent<'_>, service: &S, cx: &mut C) -> Next
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        if self.flow.lost {
            self.drop_exchange(env, service, cx, ResetCause::ByPeer);
            return Next::Closed { abrupt: true };
        }
        if let Some(event) = self.h1.on_deadline(env) {
            self.happened(env, service, cx, event);
        }
        self.look_again(env, service, cx);
        loop {
            self.transmit(env, lent, service);
            self.settle(env, service, cx);
            if !self.receive(env, lent, service, cx) {
                break;
            }
        }
        if self.also.speaks() {
            return Next::Wait { read: false };
        }
        self.invite_body(env, lent, service);
        self.next(env, lent)
    }

    /// What is to be written.
    pub fn unsent<'b>(&self, buf: &'b [u8]) -> &'b [u8] {
        buf.get(self.flow.tx.range()).unwrap_or(&[])
    }

    /// The transport has taken this much of [`Drive::unsent`].
    pub fn written(&mut self, env: &Env<'_>, bytes: usize) {
        let bytes = bytes.min(self.flow.tx.len());
        self.flow.tx.drop_front(bytes);
        if self.also.speaks() {
            self.also.written(env, bytes);
        } else {
            self.h1.flushed(env, bytes);
        }
    }

    /// Where received bytes go. Not empty after [`Next::Wait`] with `read`.
    pub fn space<'b>(&self, buf: &'b mut [u8], limits: &rws_core::Limits) -> &'b mut [u8] {
        let to = self.flow.space_end(buf.len(), A::reserved_bytes(limits));
        buf.get_mut(usize::from(self.flow.rx.to)..to).unwrap_or(&mut [])
    }

    /// This many bytes have come into [`Drive::space`]; none means that the peer has ended its side.
    pub fn received(&mut self, bytes: usize) {
        if bytes == 0 {
            self.flow.eof = Eof::Came;
        } else {
            self.flow.rx.to = self.flow.rx.to.saturating_add(u16::try_from(bytes).unwrap_or(u16::MAX));
            self.flow.offered = false;
        }
    }

    /// The transport is broken: nothing comes and nothing goes any more.
    pub fn lose(&mut self) {
        self.flow.lost = true;
    }

    /// Finish what is under way, take no more, say so to the peer.
    pub fn shutdown(&mut self, env: &Env<'_>) {
        if self.also.speaks() {
            self.also.shutdown(env);
        } else {
            self.h1.shutdown(env);
        }
    }

    /// When [`Drive::turn`] is due at the latest; [`Instant::NEVER`] if only the peer or the service can bring the
    /// connection forward.
    pub fn deadline(&self) -> Instant {
        if self.also.speaks() { self.also.deadline() } else { self.h1.next_deadline() }
    }

    /// Whether it waits between two requests, so that it may be closed for another's sake.
    pub fn is_idle(&self) -> bool {
        let rests = if self.also.speaks() { self.also.is_idle() } else { self.exchange.is_none() };
        rests && self.flow.rx.is_empty() && self.flow.tx.is_empty() && !self.flow.half_closed
    }

    fn next(&mut self, env: &Env<'_>, lent: &Lent<'_>) -> Next {
        let is_full = self.flow.space_end(lent.buf.len(), A::reserved_bytes(env.limits))
            <= usize::from(self.flow.rx.to);
        let status = self.h1.status();
        if status == ConnectionStatus::Closed {
            // What was not taken yet is of an answer that was cut off: no deadline would bound the wait for it.
            return Next::Closed { abrupt: self.h1.ends_abruptly() };
        }
        self.flow.next(status, is_full)
    }

    #[cfg_attr(target_os = "none", inline(never))]
    /// Lets the machine write what it can.
    fn transmit<C, S>(&mut self, env: &Env<'_>, lent: &mut Lent<'_>, service: &S)
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        while self.h1.wants_transmit() {
            let room = self.flow.room(lent.buf);
            let mut none = Scratch { bytes: &mut [], fields: &mut [] };
            let mut pull = Pull::new(service, &mut self.exchange);
            match self.h1.transmit(env, room, &mut none, &mut pull) {
                Sent::Bytes(n) => self.flow.sends(n),
                Sent::NeedRoom(_) if !self.flow.tx.is_empty() => return,
                // A buffer that is too small for the limits, or a run that no service of ours asks for.
                Sent::NeedRoom(_) | Sent::Direct { .. } => return self.flow.lost = true,
                Sent::Nothing | Sent::Close => return,
            }
        }
    }

    /// Tells the service of an exchange that its machine knows no more of.
    fn settle<C, S>(&mut self, env: &Env<'_>, service: &S, cx: &mut C)
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        let Some(exchange) = self.exchange.take_if(|exchange| self.h1.exchange() != Some(exchange.stream))
        else {
            return;
        };
        // The next request may be there.
        self.flow.offered = self.flow.rx.is_empty();
        if self.h1.status() == ConnectionStatus::Closed {
            // An answer that is whole never closes at once: this one was cut off.
            exchange.abort(service, cx, env.now, ResetCause::ByUs);
        } else {
            exchange.complete(service, cx, env.now, self.h1.error().is_some());
        }
    }

    #[cfg_attr(target_os = "none", inline(never))]
    /// One step on what was received. False if nothing more can be done with it now.
    fn receive<C, S>(&mut self, env: &Env<'_>, lent: &mut Lent<'_>, service: &S, cx: &mut C) -> bool
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        if self.flow.lost {
            return false;
        }
        // Without bytes as well while there is an exchange: the end of its body has none.
        if self.flow.offered || (self.flow.rx.is_empty() && self.exchange.is_none()) {
            return self.receive_end(env, service, cx);
        }
        let consumed = if service.reads_bodies() {
            self.receive_any(env, lent, service, cx)
        } else {
            self.receive_head(env, lent, service, cx)
        };
        self.flow.rx.drop_front(consumed);
        if self.flow.offered {
            self.flow.rx.pull_forward(lent.buf);
        }
        !self.also.speaks()
    }

    /// A head, or a piece of a body: how many bytes are used up.
    fn receive_any<C, S>(&mut self, env: &Env<'_>, lent: &mut Lent<'_>, service: &S, cx: &mut C) -> usize
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        let Lent { buf, scratch } = lent;
        let rx = buf.get_mut(self.flow.rx.range()).unwrap_or(&mut []);
        // Heads are large: this one is written where it is looked at.
        let mut head = ParsedRequest::BLANK;
        let step = match self.h1.receive_into(env, rx, scratch, &mut head) {
            Received::Request { stream, consumed, end: _ } => {
                let mut head = head.spans.view(rx, scratch.reborrow());
                self.exchange = Some(Exchange::begin(service, cx, (stream, env.now), &mut head));
                return consumed;
            }
            Received::Other(step) => step,
        };
        match step.event {
            Some(Event::Body { stream, chunk }) => {
                let place = chunk.at as usize..(chunk.at as usize).saturating_add(chunk.len as usize);
                let bytes = rx.get(place).unwrap_or(&[]);
                self.take_body(env, service, cx, stream, bytes, false);
            }
            Some(Event::End { stream, trailers }) => {
                if let (Some(trailers), Some(exchange)) = (trailers, &mut self.exchange) {
                    exchange.take_trailers(service, cx, env.now, trailers.view(rx, scratch));
                }
                self.take_body(env, service, cx, stream, &[], true);
            }
            // No credit: the rest waits for `look_again`.
            Some(Event::Stalled { .. }) => self.flow.offered = true,
            Some(Event::Refused { stream: None, .. }) if self.h1.is_new() && self.also.begins(env, rx) => {
                return 0;
            }
            Some(event) => self.happened(env, service, cx, event),
            None if step.consumed == 0 => self.flow.offered = true,
            None => {}
        }
        step.consumed
    }

    /// As `receive_any`, for a service that reads no bodies.
    fn receive_head<C, S>(&mut self, env: &Env<'_>, lent: &mut Lent<'_>, service: &S, cx: &mut C) -> usize
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        let Lent { buf, scratch } = lent;
        let rx = buf.get_mut(self.flow.rx.range()).unwrap_or(&mut []);
        let mut head = ParsedRequest::BLANK;
        match self.h1.receive_head_into(env, rx, scratch, &mut head) {
            ReceivedHead::Request { stream, consumed, end: _ } => {
                let mut head = head.spans.view(rx, scratch.reborrow());
                self.exchange = Some(Exchange::begin(service, cx, (stream, env.now), &mut head));
                consumed
            }
            ReceivedHead::Nothing { consumed } => {
                self.flow.offered = consumed == 0;
                consumed
            }
            ReceivedHead::Refused { .. } if self.h1.is_new() && self.also.begins(env, rx) => 0,
            ReceivedHead::Refused { consumed, fault } => {
                log::went_wrong(Event::Refused { stream: None, status: fault.status(), fault });
                consumed
            }
        }
    }

    /// The peer has ended its side, and the machine has seen all that it sent.
    fn receive_end<C, S>(&mut self, env: &Env<'_>, service: &S, cx: &mut C) -> bool
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        self.flow.offered = true;
        // What waits for the exchange under way, the rest of its body or the next request, came before that end.
        let waits = self.exchange.is_some() && !self.flow.rx.is_empty();
        if self.flow.eof != Eof::Came || waits {
            return false;
        }
        self.flow.eof = Eof::Told;
        if let Some(event) = self.h1.receive_end(env) {
            self.happened(env, service, cx, event);
        }
        true
    }

    fn take_body<C, S>(
        &mut self,
        env: &Env<'_>,
        service: &S,
        cx: &mut C,
        stream: StreamId,
        chunk: &[u8],
        end: bool,
    ) where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        let Some(exchange) = &mut self.exchange else { return };
        match exchange.take_body(service, cx, env.now, chunk, end) {
            Taken::All if !end => {
                // The stream is this exchange's, so it is not stale.
                let _ = self.h1.grant(stream, u32::try_from(chunk.len()).unwrap_or(u32::MAX));
            }
            Taken::All | Taken::Later | Taken::Stop => {}
            Taken::Abort => self.h1.reset(stream),
        }
        self.h1.wake(stream);
    }

    /// The exchange may have been woken: asks it once more.
    fn look_again<C, S>(&mut self, env: &Env<'_>, service: &S, cx: &mut C)
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        let Some(exchange) = &mut self.exchange else { return };
        let credit = exchange.look_again(service, cx, env.now);
        if credit > 0 {
            // The stream is this exchange's, so it is not stale.
            let _ = self.h1.grant(exchange.stream, credit);
        }
        self.h1.wake(exchange.stream);
        self.flow.offered &= self.flow.rx.is_empty();
    }

    /// An answer that waits for the body: its sender may go on (RFC 9110 §10.1.1).
    fn invite_body<C, S>(&mut self, env: &Env<'_>, lent: &mut Lent<'_>, service: &S)
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        if let Some(exchange) = self.exchange.as_ref().filter(|exchange| exchange.status.is_none())
            && service.reads_bodies()
        {
            // The stream is this exchange's, so it is not stale.
            let _ = self.h1.grant(exchange.stream, 0);
            self.transmit(env, lent, service);
        }
    }

    /// Something that ends the exchange or the connection.
    #[inline(never)]
    fn happened<C, S>(&mut self, env: &Env<'_>, service: &S, cx: &mut C, event: Event)
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        log::went_wrong(event);
        let cause = match event {
            Event::Reset { cause, .. } => cause,
            Event::Refused { .. } => ResetCause::Truncated,
            Event::Closed
            | Event::Request { .. }
            | Event::Interim { .. }
            | Event::Response { .. }
            | Event::Body { .. }
            | Event::End { .. }
            | Event::Stalled { .. } => return,
        };
        self.drop_exchange(env, service, cx, cause);
    }

    fn drop_exchange<C, S>(&mut self, env: &Env<'_>, service: &S, cx: &mut C, cause: ResetCause)
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        if let Some(exchange) = self.exchange.take() {
            exchange.abort(service, cx, env.now, cause);
        }
    }
}
