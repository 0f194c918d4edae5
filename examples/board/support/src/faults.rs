//! What happens when the program is wrong: the simulation ends with exit code 1.

use core::panic::PanicInfo;

use cortex_m_rt::exception;

use crate::host;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    #[cfg(feature = "panic-message")]
    host::say(format_args!("{info}"));
    #[cfg(not(feature = "panic-message"))]
    let _ = info;
    host::exit_failure()
}

#[expect(unsafe_code, reason = "cortex-m-rt asks for an unsafe handler")]
mod hard_fault {
    use cortex_m_rt::{ExceptionFrame, exception};

    #[exception]
    unsafe fn HardFault(_frame: &ExceptionFrame) -> ! {
        #[cfg(feature = "panic-message")]
        crate::host::say(format_args!("hard fault at {:#010x}", _frame.pc()));
        crate::host::exit_failure()
    }
}

/// Does nothing but happen: the simulator moves data between guest and host in its main loop, and a guest that wakes
/// now and then keeps that loop turning.
#[exception]
fn SysTick() {}
