//! The server role: one exchange at a time, requests in, answers out. Its states are drawn in
//! [`h1`](super).

mod answer;
mod receive;
mod shed;
mod whole;

pub use self::receive::{Received, ReceivedHead};
pub use self::shed::Shed;

use super::body::BodyReader;
use super::body_out::BodyWriter;
use super::deadlines::Deadlines;
use super::head::ParsedRequest;
use super::out::Out;
use crate::connection::{
    ByteConnection, Connection, ConnectionStatus, Event, ResetCause, Sent, Source, Step, StreamId,
};
use crate::message::Scratch;
use crate::{Env, Error, Instant, Method, Misuse, PeerFault};

/// An HTTP/1 connection in the server role.
///
/// Besides the verbs of [`Connection`] and [`ByteConnection`] it tells which exchange is under way
/// ([`Server::exchange`]: an exchange is over for the driver as soon as this names another or none) and how
/// to close ([`Server::ends_abruptly`]).
#[derive(Debug)]
pub struct Server {
    clock: Deadlines,
    body: BodyReader,
    writer: BodyWriter,
    generation: u32,
    scanned: u16,
    phase: Phase,
    method: Method,
    interim: u8,
    empty_lines: u8,
    fault: Option<PeerFault>,
    error: Option<Error>,
    http10: bool,
    /// Another request may follow this one, as far as is known. Never while draining or after `eof`.
    persist: bool,
    upgrade: bool,
    /// The client waits for `100 (Continue)`, and nobody has granted anything yet.
    expects: bool,
    continue_due: bool,
    parked: bool,
    draining: bool,
    eof: bool,
    abrupt: bool,
    close_told: bool,
}

const _: () = assert!(size_of::<Server>() <= 128);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Head,
    Exchange,
    Drain,
    Refusing,
    Linger,
    Closed,
    Upgraded,
}

/// Why `transmit` stopped, before it is known whether bytes were written.
#[cfg_attr(target_os = "none", repr(u8))]
enum Stop {
    Nothing,
    Room(usize),
    Direct(u64),
}

impl Server {
    /// A connection that was just accepted. The time for its first byte starts.
    pub fn new(env: &Env<'_>) -> Server {
        Server {
            clock: Deadlines::new(env.now.after_us(env.limits.first_byte_timeout_us)),
            body: BodyReader::NONE,
            writer: BodyWriter::HEAD,
            generation: 0,
            scanned: 0,
            phase: Phase::Idle,
            method: Method::Get,
            interim: 0,
            empty_lines: 0,
            fault: None,
            error: None,
            http10: false,
            persist: true,
            upgrade: false,
            expects: false,
            continue_due: false,
            parked: false,
            draining: false,
            eof: false,
            abrupt: false,
            close_told: false,
        }
    }

    /// The exchange under way, from its request's head to the last byte of its answer.
    pub fn exchange(&self) -> Option<StreamId> {
        (self.phase == Phase::Exchange).then(|| self.stream())
    }

