//! What a target's log is told (feature `defmt`); nothing without it.

use rws_core::connection::Event;

/// A peer broke the protocol, was too slow, or left in the middle of an exchange.
#[cfg(feature = "defmt")]
pub(crate) fn went_wrong(event: Event) {
    match event {
        Event::Refused { status, fault, .. } => defmt::info!("refused with {}: {}", status, fault),
        Event::Reset { stream, cause } => defmt::debug!("{} was cut short: {}", stream, cause),
        Event::Closed
        | Event::Request { .. }
        | Event::Interim { .. }
        | Event::Response { .. }
        | Event::Body { .. }
        | Event::End { .. }
        | Event::Stalled { .. } => {}
    }
}

#[cfg(not(feature = "defmt"))]
pub(crate) const fn went_wrong(_: Event) {}

/// An idle connection is closed to make room for the next client.
#[cfg(all(feature = "defmt", feature = "embassy-net"))]
pub(crate) fn made_room(at: usize) {
    defmt::debug!("socket {} makes room", at);
}

#[cfg(all(not(feature = "defmt"), feature = "embassy-net"))]
pub(crate) const fn made_room(_: usize) {}
