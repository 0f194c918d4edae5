use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::ThreadId;
use std::time::Instant;

use super::watchdog::{Seen, Watchdog};
use super::{Arrival, Bell, Handover, Held, Slot, Spares, Stolen, ThreadLimits, Word};

/// Longer than anything here takes; only a failure waits so long.
const PATIENCE: Duration = Duration::from_secs(if cfg!(miri) { 600 } else { 20 });

fn slot_of<T>(shard: T) -> (Arc<Slot<T>>, Held<T>) {
    Slot::new(3, Arc::new(Bell::new()), Box::new(shard))
}

fn soon() -> Option<Instant> {
    Some(Instant::now() + PATIENCE)
}

#[test]
fn a_job_that_returns_in_time_finds_its_shard() {
    let (slot, mut held) = slot_of(1);
    *held += 1;
    let published = held.publish();
    assert!(slot.observe().is_published());
    let held = published.reclaim().unwrap();
    assert_eq!(*held, 2);
    assert_eq!(held.index(), 3);
    assert!(!slot.observe().is_published() && !slot.observe().is_at_rest());
}

#[test]
fn a_stolen_shard_is_gone_for_the_late_job() {
    let (slot, held) = slot_of(7);
    let published = held.publish();
    let stolen = Slot::steal(&slot, slot.observe()).expect("it is out");
    assert_eq!(*stolen, 7);
    assert!(Slot::steal(&slot, published.word()).is_none(), "there is nothing left to steal");
    assert_eq!(published.reclaim().unwrap_err(), Stolen);
}

#[test]
fn neither_a_late_job_nor_a_late_thief_gets_the_shard_of_the_next_job() {
    let (slot, held) = slot_of(());
    let first = held.publish();
    let seen = slot.observe();
    let second = Slot::steal(&slot, seen).unwrap().publish();
    assert!(Slot::steal(&slot, seen).is_none());
    assert!(first.reclaim().is_err());
    let third = second.reclaim().unwrap().publish();
    assert!(Slot::steal(&slot, seen).is_none());
    assert!(third.reclaim().is_ok());
}

#[test]
fn what_is_not_out_cannot_be_stolen() {
    let (slot, mut held) = slot_of(());
    assert!(slot.observe().is_at_rest());
    assert!(Slot::steal(&slot, slot.observe()).is_none());
    held = held.publish().reclaim().unwrap();
    assert!(Slot::steal(&slot, slot.observe()).is_none());
    held.rest();
    assert!(slot.observe().is_at_rest() && !slot.observe().is_done());
    drop(held);
    assert!(slot.observe().is_done());
    assert!(Slot::steal(&slot, slot.observe()).is_none());
    assert!(Slot::steal(&slot, Word::default()).is_none());
}

#[test]
fn a_claim_that_is_dropped_leaves_the_shard_to_the_thief() {
    let (slot, held) = slot_of("shard");
    drop(held.publish());
    assert_eq!(*Slot::steal(&slot, slot.observe()).unwrap(), "shard");
}

#[test]
fn unwinding_with_the_shard_in_hand_publishes_it_marked() {
    let (slot, held) = slot_of("shard");
    let outcome = std::panic::catch_unwind(core::panic::AssertUnwindSafe(move || {
        let _held = held;
        std::panic::resume_unwind(Box::new("a bug in the shard's loop"));
    }));
    assert!(outcome.is_err());
    let mut held = Slot::steal(&slot, slot.observe()).expect("published by the unwinding");
    assert_eq!(*held, "shard");
    assert!(held.take_panicked());
    assert!(!held.take_panicked(), "told once");
}

#[test]
fn a_shard_that_was_never_published_is_dropped_with_its_holder() {
    let counted = Arc::new(());
    let (slot, held) = slot_of(Arc::clone(&counted));
    drop(held);
    assert_eq!(Arc::strong_count(&counted), 1);
    let (other, held) = slot_of(Arc::clone(&counted));
    drop(held.publish());
    assert_eq!(Arc::strong_count(&counted), 2);
    drop((slot, other));
    assert_eq!(Arc::strong_count(&counted), 1, "an abandoned shard goes with its slot");
}

/// A shard that is told what to do by a channel.
struct Script {
    commands: Receiver<Command>,
}

enum Command {
    /// Runs a job that waits for the receiver, and says what became of the shard.
    Job(Receiver<()>, Sender<bool>),
    /// Says which thread drives now and how the shard came to it.
    Who(Sender<(ThreadId, Arrival)>),
    Panic,
    Rest(Sender<()>),
    End,
}

