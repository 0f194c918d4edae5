//! HTTP/2 by prior knowledge (RFC 9113 §3.3) on the connections that HTTP/1 begins.
//!
//! ```text
//!   `PRI * HTTP/2.0` ─▶ HTTP/1 refuses it ─▶ begins ─▶ a machine, and an exchange for each of its slots
//!
//!   a turn:  deadline ─▶ every exchange is asked again ─▶ ┌ transmit ─▶ ended exchanges ─▶ one step of `rx` ┐ ─▶ Next
//!                                                         └───────────────── as long as it moves ◀──────────┘
//! ```
//!
//! The exchanges of a connection are open at once and run in turns: a job of one never waits for another's. Frames of
//! any length pass through the same small buffer, a piece at a time; only a field block must fit in as a whole.

use core::marker::PhantomData;

use rws_core::connection::{
    ByteConnection, Connection, ConnectionStatus, Event, Fill, HeadAnswer, ResetCause, Sent, Source, StreamId,
};
use rws_core::h2::{Inline, PREFACE, Server};
use rws_core::message::{FieldBlock, Scratch};
use rws_core::service::{Context, Service, Taken};
use rws_core::{Env, Instant, Limits};

use super::flow::Eof;
use super::{Also, Enter, Flow, Lent, Next, also};
use crate::exchange::Exchange;
use crate::log;

/// The memory of HTTP/2 beside HTTP/1 on one connection after the other: for `STREAMS` exchanges at once, with `STORE`
/// bytes for the table that the peer's fields are decoded with. `X` is the state of the service's exchange.
///
/// As many streams are announced as `Limits::streams_max` says, and as large a table as `Limits::header_table_bytes_max`:
/// choose both alike. What a peer does beyond costs it a stream (REFUSED_STREAM), or the connection where it names a
/// field that is not kept any more (COMPRESSION_ERROR).
#[derive(Debug)]
pub struct Http2<X, const STREAMS: usize = 4, const STORE: usize = 1024> {
    machine: Kept<Server<Inline<STREAMS, STORE, 0>>>,
    /// By the slot of their stream.
    streams: [Kept<Stream<X>>; STREAMS],
    /// The time that the last bytes of a closed connection have has begun, and ends then: µs.
    closing: Option<Instant>,
}

/// An [`Option`] whose `None` is all zero, so that a `static` of many takes no flash.
#[derive(Debug)]
#[repr(u8)]
enum Kept<T> {
    Nothing = 0,
    This(T),
}

#[derive(Debug)]
struct Stream<X> {
    exchange: Exchange<X>,
    /// Nothing more is asked of it, and whether its answer is whole.
    over: Option<bool>,
}

/// As far as this the preface says what is spoken, and no sooner HTTP/1 refuses it: `PRI * HTTP/2.0`.
const SAID_BYTES: usize = 14;
/// What a frame has before its payload: bytes (RFC 9113 §4.1).
const FRAME_HEADER_BYTES: usize = 9;
/// The engine's own answers have a line of text: bytes.
const OWN_TEXT_BYTES: usize = 80;

impl<X, const STREAMS: usize, const STORE: usize> Http2<X, STREAMS, STORE> {
    /// Memory that nobody uses yet: all zero, so that in a `static` it takes no flash.
    pub const fn new() -> Self {
        Http2 { machine: Kept::Nothing, streams: [const { Kept::Nothing }; STREAMS], closing: None }
    }

    /// How many bytes a buffer must have for these limits, see [`rws_core::Limits`]. It fits HTTP/1 as well.
    pub const fn buffer_bytes_min(limits: &Limits) -> usize {
        let block = limits.header_block_bytes_max as usize + FRAME_HEADER_BYTES;
        let head = limits.head_bytes_max as usize;
        reserved_bytes(limits) + if block > head { block } else { head }
    }

    fn running(&mut self) -> Option<Running<'_, X, STREAMS, STORE>> {
        let machine = self.machine.as_mut()?;
        Some(Running { machine, streams: &mut self.streams, closing: &mut self.closing })
    }

    /// Not inlined: a machine is made where it is kept, by way of a stack that nobody else needs then.
    #[cold]
    #[inline(never)]
    fn begin(&mut self, env: &Env<'_>) {
        self.machine = Kept::This(Server::new(env, Inline::new()));
    }
}

impl<X, const STREAMS: usize, const STORE: usize> Default for Http2<X, STREAMS, STORE> {
    fn default() -> Self {
        Self::new()
    }
}

/// The head of an answer of the engine's, and its text: two frames.
const fn reserved_bytes(limits: &Limits) -> usize {
    limits.response_head_bytes_max as usize + OWN_TEXT_BYTES + 2 * FRAME_HEADER_BYTES
}

