//! Which of sixteen bytes are the one that is sought?

/// How many bytes are compared at once.
pub(crate) const EQUAL_BYTES: usize = 16;

/// A bit for each byte of `block` that is `byte`, the lowest for the first.
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(crate) fn equal_mask(block: &[u8; EQUAL_BYTES], byte: u8) -> u32 {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    return by_sse2(block, byte);
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
    return one_by_one(block, byte);
}

#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2"))))]
fn one_by_one(block: &[u8; EQUAL_BYTES], byte: u8) -> u32 {
    block.iter().rev().fold(0, |mask, &other| mask << 1 | u32::from(other == byte))
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[inline(always)]
#[expect(unsafe_code, reason = "SSE2 intrinsics, built only for targets that have them")]
fn by_sse2(block: &[u8; EQUAL_BYTES], byte: u8) -> u32 {
    use core::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};
    // SAFETY: the target has SSE2; sixteen bytes are read, as many as there are, and need no alignment.
    unsafe {
        let lanes = _mm_cmpeq_epi8(_mm_loadu_si128(block.as_ptr().cast()), _mm_set1_epi8(byte as i8));
        _mm_movemask_epi8(lanes).cast_unsigned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_that_is_equal_has_its_bit_and_no_other() {
        for set in [0, 1, 0x8000, 0x8001, 0x5a5a, 0xffff_u32] {
            for byte in [0, 0x80, 0xff, b'a'] {
                let block = core::array::from_fn(|at| if set >> at & 1 == 1 { byte } else { byte ^ 0x81 });
                assert_eq!(equal_mask(&block, byte), set);
                assert_eq!(one_by_one(&block, byte), set);
            }
        }
    }
}
