//! What a driver says of a stream: credit, that there is more to send, that it is not wanted any more.

use super::Machine;
use super::body::is_worth_telling;
use crate::connection::StreamId;
use crate::h2::schedule::{INCREMENTAL, Part};
use crate::h2::stream::{Flags, Sending, StreamSlot};
use crate::h2::{ErrorCode, Priority, Role};
use crate::{Error, Misuse};

impl Machine {
    pub(in crate::h2) fn grant(
        &mut self,
        slots: &mut [StreamSlot],
        stream: StreamId,
        bytes: u32,
    ) -> Result<(), Error> {
        let at = self.slot_of(slots, stream).ok_or(Misuse::StaleStream)?;
        let window = self.ours.window_bytes;
        let Some(slot) = slots.get_mut(usize::from(at)) else { return Ok(()) };
        // Time counts against the peer unless it had to wait for this.
        if slot.credit <= 0 {
            slot.flags.set(Flags::EXCUSED);
        }
        // A window is never larger than 2^31-1 (RFC 9113 §6.9.1).
        let room = i32::MAX.saturating_sub(slot.credit.max(0)).unsigned_abs();
        let bytes = bytes.min(room);
        slot.credit = slot.credit.saturating_add_unsigned(bytes);
        slot.credit_due = slot.credit_due.saturating_add(bytes);
        // An invitation without a byte (`100 (Continue)`) frees nothing that waits.
        let has_credit = slot.credit > 0;
        if has_credit {
            slot.flags.clear(Flags::STALLED);
        }
        let awaits = self.role == Role::Server && slot.flags.take(Flags::EXPECTS);
        let tells = slot.receives() && slot.credit_due > 0 && is_worth_telling(slot, window);
        if awaits {
            slot.flags.set(Flags::CONTINUE);
        }
        if has_credit {
            self.free_rx(at);
        }
        if tells {
            self.list(slots, at);
        }
        if awaits {
            self.schedule.add(slots, at, Part::Head, false);
        }
        Ok(())
    }

    pub(in crate::h2) fn wake(&mut self, slots: &mut [StreamSlot], stream: StreamId) {
        let Some(at) = self.slot_of(slots, stream) else { return };
        let Some(slot) = slots.get_mut(usize::from(at)) else { return };
        if slot.flags.take(Flags::PARKED) {
            self.queue(slots, at);
        }
    }

    /// Asks no rate of the peer's body on this stream any more.
    pub(in crate::h2) fn be_patient(&mut self, slots: &mut [StreamSlot], stream: StreamId) {
        let Some(at) = self.slot_of(slots, stream) else { return };
        if let Some(slot) = slots.get_mut(usize::from(at)) {
            slot.flags.set(Flags::PATIENT);
        }
    }

    /// Gives a stream its place among those that have something to send, if it has.
    pub(in crate::h2) fn queue(&mut self, slots: &mut [StreamSlot], at: u16) {
        let Some(slot) = slots.get(usize::from(at)) else { return };
        if slot.flags.has(Flags::PARKED) {
            return;
        }
        let part = match slot.sending {
            Sending::Head | Sending::Own | Sending::Promise | Sending::Trailers => Part::Head,
            // A client's body that waits for `100 (Continue)`.
            Sending::Body if slot.flags.has(Flags::EXPECTS) => return,
            Sending::Body if slot.tx_window <= 0 && slot.flags.has(Flags::SHUT) => return,
            // With a window that is shut, too: its timer starts where it is found so.
            Sending::Body => Part::Content,
            Sending::Done => return,
        };
        self.schedule.add(slots, at, part, false);
    }

    /// The driver gives up an exchange.
    pub(in crate::h2) fn abandon(&mut self, slots: &mut [StreamSlot], stream: StreamId) {
        let Some(at) = self.slot_of(slots, stream) else { return };
        self.reset(slots, at, ErrorCode::CANCEL);
    }

    /// The priority of the stream in slot `at` is what `value` says now.
    pub(super) fn reprioritize(&mut self, slots: &mut [StreamSlot], at: u16, value: &[u8]) {
        let is_queued = slots.get(usize::from(at)).is_some_and(|slot| slot.flags.has(Flags::QUEUED));
        self.schedule.remove(slots, at);
        if let Some(slot) = slots.get_mut(usize::from(at)) {
            slot.priority = packed(Priority::parse(value));
        }
        if is_queued {
            self.queue(slots, at);
        }
    }
}

/// A priority in a byte.
pub(in crate::h2) const fn packed(priority: Priority) -> u8 {
    (priority.urgency & 7) | if priority.incremental { INCREMENTAL } else { 0 }
}
