//! Error codes (RFC 9113 §7).

use core::fmt;

/// Why a stream or a connection ends, as `RST_STREAM` and `GOAWAY` say it. Codes without a name are kept as they
/// came, and mean what [`ErrorCode::INTERNAL_ERROR`] does.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ErrorCode(pub u32);

impl ErrorCode {
    /// No error: a graceful end.
    pub const NO_ERROR: ErrorCode = ErrorCode(0x0);
    /// The peer broke the protocol, and no other code says how.
    pub const PROTOCOL_ERROR: ErrorCode = ErrorCode(0x1);
    /// Something broke on this side.
    pub const INTERNAL_ERROR: ErrorCode = ErrorCode(0x2);
    /// The peer sent more than its window.
    pub const FLOW_CONTROL_ERROR: ErrorCode = ErrorCode(0x3);
    /// The peer did not acknowledge our settings in time.
    pub const SETTINGS_TIMEOUT: ErrorCode = ErrorCode(0x4);
    /// A frame came for a stream that was half-closed.
    pub const STREAM_CLOSED: ErrorCode = ErrorCode(0x5);
    /// A frame has a size that its kind does not have.
    pub const FRAME_SIZE_ERROR: ErrorCode = ErrorCode(0x6);
    /// Nothing was done for the stream: the request can be sent again.
    pub const REFUSED_STREAM: ErrorCode = ErrorCode(0x7);
    /// The stream is not needed any more.
    pub const CANCEL: ErrorCode = ErrorCode(0x8);
    /// The field compression state is lost.
    pub const COMPRESSION_ERROR: ErrorCode = ErrorCode(0x9);
    /// The connection behind a CONNECT was reset or closed abnormally.
    pub const CONNECT_ERROR: ErrorCode = ErrorCode(0xa);
    /// The peer makes too much work.
    pub const ENHANCE_YOUR_CALM: ErrorCode = ErrorCode(0xb);
    /// The transport is not safe enough.
    pub const INADEQUATE_SECURITY: ErrorCode = ErrorCode(0xc);
    /// HTTP/1.1 has to be used instead.
    pub const HTTP_1_1_REQUIRED: ErrorCode = ErrorCode(0xd);

    /// The name of RFC 9113 §7; empty for a code that has none.
    pub const fn name(self) -> &'static str {
        match self.0 {
            0x0 => "NO_ERROR",
            0x1 => "PROTOCOL_ERROR",
            0x2 => "INTERNAL_ERROR",
            0x3 => "FLOW_CONTROL_ERROR",
            0x4 => "SETTINGS_TIMEOUT",
            0x5 => "STREAM_CLOSED",
            0x6 => "FRAME_SIZE_ERROR",
            0x7 => "REFUSED_STREAM",
            0x8 => "CANCEL",
            0x9 => "COMPRESSION_ERROR",
            0xa => "CONNECT_ERROR",
            0xb => "ENHANCE_YOUR_CALM",
            0xc => "INADEQUATE_SECURITY",
            0xd => "HTTP_1_1_REQUIRED",
            _ => "",
        }
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            "" => write!(f, "ErrorCode({:#x})", self.0),
            name => f.write_str(name),
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorCode;
    use alloc::format;

    #[test]
    fn a_code_is_shown_by_its_name_and_one_without_by_its_number() {
        assert_eq!(format!("{}", ErrorCode::ENHANCE_YOUR_CALM), "ENHANCE_YOUR_CALM");
        assert_eq!(format!("{:?}", ErrorCode(0xe)), "ErrorCode(0xe)");
        assert_eq!((0..=0xd).filter(|&code| ErrorCode(code).name().is_empty()).count(), 0);
    }
}
