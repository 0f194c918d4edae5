//! Bodies of requests and responses.

use alloc::borrow::Cow;
use std::io::{self, Cursor, Read};

use rws_core::connection::{BodyPlan, Fill};
use rws_core::message::{FieldBlock, OwnedFields};

use super::failure::BodyError;
use super::pipe::PipeReader;

/// A body: bytes that are there, or a stream of them.
#[derive(Debug, Default)]
pub enum Body {
    /// None.
    #[default]
    Empty,
    /// Bytes of the program.
    Constant(&'static [u8]),
    /// Bytes in memory.
    Bytes(Vec<u8>),
    /// Bytes in memory, from a place on: what reading leaves of [`Body::Bytes`].
    PartlyRead(Cursor<Vec<u8>>),
    /// Bytes as they come.
    Stream(PipeReader),
    /// One of the others, and what an answer says behind it.
    Trailed(Box<Trailed>),
}

/// A body with a trailer section behind it.
#[derive(Debug, Default)]
pub struct Trailed {
    pub(super) body: Body,
    pub(super) trailers: OwnedFields,
}

impl Trailed {
    /// `body`, with `trailers` behind it.
    #[cfg(feature = "grpc")]
    pub(crate) const fn new(body: Body, trailers: OwnedFields) -> Trailed {
        Trailed { body, trailers }
    }
}

impl Body {
    /// Reads all of it, at most `max_bytes`.
    ///
    /// # Errors
    /// `FileTooLarge` if there are more; `UnexpectedEof` if the client is gone before the end.
    pub fn read_all(self, max_bytes: usize) -> io::Result<Vec<u8>> {
        let too_large = || io::Error::from(BodyError::TooLarge);
        match self {
            Body::Empty => Ok(Vec::new()),
            Body::Constant(bytes) if bytes.len() <= max_bytes => Ok(bytes.to_vec()),
            Body::Bytes(bytes) if bytes.len() <= max_bytes => Ok(bytes),
            Body::PartlyRead(rest) => Body::Bytes(unread(rest)).read_all(max_bytes),
            Body::Trailed(trailed) => trailed.body.read_all(max_bytes),
            Body::Constant(_) | Body::Bytes(_) => Err(too_large()),
            Body::Stream(reader) => {
                let mut bytes = Vec::new();
                reader.take((max_bytes as u64).saturating_add(1)).read_to_end(&mut bytes)?;
                if bytes.len() > max_bytes { Err(too_large()) } else { Ok(bytes) }
            }
        }
    }

    /// The trailer section that has come behind a request's body (RFC 9110 §6.5), once that has been read to its end.
    /// Given once.
    pub fn take_trailers(&mut self) -> Option<OwnedFields> {
        match self {
            Body::Stream(reader) => reader.0.take_received_trailers(),
            Body::Trailed(trailed) => Some(core::mem::take(&mut trailed.trailers)),
            Body::Empty | Body::Constant(_) | Body::Bytes(_) | Body::PartlyRead(_) => None,
        }
    }

    /// This body, with `trailers` behind it if there are any.
    pub(super) fn with_trailers(self, trailers: Option<OwnedFields>) -> Body {
        match trailers {
            Some(trailers) => Body::Trailed(Box::new(Trailed { body: self, trailers })),
            None => self,
        }
    }

    pub(super) fn plan(&self) -> BodyPlan {
        match self {
            Body::Empty => BodyPlan::Sized(0),
            Body::Constant(bytes) => BodyPlan::Sized(bytes.len() as u64),
            Body::Bytes(bytes) => BodyPlan::Sized(bytes.len() as u64),
            Body::PartlyRead(rest) => BodyPlan::Sized(rest_of(rest).len() as u64),
            // Only a body of unknown length can have trailers behind it.
            Body::Stream(_) | Body::Trailed(_) => BodyPlan::Streamed,
        }
    }

    /// Drops it. Mostly there is none, and nothing to be done.
    #[inline]
    pub(super) fn discard(self) {
        match self {
            Body::Empty => core::mem::forget(self),
            body @ (Body::Constant(_)
            | Body::Bytes(_)
            | Body::PartlyRead(_)
            | Body::Stream(_)
            | Body::Trailed(_)) => drop(body),
        }
    }

    /// All of it, unless it is a stream or has trailers.
    #[inline]
    pub(crate) fn in_memory(&self) -> Option<&[u8]> {
        match self {
            Body::Empty => Some(&[]),
            Body::Constant(bytes) => Some(bytes),
            Body::Bytes(bytes) => Some(bytes),
            Body::PartlyRead(rest) => Some(rest_of(rest)),
            Body::Stream(_) | Body::Trailed(_) => None,
        }
    }