impl<X, const STREAMS: usize, const STORE: usize> also::sealed::Sealed for &mut Http2<X, STREAMS, STORE> {}

impl<X, const STREAMS: usize, const STORE: usize> Also<X> for &mut Http2<X, STREAMS, STORE> {
    fn reopen(&mut self) {
        self.machine = Kept::Nothing;
        self.closing = None;
        for place in &mut self.streams {
            *place = Kept::Nothing;
        }
    }

    fn begins(&mut self, env: &Env<'_>, first: &[u8]) -> bool {
        let is_it = first.get(..SAID_BYTES).is_some_and(|start| PREFACE.starts_with(start));
        if is_it {
            self.begin(env);
        }
        is_it
    }

    fn speaks(&self) -> bool {
        matches!(self.machine, Kept::This(_))
    }

    fn turn<C, S>(
        &mut self,
        flow: &mut Flow,
        env: &Env<'_>,
        lent: &mut Lent<'_>,
        service: &S,
        cx: &mut C,
    ) -> Next
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        match self.running() {
            Some(mut running) => running.turn(flow, env, lent, service, cx),
            None => Next::Closed { abrupt: true },
        }
    }

    fn written(&mut self, env: &Env<'_>, bytes: usize) {
        if let Kept::This(machine) = &mut self.machine {
            machine.flushed(env, bytes);
        }
    }

    fn shutdown(&mut self, env: &Env<'_>) {
        if let Kept::This(machine) = &mut self.machine {
            machine.shutdown(env);
        }
    }

    fn deadline(&self) -> Instant {
        match (&self.machine, self.closing) {
            (_, Some(closing)) => closing,
            (Kept::This(machine), None) => machine.next_deadline(),
            (Kept::Nothing, None) => Instant::NEVER,
        }
    }

    fn is_idle(&self) -> bool {
        matches!(&self.machine, Kept::This(machine) if machine.is_idle())
    }

    fn reserved_bytes(limits: &Limits) -> usize {
        reserved_bytes(limits)
    }
}

impl<T> Kept<T> {
    const fn as_mut(&mut self) -> Option<&mut T> {
        match self {
            Kept::This(this) => Some(this),
            Kept::Nothing => None,
        }
    }

    fn take(&mut self) -> Option<T> {
        match core::mem::replace(self, Kept::Nothing) {
            Kept::This(this) => Some(this),
            Kept::Nothing => None,
        }
    }
}

/// A connection that speaks HTTP/2.
struct Running<'h, X, const STREAMS: usize, const STORE: usize> {
    machine: &'h mut Server<Inline<STREAMS, STORE, 0>>,
    streams: &'h mut [Kept<Stream<X>>],
    closing: &'h mut Option<Instant>,
}

