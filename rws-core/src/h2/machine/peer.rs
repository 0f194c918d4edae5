//! What the peer says of itself and of the connection: SETTINGS, PING, GOAWAY, WINDOW_UPDATE, RST_STREAM, priorities.

use super::{Found, Machine, Phase, Reading, packed};
use crate::Env;
use crate::connection::ResetCause;
use crate::h2::closed::Ended;
use crate::h2::control::{Leaving, PROBE};
use crate::h2::frame::{
    FrameHeader, FrameKind, Goaway, Ping, Priority, PriorityUpdate, RstStream, Settings as SettingsFrame,
    WindowUpdate,
};
use crate::h2::memory::Lent;
use crate::h2::news::News;
use crate::h2::settings::{HEADER_TABLE_SIZE, Setting, Settings};
use crate::h2::stream::{Sending, StreamSlot};
use crate::h2::{ErrorCode, Fault, Priority as Urgency, Role};

impl Machine {
    pub(super) fn settings_frame(
        &mut self,
        env: &Env<'_>,
        lent: &mut Lent<'_>,
        header: FrameHeader,
        rx: &[u8],
    ) -> Result<Found, Fault> {
        self.count(env)?;
        if SettingsFrame::read(header).ack {
            if !self.acked {
                self.acked = true;
                self.decoder.allow(self.ours.header_table_bytes);
                self.clock.settings = crate::Instant::NEVER;
            }
            return Ok(Found::consumed(FrameHeader::BYTES));
        }
        self.incoming = self.peer;
        self.reading = Reading::Settings { left: header.length, table_least: u32::MAX };
        Ok(self.settings(env, lent, rx, FrameHeader::BYTES))
    }

    /// The entries that have come, from `from` on. They are in force together, when all have.
    pub(super) fn settings(&mut self, env: &Env<'_>, lent: &mut Lent<'_>, rx: &[u8], from: usize) -> Found {
        let Reading::Settings { left, mut table_least } = self.reading else { return Found::NOTHING };
        let here = rx.get(from..).unwrap_or(&[]);
        let here = here.get(..here.len().min(left as usize)).unwrap_or(&[]);
        let mut taken = 0_usize;
        for entry in SettingsFrame::entries(here) {
            if let Err(fault) = self.incoming.apply(entry, self.role.peer()) {
                return Found::event(rx.len(), Some(self.fail(fault.code())));
            }
            if entry.id == HEADER_TABLE_SIZE {
                table_least = table_least.min(entry.value);
            }
            taken = taken.saturating_add(Setting::BYTES);
        }
        let left = left.saturating_sub(taken as u32);
        let consumed = from.saturating_add(taken);
        if left > 0 {
            self.reading = Reading::Settings { left, table_least };
            return Found::consumed(consumed);
        }
        self.reading = Reading::Frame;
        let new = self.incoming;
        if table_least < new.header_table_bytes {
            // RFC 7541 §4.2: the least of several sizes has to be signalled before the last.
            self.encoder.allow(table_least);
            self.encoder.allow(new.header_table_bytes);
        }
        if self.take_over(lent.slots, new).is_err() {
            return Found::event(rx.len(), Some(self.fail(ErrorCode::FLOW_CONTROL_ERROR)));
        }
        self.outbox.acks = self.outbox.acks.saturating_add(1);
        if self.phase == Phase::Settings {
            self.open(env);
        }
        Found::consumed(consumed)
    }

    fn open(&mut self, env: &Env<'_>) {
        self.phase = Phase::Open;
        let awaited = env.now.after_us(env.limits.settings_timeout_us);
        self.clock.settings = if self.acked { crate::Instant::NEVER } else { awaited };
    }

    /// RFC 9113 §6.9.2: a new initial window moves the windows of all streams by the difference.
    ///
    /// # Errors
    /// One of them would be larger than a window can be.
    fn take_over(&mut self, slots: &mut [StreamSlot], new: Settings) -> Result<(), ()> {
        let old = core::mem::replace(&mut self.peer, new);
        if old.header_table_bytes != new.header_table_bytes {
            self.encoder.allow(new.header_table_bytes);
        }
        let by = i64::from(new.window_bytes).saturating_sub(i64::from(old.window_bytes));
        if by == 0 || self.live == 0 {
            return Ok(());
        }
        for at in 0..slots.len() {
            let Some(slot) = slots.get_mut(at).filter(|slot| slot.is_live()) else { continue };
            slot.tx_window = i32::try_from(i64::from(slot.tx_window).saturating_add(by)).map_err(|_| ())?;
            if by > 0 {
                self.queue(slots, at as u16);
            }
        }
        Ok(())
    }

