//! DATA frames of the peer (RFC 9113 §6.1): who takes them, and how they are handed out piece by piece.
//!
//! A stream's `credit` is what we have promised to take and has not come; `credit_due` is the part of it that the peer
//! has not been told. Padding is never the driver's: its credit goes back at once.

use super::{Found, Machine, Reading};
use crate::Env;
use crate::PeerFault;
use crate::h2::closed::Ended;
use crate::h2::frame::{Data, FrameHeader};
use crate::h2::memory::Lent;
use crate::h2::news::News;
use crate::h2::stream::{Flags, State, StreamSlot};
use crate::h2::{ErrorCode, Fault, Role};
use crate::message::Chunk;

/// Who takes the content of a frame.
enum Taker {
    Stream(u16),
    /// Nobody: it is dropped.
    Nobody,
    /// Nobody, and it costs the stream.
    Fault(ErrorCode),
    /// Nobody: the engine answers.
    Refuse(u16, PeerFault),
}

impl Machine {
    pub(super) fn data(
        &mut self,
        env: &Env<'_>,
        lent: &mut Lent<'_>,
        header: FrameHeader,
        data: Data,
        rx: &mut [u8],
    ) -> Result<Found, Fault> {
        let id = header.stream;
        if self.is_idle(id) {
            return Err(Fault::PROTOCOL);
        }
        if !self.credit.spend(header.length) {
            return Err(Fault::Connection(ErrorCode::FLOW_CONTROL_ERROR));
        }
        if data.content == 0 && !data.end_stream {
            self.count(env)?;
        } else {
            self.budget.useful();
        }
        let start = FrameHeader::BYTES.saturating_add(usize::from(data.start));
        let left = header.length.saturating_sub(u32::from(data.start));
        let event = match self.taker(lent.slots, header, &data)? {
            Taker::Stream(at) => {
                let overhead = header.length.saturating_sub(data.content);
                self.credit.give_back(overhead);
                if let Some(slot) = lent.slots.get_mut(usize::from(at)) {
                    slot.credit_due = slot.credit_due.saturating_add(overhead);
                }
                let Data { content: left, padding, end_stream: end, .. } = data;
                self.reading = Reading::Data { at, id, left, padding, end };
                return Ok(self.content(lent, rx, start));
            }
            Taker::Nobody => {
                self.count(env)?;
                if let Some(at) = self.streams.find(lent.slots, id).filter(|_| data.end_stream) {
                    self.remote_end(lent.slots, at);
                }
                None
            }
            Taker::Fault(code) => self.stream_fault(env, lent.slots, id, code),
            Taker::Refuse(at, fault) => self.refuse_begun(env, lent.slots, at, fault),
        };
        self.credit.give_back(header.length);
        if event.is_some() && self.has_failed() {
            return Ok(Found::event(rx.len(), event));
        }
        self.reading = Reading::Skip { left };
        Ok(Found::event(start, event))
    }

    fn taker(&self, slots: &[StreamSlot], header: FrameHeader, data: &Data) -> Result<Taker, Fault> {
        let id = header.stream;
        let Some(at) = self.streams.find(slots, id) else {
            return match self.closed.how(id) {
                Ended::ByUs => Ok(Taker::Nobody),
                Ended::ByPeer => Ok(Taker::Fault(ErrorCode::STREAM_CLOSED)),
                Ended::Unknown if self.closed.may_be_ours(id) => Ok(Taker::Fault(ErrorCode::STREAM_CLOSED)),
                Ended::Whole | Ended::Unknown => Err(Fault::Connection(ErrorCode::STREAM_CLOSED)),
            };
        };
        let Some(slot) = slots.get(usize::from(at)) else { return Ok(Taker::Nobody) };
        match slot.state {
            State::Open | State::HalfClosedLocal => {}
            State::HalfClosedRemote => return Ok(Taker::Fault(ErrorCode::STREAM_CLOSED)),
            State::Closed => return Ok(Taker::Nobody),
            State::Free | State::Opening | State::Reserved => return Err(Fault::PROTOCOL),
        }
        if self.acked && i64::from(header.length) > i64::from(slot.credit) {
            return Ok(Taker::Fault(ErrorCode::FLOW_CONTROL_ERROR));
        }
        if slot.flags.has(Flags::DISCARD) {
            return Ok(Taker::Nobody);
        }
        if self.role == Role::Client && !slot.flags.has(Flags::ANSWERED) {
            // RFC 9113 §8.1: content before a head.
            return Ok(Taker::Fault(ErrorCode::PROTOCOL_ERROR));
        }
        let (content, left) = (u64::from(data.content), slot.rx_left);
        let is_declared = slot.flags.has(Flags::DECLARED);
        if is_declared && (content > left || (data.end_stream && content != left)) {
            return Ok(Taker::Fault(ErrorCode::PROTOCOL_ERROR));
        }
        if content > left {
            return Ok(Taker::Refuse(at, PeerFault::BodyTooLarge));
        }
        Ok(Taker::Stream(at))
    }

