//! Metadata: what the two sides tell each other beside messages, as field lines.
//!
//! A name that ends in `-bin` has bytes for its value, in base64; all others have text. Names that begin with `grpc-` are
//! the protocol's own, and what HTTP needs is not metadata either.

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

/// Decodes one value of binary metadata, with padding or without (RFC 4648 §4). `None` if it is no base64, or `out` has
/// less than [`decoded_bytes_max`].
pub fn decode_binary<'o>(value: &[u8], out: &'o mut [u8]) -> Option<&'o [u8]> {
    let bare = match value {
        [bare @ .., b'=', b'='] | [bare @ .., b'='] if value.len().is_multiple_of(4) => bare,
        _ => value,
    };
    let mut used = 0_usize;
    for quad in bare.chunks(4) {
        let mut bits = 0_u32;
        for &letter in quad {
            bits = bits << 6 | u32::from(sextet(letter)?);
        }
        let (bytes, len, spare) = match quad.len() {
            4 => (bits << 8, 3, 0),
            3 => (bits << 14, 2, bits & 3),
            2 => (bits << 20, 1, bits & 15),
            _ => return None,
        };
        // One text for each value: what the last letter has beyond the last byte is zero.
        if spare != 0 {
            return None;
        }
        used = put(out, used, bytes.to_be_bytes().into_iter().take(len))?;
    }
    out.get(..used)
}

/// Encodes one value of binary metadata, without padding. `None` if `out` has less than [`encoded_bytes`].
pub fn encode_binary<'o>(value: &[u8], out: &'o mut [u8]) -> Option<&'o [u8]> {
    let mut used = 0_usize;
    for bytes in value.chunks(3) {
        let mut bits = 0_u32;
        for (&byte, shift) in bytes.iter().zip([16, 8, 0]) {
            bits |= u32::from(byte) << shift;
        }
        let letters = [18, 12, 6, 0].map(|shift| letter((bits >> shift & 63) as u8));
        used = put(out, used, letters.into_iter().take(bytes.len().saturating_add(1)))?;
    }
    out.get(..used)
}

/// Writes `bytes` at a place; says what comes behind them. `None` without room.
fn put(out: &mut [u8], mut at: usize, bytes: impl Iterator<Item = u8>) -> Option<usize> {
    for byte in bytes {
        *out.get_mut(at)? = byte;
        at = at.saturating_add(1);
    }
    Some(at)
}

const fn letter(sextet: u8) -> u8 {
    match sextet {
        0..=25 => b'A'.wrapping_add(sextet),
        26..=51 => b'a'.wrapping_add(sextet.wrapping_sub(26)),
        52..=61 => b'0'.wrapping_add(sextet.wrapping_sub(52)),
        62 => b'+',
        _ => b'/',
    }
}

const fn sextet(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter.wrapping_sub(b'A')),
        b'a'..=b'z' => Some(letter.wrapping_sub(b'a').wrapping_add(26)),
        b'0'..=b'9' => Some(letter.wrapping_sub(b'0').wrapping_add(52)),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}