impl<X, const STREAMS: usize, const STORE: usize> Running<'_, X, STREAMS, STORE> {
    fn turn<C, S>(
        &mut self,
        flow: &mut Flow,
        env: &Env<'_>,
        lent: &mut Lent<'_>,
        service: &S,
        cx: &mut C,
    ) -> Next
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        if flow.lost {
            self.drop_all(env, service, cx, ResetCause::ByPeer);
            return Next::Closed { abrupt: true };
        }
        if self.machine.next_deadline() <= env.now
            && let Some(event) = self.machine.on_deadline(env)
        {
            self.happened(env, service, cx, event);
        }
        self.look_again(flow, env, service, cx);
        loop {
            if self.transmit(flow, env, lent, service) {
                // A frame may have waited for that.
                flow.offered &= flow.rx.is_empty();
            }
            self.settle(env, service, cx);
            if !self.receive(flow, env, lent, service, cx) {
                break;
            }
        }
        if self.invite_bodies() {
            self.transmit(flow, env, lent, service);
        }
        self.next(flow, env, lent, service, cx)
    }

    /// Every exchange may have been woken: asks each once more.
    fn look_again<C, S>(&mut self, flow: &mut Flow, env: &Env<'_>, service: &S, cx: &mut C)
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        for stream in self.streams.iter_mut().filter_map(Kept::as_mut) {
            let credit = stream.exchange.look_again(service, cx, env.now);
            if credit > 0 {
                // A stale stream only means that its body has ended.
                let _ = self.machine.grant(stream.exchange.stream, credit);
                flow.offered &= flow.rx.is_empty();
            }
            self.machine.wake(stream.exchange.stream);
        }
    }

    /// Lets the machine write what it can; whether that was anything.
    fn transmit<C, S>(&mut self, flow: &mut Flow, env: &Env<'_>, lent: &mut Lent<'_>, service: &S) -> bool
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        let mut wrote = false;
        while self.machine.wants_transmit() {
            let room = flow.room(lent.buf);
            let mut none = Scratch { bytes: &mut [], fields: &mut [] };
            let mut pull = Pull { service, streams: self.streams, context: PhantomData::<fn(&C)> };
            match self.machine.transmit(env, room, &mut none, &mut pull) {
                Sent::Bytes(n) => {
                    flow.sends(n);
                    wrote = true;
                }
                Sent::NeedRoom(_) if !flow.tx.is_empty() => break,
                // A buffer that is too small for the limits, or a run that no HTTP/2 asks for.
                Sent::NeedRoom(_) | Sent::Direct { .. } => {
                    flow.lost = true;
                    break;
                }
                Sent::Nothing | Sent::Close => break,
            }
        }
        wrote
    }

    /// Tells the service of the exchanges whose answers are written.
    fn settle<C, S>(&mut self, env: &Env<'_>, service: &S, cx: &mut C)
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        for place in self.streams.iter_mut() {
            let Some(complete) = place.as_mut().and_then(|stream| stream.over) else { continue };
            let Some(Stream { exchange, .. }) = place.take() else { continue };
            if complete {
                exchange.complete(service, cx, env.now, false);
            } else {
                exchange.abort(service, cx, env.now, ResetCause::ByUs);
            }
        }
    }

    /// One step on what was received. False if nothing more can be done with it now.
    #[cfg_attr(target_os = "none", inline(never))]
    fn receive<C, S>(
        &mut self,
        flow: &mut Flow,
        env: &Env<'_>,
        lent: &mut Lent<'_>,
        service: &S,
        cx: &mut C,
    ) -> bool
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        if flow.lost {
            return false;
        }
        if flow.offered {
            return self.receive_end(flow, env, service, cx);
        }
        let Lent { buf, scratch } = lent;
        let rx = buf.get_mut(flow.rx.range()).unwrap_or(&mut []);
        let step = self.machine.receive(env, rx, scratch);
        match step.event {
            Some(Event::Request { stream, head, end: _ }) => {
                let mut head = head.view(rx, scratch.reborrow());
                let exchange = Exchange::begin(service, cx, (stream, env.now), &mut head);
                match self.streams.get_mut(stream.slot() as usize) {
                    Some(place) => *place = Kept::This(Stream { exchange, over: None }),
                    // No slot is beyond the machine's memory.
                    None => exchange.abort(service, cx, env.now, ResetCause::ByUs),
                }
            }
            Some(Event::Body { stream, chunk }) => {
                let place = chunk.at as usize..(chunk.at as usize).saturating_add(chunk.len as usize);
                let bytes = rx.get(place).unwrap_or(&[]);
                self.take_body(env, service, cx, stream, bytes, false);
            }
            Some(Event::End { stream, trailers }) => {
                if let Some(trailers) = trailers
                    && let Some(known) = place_of(self.streams, stream).and_then(Kept::as_mut)
                {
                    known.exchange.take_trailers(service, cx, env.now, trailers.view(rx, scratch));
                }
                self.take_body(env, service, cx, stream, &[], true);
            }
            // No credit: the rest waits for `look_again`.
            Some(Event::Stalled { .. }) => flow.offered = true,
            Some(event) => self.happened(env, service, cx, event),
            None if step.consumed == 0 => flow.offered = true,
            None => {}
        }
        flow.rx.drop_front(step.consumed);
        if flow.offered {
            flow.rx.pull_forward(lent.buf);
        }
        true
    }

    /// The peer has ended its side, and the machine has seen all that it sent.
    fn receive_end<C, S>(&mut self, flow: &mut Flow, env: &Env<'_>, service: &S, cx: &mut C) -> bool
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        // What waits for credit, or until something is sent, came before that end.
        let waits = !flow.rx.is_empty() && self.machine.rx_want() == 0;
        if flow.eof != Eof::Came || waits {
            return false;
        }
        flow.eof = Eof::Told;
        if let Some(event) = self.machine.receive_end(env) {
            self.happened(env, service, cx, event);
        }
        true
    }

    fn take_body<C, S>(
        &mut self,
        env: &Env<'_>,
        service: &S,
        cx: &mut C,
        id: StreamId,
        chunk: &[u8],
        end: bool,
    ) where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        let Some(place) = place_of(self.streams, id) else { return };
        let Some(stream) = place.as_mut() else { return };
        match stream.exchange.take_body(service, cx, env.now, chunk, end) {
            Taken::All if !end => {
                // A stale stream only means that its body has ended.
                let _ = self.machine.grant(id, u32::try_from(chunk.len()).unwrap_or(u32::MAX));
            }
            Taken::All | Taken::Later | Taken::Stop => {}
            Taken::Abort => {
                self.machine.reset(id);
                return drop_one(place, env, service, cx, ResetCause::ByUs);
            }
        }
        self.machine.wake(id);
    }

    /// Answers that wait for their bodies: whoever sends them may go on (RFC 9110 §10.1.1). Whether any does.
    fn invite_bodies(&mut self) -> bool {
        let mut any = false;
        for stream in self.streams.iter_mut().filter_map(Kept::as_mut) {
            let waits = stream.exchange.status.is_none();
            any |= waits && self.machine.grant(stream.exchange.stream, 0).is_ok();
        }
        any
    }

    /// Something that ends an exchange, or all of them with the connection.
    #[inline(never)]
    fn happened<C, S>(&mut self, env: &Env<'_>, service: &S, cx: &mut C, event: Event)
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        log::went_wrong(event);
        let (id, cause) = match event {
            Event::Reset { stream, cause } => (stream, cause),
            Event::Refused { stream: Some(stream), .. } => (stream, ResetCause::Truncated),
            // Where the connection ends with it, `next` drops them all.
            Event::Refused { stream: None, .. }
            | Event::Closed
            | Event::Request { .. }
            | Event::Interim { .. }
            | Event::Response { .. }
            | Event::Body { .. }
            | Event::End { .. }
            | Event::Stalled { .. } => return,
        };
        if let Some(place) = place_of(self.streams, id) {
            drop_one(place, env, service, cx, cause);
        }
    }

    fn drop_all<C, S>(&mut self, env: &Env<'_>, service: &S, cx: &mut C, cause: ResetCause)
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        for place in self.streams.iter_mut() {
            drop_one(place, env, service, cx, cause);
        }
    }

    fn next<C, S>(&mut self, flow: &mut Flow, env: &Env<'_>, lent: &Lent<'_>, service: &S, cx: &mut C) -> Next
    where
        C: Enter + ?Sized,
        S: Service<C, State = X>,
    {
        let is_full = flow.space_end(lent.buf.len(), reserved_bytes(env.limits)) <= usize::from(flow.rx.to);
        let status = self.machine.status();
        match status {
            ConnectionStatus::CloseAfterFlush | ConnectionStatus::Closed => {
                self.drop_all(env, service, cx, ResetCause::Truncated);
            }
            ConnectionStatus::Open | ConnectionStatus::Draining | ConnectionStatus::Upgraded => {}
        }
        if status == ConnectionStatus::Closed {
            // The machine has no deadline any more that would bound the wait for what was not taken yet.
            let end = *self.closing.get_or_insert(env.now.after_us(env.limits.rate_grace_us));
            let is_late = !flow.tx.is_empty() && end <= env.now;
            if self.machine.ends_abruptly() || is_late {
                return Next::Closed { abrupt: true };
            }
        }
        flow.next(status, is_full)
    }
}

