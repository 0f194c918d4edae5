//! The memory that outlives a call: stream slots, and the tables of the field compression.

use super::StreamSlot;

/// What a connection keeps between calls, and where it may grow.
///
/// A driver with much memory gives slots from a pool as they are wanted and takes them back when the connection rests;
/// one with little has them all from the start ([`Inline`]).
pub trait Memory {
    /// Lends all of it. Slots and tables are as the connection left them.
    fn lend(&mut self) -> Lent<'_>;

    /// More slots would be of use: `slots` in all, at most `streams_max` of the limits. Those that exist keep their
    /// place and what is in them. Without more, further streams are refused (REFUSED_STREAM).
    fn grow(&mut self, slots: u16) {
        let _ = slots;
    }

    /// A block comes whose decoding takes a table of `decoder_bytes`, never more than `header_table_bytes_max` of the
    /// limits and the 4,096 that hold before they are known. Who lends less as yet lends more from now on, behind what
    /// there was. Not asked on targets without an operating system: lend all of it from the start there.
    fn reserve(&mut self, decoder_bytes: usize) {
        let _ = decoder_bytes;
    }

    /// The table that our blocks are encoded with would make use of more memory, behind what there is.
    fn widen(&mut self) {}

    /// No slot is in use: they may go.
    fn release(&mut self) {}
}

/// The memory of one connection, lent for a call.
#[derive(Debug, Default)]
pub struct Lent<'m> {
    /// Slots of streams.
    pub slots: &'m mut [StreamSlot],
    /// The table that the peer's field blocks are decoded with.
    pub decoder: &'m mut [u8],
    /// The table that ours are encoded with. May be empty.
    pub encoder: &'m mut [u8],
}

/// Memory of a fixed size, in place.
#[derive(Clone, Debug)]
pub struct Inline<const STREAMS: usize, const DECODER_BYTES: usize, const ENCODER_BYTES: usize> {
    slots: [StreamSlot; STREAMS],
    decoder: [u8; DECODER_BYTES],
    encoder: [u8; ENCODER_BYTES],
}

impl<const STREAMS: usize, const DECODER_BYTES: usize, const ENCODER_BYTES: usize>
    Inline<STREAMS, DECODER_BYTES, ENCODER_BYTES>
{
    /// Memory that nothing is in.
    pub const fn new() -> Self {
        Inline {
            slots: [StreamSlot::FREE; STREAMS],
            decoder: [0; DECODER_BYTES],
            encoder: [0; ENCODER_BYTES],
        }
    }
}

impl<const STREAMS: usize, const DECODER_BYTES: usize, const ENCODER_BYTES: usize> Default
    for Inline<STREAMS, DECODER_BYTES, ENCODER_BYTES>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<const STREAMS: usize, const DECODER_BYTES: usize, const ENCODER_BYTES: usize> Memory
    for Inline<STREAMS, DECODER_BYTES, ENCODER_BYTES>
{
    fn lend(&mut self) -> Lent<'_> {
        Lent { slots: &mut self.slots, decoder: &mut self.decoder, encoder: &mut self.encoder }
    }
}

impl<M: Memory + ?Sized> Memory for &mut M {
    fn lend(&mut self) -> Lent<'_> {
        (**self).lend()
    }

    fn grow(&mut self, slots: u16) {
        (**self).grow(slots);
    }

    fn reserve(&mut self, decoder_bytes: usize) {
        (**self).reserve(decoder_bytes);
    }

    fn widen(&mut self) {
        (**self).widen();
    }

    fn release(&mut self) {
        (**self).release();
    }
}
