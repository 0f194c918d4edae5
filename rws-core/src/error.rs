//! Errors, by whose fault they are.
//!
//! Three families: [`PeerFault`] (the other side broke the protocol: it has a status code), [`Misuse`] (the
//! caller of this crate did), [`Capacity`] (a limit or a lent buffer was too small).

use core::fmt;

use crate::message::Packed;
use crate::{SMALL, Status};

/// Any error of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Error {
    /// The peer broke the protocol.
    Peer(PeerFault),
    /// The caller broke this crate's contract.
    Misuse(Misuse),
    /// Something lent or limited was too small.
    Capacity(Capacity),
}

macro_rules! peer_faults {
    ($($(#[doc = $doc:literal])+ $name:ident => $status:ident, $text:literal;)+) => {
        /// What a peer did wrong. Each has the status that a server answers with.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PeerFault { $($(#[doc = $doc])+ $name,)+ }

        impl PeerFault {
            /// Every fault, for tables and tests.
            pub const ALL: &'static [PeerFault] = &[$(PeerFault::$name,)+];

            /// The status a server answers this fault with.
            pub const fn status(self) -> Status {
                // A byte is enough for each: a table of them is half as long.
                Status::error(match self { $(PeerFault::$name => const { Status::$status.as_error() },)+ })
            }

            /// One line that says what was wrong, fit for a short error body.
            pub const fn text(self) -> &'static str {
                if SMALL {
                    return PeerFault::PACKED_TEXTS.get(self as usize);
                }
                match self { $(PeerFault::$name => $text,)+ }
            }

            const PACKED_TEXTS: &'static Packed<{ PeerFault::ALL.len() + 1 }> =
                &Packed::new(&[$($text,)+], concat!($($text,)+));
        }
    };
}

peer_faults! {
    /// The method is not a token (RFC 9110 §9.1).
    MethodSyntax => BAD_REQUEST, "the method is not a token";
    /// The request line is not `method SP target SP version` (RFC 9112 §3).
    RequestLineSyntax => BAD_REQUEST, "the request line is malformed";
    /// The request target has a byte or a form that is not allowed (RFC 9112 §3.2).
    TargetSyntax => BAD_REQUEST, "the request target is malformed";
    /// The path decodes to more than one reading (`%2f`, `%5c`, `..` above the root, NUL, bad UTF-8, …).
    TargetAmbiguous => BAD_REQUEST, "the request path is ambiguous";
    /// The request target is longer than `target_bytes_max`.
    TargetTooLong => URI_TOO_LONG, "the request target is too long";
    /// Not `HTTP/` digit `.` digit (RFC 9112 §2.3).
    VersionSyntax => BAD_REQUEST, "the protocol version is malformed";
    /// A major version other than 1 (RFC 9110 §15.6.6).
    VersionUnsupported => HTTP_VERSION_NOT_SUPPORTED, "this HTTP version is not supported";
    /// The status line is malformed (RFC 9112 §4). Client role.
    StatusLineSyntax => BAD_GATEWAY, "the status line is malformed";
    /// A field name is not a token, or white space stands before the colon (RFC 9112 §5.1).
    FieldNameSyntax => BAD_REQUEST, "a field name is malformed";
    /// A field value has a control character (RFC 9110 §5.5).
    FieldValueSyntax => BAD_REQUEST, "a field value has a control character";
    /// A folded field line (RFC 9112 §5.2).
    ObsoleteFold => BAD_REQUEST, "a field line is folded";
    /// A line ends in a bare LF, or a CR stands alone (RFC 9112 §2.2).
    BareLineEnding => BAD_REQUEST, "a line does not end in CRLF";
    /// The head is longer than `head_bytes_max`.
    HeadTooLarge => REQUEST_HEADER_FIELDS_TOO_LARGE, "the head is too large";
    /// More field lines than `fields_max`.
    TooManyFields => REQUEST_HEADER_FIELDS_TOO_LARGE, "the head has too many fields";
    /// No `Host` in an HTTP/1.1 request (RFC 9112 §3.2).
    HostMissing => BAD_REQUEST, "Host is missing";
    /// More than one `Host` (RFC 9112 §3.2).
    HostRepeated => BAD_REQUEST, "Host is repeated";
    /// `Host` or an authority is not a valid host and port (RFC 9110 §7.2).
    HostSyntax => BAD_REQUEST, "Host is malformed";
    /// `Content-Length` beside `Transfer-Encoding` (RFC 9112 §6.3).
    LengthAndEncoding => BAD_REQUEST, "Content-Length and Transfer-Encoding together";
    /// `Content-Length` is not one plain decimal number (RFC 9110 §8.6).
    ContentLengthSyntax => BAD_REQUEST, "Content-Length is malformed";
    /// `Content-Length` appears more than once (RFC 9112 §6.3).
    ContentLengthRepeated => BAD_REQUEST, "Content-Length is repeated";
    /// A transfer coding other than one final `chunked` (RFC 9112 §6.1).
    TransferEncodingUnsupported => NOT_IMPLEMENTED, "this transfer coding is not implemented";
    /// `Transfer-Encoding` is malformed, repeated, or sent with HTTP/1.0 (RFC 9112 §6.1).
    TransferEncodingSyntax => BAD_REQUEST, "Transfer-Encoding is malformed";
    /// An expectation other than `100-continue` (RFC 9110 §10.1.1).
    ExpectationUnknown => EXPECTATION_FAILED, "this expectation cannot be met";
    /// A chunk size is not 1 to 16 hexadecimal digits, or its line is malformed (RFC 9112 §7.1).
    ChunkSyntax => BAD_REQUEST, "a chunk is malformed";
    /// Chunk extensions or framing beyond the limits.
    ChunkOverhead => BAD_REQUEST, "chunk framing is out of proportion";
    /// A trailer section beyond `trailer_bytes_max`.
    TrailersTooLarge => REQUEST_HEADER_FIELDS_TOO_LARGE, "the trailer section is too large";
    /// A field that must not be in a trailer section (RFC 9110 §6.5.1).
    TrailerForbidden => BAD_REQUEST, "a trailer field is not allowed there";
    /// The body is longer than allowed.
    BodyTooLarge => CONTENT_TOO_LARGE, "the body is too large";
    /// The method is CONNECT, which is off.
    ConnectRefused => METHOD_NOT_ALLOWED, "CONNECT is not served here";
    /// `Upgrade` together with a body, or CONNECT with one (RFC 9110 §9.3.6).
    UpgradeWithBody => BAD_REQUEST, "an upgrade or CONNECT request cannot have a body";
    /// A TRACE request with a body (RFC 9110 §9.3.8).
    TraceWithBody => BAD_REQUEST, "a TRACE request cannot have a body";
    /// The connection ended in the middle of a message (RFC 9112 §8).
    Truncated => BAD_REQUEST, "the message is incomplete";
    /// The head did not arrive in time.
    HeadTimeout => REQUEST_TIMEOUT, "the request took too long to arrive";
    /// The body did not arrive in time.
    BodyTimeout => REQUEST_TIMEOUT, "the body took too long to arrive";
    /// More interim responses than `interim_max`. Client role.
    TooManyInterim => BAD_GATEWAY, "too many interim responses";
    /// Bytes arrived that answer no request. Client role.
    UnexpectedResponse => BAD_GATEWAY, "a response came that answers no request";
    /// A rule of HTTP/2 was broken that has no fault of its own (PROTOCOL_ERROR).
    Http2Protocol => BAD_REQUEST, "the rules of HTTP/2 were broken";
    /// A frame has a size that its kind does not have (FRAME_SIZE_ERROR).
    Http2FrameSize => BAD_REQUEST, "a frame has the wrong size";
    /// More content, or more credit, than a window holds (FLOW_CONTROL_ERROR).
    Http2FlowControl => BAD_REQUEST, "a flow-control window was exceeded";
    /// A frame on a stream that its sender had ended (STREAM_CLOSED).
    Http2StreamClosed => BAD_REQUEST, "a frame came on a closed stream";
    /// A field block that cannot be decoded (COMPRESSION_ERROR).
    Http2Compression => BAD_REQUEST, "a field block cannot be decoded";
    /// Our settings were not acknowledged in time (SETTINGS_TIMEOUT).
    Http2SettingsTimeout => REQUEST_TIMEOUT, "the settings were not acknowledged";
    /// More of what only makes work than the limits allow (ENHANCE_YOUR_CALM).
    Http2Flood => TOO_MANY_REQUESTS, "too many frames that bring nothing";
    /// `101` to a request that asked for no upgrade. Client role.
    UnexpectedUpgrade => BAD_GATEWAY, "an upgrade came that nobody asked for";
    /// A pseudo-field is missing, repeated, unknown, or stands where it may not (RFC 9113 §8.3).
    PseudoFields => BAD_REQUEST, "the pseudo-fields are malformed";
    /// A field that only a connection of HTTP/1 has, or `TE` with more than `trailers` (RFC 9113 §8.2.2).
    ConnectionField => BAD_REQUEST, "a connection field came over HTTP/2";
    /// `Host` names another authority than `:authority` (RFC 9113 §8.3.1).
    AuthorityConflict => BAD_REQUEST, "Host and :authority disagree";
    /// The bytes of the body are not as many as `Content-Length` says (RFC 9113 §8.1.1).
    LengthConflict => BAD_REQUEST, "the body and Content-Length disagree";
}

/// How a caller of this crate broke its contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Misuse {
    /// The stream id names an exchange that is over.
    StaleStream,
    /// The verb does not fit the state of the connection or stream.
    WrongState,
    /// A field name that is not a token.
    FieldNameSyntax,
    /// A field value with CR, LF, NUL or another control character, or white space at an end.
    FieldValueSyntax,
    /// A request target with white space or a control character.
    TargetSyntax,
    /// A field that the engine writes itself (framing, `Connection`).
    ReservedField,
    /// A source promised a length and gave another.
    LengthMismatch,
}