fn drive(mut held: Held<Script>, arrival: Arrival, _spares: &Arc<Spares<Script>>) {
    loop {
        match held.commands.recv().unwrap_or(Command::End) {
            Command::Job(until, kept) => {
                let published = held.publish();
                let _ = until.recv();
                let reclaimed = published.reclaim();
                kept.send(reclaimed.is_ok()).unwrap();
                match reclaimed {
                    Ok(back) => held = back,
                    Err(Stolen) => return,
                }
            }
            Command::Who(answer) => answer.send((std::thread::current().id(), arrival)).unwrap(),
            Command::Panic => std::panic::resume_unwind(Box::new("a bug in the shard's loop")),
            Command::Rest(answer) => {
                held.rest();
                answer.send(()).unwrap();
            }
            Command::End => return,
        }
    }
}

fn start(limits: ThreadLimits) -> (Handover<Script>, Sender<Command>) {
    let (commands, receiver) = channel();
    let handover = Handover::start(limits, vec![Script { commands: receiver }], drive, || {}).unwrap();
    wait_until(|| handover.spares().has_parked_spare());
    (handover, commands)
}

fn wait_until(is_so: impl Fn() -> bool) {
    let patience = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < patience, "it did not come to be");
        std::thread::yield_now();
    }
}

fn who(commands: &Sender<Command>) -> (ThreadId, Arrival) {
    let (answer, answered) = channel();
    commands.send(Command::Who(answer)).unwrap();
    answered.recv_timeout(PATIENCE).unwrap()
}

/// A job that blocks: what lets it return, and what tells whether it kept its shard.
fn block(commands: &Sender<Command>) -> (Sender<()>, Receiver<bool>) {
    let (release, until) = channel();
    let (kept, was_kept) = channel();
    commands.send(Command::Job(until, kept)).unwrap();
    (release, was_kept)
}

#[test]
fn a_job_that_blocks_loses_its_shard_to_a_spare_and_its_thread_becomes_one() {
    let (handover, commands) = start(ThreadLimits::default());
    let (first, arrival) = who(&commands);
    assert_eq!(arrival, Arrival::Launched);
    let (release, was_kept) = block(&commands);
    let (second, arrival) = who(&commands);
    assert_ne!(first, second);
    assert_eq!(arrival, Arrival::Stolen);
    drop(release);
    assert!(!was_kept.recv_timeout(PATIENCE).unwrap());
    // The thread of the late job parks beside the spare that was started in between.
    wait_until(|| handover.spares().stats().parked == 2);
    assert_eq!(handover.spares().stats().stolen_total, 1);
    commands.send(Command::End).unwrap();
    assert_eq!(handover.join(soon()), 0);
}

#[test]
fn a_bell_wakes_a_watchdog_that_slept_however_short_the_first_job() {
    let (handover, commands) = start(ThreadLimits::default());
    let rest = || {
        let (answer, rested) = channel();
        commands.send(Command::Rest(answer)).unwrap();
        rested.recv_timeout(PATIENCE).unwrap();
    };
    for _ in 0..3 {
        rest();
        wait_until(|| handover.spares().slots().iter().all(|slot| slot.observe().is_awaited()));
        let (release, was_kept) = block(&commands);
        drop(release);
        if was_kept.recv_timeout(PATIENCE).unwrap() {
            rest();
        }
    }
    let (release, was_kept) = block(&commands);
    assert_eq!(who(&commands).1, Arrival::Stolen);
    drop(release);
    assert!(!was_kept.recv_timeout(PATIENCE).unwrap());
    commands.send(Command::End).unwrap();
    assert_eq!(handover.join(soon()), 0);
}

#[test]
fn with_every_thread_away_a_shard_waits_for_one_to_come_back() {
    let limits = ThreadLimits { blocking_threads_max: 1, ..ThreadLimits::default() };
    let (handover, commands) = start(limits);
    let (release, was_kept) = block(&commands);
    assert_eq!(who(&commands).1, Arrival::Stolen);
    let stats = handover.spares().stats();
    assert_eq!((stats.threads, stats.parked), (2, 0));
    assert!(!handover.spares().has_parked_spare());
    let (second, second_was_kept) = block(&commands);
    drop(second);
    assert!(second_was_kept.recv_timeout(PATIENCE).unwrap(), "nobody could have taken it");
    drop(release);
    assert!(!was_kept.recv_timeout(PATIENCE).unwrap());
    wait_until(|| handover.spares().has_parked_spare());
    commands.send(Command::End).unwrap();
    assert_eq!(handover.join(soon()), 0);
}

