//! 16 bytes at a time on x86-64, wherever the target has SSE2 (all but those without any vector state).
#![expect(unsafe_code, reason = "SSE2 intrinsics, built only for targets that have them")]

use core::arch::x86_64::{
    __m128i, _mm_add_epi8, _mm_andnot_si128, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_loadu_si128, _mm_min_epu8,
    _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
};

use super::class::Class;
use super::vector::Vector;

/// A 128-bit register.
#[derive(Clone, Copy)]
pub(crate) struct Sse2(__m128i);

// SAFETY: `load` reads 16 bytes; `movemask` gives one bit for each, lowest first. Built only for targets
// that have SSE2.
unsafe impl Vector for Sse2 {
    const BYTES: usize = 16;
    const LANE_BITS: usize = 1;
    // The byte shuffle came with SSSE3.
    const LOOKS_UP: bool = false;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Sse2 {
        // SAFETY: the caller promises 16 readable bytes; the load needs no alignment.
        Sse2(unsafe { _mm_loadu_si128(from.cast()) })
    }

    #[inline(always)]
    fn outside(self, class: Class) -> u64 {
        // SAFETY: both are 16 bytes, and any bytes are bytes.
        let bytes: [u8; 16] = unsafe { core::mem::transmute(self.0) };
        let lanes = bytes.iter().zip(0_u32..);
        lanes.fold(0, |mask, (&byte, lane)| mask | (u64::from(!class.contains(byte)) << lane))
    }

    #[inline(always)]
    fn not_text(self) -> u64 {
        // SAFETY: the target has SSE2.
        unsafe {
            let control = _mm_cmpeq_epi8(_mm_min_epu8(self.0, _mm_set1_epi8(0x1f)), self.0);
            let tab = _mm_cmpeq_epi8(self.0, _mm_set1_epi8(b'\t' as i8));
            let delete = _mm_cmpeq_epi8(self.0, _mm_set1_epi8(0x7f));
            mask(_mm_or_si128(_mm_andnot_si128(tab, control), delete))
        }
    }

    #[inline(always)]
    fn either_has_control(self, other: Sse2) -> bool {
        // SAFETY: the target has SSE2.
        unsafe {
            let least = _mm_min_epu8(self.0, other.0);
            let control = _mm_cmpeq_epi8(_mm_min_epu8(least, _mm_set1_epi8(0x1f)), least);
            let delete = _mm_set1_epi8(0x7f);
            let deletes = _mm_or_si128(_mm_cmpeq_epi8(self.0, delete), _mm_cmpeq_epi8(other.0, delete));
            mask(_mm_or_si128(control, deletes)) != 0
        }
    }

    #[inline(always)]
    fn equal_to(self, byte: u8) -> u64 {
        // SAFETY: the target has SSE2.
        unsafe { mask(_mm_cmpeq_epi8(self.0, _mm_set1_epi8(byte as i8))) }
    }

    #[inline(always)]
    fn no_digits(self) -> u64 {
        // SAFETY: the target has SSE2. The digits are moved to the top of the signed range.
        unsafe {
            let moved = _mm_add_epi8(self.0, _mm_set1_epi8((0x7f - b'9') as i8));
            mask(_mm_cmpgt_epi8(_mm_set1_epi8(0x7f - 9), moved))
        }
    }

    #[inline(always)]
    fn not_printable(self) -> u64 {
        // SAFETY: the target has SSE2. Signed, obs-text is less than a space too.
        unsafe {
            let control = _mm_cmpgt_epi8(_mm_set1_epi8(b' ' as i8), self.0);
            mask(_mm_or_si128(control, _mm_cmpeq_epi8(self.0, _mm_set1_epi8(0x7f))))
        }
    }

    #[inline(always)]
    fn equal_with(self, bits: Sse2, other: Sse2) -> u64 {
        // SAFETY: the target has SSE2.
        unsafe { mask(_mm_cmpeq_epi8(_mm_or_si128(self.0, bits.0), other.0)) }
    }
}

/// # Safety
/// The target has SSE2.
#[inline(always)]
unsafe fn mask(lanes: __m128i) -> u64 {
    // SAFETY: as the caller promises.
    u64::from(unsafe { _mm_movemask_epi8(lanes) }.cast_unsigned())
}
