//! Metadata: what the two sides tell each other beside messages, as field lines.
//!
//! A name that ends in `-bin` has bytes for its value, in base64; all others have text. Names that begin with `grpc-` are
//! the protocol's own, and what HTTP needs is not metadata either.

use base64ct::{Base64Unpadded, Encoding as _};

use crate::message::{FieldName, KnownName};

/// Whether values of this name are bytes in base64.
pub fn is_binary(name: &[u8]) -> bool {
    name.last_chunk::<4>().is_some_and(|end| end.eq_ignore_ascii_case(b"-bin"))
}

/// Whether a service or a client may say something under this name: it is neither the protocol's nor HTTP's.
pub fn is_free(name: FieldName<'_>) -> bool {
    match name.identified() {
        FieldName::Known(
            KnownName::Connection
            | KnownName::ContentLength
            | KnownName::ContentType
            | KnownName::Expect
            | KnownName::Host
            | KnownName::KeepAlive
            | KnownName::ProxyConnection
            | KnownName::Te
            | KnownName::Trailer
            | KnownName::TransferEncoding
            | KnownName::Upgrade,
        ) => false,
        FieldName::Known(_) => true,
        FieldName::Other(name) => {
            !name.first_chunk::<5>().is_some_and(|start| start.eq_ignore_ascii_case(b"grpc-"))
        }
    }
}

/// The single values of a line of binary metadata, each in base64: lines of the same name may have been joined by
/// commas, which base64 has none of.
pub fn binary_values(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

/// How many bytes a value in base64 stands for, at most.
pub const fn decoded_bytes_max(encoded_bytes: usize) -> usize {
    encoded_bytes.div_ceil(4).saturating_mul(3)
}

/// How many bytes `decoded_bytes` have in base64 without padding; `None` if they are beyond counting.
pub const fn encoded_bytes(decoded_bytes: usize) -> Option<usize> {
    match decoded_bytes.checked_mul(4) {
        Some(quads) => Some(quads.div_ceil(3)),
        None => None,
    }
}

/// Decodes one value of binary metadata, with padding or without. `None` if it is no base64, or `out` has less than
/// [`decoded_bytes_max`].
pub fn decode_binary<'o>(value: &[u8], out: &'o mut [u8]) -> Option<&'o [u8]> {
    let bare = match value {
        [bare @ .., b'=', b'='] | [bare @ .., b'='] if value.len().is_multiple_of(4) => bare,
        _ => value,
    };
    Base64Unpadded::decode(bare, out).ok()
}

/// Encodes one value of binary metadata, without padding. `None` if `out` has less than [`encoded_bytes`].
pub fn encode_binary<'o>(value: &[u8], out: &'o mut [u8]) -> Option<&'o [u8]> {
    Base64Unpadded::encode(value, out).ok().map(str::as_bytes)
}
