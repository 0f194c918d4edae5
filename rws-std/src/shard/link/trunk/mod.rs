//! Trunks: connections to upstreams that speak HTTP/2, each serving many exchanges at once.
//!
//! ```text
//!   exchange ─ leg ┐                                  one per backend, another where all have as many
//!   exchange ─ leg ┼─ trunk ═══ socket ═══ backend    streams as their upstream takes
//!   exchange ─ leg ┘
//!
//!   connect ──▶ Connecting ──▶ Open ──── GOAWAY ───▶ Draining: its legs go on, new ones go elsewhere ──▶ gone
//!                  │ refused,    │ broken, closed
//!                  ▼ too slow    ▼
//!              next backend   each leg by itself: sent again where that is safe, else 502, or cut off
//! ```
//!
//! A leg is to its exchange what a link is that speaks HTTP/1.1, and shares the exchange's [`Flow`] with it. Exchanges
//! name either by one number; that of a leg has [`LEG`] set, so that it names no link, and whoever serves links pays
//! nothing for legs. Poller and list tell trunks from links in the same way.
//!
//! What a leg has to say is gathered: all legs of a trunk are pulled from together, once in a turn.
//!
//! | what | where |
//! |---|---|
//! | which trunk, and whose leg | `open.rs` |
//! | requests on their way up | `send.rs` |
//! | responses as they come, interleaved | `receive.rs` |
//! | their way down into the clients' machines | `relay.rs` |
//! | legs and trunks that end, what is tried again, and when time is up | `fail.rs` |

mod fail;
mod open;
mod receive;
mod relay;
mod send;

use core::hash::BuildHasherDefault;
use core::net::SocketAddr;
use std::collections::HashMap;
use std::os::fd::OwnedFd;

use rws_core::connection::{Connection, StreamId};
use rws_core::h2;
use rws_core::message::{FieldBlock, OwnedFields};
use rws_core::{Env, Instant, Limits};
use slab::Slab;

use super::pool::QuickHasher;
use super::{Flow, LinkFlags};
use crate::application::Application;
use crate::shard::Shard;
use crate::shard::h2::Heap;
use crate::shard::source::Relayed;
use crate::shard::stored::{LARGE_BYTES, Stored};
use crate::sys;
use crate::timer_wheel::TimerWheel;

/// Set in the number by which an exchange names its leg, and in that by which poller and list name a trunk.
const LEG: u32 = 1 << 31;

/// Requests that share a trunk at most, however many the upstream takes.
const LEGS_MAX: u16 = 1000;
/// As many as an upstream takes that has not said how many: fewer would be unusual (RFC 9113 §6.5.2).
const LEGS_UNSAID: u32 = 100;
/// A trunk that nobody needs is kept for so long: µs.
const IDLE_US: u64 = 60_000_000;
/// How long a stream may stay open behind an answer that is whole: µs.
const ORPHAN_US: u64 = 1_000_000;
/// Long enough for a time that is bounded elsewhere: µs.
const UNBOUNDED_US: u64 = 1 << 40;
/// So much of a request's body is kept until the answer begins, so that it can be sent again: bytes.
const REPLAY_BYTES: u64 = 4096;
/// How often a request is sent again that an upstream has done nothing for.
const AGAIN_MAX: u8 = 3;

/// The trunks of a shard, and the legs on them.
#[derive(Debug)]
pub(in crate::shard) struct Trunks {
    all: Slab<Box<Trunk>>,
    pub(in crate::shard) legs: Slab<Leg>,
    /// Backends come from the configuration: nobody can choose them so that they collide.
    places: HashMap<SocketAddr, u32, BuildHasherDefault<QuickHasher>>,
    backends: Vec<Backend>,
    timers: TimerWheel,
    leg_timers: TimerWheel,
    limits: Limits,
    /// What legs said while they were pulled from.
    said: Vec<(u32, Said)>,
}

/// What is known of a backend.
#[derive(Debug)]
struct Backend {
    /// Trunks that may take another leg.
    open: Vec<u32>,
    /// How many requests at once it took the last time that it said so.
    streams_max: u32,
}

/// What a leg let its driver know while it was pulled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// The upstream's window has room for its body.
    Asked,
    /// Its request is written to the end, or cannot be.
    Ended(bool),
}

/// A connection to an upstream that speaks HTTP/2.
#[derive(Debug)]
struct Trunk {
    h2: h2::Client<Heap>,
    socket: OwnedFd,
    /// Its backend, by its place.
    place: u32,
    generation: u32,
    flags: LinkFlags,
    /// Bytes that the socket did not take yet.
    unsent: Option<Box<Stored>>,
    /// Bytes received and not worked off.
    leftover: Option<Box<Stored>>,
    /// The leg in each slot of the machine.
    legs: Vec<u32>,
    /// Until when the upstream has to take the connection.
    connect_by: Instant,
    armed: Instant,
}

/// An exchange on a trunk.
#[derive(Debug)]
pub(in crate::shard) struct Leg {
    flow: Flow,
    /// [`NOWHERE`] if its trunk is gone.
    trunk: u32,
    stream: StreamId,
    /// Body bytes that the client did not take yet.
    down: Option<Box<Stored>>,
    /// Credit that the upstream gets once the client has taken them.
    withheld: u32,
    /// How much of the flow's `waiting` the machine has.
    gone: usize,
    /// How often the request has been sent again.
    again: u8,
    facts: LegFacts,
    /// Until when something has to happen, and until when all of it has to.
    deadline: Instant,
    until: Instant,
    armed: Instant,
}

/// No trunk, or no leg.
const NOWHERE: u32 = u32::MAX;

/// Facts about a leg, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct LegFacts(u8);

