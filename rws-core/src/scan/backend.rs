//! Which kernel runs: the processor is asked once, and the answer kept in an atomic.
//!
//! No compare-and-swap is needed (`thumbv6m` has none): whoever finds no answer asks again, and all get the
//! same.
#![cfg_attr(
    any(
        all(target_arch = "x86_64", target_feature = "sse2"),
        all(target_arch = "aarch64", target_feature = "neon")
    ),
    expect(unsafe_code, reason = "promises that the processor has what a kernel needs")
)]

#[cfg(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon")
))]
use super::vector::Wide;
use super::{Swar, Task};

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
use core::sync::atomic::{AtomicU8, Ordering};

/// The kernel to use, once the processor was asked.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
static CHOICE: AtomicU8 = AtomicU8::new(0);

/// A kernel by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Backend {
    /// The table, byte by byte.
    #[cfg_attr(not(test), expect(dead_code, reason = "what the others are tested against"))]
    Scalar = 1,
    /// A machine word at a time.
    #[cfg_attr(
        all(
            not(test),
            any(
                all(target_arch = "x86_64", target_feature = "sse2"),
                all(target_arch = "aarch64", target_feature = "neon")
            )
        ),
        expect(dead_code, reason = "for targets without a vector unit")
    )]
    Swar,
    /// 16 bytes at a time.
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    Sse2,
    /// 32 bytes at a time.
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    Avx2,
    /// 16 bytes at a time.
    #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
    Neon,
}

impl Backend {
    /// Runs `task` with the fastest kernel of this processor. The usual one is found with one comparison, and
    /// the others stand apart, so that a call of it costs a jump.
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(crate) fn dispatch<T: Task>(
        task: T,
        bytes: &[u8],
        scanned: &mut u16,
        place: &mut T::Place,
    ) -> T::Output {
        if CHOICE.load(Ordering::Relaxed) == Backend::Avx2 as u8 {
            // SAFETY: this was stored only if the processor said that it has these features.
            return unsafe { run_avx2(task, bytes, scanned, place) };
        }
        run_other(task, bytes, scanned, place)
    }

    /// Runs `task` with the fastest kernel of this target.
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(crate) fn dispatch<T: Task>(
        task: T,
        bytes: &[u8],
        scanned: &mut u16,
        place: &mut T::Place,
    ) -> T::Output {
        Backend::fastest().run(task, bytes, scanned, place)
    }

    /// The fastest kernel of this processor.
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    fn fastest() -> Backend {
        const AVX2: u8 = Backend::Avx2 as u8;
        const SSE2: u8 = Backend::Sse2 as u8;
        match CHOICE.load(Ordering::Relaxed) {
            AVX2 => Backend::Avx2,
            SSE2 => Backend::Sse2,
            _ => {
                let backend = detect();
                CHOICE.store(backend as u8, Ordering::Relaxed);
                backend
            }
        }
    }

    /// The fastest kernel of this processor.
    #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
    #[cfg_attr(not(target_os = "none"), inline(always))]
    const fn fastest() -> Backend {
        Backend::Neon
    }

    /// The fastest kernel of this processor.
    #[cfg(not(any(
        all(target_arch = "x86_64", target_feature = "sse2"),
        all(target_arch = "aarch64", target_feature = "neon")
    )))]
    #[cfg_attr(not(target_os = "none"), inline(always))]
    const fn fastest() -> Backend {
        Backend::Swar
    }

    /// Runs `task` with this kernel.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn run<T: Task>(
        self,
        task: T,
        bytes: &[u8],
        scanned: &mut u16,
        place: &mut T::Place,
    ) -> T::Output {
        match self {
            Backend::Scalar => task.run(super::Scalar, bytes, scanned, place),
            Backend::Swar => task.run(Swar, bytes, scanned, place),
            // SAFETY: the target has SSE2.
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Backend::Sse2 => task.run(unsafe { Wide::<super::sse2::Sse2>::new() }, bytes, scanned, place),
            // SAFETY: this backend is chosen only if the processor said that it has these features.
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Backend::Avx2 => unsafe { run_avx2(task, bytes, scanned, place) },
            // SAFETY: the target has NEON.
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            Backend::Neon => task.run(unsafe { Wide::<super::neon::Neon>::new() }, bytes, scanned, place),
        }
    }

    /// Every kernel that this processor can run.
    #[cfg(test)]
    pub(crate) fn available() -> alloc::vec::Vec<Backend> {
        let mut all = alloc::vec![Backend::Scalar, Backend::Swar];
        #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
        all.push(Backend::Sse2);
        if !all.contains(&Backend::fastest()) {
            all.push(Backend::fastest());
        }
        all
    }
}

/// The whole task is compiled for AVX2, so that the kernel is inlined into it.
///
/// # Safety
/// The processor has the features named.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn run_avx2<T: Task>(task: T, bytes: &[u8], scanned: &mut u16, place: &mut T::Place) -> T::Output {
    // SAFETY: as the caller promises.
    task.run(unsafe { Wide::<super::avx2::Avx2>::new() }, bytes, scanned, place)
}

/// Whatever is not known to have AVX2, or not yet.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[inline(never)]
fn run_other<T: Task>(task: T, bytes: &[u8], scanned: &mut u16, place: &mut T::Place) -> T::Output {
    Backend::fastest().run(task, bytes, scanned, place)
}

/// Asks the processor (and the operating system, which must keep the wide registers).
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[cold]
fn detect() -> Backend {
    if cfg!(miri) {
        // The interpreter has no `cpuid`; it knows what it was built for.
        return if cfg!(target_feature = "avx2") { Backend::Avx2 } else { Backend::Sse2 };
    }
    if has_avx2() { Backend::Avx2 } else { Backend::Sse2 }
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
fn has_avx2() -> bool {
    use core::arch::x86_64::{__cpuid, __cpuid_count, __get_cpuid_max, _xgetbv};

    const POPCNT_OSXSAVE_AVX: u32 = 1 << 23 | 1 << 27 | 1 << 28;
    const BMI1_AVX2_BMI2: u32 = 1 << 3 | 1 << 5 | 1 << 8;
    const LZCNT: u32 = 1 << 5;
    const SSE_AND_AVX_STATE: u64 = 0b110;

    #[target_feature(enable = "xsave")]
    fn enabled_state() -> u64 {
        // SAFETY: the caller has seen OSXSAVE, so this register may be read.
        unsafe { _xgetbv(0) }
    }

    let all = |register: u32, bits: u32| register & bits == bits;
    if __get_cpuid_max(0).0 < 7 || __get_cpuid_max(0x8000_0000).0 < 0x8000_0001 {
        return false;
    }
    all(__cpuid(1).ecx, POPCNT_OSXSAVE_AVX)
        && all(__cpuid_count(7, 0).ebx, BMI1_AVX2_BMI2)
        && all(__cpuid(0x8000_0001).ecx, LZCNT)
        // SAFETY: OSXSAVE, checked above, means that XSAVE is there and switched on.
        && unsafe { enabled_state() } & SSE_AND_AVX_STATE == SSE_AND_AVX_STATE
}
