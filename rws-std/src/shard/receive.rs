//! Bytes in: from the socket through the machine to the next job.

use core::ops::Range;

use rws_core::connection::{ByteConnection, Connection, Event, ResetCause, Step, StreamId};
use rws_core::h1::{Received, Shed};
use rws_core::message::{FieldBlock, OwnedFields, OwnedRequestHead, Scratch};

use super::conn::{Arrived, At, Flags};
use super::{Address, Reading, Shard, TurnBuf};
use crate::application::Application;
use crate::sys;

/// A piece of the application's work, to be run while the shard lies in its slot. The shard's context says which
/// exchange it is for; places are in the `rx` of the thread's [`TurnBuf`]. Small enough for registers: each job passes
/// through a few hands.
#[derive(Debug)]
pub(crate) enum Job<S> {
    /// Begin an exchange: the buffer's head, whose bytes start at `at`.
    Begin { at: u32 },
    /// Give a piece of the request body to the exchange.
    Body(Box<BodyWork<S>>),
    /// Somebody woke the exchange before its answer was decided.
    Advance(Box<S>),
    /// Begin an exchange that nobody asked for: a push.
    Promised(Box<OwnedRequestHead>),
}

/// A piece of a request body, for the exchange that it belongs to.
#[derive(Debug)]
pub(crate) struct BodyWork<S> {
    pub(crate) state: S,
    pub(crate) piece: Range<usize>,
    pub(crate) end: bool,
    /// What stands behind the body.
    pub(crate) trailers: Trailers,
}

/// The trailer section of a request body, if it has one.
pub(crate) type Trailers = Option<Box<OwnedFields>>;

/// A trailer section for a job to keep.
pub(super) fn kept(trailers: FieldBlock<'_>) -> Trailers {
    (!trailers.is_empty()).then(|| Box::new(OwnedFields::copy_of(trailers)))
}

/// How working off some bytes ended.
pub(super) enum Progress<S> {
    Job(Job<S>),
    /// All that can be worked off has been.
    Rest,
    /// The connection is gone.
    Gone,
    /// The client speaks HTTP/2: its machine goes on with the same bytes.
    Switched,
}

/// What an event means for the bytes behind it.
enum Turn<S> {
    On,
    Over(Progress<S>),
}

impl<A: Application> Shard<A> {
    /// Does what can be done for connection `key` now; a job that has to run first is returned.
    pub(super) fn work_on(&mut self, buf: &mut TurnBuf, key: u32) -> Option<Job<A::State>> {
        if let Some(at) = self.h2_of(key) {
            return self.work_on_streams(buf, key, at);
        }
        while let Some(reading) = self.reading.take().or_else(|| self.load(buf, key)) {
            match self.work_off(buf, key, reading) {
                Progress::Job(job) => return Some(job),
                Progress::Gone => return None,
                Progress::Switched => return self.work_on(buf, key),
                // A peer that sends faster than we work off has its turn again; others come first.
                Progress::Rest if self.is_listed(key) => break,
                Progress::Rest => {}
            }
        }
        self.conclude(key);
        None
    }

    /// Puts bytes of connection `key` into the thread's buffer, if it has any and wants them.
    #[inline]
    pub(super) fn load(&mut self, buf: &mut TurnBuf, key: u32) -> Option<Reading> {
        let conn = self.conns.get_mut(key as usize)?;
        let is_fresh = conn.flags.has(Flags::UNOFFERED);
        let wants = match conn.exchange {
            At::Nowhere | At::Here(_) => conn.h1.rx_want() > 0,
            At::H2(at) => self.h2.get(at as usize).is_some_and(|h2| h2.wants_bytes()),
        };
        let is_readable = wants && conn.flags.has(Flags::READABLE);
        let is_due = conn.flags.has(Flags::UNFINISHED) || (wants && (is_fresh || is_readable));
        if conn.flags.has(Flags::JOB_OUT) || !is_due {
            return None;
        }
        conn.flags.clear(Flags::UNFINISHED);
        let rx = &mut buf.rx;
        let mut to = 0;
        if let Some(left) = conn.leftover.take() {
            let bytes = left.bytes();
            rx[..bytes.len()].copy_from_slice(bytes);
            to = bytes.len();
            self.pools.give(left);
            conn.flags.clear(Flags::UNOFFERED);
        }
        let mut drained = true;
        if is_readable {
            let space = &mut rx[to..];
            let received = sys::recv(&conn.socket, space);
            let Some(arrived) = conn.note_received(received, space.len()) else {
                self.abort(key, ResetCause::ByPeer);
                return None;
            };
            (to, drained) = (to + arrived.bytes, arrived.drained);
        }
        Some(Reading { conn: key, from: 0, to: to as u32, drained, copied: false })
    }

