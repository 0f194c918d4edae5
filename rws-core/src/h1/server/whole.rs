//! The short way of an answer that lies in memory as a whole: head and body in one go, and the exchange is over.

use super::{Phase, Server};
use crate::Env;
use crate::connection::BodyPlan;
use crate::h1::encode;
use crate::h1::framing_out::{self, Framing};
use crate::h1::out::Rest;
use crate::service::WholeAnswer;

impl Server {
    /// Answers the exchange under way into `tx`, with the bytes that [`transmit`](crate::connection::ByteConnection)
    /// would write. How many they are; the exchange is over then.
    ///
    /// `None` where more is to be decided than this way knows of: anything but a usual request of HTTP/1.1 that was
    /// read to its end, a connection that ends with the answer, a head that cannot be written, too little room. Nothing
    /// has changed then but the bytes of `tx`, and `transmit` is to be asked.
    pub fn answer_whole(&mut self, env: &Env<'_>, tx: &mut [u8], answer: &WholeAnswer<'_>) -> Option<usize> {
        if !self.is_plain() {
            return None;
        }
        let (status, len) = (answer.head.status, answer.body.len() as u64);
        let framing = framing_out::of_response(self.method, status, false, BodyPlan::Sized(len), None);
        if framing != Framing::Sized(len) {
            return None;
        }
        let room = usize::from(env.limits.response_head_bytes_max);
        let rest = encode::plain_response(Rest::of(tx.get_mut(..room)?), &answer.head, len, env.date)?;
        let head = room.wrapping_sub(rest.room());
        let bytes = head.wrapping_add(answer.body.len());
        tx.get_mut(head..bytes)?.copy_from_slice(answer.body);
        self.generation = self.generation.wrapping_add(1);
        self.expects = false;
        self.await_request(env);
        self.clock.wrote(env, bytes);
        Some(bytes)
    }

    /// Whether the exchange under way is a usual one that has come to its answer: nothing about it is left to do but
    /// that, and the next request may follow.
    fn is_plain(&self) -> bool {
        let answers = self.phase == Phase::Exchange && self.writer.awaits_head() && self.body.is_ended();
        let waits = self.parked || self.continue_due;
        answers && !waits && self.persist && !self.upgrade && !self.http10
    }
}