    /// Whether the next request is awaited, and no byte of it has come.
    #[inline]
    pub const fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle)
    }

    /// Whether nothing has come yet that could be a request, so that its first bytes are the connection's.
    pub const fn is_new(&self) -> bool {
        self.generation == 0 && self.empty_lines == 0
    }

    /// Whether the transport must be reset rather than closed (a TCP RST), since an orderly end would make a
    /// cut-off answer look complete, or since the peer takes nothing any more.
    pub const fn ends_abruptly(&self) -> bool {
        self.abrupt
    }

    /// What the source of the answers did wrong, if that ended the connection.
    pub const fn error(&self) -> Option<Error> {
        self.error
    }

    /// The driver does not read for now, through no fault of the peer: its time for the body starts again.
    pub fn excuse_peer(&mut self) {
        self.clock.excuse_rx();
    }

    const fn stream(&self) -> StreamId {
        StreamId::new(0, self.generation)
    }

    fn finish(&mut self, env: &Env<'_>) {
        self.generation = self.generation.wrapping_add(1);
        if self.upgrade {
            self.phase = Phase::Upgraded;
            return;
        }
        self.expects = false;
        self.continue_due = false;
        if self.persist && self.body.is_ended() {
            self.await_request(env);
        } else {
            self.leave(env);
        }
    }

    /// The exchange is over, but the connection does not persist, or the request was not read to its end.
    #[cold]
    fn leave(&mut self, env: &Env<'_>) {
        let unread = self.body.left();
        if !self.persist || unread.is_some_and(|left| left > linger_bytes(env)) {
            self.linger(env);
        } else if unread == Some(0) {
            self.body.end();
            self.await_request(env);
        } else {
            self.phase = Phase::Drain;
            self.body.set_credit(env.limits.linger_bytes_max);
            self.clock.arm_rx(env, env.limits.rate_grace_us);
            self.judge_rest(env);
        }
    }

    /// Gives up on a body of which more is still to come than is worth reading. Not only when that more is
    /// there: a driver does not read what nobody wants.
    fn judge_rest(&mut self, env: &Env<'_>) {
        if self.body.is_paused() {
            self.linger(env);
        }
    }

    fn await_request(&mut self, env: &Env<'_>) {
        self.phase = Phase::Idle;
        self.scanned = 0;
        self.clock.arm_rx(env, env.limits.idle_timeout_us);
    }

    /// Nothing more is written: half-close, drop what comes, close (RFC 9112 §9.6).
    fn linger(&mut self, env: &Env<'_>) {
        self.phase = Phase::Linger;
        self.body.end();
        self.body.set_credit(env.limits.linger_bytes_max);
        self.clock.arm_rx(env, env.limits.linger_timeout_us);
    }

    /// The answer cannot be completed: the peer must see that it is not whole.
    fn cut_off(&mut self) {
        self.abrupt |= self.writer.is_until_close();
        self.generation = self.generation.wrapping_add(1);
        self.phase = Phase::Closed;
    }

    /// The connection ends between exchanges.
    fn end(&mut self, env: &Env<'_>) -> Option<Event> {
        if self.clock.is_flushing() {
            self.linger(env);
            return None;
        }
        self.phase = Phase::Closed;
        Some(Event::Closed)
    }

    /// The driver is sending a run of this exchange by itself.
    #[inline]
    fn is_direct(&self) -> bool {
        self.writer.is_direct() && self.exchange().is_some()
    }

    #[cfg(test)]
    pub(super) fn phase_number(&self) -> u8 {
        self.phase as u8
    }

    #[inline]
    fn rx_counts(&self) -> bool {
        match self.phase {
            Phase::Idle | Phase::Head | Phase::Drain | Phase::Linger => true,
            Phase::Exchange => {
                !self.body.is_ended() && !self.body.is_paused() && !self.expects && !self.continue_due
            }
            Phase::Refusing | Phase::Closed | Phase::Upgraded => false,
        }
    }
}

fn linger_bytes(env: &Env<'_>) -> u64 {
    u64::from(env.limits.linger_bytes_max)
}

impl Connection for Server {
    fn grant(&mut self, stream: StreamId, bytes: u32) -> Result<(), Error> {
        if self.exchange() != Some(stream) {
            return Err(Misuse::StaleStream.into());
        }
        // Time counts against the peer unless it had to wait for this: or each grant for a dribbled byte would
        // buy the next one a whole grace.
        if !self.rx_counts() {
            self.clock.excuse_rx();
        }
        self.body.grant(bytes);
        self.continue_due |= self.expects;
        self.expects = false;
        Ok(())
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn wake(&mut self, stream: StreamId) {
        if self.exchange() == Some(stream) {
            self.parked = false;
        }
    }

    fn reset(&mut self, stream: StreamId) {
        if self.exchange() == Some(stream) {
            self.cut_off();
            self.abrupt = true;
        }
    }

    fn sent(&mut self, stream: StreamId, bytes: u64) -> Result<(), Error> {
        if self.exchange() != Some(stream) {
            return Err(Misuse::StaleStream.into());
        }
        self.writer.sent(bytes)?;
        self.clock.sent(bytes);
        Ok(())
    }

    fn rx_want(&self) -> usize {
        match self.phase {
            Phase::Idle | Phase::Head => usize::from(u16::MAX),
            Phase::Exchange | Phase::Drain => self.body.want(),
            Phase::Linger => self.body.credit(),
            Phase::Refusing | Phase::Closed | Phase::Upgraded => 0,
        }
    }

    fn wants_transmit(&self) -> bool {
        match self.phase {
            Phase::Exchange => self.continue_due || (!self.parked && !self.writer.is_direct()),
            Phase::Refusing => true,
            Phase::Linger | Phase::Closed => !self.close_told,
            Phase::Idle | Phase::Head | Phase::Drain | Phase::Upgraded => false,
        }
    }

    fn status(&self) -> ConnectionStatus {
        match self.phase {
            Phase::Idle | Phase::Head | Phase::Exchange | Phase::Drain if self.draining => {
                ConnectionStatus::Draining
            }
            Phase::Idle | Phase::Head | Phase::Exchange | Phase::Drain => ConnectionStatus::Open,
            Phase::Refusing | Phase::Linger => ConnectionStatus::CloseAfterFlush,
            Phase::Closed => ConnectionStatus::Closed,
            Phase::Upgraded => ConnectionStatus::Upgraded,
        }
    }

    #[cfg_attr(not(target_os = "none"), inline)]
    #[cfg_attr(target_os = "none", inline(never))]
    fn next_deadline(&self) -> Instant {
        match self.phase {
            Phase::Closed | Phase::Upgraded => Instant::NEVER,
            Phase::Idle | Phase::Head | Phase::Exchange | Phase::Drain | Phase::Refusing | Phase::Linger => {
                self.clock.next(self.rx_counts(), self.is_direct())
            }
        }
    }

    fn on_deadline(&mut self, env: &Env<'_>) -> Option<Event> {
        if self.next_deadline() > env.now {
            return None;
        }
        if self.clock.write_is_late(env, self.is_direct()) {
            let stream = self.exchange();
            self.cut_off();
            self.abrupt = true;
            let cause = ResetCause::WriteTimeout;
            return Some(stream.map_or(Event::Closed, |stream| Event::Reset { stream, cause }));
        }
        if !self.rx_counts() {
            return None;
        }
        match self.phase {
            Phase::Idle if self.clock.rx_passed(env) => self.end(env),
            Phase::Head if self.clock.rx_passed(env) => Some(self.refused(PeerFault::HeadTimeout)),
            Phase::Exchange if self.clock.body_is_late(env) => {
                if self.writer.awaits_head() {
                    return Some(self.refused(PeerFault::BodyTimeout));
                }
                let stream = self.stream();
                self.cut_off();
                Some(Event::Reset { stream, cause: ResetCause::BodyTimeout })
            }
            Phase::Drain if self.clock.body_is_late(env) => self.end(env),
            Phase::Linger if self.clock.rx_passed(env) => self.end(env),
            Phase::Idle
            | Phase::Head
            | Phase::Exchange
            | Phase::Drain
            | Phase::Linger
            | Phase::Refusing
            | Phase::Closed
            | Phase::Upgraded => None,
        }
    }

    fn shutdown(&mut self, env: &Env<'_>) {
        (self.draining, self.persist) = (true, false);
        match self.phase {
            Phase::Idle | Phase::Drain => {
                self.end(env);
            }
            Phase::Head
            | Phase::Exchange
            | Phase::Refusing
            | Phase::Linger
            | Phase::Closed
            | Phase::Upgraded => {}
        }
    }
}

impl ByteConnection for Server {
    fn receive(&mut self, env: &Env<'_>, rx: &mut [u8], scratch: &mut Scratch<'_>) -> Step {
        let mut head = ParsedRequest::BLANK;
        match self.receive_into(env, rx, scratch, &mut head) {
            Received::Request { stream, consumed, end } => {
                let event = Event::Request { stream, head: head.spans, end };
                Step { consumed, event: Some(event) }
            }
            Received::Other(step) => step,
        }
    }

