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
//! All the bytes of a connection lie in one buffer that the driver lends: received ones in front, those to be
//! sent behind them, and always enough room left for the head of an answer.
//!
//! ```text
//!   [ received, not consumed │ free │ to be sent │ free ]       rx below tx; each moves back to its start when empty
//! ```

use rws_core::connection::{ByteConnection, Connection, ConnectionStatus, Event, ResetCause, Sent, StreamId};
use rws_core::h1::head::ParsedRequest;
use rws_core::h1::{Received, ReceivedHead};
use rws_core::message::{RequestHead, Scratch};
use rws_core::service::{Context, Outcome, Service, Taken};
use rws_core::{Env, Instant, Status, h1};

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

/// A connection in the server role. `X` is the state of the service's exchange.
#[derive(Debug)]
pub struct Drive<X> {
    h1: h1::Server,
    exchange: Option<Exchange<X>>,
    rx: Window,
    tx: Window,
    /// What was received has been offered to the machine.
    offered: bool,
    eof: Eof,
    half_closed: bool,
    lost: bool,
}

/// A run of the buffer that is in use.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    from: u16,
    to: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Eof {
    NotYet,
    Came,
    Told,
}

impl<X> Drive<X> {
    /// A connection that was just accepted.
    pub fn new(env: &Env<'_>) -> Drive<X> {
        Drive {
            h1: h1::Server::new(env),
            exchange: None,
            rx: Window::default(),
            tx: Window::default(),
            offered: true,
            eof: Eof::NotYet,
            half_closed: false,
            lost: false,
        }
    }

    /// How many bytes a buffer must have for these limits, see [`rws_core::Limits`].
    pub const fn buffer_bytes_min(limits: &rws_core::Limits) -> usize {
        limits.head_bytes_max as usize + limits.response_head_bytes_max as usize
    }

    /// Does all that can be done without IO.
    pub fn turn<C, S>(&mut self, env: &Env<'_>, lent: &mut Lent<'_>, service: &S, cx: &mut C) -> Next
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        if self.lost {
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
        self.invite_body(env, lent, service);
        self.next(env, lent)
    }

