//! Field blocks (RFC 9113 §4.3): HEADERS and the CONTINUATIONs after it, put together in `rx`.
//!
//! ```text
//!   rx   fragment │ padding │ header of CONTINUATION │ fragment …
//!                  ◀──────── discarded ─────────────▶
//!        the first fragment slides forward over what stands between, so that the hole is in front
//! ```
//!
//! Whatever becomes of the stream, the block is decoded: the table of the connection needs it.

use super::{Found, Machine, Reading};
use crate::Env;
use crate::h2::closed::Ended;
use crate::h2::control::Leaving;
use crate::h2::frame::{Continuation, FrameHeader, FrameKind, Headers};
use crate::h2::memory::Lent;
use crate::h2::stream::{NONE, State, StreamSlot};
use crate::h2::{ErrorCode, Fault, Role};
use crate::scan::move_within;

/// A block that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::h2) struct Block {
    id: u32,
    target: Target,
    /// Bytes at the start of `rx` that are put together.
    done: u32,
    /// Bytes of this frame's fragment behind them.
    left: u32,
    padding: u8,
    frames: u8,
    end_stream: bool,
    end_headers: bool,
}

impl Block {
    /// The same, for nobody if its stream has ended since it began.
    pub(super) fn of_today(self, slots: &[StreamSlot]) -> Block {
        let Target::Stream(at) = self.target else { return self };
        let is_there = slots.get(usize::from(at)).is_some_and(|slot| {
            slot.id == self.id && matches!(slot.state, State::Open | State::HalfClosedLocal)
        });
        if is_there { self } else { Block { target: Target::Nobody, ..self } }
    }
}

/// Whom a block is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::h2) enum Target {
    /// A stream that it opens.
    New,
    /// The stream in this slot.
    Stream(u16),
    /// Nobody: it is decoded, and that is all.
    Nobody,
    /// Nobody, and the stream is reset.
    Fault(ErrorCode),
}

/// A whole field block.
#[derive(Clone, Copy, Debug)]
pub(in crate::h2) struct Fields {
    pub(in crate::h2) id: u32,
    pub(in crate::h2) target: Target,
    pub(in crate::h2) end_stream: bool,
    /// Where it is in `rx`.
    pub(in crate::h2) at: usize,
    pub(in crate::h2) len: usize,
    /// Bytes of `rx` up to its end, padding and all.
    pub(in crate::h2) consumed: usize,
}

impl Machine {
    pub(super) fn headers(
        &mut self,
        env: &Env<'_>,
        lent: &mut Lent<'_>,
        header: FrameHeader,
        headers: Headers,
        rx: &mut [u8],
    ) -> Result<Found, Fault> {
        if headers.content > u32::from(env.limits.header_block_bytes_max) {
            return Err(Fault::Connection(ErrorCode::ENHANCE_YOUR_CALM));
        }
        let id = header.stream;
        if self.is_short_of_slots(env, id) {
            return Ok(Found::NOTHING);
        }
        let mut target = self.target(env, lent.slots, id)?;
        if headers.priority.is_some_and(|priority| priority.check(id).is_err()) {
            target = Target::Fault(ErrorCode::PROTOCOL_ERROR);
        }
        self.budget.useful();
        let start = FrameHeader::BYTES.saturating_add(usize::from(headers.start));
        let Headers { end_stream, end_headers, content, padding, .. } = headers;
        let consumed = start.saturating_add(content as usize).saturating_add(usize::from(padding));
        if end_headers && rx.len() >= consumed {
            let len = content as usize;
            return Ok(Found::Fields(Fields { id, target, end_stream, at: start, len, consumed }));
        }
        self.clock.block = env.now.after_us(env.limits.head_timeout_us);
        self.reading = Reading::Block(Block {
            id,
            target,
            done: 0,
            left: content,
            padding,
            frames: 0,
            end_stream,
            end_headers,
        });
        Ok(Found::consumed(start))
    }

    /// Streams have ended whose resets are not written yet: their slots come back with those.
    fn is_short_of_slots(&self, env: &Env<'_>, id: u32) -> bool {
        let is_new = self.role == Role::Server && id > self.last_peer;
        is_new && !self.streams.has_room() && self.live < env.limits.streams_max && self.control != NONE
    }