    /// Takes the machine's steps on the loaded bytes until a job comes up or nothing is left to do.
    #[inline]
    fn work_off(&mut self, buf: &mut TurnBuf, key: u32, mut reading: Reading) -> Progress<A::State> {
        loop {
            let Some(conn) = self.conns.get_mut(key as usize) else { return Progress::Gone };
            if reading.from == reading.to && conn.h1.exchange().is_none() {
                return self.rest(buf, key, reading, false);
            }
            let env = super::env(&self.clock, &self.settings);
            let mut scratch = Scratch { bytes: &mut buf.decoded, fields: &mut buf.index };
            let rx = &mut buf.rx[reading.place()];
            match conn.h1.receive_into(&env, rx, &mut scratch, &mut buf.head) {
                Received::Request { stream, consumed, end: _ } => {
                    return Progress::Job(self.begin_job(buf, reading, stream, consumed));
                }
                Received::Other(step) => match self.take_step(buf, key, &mut reading, step) {
                    Turn::On => {}
                    Turn::Over(progress) => return progress,
                },
            }
        }
    }

    /// As [`Shard::work_on`], for a connection whose poller has told of bytes. Nearly always it awaits a request, and
    /// here that is.
    #[inline]
    pub(super) fn work_on_arrival(&mut self, buf: &mut TurnBuf, key: u32) -> Option<Job<A::State>> {
        let conn = self.conns.get_mut(key as usize)?;
        if !conn.awaits_arrival() {
            return self.work_on(buf, key);
        }
        let received = sys::recv(&conn.socket, &mut buf.rx);
        let Some(Arrived { bytes, drained }) = conn.note_received(received, buf.rx.len()) else {
            self.abort(key, ResetCause::ByPeer);
            return None;
        };
        let reading = Reading { conn: key, from: 0, to: bytes as u32, drained, copied: false };
        self.begin_next(buf, reading)
    }

    /// As [`Shard::work_on`], for a connection that awaits a request, and bytes that are most probably one.
    pub(super) fn begin_next(&mut self, buf: &mut TurnBuf, reading: Reading) -> Option<Job<A::State>> {
        let conn = self.conns.get_mut(reading.conn as usize)?;
        let env = super::env(&self.clock, &self.settings);
        let mut scratch = Scratch { bytes: &mut buf.decoded, fields: &mut buf.index };
        let rx = &mut buf.rx[reading.place()];
        match conn.h1.receive_into(&env, rx, &mut scratch, &mut buf.head) {
            Received::Request { stream, consumed, end: _ } => {
                Some(self.begin_job(buf, reading, stream, consumed))
            }
            Received::Other(step) => self.work_on_after(buf, reading, step),
        }
    }

    /// As [`Shard::work_on`], for bytes on which the machine has taken a step.
    #[inline(never)]
    fn work_on_after(
        &mut self,
        buf: &mut TurnBuf,
        mut reading: Reading,
        step: Step,
    ) -> Option<Job<A::State>> {
        let key = reading.conn;
        self.reading = None;
        match self.take_step(buf, key, &mut reading, step) {
            Turn::On => self.reading = Some(reading),
            Turn::Over(Progress::Job(job)) => return Some(job),
            Turn::Over(Progress::Gone) => return None,
            Turn::Over(Progress::Switched) => {}
            Turn::Over(Progress::Rest) if self.is_listed(key) => {
                self.conclude(key);
                return None;
            }
            Turn::Over(Progress::Rest) => {}
        }
        self.work_on(buf, key)
    }

    /// The job of a request whose head has just been read: `consumed` bytes.
    #[inline(always)]
    fn begin_job(
        &mut self,
        buf: &TurnBuf,
        mut reading: Reading,
        stream: StreamId,
        consumed: usize,
    ) -> Job<A::State> {
        let at = reading.from;
        reading.from += consumed as u32;
        if self.draining_until.is_some()
            && let Some(conn) = self.conns.get_mut(reading.conn as usize)
        {
            // Its answer says that the connection ends with it.
            conn.h1.shutdown(&super::env(&self.clock, &self.settings));
        }
        self.stats.requests_total.up();
        self.send_away(buf, reading, stream);
        Job::Begin { at }
    }