    /// What is to be written.
    pub fn unsent<'b>(&self, buf: &'b [u8]) -> &'b [u8] {
        buf.get(self.tx.range()).unwrap_or(&[])
    }

    /// The transport has taken this much of [`Drive::unsent`].
    pub fn written(&mut self, env: &Env<'_>, bytes: usize) {
        let bytes = bytes.min(self.tx.len());
        self.tx.drop_front(bytes);
        self.h1.flushed(env, bytes);
    }

    /// Where received bytes go. Not empty after [`Next::Wait`] with `read`.
    pub fn space<'b>(&self, buf: &'b mut [u8], limits: &rws_core::Limits) -> &'b mut [u8] {
        let to = self.space_end(buf.len(), limits);
        buf.get_mut(usize::from(self.rx.to)..to).unwrap_or(&mut [])
    }

    fn space_end(&self, buf_len: usize, limits: &rws_core::Limits) -> usize {
        if self.tx.is_empty() {
            buf_len.saturating_sub(limits.response_head_bytes_max.into())
        } else {
            self.tx.from.into()
        }
    }

    /// This many bytes have come into [`Drive::space`]; none means that the peer has ended its side.
    pub fn received(&mut self, bytes: usize) {
        if bytes == 0 {
            self.eof = Eof::Came;
        } else {
            self.rx.to = self.rx.to.saturating_add(u16::try_from(bytes).unwrap_or(u16::MAX));
            self.offered = false;
        }
    }

    /// The transport is broken: nothing comes and nothing goes any more.
    pub fn lose(&mut self) {
        self.lost = true;
    }

    /// Finish what is under way, take no more, say so to the peer.
    pub fn shutdown(&mut self, env: &Env<'_>) {
        self.h1.shutdown(env);
    }

    /// When [`Drive::turn`] is due at the latest; [`Instant::NEVER`] if only the peer or the service can bring the
    /// connection forward.
    pub fn deadline(&self) -> Instant {
        self.h1.next_deadline()
    }

    /// Whether it waits between two requests, so that it may be closed for another's sake.
    pub fn is_idle(&self) -> bool {
        self.exchange.is_none() && self.rx.is_empty() && self.tx.is_empty() && !self.half_closed
    }

    fn next(&mut self, env: &Env<'_>, lent: &Lent<'_>) -> Next {
        let is_full = self.space_end(lent.buf.len(), env.limits) <= usize::from(self.rx.to);
        let status = self.h1.status();
        if status == ConnectionStatus::Closed {
            // What was not taken yet is of an answer that was cut off: no deadline would bound the wait for it.
            return Next::Closed { abrupt: self.h1.ends_abruptly() };
        }
        if !self.tx.is_empty() {
            return Next::Send;
        }
        match status {
            // No driver here goes on with another protocol yet.
            ConnectionStatus::Closed | ConnectionStatus::Upgraded => Next::Closed { abrupt: false },
            ConnectionStatus::CloseAfterFlush if !self.half_closed => {
                self.half_closed = true;
                Next::HalfClose
            }
            ConnectionStatus::Open | ConnectionStatus::Draining | ConnectionStatus::CloseAfterFlush => {
                // Also where nothing is wanted, as long as there is space: so the end of a peer is noticed that waits
                // for its answer.
                Next::Wait { read: self.eof == Eof::NotYet && !is_full }
            }
        }
    }

    #[cfg_attr(target_os = "none", inline(never))]
    /// Lets the machine write what it can.
    fn transmit<C, S>(&mut self, env: &Env<'_>, lent: &mut Lent<'_>, service: &S)
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        while self.h1.wants_transmit() {
            if self.tx.is_empty() {
                self.rx.pull_forward(lent.buf);
                self.tx = Window { from: self.rx.to, to: self.rx.to };
            }
            let room = lent.buf.get_mut(usize::from(self.tx.to)..).unwrap_or(&mut []);
            let mut none = Scratch { bytes: &mut [], fields: &mut [] };
            let mut pull = Pull::new(service, &mut self.exchange);
            match self.h1.transmit(env, room, &mut none, &mut pull) {
                Sent::Bytes(n) => {
                    self.tx.to = self.tx.to.saturating_add(u16::try_from(n).unwrap_or(u16::MAX))
                }
                Sent::NeedRoom(_) if !self.tx.is_empty() => return,
                // A buffer that is too small for the limits, or a run that no service of ours asks for.
                Sent::NeedRoom(_) | Sent::Direct { .. } => return self.lost = true,
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
        self.offered = self.rx.is_empty();
        let outcome = if self.h1.status() == ConnectionStatus::Closed {
            // An answer that is whole never closes at once: this one was cut off.
            Outcome::Aborted(ResetCause::ByUs)
        } else {
            let status = exchange.status.filter(|_| self.h1.error().is_none());
            Outcome::Complete {
                status: status.unwrap_or(Status::INTERNAL_SERVER_ERROR),
                body_bytes: exchange.body_bytes,
            }
        };
        cx.enter(exchange.stream, env.now);
        service.end(cx, exchange.state, outcome);
    }

    #[cfg_attr(target_os = "none", inline(never))]
    /// One step on what was received. False if nothing more can be done with it now.
    fn receive<C, S>(&mut self, env: &Env<'_>, lent: &mut Lent<'_>, service: &S, cx: &mut C) -> bool
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        if self.lost {
            return false;
        }
        // Without bytes as well while there is an exchange: the end of its body has none.
        if self.offered || (self.rx.is_empty() && self.exchange.is_none()) {
            return self.receive_end(env, service, cx);
        }
        let consumed = if service.reads_bodies() {
            self.receive_any(env, lent, service, cx)
        } else {
            self.receive_head(env, lent, service, cx)
        };
        self.rx.drop_front(consumed);
        if self.offered {
            self.rx.pull_forward(lent.buf);
        }
        true
    }

    /// A head, or a piece of a body: how many bytes are used up.
    fn receive_any<C, S>(&mut self, env: &Env<'_>, lent: &mut Lent<'_>, service: &S, cx: &mut C) -> usize
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        let Lent { buf, scratch } = lent;
        let rx = buf.get_mut(self.rx.range()).unwrap_or(&mut []);
        // Heads are large: this one is written where it is looked at.
        let mut head = ParsedRequest::BLANK;
        let step = match self.h1.receive_into(env, rx, scratch, &mut head) {
            Received::Request { stream, consumed, end: _ } => {
                self.begin(env, service, cx, stream, &mut head.spans.view(rx, scratch.reborrow()));
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
            Some(Event::End { stream, trailers: _ }) => self.take_body(env, service, cx, stream, &[], true),
            // No credit: the rest waits for `look_again`.
            Some(Event::Stalled { .. }) => self.offered = true,
            Some(event) => self.happened(env, service, cx, event),
            None if step.consumed == 0 => self.offered = true,
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
        let rx = buf.get_mut(self.rx.range()).unwrap_or(&mut []);
        let mut head = ParsedRequest::BLANK;
        match self.h1.receive_head_into(env, rx, scratch, &mut head) {
            ReceivedHead::Request { stream, consumed, end: _ } => {
                self.begin(env, service, cx, stream, &mut head.spans.view(rx, scratch.reborrow()));
                consumed
            }
            ReceivedHead::Nothing { consumed } => {
                self.offered = consumed == 0;
                consumed
            }
            ReceivedHead::Refused { consumed, fault } => {
                log::went_wrong(Event::Refused { stream: None, status: fault.status(), fault });
                consumed
            }
        }
    }

    fn begin<C, S>(
        &mut self,
        env: &Env<'_>,
        service: &S,
        cx: &mut C,
        stream: StreamId,
        head: &mut RequestHead<'_>,
    ) where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        cx.enter(stream, env.now);
        let mut state = service.begin(cx, head);
        service.advance(cx, &mut state);
        self.exchange = Some(Exchange::new(stream, state));
    }

    /// The peer has ended its side, and the machine has seen all that it sent.
    fn receive_end<C, S>(&mut self, env: &Env<'_>, service: &S, cx: &mut C) -> bool
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        self.offered = true;
        if self.eof != Eof::Came {
            return false;
        }
        self.eof = Eof::Told;
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
        cx.enter(stream, env.now);
        let taken = service.body(cx, &mut exchange.state, chunk, end);
        if exchange.status.is_none() {
            service.advance(cx, &mut exchange.state);
        }
        match taken {
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
        if exchange.status.is_none() {
            cx.enter(exchange.stream, env.now);
            service.advance(cx, &mut exchange.state);
        }
        let credit = service.credit(&mut exchange.state);
        if credit > 0 {
            // The stream is this exchange's, so it is not stale.
            let _ = self.h1.grant(exchange.stream, credit);
        }
        self.h1.wake(exchange.stream);
        self.offered &= self.rx.is_empty();
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
            cx.enter(exchange.stream, env.now);
            service.end(cx, exchange.state, Outcome::Aborted(cause));
        }
    }
}

impl Window {
    const fn is_empty(self) -> bool {
        self.from >= self.to
    }

    const fn len(self) -> usize {
        self.to.saturating_sub(self.from) as usize
    }

    fn range(self) -> core::ops::Range<usize> {
        self.from.into()..self.to.into()
    }

    /// The first `n` bytes are no more needed. Without any it begins at the start again: else a buffer that was read
    /// to its last byte would stay full of nothing.
    fn drop_front(&mut self, n: usize) {
        self.from = self.from.saturating_add(u16::try_from(n).unwrap_or(u16::MAX)).min(self.to);
        if self.is_empty() {
            *self = Window::default();
        }
    }

    /// Moves what is left to the start of the buffer.
    fn pull_forward(&mut self, buf: &mut [u8]) {
        if self.from == 0 {
            return;
        }
        let len = self.to.saturating_sub(self.from);
        // Seldom more than a few bytes. Not `copy_within`, whose check of the range a linker can see.
        for at in 0..len {
            let byte = buf.get(usize::from(self.from.saturating_add(at))).copied().unwrap_or(0);
            if let Some(place) = buf.get_mut(usize::from(at)) {
                *place = byte;
            }
        }
        *self = Window { from: 0, to: len };
    }
}
