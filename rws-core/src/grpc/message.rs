//! Messages in a body: each with a flag and its length in front.
//!
//! ```text
//!          ┌────────── End ──────────┐
//!          ▼                         │
//!   Prefix (0 to 4 of 5 bytes) ─▶ Data (left) ─▶ left = 0
//!          │ Begin                    Data…
//!          └ flag or length refused ─▶ Failed
//! ```

use super::Code;

/// Bytes in front of each message: the flags, and the length as a number of 32 bits, most significant byte first.
pub const PREFIX_BYTES: usize = 5;

/// The flag of a compressed message.
pub const COMPRESSED: u8 = 1;

const _: () = assert!(size_of::<MessageReader>() <= 16);

/// What stands in front of a message of `len` bytes.
pub const fn message_prefix(is_compressed: bool, len: u32) -> [u8; PREFIX_BYTES] {
    let [a, b, c, d] = len.to_be_bytes();
    [if is_compressed { COMPRESSED } else { 0 }, a, b, c, d]
}

/// Reads messages out of a body that comes in pieces of any size.
///
/// It keeps no byte of a message: the caller takes the pieces as they come, after [`Piece::Begin`] has told how much
/// there will be and the reader has found that this is within the limit.
///
/// ```
/// use rws_core::grpc::{MessageReader, Piece};
///
/// let mut reader = MessageReader::new(1024);
/// let mut message = Vec::new();
/// for mut bytes in [&b"\0\0\0"[..], b"\0\x05he", b"llo"] {
///     while let Some(piece) = reader.read(&mut bytes)? {
///         match piece {
///             Piece::Begin(head) => message.reserve(head.len as usize),
///             Piece::Data(data) => message.extend_from_slice(data),
///             Piece::End => assert_eq!(message, b"hello"),
///         }
///     }
/// }
/// reader.finish()?;
/// # Ok::<(), rws_core::grpc::MessageError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MessageReader {
    message_bytes_max: u32,
    flags: u8,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The first `got` bytes of a prefix have come.
    Prefix {
        got: u8,
        bytes: [u8; PREFIX_BYTES],
    },
    /// This many bytes of the message are still to come.
    Data {
        left: u32,
    },
    Failed(MessageError),
}

const AT_START: Phase = Phase::Prefix { got: 0, bytes: [0; PREFIX_BYTES] };

/// What a message's prefix says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MessageHead {
    /// The flags.
    pub flags: u8,
    /// How many bytes follow.
    pub len: u32,
}

impl MessageHead {
    /// Whether they are compressed.
    pub const fn is_compressed(self) -> bool {
        self.flags & COMPRESSED != 0
    }
}

/// A part of a body: for each message one `Begin`, its bytes, one `End`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'b> {
    /// A message begins.
    Begin(MessageHead),
    /// Some bytes of it; never none.
    Data(&'b [u8]),
    /// It is complete.
    End,
}

/// What is wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MessageError {
    /// A flag that means nothing.
    Flags,
    /// A message longer than the limit.
    TooLarge,
    /// The body ended within a message.
    Truncated,
}

impl MessageError {
    /// How the call ends.
    pub const fn code(self) -> Code {
        match self {
            MessageError::Flags | MessageError::Truncated => Code::Internal,
            MessageError::TooLarge => Code::ResourceExhausted,
        }
    }

    /// One line that says what was wrong.
    pub const fn text(self) -> &'static str {
        match self {
            MessageError::Flags => "a message has a flag without a meaning",
            MessageError::TooLarge => "a message is larger than the limit",
            MessageError::Truncated => "the body ends within a message",
        }
    }
}

impl core::fmt::Display for MessageError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for MessageError {}

impl MessageReader {
    /// A reader of messages of at most `message_bytes_max` bytes each, as they are sent.
    pub const fn new(message_bytes_max: u32) -> MessageReader {
        MessageReader::with_flags(message_bytes_max, COMPRESSED)
    }

    /// A reader that takes these flags: other envelopes mark their last message by one.
    pub const fn with_flags(message_bytes_max: u32, flags: u8) -> MessageReader {
        MessageReader { message_bytes_max, flags, phase: AT_START }
    }

    /// The next piece of `bytes`, which is moved behind it. `None` once all of them are taken and nothing is left to
    /// be said of them.
    ///
    /// # Errors
    /// [`MessageError`]; from then on it is the same one.
    pub fn read<'b>(&mut self, bytes: &mut &'b [u8]) -> Result<Option<Piece<'b>>, MessageError> {
        match self.phase {
            Phase::Prefix { got, bytes: prefix } => self.prefix(got, prefix, bytes),
            Phase::Data { left: 0 } => {
                self.phase = AT_START;
                Ok(Some(Piece::End))
            }
            Phase::Data { left } => {
                let n = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let Some((data, rest)) = bytes.split_at_checked(n) else { return Ok(None) };
                *bytes = rest;
                // No more than `left` by the line above.
                self.phase = Phase::Data { left: left.saturating_sub(n as u32) };
                Ok((n > 0).then_some(Piece::Data(data)))
            }
            Phase::Failed(error) => Err(error),
        }
    }

    /// The body has ended.
    ///
    /// # Errors
    /// [`MessageError::Truncated`] within a message, or what was wrong before.
    pub const fn finish(&self) -> Result<(), MessageError> {
        match self.phase {
            Phase::Prefix { got: 0, .. } => Ok(()),
            Phase::Prefix { .. } | Phase::Data { .. } => Err(MessageError::Truncated),
            Phase::Failed(error) => Err(error),
        }
    }

    /// Whether what was read so far is whole messages.
    pub const fn is_between(&self) -> bool {
        self.finish().is_ok()
    }

    fn prefix<'b>(
        &mut self,
        got: u8,
        mut prefix: [u8; PREFIX_BYTES],
        bytes: &mut &'b [u8],
    ) -> Result<Option<Piece<'b>>, MessageError> {
        let mut now = got;
        for place in prefix.iter_mut().skip(usize::from(got)) {
            let Some((&byte, rest)) = bytes.split_first() else { break };
            (*place, *bytes) = (byte, rest);
            now = now.saturating_add(1);
        }
        if usize::from(now) < PREFIX_BYTES {
            self.phase = Phase::Prefix { got: now, bytes: prefix };
            return Ok(None);
        }
        let [flags, len @ ..] = prefix;
        let len = u32::from_be_bytes(len);
        let wrong = match () {
            () if flags & !self.flags != 0 => Some(MessageError::Flags),
            () if len > self.message_bytes_max => Some(MessageError::TooLarge),
            () => None,
        };
        match wrong {
            Some(error) => {
                self.phase = Phase::Failed(error);
                Err(error)
            }
            None => {
                self.phase = Phase::Data { left: len };
                Ok(Some(Piece::Begin(MessageHead { flags, len })))
            }
        }
    }
}
