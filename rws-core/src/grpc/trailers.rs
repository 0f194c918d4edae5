//! How a call went: as trailers behind messages, or as a head that is trailers too.

use super::{Code, names, percent};
use crate::Error;
use crate::field_lines;
use crate::message::{FieldBlock, FieldBlockMut, KnownName};

/// The content type of answers.
pub const CONTENT_TYPE: &str = "application/grpc";

/// The head's fields of an answer that has messages.
pub const HEAD: FieldBlock<'static> = field_lines!["Content-Type: application/grpc"];

/// The trailers of a call that went well.
pub const OK: FieldBlock<'static> = field_lines!["grpc-status: 0"];

/// Adds how a call went. `message` is for people; as much of it is said as has room in `room` once it is
/// percent-encoded.
///
/// # Errors
/// [`Capacity`](crate::Capacity) if `fields` has no room.
pub fn push(code: Code, message: &str, room: &mut [u8], fields: &mut FieldBlockMut<'_>) -> Result<(), Error> {
    fields.push(names::STATUS, code.digits().as_bytes())?;
    let message = percent::encode(message, room);
    if message.is_empty() { Ok(()) } else { fields.push(names::MESSAGE, message) }
}

/// Adds what stands in the one head of a call that ends without a message: its body is empty, and nothing follows.
///
/// # Errors
/// As [`push`].
pub fn push_only(
    code: Code,
    message: &str,
    room: &mut [u8],
    fields: &mut FieldBlockMut<'_>,
) -> Result<(), Error> {
    fields.push(KnownName::ContentType, CONTENT_TYPE.as_bytes())?;
    push(code, message, room, fields)
}

/// What trailers, or a head that is trailers, say about a call.
#[derive(Clone, Copy, Debug)]
pub struct Said<'f> {
    /// How it went.
    pub code: Code,
    /// Why, percent-encoded; see [`percent::decode`].
    pub message: &'f [u8],
}

impl<'f> Said<'f> {
    /// Reads them; `None` if they say nothing about it. Two lines of `grpc-status` are [`Code::Unknown`].
    pub fn read(fields: FieldBlock<'f>) -> Option<Said<'f>> {
        if !fields.has(names::STATUS) {
            return None;
        }
        let code = fields.single(names::STATUS).map_or(Code::Unknown, Code::from_value);
        Some(Said { code, message: fields.first(names::MESSAGE).unwrap_or(b"") })
    }
}