    /// A step of the machine that began no exchange.
    #[inline]
    fn take_step(
        &mut self,
        buf: &mut TurnBuf,
        key: u32,
        reading: &mut Reading,
        step: Step,
    ) -> Turn<A::State> {
        let at = reading.from as usize;
        reading.from += step.consumed as u32;
        match step.event {
            None if step.consumed == 0 || reading.from == reading.to => {
                Turn::Over(self.rest(buf, key, *reading, false))
            }
            None => Turn::On,
            Some(event) => self.take_event(buf, key, reading, at, event),
        }
    }

    /// An event that is not a request's head. Apart from the head's, so that requests without a body stay on
    /// a short path.
    #[inline(never)]
    fn take_event(
        &mut self,
        buf: &mut TurnBuf,
        key: u32,
        reading: &mut Reading,
        at: usize,
        event: Event,
    ) -> Turn<A::State> {
        match event {
            Event::Body { stream, chunk } => {
                let from = at + chunk.at as usize;
                self.take_body(buf, key, reading, stream, from..from + chunk.len as usize, None)
            }
            Event::End { stream, trailers } => {
                let scratch = Scratch { bytes: &mut [], fields: &mut buf.index };
                let trailers = trailers.map(|spans| spans.view(&buf.rx[at..reading.from as usize], &scratch));
                let trailers = trailers.unwrap_or(FieldBlock::EMPTY);
                let Some(link) = self.link_of(key) else {
                    let trailers = kept(trailers);
                    return self.take_body(buf, key, reading, stream, at..at, Some(trailers));
                };
                self.forward_end(link, trailers);
                Turn::On
            }
            Event::Stalled { .. } => Turn::Over(self.rest(buf, key, *reading, true)),
            Event::Refused { stream: None, .. } if self.speaks_h2(key, &buf.rx[at..reading.to as usize]) => {
                self.switch_to_h2(key);
                self.reading = Some(Reading { from: at as u32, ..*reading });
                Turn::Over(Progress::Switched)
            }
            Event::Request { .. }
            | Event::Refused { .. }
            | Event::Reset { .. }
            | Event::Closed
            | Event::Interim { .. }
            | Event::Response { .. } => {
                let is_there = self.happened(key, event);
                Turn::Over(if is_there { Progress::Rest } else { Progress::Gone })
            }
        }
    }

    /// Body bytes at `place`, or its `end`, go to the upstream, to a job, or nowhere.
    fn take_body(
        &mut self,
        buf: &mut TurnBuf,
        key: u32,
        reading: &Reading,
        stream: StreamId,
        place: Range<usize>,
        end: Option<Trailers>,
    ) -> Turn<A::State> {
        if let Some(link) = self.link_of(key) {
            self.forward_body(link, &buf.rx[place]);
            return Turn::On;
        }
        if let Some(state) = self.borrow_state(key) {
            self.send_away(buf, *reading, stream);
            let (is_end, trailers) = (end.is_some(), end.flatten());
            let work = BodyWork { state, piece: place, end: is_end, trailers };
            return Turn::Over(Progress::Job(Job::Body(Box::new(work))));
        }
        // The answer did not wait for this body: it is read and dropped.
        if end.is_some() {
            self.settle_end(key);
        } else {
            let address = self.address_of(key, stream);
            self.give_credit(address, place.len() as u32);
        }
        Turn::On
    }

    /// Keeps what is left of the bytes, and tells the machine of the peer's end once it has seen all.
    fn rest(
        &mut self,
        buf: &mut TurnBuf,
        key: u32,
        reading: Reading,
        is_stalled: bool,
    ) -> Progress<A::State> {
        let Some(conn) = self.conns.get_mut(key as usize) else { return Progress::Gone };
        let waits = conn.h1.rx_want() == 0;
        if reading.from < reading.to {
            let bytes = &buf.rx[reading.place()];
            let is_short = self.pools.is_short_of(bytes.len(), self.settings.waiting_bytes_max);
            let env = super::env(&self.clock, &self.settings);
            match if is_short { conn.h1.shed(&env) } else { Shed::Keep } {
                Shed::Keep => {
                    conn.leftover = Some(self.pools.store(bytes));
                    if waits || is_stalled {
                        conn.flags.set(Flags::UNOFFERED);
                    }
                }
                Shed::Drop => {}
                Shed::Refused(event) => {
                    return if self.happened(key, event) { Progress::Rest } else { Progress::Gone };
                }
            }
        }
        if conn.flags.has(Flags::EOF) && !conn.flags.has(Flags::EOF_TOLD | Flags::UNOFFERED) {
            conn.flags.set(Flags::EOF_TOLD);
            let env = super::env(&self.clock, &self.settings);
            if let Some(event) = conn.h1.receive_end(&env) {
                return if self.happened(key, event) { Progress::Rest } else { Progress::Gone };
            }
        } else if !reading.drained && !waits {
            self.list(key);
        }
        Progress::Rest
    }

