//! How streams end, and the connection with them.

use super::{Machine, Phase, Reading};
use crate::connection::ResetCause;
use crate::h2::closed::Ended;
use crate::h2::control::Leaving;
use crate::h2::news::News;
use crate::h2::stream::{Flags, Sending, State, StreamSlot};
use crate::h2::{ErrorCode, Fault, Role};
use crate::{Env, PeerFault, Status};

impl Machine {
    /// A new stream is known to the driver.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(in crate::h2) fn begin(&mut self) {
        self.live = self.live.saturating_add(1);
        self.clock.idle = crate::Instant::NEVER;
    }

    /// What follows from what a verb did: with the last stream the time begins that the connection may rest.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(in crate::h2) fn settle(&mut self, env: &Env<'_>) {
        if self.live == 0 && self.clock.idle == crate::Instant::NEVER && self.phase == Phase::Open {
            self.clock.idle = env.now.after_us(env.limits.idle_timeout_us);
        }
    }

    /// Whether the connection ends for a fault.
    pub(in crate::h2) const fn has_failed(&self) -> bool {
        !matches!(self.phase, Phase::Preface | Phase::Settings | Phase::Open)
    }

    /// The stream in slot `at` has ended so, and nothing more is sent for it.
    pub(in crate::h2) fn end(&mut self, slots: &mut [StreamSlot], at: u16, how: Ended) {
        self.leave(slots, at, how);
        let is_listed = match slots.get_mut(usize::from(at)) {
            Some(slot) => {
                slot.state = State::Closed;
                slot.flags.has(Flags::CONTROL)
            }
            None => true,
        };
        // What is in the control list goes when it is come to there.
        if !is_listed {
            self.streams.give(slots, at);
        }
    }

    /// We reset the stream in slot `at`.
    pub(in crate::h2) fn reset(&mut self, slots: &mut [StreamSlot], at: u16, code: ErrorCode) {
        let Some(&StreamSlot { id, sending, .. }) = slots.get(usize::from(at)) else { return };
        if id == 0 || sending == Sending::Promise {
            // Nobody has heard of it.
            return self.end(slots, at, Ended::Unknown);
        }
        self.leave(slots, at, Ended::ByUs);
        if let Some(slot) = slots.get_mut(usize::from(at)) {
            slot.state = State::Closed;
            slot.count_or_reason = code.0 as u8;
            slot.flags.set(Flags::RESET);
        }
        self.list(slots, at);
    }

    fn leave(&mut self, slots: &mut [StreamSlot], at: u16, how: Ended) {
        self.schedule.remove(slots, at);
        let Some(slot) = slots.get_mut(usize::from(at)) else { return };
        debug_assert!(slot.is_live());
        slot.sending = Sending::Done;
        self.closed.push(slot.id, how);
        // What was answered by the engine is no exchange that ended well.
        if how == Ended::Whole && !slot.flags.has(Flags::DISCARD) {
            self.budget.completed();
        }
        self.free_rx(at);
        self.live = self.live.saturating_sub(1);
        if self.role == Role::Server && Role::Server.opens(slot.id) {
            self.pushes = self.pushes.saturating_sub(1);
        }
    }

    /// Puts a stream into the control list.
    pub(in crate::h2) fn list(&mut self, slots: &mut [StreamSlot], at: u16) {
        let Some(slot) = slots.get_mut(usize::from(at)) else { return };
        if !slot.flags.has(Flags::CONTROL) {
            slot.flags.set(Flags::CONTROL);
            slot.next_control = self.control;
            self.control = at;
        }
    }

    /// The peer has broken a rule in a frame on stream `id`: what it costs.
    pub(super) fn fault(
        &mut self,
        env: &Env<'_>,
        slots: &mut [StreamSlot],
        id: u32,
        fault: Fault,
    ) -> Option<News> {
        match fault {
            Fault::Connection(code) => Some(self.fail(code)),
            Fault::Stream(code) => self.stream_fault(env, slots, id, code),
        }
    }

    /// The stream `id` is reset for what the peer did.
    pub(in crate::h2) fn stream_fault(
        &mut self,
        env: &Env<'_>,
        slots: &mut [StreamSlot],
        id: u32,
        code: ErrorCode,
    ) -> Option<News> {
        if self.is_idle(id) {
            // RFC 9113 §6.4: those cannot be reset.
            return Some(self.fail(code));
        }
        if self.role == Role::Server && self.budget.reset(env).is_err() {
            return Some(self.fail(ErrorCode::ENHANCE_YOUR_CALM));
        }
        let Some(at) = self.streams.find(slots, id) else {
            self.outbox.reset(id, code);
            if self.closed.how(id) == Ended::Unknown {
                self.closed.push(id, Ended::ByUs);
            }
            return None;
        };
        let slot = slots.get(usize::from(at))?;
        if !slot.is_live() {
            return None;
        }
        let stream = self.name(at, slot);
        self.reset(slots, at, code);
        let fault = fault_of(code);
        Some(News::Refused { stream: Some(stream), status: self.status_of(fault), fault })
    }

    /// The peer broke the protocol: a last GOAWAY, and the connection ends (RFC 9113 §5.4.1).
    pub(in crate::h2) fn fail(&mut self, code: ErrorCode) -> News {
        let fault = fault_of(code);
        self.ending(code);
        News::Refused { stream: None, status: self.status_of(fault), fault }
    }

    /// What a fault means for whoever asked: a client's server is its upstream.
    pub(super) const fn status_of(&self, fault: PeerFault) -> Status {
        match self.role {
            Role::Server => fault.status(),
            Role::Client => Status::BAD_GATEWAY,
        }
    }

    /// Nothing more is sent but a GOAWAY with this code.
    pub(super) fn ending(&mut self, code: ErrorCode) {
        if matches!(self.phase, Phase::Linger | Phase::Closed) {
            return;
        }
        self.phase = Phase::Ending;
        self.outbox.leaving = Leaving::LastDue;
        self.outbox.probe = false;
        self.outbox.code = code;
        self.reading = Reading::Skip { left: 0 };
        self.clock.settings = crate::Instant::NEVER;
        self.clock.drain = crate::Instant::NEVER;
        self.clock.forget_streams();
    }

    /// The connection ends without a word: the transport is of no use any more.
    pub(in crate::h2) fn close(&mut self, abrupt: bool) -> News {
        self.phase = Phase::Closed;
        self.abrupt |= abrupt;
        self.clock.forget_streams();
        News::Closed
    }

    /// Ends the stream in slot `at` for the reason `cause`.
    pub(super) fn cut_off(
        &mut self,
        slots: &mut [StreamSlot],
        at: u16,
        code: ErrorCode,
        cause: ResetCause,
    ) -> Option<News> {
        let stream = self.name(at, slots.get(usize::from(at))?);
        self.reset(slots, at, code);
        Some(News::Reset { stream, cause })
    }

    /// What waits in `rx` for credit of the stream in slot `at` is of no use any more, or has it.
    pub(super) fn free_rx(&mut self, at: u16) {
        if matches!(self.reading, Reading::Data { at: reading, .. } if reading == at) {
            self.stalled = false;
        }
    }

    /// As [`Machine::refuse`] for a request whose handler has begun, which counts as a reset: the peer has made the
    /// work void.
    pub(in crate::h2) fn refuse_begun(
        &mut self,
        env: &Env<'_>,
        slots: &mut [StreamSlot],
        at: u16,
        fault: PeerFault,
    ) -> Option<News> {
        if self.budget.reset(env).is_err() {
            return Some(self.fail(ErrorCode::ENHANCE_YOUR_CALM));
        }
        self.refuse(slots, at, fault)
    }

    /// The request in slot `at` gets an answer of the engine's own if none has begun, else it is reset. What comes of
    /// its body is dropped.
    pub(in crate::h2) fn refuse(
        &mut self,
        slots: &mut [StreamSlot],
        at: u16,
        fault: PeerFault,
    ) -> Option<News> {
        let stream = self.name(at, slots.get(usize::from(at))?);
        let slot = slots.get_mut(usize::from(at))?;
        if slot.sending == Sending::Head {
            slot.flags.set(Flags::DISCARD);
            slot.flags.clear(Flags::EXPECTS | Flags::CONTINUE | Flags::PARKED);
            slot.sending = Sending::Own;
            slot.count_or_reason = fault as u8;
            self.queue(slots, at);
            self.free_rx(at);
        } else {
            self.reset(slots, at, ErrorCode::CANCEL);
        }
        Some(News::Refused { stream: Some(stream), status: fault.status(), fault })
    }

    /// The peer sends nothing more on the stream in slot `at`.
    pub(in crate::h2) fn remote_end(&mut self, slots: &mut [StreamSlot], at: u16) {
        let Some(slot) = slots.get_mut(usize::from(at)) else { return };
        match slot.state {
            // The server has answered without the rest of the request (RFC 9113 §8.1).
            State::Open if self.role == Role::Client && !slot.flags.has(Flags::TUNNEL) => {
                self.reset(slots, at, ErrorCode::CANCEL);
            }
            State::Open => {
                slot.state = State::HalfClosedRemote;
                slot.flags.clear(Flags::EXPECTS | Flags::CONTINUE);
            }
            State::HalfClosedLocal => self.end(slots, at, Ended::Whole),
            State::Free | State::Opening | State::Reserved | State::HalfClosedRemote | State::Closed => {}
        }
    }
}

/// The fault that stands for a code of ours.
pub(in crate::h2) const fn fault_of(code: ErrorCode) -> PeerFault {
    match code {
        ErrorCode::FLOW_CONTROL_ERROR => PeerFault::Http2FlowControl,
        ErrorCode::SETTINGS_TIMEOUT => PeerFault::Http2SettingsTimeout,
        ErrorCode::STREAM_CLOSED => PeerFault::Http2StreamClosed,
        ErrorCode::FRAME_SIZE_ERROR => PeerFault::Http2FrameSize,
        ErrorCode::COMPRESSION_ERROR => PeerFault::Http2Compression,
        ErrorCode::ENHANCE_YOUR_CALM => PeerFault::Http2Flood,
        _ => PeerFault::Http2Protocol,
    }
}
