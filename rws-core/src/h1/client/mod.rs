//! The client role: one request at a time, answers in. Its states are drawn in [`h1`](super).

mod receive;
mod send;

use super::body::BodyReader;
use super::body_out::BodyWriter;
use super::deadlines::Deadlines;
use super::out::Out;
use crate::connection::{
    ByteConnection, Connection, ConnectionStatus, Event, ResetCause, Sent, Source, Step, StreamId,
};
use crate::message::Scratch;
use crate::{Capacity, Env, Error, Instant, Method, Misuse, PeerFault};

/// An HTTP/1 connection in the client role.
///
/// [`Client::open`] begins an exchange, whose request [`transmit`](ByteConnection::transmit) pulls from
/// [`Source::request`]. It is over with [`Event::End`], a response without a body, [`Event::Reset`] or
/// [`Event::Refused`]; the status tells whether another may be opened.
#[derive(Debug)]
pub struct Client {
    clock: Deadlines,
    body: BodyReader,
    writer: BodyWriter,
    request_bytes: u64,
    generation: u32,
    scanned: u16,
    phase: Phase,
    method: Method,
    interim: u8,
    error: Option<Error>,
    /// The connection can be used again after this exchange.
    persist: bool,
    /// The request asked for an upgrade.
    upgrade: bool,
    /// The body waits for `100 (Continue)`.
    held: bool,
    parked: bool,
    request_done: bool,
    /// A byte of a response has come in this exchange.
    started: bool,
    /// A byte of the head that is awaited now has come.
    head_begun: bool,
    draining: bool,
    abrupt: bool,
    close_told: bool,
}

const _: () = assert!(size_of::<Client>() <= 128);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Waiting,
    Receiving,
    Closed,
    Upgraded,
}

/// Why `transmit` stopped, before it is known whether bytes were written.
enum Stop {
    Nothing,
    Room(usize),
    Direct(u64),
}

impl Client {
    /// A connection that was just established. The time that it may stay unused starts.
    pub fn new(env: &Env<'_>) -> Client {
        Client {
            clock: Deadlines::new(env.now.after_us(env.limits.idle_timeout_us)),
            body: BodyReader::NONE,
            writer: BodyWriter::HEAD,
            request_bytes: 0,
            generation: 0,
            scanned: 0,
            phase: Phase::Idle,
            method: Method::Get,
            interim: 0,
            error: None,
            persist: true,
            upgrade: false,
            held: false,
            parked: false,
            request_done: false,
            started: false,
            head_begun: false,
            draining: false,
            abrupt: false,
            close_told: false,
        }
    }

    /// Begins an exchange: `transmit` will ask the source for its request.
    ///
    /// # Errors
    /// [`Capacity::Streams`] while another is under way, [`Misuse::WrongState`] on a connection that takes
    /// no more.
    pub fn open(&mut self) -> Result<StreamId, Error> {
        match self.phase {
            Phase::Idle if !self.draining => {}
            Phase::Waiting | Phase::Receiving => return Err(Capacity::Streams.into()),
            Phase::Idle | Phase::Closed | Phase::Upgraded => return Err(Misuse::WrongState.into()),
        }
        self.phase = Phase::Waiting;
        self.writer = BodyWriter::HEAD;
        self.body = BodyReader::NONE;
        self.request_bytes = 0;
        self.scanned = 0;
        self.interim = 0;
        self.upgrade = false;
        self.held = false;
        self.parked = false;
        self.request_done = false;
        self.started = false;
        self.head_begun = false;
        Ok(self.stream())
    }

    /// The exchange under way.
    pub fn exchange(&self) -> Option<StreamId> {
        matches!(self.phase, Phase::Waiting | Phase::Receiving).then(|| self.stream())
    }

    /// Whether a byte of a response to the latest request has come. While none has, a request whose method
    /// is idempotent may be tried again elsewhere (RFC 9110 §9.2.2).
    pub const fn response_started(&self) -> bool {
        self.started
    }

    /// Bytes of the latest request that were handed to the driver. Zero: any request may be tried again.
    pub const fn request_bytes_sent(&self) -> u64 {
        self.request_bytes
    }

