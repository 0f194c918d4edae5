//! Heads, fields and their parts: one model for requests, responses and trailers of every version.
//!
//! ```text
//!   Scratch { bytes, fields }          lent memory
//!        │
//!   FieldBlock = arena (&[u8]) + index (&[Field])      Field = 8 bytes: name | known id, value span, flags
//!        │
//!   RequestHead { method, target, version, fields }    ResponseHead { status, fields }
//! ```

mod block;
mod field;
mod host;
mod known;
mod method;
#[cfg(any(test, feature = "alloc"))]
mod owned;
mod packed;
mod path;
mod plain;
mod query;
mod request;
mod response;
mod span;
mod status;
mod target;

pub use block::{FieldBlock, FieldBlockMut, Fields, Scratch};
pub use field::{Field, FieldName, is_field_value, is_token};
pub(crate) use field::{is_graphic, is_token_byte};
pub use host::{HOST_BYTES_MAX, is_valid_host, split_authority};
pub use known::KnownName;
pub use method::Method;
#[cfg(any(test, feature = "alloc"))]
pub use owned::{OwnedFields, OwnedRequestHead};
pub(crate) use packed::{Packed, word_at};
pub(crate) use path::hex_digit;
pub use path::{encode_path, is_encoded_path};
pub use query::{QueryBytes, QueryPairs, QueryText};
pub(crate) use request::Words;
pub use request::{BodyFraming, HeadWords, PathAt, RequestHead, RequestSpans, TargetForm, TargetSpans};
pub use response::{ResponseHead, ResponseSpans};
pub use span::{Chunk, Span};
pub use status::Status;
pub use target::parse_target;
pub(crate) use target::read_target;

/// The protocol version of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1 (and any later 1.x, RFC 9110 §2.5)
    Http11,
    /// HTTP/2
    Http2,
    /// HTTP/3
    Http3,
}

impl Version {
    /// Whether heads of this version do not stand in what was received: they come compressed, and their arena is in
    /// scratch.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(crate) const fn is_decoded(self) -> bool {
        matches!(self, Version::Http2 | Version::Http3)
    }

    /// The name as it stands in a start line or a log: `HTTP/1.1`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
            Version::Http2 => "HTTP/2.0",
            Version::Http3 => "HTTP/3.0",
        }
    }
}