#[test]
fn a_panic_of_the_driver_moves_the_shard_to_another_thread() {
    let (handover, commands) = start(ThreadLimits::default());
    let (first, _) = who(&commands);
    commands.send(Command::Panic).unwrap();
    let (second, arrival) = who(&commands);
    assert_ne!(first, second);
    assert_eq!(arrival, Arrival::AfterPanic);
    wait_until(|| handover.spares().stats().panics_total == 1);
    commands.send(Command::End).unwrap();
    assert_eq!(handover.join(soon()), 0);
}

#[test]
fn offloaded_jobs_wait_in_a_bounded_queue_and_then_are_refused() {
    let limits = ThreadLimits { blocking_threads_max: 2, queue_max: 3, ..ThreadLimits::default() };
    let (handover, commands) = start(limits);
    let spares = handover.spares();
    let done = Arc::new(AtomicUsize::new(0));
    let (gate, gated) = std::sync::mpsc::sync_channel::<()>(0);
    let gated = Arc::new(std::sync::Mutex::new(gated));
    let job = || {
        let (done, gated) = (Arc::clone(&done), Arc::clone(&gated));
        Box::new(move || {
            // Ends when the gate is dropped.
            let _ = gated.lock().map(|gated| gated.recv());
            done.fetch_add(1, Ordering::SeqCst);
        })
    };
    for _ in 0..2 {
        assert!(spares.offload(job()).is_ok());
        wait_until(|| spares.stats().queued == 0);
    }
    assert_eq!((spares.stats().threads, spares.stats().parked), (3, 0));
    for _ in 0..3 {
        assert!(spares.offload(job()).is_ok());
    }
    assert!(spares.offload(job()).is_err());
    let stats = spares.stats();
    assert_eq!((stats.queued, stats.refused_total, stats.offloaded_total), (3, 1, 5));
    assert!(stats.queued_total >= 3);
    drop(gate);
    wait_until(|| done.load(Ordering::SeqCst) == 5);
    commands.send(Command::End).unwrap();
    assert_eq!(handover.join(soon()), 0);
}

#[test]
fn a_job_that_is_called_off_never_runs_and_leaves_its_place_in_the_queue() {
    let limits = ThreadLimits { blocking_threads_max: 1, queue_max: 3, ..ThreadLimits::default() };
    let (handover, commands) = start(limits);
    let spares = handover.spares();
    let (gate, gated) = channel::<()>();
    let (tell, told) = channel();
    let out = spares.offload(Box::new(move || assert!(gated.recv().is_err()))).ok().unwrap();
    wait_until(|| spares.stats().queued == 0);
    assert!(spares.call_off(out).is_none(), "a thread has it");
    let queue = |name: u32| {
        let tell = tell.clone();
        spares.offload(Box::new(move || tell.send(name).unwrap()))
    };
    let tickets: Vec<_> = (0..3).map(|name| queue(name).ok().unwrap()).collect();
    assert!(queue(3).is_err(), "the queue is full");
    assert!(spares.call_off(tickets[1]).is_some());
    assert!(spares.call_off(tickets[1]).is_none(), "once");
    assert!(queue(4).is_ok() && queue(5).is_err());
    assert_eq!((spares.stats().queued, spares.stats().called_off_total), (3, 1));
    drop((gate, tell));
    assert_eq!(told.iter().collect::<Vec<_>>(), [0, 2, 4]);
    assert!(spares.call_off(tickets[0]).is_none(), "it is done");
    commands.send(Command::End).unwrap();
    assert_eq!(handover.join(soon()), 0);
}

#[test]
fn a_shard_offloads_while_the_others_are_still_being_started() {
    const SHARDS: usize = 4;
    for _ in 0..if cfg!(miri) { 2 } else { 100 } {
        let (tell, told) = channel();
        let drive = move |_: Held<()>, _, spares: &Arc<Spares<()>>| {
            tell.send(spares.offload(Box::new(|| ())).is_ok()).unwrap();
        };
        let handover = Handover::start(ThreadLimits::default(), vec![(); SHARDS], drive, || ()).unwrap();
        for _ in 0..SHARDS {
            assert!(told.recv_timeout(PATIENCE).unwrap(), "refused, as if nobody would ever come");
        }
        assert_eq!(handover.join(soon()), 0);
    }
}