    /// Whether the body is held back until the server asks for it with a `100 (Continue)`, or
    /// [`next_deadline`](Connection::next_deadline) has passed (RFC 9110 §10.1.1).
    pub const fn awaits_continue(&self) -> bool {
        self.held
    }

    /// Whether nothing more of the latest request will be sent: it is written to its end, or the server's answer
    /// has stopped it.
    pub const fn request_is_done(&self) -> bool {
        self.request_done
    }

    /// Whether the transport should be reset rather than closed.
    pub const fn ends_abruptly(&self) -> bool {
        self.abrupt
    }

    /// What the source of the request did wrong, if that ended the connection.
    pub const fn error(&self) -> Option<Error> {
        self.error
    }

    const fn stream(&self) -> StreamId {
        StreamId::new(0, self.generation)
    }

    /// The driver is sending a run of this exchange by itself.
    fn is_direct(&self) -> bool {
        self.writer.is_direct() && self.exchange().is_some()
    }

    #[cfg(test)]
    pub(super) fn phase_number(&self) -> u8 {
        self.phase as u8
    }

    fn rx_counts(&self) -> bool {
        match self.phase {
            Phase::Idle => true,
            Phase::Waiting => self.held || self.head_begun || self.request_done,
            Phase::Receiving => !self.body.is_paused(),
            Phase::Closed | Phase::Upgraded => false,
        }
    }
}

impl Connection for Client {
    fn grant(&mut self, stream: StreamId, bytes: u32) -> Result<(), Error> {
        if self.exchange() != Some(stream) {
            return Err(Misuse::StaleStream.into());
        }
        // As in the server role: only who had to wait for it is excused.
        if !self.rx_counts() {
            self.clock.excuse_rx();
        }
        self.body.grant(bytes);
        Ok(())
    }

    fn wake(&mut self, stream: StreamId) {
        if self.exchange() == Some(stream) {
            self.parked = false;
        }
    }

    fn reset(&mut self, stream: StreamId) {
        if self.exchange() == Some(stream) {
            self.close();
            self.abrupt = true;
        }
    }

    fn sent(&mut self, stream: StreamId, bytes: u64) -> Result<(), Error> {
        if self.exchange() != Some(stream) {
            return Err(Misuse::StaleStream.into());
        }
        self.clock.sent(bytes);
        // A run that was under way when the server's answer stopped the request.
        let stopped = self.request_done && !self.writer.is_direct();
        if stopped { Ok(()) } else { Ok(self.writer.sent(bytes)?) }
    }

    fn rx_want(&self) -> usize {
        match self.phase {
            // Nothing is due; what comes is the end, or a fault.
            Phase::Idle => 1,
            Phase::Waiting => usize::from(u16::MAX),
            Phase::Receiving => self.body.want(),
            Phase::Closed | Phase::Upgraded => 0,
        }
    }

    fn wants_transmit(&self) -> bool {
        match self.phase {
            Phase::Waiting | Phase::Receiving => {
                !self.request_done && !self.parked && !self.held && !self.writer.is_direct()
            }
            Phase::Closed => !self.close_told,
            Phase::Idle | Phase::Upgraded => false,
        }
    }

    fn status(&self) -> ConnectionStatus {
        match self.phase {
            Phase::Idle | Phase::Waiting | Phase::Receiving if self.draining => ConnectionStatus::Draining,
            Phase::Idle | Phase::Waiting | Phase::Receiving => ConnectionStatus::Open,
            Phase::Closed => ConnectionStatus::Closed,
            Phase::Upgraded => ConnectionStatus::Upgraded,
        }
    }

    fn next_deadline(&self) -> Instant {
        match self.phase {
            Phase::Closed | Phase::Upgraded => Instant::NEVER,
            Phase::Idle | Phase::Waiting | Phase::Receiving => {
                self.clock.next(self.rx_counts(), self.is_direct())
            }
        }
    }

