//! Field blocks through the compression: in, line by line, and out, into frames.

use super::Machine;
use crate::h2::ErrorCode;
use crate::h2::frame::FrameHeader;
use crate::h2::head::{Lines, encode};
use crate::h2::memory::Lent;
use crate::h2::out::Out;
use crate::hpack::{BlockOut, ListLimits};
use crate::message::Scratch;
use crate::{Error, FieldBlock, Limits};

impl Machine {
    /// Decodes `block` into `arena` and tells `lines` of each line; how much of the arena they take.
    ///
    /// # Errors
    /// COMPRESSION_ERROR, for which the connection ends.
    pub(in crate::h2) fn decode(
        &mut self,
        limits: &Limits,
        lent: &mut Lent<'_>,
        block: &[u8],
        arena: &mut [u8],
        lines: &mut Lines<'_>,
    ) -> Result<u16, ErrorCode> {
        /// Pseudo-fields, which `fields_max` does not count.
        const PSEUDO: u16 = 5;
        let list = ListLimits {
            bytes_max: u32::from(limits.head_bytes_max),
            fields_max: limits.fields_max.saturating_add(PSEUDO),
        };
        let decoded = self.decoder.decode(block, lent.decoder, arena, list, |line, arena| {
            lines.take(&line, arena);
        });
        let decoded = decoded.map_err(|_| ErrorCode::COMPRESSION_ERROR)?;
        if decoded.is_too_large {
            lines.refuse_size();
        }
        Ok(decoded.arena_bytes)
    }

    /// Decodes a block that is nobody's.
    ///
    /// # Errors
    /// As [`Machine::decode`].
    pub(in crate::h2) fn pass_over(
        &mut self,
        limits: &Limits,
        lent: &mut Lent<'_>,
        block: &[u8],
        scratch: &mut Scratch<'_>,
    ) -> Result<(), ErrorCode> {
        let mut lines = Lines::of_trailers(&mut [], limits);
        lines.refuse_size();
        self.decode(limits, lent, block, scratch.bytes, &mut lines).map(|_| ())
    }

    /// Writes a HEADERS frame on `stream`, whose block of at most `most` bytes `write` makes. It ends the stream if
    /// `write` says so.
    ///
    /// # Errors
    /// Those of `write`. Nothing has been written then.
    pub(in crate::h2) fn write_headers(
        &mut self,
        lent: &mut Lent<'_>,
        out: &mut Out<'_>,
        stream: u32,
        most: usize,
        write: &mut dyn FnMut(&mut BlockOut<'_>) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut block = self.encoder.begin(lent.encoder, out.payload(most));
        let ends = write(&mut block)?;
        let len = block.finish()?;
        out.block(stream, ends, len, self.peer.frame_bytes_max as usize);
        Ok(())
    }

    /// Room for the frames of a block of `bytes`.
    pub(in crate::h2) fn block_room(&self, bytes: usize) -> usize {
        let frames = bytes.checked_div(self.peer.frame_bytes_max as usize).unwrap_or(0).saturating_add(1);
        bytes.saturating_add(frames.saturating_mul(FrameHeader::BYTES))
    }

    /// Writes the trailers of the stream `id`.
    ///
    /// # Errors
    /// The room that they need, or what is wrong with them.
    pub(in crate::h2) fn write_trailers(
        &mut self,
        limits: &Limits,
        lent: &mut Lent<'_>,
        out: &mut Out<'_>,
        id: u32,
        section: FieldBlock<'_>,
    ) -> Result<(), Stuck> {
        let most = trailer_bytes(section).min(usize::from(limits.trailer_bytes_max));
        let room = self.block_room(most);
        if out.room() < room {
            return Err(Stuck::Room(room));
        }
        let written = self.write_headers(lent, out, id, most, &mut |block| {
            encode::trailers(block, section)?;
            Ok(true)
        });
        written.map_err(Stuck::Error)
    }
}

/// Why a section could not be written.
#[derive(Debug)]
pub(in crate::h2) enum Stuck {
    Room(usize),
    Error(Error),
}

/// No more than this takes a section as a block.
fn trailer_bytes(section: FieldBlock<'_>) -> usize {
    const SIZE_UPDATES: usize = 12;
    const LENGTHS: usize = 8;
    section.iter().fold(SIZE_UPDATES, |sum, (name, value)| {
        sum.saturating_add(name.as_bytes().len()).saturating_add(value.len()).saturating_add(LENGTHS)
    })
}
