//! Buffers of one size, kept for the next who needs one, but not for ever.
//!
//! A connection has a buffer only while it has bytes in it, so the pool of a shard lends and takes back many
//! times per second. It keeps up to `kept_max` buffers; what comes back beyond that is freed at once. Calling
//! [`BufferPool::trim`] now and then gives back what a burst left behind: half of those buffers that were not
//! needed since the last call, so that a quiet shard ends with none.

use core::fmt;

/// A pool of buffers that are `buffer_bytes` long.
pub struct BufferPool {
    kept: Vec<Box<[u8]>>,
    buffer_bytes: usize,
    kept_max: usize,
    /// The fewest that were kept since the last trim: so many were not needed.
    idle: usize,
    lent: usize,
}

impl BufferPool {
    /// An empty pool that will keep up to `kept_max` buffers.
    #[must_use]
    pub fn new(buffer_bytes: usize, kept_max: usize) -> BufferPool {
        BufferPool { kept: Vec::new(), buffer_bytes, kept_max, idle: 0, lent: 0 }
    }

    /// A buffer, with whatever its last user left in it.
    #[must_use]
    #[inline]
    pub fn take(&mut self) -> Box<[u8]> {
        self.lent += 1;
        let Some(buffer) = self.kept.pop() else { return vec![0; self.buffer_bytes].into_boxed_slice() };
        self.idle = self.idle.min(self.kept.len());
        buffer
    }

    /// Takes a buffer back. One of another size is freed.
    #[inline]
    pub fn give(&mut self, buffer: Box<[u8]>) {
        debug_assert_eq!(buffer.len(), self.buffer_bytes, "the buffer is not from this pool");
        self.lent = self.lent.saturating_sub(1);
        if self.kept.len() < self.kept_max && buffer.len() == self.buffer_bytes {
            self.kept.push(buffer);
        }
    }

    /// Frees half of the buffers that were not needed since the last call (rounded up).
    pub fn trim(&mut self) {
        let left = self.kept.len().saturating_sub(self.idle.div_ceil(2));
        self.kept.truncate(left);
        if left == 0 {
            self.kept.shrink_to_fit();
        }
        self.idle = left;
    }

    /// Length of each buffer.
    #[must_use]
    pub fn buffer_bytes(&self) -> usize {
        self.buffer_bytes
    }

    /// How many buffers wait for their next user.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    /// How many buffers are in use.
    #[must_use]
    pub fn lent(&self) -> usize {
        self.lent
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferPool")
            .field("buffer_bytes", &self.buffer_bytes)
            .field("kept", &self.kept.len())
            .field("lent", &self.lent)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::BufferPool;

    #[test]
    fn a_buffer_that_came_back_is_lent_again() {
        let mut pool = BufferPool::new(64, 8);
        let mut buffer = pool.take();
        assert_eq!(buffer.len(), 64);
        buffer.fill(7);
        pool.give(buffer);
        assert_eq!((pool.kept(), pool.lent()), (1, 0));
        assert_eq!(pool.take().first(), Some(&7));
        assert_eq!((pool.kept(), pool.lent()), (0, 1));
    }

    #[test]
    fn no_more_are_kept_than_allowed() {
        let mut pool = BufferPool::new(16, 2);
        let lent: Vec<_> = (0..5).map(|_| pool.take()).collect();
        assert_eq!(pool.lent(), 5);
        lent.into_iter().for_each(|buffer| pool.give(buffer));
        assert_eq!((pool.kept(), pool.lent()), (2, 0));
    }

    #[test]
    fn trimming_frees_what_was_not_needed_and_leaves_what_was() {
        let mut pool = BufferPool::new(16, 100);
        let burst: Vec<_> = (0..20).map(|_| pool.take()).collect();
        burst.into_iter().for_each(|buffer| pool.give(buffer));
        pool.trim();
        assert_eq!(pool.kept(), 20, "all were needed since the last time");
        let (first, second) = (pool.take(), pool.take());
        pool.give(first);
        pool.give(second);
        pool.trim();
        assert_eq!(pool.kept(), 11, "half of the eighteen that were not needed are gone");
        for _ in 0..5 {
            pool.trim();
        }
        assert_eq!(pool.kept(), 0);
    }
}
