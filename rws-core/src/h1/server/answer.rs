//! What a server writes: interim and final heads, bodies, and the answers that are its own.

use core::hint::cold_path;

use super::{Phase, Server, Stop, linger_bytes};
use crate::connection::{BodyPlan, HeadAnswer, Source};
use crate::h1::body_out::{BodyWriter, Wrote};
use crate::h1::encode::{self, CANNED_BYTES_MAX, CONTINUE, Frame};
use crate::h1::out::Out;
use crate::message::ResponseHead;
use crate::{Env, Error, Method, Misuse, Status};

impl Server {
    pub(super) fn answer<S: Source + ?Sized>(
        &mut self,
        env: &Env<'_>,
        source: &mut S,
        out: &mut Out<'_>,
    ) -> Stop {
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
    pub(super) fn answer_head<S: Source + ?Sized>(
        &mut self,
        env: &Env<'_>,
        source: &mut S,
        out: &mut Out<'_>,
    ) -> Result<Option<Stop>, Error> {
        let (room, streams) = (head_room(env), source.streams());
        loop {
            if out.room() < room {
                return Ok(Some(Stop::Room(room)));
            }
            match source.head(self.stream()) {
                HeadAnswer::NotYet => {
                    self.parked = true;
                    return Ok(Some(Stop::Nothing));
                }
                HeadAnswer::Interim(head) => self.interim_head(env, &head, out)?,
                HeadAnswer::Final(_, BodyPlan::Streamed) if !streams => return Err(Misuse::WrongState.into()),
                HeadAnswer::Final(head, plan) => {
                    self.final_head(env, &head, plan, out)?;
                    return Ok(None);
                }
            }
        }
    }

    pub(super) fn interim_head(
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
        out.write(head_room(env), |to| encode::interim(to, head))
    }

    pub(super) fn final_head(
        &mut self,
        env: &Env<'_>,
        head: &ResponseHead<'_>,
        plan: BodyPlan,
        out: &mut Out<'_>,
    ) -> Result<(), Error> {
        let status = head.status;
        let switches = status.code() < 200;
        if switches && !(status == Status::SWITCHING_PROTOCOLS && self.upgrade) {
            return Err(Misuse::WrongState.into());
        }
        let tunnel = self.opens_tunnel(status);
        // What a client has sent for a tunnel that it does not get is no next request.
        let no_tunnel = self.method.may_open_tunnel() && !tunnel;
        let frame = Frame {
            method: self.method,
            http10: self.http10,
            persist: self.persist && !no_tunnel && !self.leaves_unread(env, status),
            date: env.date,
        };
        let written = out.write(head_room(env), |to| encode::response(to, head, plan, &frame))?;
        self.persist = written.persist;
        self.writer = BodyWriter::new(written.framing);
        self.expects = false;
        self.upgrade = switches || tunnel;
        Ok(())
    }

    /// Whether a tunnel follows this answer (RFC 9110 §9.3.6).
    fn opens_tunnel(&self, status: Status) -> bool {
        if !self.method.may_open_tunnel() {
            return false;
        }
        cold_path();
        (200..300).contains(&status.code())
    }

    /// Whether a part of the request is left that is not worth reading, or may never come.
    fn leaves_unread(&self, env: &Env<'_>, status: Status) -> bool {
        if self.body.is_ended() {
            return false;
        }
        cold_path();
        // A client that still waits for its 100 may send the body or not: nobody could tell (RFC 9110
        // §10.1.1). And an error is seldom worth the rest of a large body.
        let is_large = self.body.left().is_none_or(|left| left > linger_bytes(env));
        self.body.left() != Some(0) && (self.expects || (status.code() >= 400 && is_large))
    }

    /// The source gave a head that cannot be sent: a 500 in its place.
    pub(super) fn fail(&mut self, env: &Env<'_>, error: Error, out: &mut Out<'_>) -> Stop {
        self.error = Some(error);
        self.fault = None;
        self.generation = self.generation.wrapping_add(1);
        self.phase = Phase::Refusing;
        self.refuse(env, out)
    }

    /// The answer to a fault, written by the engine.
    pub(super) fn refuse(&mut self, env: &Env<'_>, out: &mut Out<'_>) -> Stop {
        let (status, text) = match self.fault {
            Some(fault) => (fault.status(), fault.text()),
            None => (Status::INTERNAL_SERVER_ERROR, "the answer could not be written"),
        };
        let with_body = self.method != Method::Head;
        let canned = out.write(usize::MAX, |to| encode::canned(to, status, text, with_body, env.date));
        if canned.is_err() {
            return Stop::Room(CANNED_BYTES_MAX);
        }
        self.linger(env);
        Stop::Nothing
    }
}

/// The longest response head: bytes.
fn head_room(env: &Env<'_>) -> usize {
    usize::from(env.limits.response_head_bytes_max)
}
