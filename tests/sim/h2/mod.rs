//! HTTP/2: many exchanges at once, and a peer that changes its mind.
//!
//! As in the world of HTTP/1 a seed decides everything; besides, tables and windows of every size, priorities, streams
//! that are given up by either side, servers that go, and somebody on the wire who adds frames which the peer could have
//! sent: settings lowered and restored, pings, priorities of all kinds, frames that nobody knows. What must hold is the
//! same: whatever is asked ends with the planned answer or with a typed error, nothing stands still, and on a calm wire
//! only what was planned so comes to less than its answer.

mod answerer;
mod asker;
mod end;
mod lane;
mod plans;
mod side;
mod world;

use world::{Tally, World};

use crate::{is_full, seeds};

/// Names the seed of a world that came to a bad end.
struct Replay<'w>(u64, &'w mut World);

impl Drop for Replay<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}\nreplay this with RWS_SEED={}", self.1.trace, self.0);
        }
    }
}

fn run(seed: u64, calm: bool, steps: u64) -> Tally {
    let mut world = World::new(seed, calm, steps);
    let replay = Replay(seed, &mut world);
    replay.1.run()
}

/// Steps of each world, more or less: nothing begins after them.
fn steps() -> u64 {
    if is_full() { 1_000_000 } else { 5_000 }
}

/// Whether one world is replayed, in which anything may be all that happens.
fn is_one_seed() -> bool {
    std::env::var("RWS_SEED").is_ok()
}

fn run_all(short: u64, full: u64, calm: bool) -> Tally {
    let mut all = Tally::default();
    for seed in seeds(short, full) {
        let tally = run(seed, calm, steps());
        all.sum.1 += tally.sum.1;
        all.answers += tally.answers;
        all.others += tally.others;
        all.connections += tally.connections;
        all.added += tally.added;
    }
    println!("{all:?}");
    all
}

#[test]
fn on_a_calm_wire_every_exchange_comes_to_what_was_planned() {
    let all = run_all(200, 30, true);
    assert!(is_one_seed() || (all.answers > 0 && all.others > 0));
}

#[test]
fn on_a_rough_wire_every_exchange_ends_whole_or_with_a_typed_error() {
    let all = run_all(200, 30, false);
    assert!(is_one_seed() || (all.answers > 0 && all.others > 0));
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in seeds(30, 100) {
        for calm in [false, true] {
            assert_eq!(run(seed, calm, 3_000), run(seed, calm, 3_000), "seed {seed}");
        }
    }
}
