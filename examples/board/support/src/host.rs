//! The machine that simulates the board, through semihosting.

use core::ffi::CStr;
use core::fmt::{self, Write};

use cortex_m_semihosting::{debug, hio, syscall1};

/// Writes one line to the simulator's standard output. For tests and last words: it stops the core meanwhile.
pub fn say(text: fmt::Arguments<'_>) {
    if let Ok(mut output) = hio::hstdout() {
        // Nobody listens: nothing to be done about it.
        let _ = writeln!(output, "{text}");
    }
}

/// Writes a text as it is, in a few instructions and without formatting code.
#[expect(unsafe_code, reason = "semihosting is a breakpoint that the host carries out")]
pub fn say_plainly(text: &CStr) {
    // SAFETY: the host only reads, up to the null byte that a `CStr` ends with.
    let _ = unsafe { syscall1!(WRITE0, text.as_ptr()) };
}

/// Ends the simulation with exit code 0.
pub fn exit_success() -> ! {
    end(debug::EXIT_SUCCESS)
}

/// Ends the simulation with exit code 1.
pub fn exit_failure() -> ! {
    end(debug::EXIT_FAILURE)
}

fn end(status: debug::ExitStatus) -> ! {
    debug::exit(status);
    loop {
        cortex_m::asm::wfi();
    }
}
