//! 16 bytes at a time on AArch64, wherever the target has NEON.
#![expect(unsafe_code, reason = "NEON intrinsics, built only for targets that have them")]

use core::arch::aarch64::{
    uint8x16_t, vandq_u8, vbicq_u8, vceqq_u8, vceqzq_u8, vcgtq_u8, vcltq_u8, vdupq_n_u8, vget_lane_u64,
    vld1q_u8, vminq_u8, vorrq_u8, vqtbl1q_u8, vreinterpret_u64_u8, vreinterpretq_u16_u8, vshrn_n_u16,
    vshrq_n_u8, vsubq_u8,
};

use super::class::Class;
use super::vector::Vector;

/// A 128-bit register.
#[derive(Clone, Copy)]
pub(crate) struct Neon(uint8x16_t);

/// Bit `h` at entry `h`: together with [`Class::by_low_nibble`], whether a byte belongs to a class. Bytes
/// from 0x80 on belong to none.
static HIGH_NIBBLES: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];

// SAFETY: `load` reads 16 bytes; `mask` gives four bits for each, lowest first. Built only for targets that
// have NEON.
unsafe impl Vector for Neon {
    const BYTES: usize = 16;
    const LANE_BITS: usize = 4;
    const LOOKS_UP: bool = true;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Neon {
        // SAFETY: the caller promises 16 readable bytes; the target has NEON.
        Neon(unsafe { vld1q_u8(from) })
    }

    #[inline(always)]
    fn outside(self, class: Class) -> u64 {
        // SAFETY: the target has NEON, and both tables have 16 bytes.
        unsafe {
            let (by_low, by_high) = (vld1q_u8(class.by_low_nibble.as_ptr()), vld1q_u8(HIGH_NIBBLES.as_ptr()));
            let rows = vqtbl1q_u8(by_low, vandq_u8(self.0, vdupq_n_u8(0x0f)));
            let row = vqtbl1q_u8(by_high, vshrq_n_u8::<4>(self.0));
            mask(vceqzq_u8(vandq_u8(rows, row)))
        }
    }

    #[inline(always)]
    fn not_text(self) -> u64 {
        // SAFETY: the target has NEON.
        unsafe {
            let control = vcltq_u8(self.0, vdupq_n_u8(0x20));
            let tab = vceqq_u8(self.0, vdupq_n_u8(b'\t'));
            let delete = vceqq_u8(self.0, vdupq_n_u8(0x7f));
            mask(vorrq_u8(vbicq_u8(control, tab), delete))
        }
    }

    #[inline(always)]
    fn either_has_control(self, other: Neon) -> bool {
        // SAFETY: the target has NEON.
        unsafe {
            let control = vcltq_u8(vminq_u8(self.0, other.0), vdupq_n_u8(0x20));
            let delete = vdupq_n_u8(0x7f);
            let deletes = vorrq_u8(vceqq_u8(self.0, delete), vceqq_u8(other.0, delete));
            mask(vorrq_u8(control, deletes)) != 0
        }
    }

    #[inline(always)]
    fn equal_to(self, byte: u8) -> u64 {
        // SAFETY: the target has NEON.
        unsafe { mask(vceqq_u8(self.0, vdupq_n_u8(byte))) }
    }

    #[inline(always)]
    fn no_digits(self) -> u64 {
        // SAFETY: the target has NEON.
        unsafe { mask(vcgtq_u8(vsubq_u8(self.0, vdupq_n_u8(b'0')), vdupq_n_u8(9))) }
    }

    #[inline(always)]
    fn not_printable(self) -> u64 {
        // SAFETY: the target has NEON.
        unsafe { mask(vcgtq_u8(vsubq_u8(self.0, vdupq_n_u8(b' ')), vdupq_n_u8(b'~' - b' '))) }
    }

    #[inline(always)]
    fn equal_with(self, bits: Neon, other: Neon) -> u64 {
        // SAFETY: the target has NEON.
        unsafe { mask(vceqq_u8(vorrq_u8(self.0, bits.0), other.0)) }
    }
}

/// # Safety
/// The target has NEON.
#[inline(always)]
unsafe fn mask(lanes: uint8x16_t) -> u64 {
    // SAFETY: as the caller promises.
    unsafe { vget_lane_u64::<0>(vreinterpret_u64_u8(vshrn_n_u16::<4>(vreinterpretq_u16_u8(lanes)))) }
}