/// The place of the exchange that `id` names, if it is under way.
fn place_of<X>(streams: &mut [Kept<Stream<X>>], id: StreamId) -> Option<&mut Kept<Stream<X>>> {
    let place = streams.get_mut(id.slot() as usize)?;
    let is_there = matches!(place, Kept::This(stream) if stream.exchange.stream == id);
    is_there.then_some(place)
}

fn drop_one<X, C, S>(place: &mut Kept<Stream<X>>, env: &Env<'_>, service: &S, cx: &mut C, cause: ResetCause)
where
    C: Enter + ?Sized,
    S: Service<C, State = X>,
{
    if let Some(stream) = place.take() {
        stream.exchange.abort(service, cx, env.now, cause);
    }
}

/// The source of what a connection transmits: its exchanges.
struct Pull<'p, C: Context + ?Sized, S: Service<C>> {
    service: &'p S,
    streams: &'p mut [Kept<Stream<S::State>>],
    context: PhantomData<fn(&C)>,
}

impl<C: Context + ?Sized, S: Service<C>> Pull<'_, C, S> {
    fn stream(&mut self, id: StreamId) -> Option<&mut Stream<S::State>> {
        place_of(self.streams, id)?.as_mut()
    }
}

impl<C: Context + ?Sized, S: Service<C>> Source for Pull<'_, C, S> {
    fn head(&mut self, id: StreamId) -> HeadAnswer<'_> {
        let service = self.service;
        match self.stream(id) {
            Some(stream) => stream.exchange.head(service),
            None => HeadAnswer::NotYet,
        }
    }

    fn fill(&mut self, id: StreamId, out: &mut [u8]) -> Fill {
        let service = self.service;
        self.stream(id).map_or(Fill::Abort, |stream| stream.exchange.fill(service, out))
    }

    fn trailers(&mut self, id: StreamId) -> FieldBlock<'_> {
        let service = self.service;
        match self.stream(id) {
            Some(stream) => service.trailers(&mut stream.exchange.state),
            None => FieldBlock::EMPTY,
        }
    }

    fn ended(&mut self, id: StreamId, complete: bool) {
        if let Some(stream) = self.stream(id) {
            stream.over = Some(complete);
        }
    }
}
