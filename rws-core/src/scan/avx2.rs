//! 32 bytes at a time on x86-64.
#![expect(unsafe_code, reason = "AVX2 intrinsics, used only where the processor was asked for them")]

use core::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_add_epi8, _mm256_and_si256, _mm256_andnot_si256,
    _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_min_epu8,
    _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_srli_epi16, _mm256_testz_si256,
};

use super::class::Class;
use super::vector::Vector;

/// A 256-bit register. Made only by `load`, whose caller promises AVX2.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256i);

/// Bit `h` at entry `h`: together with [`Class::by_low_nibble`], whether a byte belongs to a class. Bytes
/// from 0x80 on belong to none.
static HIGH_NIBBLES: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];

// SAFETY: `load` reads 32 bytes; `movemask` gives one bit for each, lowest first.
unsafe impl Vector for Avx2 {
    const BYTES: usize = 32;
    const LANE_BITS: usize = 1;
    const LOOKS_UP: bool = true;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Avx2 {
        // SAFETY: the caller promises 32 readable bytes and AVX2; the load needs no alignment.
        Avx2(unsafe { _mm256_loadu_si256(from.cast()) })
    }

    #[inline(always)]
    fn outside(self, class: Class) -> u64 {
        // SAFETY: a value exists, so AVX2 does. The table look-up reads 16 bytes of arrays of 16 bytes.
        unsafe {
            let by_low = _mm256_broadcastsi128_si256(_mm_loadu_si128(class.by_low_nibble.as_ptr().cast()));
            let by_high = _mm256_broadcastsi128_si256(_mm_loadu_si128(HIGH_NIBBLES.as_ptr().cast()));
            let high = _mm256_and_si256(_mm256_srli_epi16::<4>(self.0), _mm256_set1_epi8(0x0f));
            let rows = _mm256_shuffle_epi8(by_low, self.0);
            let row = _mm256_shuffle_epi8(by_high, high);
            mask(_mm256_cmpeq_epi8(_mm256_and_si256(rows, row), _mm256_setzero_si256()))
        }
    }

    #[inline(always)]
    fn not_text(self) -> u64 {
        // SAFETY: a value exists, so AVX2 does.
        unsafe {
            let control = _mm256_cmpeq_epi8(_mm256_min_epu8(self.0, _mm256_set1_epi8(0x1f)), self.0);
            let tab = _mm256_cmpeq_epi8(self.0, _mm256_set1_epi8(b'\t' as i8));
            let delete = _mm256_cmpeq_epi8(self.0, _mm256_set1_epi8(0x7f));
            mask(_mm256_or_si256(_mm256_andnot_si256(tab, control), delete))
        }
    }

    #[inline(always)]
    fn either_has_control(self, other: Avx2) -> bool {
        // SAFETY: values exist, so AVX2 does.
        unsafe {
            let least = _mm256_min_epu8(self.0, other.0);
            let control = _mm256_cmpeq_epi8(_mm256_min_epu8(least, _mm256_set1_epi8(0x1f)), least);
            let delete = _mm256_set1_epi8(0x7f);
            let deletes =
                _mm256_or_si256(_mm256_cmpeq_epi8(self.0, delete), _mm256_cmpeq_epi8(other.0, delete));
            let either = _mm256_or_si256(control, deletes);
            _mm256_testz_si256(either, either) == 0
        }
    }

    #[inline(always)]
    fn equal_to(self, byte: u8) -> u64 {
        // SAFETY: a value exists, so AVX2 does.
        unsafe { mask(_mm256_cmpeq_epi8(self.0, _mm256_set1_epi8(byte as i8))) }
    }

    #[inline(always)]
    fn no_digits(self) -> u64 {
        // SAFETY: a value exists, so AVX2 does. The digits are moved to the top of the signed range.
        unsafe {
            let moved = _mm256_add_epi8(self.0, _mm256_set1_epi8((0x7f - b'9') as i8));
            mask(_mm256_cmpgt_epi8(_mm256_set1_epi8(0x7f - 9), moved))
        }
    }

    #[inline(always)]
    fn not_printable(self) -> u64 {
        // SAFETY: a value exists, so AVX2 does. Signed, obs-text is less than a space too.
        unsafe {
            let control = _mm256_cmpgt_epi8(_mm256_set1_epi8(b' ' as i8), self.0);
            mask(_mm256_or_si256(control, _mm256_cmpeq_epi8(self.0, _mm256_set1_epi8(0x7f))))
        }
    }

    #[inline(always)]
    fn equal_with(self, bits: Avx2, other: Avx2) -> u64 {
        // SAFETY: values exist, so AVX2 does.
        unsafe { mask(_mm256_cmpeq_epi8(_mm256_or_si256(self.0, bits.0), other.0)) }
    }
}

/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn mask(lanes: __m256i) -> u64 {
    // SAFETY: as the caller promises.
    u64::from(unsafe { _mm256_movemask_epi8(lanes) }.cast_unsigned())
}
