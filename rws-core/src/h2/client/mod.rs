//! The client role: requests of ours on one connection, as many at once as the server takes.

mod pulse;
mod receive;
mod request;

use self::pulse::{Pulse, Verdict};
use super::by_source::BySource;
use super::machine::{Machine, Phase, settings};
use super::memory::Memory;
use super::out::Out;
use super::{ErrorCode, Role};
use crate::connection::{ByteConnection, Connection, ConnectionStatus, Event, Sent, Source, Step, StreamId};
use crate::message::Scratch;
use crate::{Env, Error, Instant};

/// An HTTP/2 connection in the client role. What it keeps between calls is in its [`Memory`].
///
/// [`Client::open`] begins an exchange, whose request `transmit` pulls from [`Source::request`]. It is over with
/// [`Event::End`], a response without a body, [`Event::Reset`] or [`Event::Refused`] that name it, with
/// [`Source::ended`] that says it is not complete, with [`Connection::reset`], and for all of them when the
/// [status](Connection::status) is `CloseAfterFlush` or `Closed`. An answer that is complete before its request ends
/// the request too.
#[derive(Debug)]
pub struct Client<M> {
    machine: Machine,
    memory: M,
    pulse: Pulse,
}

impl<M: Memory> Client<M> {
    /// A connection that was just established, and is known to speak HTTP/2. `secure`: over TLS, so that what it asks
    /// for is https. Requests may be opened at once.
    pub fn new(env: &Env<'_>, memory: M, secure: bool) -> Client<M> {
        let mut machine = Machine::new(Role::Client, env, settings(Role::Client, env.limits));
        machine.secure = secure;
        Client { machine, memory, pulse: Pulse::OFF }
    }

    /// Begins an exchange: `transmit` will ask the source for its request.
    ///
    /// # Errors
    /// [`Capacity::Streams`](crate::Capacity) while there are as many as the server, our limits or the memory allow;
    /// [`Misuse::WrongState`](crate::Misuse) on a connection that takes no more.
    pub fn open(&mut self, env: &Env<'_>) -> Result<StreamId, Error> {
        let machine = &mut self.machine;
        machine.may_open(env)?;
        if !machine.streams.has_room() {
            self.memory.grow(machine.streams.taken().saturating_add(1));
            machine.adopt(&mut self.memory.lend());
        }
        let stream = machine.open_stream(self.memory.lend().slots)?;
        self.pulse.begin(env);
        Ok(stream)
    }

    /// Whether [`Client::open`] would begin an exchange, as far as server and limits are asked.
    pub fn can_open(&self, env: &Env<'_>) -> bool {
        self.machine.may_open(env).is_ok()
    }

    /// Whether the exchange is under way.
    pub fn is_live(&mut self, stream: StreamId) -> bool {
        self.machine.slot_of(self.memory.lend().slots, stream).is_some()
    }

    /// How many exchanges are under way.
    pub const fn live(&self) -> u16 {
        self.machine.live
    }

    /// How many requests at once the server takes; `None` before it has said so (RFC 9113 §6.5.2).
    pub fn streams_max(&self) -> Option<u32> {
        (self.machine.phase != Phase::Settings).then_some(self.machine.peer.streams_max)
    }

    /// Whether the head of a request was handed to the driver. One that was not may be tried again elsewhere.
    pub fn request_begun(&mut self, stream: StreamId) -> bool {
        self.machine.request_begun(self.memory.lend().slots, stream)
    }

    /// The code of the latest [`Event::Reset`] that was the peer's doing: after
    /// [`ErrorCode::REFUSED_STREAM`] nothing was done for the request, and it may be tried again (RFC 9113 §8.7).
    pub const fn reset_code(&self) -> ErrorCode {
        self.machine.peer_code
    }

    /// Whether the server takes extended CONNECT requests (RFC 8441 §3).
    pub const fn takes_extended_connect(&self) -> bool {
        self.machine.peer.connect_protocol
    }

    /// Gives back the memory of the stream slots if no stream needs it: for a driver that puts the connection to
    /// rest.
    pub fn release(&mut self) {
        if self.machine.streams.taken() == 0 {
            self.machine.streams.forget();
            self.memory.release();
        }
    }

    /// Whether the transport must be reset rather than closed.
    pub const fn ends_abruptly(&self) -> bool {
        self.machine.abrupt
    }

    /// What the source of the requests did wrong, the last time that it did.
    pub const fn error(&self) -> Option<Error> {
        self.machine.error
    }

    /// The driver does not read for now, through no fault of the peer: its time for every body starts again.
    pub fn excuse_peer(&mut self) {
        self.pulse.excuse();
        self.machine.excuse_peer(self.memory.lend().slots);
    }
}

impl<M> Client<M> {
    /// Whether the server has been silent for too long. If it is time to ask, that is what is sent next.
    fn is_dead(&mut self, env: &Env<'_>) -> bool {
        if self.machine.rx_want() == 0 {
            self.pulse.excuse();
        }
        match self.pulse.look(env, self.machine.live > 0) {
            Verdict::Alive => false,
            Verdict::Ask => {
                self.machine.outbox.probe = true;
                false
            }
            Verdict::Dead => true,
        }
    }
}

impl<M: Memory> Connection for Client<M> {
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

    /// Never called for, as in the server role.
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
        match self.machine.status() {
            ConnectionStatus::Open | ConnectionStatus::Draining => {
                self.machine.next_deadline().min(self.pulse.due())
            }
            ConnectionStatus::CloseAfterFlush | ConnectionStatus::Closed | ConnectionStatus::Upgraded => {
                self.machine.next_deadline()
            }
        }
    }

    fn on_deadline(&mut self, env: &Env<'_>) -> Option<Event> {
        if !self.machine.has_failed() && self.is_dead(env) {
            return Some(self.machine.close(true).into());
        }
        let event = self.machine.on_deadline(env, self.memory.lend().slots);
        self.machine.settle(env);
        event.map(Event::from)
    }

    fn shutdown(&mut self, env: &Env<'_>) {
        self.machine.shutdown(env);
    }
}

impl<M: Memory> ByteConnection for Client<M> {
    fn receive(&mut self, env: &Env<'_>, rx: &mut [u8], scratch: &mut Scratch<'_>) -> Step {
        let step = receive::receive(&mut self.machine, env, &mut self.memory, rx, scratch);
        if step.consumed > 0 {
            self.pulse.hear(env);
        }
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
        let room = self.machine.transmit(env, &mut self.memory.lend(), &mut out, &mut source, request::write);
        self.machine.transmitted(env, out.len(), room)
    }

    fn flushed(&mut self, env: &Env<'_>, bytes: usize) {
        self.machine.flushed(env, bytes);
    }
}

#[cfg(test)]
mod tests;