    fn receive_end(&mut self, env: &Env<'_>) -> Option<Event> {
        (self.eof, self.persist) = (true, false);
        match self.phase {
            Phase::Idle | Phase::Drain => self.end(env),
            Phase::Head => {
                // Nobody is left who waits for an answer: it is counted, and that is all.
                let fault = PeerFault::Truncated;
                self.end(env);
                Some(Event::Refused { stream: None, status: fault.status(), fault })
            }
            Phase::Exchange if self.body.left() != Some(0) => {
                let stream = self.stream();
                self.cut_off();
                Some(Event::Reset { stream, cause: ResetCause::Truncated })
            }
            Phase::Linger => self.end(env),
            // A client that has closed its side still gets the answer to a whole request.
            Phase::Exchange | Phase::Refusing | Phase::Closed | Phase::Upgraded => None,
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
        let stop = match self.phase {
            Phase::Exchange => self.answer(env, source, &mut out),
            Phase::Refusing => self.refuse(env, &mut out),
            Phase::Idle | Phase::Head | Phase::Drain | Phase::Linger | Phase::Closed | Phase::Upgraded => {
                Stop::Nothing
            }
        };
        let bytes = out.len();
        if let Stop::Direct(len) = stop {
            self.clock.wrote(env, bytes);
            return Sent::Direct { bytes, stream: self.stream(), len };
        }
        if bytes > 0 {
            self.clock.wrote(env, bytes);
            return Sent::Bytes(bytes);
        }
        match stop {
            Stop::Room(bytes) => Sent::NeedRoom(bytes),
            Stop::Nothing | Stop::Direct(_) if matches!(self.phase, Phase::Linger | Phase::Closed) => {
                self.close_told = true;
                Sent::Close
            }
            Stop::Nothing | Stop::Direct(_) => Sent::Nothing,
        }
    }

    fn flushed(&mut self, env: &Env<'_>, bytes: usize) {
        self.clock.flushed(bytes);
        if self.phase == Phase::Linger && !self.clock.is_flushing() {
            if self.eof {
                self.phase = Phase::Closed;
            } else {
                self.clock.arm_rx(env, env.limits.linger_timeout_us);
            }
        }
    }
}

#[cfg(test)]
mod tests;
