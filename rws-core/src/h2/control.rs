//! What the connection itself has to say: a fixed number of places, so that no peer can make a queue grow.
//!
//! Where few places are (answers to PINGs, resets) the last one that is taken keeps further frames of the peer in `rx`:
//! they are read when something has been sent. There are places for two answers, since a peer that waits for ours to its
//! PING may have to answer our own at the same time: with one, both would read nothing while neither can write.

use super::frame::{Goaway, Ping, RstStream, Settings as SettingsFrame, WindowUpdate};
use super::out::Out;
use super::{ErrorCode, STREAM_ID_MAX};

/// Frames of the connection that wait to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outbox {
    /// Acknowledgements of the peer's SETTINGS.
    pub(super) acks: u8,
    /// Our preface is due: SETTINGS, and before it a client's first bytes.
    pub(super) preface: bool,
    /// A PING of ours is due: a server's tells when the peer has read the warning before it, a client's whether the
    /// peer is there.
    pub(super) probe: bool,
    pub(super) leaving: Leaving,
    pub(super) code: ErrorCode,
    /// What the answers to PINGs repeat.
    pongs: [[u8; 8]; PONGS],
    pongs_len: u8,
    /// RST_STREAMs for streams without a slot.
    resets: [(u32, ErrorCode); RESETS],
    resets_len: u8,
}

const RESETS: usize = 4;
const PONGS: usize = 2;

/// How far our GOAWAY has come (RFC 9113 §6.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    No,
    /// The warning is due, which still lets streams come that are on their way.
    WarnDue,
    Warned,
    /// That which names the last stream is due.
    LastDue,
    Told,
}

/// What our PINGs say.
pub(super) const PROBE: [u8; 8] = *b"rws ping";

/// The longest thing that [`Outbox::write`] writes: bytes.
pub(super) const ROOM: usize = Ping::BYTES;

impl Outbox {
    pub(super) const NEW: Outbox = Outbox {
        acks: 0,
        preface: true,
        probe: false,
        leaving: Leaving::No,
        code: ErrorCode::NO_ERROR,
        pongs: [[0; 8]; PONGS],
        pongs_len: 0,
        resets: [(0, ErrorCode::NO_ERROR); RESETS],
        resets_len: 0,
    };

    /// Whether a frame that asks for an answer of its own can be taken.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) const fn has_room(&self) -> bool {
        (self.pongs_len as usize) < PONGS && self.acks < u8::MAX && (self.resets_len as usize) < RESETS
    }

    /// Whether something waits, beside the preface.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) const fn is_empty(&self) -> bool {
        let leaving = matches!(self.leaving, Leaving::WarnDue | Leaving::LastDue);
        self.acks == 0 && self.pongs_len == 0 && self.resets_len == 0 && !self.probe && !leaving
    }

    /// A PING has come.
    pub(super) fn pong(&mut self, opaque: [u8; 8]) {
        if let Some(place) = self.pongs.get_mut(usize::from(self.pongs_len)) {
            *place = opaque;
            self.pongs_len = self.pongs_len.saturating_add(1);
        }
    }

    /// A stream that has no slot is reset.
    pub(super) fn reset(&mut self, stream: u32, code: ErrorCode) {
        if let Some(place) = self.resets.get_mut(usize::from(self.resets_len)) {
            *place = (stream, code);
            self.resets_len = self.resets_len.saturating_add(1);
        }
    }

    /// Writes what waits; `false` if it did not fit. `last` is the last stream that the peer has opened.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn write(&mut self, last: u32, out: &mut Out<'_>) -> bool {
        while self.acks > 0 {
            if !out.put(&SettingsFrame::ACK_BYTES) {
                return false;
            }
            self.acks = self.acks.saturating_sub(1);
        }
        while let Some(&opaque) = self.pongs.first().filter(|_| self.pongs_len > 0) {
            if !out.put(&Ping { ack: true, opaque }.bytes()) {
                return false;
            }
            self.pongs.rotate_left(1);
            self.pongs_len = self.pongs_len.saturating_sub(1);
        }
        while let Some(&(stream, code)) = self.resets.first().filter(|_| self.resets_len > 0) {
            if !out.put(&RstStream { code }.bytes(stream)) {
                return false;
            }
            self.resets.rotate_left(1);
            self.resets_len = self.resets_len.saturating_sub(1);
        }
        self.write_leaving(last, out)
    }

    fn write_leaving(&mut self, last: u32, out: &mut Out<'_>) -> bool {
        let (last_stream, then) = match self.leaving {
            Leaving::WarnDue => (STREAM_ID_MAX, Leaving::Warned),
            Leaving::LastDue => (last, Leaving::Told),
            Leaving::No | Leaving::Warned | Leaving::Told => (last, self.leaving),
        };
        if then != self.leaving {
            if !out.put(&Goaway { last_stream, code: self.code }.bytes()) {
                return false;
            }
            self.leaving = then;
        }
        if self.probe {
            if !out.put(&Ping { ack: false, opaque: PROBE }.bytes()) {
                return false;
            }
            self.probe = false;
        }
        true
    }
}

