//! The two sides of a body: who makes its bytes, and who checks them as they come.

use rws_core::connection::{BodyPlan, Fill};

use crate::dice::Dice;
use crate::plan::Message;

/// How far a body has been said.
#[derive(Debug, Default)]
pub(crate) struct Speaker {
    said: u64,
    /// It was asked for more than it can give.
    pub(crate) aborted: bool,
}

impl Speaker {
    pub(crate) fn fill(&mut self, message: &Message, dice: &mut Dice, out: &mut [u8]) -> Fill {
        assert!(!out.is_empty(), "a source is never lent an empty slice");
        if message.aborts_at == Some(self.said) {
            self.aborted = true;
            return Fill::Abort;
        }
        let left = self.ready(message);
        if left > 0 && dice.one_in(message.blocks_in) {
            return if dice.one_in(2) { Fill::Blocked } else { Fill::More(0) };
        }
        let n = left.min(1 + dice.roll(message.piece as u64)).min(out.len() as u64);
        for (slot, at) in out.iter_mut().zip(self.said..self.said + n) {
            *slot = message.byte(at);
        }
        self.said += n;
        // The end comes with the last bytes or after them.
        let ends = self.said == message.len && message.aborts_at.is_none() && (n == 0 || dice.one_in(2));
        if ends || n == 0 { Fill::End(n as usize) } else { Fill::More(n as usize) }
    }

    pub(crate) fn direct(&self, message: &Message, dice: &mut Dice) -> u64 {
        let ready = self.ready(message);
        if ready > 0 && dice.one_in(message.direct_in) { 1 + dice.roll(ready) } else { 0 }
    }

    /// The next byte of a run that the driver sends by itself.
    pub(crate) fn direct_byte(&mut self, message: &Message) -> u8 {
        self.said += 1;
        message.byte(self.said - 1)
    }

    fn ready(&self, message: &Message) -> u64 {
        message.aborts_at.unwrap_or(u64::MAX).min(message.len) - self.said
    }
}

/// How far a body has been heard.
#[derive(Debug, Default)]
pub(crate) struct Hearer {
    pub(crate) heard: u64,
    pub(crate) ended: bool,
}

impl Hearer {
    pub(crate) fn hear(&mut self, message: &Message, bytes: &[u8]) {
        assert!(!bytes.is_empty() && !self.ended, "a piece of a body has bytes, and comes before the end");
        assert!(self.heard + bytes.len() as u64 <= message.len, "more bytes than were sent");
        for (byte, at) in bytes.iter().zip(self.heard..) {
            assert_eq!(*byte, message.byte(at), "byte {at} of the body");
        }
        self.heard += bytes.len() as u64;
    }

    /// The body is complete: it is whole.
    pub(crate) fn end(&mut self, message: &Message) {
        assert!(!self.ended, "a body ends once");
        let len = if message.plan == BodyPlan::None { 0 } else { message.len };
        assert_eq!(self.heard, len, "a body that was cut short passes for complete");
        assert!(!message.is_cut(), "a body that breaks off passes for complete");
        self.ended = true;
    }
}
