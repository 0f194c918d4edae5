//! Memory-mapped registers: the one place that reads and writes them.

/// A 32-bit register at a fixed address of the board.
#[derive(Clone, Copy)]
pub(crate) struct Register(usize);

impl Register {
    pub(crate) const fn at(address: usize) -> Register {
        Register(address)
    }

    #[inline]
    #[expect(unsafe_code, reason = "a register is an address")]
    pub(crate) fn read(self) -> u32 {
        // SAFETY: only this crate makes a `Register`, from the addresses of the board's peripherals, which are aligned
        // and always mapped; no Rust object lives there. Where a read has an effect (FIFOs), one caller owns it.
        unsafe { (self.0 as *const u32).read_volatile() }
    }

    #[inline]
    #[expect(unsafe_code, reason = "a register is an address")]
    pub(crate) fn write(self, value: u32) {
        // SAFETY: as for `read`. No register that this crate names makes the hardware write to memory.
        unsafe { (self.0 as *mut u32).write_volatile(value) }
    }
}

const INTERRUPT_SET_ENABLE: Register = Register::at(0xE000_E100);
const SYSTICK_CONTROL: Register = Register::at(0xE000_E010);
const SYSTICK_RELOAD: Register = Register::at(0xE000_E014);
const SYSTICK_VALUE: Register = Register::at(0xE000_E018);

/// Lets the interrupts of this number through to the core; a set bit enables, a clear one changes nothing.
pub(crate) fn enable_interrupt(number: usize) {
    INTERRUPT_SET_ENABLE.write(1 << number);
}

/// Raises the core's own timer exception again and again, every so many clocks (24 bits).
pub(crate) fn start_systick(clocks: u32) {
    const FROM_CORE_CLOCK_WITH_EXCEPTION: u32 = 0b111;
    SYSTICK_RELOAD.write(clocks - 1);
    SYSTICK_VALUE.write(0);
    SYSTICK_CONTROL.write(FROM_CORE_CLOCK_WITH_EXCEPTION);
}
