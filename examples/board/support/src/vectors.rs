//! Where each interrupt goes.

use crate::{clock, lan9118};

pub(crate) const COUNTER_INTERRUPT: usize = 8;
pub(crate) const ALARM_INTERRUPT: usize = 9;
pub(crate) const ETHERNET_INTERRUPT: usize = 13;
const INTERRUPTS: usize = 32;

type Handler = Option<extern "C" fn()>;

/// The part of the vector table behind the core's own exceptions. An interrupt without a handler is never enabled.
#[expect(unsafe_code, reason = "the linker's script finds the table by its section and name")]
// SAFETY: the section holds vectors only, the name is cortex-m-rt's for this table, and its layout is the hardware's:
// one address for each interrupt, null where there is none.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [Handler; INTERRUPTS] = {
    let mut table: [Handler; INTERRUPTS] = [None; INTERRUPTS];
    table[COUNTER_INTERRUPT] = Some(clock::on_counter);
    table[ALARM_INTERRUPT] = Some(clock::on_alarm);
    table[ETHERNET_INTERRUPT] = Some(lan9118::on_ethernet);
    table
};
