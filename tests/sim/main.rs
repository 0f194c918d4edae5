//! The pair simulator: the client role against the server role over a faulty link in memory.
//!
//! A seed decides everything: window sizes from one byte up, the sizes of reads and of the buffers lent, slow
//! readers, sources that block, runs that the driver sends by itself, when credit is granted, half-closes,
//! resets, cut cables and jumps of the clock. What must hold, whatever it decides: the two make progress until
//! every exchange has ended, with the planned answer or with a typed error; what is delivered is what was
//! sent, byte for byte; a message that was cut short never passes for complete; a request has one final
//! answer; and the same seed gives the same trace.
//!
//! Worlds of HTTP/2 are in `h2`.
//!
//! `RWS_SEED=N cargo test -p rws-tests --test sim` replays one seed; `RWS_TESTS_FULL=1` runs many more.

mod answerer;
mod asker;
mod body;
mod dice;
mod end;
mod h2;
mod link;
mod pipeline;
mod plan;
mod side;
mod trace;
mod world;

use world::World;

/// Whether there is time for many more.
fn is_full() -> bool {
    std::env::var("RWS_TESTS_FULL").is_ok_and(|full| full == "1")
}

/// The seeds of this run.
fn seeds(short: u64, full: u64) -> Vec<u64> {
    match std::env::var("RWS_SEED") {
        Ok(seed) => vec![seed.parse().expect("RWS_SEED is a number")],
        Err(_) if is_full() => (0..full).collect(),
        Err(_) => (0..short).collect(),
    }
}

/// Names the seed of a world that came to a bad end.
struct Replay<'w>(u64, &'w mut World);

impl Drop for Replay<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}\nreplay this with RWS_SEED={}", self.1.trace, self.0);
        }
    }
}

fn run(seed: u64, calm: bool) -> ((u64, u64), Vec<Option<asker::Got>>) {
    let mut world = World::new(seed, calm);
    let replay = Replay(seed, &mut world);
    replay.1.run()
}

#[test]
fn on_a_calm_wire_every_exchange_gets_its_answer() {
    let mut steps = 0;
    for seed in seeds(1000, 10_000) {
        steps += run(seed, true).0.1;
    }
    println!("{steps} steps");
}

#[test]
fn on_a_rough_wire_every_exchange_ends_whole_or_with_a_typed_error() {
    let (mut answers, mut errors, mut steps) = (0, 0, 0);
    let seeds = seeds(1000, 10_000);
    for seed in &seeds {
        let ((_, took), got) = run(*seed, false);
        steps += took;
        let whole = got.iter().filter(|got| **got == Some(asker::Got::Answer)).count();
        answers += whole;
        errors += got.len() - whole;
    }
    println!("{steps} steps, {answers} answers, {errors} typed errors");
    assert!(seeds.len() == 1 || (answers > 0 && errors > 0), "{answers} answers, {errors} errors");
}

#[test]
fn pipelined_requests_are_answered_in_order_each_once() {
    for seed in seeds(600, 10_000) {
        let told = std::panic::catch_unwind(|| pipeline::run(seed));
        assert!(told.is_ok(), "replay this with RWS_SEED={seed}");
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in seeds(150, 3_000) {
        for calm in [false, true] {
            assert_eq!(run(seed, calm), run(seed, calm), "seed {seed}");
        }
    }
}