/// What was too small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Capacity {
    /// The bytes of a lent buffer.
    Bytes,
    /// The field slots of a lent buffer.
    Fields,
    /// The stream slots.
    Streams,
}

impl fmt::Display for PeerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Misuse::StaleStream => "the stream is over; drop its id",
            Misuse::WrongState => "this call does not fit the state of the connection",
            Misuse::FieldNameSyntax => "a field name must be a token (RFC 9110 §5.1)",
            Misuse::FieldValueSyntax => "a field value must be free of control characters (RFC 9110 §5.5)",
            Misuse::TargetSyntax => "a request target must be free of white space and control characters",
            Misuse::ReservedField => "this field is written by the engine; leave it out",
            Misuse::LengthMismatch => "the body's length is not what the head promised",
        })
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Capacity::Bytes => "the lent buffer has too few bytes",
            Capacity::Fields => "the lent buffer has too few field slots",
            Capacity::Streams => "no stream slot is free",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Peer(fault) => write!(f, "the peer's fault: {fault}"),
            Error::Misuse(misuse) => write!(f, "the caller's fault: {misuse}"),
            Error::Capacity(capacity) => write!(f, "out of room: {capacity}"),
        }
    }
}

impl core::error::Error for Error {}
impl core::error::Error for PeerFault {}
impl core::error::Error for Misuse {}
impl core::error::Error for Capacity {}

impl From<PeerFault> for Error {
    fn from(fault: PeerFault) -> Error {
        Error::Peer(fault)
    }
}
impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Error {
        Error::Misuse(misuse)
    }
}
impl From<Capacity> for Error {
    fn from(capacity: Capacity) -> Error {
        Error::Capacity(capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::PeerFault;

    #[test]
    fn texts_in_one_piece_are_those_apart() {
        for &fault in PeerFault::ALL {
            assert_eq!(PeerFault::PACKED_TEXTS.get(fault as usize), fault.text());
        }
    }
}
