//! Copying without a panic path.
#![expect(unsafe_code, reason = "a copy whose bounds are taken from both slices")]

/// Copies as many items as both slices have. Callers see to it that their lengths are equal; were they not, there
/// is no wrong write and no panic, as there would be with `copy_from_slice`, whose check a linker can see in code
/// that is optimised for size.
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(crate) fn copy_into<T: Copy>(to: &mut [T], from: &[T]) {
    let n = to.len().min(from.len());
    // SAFETY: both slices have at least `n` items, and one that is lent for writing overlaps no other.
    unsafe { core::ptr::copy_nonoverlapping(from.as_ptr(), to.as_mut_ptr(), n) }
}

/// Moves `items[from]` so that they start at `to`; they may overlap. Nothing happens if either end is not there.
#[inline]
pub(crate) fn move_within<T: Copy>(items: &mut [T], from: core::ops::Range<usize>, to: usize) {
    let n = from.len();
    if items.get(from.clone()).is_none() || to.checked_add(n).is_none_or(|end| end > items.len()) {
        return;
    }
    let first = items.as_mut_ptr();
    // SAFETY: both runs of `n` items have just been found to lie in the slice.
    unsafe { core::ptr::copy(first.add(from.start), first.add(to), n) }
}

#[cfg(test)]
mod tests {
    use super::{copy_into, move_within};

    #[test]
    fn a_run_that_is_there_is_moved_and_no_other() {
        let mut items = *b"abcdef";
        move_within(&mut items, 2..5, 0);
        assert_eq!(&items, b"cdedef");
        move_within(&mut items, 0..3, 2);
        assert_eq!(&items, b"cdcdef");
        for (from, to) in [(4..7, 0), (0..4, 3), (0..1, usize::MAX), (6..6, 7)] {
            move_within(&mut items, from, to);
            assert_eq!(&items, b"cdcdef");
        }
    }

    #[test]
    fn what_both_slices_have_room_for_is_copied() {
        let mut to = [0u8; 4];
        copy_into(&mut to, b"abcdef");
        assert_eq!(&to, b"abcd");
        copy_into(&mut to, b"xy");
        assert_eq!(&to, b"xycd");
        copy_into(&mut to, b"");
        assert_eq!(&to, b"xycd");
    }
}
