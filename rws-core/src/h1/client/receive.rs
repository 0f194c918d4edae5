//! What a client reads: interim and final heads, bodies, and what it makes of a server that breaks the
//! protocol.

use super::{Client, Phase};
use crate::connection::{Event, ResetCause, Step};
use crate::h1::body::{BodyReader, Found};
use crate::h1::head::{ParsedResponse, parse_response};
use crate::message::Scratch;
use crate::{Env, Method, PeerFault, Status};

impl Client {
    pub(super) fn receive_head(&mut self, env: &Env<'_>, rx: &[u8], scratch: &mut Scratch<'_>) -> Step {
        if rx.is_empty() {
            return Step::NEED_MORE;
        }
        if self.writer.awaits_head() {
            // Whatever this answers, it is not the request that nobody has sent yet.
            return self.failed(rx, PeerFault::UnexpectedResponse);
        }
        self.started = true;
        match parse_response(rx, &mut self.scanned, self.method, scratch, env.limits) {
            Ok(Some(parsed)) => self.take_head(env, rx, &parsed),
            Ok(None) => {
                if !self.head_begun {
                    self.head_begun = true;
                    self.clock.arm_rx(env, env.limits.head_timeout_us);
                }
                Step::NEED_MORE
            }
            Err(fault) => self.failed(rx, fault),
        }
    }

    pub(super) fn take_head(&mut self, env: &Env<'_>, rx: &[u8], parsed: &ParsedResponse) -> Step {
        let head = parsed.spans;
        let (stream, consumed) = (self.stream(), usize::from(head.arena_len));
        self.scanned = 0;
        self.head_begun = false;
        if head.status.is_interim() {
            if self.interim >= env.limits.interim_max {
                return self.failed(rx, PeerFault::TooManyInterim);
            }
            self.interim = self.interim.saturating_add(1);
            if head.status == Status::CONTINUE {
                self.held = false;
            }
            self.clock.arm_rx(env, env.limits.first_byte_timeout_us);
            return Step { consumed, event: Some(Event::Interim { stream, head }) };
        }
        let switches = head.status == Status::SWITCHING_PROTOCOLS;
        if switches && !(self.upgrade && self.writer.is_done()) {
            return self.failed(rx, PeerFault::UnexpectedUpgrade);
        }
        self.persist &= parsed.persistent;
        if !self.writer.is_done() && (!self.persist || head.status.code() >= 300) {
            // The server has decided without the rest of the request (RFC 9112 §9.5). One that says yes and
            // wants the connection to go on waits for that rest, even if it has sent no 100 for it.
            self.writer.stop();
            self.request_done = true;
            self.persist = false;
        }
        self.held = false;
        let granted = self.body.granted();
        self.body = BodyReader::new(head.body, env.limits.body_window_bytes);
        self.body.grant(granted);
        let end = self.body.is_ended();
        let tunnel = self.method == Method::Connect && (200..300).contains(&head.status.code());
        if switches || tunnel {
            self.generation = self.generation.wrapping_add(1);
            self.phase = Phase::Upgraded;
        } else if end {
            self.complete(env);
        } else {
            self.phase = Phase::Receiving;
            self.clock.arm_rx(env, env.limits.rate_grace_us);
        }
        Step { consumed, event: Some(Event::Response { stream, head, end }) }
    }

    pub(super) fn receive_body(&mut self, env: &Env<'_>, rx: &[u8], scratch: &mut Scratch<'_>) -> Step {
        let (consumed, found) = match self.body.step(rx, &mut self.scanned, scratch, env.limits) {
            Ok(step) => step,
            Err(fault) => return self.failed(rx, fault),
        };
        self.clock.received(consumed);
        let stream = self.stream();
        let event = match found {
            Found::Nothing => None,
            Found::Content(chunk) => Some(Event::Body { stream, chunk }),
            Found::Stalled => Some(Event::Stalled { stream }),
            Found::End(trailers) => {
                self.complete(env);
                Some(Event::End { stream, trailers })
            }
        };
        Step { consumed, event }
    }

    /// The server broke the protocol, or took too long.
    pub(super) fn failed(&mut self, rx: &[u8], fault: PeerFault) -> Step {
        Step { consumed: rx.len(), event: Some(self.refused(fault)) }
    }

    pub(super) fn refused(&mut self, fault: PeerFault) -> Event {
        let stream = self.exchange();
        self.close();
        let status = match fault {
            PeerFault::HeadTimeout | PeerFault::BodyTimeout => Status::GATEWAY_TIMEOUT,
            _ => Status::BAD_GATEWAY,
        };
        Event::Refused { stream, status, fault }
    }

    pub(super) fn cut_short(&mut self, cause: ResetCause) -> Event {
        let stream = self.stream();
        self.close();
        Event::Reset { stream, cause }
    }

    /// The response is complete. An unfinished request ends with it, and with the connection.
    pub(super) fn complete(&mut self, env: &Env<'_>) {
        self.generation = self.generation.wrapping_add(1);
        if self.persist && self.writer.is_done() && !self.draining {
            self.phase = Phase::Idle;
            self.clock.arm_rx(env, env.limits.idle_timeout_us);
        } else {
            self.phase = Phase::Closed;
        }
    }
}