impl LegFacts {
    /// The trunk had served others before: the upstream may have closed it meanwhile.
    const REUSED: u8 = 1;
    /// The response has begun.
    const STARTED: u8 = 2;
    /// The request is written to its end.
    const SENT: u8 = 4;
    /// The client has its answer, and the upstream has not ended the stream yet.
    const ORPHAN: u8 = 8;

    const fn has(self, fact: u8) -> bool {
        self.0 & fact != 0
    }

    const fn set(&mut self, fact: u8) {
        self.0 |= fact;
    }
}

impl Trunks {
    /// None yet; those to come are bound by `limits`, as far as they concern the upstream's side.
    pub(in crate::shard) fn new(limits: &Limits) -> Trunks {
        Trunks {
            all: Slab::new(),
            legs: Slab::new(),
            places: HashMap::default(),
            backends: Vec::new(),
            timers: TimerWheel::new(sys::monotonic_us()),
            leg_timers: TimerWheel::new(sys::monotonic_us()),
            limits: upstream_limits(limits),
            said: Vec::new(),
        }
    }

    /// Whether there are neither trunks nor legs, and so no timers.
    #[inline]
    pub(in crate::shard) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.legs.is_empty()
    }

    /// When the first timer of trunks and legs runs out.
    #[inline]
    pub(in crate::shard) fn next_wake_us(&self) -> Option<u64> {
        if self.is_empty() { None } else { self.first_wake_us() }
    }

    #[inline(never)]
    fn first_wake_us(&self) -> Option<u64> {
        [self.timers.next_wake_us(), self.leg_timers.next_wake_us()].into_iter().flatten().min()
    }

    /// The trunk and the leg of `stream` on it.
    fn leg_of(&self, trunk: u32, stream: StreamId) -> Option<u32> {
        let &key = self.all.get(trunk as usize)?.legs.get(stream.slot() as usize)?;
        let leg = self.legs.get(key as usize)?;
        (leg.trunk == trunk && leg.stream == stream).then_some(key)
    }
}

/// The surroundings of a trunk's verb.
fn env(now: Instant, limits: &Limits) -> Env<'_> {
    Env { now, limits, date: None }
}

/// Time runs against an upstream by what the plan of each request says, and not by a rate; what a client does not take
/// waits for it in one buffer for each exchange.
fn upstream_limits(limits: &Limits) -> Limits {
    Limits {
        streams_max: LEGS_MAX,
        body_window_bytes: LARGE_BYTES as u32,
        body_bytes_max: u64::MAX,
        first_byte_timeout_us: UNBOUNDED_US,
        idle_timeout_us: IDLE_US,
        body_rate_min_bytes_per_s: 0,
        write_rate_min_bytes_per_s: 0,
        ..*limits
    }
}

impl Trunk {
    /// Whether it is of use to a new exchange.
    fn takes_legs(&self, env: &Env<'_>, known_max: u32) -> bool {
        const SPOILT: u8 = LinkFlags::FIN | LinkFlags::EOF | LinkFlags::DEAF;
        let most = self.h2.streams_max().unwrap_or(known_max);
        !self.flags.has(SPOILT) && u32::from(self.h2.live()) < most && self.h2.can_open(env)
    }
}

impl Leg {
    /// Body bytes of the request that the machine has still to take.
    fn left(&self) -> &[u8] {
        self.flow.waiting.as_deref().and_then(|waiting| waiting.bytes().get(self.gone..)).unwrap_or(&[])
    }

    /// What waits for the client.
    fn waiting_down(&self) -> Relayed<'_> {
        Relayed {
            bytes: self.down.as_deref().map_or(&[], Stored::bytes),
            end: self.flow.is_answered,
            trailers: self.flow.trailers_down.as_deref().map_or(FieldBlock::EMPTY, OwnedFields::block),
            ..Relayed::nothing()
        }
    }
}

impl<A: Application> Shard<A> {
    /// Puts a trunk on the list of those that go on without a new event.
    fn list_trunk(&mut self, key: u32) {
        let Some(trunk) = self.trunks.all.get_mut(key as usize) else { return };
        if !trunk.flags.has(LinkFlags::LISTED) {
            trunk.flags.set(LinkFlags::LISTED);
            self.links_again.push_back(key | LEG);
        }
    }

    /// The machine is to ask leg `key` again, in this turn.
    fn wake_leg(&mut self, key: u32) {
        let Some(leg) = self.trunks.legs.get(key as usize) else { return };
        let (at, stream) = (leg.trunk, leg.stream);
        if let Some(trunk) = self.trunks.all.get_mut(at as usize) {
            trunk.h2.wake(stream);
            self.list_trunk(at);
        }
    }
}

/// The key of a leg or a trunk in a number that may name a link.
const fn key_of(number: u32) -> Option<u32> {
    if number & LEG != 0 { Some(number & !LEG) } else { None }
}

/// What waits for the client of the exchange that is served by `number`: a link or a leg.
pub(in crate::shard) fn waiting_down<'w>(
    links: &'w Slab<super::Link>,
    legs: &'w Slab<Leg>,
    number: u32,
) -> Option<Relayed<'w>> {
    match key_of(number) {
        None => links.get(number as usize).map(super::Link::waiting_down),
        Some(key) => legs.get(key as usize).map(Leg::waiting_down),
    }
}

/// The client has taken so much of it.
pub(in crate::shard) fn took_down(
    links: &mut Slab<super::Link>,
    legs: &mut Slab<Leg>,
    number: u32,
    bytes: usize,
) {
    let down = match key_of(number) {
        None => links.get_mut(number as usize).and_then(|link| link.down.as_mut()),
        Some(key) => legs.get_mut(key as usize).and_then(|leg| leg.down.as_mut()),
    };
    if let Some(down) = down {
        down.advance(bytes);
    }
}
