//! The server role: many requests at once, answers in turns.

mod answer;
mod head;
mod push;
mod receive;
mod whole;

use super::by_source::BySource;
use super::control::Leaving;
use super::machine::{Machine, settings};
use super::memory::Memory;
use super::out::Out;
use super::{ErrorCode, Role};
use crate::connection::{ByteConnection, Connection, ConnectionStatus, Event, Sent, Source, Step, StreamId};
use crate::message::Scratch;
use crate::{Env, Error, Instant};

/// An HTTP/2 connection in the server role. What it keeps between calls is in its [`Memory`].
///
/// A driver names an exchange by the [`StreamId`] that came with its request: its slot is small and dense, and free
/// again once the exchange is over. It is over with [`Source::ended`] (the answer is written to its end, or was given
/// up; in a tunnel that CONNECT has opened only with the client's end as well), with [`Event::Reset`] and [`Event::Refused`] that name it, with [`Connection::reset`], and for all of them
/// when the [status](Connection::status) is `CloseAfterFlush` or `Closed`.
///
/// As with HTTP/1, `receive` may leave bytes in `rx` that can be taken only after something was sent:
/// [`rx_want`](Connection::rx_want) is 0 then. Offer them again after the next `transmit`.
#[derive(Debug)]
pub struct Server<M> {
    pub(super) machine: Machine,
    pub(super) memory: M,
}

impl<M: Memory> Server<M> {
    /// A connection that was just accepted, or whose first bytes have shown that it speaks HTTP/2 (they are still to be
    /// offered). The time for the client's preface starts; our own is written by the first `transmit`.
    pub fn new(env: &Env<'_>, memory: M) -> Server<M> {
        Server { machine: Machine::new(Role::Server, env, settings(Role::Server, env.limits)), memory }
    }

    /// Whether the exchange is under way.
    pub fn is_live(&mut self, stream: StreamId) -> bool {
        self.machine.slot_of(self.memory.lend().slots, stream).is_some()
    }

    /// How many exchanges are under way.
    pub const fn live(&self) -> u16 {
        self.machine.live
    }

    /// Whether no exchange is under way, and no frame has begun.
    pub fn is_idle(&self) -> bool {
        self.machine.is_idle_between_frames()
    }

    /// Gives back the memory of the stream slots if no stream needs it: for a driver that puts the connection to
    /// rest.
    pub fn release(&mut self) {
        if self.machine.streams.taken() == 0 {
            self.machine.streams.forget();
            self.memory.release();
        }
    }

    /// Lends the table that our field blocks are encoded with more memory, if it lacks some: for a driver that looks
    /// after its connections now and then.
    pub fn widen(&mut self) {
        if self.machine.encoder.lacks_memory() {
            self.memory.widen();
        }
    }

    /// Whether the transport must be reset rather than closed, since the peer takes nothing any more.
    pub const fn ends_abruptly(&self) -> bool {
        self.machine.abrupt
    }

    /// What the source of the answers did wrong, the last time that it did.
    pub const fn error(&self) -> Option<Error> {
        self.machine.error
    }

    /// What our GOAWAY says or said, if one is due or was sent.
    pub fn goaway(&self) -> Option<ErrorCode> {
        (self.machine.outbox.leaving != Leaving::No).then_some(self.machine.outbox.code)
    }

    /// The driver does not read for now, through no fault of the peer: its time for every body starts again.
    pub fn excuse_peer(&mut self) {
        self.machine.excuse_peer(self.memory.lend().slots);
    }

    /// A request of the client's kind, that it did not make, gets an answer too (RFC 9113 §8.4): the source is asked
    /// for the request ([`Source::request`], a safe method, without a body) and then for the answer of the stream that
    /// is named here. It is promised before more of the answer of `parent` is written.
    ///
    /// # Errors
    /// [`Misuse::StaleStream`](crate::Misuse) if `parent` is over; [`Misuse::WrongState`](crate::Misuse) if the client
    /// takes no pushes or `parent` is one itself; [`Capacity::Streams`](crate::Capacity) if there are as many as may be.
    pub fn push(&mut self, env: &Env<'_>, parent: StreamId) -> Result<StreamId, Error> {
        self.make_room(env);
        let mut lent = self.memory.lend();
        self.machine.adopt(&mut lent);
        self.machine.push(env, lent.slots, parent)
    }

    /// A slot is free for the next stream, if there may be one more.
    #[cfg_attr(not(target_os = "none"), inline)]
    fn make_room(&mut self, env: &Env<'_>) {
        let machine = &mut self.machine;
        if machine.streams.has_room() {
            return;
        }
        let taken = machine.streams.taken();
        if taken < env.limits.streams_max {
            self.memory.grow(taken.saturating_add(1));
        }
        machine.adopt(&mut self.memory.lend());
    }
}

impl<M: Memory> Connection for Server<M> {
    fn grant(&mut self, stream: StreamId, bytes: u32) -> Result<(), Error> {
        self.machine.grant(self.memory.lend().slots, stream, bytes)
    }

    fn wake(&mut self, stream: StreamId) {
        self.machine.wake(self.memory.lend().slots, stream);
    }

    fn be_patient(&mut self, stream: StreamId) {
        self.machine.be_patient(self.memory.lend().slots, stream);
    }

    fn reset(&mut self, stream: StreamId) {
        self.machine.abandon(self.memory.lend().slots, stream);
    }

    /// Never called for: an HTTP/2 connection offers no [`Sent::Direct`] runs, since content stands in frames.
    fn sent(&mut self, _stream: StreamId, _bytes: u64) -> Result<(), Error> {
        Err(crate::Misuse::WrongState.into())
    }

    fn rx_want(&self) -> usize {
        self.machine.rx_want()
    }

    fn wants_transmit(&self) -> bool {
        self.machine.wants_transmit()
    }

    fn status(&self) -> ConnectionStatus {
        self.machine.status()
    }

    fn next_deadline(&self) -> Instant {
        self.machine.next_deadline()
    }

    fn on_deadline(&mut self, env: &Env<'_>) -> Option<Event> {
        let event = self.machine.on_deadline(env, self.memory.lend().slots);
        self.machine.settle(env);
        event.map(Event::from)
    }

    fn shutdown(&mut self, env: &Env<'_>) {
        self.machine.shutdown(env);
    }
}

impl<M: Memory> ByteConnection for Server<M> {
    fn receive(&mut self, env: &Env<'_>, rx: &mut [u8], scratch: &mut Scratch<'_>) -> Step {
        self.make_room(env);
        let step = receive::receive(&mut self.machine, env, &mut self.memory, rx, scratch);
        self.machine.settle(env);
        step
    }

    fn receive_end(&mut self, env: &Env<'_>) -> Option<Event> {
        self.machine.receive_end(env, self.memory.lend().slots).map(Event::from)
    }

    fn transmit<S: Source + ?Sized>(
        &mut self,
        env: &Env<'_>,
        tx: &mut [u8],
        _scratch: &mut Scratch<'_>,
        source: &mut S,
    ) -> Sent {
        let mut out = Out::new(tx);
        let mut source = BySource(source);
        let room = self.machine.transmit(env, &mut self.memory.lend(), &mut out, &mut source, answer::write);
        self.machine.transmitted(env, out.len(), room)
    }

    fn flushed(&mut self, env: &Env<'_>, bytes: usize) {
        self.machine.flushed(env, bytes);
    }
}

#[cfg(test)]
mod tests;
