//! The machine that simulates the board, through semihosting.

use core::fmt::{self, Write};

use cortex_m_semihosting::{debug, hio};

/// Writes one line to the simulator's standard output. For tests and last words: it stops the core meanwhile.
pub fn say(text: fmt::Arguments<'_>) {
    if let Ok(mut output) = hio::hstdout() {
        // Nobody listens: nothing to be done about it.
        let _ = writeln!(output, "{text}");
    }
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
