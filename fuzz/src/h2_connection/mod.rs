//! The machine of HTTP/2 in both roles: whatever comes, however it is cut, and whatever its driver does.
//!
//! | module | what it asserts |
//! |---|---|
//! | `splits` | the same bytes make the same events and the same answers wherever they are cut |
//! | `verbs` | any verb in any state: no panic, no standing still, slots bounded, an end stays one |
//! | `output` | what the machine writes is a sequence of frames that a peer must take, within the peer's windows |
//!
//! An input is a list of frames, most of them such as a peer could send (`frames`).

mod frames;
mod output;
mod splits;
mod verbs;

use rws_core::Limits;
use rws_core::h2::{Lent, Memory, StreamSlot};

const LIMITS: Limits = Limits {
    response_head_bytes_max: 200,
    trailer_bytes_max: 100,
    body_window_bytes: 40,
    streams_max: 5,
    pushes_max: 3,
    resets_per_minute_max: 30,
    control_frames_per_minute_max: 60,
    continuation_frames_max: 3,
    connect_method: true,
    interim_max: 2,
    ..Limits::DEVICE
};

/// The first byte chooses the role, the others are frames and verbs.
pub fn check(data: &[u8]) {
    splits::check(data);
    verbs::check(data);
}

/// Slots that come as they are asked for, and never more than the limits say.
struct Slots {
    slots: Vec<StreamSlot>,
    tables: [Vec<u8>; 2],
}

impl Slots {
    fn new() -> Slots {
        Slots { slots: Vec::new(), tables: [vec![0; 256], vec![0; 4096]] }
    }
}

impl core::fmt::Debug for Slots {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Slots").field(&self.slots).finish()
    }
}

impl Memory for Slots {
    fn lend(&mut self) -> Lent<'_> {
        let [decoder, encoder] = &mut self.tables;
        Lent { slots: &mut self.slots, decoder, encoder }
    }

    fn grow(&mut self, slots: u16) {
        assert!(slots <= LIMITS.streams_max, "{slots} slots");
        if usize::from(slots) > self.slots.len() {
            self.slots.resize(usize::from(slots), StreamSlot::FREE);
        }
    }

    fn release(&mut self) {
        self.slots = Vec::new();
    }
}
