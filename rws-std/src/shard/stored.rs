//! Bytes that outlive their turn: what was received and not worked off, what the socket did not take.

use crate::buffer_pool::BufferPool;

/// Bytes in a pooled buffer.
#[derive(Debug)]
pub(crate) struct Stored {
    buffer: Box<[u8]>,
    from: u32,
    to: u32,
}

impl Stored {
    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.from as usize..self.to as usize).unwrap_or(&[])
    }

    /// The first `bytes` bytes are done with.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.from = self.to.min(self.from.saturating_add(bytes as u32));
    }
}

/// The pools of a shard: one for the usual, one for the largest.
#[derive(Debug)]
pub(crate) struct Pools {
    small: BufferPool,
    large: BufferPool,
}

pub(super) const SMALL_BYTES: usize = 4 * 1024;
/// Nothing that is stored at once is longer: a receive or a transmit buffer.
pub(super) const LARGE_BYTES: usize = 64 * 1024;
const SMALL_KEPT_MAX: usize = 256;
const LARGE_KEPT_MAX: usize = 16;

impl Pools {
    pub(crate) fn new() -> Pools {
        Pools {
            small: BufferPool::new(SMALL_BYTES, SMALL_KEPT_MAX),
            large: BufferPool::new(LARGE_BYTES, LARGE_KEPT_MAX),
        }
    }

    /// Whether so many bytes need a large buffer, when those lent are as many as `lent_bytes_max` allows.
    pub(crate) fn is_short_of(&self, bytes: usize, lent_bytes_max: usize) -> bool {
        bytes > SMALL_BYTES && (self.large.lent() + 1).saturating_mul(LARGE_BYTES) > lent_bytes_max
    }

    /// A copy of `bytes`, at most 64 KiB.
    pub(crate) fn store(&mut self, bytes: &[u8]) -> Box<Stored> {
        let pool = if bytes.len() <= SMALL_BYTES { &mut self.small } else { &mut self.large };
        let mut buffer = pool.take();
        buffer[..bytes.len()].copy_from_slice(bytes);
        Box::new(Stored { buffer, from: 0, to: bytes.len() as u32 })
    }

    /// Adds `bytes` behind what `stored` has. Fails beyond 64 KiB.
    pub(crate) fn append(&mut self, stored: &mut Option<Box<Stored>>, bytes: &[u8]) -> Result<(), ()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let Some(mut old) = stored.take() else {
            *stored = Some(self.store(bytes));
            return Ok(());
        };
        let len = old.bytes().len();
        let whole = len + bytes.len();
        if whole > LARGE_BYTES {
            *stored = Some(old);
            return Err(());
        }
        if old.to as usize + bytes.len() > old.buffer.len() {
            let mut buffer = self.large.take();
            buffer[..len].copy_from_slice(old.bytes());
            self.give(core::mem::replace(&mut old, Box::new(Stored { buffer, from: 0, to: len as u32 })));
        }
        let at = old.to as usize;
        old.buffer[at..at + bytes.len()].copy_from_slice(bytes);
        old.to += bytes.len() as u32;
        *stored = Some(old);
        Ok(())
    }

    /// Takes a buffer back.
    #[expect(clippy::boxed_local, reason = "connections hold it boxed, to stay small")]
    pub(crate) fn give(&mut self, stored: Box<Stored>) {
        let pool = if stored.buffer.len() == SMALL_BYTES { &mut self.small } else { &mut self.large };
        pool.give(stored.buffer);
    }

    /// Gives back what a burst left behind.
    pub(crate) fn trim(&mut self) {
        self.small.trim();
        self.large.trim();
    }
}

const _: () = assert!(super::RX_BYTES <= LARGE_BYTES && super::TX_BYTES <= LARGE_BYTES);
