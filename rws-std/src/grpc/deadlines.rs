//! Ends calls whose time is over: one thread for all of them, which sleeps until the next deadline.

use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Instant;

use super::call::Call;

/// The calls that have a deadline.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    waiting: Arc<Waiting>,
    next_number: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    inside: Mutex<Inside>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inside {
    calls: BTreeMap<(Instant, u64), Weak<Call>>,
    has_thread: bool,
    is_over: bool,
}

/// A call's place among them; gives it back when it goes.
#[derive(Debug)]
pub(super) struct Registered {
    waiting: Arc<Waiting>,
    key: (Instant, u64),
}

impl Deadlines {
    /// Ends `call` at `deadline`, unless what this returns is dropped before.
    pub(super) fn register(&self, deadline: Instant, call: &Arc<Call>) -> Registered {
        let key = (deadline, self.next_number.fetch_add(1, Ordering::Relaxed));
        let mut inside = self.waiting.lock();
        inside.calls.insert(key, Arc::downgrade(call));
        let is_next = inside.calls.first_key_value().is_some_and(|(first, _)| *first == key);
        if !inside.has_thread {
            let waiting = Arc::clone(&self.waiting);
            let thread = thread::Builder::new().name("rws-deadlines".into());
            // Without a thread a deadline is still kept by whoever looks at it.
            inside.has_thread = thread.spawn(move || waiting.run()).is_ok();
        }
        drop(inside);
        if is_next {
            self.waiting.changed.notify_all();
        }
        Registered { waiting: Arc::clone(&self.waiting), key }
    }
}

impl Drop for Deadlines {
    fn drop(&mut self) {
        self.waiting.lock().is_over = true;
        self.waiting.changed.notify_all();
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.waiting.lock().calls.remove(&self.key);
    }
}

impl Waiting {
    fn run(&self) {
        let mut inside = self.lock();
        while !inside.is_over {
            let now = Instant::now();
            let next = inside.calls.first_key_value().map(|(key, _)| *key);
            inside = match next {
                None => self.changed.wait(inside).unwrap_or_else(PoisonError::into_inner),
                Some((at, _)) if at > now => {
                    let waited = self.changed.wait_timeout(inside, at.saturating_duration_since(now));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                Some(key) => {
                    let call = inside.calls.remove(&key);
                    drop(inside);
                    if let Some(call) = call.and_then(|call| call.upgrade()) {
                        call.expire();
                    }
                    self.lock()
                }
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        // Nothing panics with the lock in hand, so a poisoned one is whole.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