    /// Bytes into `out`; `sent` is how many went before.
    pub(crate) fn fill(&mut self, sent: &mut usize, out: &mut [u8]) -> Fill {
        match self {
            Body::Stream(reader) => return reader.0.fill(out),
            Body::Trailed(trailed) => return trailed.body.fill(sent, out),
            Body::Empty | Body::Constant(_) | Body::Bytes(_) | Body::PartlyRead(_) => {}
        }
        let bytes = self.in_memory().unwrap_or(&[]);
        let rest = bytes.get(*sent..).unwrap_or(&[]);
        let n = rest.len().min(out.len());
        out[..n].copy_from_slice(&rest[..n]);
        *sent += n;
        if n == rest.len() { Fill::End(n) } else { Fill::More(n) }
    }

    /// Whether the answer's head may go: a stream that waits for the client's body waits with its head, too,
    /// so that `100 (Continue)` comes first.
    pub(super) fn has_begun(&self) -> bool {
        match self {
            Body::Empty | Body::Constant(_) | Body::Bytes(_) | Body::PartlyRead(_) => true,
            Body::Stream(reader) => reader.0.has_begun(),
            Body::Trailed(trailed) => trailed.body.has_begun(),
        }
    }

    /// A handler has answered with this body.
    #[inline]
    pub(crate) fn attach(&self) {
        match self {
            Body::Stream(reader) => reader.0.attach(),
            Body::Trailed(trailed) => trailed.body.attach(),
            Body::Empty | Body::Constant(_) | Body::Bytes(_) | Body::PartlyRead(_) => {}
        }
    }

    /// Changes the trailer section behind it.
    pub(super) fn change_trailers<R>(&mut self, change: impl FnOnce(&mut OwnedFields) -> R) -> R {
        let mut trailed = match core::mem::take(self) {
            Body::Trailed(trailed) => trailed,
            body => Box::new(Trailed { body, trailers: OwnedFields::new() }),
        };
        let result = change(&mut trailed.trailers);
        *self = Body::Trailed(trailed);
        result
    }

    /// The trailer section of a body that has been sent. What the writer of a stream has said last comes behind
    /// what was known before.
    pub(crate) fn trailers(&mut self) -> FieldBlock<'_> {
        if let Some(last) = self.take_last_trailers() {
            self.change_trailers(|trailers| {
                for (name, value) in last.block().iter() {
                    // Both were checked when they were written; what is beyond 64 KiB is left out.
                    let _ = trailers.push(name, value);
                }
            });
        }
        match self {
            Body::Trailed(trailed) => trailed.trailers.block(),
            Body::Empty | Body::Constant(_) | Body::Bytes(_) | Body::PartlyRead(_) | Body::Stream(_) => {
                FieldBlock::EMPTY
            }
        }
    }

    fn take_last_trailers(&self) -> Option<OwnedFields> {
        match self {
            Body::Stream(reader) => reader.0.take_trailers(),
            Body::Trailed(trailed) => trailed.body.take_last_trailers(),
            Body::Empty | Body::Constant(_) | Body::Bytes(_) | Body::PartlyRead(_) => None,
        }
    }
}

fn rest_of(bytes: &Cursor<Vec<u8>>) -> &[u8] {
    let at = usize::try_from(bytes.position()).unwrap_or(usize::MAX);
    bytes.get_ref().get(at..).unwrap_or(&[])
}

fn unread(bytes: Cursor<Vec<u8>>) -> Vec<u8> {
    let read = bytes.get_ref().len() - rest_of(&bytes).len();
    let mut bytes = bytes.into_inner();
    bytes.drain(..read);
    bytes
}

impl Read for Body {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Body::Empty => Ok(0),
            Body::Constant(bytes) => bytes.read(out),
            Body::Bytes(bytes) => {
                // Moving the rest up at each read would take a square of the time.
                let mut bytes = Cursor::new(core::mem::take(bytes));
                let n = bytes.read(out)?;
                *self = Body::PartlyRead(bytes);
                Ok(n)
            }
            Body::PartlyRead(bytes) => bytes.read(out),
            Body::Stream(reader) => reader.read(out),
            Body::Trailed(trailed) => trailed.body.read(out),
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Body::Bytes(bytes)
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Body {
        Body::Constant(bytes)
    }
}

impl From<Cow<'static, [u8]>> for Body {
    fn from(bytes: Cow<'static, [u8]>) -> Body {
        match bytes {
            Cow::Borrowed(bytes) => Body::Constant(bytes),
            Cow::Owned(bytes) => Body::Bytes(bytes),
        }
    }
}

impl From<Cow<'static, str>> for Body {
    fn from(text: Cow<'static, str>) -> Body {
        match text {
            Cow::Borrowed(text) => Body::Constant(text.as_bytes()),
            Cow::Owned(text) => Body::Bytes(text.into_bytes()),
        }
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        Body::Bytes(text.into_bytes())
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Body {
        Body::Constant(text.as_bytes())
    }
}
