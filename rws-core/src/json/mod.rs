//! JSON bodies over lent memory (feature `json`): read into a type of yours, written from one.
//!
//! ```text
//!   begin(head) ── 415 wrong media type, 413 too long by Content-Length
//!      │
//!   take(chunk)* ─ 413 too long
//!      │
//!   read::<T>() ── 400 not JSON (RFC 8259), 422 JSON of another shape than `T`
//! ```
//!
//! The text is checked as a whole before a `T` is looked for in it (one pass, no recursion, at most
//! [`DEPTH_MAX`] arrays and objects inside each other). So 400 and 422 do not depend on which mistake stands
//! first, and the deserializer, which recurses and skips over what it does not want, sees JSON only. What
//! it does not tell is *which* field has the wrong shape.
//!
//! ```
//! use rws_core::Status;
//! use rws_core::json::{Json, JsonError};
//!
//! #[derive(serde::Deserialize)]
//! struct Switch {
//!     on: bool,
//! }
//!
//! let Json(switch) = Json::<Switch>::parse(br#"{"on": true}"#, &mut [0; 16])?;
//! assert!(switch.on);
//! let refused = Json::<Switch>::parse(br#"{"on": 1}"#, &mut [0; 16]).err();
//! assert_eq!(refused.map(JsonError::status), Some(Status::UNPROCESSABLE_CONTENT));
//! # Ok::<(), JsonError>(())
//! ```

mod syntax;

use core::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::syntax::DEPTH_MAX;
use crate::message::{BodyFraming, RequestHead};
use crate::semantics::media_type::MediaType;
use crate::{Capacity, KnownName, Status};

/// A value that came as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> Json<T> {
    /// Reads all of `text`. `unescaped` is where strings with escapes are put together; as long as `text` it
    /// is always enough.
    ///
    /// # Errors
    /// [`JsonError::Malformed`], [`JsonError::WrongShape`].
    pub fn parse(text: &[u8], unescaped: &mut [u8]) -> Result<Json<T>, JsonError> {
        if !syntax::is_json(text) {
            return Err(JsonError::Malformed);
        }
        match serde_json_core::from_slice_escaped(text, unescaped) {
            Ok((value, _)) => Ok(Json(value)),
            Err(_) => Err(JsonError::WrongShape),
        }
    }
}

/// Why a body could not be taken: the client's fault, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// Its media type is neither `application/json` nor ends in `+json`, or it is not told.
    MediaType,
    /// It is longer than there is memory for.
    TooLong,
    /// It is not JSON, or nested too deeply.
    Malformed,
    /// It is JSON of another shape: a field is missing, repeated, or of another type.
    WrongShape,
}

impl JsonError {
    /// The status to answer with (RFC 9110 §15.5).
    pub const fn status(self) -> Status {
        match self {
            JsonError::MediaType => Status::UNSUPPORTED_MEDIA_TYPE,
            JsonError::TooLong => Status::CONTENT_TOO_LARGE,
            JsonError::Malformed => Status::BAD_REQUEST,
            JsonError::WrongShape => Status::UNPROCESSABLE_CONTENT,
        }
    }

    /// A line of text to answer with. Nothing of the body is in it.
    pub const fn text(self) -> &'static str {
        match self {
            JsonError::MediaType => "the body must be application/json\n",
            JsonError::TooLong => "the body is too large\n",
            JsonError::Malformed => "the body is not valid JSON\n",
            JsonError::WrongShape => "the JSON is not of the shape that is asked for\n",
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().trim_ascii_end())
    }
}

impl core::error::Error for JsonError {}

/// Collects a body of at most `BYTES` bytes, at most 65,535, inside of a service's state.
#[derive(Clone, Debug)]
pub struct JsonBody<const BYTES: usize> {
    text: [u8; BYTES],
    len: u16,
}

impl<const BYTES: usize> JsonBody<BYTES> {
    /// Begins with a request's head.
    ///
    /// # Errors
    /// [`JsonError::MediaType`], [`JsonError::TooLong`]: answer now, the body need not come.
    pub fn begin(head: &RequestHead<'_>) -> Result<JsonBody<BYTES>, JsonError> {
        const { assert!(BYTES <= u16::MAX as usize) };
        let media_type = head.fields().single(KnownName::ContentType).and_then(MediaType::parse);
        if !media_type.is_some_and(|media_type| is_json_type(&media_type)) {
            return Err(JsonError::MediaType);
        }
        match head.body() {
            BodyFraming::Sized(len) if len > BYTES as u64 => Err(JsonError::TooLong),
            BodyFraming::None | BodyFraming::Sized(_) | BodyFraming::Streamed | BodyFraming::UntilClose => {
                Ok(JsonBody { text: [0; BYTES], len: 0 })
            }
        }
    }

    /// Keeps a piece of the body.
    ///
    /// # Errors
    /// [`JsonError::TooLong`]: nothing of the piece was kept.
    pub fn take(&mut self, chunk: &[u8]) -> Result<(), JsonError> {
        let from = usize::from(self.len);
        let to = from.checked_add(chunk.len()).ok_or(JsonError::TooLong)?;
        self.text.get_mut(from..to).ok_or(JsonError::TooLong)?.copy_from_slice(chunk);
        self.len = u16::try_from(to).map_err(|_| JsonError::TooLong)?;
        Ok(())
    }

    /// Reads what has come, once all of it has. Takes `BYTES` of stack beside what the type needs.
    ///
    /// # Errors
    /// [`JsonError::Malformed`], [`JsonError::WrongShape`].
    pub fn read<T: DeserializeOwned>(&self) -> Result<Json<T>, JsonError> {
        let text = self.text.get(..usize::from(self.len)).unwrap_or(&[]);
        Json::parse(text, &mut [0; BYTES])
    }
}

/// `application/json`, or a type that says that it is made of JSON (RFC 6839 §3.1).
fn is_json_type(media_type: &MediaType<'_>) -> bool {
    let is_made_of_json = |suffix: &[u8]| suffix.eq_ignore_ascii_case(b"+json");
    media_type.is("application/json")
        || media_type
            .subtype
            .split_last_chunk::<5>()
            .is_some_and(|(name, suffix)| !name.is_empty() && is_made_of_json(suffix))
}

/// Writes `value` as JSON into `out`; says how many bytes. Numbers that are not finite become `null`.
///
/// # Errors
/// [`Capacity::Bytes`] if it does not fit.
pub fn write<T: Serialize + ?Sized>(value: &T, out: &mut [u8]) -> Result<usize, Capacity> {
    serde_json_core::to_slice(value, out).map_err(|_| Capacity::Bytes)
}

#[cfg(test)]
mod tests;
