//! Kinds of frames, known and unknown.

/// What a frame is (RFC 9113 §6, RFC 9218 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FrameKind {
    /// Bytes of a body.
    Data,
    /// A head or a trailer section, or its beginning.
    Headers,
    /// Priority as RFC 7540 had it.
    Priority,
    /// The end of a stream before its time.
    RstStream,
    /// What the sender says of itself, or an acknowledgement.
    Settings,
    /// The request that a server answers without being asked.
    PushPromise,
    /// Are you there? Or: I am.
    Ping,
    /// No more streams.
    Goaway,
    /// Credit for body bytes.
    WindowUpdate,
    /// More of a field block.
    Continuation,
    /// The priority of another stream (RFC 9218 §7.1).
    PriorityUpdate,
    /// Any other, which is passed over (RFC 9113 §5.5).
    Unknown(u8),
}

impl FrameKind {
    /// The kind of this code.
    pub const fn of(code: u8) -> FrameKind {
        match code {
            0x0 => FrameKind::Data,
            0x1 => FrameKind::Headers,
            0x2 => FrameKind::Priority,
            0x3 => FrameKind::RstStream,
            0x4 => FrameKind::Settings,
            0x5 => FrameKind::PushPromise,
            0x6 => FrameKind::Ping,
            0x7 => FrameKind::Goaway,
            0x8 => FrameKind::WindowUpdate,
            0x9 => FrameKind::Continuation,
            0x10 => FrameKind::PriorityUpdate,
            code => FrameKind::Unknown(code),
        }
    }

    /// The code of this kind.
    pub const fn code(self) -> u8 {
        match self {
            FrameKind::Data => 0x0,
            FrameKind::Headers => 0x1,
            FrameKind::Priority => 0x2,
            FrameKind::RstStream => 0x3,
            FrameKind::Settings => 0x4,
            FrameKind::PushPromise => 0x5,
            FrameKind::Ping => 0x6,
            FrameKind::Goaway => 0x7,
            FrameKind::WindowUpdate => 0x8,
            FrameKind::Continuation => 0x9,
            FrameKind::PriorityUpdate => 0x10,
            FrameKind::Unknown(code) => code,
        }
    }
}
