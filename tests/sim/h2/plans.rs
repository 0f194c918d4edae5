//! What a seed decides beforehand of a world of HTTP/2.

use std::rc::Rc;

use rws_core::Limits;

use crate::dice::Dice;
use crate::plan::{Exchange, Grants, Nature};

/// How a world is: as one of HTTP/1, and more.
#[derive(Debug)]
pub(super) struct World {
    pub(super) base: Nature,
    /// The limits of the client and of the server, whose settings they are.
    pub(super) limits: [Limits; 2],
    /// Bytes of the tables of the client and of the server: decoder, encoder.
    pub(super) tables: [[usize; 2]; 2],
    /// The most streams that the client has open.
    pub(super) streams: usize,
    /// Somebody in between says something once in so many steps; 0 is never.
    pub(super) meddles_in: u64,
    /// The server goes once in so many steps; 0 is never.
    pub(super) drains_in: u64,
    /// No exchange begins after so many steps.
    pub(super) steps: u64,
}

impl World {
    pub(super) fn new(dice: &mut Dice, calm: bool, steps: u64) -> World {
        let base = Nature::new(dice, calm);
        let limits = [(); 2].map(|()| Limits {
            response_head_bytes_max: dice.pick(&[512, 700, 2048]),
            body_window_bytes: dice.pick(&[1, 8, 64, 1000, 64 * 1024]),
            connection_window_bytes: dice.pick(&[65_535, 65_535, 1 << 20]),
            streams_max: dice.pick(&[1, 2, 5, 20, 100]),
            header_table_bytes_max: dice.pick(&[0, 64, 300, 4096, 8192]),
            requests_per_connection_max: dice.pick(&[0, 0, 0, 0, 1, 7]),
            linger_bytes_max: dice.pick(&[0, 300, 256 * 1024]),
            interim_max: 4,
            continuation_frames_max: 200,
            // A world is over in no time: that floods are stopped has tests of its own.
            resets_per_minute_max: u16::MAX,
            control_frames_per_minute_max: u16::MAX,
            ..Limits::SERVER
        });
        let room = |dice: &mut Dice| dice.pick(&[0, 40, 200, 1000, 4096, 8192]);
        // A decoder that keeps less than it has promised may meet an entry that it has not kept.
        let tables = limits.map(|limits| [usize::from(limits.header_table_bytes_max).max(4096), room(dice)]);
        World {
            base,
            limits,
            tables,
            streams: dice.pick(&[1, 3, 10, 40]),
            meddles_in: dice.pick(&[0, 10, 100, 1000]),
            drains_in: dice.pick(&[0, 0, 1000, 10_000]),
            steps,
        }
    }
}

/// One exchange, and what only streams can do.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) exchange: Exchange,
    /// The client, the server, gives up the stream once in so many events of it; 0 is never.
    pub(super) resets_in: [u64; 2],
}

/// Every exchange of a world, by its number.
#[derive(Debug, Clone)]
pub(super) struct Plans {
    seed: u64,
    nature: Rc<Nature>,
}

impl Plans {
    pub(super) fn new(seed: u64, nature: &Nature) -> Plans {
        Plans { seed, nature: Rc::new(nature.clone()) }
    }

    /// The same at every call.
    pub(super) fn of(&self, index: usize) -> Rc<Plan> {
        let mut dice = Dice::new(self.seed.wrapping_add(index as u64 * 77));
        let mut exchange = Exchange::new(&mut dice, &self.nature, index);
        // Before the client has taken over our settings, a body that nobody reads stands before all that comes behind it,
        // credit for the answer as well: that is a matter of time, and no calm wire.
        if self.nature.calm && exchange.server_grants == Grants::Never {
            exchange.server_grants = Grants::Late;
        }
        let value = dice.pick(&["", "u=0", "u=1, i", "u=7", "i", "u=3, odd=(1 2)", "u=99", "?"]);
        if !value.is_empty() {
            exchange.request.fields.push("priority", value.as_bytes()).expect("a field");
        }
        let resets_in = |dice: &mut Dice| if dice.one_in(12) { dice.pick(&[1, 2, 5]) } else { 0 };
        Rc::new(Plan { exchange, resets_in: [resets_in(&mut dice), resets_in(&mut dice)] })
    }
}