    /// Keeps the bytes that are left for the connection's next turn, which comes when others have had theirs.
    /// False if there are none.
    pub(super) fn put_off(&mut self, buf: &TurnBuf, key: u32) -> bool {
        let Some(reading) = self.reading.take_if(|reading| reading.from < reading.to) else { return false };
        if let Some(conn) = self.conns.get_mut(key as usize) {
            conn.interrupt(reading, &buf.rx, &mut self.pools);
            self.list(key);
            self.conclude(key);
        }
        true
    }

    /// Marks the exchange as away and lends the bytes to its job.
    #[inline]
    pub(super) fn send_away(&mut self, buf: &TurnBuf, mut reading: Reading, stream: StreamId) {
        if reading.from < reading.to && !reading.copied {
            self.keep_tail(&buf.rx, &reading);
            reading.copied = true;
        }
        let key = reading.conn;
        self.reading = Some(reading);
        self.address_job(key, stream);
    }

    /// Whoever takes the shard while a job runs needs the unread tail. One copy serves all the jobs of a pipelined
    /// row.
    #[inline(never)]
    pub(super) fn keep_tail(&mut self, rx: &[u8], reading: &Reading) {
        self.tail[reading.place()].copy_from_slice(&rx[reading.place()]);
    }

    /// The next job is this exchange's.
    #[inline]
    fn address_job(&mut self, key: u32, stream: StreamId) {
        let conn = &mut self.conns[key as usize];
        conn.flags.set(Flags::JOB_OUT);
        self.cx.prepare(&self.clock, Address { conn: key, generation: conn.generation, stream }, &conn.peer);
    }

    /// A job for an exchange that was woken before its answer was decided.
    pub(super) fn advance(&mut self, key: u32) -> Option<Job<A::State>> {
        let conn = self.conns.get_mut(key as usize)?;
        if !conn.flags.has(Flags::WOKEN) {
            return None;
        }
        conn.flags.clear(Flags::WOKEN);
        let At::Here(kept) = conn.exchange else { return None };
        let exchange = self.exchanges.get(kept as usize)?;
        if exchange.status.is_some() || exchange.link.is_some() {
            return None;
        }
        let stream = exchange.stream;
        let state = self.borrow_state(key)?;
        self.address_job(key, stream);
        Some(Job::Advance(Box::new(state)))
    }

    /// Something that ends the exchange or the connection. False if the connection is gone.
    pub(super) fn happened(&mut self, key: u32, event: Event) -> bool {
        match event {
            Event::Refused { stream, status, fault } => {
                self.stats.refused_total.up();
                if status.code() >= 500 {
                    self.stats.errors_total.up();
                }
                let Some(conn) = self.conns.get(key as usize) else { return false };
                if conn.exchange == At::Nowhere {
                    let stream = stream.unwrap_or(StreamId::new(0, 0));
                    self.prepare_cx(Address { conn: key, generation: conn.generation, stream });
                    self.guarded(|app, cx| app.refused(cx, status, fault));
                }
                self.drop_exchange(key, ResetCause::Truncated, Some(status));
                self.transmit_own(key);
                self.conns.contains(key as usize)
            }
            Event::Reset { cause, .. } => {
                // Answers to earlier requests are whole.
                self.flush(key, false);
                self.abort(key, cause);
                false
            }
            Event::Closed => {
                // What was gathered goes out first; `conclude` closes.
                self.conclude(key);
                false
            }
            // The machine of a server has no other events that come here.
            Event::Request { .. }
            | Event::Interim { .. }
            | Event::Response { .. }
            | Event::Body { .. }
            | Event::End { .. }
            | Event::Stalled { .. } => true,
        }
    }

    /// The name of an exchange that connection `key` has under way.
    pub(super) fn address_of(&self, key: u32, stream: StreamId) -> Address {
        let generation = self.conns.get(key as usize).map_or(0, |conn| conn.generation);
        Address { conn: key, generation, stream }
    }

    pub(super) fn is_listed(&self, key: u32) -> bool {
        self.conns.get(key as usize).is_some_and(|conn| conn.flags.has(Flags::LISTED))
    }

    /// Puts connection `key` on the list of those that go on without a new event.
    pub(super) fn list(&mut self, key: u32) {
        let Some(conn) = self.conns.get_mut(key as usize) else { return };
        if !conn.flags.has(Flags::LISTED) {
            conn.flags.set(Flags::LISTED);
            self.again.push_back(key);
        }
    }
}
