//! What a peer did wrong, and what it costs.

use core::fmt;

use super::ErrorCode;

/// A rule that a peer broke (RFC 9113 §5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Fault {
    /// The connection ends: `GOAWAY` with this code, then a close (RFC 9113 §5.4.1).
    Connection(ErrorCode),
    /// The stream that the frame names ends: `RST_STREAM` with this code (RFC 9113 §5.4.2). What it says of an idle
    /// stream costs the connection, since those cannot be reset (RFC 9113 §6.4).
    Stream(ErrorCode),
}

impl Fault {
    /// [`ErrorCode::PROTOCOL_ERROR`] of the connection.
    pub const PROTOCOL: Fault = Fault::Connection(ErrorCode::PROTOCOL_ERROR);
    /// [`ErrorCode::FRAME_SIZE_ERROR`] of the connection.
    pub const FRAME_SIZE: Fault = Fault::Connection(ErrorCode::FRAME_SIZE_ERROR);

    /// The code.
    pub const fn code(self) -> ErrorCode {
        match self {
            Fault::Connection(code) | Fault::Stream(code) => code,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Connection(code) => write!(f, "{code}, which ends the connection"),
            Fault::Stream(code) => write!(f, "{code}, which ends the stream"),
        }
    }
}

impl core::error::Error for Fault {}
