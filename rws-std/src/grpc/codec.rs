//! Messages as bytes: encoded, compressed, framed; and back.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use prost::Message;
use rws_core::grpc::{Encoding, MessageHead, MessageReader, PREFIX_BYTES, Piece, message_prefix};

use super::status::Status;

/// Shorter messages are not compressed: there is nothing to be gained.
const COMPRESSED_BYTES_MIN: usize = 512;
/// Memory for a message is taken as its bytes come, at first this much: what a prefix says costs nobody anything.
const MESSAGE_BYTES_AT_FIRST: usize = 64 * 1024;

/// A message as it stands in a body.
pub(super) fn frame(message: &impl Message, encoding: Encoding) -> Result<Vec<u8>, Status> {
    let len = message.encoded_len();
    let mut frame = Vec::with_capacity(PREFIX_BYTES.saturating_add(len));
    frame.extend_from_slice(&[0; PREFIX_BYTES]);
    message.encode(&mut frame).map_err(|_| Status::internal("the answer cannot be encoded"))?;
    let mut is_compressed = false;
    if encoding == Encoding::Gzip && len >= COMPRESSED_BYTES_MIN {
        let compressed = gzip(frame.get(PREFIX_BYTES..).unwrap_or(&[]))?;
        if compressed.len() < frame.len() {
            (frame, is_compressed) = (compressed, true);
        }
    }
    let len = u32::try_from(frame.len().saturating_sub(PREFIX_BYTES))
        .map_err(|_| Status::resource_exhausted("the answer is larger than a message can be"))?;
    for (place, byte) in frame.iter_mut().zip(message_prefix(is_compressed, len)) {
        *place = byte;
    }
    Ok(frame)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Status> {
    let mut encoder = GzEncoder::new(vec![0; PREFIX_BYTES], Compression::fast());
    let compressed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    compressed.map_err(|_| Status::internal("the answer cannot be compressed"))
}

/// A message of at most `bytes_max` bytes, once it is decompressed.
pub(super) fn decode<T: Message + Default>(
    head: MessageHead,
    encoding: Encoding,
    bytes: &[u8],
    bytes_max: u32,
) -> Result<T, Status> {
    let encoding = encoding
        .of_message(head.is_compressed())
        .map_err(|code| Status::new(code, "a message is compressed, and nothing says how"))?;
    let decoded = match encoding {
        Encoding::Identity => T::decode(bytes),
        Encoding::Gzip => T::decode(&*gunzip(bytes, bytes_max)?),
    };
    decoded.map_err(|error| Status::internal(format!("a message cannot be decoded: {error}")))
}

fn gunzip(bytes: &[u8], bytes_max: u32) -> Result<Vec<u8>, Status> {
    let mut decoder = GzDecoder::new(bytes);
    let mut decoded = Vec::new();
    let mut limited = (&mut decoder).take(u64::from(bytes_max).saturating_add(1));
    limited.read_to_end(&mut decoded).map_err(|_| Status::internal("a message is no gzip"))?;
    if decoded.len() as u64 > u64::from(bytes_max) {
        return Err(Status::resource_exhausted("a message is larger than the limit once it is decompressed"));
    }
    if !decoder.into_inner().is_empty() {
        return Err(Status::internal("something follows a message's gzip"));
    }
    Ok(decoded)
}

/// Puts messages together out of the pieces of a body.
#[derive(Debug)]
pub(super) struct Assembler {
    reader: MessageReader,
    head: Option<MessageHead>,
    bytes: Vec<u8>,
}

impl Assembler {
    pub(super) const fn new(message_bytes_max: u32) -> Assembler {
        Assembler { reader: MessageReader::new(message_bytes_max), head: None, bytes: Vec::new() }
    }

    /// Takes bytes up to the end of a message, and gives that; `None` once all are taken.
    pub(super) fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<(MessageHead, Vec<u8>)>, Status> {
        loop {
            let piece = self.reader.read(bytes).map_err(wrong)?;
            match piece {
                None => return Ok(None),
                Some(Piece::Begin(head)) => {
                    self.bytes.clear();
                    self.bytes.reserve((head.len as usize).min(MESSAGE_BYTES_AT_FIRST));
                    self.head = Some(head);
                }
                Some(Piece::Data(data)) => self.bytes.extend_from_slice(data),
                Some(Piece::End) => {
                    let bytes = core::mem::take(&mut self.bytes);
                    return Ok(self.head.take().map(|head| (head, bytes)));
                }
            }
        }
    }

    /// The body has ended.
    pub(super) fn finish(&self) -> Result<(), Status> {
        self.reader.finish().map_err(wrong)
    }
}

fn wrong(error: rws_core::grpc::MessageError) -> Status {
    Status::new(error.code(), error.text())
}