#[test]
fn a_burst_of_jobs_that_block_gets_a_thread_each() {
    let (handover, commands) = start(ThreadLimits::default());
    let spares = handover.spares();
    let everybody = Arc::new(std::sync::Barrier::new(50));
    let done = Arc::new(AtomicUsize::new(0));
    for _ in 0..50 {
        let (everybody, done) = (Arc::clone(&everybody), Arc::clone(&done));
        let job = move || {
            everybody.wait();
            done.fetch_add(1, Ordering::SeqCst);
        };
        assert!(spares.offload(Box::new(job)).is_ok());
    }
    wait_until(|| done.load(Ordering::SeqCst) == 50);
    commands.send(Command::End).unwrap();
    assert_eq!(handover.join(soon()), 0);
}

#[test]
fn spares_beyond_the_small_number_exit_after_a_while() {
    let limits =
        ThreadLimits { spares_kept_max: 2, spare_idle: Duration::from_millis(1), ..ThreadLimits::default() };
    let (handover, commands) = start(limits);
    // The test is one of them: until it has seen all threads none can be idle, however slowly it looks.
    let everybody = Arc::new(std::sync::Barrier::new(21));
    for _ in 0..20 {
        let everybody = Arc::clone(&everybody);
        let job = move || {
            everybody.wait();
        };
        assert!(handover.spares().offload(Box::new(job)).is_ok());
    }
    wait_until(|| handover.spares().stats().threads >= 21);
    everybody.wait();
    wait_until(|| handover.spares().stats().threads == 3);
    assert_eq!(handover.spares().stats().parked, 2);
    commands.send(Command::End).unwrap();
    assert_eq!(handover.join(soon()), 0);
}

#[test]
fn a_panic_of_an_offloaded_job_costs_no_thread() {
    let (handover, commands) = start(ThreadLimits::default());
    let spares = handover.spares();
    assert!(spares.offload(Box::new(|| std::panic::resume_unwind(Box::new("a job's bug")))).is_ok());
    wait_until(|| spares.stats().panics_total == 1);
    let (answer, answered) = channel();
    assert!(spares.offload(Box::new(move || answer.send(()).unwrap())).is_ok());
    answered.recv_timeout(PATIENCE).unwrap();
    commands.send(Command::End).unwrap();
    assert_eq!(handover.join(soon()), 0);
}

#[test]
fn a_pool_that_closes_refuses_jobs_and_counts_the_threads_that_stay_away() {
    let (handover, commands) = start(ThreadLimits::default());
    let spares = Arc::clone(handover.spares());
    let (release, until) = channel::<()>();
    assert!(spares.offload(Box::new(move || assert!(until.recv().is_err()))).is_ok());
    wait_until(|| spares.stats().queued == 0);
    commands.send(Command::End).unwrap();
    assert!(spares.wait_shards(soon()));
    spares.close();
    assert!(spares.offload(Box::new(|| ())).is_err());
    wait_until(|| spares.stats().threads == 1);
    assert_eq!(handover.join(Some(Instant::now())), 1);
    drop(release);
    assert_eq!(spares.wait_threads(soon()), 0);
}

#[test]
fn the_watchdog_takes_only_what_it_has_seen_twice() {
    let bell = Arc::new(Bell::new());
    let (slot, held) = Slot::new(0, Arc::clone(&bell), Box::new(0_u32));
    let (taken, was_taken) = channel();
    let take = move |held: Held<u32>, arrival: Arrival, _: &Arc<Spares<u32>>| {
        let _ = taken.send((*held, arrival));
    };
    let spares = Arc::new(Spares::new(ThreadLimits::default(), vec![Arc::clone(&slot)], Box::new(take)));
    spares.launch(Vec::new()).unwrap();
    wait_until(|| spares.has_parked_spare());
    let mut watchdog = Watchdog {
        slots: vec![Arc::clone(&slot)],
        seen: vec![Word::default()],
        bell,
        spares: Arc::clone(&spares),
    };

    assert_eq!(watchdog.look(), Seen::Rest);
    let published = held.publish();
    assert_eq!(watchdog.look(), Seen::JobOut);
    let published = published.reclaim().unwrap().publish();
    assert_eq!(watchdog.look(), Seen::JobOut, "published both times, but not the same job");
    let mut held = published.reclaim().expect("not taken");
    assert_eq!(watchdog.look(), Seen::Activity);
    held.rest();
    assert_eq!(watchdog.look(), Seen::Activity);
    assert_eq!(watchdog.look(), Seen::Rest);

    let published = held.publish();
    watchdog.look();
    watchdog.look();
    assert!(published.reclaim().is_err());
    assert_eq!(was_taken.recv_timeout(PATIENCE).unwrap(), (0, Arrival::Stolen));
    spares.close();
    assert_eq!(spares.wait_threads(soon()), 0);
}

