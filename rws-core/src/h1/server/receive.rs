//! What a server reads: heads, bodies, and what is left when nobody wants it any more.

use super::{Phase, Server};
use crate::connection::{Event, Step, StreamId};
use crate::h1::body::{BodyReader, Found, is_countable};
use crate::h1::head::{ParsedRequest, Stop, read_request};
use crate::message::{BodyFraming, RequestSpans, Scratch, Version};
use crate::{Env, Method, PeerFault, SMALL};

/// What [`Server::receive_into`] has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// An exchange has begun, as [`Event::Request`] tells; the head is where it was to go. So many bytes are its own,
    /// and `end` says that no body follows.
    Request {
        /// The exchange.
        stream: StreamId,
        /// Bytes of the head.
        consumed: usize,
        /// No body follows.
        end: bool,
    },
    /// Anything else; the event is never that of a request.
    Other(Step),
}

/// What [`Server::receive_head_into`] has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceivedHead {
    /// An exchange has begun, see [`Received::Request`].
    Request {
        /// The exchange.
        stream: StreamId,
        /// Bytes of the head.
        consumed: usize,
        /// No body follows.
        end: bool,
    },
    /// So many bytes are used up, and there is nothing to tell. None: more are needed.
    Nothing {
        /// Bytes.
        consumed: usize,
    },
    /// The peer broke the protocol, see [`Event::Refused`]. No exchange is under way.
    Refused {
        /// Bytes.
        consumed: usize,
        /// What was wrong.
        fault: PeerFault,
    },
}

impl From<ReceivedHead> for Received {
    #[inline]
    fn from(head: ReceivedHead) -> Received {
        match head {
            ReceivedHead::Request { stream, consumed, end } => Received::Request { stream, consumed, end },
            ReceivedHead::Nothing { consumed } => Received::Other(Step { consumed, event: None }),
            ReceivedHead::Refused { consumed, fault } => {
                let event = Event::Refused { stream: None, status: fault.status(), fault };
                Received::Other(Step { consumed, event: Some(event) })
            }
        }
    }
}

impl Server {
    /// As [`receive`](crate::connection::ByteConnection::receive), for drivers that keep the head in a place of their
    /// own: it is written there, and not copied. On targets without an operating system it must be
    /// [`ParsedRequest::BLANK`].
    #[inline]
    pub fn receive_into(
        &mut self,
        env: &Env<'_>,
        rx: &mut [u8],
        scratch: &mut Scratch<'_>,
        head: &mut ParsedRequest,
    ) -> Received {
        match self.phase {
            Phase::Idle | Phase::Head => self.receive_head(env, rx, scratch, head),
            Phase::Exchange
            | Phase::Drain
            | Phase::Refusing
            | Phase::Linger
            | Phase::Closed
            | Phase::Upgraded => self.receive_on(env, rx, scratch, head),
        }
    }

    /// As [`receive_into`](Server::receive_into), for drivers that give no body to anybody: without the code that reads
    /// them. One that has a length is skipped once its exchange is over, as [`Limits::linger_bytes_max`](crate::Limits)
    /// has it; one in chunks ends the connection with its answer.
    #[inline]
    pub fn receive_head_into(
        &mut self,
        env: &Env<'_>,
        rx: &mut [u8],
        scratch: &mut Scratch<'_>,
        head: &mut ParsedRequest,
    ) -> ReceivedHead {
        let consumed = match self.phase {
            Phase::Idle | Phase::Head => {
                let received = self.receive_head(env, rx, scratch, head);
                if let ReceivedHead::Request { end: false, .. } = received {
                    self.leave_body();
                }
                return received;
            }
            Phase::Drain => self.skip_body(env, rx.len()),
            Phase::Refusing | Phase::Linger | Phase::Closed => self.drop_input(rx),
            Phase::Exchange | Phase::Upgraded => 0,
        };
        ReceivedHead::Nothing { consumed }
    }

    /// Nobody reads the body of the exchange under way.
    fn leave_body(&mut self) {
        self.persist &= self.body.left().is_some();
        self.body.set_credit(0);
    }

    /// As `drain_body`, of a body that has a length.
    fn skip_body(&mut self, env: &Env<'_>, bytes: usize) -> usize {
        let consumed = self.body.skip(bytes);
        self.clock.received(consumed);
        if self.body.left() == Some(0) {
            self.body.end();
            self.await_request(env);
        }
        self.judge_rest(env);
        consumed
    }

    /// What comes where a head may begin. It is told in the caller's way at once: what is told is large.
    fn receive_head<R: From<ReceivedHead>>(
        &mut self,
        env: &Env<'_>,
        rx: &[u8],
        scratch: &mut Scratch<'_>,
        head: &mut ParsedRequest,
    ) -> R {
        const NEED_MORE: ReceivedHead = ReceivedHead::Nothing { consumed: 0 };
        let Some(&first) = rx.first() else { return NEED_MORE.into() };
        if first == b'\r' && self.empty_lines < env.limits.leading_empty_lines_max {
            // RFC 9112 §2.2: an empty line before a request line is skipped.
            match rx.get(1) {
                // No head has begun, wherever the line is cut.
                None => return NEED_MORE.into(),
                Some(b'\n') => {
                    self.empty_lines = self.empty_lines.saturating_add(1);
                    return ReceivedHead::Nothing { consumed: 2 }.into();
                }
                Some(_) => {}
            }
        }
        if SMALL {
            debug_assert_eq!(*head, ParsedRequest::BLANK, "nothing was written to it yet");
        } else {
            *head = ParsedRequest::BLANK;
        }
        match read_request(rx, &mut self.scanned, scratch, env.limits, head) {
            Ok(()) => self.begin(env, head),
            Err(Stop::Incomplete) => {
                self.await_head(env);
                NEED_MORE.into()
            }
            Err(Stop::Fault(fault)) => self.refuse_head(rx.len(), fault).into(),
        }
    }

