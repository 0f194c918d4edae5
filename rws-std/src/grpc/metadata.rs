//! Metadata: what both sides tell each other beside messages.

use core::fmt;

use rws_core::Error;
use rws_core::grpc::metadata;
use rws_core::message::{FieldBlock, FieldName, OwnedFields};

/// Names and values. A name that ends in `-bin` has any bytes for its value, others have text.
#[derive(Clone, Debug, Default)]
pub struct Metadata(OwnedFields);

/// Why a line cannot be metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataError {
    /// The name belongs to the protocol or to HTTP.
    Reserved,
    /// The name is no token, the value has control characters, or there are more than 64 KiB.
    Malformed(Error),
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MetadataError::Reserved => f.write_str("this name is the protocol's own"),
            MetadataError::Malformed(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for MetadataError {}

impl Metadata {
    /// None.
    pub const fn new() -> Metadata {
        Metadata(OwnedFields::new())
    }

    /// What a request says: all of its fields that are not the protocol's or HTTP's.
    pub(super) fn of(fields: FieldBlock<'_>) -> Metadata {
        Metadata(OwnedFields::copy_of_kept(fields, metadata::is_free))
    }

    /// Adds a line: bytes are encoded if the name ends in `-bin`.
    ///
    /// # Errors
    /// [`MetadataError`].
    pub fn append(&mut self, name: &str, value: &[u8]) -> Result<(), MetadataError> {
        if !metadata::is_free(FieldName::from(name)) {
            return Err(MetadataError::Reserved);
        }
        let outcome = if metadata::is_binary(name.as_bytes()) {
            self.0.push(name, base64(value).as_bytes())
        } else {
            self.0.push(name, value)
        };
        outcome.map_err(MetadataError::Malformed)
    }

    /// The first text under this name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).next()
    }

    /// All texts under this name; those that are no UTF-8 are left out.
    pub fn texts<'m>(&'m self, name: &str) -> impl Iterator<Item = &'m str> {
        self.0.block().all(name).filter_map(|value| core::str::from_utf8(value).ok())
    }

    /// All bytes under this name, which ends in `-bin`; those that are no base64 are left out.
    pub fn bytes(&self, name: &str) -> impl Iterator<Item = Vec<u8>> {
        let lines = self.0.block().all(name).flat_map(metadata::binary_values);
        lines.filter_map(|value| {
            let mut room = vec![0; metadata::decoded_bytes_max(value.len())];
            metadata::decode_binary(value, &mut room).map(<[u8]>::to_vec)
        })
    }

    /// The lines as they are sent.
    pub fn fields(&self) -> FieldBlock<'_> {
        self.0.block()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.block().is_empty()
    }

    pub(super) fn write(&self, out: &mut OwnedFields) {
        for (name, value) in self.0.block().iter() {
            // Checked when it was added; what is beyond 64 KiB is left out.
            let _ = out.push(name, value);
        }
    }
}

/// `bytes` in base64, without padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut room = vec![0; metadata::encoded_bytes(bytes.len()).unwrap_or(0)];
    let len = metadata::encode_binary(bytes, &mut room).map_or(0, <[u8]>::len);
    room.truncate(len);
    String::from_utf8(room).unwrap_or_default()
}
