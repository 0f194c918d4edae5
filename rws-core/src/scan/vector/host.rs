//! The host that needs no closer look.

use super::super::class::NAME;
use super::search::first_lane;
use super::{Vector, Wide};

impl<V: Vector> Wide<V> {
    /// Whether the name and the port of `at..end` are as [`Kernel::is_plain_host`] says.
    ///
    /// # Safety
    /// `end` is at most `bytes.len()`, which is at least a block; `at` is less, by no more than a block.
    #[inline(always)]
    pub(super) unsafe fn is_plain_host_in_block(self, bytes: &[u8], at: usize, end: usize) -> bool {
        let len = end - at;
        // SAFETY: a block stands before `end`, or at the start, and `at` is in it.
        unsafe {
            if end >= V::BYTES {
                let skip = (V::BYTES - len) * V::LANE_BITS;
                let block = self.block(bytes, end - V::BYTES);
                return self.is_plain_host_of(bytes, at, len, block, skip, u64::MAX);
            }
            let keep = u64::MAX >> (64 - len * V::LANE_BITS);
            self.is_plain_host_of(bytes, at, len, self.block(bytes, 0), at * V::LANE_BITS, keep)
        }
    }

    /// The same of the `len` bytes at `at`, which the masks of `block` say, moved down by `skip` bits, where `keep`
    /// has bits.
    ///
    /// # Safety
    /// They are inside `bytes`.
    #[inline(always)]
    unsafe fn is_plain_host_of(
        self,
        bytes: &[u8],
        at: usize,
        len: usize,
        block: V,
        skip: usize,
        keep: u64,
    ) -> bool {
        let outside = (block.outside(NAME) >> (skip % 64)) & keep;
        let dots = (block.equal_to(b'.') >> (skip % 64)) & keep;
        // The lowest bit stands for the place before the host, as if there was a dot.
        let empty_labels = dots & ((dots << V::LANE_BITS) | 1);
        if outside == 0 {
            return empty_labels == 0;
        }
        let name_len = first_lane::<V>(outside);
        let port_len = len - name_len - 1;
        if empty_labels & (outside ^ outside.wrapping_sub(1)) != 0
            || name_len == 0
            || port_len.wrapping_sub(1) >= 5
        {
            return false;
        }
        let other = ((block.no_digits() >> (skip % 64)) & keep) >> (name_len * V::LANE_BITS) >> V::LANE_BITS;
        // SAFETY: `name_len + 1` is less than `len`, since the port is not empty.
        let (separator, digit) =
            unsafe { (*bytes.get_unchecked(at + name_len), *bytes.get_unchecked(at + name_len + 1)) };
        // Five digits of which the first is below 6 are below 65,536.
        let fits = port_len < 5 || digit < b'6';
        separator == b':' && fits && other == 0
    }
}