    /// The next piece of the frame that has begun, from `from` on in `rx`.
    pub(super) fn content(&mut self, lent: &mut Lent<'_>, rx: &[u8], from: usize) -> Found {
        let Reading::Data { at, id, left, padding, end } = self.reading else { return Found::NOTHING };
        let here = rx.len().saturating_sub(from);
        let taken = lent
            .slots
            .get_mut(usize::from(at))
            .filter(|slot| slot.id == id && slot.receives() && !slot.flags.has(Flags::DISCARD));
        let Some(slot) = taken else { return self.drop_content(lent, rx, from) };
        if left == 0 {
            return self.padding(lent, rx, from);
        }
        if here == 0 {
            return Found::consumed(from);
        }
        let stream = self.name(at, slot);
        if slot.credit <= 0 {
            // Only before the peer has acknowledged our settings.
            self.stalled = true;
            let is_news = !slot.flags.has(Flags::STALLED);
            slot.flags.set(Flags::STALLED);
            return Found::event(from, is_news.then_some(News::Stalled { stream }));
        }
        let most = u32::try_from(here).unwrap_or(u32::MAX).min(left).min(slot.credit.unsigned_abs());
        slot.credit = slot.credit.saturating_sub_unsigned(most);
        slot.rx_progress = slot.rx_progress.saturating_add(most);
        if slot.rx_left != u64::MAX {
            slot.rx_left = slot.rx_left.saturating_sub(u64::from(most));
        }
        slot.flags.clear(Flags::EXPECTS | Flags::CONTINUE);
        let tells = slot.credit_due > 0 && is_worth_telling(slot, self.ours.window_bytes);
        if tells {
            self.list(lent.slots, at);
        }
        self.credit.give_back(most);
        let left = left.saturating_sub(most);
        self.reading = if left == 0 && padding == 0 && !end {
            Reading::Frame
        } else {
            Reading::Data { at, id, left, padding, end }
        };
        let chunk = Chunk { at: u32::try_from(from).unwrap_or(u32::MAX), len: most };
        Found::event(from.saturating_add(most as usize), Some(News::Body { stream, chunk }))
    }

    /// What comes after the content: padding, and perhaps the message's end.
    fn padding(&mut self, lent: &mut Lent<'_>, rx: &[u8], from: usize) -> Found {
        let Reading::Data { at, id, left, padding, end } = self.reading else { return Found::NOTHING };
        let here = rx.len().saturating_sub(from).min(usize::from(padding));
        let padding = padding.saturating_sub(here as u8);
        let from = from.saturating_add(here);
        if padding > 0 {
            self.reading = Reading::Data { at, id, left, padding, end };
            return Found::consumed(from);
        }
        self.reading = Reading::Frame;
        if !end {
            return Found::consumed(from);
        }
        let stream = lent.slots.get(usize::from(at)).map(|slot| self.name(at, slot));
        self.remote_end(lent.slots, at);
        Found::event(from, stream.map(|stream| News::End { stream }))
    }

    /// The stream has ended, or is not wanted any more, in the middle of a frame.
    fn drop_content(&mut self, lent: &mut Lent<'_>, rx: &[u8], from: usize) -> Found {
        let Reading::Data { at, id, left, padding, end } = self.reading else { return Found::NOTHING };
        self.credit.give_back(left);
        let is_here = lent.slots.get(usize::from(at)).is_some_and(|slot| slot.id == id && slot.receives());
        if end && is_here {
            self.remote_end(lent.slots, at);
        }
        self.skip(rx, from, left.saturating_add(u32::from(padding)))
    }
}

/// Whether a stream's peer should be told of its credit now: half a window, or all that it has left.
pub(super) fn is_worth_telling(slot: &StreamSlot, window: u32) -> bool {
    slot.credit_due >= window / 2 || i64::from(slot.credit_due) >= i64::from(slot.credit)
}