    fn on_deadline(&mut self, env: &Env<'_>) -> Option<Event> {
        if self.next_deadline() > env.now {
            return None;
        }
        if self.clock.write_is_late(env, self.is_direct()) {
            let event = match self.exchange() {
                Some(_) => self.cut_short(ResetCause::WriteTimeout),
                None => Event::Closed,
            };
            self.phase = Phase::Closed;
            self.abrupt = true;
            return Some(event);
        }
        if !self.rx_counts() {
            return None;
        }
        match self.phase {
            Phase::Idle if self.clock.rx_passed(env) => {
                self.phase = Phase::Closed;
                Some(Event::Closed)
            }
            Phase::Waiting if self.clock.rx_passed(env) && self.held && !self.head_begun => {
                // Long enough: the body goes without having been asked for (RFC 9110 §10.1.1).
                self.held = false;
                None
            }
            Phase::Waiting if self.clock.rx_passed(env) => Some(self.refused(PeerFault::HeadTimeout)),
            Phase::Receiving if self.clock.body_is_late(env) => Some(self.cut_short(ResetCause::BodyTimeout)),
            Phase::Idle | Phase::Waiting | Phase::Receiving | Phase::Closed | Phase::Upgraded => None,
        }
    }

    fn shutdown(&mut self, _env: &Env<'_>) {
        self.draining = true;
        if self.phase == Phase::Idle {
            self.phase = Phase::Closed;
        }
    }
}

impl ByteConnection for Client {
    fn receive(&mut self, env: &Env<'_>, rx: &mut [u8], scratch: &mut Scratch<'_>) -> Step {
        match self.phase {
            Phase::Idle if rx.is_empty() => Step::NEED_MORE,
            // Where a response ends is no longer certain (RFC 9112 §9.2).
            Phase::Idle => self.failed(rx, PeerFault::UnexpectedResponse),
            Phase::Waiting => self.receive_head(env, rx, scratch),
            Phase::Receiving => self.receive_body(env, rx, scratch),
            Phase::Closed => Step { consumed: rx.len(), event: None },
            Phase::Upgraded => Step::NEED_MORE,
        }
    }

    fn receive_end(&mut self, env: &Env<'_>) -> Option<Event> {
        match self.phase {
            Phase::Idle => {
                self.phase = Phase::Closed;
                Some(Event::Closed)
            }
            Phase::Receiving if self.body.end_of_input() => {
                let stream = self.stream();
                self.persist = false;
                self.complete(env);
                Some(Event::End { stream, trailers: None })
            }
            Phase::Waiting | Phase::Receiving => Some(self.cut_short(ResetCause::Truncated)),
            Phase::Closed | Phase::Upgraded => None,
        }
    }

    fn transmit<S: Source + ?Sized>(
        &mut self,
        env: &Env<'_>,
        tx: &mut [u8],
        _scratch: &mut Scratch<'_>,
        source: &mut S,
    ) -> Sent {
        let mut out = Out::new(tx);
        let stream = self.stream();
        let stop = match self.phase {
            Phase::Waiting | Phase::Receiving => self.send(env, source, &mut out),
            Phase::Idle | Phase::Closed | Phase::Upgraded => Stop::Nothing,
        };
        let bytes = out.len();
        let direct = if let Stop::Direct(len) = stop { len } else { 0 };
        let handed = direct.saturating_add(bytes as u64);
        if handed > 0 {
            self.request_bytes = self.request_bytes.saturating_add(handed);
            self.clock.wrote(env, bytes);
        }
        match stop {
            Stop::Direct(len) => Sent::Direct { bytes, stream, len },
            Stop::Nothing | Stop::Room(_) if bytes > 0 => Sent::Bytes(bytes),
            Stop::Room(bytes) => Sent::NeedRoom(bytes),
            Stop::Nothing if self.phase == Phase::Closed => {
                self.close_told = true;
                Sent::Close
            }
            Stop::Nothing => Sent::Nothing,
        }
    }

    fn flushed(&mut self, _env: &Env<'_>, bytes: usize) {
        self.clock.flushed(bytes);
    }
}

#[cfg(test)]
mod tests;