#[test]
fn a_thread_about_to_block_can_give_the_shard_away_itself() {
    let (slot, held) = slot_of(5);
    let (taken, was_taken) = channel();
    let take = move |held: Held<i32>, arrival: Arrival, _: &Arc<Spares<i32>>| {
        let _ = taken.send((*held, arrival, held));
    };
    let spares = Arc::new(Spares::new(ThreadLimits::default(), vec![Arc::clone(&slot)], Box::new(take)));
    let held = spares.hand_over(held).expect_err("no spare is parked yet");
    spares.launch(Vec::new()).unwrap();
    wait_until(|| spares.has_parked_spare());
    let published = held.publish();
    assert!(spares.hand_over_published(&slot, published.word()));
    assert!(!spares.hand_over_published(&slot, published.word()), "gone");
    let (shard, arrival, held) = was_taken.recv_timeout(PATIENCE).unwrap();
    assert_eq!((shard, arrival), (5, Arrival::HandedOver));
    assert!(published.reclaim().is_err());

    wait_until(|| spares.has_parked_spare());
    assert!(spares.hand_over(held).is_ok());
    let (_, arrival, _held) = was_taken.recv_timeout(PATIENCE).unwrap();
    assert_eq!(arrival, Arrival::HandedOver);
    spares.close();
    assert_eq!(spares.wait_threads(soon()), 0);
}

#[test]
#[cfg_attr(miri, ignore = "Miri starts every thread")]
fn a_system_without_threads_to_give_means_refusals_and_no_panic() {
    let (slot, held) = slot_of(());
    let limits = ThreadLimits { stack_bytes: usize::MAX / 4, ..ThreadLimits::default() };
    let spares = Arc::new(Spares::new(limits, vec![Arc::clone(&slot)], Box::new(|_, _, _| ())));
    assert!(spares.has_spare(), "nobody has tried yet");
    spares.launch(Vec::new()).unwrap();
    assert!(!spares.has_spare() && !spares.has_parked_spare());
    assert!(spares.offload(Box::new(|| ())).is_err(), "nobody would ever come for it");
    let published = held.publish();
    assert!(!spares.take_over(&slot, published.word()));
    assert!(published.reclaim().is_ok());
    let stats = spares.stats();
    assert!(stats.spawn_refused_total >= 1);
    assert_eq!((stats.threads, stats.refused_total), (0, 1));
}

#[test]
fn a_pool_at_its_limit_has_no_spare_and_one_below_it_has() {
    let limits = ThreadLimits { blocking_threads_max: 1, ..ThreadLimits::default() };
    let (handover, commands) = start(limits);
    assert!(handover.spares().has_spare());
    let (release, _was_kept) = block(&commands);
    assert_eq!(who(&commands).1, Arrival::Stolen);
    assert!(!handover.spares().has_spare());
    drop(release);
    wait_until(|| handover.spares().has_spare());
    commands.send(Command::End).unwrap();
    assert_eq!(handover.join(soon()), 0);
}

#[test]
fn a_job_that_slept_is_to_blame_and_one_that_was_kept_from_running_is_not() {
    let (slot, held) = slot_of(());
    held.slot().driven_by_this_thread();
    let published = held.publish();
    // This thread is running while it looks at itself, as one would seem that waits for a CPU.
    slot.note_activity(published.word());
    let word = published.word();
    assert!(Slot::steal(&slot, word).is_some());
    assert!(published.reclaim().is_err());
    if std::path::Path::new("/proc/self/task").exists() && !cfg!(miri) {
        assert!(!crate::sys::blames_job(word));
        while !crate::sys::blames_job(word) {
            // A job that goes on computing is to blame in the end.
        }
    }
    assert!(crate::sys::blames_job(Word::default()), "nothing is known of that one");
}
