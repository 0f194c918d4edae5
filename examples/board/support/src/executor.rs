//! The main loop: polls what was woken, and sleeps.
//!
//! `wfi` and not `wfe`: the simulator does not sleep in the latter. An interrupt that comes between the look at the flag
//! and the sleep still ends the sleep, because a masked interrupt wakes the core and runs once the mask is lifted.

use core::ffi::CStr;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use embassy_executor::{Spawner, raw};
use static_cell::StaticCell;

use crate::host;

static IS_WORK_PENDING: AtomicBool = AtomicBool::new(false);

/// What the host reads once every task has run for the first time: sockets listen, and frames come in. A frame that came
/// before would be lost, and with it whoever sent it would wait for seconds.
const UP: &CStr = c"board: up\n";

/// Runs tasks for ever; `start` spawns the first ones.
pub(crate) fn run(start: impl FnOnce(Spawner)) -> ! {
    static EXECUTOR: StaticCell<raw::Executor> = StaticCell::new();
    let executor: &'static raw::Executor = EXECUTOR.init(raw::Executor::new(ptr::null_mut()));
    start(executor.spawner());
    poll(executor);
    host::say_plainly(UP);
    loop {
        IS_WORK_PENDING.store(false, Ordering::Relaxed);
        poll(executor);
        cortex_m::interrupt::disable();
        if !IS_WORK_PENDING.load(Ordering::Relaxed) {
            cortex_m::asm::wfi();
        }
        enable_interrupts();
    }
}

#[expect(unsafe_code, reason = "the executor must not be polled within itself")]
fn poll(executor: &'static raw::Executor) {
    // SAFETY: `run` is the only caller, and it is no task.
    unsafe { executor.poll() }
}

#[expect(unsafe_code, reason = "lifting the mask could end a critical section")]
fn enable_interrupts() {
    // SAFETY: the loop above masked them itself, outside any critical section.
    unsafe { cortex_m::interrupt::enable() }
}

/// Called by the executor whenever a task is woken, from tasks and interrupts.
#[expect(unsafe_code, reason = "the executor finds it by its name")]
// SAFETY: the name and the signature are those that embassy-executor asks for.
#[unsafe(export_name = "__pender")]
fn pend(_context: *mut ()) {
    IS_WORK_PENDING.store(true, Ordering::Relaxed);
}