    /// The frames whose payload is a few bytes.
    pub(super) fn short_frame(
        &mut self,
        env: &Env<'_>,
        lent: &mut Lent<'_>,
        header: FrameHeader,
        payload: &[u8],
    ) -> Result<Found, Fault> {
        let fixed = if header.kind == FrameKind::Goaway { 8 } else { header.length };
        if payload.len() < fixed as usize {
            return Ok(Found::NOTHING);
        }
        self.count(env)?;
        let mut event = None;
        match header.kind {
            FrameKind::Priority => drop(Priority::read(header, payload)?),
            FrameKind::RstStream => {
                let code = RstStream::read(payload).map_or(ErrorCode::NO_ERROR, |reset| reset.code);
                event = self.peer_reset(env, lent.slots, header.stream, code)?;
            }
            FrameKind::Ping => self.ping(Ping::read(header, payload)),
            FrameKind::WindowUpdate => {
                if let Some(update) = WindowUpdate::read(header, payload)? {
                    self.window_update(lent.slots, header.stream, update.increment)?;
                }
            }
            FrameKind::Goaway => {
                self.peer_leaves = true;
                if let Some(goaway) = Goaway::read(payload) {
                    self.peer_last = self.peer_last.min(goaway.last_stream);
                    self.reaps = self.role == Role::Client;
                }
                let left = header.length.saturating_sub(fixed);
                self.reading = if left == 0 { Reading::Frame } else { Reading::Skip { left } };
            }
            FrameKind::Data
            | FrameKind::Headers
            | FrameKind::Settings
            | FrameKind::PushPromise
            | FrameKind::Continuation
            | FrameKind::PriorityUpdate
            | FrameKind::Unknown(_) => {}
        }
        Ok(Found::event(FrameHeader::BYTES.saturating_add(fixed as usize), event))
    }

    fn ping(&mut self, ping: Option<Ping>) {
        match ping {
            Some(Ping { ack: false, opaque }) => self.outbox.pong(opaque),
            // The peer has read the warning: what it has sent before that has come.
            Some(Ping { ack: true, opaque: PROBE }) => self.warned(),
            Some(Ping { ack: true, .. }) | None => {}
        }
    }

    /// The warning has had its time: the last stream is the last.
    pub(super) fn warned(&mut self) {
        if matches!(self.outbox.leaving, Leaving::Warned | Leaving::WarnDue) {
            self.outbox.leaving = Leaving::LastDue;
            self.outbox.probe = false;
        }
        self.clock.drain = crate::Instant::NEVER;
    }

    fn peer_reset(
        &mut self,
        env: &Env<'_>,
        slots: &mut [StreamSlot],
        id: u32,
        code: ErrorCode,
    ) -> Result<Option<News>, Fault> {
        if self.is_idle(id) {
            return Err(Fault::PROTOCOL);
        }
        let Some(at) = self.streams.find(slots, id) else { return Ok(None) };
        let Some(slot) = slots.get(usize::from(at)).filter(|slot| slot.is_live()) else { return Ok(None) };
        let stream = self.name(at, slot);
        // What gets our own answer is over for the driver.
        let is_told = slot.sending == Sending::Own;
        self.end(slots, at, Ended::ByPeer);
        self.peer_code = code;
        // A client's server can reset no more than it was asked for.
        if self.role == Role::Server && self.budget.reset(env).is_err() {
            return Err(Fault::Connection(ErrorCode::ENHANCE_YOUR_CALM));
        }
        Ok((!is_told).then_some(News::Reset { stream, cause: ResetCause::ByPeer }))
    }

    fn window_update(&mut self, slots: &mut [StreamSlot], id: u32, increment: u32) -> Result<(), Fault> {
        if id == 0 {
            let window = self.window.checked_add_unsigned(increment);
            self.window = window.ok_or(Fault::Connection(ErrorCode::FLOW_CONTROL_ERROR))?;
            return Ok(());
        }
        if self.is_idle(id) {
            return Err(Fault::PROTOCOL);
        }
        let Some(at) = self.streams.find(slots, id) else { return Ok(()) };
        let Some(slot) = slots.get_mut(usize::from(at)).filter(|slot| slot.is_live()) else { return Ok(()) };
        let window = slot.tx_window.checked_add_unsigned(increment);
        slot.tx_window = window.ok_or(Fault::Stream(ErrorCode::FLOW_CONTROL_ERROR))?;
        if slot.sending == Sending::Body {
            self.queue(slots, at);
        }
        Ok(())
    }

    /// RFC 9218 §7.1: what the client thinks of a stream now, or of one that it will open.
    pub(super) fn priority_update(
        &mut self,
        env: &Env<'_>,
        lent: &mut Lent<'_>,
        header: FrameHeader,
        payload: &[u8],
    ) -> Result<Found, Fault> {
        /// Longer values are passed over: what counts of them fits.
        const VALUE: u32 = 40;
        let Some(update) = PriorityUpdate::read(header, payload)? else { return Ok(Found::NOTHING) };
        let is_idle = self.is_idle(update.stream);
        if is_idle && self.role.opens(update.stream) {
            // It cannot know of this push.
            return Err(Fault::PROTOCOL);
        }
        let value = payload.get(PriorityUpdate::START..).unwrap_or(&[]);
        if update.content <= VALUE && value.len() < update.content as usize {
            return Ok(Found::NOTHING);
        }
        self.count(env)?;
        if let Some(value) = value.get(..update.content as usize).filter(|_| update.content <= VALUE) {
            if is_idle {
                self.early.keep(update.stream, packed(Urgency::parse(value)), self.last_peer);
            } else if let Some(at) = self.streams.find(lent.slots, update.stream) {
                self.reprioritize(lent.slots, at, value);
            }
        }
        let start = FrameHeader::BYTES.saturating_add(PriorityUpdate::START);
        self.reading = Reading::Skip { left: update.content };
        Ok(Found::consumed(start))
    }
}
