//! What a server writes: interim and final heads, bodies, and the answers that are its own.

use super::{Phase, Server, Stop, linger_bytes};
use crate::connection::{BodyPlan, HeadAnswer, Source};
use crate::h1::body_out::{BodyWriter, Wrote};
use crate::h1::encode::{self, CANNED_BYTES_MAX, CONTINUE, Frame};
use crate::h1::out::Out;
use crate::message::ResponseHead;
use crate::{Capacity, Env, Error, Method, Misuse, Status};

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
        encode::interim(out, head)
    }

    pub(super) fn final_head(
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
    pub(super) fn may_persist(&self, env: &Env<'_>, status: Status) -> bool {
        let cap = env.limits.requests_per_connection_max;
        let last = cap != 0 && self.generation.saturating_add(1) >= cap;
        // A client that still waits for its 100 may send the body or not: nobody could tell (RFC 9110
        // §10.1.1). And an error is seldom worth the rest of a large body.
        let unread = match self.body.left() {
            Some(0) => false,
            Some(left) => self.expects || (status.code() >= 400 && left > linger_bytes(env)),
            None => self.expects || status.code() >= 400,
        };
        // A client may have sent what was meant for the tunnel already: that is no next request.
        let no_tunnel = self.method == Method::Connect && !(200..300).contains(&status.code());
        self.persist && !self.draining && !self.eof && !last && !unread && !no_tunnel
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
        let mark = out.len();
        if encode::canned(out, status, text, self.method != Method::Head, env.date).is_err() {
            out.rewind(mark);
            return Stop::Room(CANNED_BYTES_MAX);
        }
        self.linger(env);
        Stop::Nothing
    }
}
