//! Error codes (RFC 9113 §7).

/// An error code as it is in RST_STREAM and GOAWAY.
pub type Code = u32;

/// Graceful, no error.
pub const NO_ERROR: Code = 0x0;
/// Something the protocol forbids.
pub const PROTOCOL_ERROR: Code = 0x1;
/// The endpoint's own fault.
pub const INTERNAL_ERROR: Code = 0x2;
/// More than a window allows.
pub const FLOW_CONTROL_ERROR: Code = 0x3;
/// A frame on a stream that is half-closed or closed.
pub const STREAM_CLOSED: Code = 0x5;
/// A frame of the wrong length.
pub const FRAME_SIZE_ERROR: Code = 0x6;
/// Refused before any processing.
pub const REFUSED_STREAM: Code = 0x7;
/// The stream is not needed any more.
pub const CANCEL: Code = 0x8;
/// A field block that can't be decoded.
pub const COMPRESSION_ERROR: Code = 0x9;
/// Too much of something.
pub const ENHANCE_YOUR_CALM: Code = 0xb;

const NAMES: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

/// A code as the specification calls it.
#[must_use]
pub fn name_of(code: Code) -> String {
    let known = usize::try_from(code).ok().and_then(|at| NAMES.get(at));
    known.map_or_else(|| format!("code {code:#x}"), ToString::to_string)
}