    fn target(&mut self, env: &Env<'_>, slots: &[StreamSlot], id: u32) -> Result<Target, Fault> {
        if let Some(at) = self.streams.find(slots, id) {
            return match slots.get(usize::from(at)).map(|slot| slot.state) {
                Some(State::Open | State::HalfClosedLocal) => Ok(Target::Stream(at)),
                // RFC 9113 §5.1: half-closed (remote).
                Some(State::HalfClosedRemote) => Ok(Target::Fault(ErrorCode::STREAM_CLOSED)),
                Some(State::Closed) | None => Ok(Target::Nobody),
                Some(State::Free | State::Opening | State::Reserved) => Err(Fault::PROTOCOL),
            };
        }
        if self.is_idle(id) {
            // RFC 9113 §5.1.1: each side has its own numbers. A server opens none but by its promises.
            if self.role == Role::Client || !Role::Client.opens(id) {
                return Err(Fault::PROTOCOL);
            }
            return Ok(self.new_stream(env, id));
        }
        match self.closed.how(id) {
            Ended::ByUs => Ok(Target::Nobody),
            Ended::ByPeer => Ok(Target::Fault(ErrorCode::STREAM_CLOSED)),
            Ended::Unknown if self.closed.may_be_ours(id) => Ok(Target::Fault(ErrorCode::STREAM_CLOSED)),
            Ended::Whole => Err(Fault::Connection(ErrorCode::STREAM_CLOSED)),
            // It was passed by: RFC 9113 §5.1.1.
            Ended::Unknown => Err(Fault::PROTOCOL),
        }
    }

    fn new_stream(&mut self, env: &Env<'_>, id: u32) -> Target {
        self.last_peer = id;
        if self.outbox.leaving == Leaving::Told {
            // RFC 9113 §6.8: it will be sent again elsewhere.
            self.closed.push(id, Ended::ByUs);
            return Target::Nobody;
        }
        if self.live >= env.limits.streams_max || !self.streams.has_room() {
            self.closed.push(id, Ended::ByUs);
            return Target::Fault(ErrorCode::REFUSED_STREAM);
        }
        self.last_taken = id;
        Target::New
    }

    /// The next step of a block that did not come at once.
    pub(super) fn block(&mut self, env: &Env<'_>, block: Block, rx: &mut [u8]) -> Found {
        let done = (block.done as usize).saturating_add(block.left as usize);
        let Some(behind) = rx.len().checked_sub(done) else { return Found::NOTHING };
        if block.padding > 0 {
            // As it comes: a driver need not have room for a block and padding.
            let here = behind.min(usize::from(block.padding));
            move_within(rx, 0..done, here);
            let padding = block.padding.saturating_sub(here as u8);
            self.reading = Reading::Block(Block { padding, ..block });
            return Found::consumed(here);
        }
        if block.end_headers {
            self.reading = Reading::Frame;
            self.clock.block = crate::Instant::NEVER;
            let Block { id, target, end_stream, .. } = block;
            return Found::Fields(Fields { id, target, end_stream, at: 0, len: done, consumed: done });
        }
        let Some(header) = rx.get(done..).and_then(FrameHeader::read) else { return Found::NOTHING };
        match self.continuation(env, block, header, done) {
            Ok(block) => {
                move_within(rx, 0..done, FrameHeader::BYTES);
                self.reading = Reading::Block(block);
                Found::consumed(FrameHeader::BYTES)
            }
            Err(code) => Found::event(rx.len(), Some(self.fail(code))),
        }
    }

    /// RFC 9113 §6.10: nothing else may come, and no more of it than the limits say.
    fn continuation(
        &self,
        env: &Env<'_>,
        block: Block,
        header: FrameHeader,
        done: usize,
    ) -> Result<Block, ErrorCode> {
        header.check(self.ours.frame_bytes_max).map_err(Fault::code)?;
        if header.kind != FrameKind::Continuation || header.stream != block.id {
            return Err(ErrorCode::PROTOCOL_ERROR);
        }
        let Continuation { end_headers, content } = Continuation::read(header);
        let (done, frames) = (done as u32, block.frames.saturating_add(1));
        let most = u32::from(env.limits.header_block_bytes_max);
        if done.saturating_add(content) > most || frames > env.limits.continuation_frames_max {
            return Err(ErrorCode::ENHANCE_YOUR_CALM);
        }
        Ok(Block { done, left: content, frames, end_headers, ..block })
    }
}
