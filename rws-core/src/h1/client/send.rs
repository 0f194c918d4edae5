//! What a client writes: the request, whose body may be held back or stopped.

use super::{Client, Phase, Stop};
use crate::connection::{RequestOut, Source};
use crate::h1::body_out::{BodyWriter, Wrote};
use crate::h1::encode;
use crate::h1::out::Out;
use crate::{Env, Error, Method};

impl Client {
    pub(super) fn send<S: Source + ?Sized>(
        &mut self,
        env: &Env<'_>,
        source: &mut S,
        out: &mut Out<'_>,
    ) -> Stop {
        if self.parked || self.request_done {
            return Stop::Nothing;
        }
        if self.writer.awaits_head() {
            let Some(request) = source.request(self.stream()) else {
                self.parked = true;
                return Stop::Nothing;
            };
            if let Err(stop) = self.send_head(env, &request, out) {
                return stop;
            }
        }
        if self.held {
            return Stop::Nothing;
        }
        match self.writer.write(self.stream(), source, env.limits, out) {
            Wrote::Done => {
                self.request_done = true;
                if !self.head_begun {
                    self.clock.arm_rx(env, env.limits.first_byte_timeout_us);
                }
            }
            Wrote::Room(bytes) => return Stop::Room(bytes),
            Wrote::Blocked => self.parked = !self.writer.is_direct(),
            Wrote::Direct(len) => return Stop::Direct(len),
            Wrote::Cut(misuse) => self.give_up(misuse.map(Error::Misuse)),
        }
        Stop::Nothing
    }

    pub(super) fn send_head(
        &mut self,
        env: &Env<'_>,
        request: &RequestOut<'_>,
        out: &mut Out<'_>,
    ) -> Result<(), Stop> {
        let method = Method::from_bytes(request.method);
        match out.write(usize::MAX, |to| encode::request(to, request, method, !self.draining)) {
            Ok(written) => {
                self.method = method;
                self.persist = written.persist;
                self.upgrade = written.upgrade;
                self.writer = BodyWriter::new(written.framing);
                self.held = request.expect_continue && written.framing.has_body();
                if self.held {
                    self.clock.arm_rx(env, env.limits.expect_timeout_us);
                }
                Ok(())
            }
            Err(error) => {
                let room = encode::request_room(request);
                let fits = room <= usize::from(u16::MAX);
                if let (Error::Capacity(_), true) = (error, fits) {
                    return Err(Stop::Room(room));
                }
                self.give_up(Some(error));
                Err(Stop::Nothing)
            }
        }
    }

    /// The request cannot be completed: the server must see that it is not whole.
    pub(super) fn give_up(&mut self, error: Option<Error>) {
        self.error = error;
        self.close();
    }

    pub(super) fn close(&mut self) {
        self.generation = self.generation.wrapping_add(u32::from(self.exchange().is_some()));
        self.phase = Phase::Closed;
    }
}
