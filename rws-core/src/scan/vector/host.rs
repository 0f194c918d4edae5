//! The host that needs no closer look.

use super::super::class::NAME;
use super::search::first_lane;
use super::{Vector, Wide};

impl<V: Vector> Wide<V> {
    /// Whether the name and the port of `at..end` are as [`Kernel::is_plain_host`] says.
    ///
    /// # Safety
    /// `end` is at most `bytes.len()`, `at` less, and `last` is where the last block of `bytes` starts.
    #[inline(always)]
    pub(super) unsafe fn is_plain_host_in_block(
        self,
        bytes: &[u8],
        at: usize,
        end: usize,
        last: usize,
    ) -> bool {
        let base = at.min(last);
        // SAFETY: `base` is at most `last`.
        let block = unsafe { self.block(bytes, base) };
        let shift = (at - base) * V::LANE_BITS;
        let outside = block.outside(NAME) >> (shift % 64);
        let name_len = first_lane::<V>(outside);
        let dots = block.equal_to(b'.') >> (shift % 64);
        // The lowest bit stands for the place before the host, as if there was a dot.
        let empty_labels = dots & ((dots << V::LANE_BITS) | 1);
        if empty_labels & (outside ^ outside.wrapping_sub(1)) != 0 || name_len == 0 {
            return false;
        }
        let len = end - at;
        if name_len >= len {
            return true;
        }
        let port_len = len - name_len - 1;
        let other = block.no_digits() >> (shift % 64) >> (name_len * V::LANE_BITS) >> V::LANE_BITS;
        if port_len.wrapping_sub(1) >= 5 {
            return false;
        }
        // SAFETY: `name_len + 1` is less than `len`, since the port has a digit.
        let (separator, digit) =
            unsafe { (*bytes.get_unchecked(at + name_len), *bytes.get_unchecked(at + name_len + 1)) };
        // Five digits of which the first is below 6 are below 65,536.
        let fits = port_len < 5 || digit < b'6';
        separator == b':' && fits && first_lane::<V>(other) >= port_len
    }
}
