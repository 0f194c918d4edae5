//! Settings (RFC 9113 §6.5.2, RFC 8441 §3, RFC 9218 §2.1): what each side says of itself, and how it may.

use super::frame::FrameHeader;
use super::{ErrorCode, Fault, Role, WINDOW_MAX};

/// SETTINGS_HEADER_TABLE_SIZE
pub const HEADER_TABLE_SIZE: u16 = 0x1;
/// SETTINGS_ENABLE_PUSH
pub const ENABLE_PUSH: u16 = 0x2;
/// SETTINGS_MAX_CONCURRENT_STREAMS
pub const MAX_CONCURRENT_STREAMS: u16 = 0x3;
/// SETTINGS_INITIAL_WINDOW_SIZE
pub const INITIAL_WINDOW_SIZE: u16 = 0x4;
/// SETTINGS_MAX_FRAME_SIZE
pub const MAX_FRAME_SIZE: u16 = 0x5;
/// SETTINGS_MAX_HEADER_LIST_SIZE
pub const MAX_HEADER_LIST_SIZE: u16 = 0x6;
/// SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 §3)
pub const ENABLE_CONNECT_PROTOCOL: u16 = 0x8;
/// SETTINGS_NO_RFC7540_PRIORITIES (RFC 9218 §2.1)
pub const NO_RFC7540_PRIORITIES: u16 = 0x9;

/// One entry of a SETTINGS frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Which one.
    pub id: u16,
    /// Its value.
    pub value: u32,
}

impl Setting {
    /// How many bytes an entry takes.
    pub const BYTES: usize = 6;

    /// Reads an entry.
    pub const fn read(bytes: [u8; Setting::BYTES]) -> Setting {
        let [i, j, a, b, c, d] = bytes;
        Setting { id: u16::from_be_bytes([i, j]), value: u32::from_be_bytes([a, b, c, d]) }
    }

    /// The entry as it is sent.
    pub const fn bytes(self) -> [u8; Setting::BYTES] {
        let [i, j] = self.id.to_be_bytes();
        let [a, b, c, d] = self.value.to_be_bytes();
        [i, j, a, b, c, d]
    }
}

/// The settings of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The largest table that it decodes field blocks with: bytes.
    pub header_table_bytes: u32,
    /// How many streams it lets the other side have open; `u32::MAX` is no limit.
    pub streams_max: u32,
    /// The window of each new stream for what it receives: bytes.
    pub window_bytes: u32,
    /// The longest payload of a frame that it takes: bytes.
    pub frame_bytes_max: u32,
    /// The longest field section that it takes, 32 bytes more for each line (advice); `u32::MAX` is no limit.
    pub field_section_bytes_max: u32,
    /// A client takes pushed answers.
    pub push: bool,
    /// A server takes extended CONNECT (RFC 8441 §3).
    pub connect_protocol: bool,
    /// It does not use the priorities of RFC 7540 (RFC 9218 §2.1).
    pub no_rfc7540_priorities: bool,
}

impl Settings {
    /// What is in force before a side has said anything (RFC 9113 §6.5.2).
    pub const INITIAL: Settings = Settings {
        header_table_bytes: 4_096,
        streams_max: u32::MAX,
        window_bytes: 65_535,
        frame_bytes_max: FrameHeader::LENGTH_MAX_INITIAL,
        field_section_bytes_max: u32::MAX,
        push: true,
        connect_protocol: false,
        no_rfc7540_priorities: false,
    };

    /// How many entries [`Settings::changes`] gives at most.
    pub const ENTRIES_MAX: usize = 8;

    /// Takes over an entry that the side `from` has sent. An entry that nobody knows is ignored.
    ///
    /// # Errors
    /// A value that its setting cannot have: PROTOCOL_ERROR of the connection, or FLOW_CONTROL_ERROR for a window.
    pub fn apply(&mut self, entry: Setting, from: Role) -> Result<(), Fault> {
        let Setting { id, value } = entry;
        match id {
            HEADER_TABLE_SIZE => self.header_table_bytes = value,
            // RFC 9113 §6.5.2: only a client can take what is pushed.
            ENABLE_PUSH => self.push = switch(value)? && may_push(value, from)?,
            MAX_CONCURRENT_STREAMS => self.streams_max = value,
            INITIAL_WINDOW_SIZE if value > WINDOW_MAX => {
                return Err(Fault::Connection(ErrorCode::FLOW_CONTROL_ERROR));
            }
            INITIAL_WINDOW_SIZE => self.window_bytes = value,
            MAX_FRAME_SIZE if !(FrameHeader::LENGTH_MAX_INITIAL..1 << 24).contains(&value) => {
                return Err(Fault::PROTOCOL);
            }
            MAX_FRAME_SIZE => self.frame_bytes_max = value,
            MAX_HEADER_LIST_SIZE => self.field_section_bytes_max = value,
            // RFC 8441 §3: it is not taken back.
            ENABLE_CONNECT_PROTOCOL if value == 0 && self.connect_protocol => return Err(Fault::PROTOCOL),
            ENABLE_CONNECT_PROTOCOL => self.connect_protocol = switch(value)?,
            NO_RFC7540_PRIORITIES => self.no_rfc7540_priorities = switch(value)?,
            _ => {}
        }
        Ok(())
    }

