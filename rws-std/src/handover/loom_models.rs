//! Every interleaving of the races that the module heads name, by loom. Each model is as small as its race.

use alloc::sync::Arc;
use core::sync::atomic::AtomicUsize as Plain;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::watchdog::sleep_until_job;
use super::{Bell, SleepFlag, Slot, Word};
use crate::calls::Calls;
use crate::mailbox::{Mailbox, Signal};
use crate::shard::Address;

/// A shard that loom watches: two threads inside of it at once fail the model.
fn shard(value: u32) -> Box<loom::cell::UnsafeCell<u32>> {
    Box::new(loom::cell::UnsafeCell::new(value))
}

fn bump(shard: &loom::cell::UnsafeCell<u32>) -> u32 {
    #[expect(unsafe_code, reason = "loom checks that the access is exclusive")]
    shard.with_mut(|value| {
        // SAFETY: that nobody else is here is what the model checks.
        unsafe {
            *value += 1;
            *value
        }
    })
}

#[test]
fn loom_either_the_job_or_the_thief_gets_the_shard_whole() {
    loom::model(|| {
        let (slot, held) = Slot::new(0, Arc::new(Bell::new()), shard(40));
        bump(&held);
        let published = held.publish();
        let seen = slot.observe();
        let thief = {
            let slot = Arc::clone(&slot);
            thread::spawn(move || Slot::steal(&slot, seen).map(|held| bump(&held)))
        };
        let reclaimed = published.reclaim().map(|held| bump(&held));
        let stolen = thief.join().unwrap();
        assert!(reclaimed.is_ok() != stolen.is_some(), "exactly one of them");
        assert_eq!(reclaimed.ok().or(stolen), Some(42));
    });
}

#[test]
fn loom_a_late_thief_never_takes_the_next_job() {
    loom::model(|| {
        let (slot, held) = Slot::new(0, Arc::new(Bell::new()), shard(0));
        let jobs = Arc::new(AtomicUsize::new(0));
        let thief = {
            let (slot, jobs) = (Arc::clone(&slot), Arc::clone(&jobs));
            thread::spawn(move || {
                let seen = slot.observe();
                let jobs_seen = jobs.load(Ordering::SeqCst);
                Slot::steal(&slot, seen).map(|held| (bump(&held), jobs_seen, jobs.load(Ordering::SeqCst)))
            })
        };
        let mut held = Some(held);
        let mut done = 0;
        while let Some(mine) = held.take().filter(|_| done < 2) {
            bump(&mine);
            let published = mine.publish();
            held = published.reclaim().ok();
            done += 1;
            jobs.store(done, Ordering::SeqCst);
        }
        if let Some((bumps, seen, now)) = thief.join().unwrap() {
            // The shard carries one bump per published job and the thief's own: it came with the job that was
            // out when the thief looked, or with one that began right after.
            assert!(
                bumps as usize <= seen + 2,
                "{bumps} bumps, {seen} jobs done at the look, {now} at the steal"
            );
        }
    });
}

#[test]
fn loom_a_late_job_never_reclaims_the_next_publication() {
    loom::model(|| {
        let (slot, held) = Slot::new(0, Arc::new(Bell::new()), shard(0));
        let first = held.publish();
        let seen = slot.observe();
        let thief = {
            let slot = Arc::clone(&slot);
            thread::spawn(move || {
                let Some(held) = Slot::steal(&slot, seen) else { return false };
                bump(&held);
                // The thief runs the next job and must find its shard again, whatever the late job does.
                let held = held.publish().reclaim().expect("nobody else may have it");
                bump(&held);
                true
            })
        };
        let reclaimed = first.reclaim().map(|held| bump(&held));
        let stolen = thief.join().unwrap();
        assert!(reclaimed.is_ok() != stolen);
    });
}

#[test]
fn loom_a_watchdog_that_sleeps_is_woken_by_the_first_job() {
    loom::model(|| {
        let bell = Arc::new(Bell::new());
        let (slot, held) = Slot::new(0, Arc::clone(&bell), shard(0));
        let watchdog = {
            let (bell, slot) = (Arc::clone(&bell), Arc::clone(&slot));
            thread::spawn(move || {
                bell.listen();
                // A lost wake-up is a deadlock here, which loom reports.
                loop {
                    sleep_until_job(&[Arc::clone(&slot)], || false);
                    if let Some(held) = Slot::steal(&slot, slot.observe()) {
                        return bump(&held);
                    }
                    thread::yield_now();
                }
            })
        };
        // A job that is over before the watchdog has looked, and one that stays out.
        if let Ok(mut held) = held.publish().reclaim() {
            bump(&held);
            held.rest();
            drop(held.publish());
        }
        let bumps = watchdog.join().unwrap();
        assert!(bumps == 1 || bumps == 2);
    });
}

#[test]
fn loom_a_watchdog_that_gives_up_its_sleep_disturbs_no_job() {
    loom::model(|| {
        let bell = Arc::new(Bell::new());
        let (slot, held) = Slot::new(0, Arc::clone(&bell), shard(0));
        let watchdog = {
            let slot = Arc::clone(&slot);
            thread::spawn(move || {
                bell.listen();
                let _ = slot.await_job();
                slot.await_no_job();
            })
        };
        let mut held = held.publish().reclaim().expect("nobody steals here");
        bump(&held);
        held.rest();
        let held = held.publish().reclaim().expect("nobody steals here");
        assert_eq!(bump(&held), 2);
        watchdog.join().unwrap();
    });
}

