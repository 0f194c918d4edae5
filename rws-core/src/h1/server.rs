//! The server role: one exchange at a time, requests in, answers out. Its states are drawn in
//! [`h1`](super).

use super::body::{BodyReader, Found};
use super::body_out::{BodyWriter, Wrote};
use super::deadlines::Deadlines;
use super::encode::{self, CANNED_BYTES_MAX, CONTINUE, Frame, Out};
use super::head::parse_request;
use crate::connection::{
    BodyPlan, ByteConnection, Connection, ConnectionStatus, Event, HeadAnswer, ResetCause, Sent, Source,
    Step, StreamId,
};
use crate::message::{BodyFraming, RequestSpans, ResponseHead, Scratch, Version};
use crate::{Capacity, Env, Error, Instant, Method, Misuse, PeerFault, Status};

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

    /// Whether the transport must be reset rather than closed (a TCP RST), since an orderly end would make a
    /// cut-off answer look complete, or since the peer takes nothing any more.
    pub const fn ends_abruptly(&self) -> bool {
        self.abrupt
    }

    /// What the source of the answers did wrong, if that ended the connection.
    pub const fn error(&self) -> Option<Error> {
        self.error
    }

    const fn stream(&self) -> StreamId {
        StreamId::new(0, self.generation)
    }

    // ---- receiving ----

    fn receive_head(&mut self, env: &Env<'_>, rx: &[u8], scratch: &mut Scratch<'_>) -> Step {
        let Some(&first) = rx.first() else { return Step::NEED_MORE };
        if first == b'\r' && self.empty_lines < env.limits.leading_empty_lines_max {
            // RFC 9112 §2.2: an empty line before a request line is skipped.
            match rx.get(1) {
                None => return self.await_head(env),
                Some(b'\n') => {
                    self.empty_lines = self.empty_lines.saturating_add(1);
                    return Step { consumed: 2, event: None };
                }
                Some(_) => {}
            }
        }
        match parse_request(rx, &mut self.scanned, scratch, env.limits) {
            Ok(Some(parsed)) => self.begin(env, parsed.spans, parsed.persistent),
            Ok(None) => self.await_head(env),
            Err(fault) => Step { consumed: rx.len(), event: Some(self.refused(fault)) },
        }
    }

    fn await_head(&mut self, env: &Env<'_>) -> Step {
        if self.phase == Phase::Idle {
            self.phase = Phase::Head;
            self.clock.arm_rx(env, env.limits.head_timeout_us);
        }
        Step::NEED_MORE
    }

    fn begin(&mut self, env: &Env<'_>, head: RequestSpans, persistent: bool) -> Step {
        let end = matches!(head.body, BodyFraming::None | BodyFraming::Sized(0));
        self.phase = Phase::Exchange;
        self.scanned = 0;
        self.empty_lines = 0;
        self.interim = 0;
        self.method = head.method;
        self.http10 = head.version == Version::Http10;
        self.persist = persistent;
        self.upgrade = head.upgrade;
        self.writer = BodyWriter::HEAD;
        self.parked = false;
        if !end {
            self.body = BodyReader::new(head.body, env.limits.body_window_bytes);
            // RFC 9110 §10.1.1: an HTTP/1.0 client does not mean it.
            self.expects = head.expect_continue && !self.http10;
            self.clock.arm_rx(env, env.limits.rate_grace_us);
        }
        let event = Event::Request { stream: self.stream(), head, end };
        Step { consumed: usize::from(head.arena_len), event: Some(event) }
    }

    fn receive_body(&mut self, env: &Env<'_>, rx: &[u8], scratch: &mut Scratch<'_>) -> Step {
        if self.body.is_ended() {
            return Step::NEED_MORE;
        }
        let (consumed, found) = match self.body.step(rx, &mut self.scanned, scratch, env.limits) {
            Ok(step) => step,
            Err(fault) => return Step { consumed: rx.len(), event: Some(self.refused(fault)) },
        };
        self.clock.received(consumed);
        let stream = self.stream();
        let event = match found {
            Found::Nothing => None,
            Found::Content(chunk) => {
                // It came unasked, so no 100 is needed (RFC 9110 §10.1.1).
                self.expects = false;
                self.continue_due = false;
                Some(Event::Body { stream, chunk })
            }
            Found::Stalled => Some(Event::Stalled { stream }),
            Found::End(trailers) => {
                self.scanned = 0;
                Some(Event::End { stream, trailers })
            }
        };
        Step { consumed, event }
    }

    /// The rest of a body whose exchange is over: read, dropped, and bounded by its credit.
    fn drain_body(&mut self, env: &Env<'_>, rx: &[u8], scratch: &mut Scratch<'_>) -> Step {
        match self.body.step(rx, &mut self.scanned, scratch, env.limits) {
            Ok((consumed, Found::Nothing | Found::Content(_))) => {
                self.clock.received(consumed);
                Step { consumed, event: None }
            }
            Ok((consumed, Found::End(_))) => {
                self.await_request(env);
                if consumed == 0 {
                    return self.receive_head(env, rx, scratch);
                }
                Step { consumed, event: None }
            }
            Ok((_, Found::Stalled)) | Err(_) => {
                self.linger(env);
                Step { consumed: rx.len(), event: None }
            }
        }
    }

    fn drop_input(&mut self, rx: &[u8]) -> Step {
        let mut event = None;
        if self.phase == Phase::Linger && !rx.is_empty() && !self.body.spend(rx.len()) {
            self.phase = Phase::Closed;
            event = Some(Event::Closed);
        }
        Step { consumed: rx.len(), event }
    }

    /// The peer broke the protocol: it gets an answer if none has begun, else the exchange is cut off.
    fn refused(&mut self, fault: PeerFault) -> Event {
        let stream = self.exchange();
        if stream.is_some() && !self.writer.awaits_head() {
            self.cut_off();
        } else {
            if stream.is_none() {
                self.method = Method::Other;
            }
            self.generation = self.generation.wrapping_add(u32::from(stream.is_some()));
            self.fault = Some(fault);
            self.phase = Phase::Refusing;
        }
        Event::Refused { stream, status: fault.status(), fault }
    }

    // ---- transmitting ----

    fn answer<S: Source + ?Sized>(&mut self, env: &Env<'_>, source: &mut S, out: &mut Out<'_>) -> Stop {
        if self.continue_due {
            if out.put(CONTINUE).is_err() {
                return Stop::Room(CONTINUE.len());
            }
            self.continue_due = false;
            self.clock.arm_rx(env, env.limits.rate_grace_us);
        }
        if self.parked {
            return Stop::Nothing;
        }
        if self.writer.awaits_head() {
            match self.answer_head(env, source, out) {
                Ok(None) => {}
                Ok(Some(stop)) => return stop,
                Err(error) => return self.fail(env, error, out),
            }
        }
        match self.writer.write(self.stream(), source, env.limits, out) {
            Wrote::Done => self.finish(env),
            Wrote::Room(bytes) => return Stop::Room(bytes),
            Wrote::Blocked => self.parked = !self.writer.is_direct(),
            Wrote::Direct(len) => return Stop::Direct(len),
            Wrote::Cut(misuse) => {
                self.error = misuse.map(Error::Misuse);
                self.cut_off();
            }
        }
        Stop::Nothing
    }

    /// Interim heads and the final one. `Ok(None)`: the body is next.
    fn answer_head<S: Source + ?Sized>(
        &mut self,
        env: &Env<'_>,
        source: &mut S,
        out: &mut Out<'_>,
    ) -> Result<Option<Stop>, Error> {
        let room = usize::from(env.limits.response_head_bytes_max);
        loop {
            if out.room() < room {
                return Ok(Some(Stop::Room(room)));
            }
            let mark = out.len();
            let done = match source.head(self.stream()) {
                HeadAnswer::NotYet => {
                    self.parked = true;
                    return Ok(Some(Stop::Nothing));
                }
                HeadAnswer::Interim(head) => self.interim_head(env, &head, out).map(|()| false),
                HeadAnswer::Final(head, plan) => self.final_head(env, &head, plan, out).map(|()| true),
            };
            let fits = out.len().saturating_sub(mark) <= room;
            let done = done.and_then(|done| if fits { Ok(done) } else { Err(Capacity::Bytes.into()) });
            match done {
                Ok(true) => return Ok(None),
                Ok(false) => {}
                Err(error) => {
                    out.rewind(mark);
                    return Err(error);
                }
            }
        }
    }

    fn interim_head(
        &mut self,
        env: &Env<'_>,
        head: &ResponseHead<'_>,
        out: &mut Out<'_>,
    ) -> Result<(), Error> {
        if !head.status.is_interim() || self.interim >= env.limits.interim_max {
            return Err(Misuse::WrongState.into());
        }
        self.interim = self.interim.saturating_add(1);
        // RFC 9110 §15.2: not to an HTTP/1.0 client.
        if self.http10 {
            return Ok(());
        }
        if head.status == Status::CONTINUE {
            self.expects = false;
        }
        encode::interim(out, head)
    }

    fn final_head(
        &mut self,
        env: &Env<'_>,
        head: &ResponseHead<'_>,
        plan: BodyPlan,
        out: &mut Out<'_>,
    ) -> Result<(), Error> {
        let switches = head.status == Status::SWITCHING_PROTOCOLS;
        if head.status.is_interim() || (switches && !self.upgrade) {
            return Err(Misuse::WrongState.into());
        }
        let frame = Frame {
            method: self.method,
            http10: self.http10,
            persist: self.may_persist(env, head.status),
            date: env.date,
        };
        let written = encode::response(out, head, plan, &frame)?;
        self.persist = written.persist;
        self.writer = BodyWriter::new(written.framing);
        self.expects = false;
        let tunnel = self.method == Method::Connect && (200..300).contains(&head.status.code());
        self.upgrade = switches || tunnel;
        Ok(())
    }

    /// Whether the connection may go on after this answer, as far as that is known before its head.
    fn may_persist(&self, env: &Env<'_>, status: Status) -> bool {
        let cap = env.limits.requests_per_connection_max;
        let last = cap != 0 && self.generation.saturating_add(1) >= cap;
        // A client that still waits for its 100 may send the body or not: nobody could tell (RFC 9110
        // §10.1.1). And an error is seldom worth the rest of a large body.
        let unread = match self.body.left() {
            Some(0) => false,
            Some(left) => self.expects || (status.code() >= 400 && left > linger_bytes(env)),
            None => self.expects || status.code() >= 400,
        };
        self.persist && !self.draining && !self.eof && !last && !unread
    }

    /// The source gave a head that cannot be sent: a 500 in its place.
    fn fail(&mut self, env: &Env<'_>, error: Error, out: &mut Out<'_>) -> Stop {
        self.error = Some(error);
        self.fault = None;
        self.generation = self.generation.wrapping_add(1);
        self.phase = Phase::Refusing;
        self.refuse(env, out)
    }

    /// The answer to a fault, written by the engine.
    fn refuse(&mut self, env: &Env<'_>, out: &mut Out<'_>) -> Stop {
        let (status, text) = match self.fault {
            Some(fault) => (fault.status(), fault.text()),
            None => (Status::INTERNAL_SERVER_ERROR, "the answer could not be written"),
        };
        let mark = out.len();
        if encode::canned(out, status, text, self.method != Method::Head, env.date).is_err() {
            out.rewind(mark);
            return Stop::Room(CANNED_BYTES_MAX);
        }
        self.linger(env);
        Stop::Nothing
    }

    // ---- the end of an exchange, and of the connection ----

    fn finish(&mut self, env: &Env<'_>) {
        self.generation = self.generation.wrapping_add(1);
        if self.upgrade {
            self.phase = Phase::Upgraded;
            return;
        }
        self.expects = false;
        self.continue_due = false;
        let unread = self.body.left();
        if unread == Some(0) {
            self.body = BodyReader::NONE;
        }
        if !self.persist || self.draining || self.eof || unread.is_some_and(|left| left > linger_bytes(env)) {
            self.linger(env);
        } else if unread == Some(0) {
            self.await_request(env);
        } else {
            self.phase = Phase::Drain;
            self.body.set_credit(env.limits.linger_bytes_max);
            self.clock.arm_rx(env, env.limits.rate_grace_us);
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
        self.body = BodyReader::NONE;
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
        self.body.grant(bytes);
        self.clock.excuse_rx();
        self.continue_due |= self.expects;
        self.expects = false;
        Ok(())
    }

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
        self.clock.flushed(bytes);
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

    fn next_deadline(&self) -> Instant {
        match self.phase {
            Phase::Closed | Phase::Upgraded => Instant::NEVER,
            Phase::Idle | Phase::Head | Phase::Exchange | Phase::Drain | Phase::Refusing | Phase::Linger => {
                self.clock.next(self.rx_counts())
            }
        }
    }

    fn on_deadline(&mut self, env: &Env<'_>) -> Option<Event> {
        if self.next_deadline() > env.now {
            return None;
        }
        if self.clock.write_is_late(env) {
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
        self.draining = true;
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
        match self.phase {
            Phase::Idle | Phase::Head => self.receive_head(env, rx, scratch),
            Phase::Exchange => self.receive_body(env, rx, scratch),
            Phase::Drain => self.drain_body(env, rx, scratch),
            Phase::Refusing | Phase::Linger | Phase::Closed => self.drop_input(rx),
            Phase::Upgraded => Step::NEED_MORE,
        }
    }

    fn receive_end(&mut self, env: &Env<'_>) -> Option<Event> {
        self.eof = true;
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
            self.clock.wrote(env, len.saturating_add(bytes as u64));
            return Sent::Direct { bytes, stream: self.stream(), len };
        }
        if bytes > 0 {
            self.clock.wrote(env, bytes as u64);
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
        self.clock.flushed(bytes as u64);
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
