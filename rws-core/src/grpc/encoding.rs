//! How messages are compressed: names, and what a side takes. The compressing is the adapter's.

use super::{Code, names};
use crate::message::FieldBlock;
use crate::semantics::list;

/// A message encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Encoding {
    /// As it is.
    #[default]
    Identity,
    /// Each message a gzip stream of its own (RFC 1952).
    Gzip,
}

impl Encoding {
    /// The encoding with this name, in any case.
    pub const fn from_name(name: &[u8]) -> Option<Encoding> {
        if name.eq_ignore_ascii_case(b"identity") {
            Some(Encoding::Identity)
        } else if name.eq_ignore_ascii_case(b"gzip") {
            Some(Encoding::Gzip)
        } else {
            None
        }
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Encoding::Identity => "identity",
            Encoding::Gzip => "gzip",
        }
    }

    /// The encoding of a request's messages, as `grpc-encoding` says; `None` for one without a name here, or said
    /// twice.
    pub fn of_fields(fields: FieldBlock<'_>) -> Option<Encoding> {
        if !fields.has(names::ENCODING) {
            return Some(Encoding::Identity);
        }
        Encoding::from_name(fields.single(names::ENCODING)?)
    }

    /// How one message of a stream with this encoding is written: its flag may be off whatever the encoding is.
    ///
    /// # Errors
    /// [`Code::Internal`] for a message that says it is compressed on a stream that names no compression.
    pub const fn of_message(self, is_compressed: bool) -> Result<Encoding, Code> {
        match (self, is_compressed) {
            (_, false) => Ok(Encoding::Identity),
            (Encoding::Identity, true) => Err(Code::Internal),
            (Encoding::Gzip, true) => Ok(Encoding::Gzip),
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Encodings that a side takes; as they are is always among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EncodingSet(u8);

impl EncodingSet {
    /// Messages as they are.
    pub const IDENTITY: EncodingSet = EncodingSet(Encoding::Identity.bit());
    /// All that have a name here.
    pub const ALL: EncodingSet = EncodingSet::IDENTITY.with(Encoding::Gzip);

    /// These and `encoding`.
    #[must_use]
    pub const fn with(self, encoding: Encoding) -> EncodingSet {
        EncodingSet(self.0 | encoding.bit())
    }

    /// Whether `encoding` is among them.
    pub const fn has(self, encoding: Encoding) -> bool {
        self.0 & encoding.bit() != 0
    }

    /// What a peer takes, as its `grpc-accept-encoding` says. Names that are not known here are left out.
    pub fn of_fields(fields: FieldBlock<'_>) -> EncodingSet {
        let names = fields.all(names::ACCEPT_ENCODING).flat_map(list::members);
        names.filter_map(Encoding::from_name).fold(EncodingSet::IDENTITY, EncodingSet::with)
    }

    /// The value of `grpc-accept-encoding` that says these.
    pub const fn value(self) -> &'static str {
        if self.has(Encoding::Gzip) { "identity,gzip" } else { "identity" }
    }
}