    fn await_head(&mut self, env: &Env<'_>) {
        if self.phase == Phase::Idle {
            self.phase = Phase::Head;
            self.clock.arm_rx(env, env.limits.head_timeout_us);
        }
    }

    fn refuse_head(&mut self, consumed: usize, fault: PeerFault) -> ReceivedHead {
        self.method = Method::Other;
        self.fault = Some(fault);
        self.phase = Phase::Refusing;
        ReceivedHead::Refused { consumed, fault }
    }

    /// A request begins.
    fn begin<R: From<ReceivedHead>>(&mut self, env: &Env<'_>, parsed: &ParsedRequest) -> R {
        let head = &parsed.spans;
        let (consumed, end) = (usize::from(head.arena_len), !head.body.follows());
        if let BodyFraming::Sized(len) = head.body
            && (len > env.limits.body_bytes_max || (SMALL && !is_countable(len)))
        {
            return self.refuse_head(consumed, PeerFault::BodyTooLarge).into();
        }
        self.phase = Phase::Exchange;
        self.scanned = 0;
        self.empty_lines = 0;
        self.interim = 0;
        self.method = head.method;
        self.http10 = head.version == Version::Http10;
        self.persist = parsed.persistent && !self.draining && !self.eof && !self.is_last(env);
        self.upgrade = head.upgrade;
        self.writer.restart();
        self.parked = false;
        if !end {
            self.begin_body(env, head);
        }
        ReceivedHead::Request { stream: self.stream(), consumed, end }.into()
    }

    #[inline(never)]
    fn begin_body(&mut self, env: &Env<'_>, head: &RequestSpans) {
        let window = env.limits.body_window_bytes;
        self.body = BodyReader::new(head.body, window).at_most(env.limits.body_bytes_max);
        // RFC 9110 §10.1.1: an HTTP/1.0 client does not mean it.
        self.expects = head.expect_continue && !self.http10;
        self.clock.arm_rx(env, env.limits.rate_grace_us);
    }

    /// Whether this connection has had its share of requests.
    fn is_last(&self, env: &Env<'_>) -> bool {
        let cap = env.limits.requests_per_connection_max;
        cap != 0 && self.generation.saturating_add(1) >= cap
    }

    /// What comes after a head.
    #[inline(never)]
    fn receive_on(
        &mut self,
        env: &Env<'_>,
        rx: &[u8],
        scratch: &mut Scratch<'_>,
        head: &mut ParsedRequest,
    ) -> Received {
        Received::Other(match self.phase {
            Phase::Exchange => self.receive_body(env, rx, scratch),
            Phase::Drain => match self.drain_body(env, rx, scratch) {
                Some(step) => step,
                None => return self.receive_head(env, rx, scratch, head),
            },
            Phase::Refusing | Phase::Linger | Phase::Closed => {
                Step { consumed: self.drop_input(rx), event: None }
            }
            Phase::Idle | Phase::Head | Phase::Upgraded => Step::NEED_MORE,
        })
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

    /// The rest of a body whose exchange is over: read, dropped, and bounded by its credit. `None`: it has
    /// ended before these bytes, which are the next head's.
    fn drain_body(&mut self, env: &Env<'_>, rx: &[u8], scratch: &mut Scratch<'_>) -> Option<Step> {
        match self.body.step(rx, &mut self.scanned, scratch, env.limits) {
            Ok((consumed, Found::Nothing | Found::Content(_))) => {
                self.clock.received(consumed);
                if self.body.left() == Some(0) {
                    // That was its last byte: no further one will come to say so.
                    self.body.end();
                    self.await_request(env);
                }
                self.judge_rest(env);
                Some(Step { consumed, event: None })
            }
            Ok((consumed, Found::End(_))) => {
                self.await_request(env);
                (consumed > 0).then_some(Step { consumed, event: None })
            }
            Ok((_, Found::Stalled)) | Err(_) => {
                self.linger(env);
                Some(Step { consumed: rx.len(), event: None })
            }
        }
    }

    /// What comes after our last byte. Past `linger_bytes_max` nothing more is wanted, but the connection waits on:
    /// to close it with bytes unread would reset it, and destroy an answer that the client has not read yet.
    fn drop_input(&mut self, rx: &[u8]) -> usize {
        if self.phase == Phase::Linger {
            self.body.spend(rx.len());
        }
        rx.len()
    }

    /// The peer broke the protocol: it gets an answer if none has begun, else the exchange is cut off.
    pub(super) fn refused(&mut self, fault: PeerFault) -> Event {
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
}
