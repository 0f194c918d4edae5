//! How much memory the image takes, as it finds itself.

#[expect(unsafe_code, reason = "the linker's script defines these by name")]
mod bounds {
    // SAFETY: cortex-m-rt's link.x defines each; they mark places, and only their addresses are ever used.
    unsafe extern "C" {
        pub(super) static __sdata: u32;
        pub(super) static __euninit: u32;
        pub(super) static _stack_end: u32;
        pub(super) static _stack_start: u32;
    }
}

/// RAM that is taken for good: initialised, zeroed and uninitialised statics.
#[must_use]
pub fn static_ram_bytes() -> usize {
    (&raw const bounds::__euninit).addr() - (&raw const bounds::__sdata).addr()
}

/// RAM that is left for the stack.
#[must_use]
pub fn stack_room_bytes() -> usize {
    (&raw const bounds::_stack_start).addr() - (&raw const bounds::_stack_end).addr()
}

/// How deep the stack has ever been since the reset: bytes of it that were written to.
#[cfg(feature = "paint-stack")]
#[must_use]
pub fn stack_high_water_bytes() -> usize {
    let lowest = &raw const bounds::_stack_end;
    let words = stack_room_bytes() / size_of::<u32>();
    let untouched = (0..words).take_while(|&at| word(lowest, at) == cortex_m_rt::STACK_PAINT_VALUE).count();
    (words - untouched) * size_of::<u32>()
}

#[cfg(feature = "paint-stack")]
#[expect(unsafe_code, reason = "the free part of the stack is no object of Rust's")]
fn word(lowest: *const u32, at: usize) -> u32 {
    // SAFETY: the caller stays below the stack's start, so the word lies in RAM and is aligned; volatile, because what
    // is there changes beside the program.
    unsafe { lowest.wrapping_add(at).read_volatile() }
}