    /// The entries that turn `before` into these settings: at first, `before` is [`Settings::INITIAL`].
    pub fn changes(&self, before: &Settings) -> impl Iterator<Item = Setting> + use<> {
        let (new, old) = (self.entries(), before.entries());
        new.into_iter().zip(old).filter(|(new, old)| new != old).map(|(new, _)| new)
    }

    /// Every setting. Whoever builds a server's settings leaves `push` as it is in [`Settings::INITIAL`], so that it is
    /// never sent (RFC 9113 §6.5.2).
    fn entries(&self) -> [Setting; Settings::ENTRIES_MAX] {
        [
            (HEADER_TABLE_SIZE, self.header_table_bytes),
            (ENABLE_PUSH, u32::from(self.push)),
            (MAX_CONCURRENT_STREAMS, self.streams_max),
            (INITIAL_WINDOW_SIZE, self.window_bytes),
            (MAX_FRAME_SIZE, self.frame_bytes_max),
            (MAX_HEADER_LIST_SIZE, self.field_section_bytes_max),
            (ENABLE_CONNECT_PROTOCOL, u32::from(self.connect_protocol)),
            (NO_RFC7540_PRIORITIES, u32::from(self.no_rfc7540_priorities)),
        ]
        .map(|(id, value)| Setting { id, value })
    }
}

const _: () = assert!(size_of::<Settings>() <= 24);

/// A value that can only be 0 or 1.
const fn switch(value: u32) -> Result<bool, Fault> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Fault::PROTOCOL),
    }
}

const fn may_push(value: u32, from: Role) -> Result<bool, Fault> {
    match from {
        Role::Client => Ok(value == 1),
        Role::Server if value == 0 => Ok(false),
        Role::Server => Err(Fault::PROTOCOL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn applied(id: u16, value: u32, from: Role) -> Result<Settings, Fault> {
        let mut settings = Settings::INITIAL;
        settings.apply(Setting { id, value }, from)?;
        Ok(settings)
    }

    #[test]
    fn each_setting_is_taken_over_and_told_again() {
        let mut settings = Settings::INITIAL;
        let said = [
            (HEADER_TABLE_SIZE, 1),
            (ENABLE_PUSH, 0),
            (MAX_CONCURRENT_STREAMS, 2),
            (INITIAL_WINDOW_SIZE, 3),
            (MAX_FRAME_SIZE, 16_385),
            (MAX_HEADER_LIST_SIZE, 4),
            (ENABLE_CONNECT_PROTOCOL, 1),
            (NO_RFC7540_PRIORITIES, 1),
        ]
        .map(|(id, value)| Setting { id, value });
        for entry in said {
            let read = Setting::read(entry.bytes());
            assert_eq!(read, entry);
            settings.apply(read, Role::Client).unwrap();
        }
        assert_eq!(settings.changes(&Settings::INITIAL).collect::<Vec<_>>(), said);
        assert_eq!(settings.changes(&settings).count(), 0);
    }

    #[test]
    fn a_value_that_a_setting_cannot_have_ends_the_connection() {
        let flow = Err(Fault::Connection(ErrorCode::FLOW_CONTROL_ERROR));
        let client = Role::Client;
        assert_eq!(applied(INITIAL_WINDOW_SIZE, 0x8000_0000, client), flow);
        assert!(applied(INITIAL_WINDOW_SIZE, 0x7fff_ffff, client).is_ok());
        for (id, value) in [
            (ENABLE_PUSH, 2),
            (MAX_FRAME_SIZE, 16_383),
            (MAX_FRAME_SIZE, 0x100_0000),
            (ENABLE_CONNECT_PROTOCOL, 2),
            (NO_RFC7540_PRIORITIES, u32::MAX),
        ] {
            assert_eq!(applied(id, value, client), Err(Fault::PROTOCOL), "{id} {value}");
        }
        assert!(applied(MAX_FRAME_SIZE, 0xff_ffff, client).is_ok());
    }

    #[test]
    fn a_server_does_not_ask_for_pushes() {
        assert_eq!(applied(ENABLE_PUSH, 1, Role::Server), Err(Fault::PROTOCOL));
        assert!(!applied(ENABLE_PUSH, 0, Role::Server).unwrap().push);
        assert!(applied(ENABLE_PUSH, 1, Role::Client).unwrap().push);
    }

    #[test]
    fn extended_connect_is_not_taken_back() {
        let mut settings = applied(ENABLE_CONNECT_PROTOCOL, 1, Role::Server).unwrap();
        let back = Setting { id: ENABLE_CONNECT_PROTOCOL, value: 0 };
        assert_eq!(settings.apply(back, Role::Server), Err(Fault::PROTOCOL));
        assert!(!applied(ENABLE_CONNECT_PROTOCOL, 0, Role::Server).unwrap().connect_protocol);
    }

    #[test]
    fn an_unknown_setting_is_ignored() {
        for id in [0, 7, 10, u16::MAX] {
            assert_eq!(applied(id, 77, Role::Client), Ok(Settings::INITIAL));
        }
    }
}
