//! Writing: what the connection has to say, then the streams in their turns, as much as `tx` holds.

use super::{Machine, Phase};
use crate::connection::{Fill, Source};
use crate::h2::closed::Ended;
use crate::h2::control::{Leaving, ROOM};
use crate::h2::frame::{Data, FrameHeader, RstStream, Settings as SettingsFrame, WindowUpdate};
use crate::h2::head::encode;
use crate::h2::memory::Lent;
use crate::h2::out::Out;
use crate::h2::schedule::{INCREMENTAL, Part};
use crate::h2::settings::{Setting, Settings};
use crate::h2::stream::{Flags, NONE, STREAMED, Sending, State, StreamSlot, Tick};
use crate::h2::{ErrorCode, PREFACE, Role};
use crate::scan::copy_into;
use crate::{Env, Error, Misuse};

/// What a stream's turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::h2) enum Turn {
    /// The next stream.
    Next,
    /// The head is written, and content follows.
    Content,
    /// This much room is needed.
    Room(usize),
}

/// Writes the next head of a stream: what the roles do not do alike.
pub(in crate::h2) type HeadWriter =
    fn(&mut Machine, &Env<'_>, &mut Lent<'_>, &mut Out<'_>, &mut dyn Source, u16) -> Turn;

/// A frame smaller than this is not begun behind bytes that can be sent first.
const WORTH: usize = 512;
/// The longest frame that we write: bytes. Longer ones would keep a more urgent stream waiting.
const FRAME: usize = 16_384;
/// How much a stream may send in one turn: bytes.
const SHORT_TURN: usize = 16_384;
const LONG_TURN: usize = 16 * SHORT_TURN;

impl Machine {
    /// Writes what can be written; how much room the next thing needs if it stopped for want of that.
    pub(in crate::h2) fn transmit(
        &mut self,
        env: &Env<'_>,
        lent: &mut Lent<'_>,
        out: &mut Out<'_>,
        source: &mut dyn Source,
        head: HeadWriter,
    ) -> Option<usize> {
        if matches!(self.phase, Phase::Linger | Phase::Closed) {
            return None;
        }
        if self.outbox.preface {
            const ROOM: usize = PREFACE.len() + FrameHeader::BYTES + Settings::ENTRIES_MAX * Setting::BYTES;
            if out.room() < ROOM {
                return Some(ROOM);
            }
            self.write_preface(out);
        }
        if !self.outbox.write(self.last_taken, out) {
            return Some(ROOM);
        }
        if self.phase == Phase::Ending {
            self.phase = Phase::Linger;
            self.clock.arm_linger(env);
            return None;
        }
        if self.credit.is_due() && !self.credit.write(out) {
            return Some(WindowUpdate::BYTES);
        }
        if !self.write_listed(lent.slots, out) {
            return Some(ROOM);
        }
        let room = self.turns(env, lent, out, source, head);
        if room.is_none() && !self.write_listed(lent.slots, out) {
            return Some(ROOM);
        }
        if self.is_drained() && room.is_none() {
            if self.outbox.leaving == Leaving::Told {
                self.phase = Phase::Linger;
                self.clock.arm_linger(env);
            } else {
                self.close(false);
            }
        }
        room
    }

    /// RFC 9113 §3.4.
    fn write_preface(&mut self, out: &mut Out<'_>) {
        self.outbox.preface = false;
        if self.role == Role::Client {
            out.put(PREFACE);
        }
        let payload = out.payload(usize::MAX);
        let mut count = 0_usize;
        for entry in self.ours.changes(&Settings::INITIAL) {
            let at = count.saturating_mul(Setting::BYTES);
            if let Some(place) = payload.get_mut(at..at.saturating_add(Setting::BYTES)) {
                copy_into(place, &entry.bytes());
            }
            count = count.saturating_add(1);
        }
        out.frame(SettingsFrame::header(count as u32));
    }

    /// Resets and credit of streams; `false` if not all of it fitted.
    fn write_listed(&mut self, slots: &mut [StreamSlot], out: &mut Out<'_>) -> bool {
        while self.control != NONE {
            let at = self.control;
            let Some(slot) = slots.get_mut(usize::from(at)) else { return true };
            if out.room() < RstStream::BYTES.max(WindowUpdate::BYTES) {
                return false;
            }
            if slot.flags.take(Flags::RESET) {
                out.put(&RstStream { code: ErrorCode(u32::from(slot.count_or_reason)) }.bytes(slot.id));
            } else if slot.receives() && slot.credit_due > 0 && !slot.flags.has(Flags::DISCARD) {
                out.put(&WindowUpdate { increment: slot.credit_due }.bytes(slot.id));
                slot.credit_due = 0;
            }
            slot.flags.clear(Flags::CONTROL);
            self.control = slot.next_control;
            if slot.state == State::Closed {
                self.streams.give(slots, at);
            }
        }
        true
    }

    /// Streams in their turns, until none has anything to send, or no room is left.
    fn turns(
        &mut self,
        env: &Env<'_>,
        lent: &mut Lent<'_>,
        out: &mut Out<'_>,
        source: &mut dyn Source,
        head: HeadWriter,
    ) -> Option<usize> {
        while let Some((at, part)) = self.schedule.take(lent.slots, self.window > 0) {
            let turn = match part {
                Part::Head => self.head_turn(env, lent, out, source, head, at),
                Part::Content => self.content_turn(env, lent, out, source, at),
            };
            if let Turn::Room(room) = turn {
                self.schedule.add(lent.slots, at, part, true);
                return Some(room);
            }
        }
        self.clock.shut(env, self.window <= 0 && self.schedule.has_work(true));
        None
    }

    fn head_turn(
        &mut self,
        env: &Env<'_>,
        lent: &mut Lent<'_>,
        out: &mut Out<'_>,
        source: &mut dyn Source,
        head: HeadWriter,
        at: u16,
    ) -> Turn {
        match head(self, env, lent, out, source, at) {
            Turn::Content => {}
            turn @ (Turn::Next | Turn::Room(_)) => return turn,
        }
        let foremost =
            lent.slots.get(usize::from(at)).is_some_and(|slot| self.schedule.is_foremost(slot.priority));
        if !foremost || self.window <= 0 {
            self.queue_content(env, lent.slots, at);
            return Turn::Next;
        }
        if let Turn::Room(_) = self.content_turn(env, lent, out, source, at) {
            self.queue_content(env, lent.slots, at);
        }
        Turn::Next
    }

    /// Content is next, once its turn comes and the peer's window lets it through.
    pub(in crate::h2) fn queue_content(&mut self, env: &Env<'_>, slots: &mut [StreamSlot], at: u16) {
        let Some(slot) = slots.get_mut(usize::from(at)) else { return };
        if slot.tx_window > 0 {
            self.schedule.add(slots, at, Part::Content, false);
        } else if !slot.flags.has(Flags::SHUT) {
            slot.flags.set(Flags::SHUT);
            slot.tx_progress = 0;
            slot.tx_late = Tick::after(env.now, env.limits.rate_grace_us);
            self.clock.arm_streams(env, env.limits.rate_grace_us);
        }
    }

    fn content_turn(
        &mut self,
        env: &Env<'_>,
        lent: &mut Lent<'_>,
        out: &mut Out<'_>,
        source: &mut dyn Source,
        at: u16,
    ) -> Turn {
        let incremental =
            lent.slots.get(usize::from(at)).is_some_and(|slot| slot.priority & INCREMENTAL != 0);
        let mut turn = if incremental { SHORT_TURN } else { LONG_TURN };
        loop {
            let Some(slot) = lent.slots.get_mut(usize::from(at)) else { return Turn::Next };
            if slot.tx_window <= 0 || self.window <= 0 || turn == 0 {
                self.queue_content(env, lent.slots, at);
                return Turn::Next;
            }
            let window = slot.tx_window.min(self.window).unsigned_abs() as usize;
            let streamed = slot.tx_left == STREAMED;
            let left =
                if streamed { usize::MAX } else { usize::try_from(slot.tx_left).unwrap_or(usize::MAX) };
            let most = window.min(left).min(FRAME).min(turn);
            let room = out.room().saturating_sub(FrameHeader::BYTES);
            if room == 0 || (out.len() > 0 && room < most.min(WORTH)) {
                return Turn::Room(FrameHeader::BYTES.saturating_add(1));
            }
            let stream = self.name(at, slot);
            let place = out.payload(most);
            let most = place.len();
            let pulled = match judge(source.fill(stream, place), most, left, streamed) {
                Pulled::Some { bytes, is_end } => (bytes, is_end),
                Pulled::Blocked => {
                    slot.flags.set(Flags::PARKED);
                    slot.flags.clear(Flags::SHUT);
                    return Turn::Next;
                }
                Pulled::Mismatch => return self.misuse(lent, source, at, Misuse::LengthMismatch),
                Pulled::Abort => {
                    source.ended(stream, false);
                    self.reset(lent.slots, at, ErrorCode::INTERNAL_ERROR);
                    return Turn::Next;
                }
            };
            let (bytes, is_end) = pulled;
            let has_trailers = is_end && streamed && encode::has_trailers(source.trailers(stream));
            self.sent(lent.slots, at, bytes);
            if let Some(slot) = lent.slots.get(usize::from(at))
                && (bytes > 0 || !has_trailers)
            {
                out.frame(Data::header(slot.id, bytes as u32, is_end && !has_trailers));
            }
            turn = turn.saturating_sub(bytes);
            if has_trailers {
                if let Some(slot) = lent.slots.get_mut(usize::from(at)) {
                    slot.sending = Sending::Trailers;
                }
                self.queue(lent.slots, at);
                return Turn::Next;
            }
            if is_end {
                source.ended(stream, true);
                self.local_end(env, lent.slots, at);
                return Turn::Next;
            }
        }
    }

    /// `bytes` of content are written.
    pub(in crate::h2) fn sent(&mut self, slots: &mut [StreamSlot], at: u16, bytes: usize) {
        let Some(slot) = slots.get_mut(usize::from(at)) else { return };
        let count = bytes as u32;
        slot.tx_window = slot.tx_window.saturating_sub_unsigned(count);
        slot.tx_progress = slot.tx_progress.saturating_add(count);
        if slot.tx_left != STREAMED {
            slot.tx_left = slot.tx_left.saturating_sub(bytes as u64);
        }
        self.window = self.window.saturating_sub_unsigned(count);
        self.clock.content(bytes);
        self.budget.useful();
    }

    /// Our message is complete.
    pub(in crate::h2) fn local_end(&mut self, env: &Env<'_>, slots: &mut [StreamSlot], at: u16) {
        let Some(slot) = slots.get_mut(usize::from(at)) else { return };
        slot.sending = Sending::Done;
        let (state, is_tunnel, is_ours) =
            (slot.state, slot.flags.has(Flags::TUNNEL), slot.flags.has(Flags::DISCARD));
        match state {
            State::HalfClosedRemote | State::Reserved => self.end(slots, at, Ended::Whole),
            // RFC 9113 §8.1: the answer does not need the rest of the request.
            State::Open if self.role == Role::Server && !is_tunnel => {
                if !is_ours {
                    self.budget.completed();
                }
                self.reset(slots, at, ErrorCode::NO_ERROR);
            }
            State::Open => {
                slot.state = State::HalfClosedLocal;
                if self.role == Role::Client && !slot.flags.has(Flags::ANSWERED) {
                    slot.rx_late = Tick::after(env.now, env.limits.first_byte_timeout_us);
                    self.clock.arm_streams(env, env.limits.first_byte_timeout_us);
                }
            }
            State::Free | State::Opening | State::HalfClosedLocal | State::Closed => {}
        }
    }

    /// The source broke its word: the message cannot be completed.
    pub(in crate::h2) fn misuse(
        &mut self,
        lent: &mut Lent<'_>,
        source: &mut dyn Source,
        at: u16,
        misuse: impl Into<Error>,
    ) -> Turn {
        self.error = Some(misuse.into());
        if let Some(slot) = lent.slots.get(usize::from(at)) {
            source.ended(self.name(at, slot), false);
        }
        self.reset(lent.slots, at, ErrorCode::INTERNAL_ERROR);
        Turn::Next
    }
}

/// What a source's word is worth.
enum Pulled {
    Some { bytes: usize, is_end: bool },
    Blocked,
    Abort,
    Mismatch,
}

/// `most` bytes were asked for, of `left` that are to come if the body is not `streamed`.
fn judge(fill: Fill, most: usize, left: usize, streamed: bool) -> Pulled {
    match fill {
        Fill::More(n) | Fill::End(n) if n > most => Pulled::Mismatch,
        Fill::More(0) | Fill::Blocked => Pulled::Blocked,
        Fill::More(n) => Pulled::Some { bytes: n, is_end: !streamed && n == left },
        Fill::End(n) if !streamed && n != left => Pulled::Mismatch,
        Fill::End(n) => Pulled::Some { bytes: n, is_end: true },
        Fill::Abort => Pulled::Abort,
    }
}