/// An eventfd as far as the model needs it.
#[derive(Debug)]
struct Event {
    raised: loom::sync::Mutex<bool>,
    changed: loom::sync::Condvar,
}

impl Event {
    fn new() -> Event {
        Event { raised: loom::sync::Mutex::new(false), changed: loom::sync::Condvar::new() }
    }

    fn wait_and_clear(&self) {
        let mut raised = self.raised.lock().unwrap();
        while !*raised {
            raised = self.changed.wait(raised).unwrap();
        }
        *raised = false;
    }
}

impl Signal for Event {
    fn signal(&self) {
        *self.raised.lock().unwrap() = true;
        self.changed.notify_one();
    }
}

/// For models whose full exploration takes minutes: all schedules with few preemptions.
fn bounded_model(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

fn receive<M>(mailbox: &Mailbox<M, Event>, count: usize) -> Vec<M> {
    let mut mail = alloc::collections::VecDeque::new();
    while mail.len() < count {
        if !mailbox.drain(&mut mail) {
            thread::yield_now();
        } else if mail.len() < count && mailbox.prepare_to_sleep() {
            // Mail whose sender does not signal is a deadlock here.
            mailbox.signal().wait_and_clear();
            mailbox.rouse();
        }
    }
    mail.into()
}

#[test]
fn loom_mail_to_a_receiver_about_to_sleep_is_not_lost() {
    bounded_model(2, || {
        let mailbox = Arc::new(Mailbox::with_signal(8, Event::new()));
        let sender = {
            let mailbox = Arc::clone(&mailbox);
            thread::spawn(move || {
                mailbox.send(1).unwrap();
                mailbox.send(2).unwrap();
            })
        };
        assert_eq!(receive(&mailbox, 2), [1, 2]);
        sender.join().unwrap();
    });
}

#[test]
fn loom_two_senders_share_one_duty_to_wake() {
    bounded_model(2, || {
        let mailbox = Arc::new(Mailbox::with_signal(8, Event::new()));
        let senders = [1, 2].map(|message| {
            let mailbox = Arc::clone(&mailbox);
            thread::spawn(move || mailbox.send(message).unwrap())
        });
        let mut mail = receive(&mailbox, 2);
        mail.sort_unstable();
        assert_eq!(mail, [1, 2]);
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

#[test]
fn loom_an_exchange_that_is_called_again_and_again_has_one_letter_and_loses_no_call() {
    bounded_model(3, || {
        let address = Address { conn: 0, generation: 0, stream: rws_core::connection::StreamId::new(0, 0) };
        let calls = Arc::new(Calls::new(address));
        let mailbox = Arc::new(Mailbox::with_signal(8, Event::new()));
        let source = Arc::new(AtomicUsize::new(0));
        let callers = [true, false].map(|wakes| {
            let (calls, mailbox, source) = (Arc::clone(&calls), Arc::clone(&mailbox), Arc::clone(&source));
            thread::spawn(move || {
                source.fetch_add(1, Ordering::Relaxed);
                if if wakes { calls.wake() } else { calls.grant(5) } {
                    mailbox.send(()).unwrap();
                }
            })
        });
        let (mut seen, mut granted, mut is_woken) = (0, 0, false);
        while !is_woken || granted == 0 {
            // A call without a letter is a deadlock here.
            assert_eq!(receive(&mailbox, 1).len(), 1, "a second letter");
            let called = calls.take();
            seen = source.load(Ordering::Relaxed);
            granted += called.bytes_granted;
            is_woken |= called.is_woken;
        }
        assert_eq!((seen, granted), (2, 5), "the shard saw what came before the calls");
        for caller in callers {
            caller.join().unwrap();
        }
        assert!(mailbox.is_empty());
    });
}

#[test]
fn loom_a_flag_gives_the_duty_to_one_bringer_only() {
    loom::model(|| {
        let flag = Arc::new(SleepFlag::new());
        flag.announce();
        let bringers = [(); 2].map(|()| {
            let flag = Arc::clone(&flag);
            thread::spawn(move || usize::from(flag.must_signal()))
        });
        let duties: usize = bringers.map(|bringer| bringer.join().unwrap()).iter().sum();
        assert_eq!(duties, 1);
    });
}

#[test]
fn loom_a_slot_abandoned_by_its_job_still_yields_the_shard() {
    static DROPS: Plain = Plain::new(0);
    loom::model(|| {
        let (slot, held) = Slot::new(0, Arc::new(Bell::new()), shard(1));
        let thief = {
            let slot = Arc::clone(&slot);
            thread::spawn(move || Slot::steal(&slot, slot.observe()).map(|held| bump(&held)))
        };
        drop(held.publish());
        let stolen = thief.join().unwrap();
        let word = slot.observe();
        assert!(stolen.is_some() == word.is_done() && (stolen.is_some() || word.is_published()));
        assert_ne!(word, Word::default());
        DROPS.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
    });
    assert!(DROPS.load(core::sync::atomic::Ordering::Relaxed) > 1, "both orders were tried");
}
