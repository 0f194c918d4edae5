//! SETTINGS (RFC 9113 §6.5): what the sender says of itself, or an acknowledgement. What the entries mean is in
//! [`settings`](crate::h2::settings).

use super::flags::ACK;
use super::{FrameHeader, FrameKind};
use crate::h2::settings::Setting;

/// A SETTINGS frame. Its entries can be read one by one as they come, without the whole payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The peer has taken over our settings; there are no entries.
    pub ack: bool,
    /// How many entries follow.
    pub count: u32,
}

impl Settings {
    /// The acknowledgement as it is sent.
    pub const ACK_BYTES: [u8; FrameHeader::BYTES] =
        FrameHeader { length: 0, kind: FrameKind::Settings, flags: ACK, stream: 0 }.bytes();

    /// What the header says.
    pub const fn read(header: FrameHeader) -> Settings {
        Settings { ack: header.has(ACK), count: header.length / Setting::BYTES as u32 }
    }

    /// The header of a frame with this many entries.
    pub const fn header(count: u32) -> FrameHeader {
        let length = count.wrapping_mul(Setting::BYTES as u32);
        FrameHeader { length, kind: FrameKind::Settings, flags: 0, stream: 0 }
    }

    /// The entries that are whole in `payload`.
    pub fn entries(payload: &[u8]) -> impl Iterator<Item = Setting> {
        let (entries, _) = payload.as_chunks();
        entries.iter().map(|entry| Setting::read(*entry))
    }
}