/// Credit for the connection, which comes back as the driver takes what has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Credit {
    /// What the peer may still send.
    left: u32,
    /// What it may send beyond that, and has not been told.
    due: u32,
    /// What is worth a frame.
    worth: u32,
}

impl Credit {
    /// The window that every connection begins with (RFC 9113 §6.9.2), and one of `bytes` to come.
    pub(super) const fn new(bytes: u32) -> Credit {
        const INITIAL: u32 = 65_535;
        Credit {
            left: INITIAL,
            due: bytes.saturating_sub(INITIAL),
            worth: if bytes > INITIAL { bytes } else { INITIAL } / 2,
        }
    }

    /// `bytes` have come; `false` if that were too many.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) const fn spend(&mut self, bytes: u32) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    /// `bytes` of what has come are gone.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) const fn give_back(&mut self, bytes: u32) {
        self.due = self.due.saturating_add(bytes);
    }

    /// Whether the peer should be told now.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) const fn is_due(&self) -> bool {
        self.due >= self.worth
    }

    /// Tells the peer; `false` if it did not fit.
    pub(super) fn write(&mut self, out: &mut Out<'_>) -> bool {
        if !out.put(&WindowUpdate { increment: self.due }.bytes(0)) {
            return false;
        }
        self.left = self.left.saturating_add(self.due);
        self.due = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::h2::frame::{FrameHeader, FrameKind};

    fn kinds(bytes: &[u8]) -> Vec<(FrameKind, u32)> {
        let (mut at, mut kinds) = (0, Vec::new());
        while let Some(header) = FrameHeader::read(&bytes[at..]) {
            kinds.push((header.kind, header.stream));
            at += FrameHeader::BYTES + header.length as usize;
        }
        kinds
    }

    #[test]
    fn all_of_it_goes_out_once_however_small_the_pieces() {
        for room in ROOM..120 {
            let mut outbox = Outbox { acks: 2, probe: true, leaving: Leaving::WarnDue, ..Outbox::NEW };
            outbox.pong([7; 8]);
            assert!(outbox.has_room());
            outbox.pong([8; 8]);
            outbox.reset(5, ErrorCode::REFUSED_STREAM);
            outbox.reset(7, ErrorCode::REFUSED_STREAM);
            assert!(!outbox.has_room() && !outbox.is_empty());
            let mut all = Vec::new();
            for _ in 0..20 {
                let mut bytes = alloc::vec![0; room];
                let mut out = Out::new(&mut bytes);
                let done = outbox.write(9, &mut out);
                let len = out.len();
                all.extend_from_slice(&bytes[..len]);
                if done {
                    break;
                }
            }
            assert!(outbox.has_room() && outbox.is_empty());
            assert_eq!(
                kinds(&all),
                [
                    (FrameKind::Settings, 0),
                    (FrameKind::Settings, 0),
                    (FrameKind::Ping, 0),
                    (FrameKind::Ping, 0),
                    (FrameKind::RstStream, 5),
                    (FrameKind::RstStream, 7),
                    (FrameKind::Goaway, 0),
                    (FrameKind::Ping, 0),
                ]
            );
        }
    }

    #[test]
    fn the_places_for_resets_are_few_and_taken_frames_wait_for_them() {
        let mut outbox = Outbox::NEW;
        for id in 0..RESETS as u32 {
            assert!(outbox.has_room());
            outbox.reset(2 * id + 1, ErrorCode::REFUSED_STREAM);
        }
        assert!(!outbox.has_room());
    }

    #[test]
    fn credit_is_told_in_halves_and_a_larger_window_at_once() {
        let mut credit = Credit::new(65_535);
        assert!(!credit.is_due() && credit.spend(40_000) && !credit.spend(30_000));
        credit.give_back(32_767);
        assert!(credit.is_due());
        let mut bytes = [0; 13];
        assert!(credit.write(&mut Out::new(&mut bytes)));
        assert!(credit.spend(40_000) && !credit.is_due());
        assert!(Credit::new(1 << 20).is_due());
    }
}
