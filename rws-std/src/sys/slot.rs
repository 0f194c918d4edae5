//! Where a shard lies while one of its jobs runs: the thread comes back for it, or a watchdog takes it first.
//!
//! ```text
//!                publish                  reclaim (the job returned in time)
//!  Held (Busy) ──────────▶ Published ─────────────────────────────────────▶ Held (Busy)   same thread
//!   │  │    ▲                  │
//!   │  │    │                  │ steal (the same word was seen for a while)
//!   │  │    │ publish          └───────────────────────────────────────────▶ Held (Busy)   another thread
//!   │  │    │ wakes the                     reclaim then answers `Stolen`
//!   │  │    │ watchdog if Awaited
//!   │  │ rest                  the watchdog is about to sleep
//!   │  └──────────▶ Idle ────────────────────────────────────▶ Awaited
//!   └─ dropped ───▶ Done
//! ```
//!
//! The word holds the phase in its lowest three bits and a sequence of 61 bits above them, which every
//! `publish` raises. A thief and a late job name the word that they saw; so neither can take the shard of the
//! *next* job, however late its compare-and-swap comes.
//!
//! Who owns the cell is a matter of types: [`Held`] exists once per slot and is what `publish` consumes, the
//! cell is filled only by it, and emptied only by whoever moved the word out of `Published`, which one
//! compare-and-swap does once. `publish` costs one plain store and one release store, `reclaim` one
//! compare-and-swap; no lock, no allocation, no clock.
//!
//! The watchdog sleeps only after it has moved every word from `Idle` to `Awaited`. The first `publish` after a
//! rest is a swap, and finds `Awaited` or came before the watchdog's compare-and-swap, which then fails: a
//! wake-up can't be lost, since both act on one word.
//!
//! A panic can't lose the shard. Inside a job it is published, so the watchdog takes it in two ticks. Outside,
//! `Held` is dropped by the unwinding and publishes the shard once more, marked, so that the watchdog hands it
//! to another thread, which learns of it from [`Held::take_panicked`].

use alloc::sync::Arc;
use core::fmt;
use core::ops::{Deref, DerefMut};

use std::sync::{Mutex, PoisonError};

use crate::handover::Bell;
use crate::sync::{AtomicBool, AtomicU64, Ordering, SharedCell};
use crate::sys::driver::Driver;

const PHASE_MASK: u64 = 0b111;
const SEQUENCE_ONE: u64 = 0b1000;
const IDLE: u64 = 0;
const AWAITED: u64 = 1;
const DONE: u64 = 2;
const BUSY: u64 = 3;
const PUBLISHED: u64 = 4;

/// What a slot's word said when somebody looked: phase and sequence.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Word(u64);

impl Word {
    /// Whether a job is out and the shard lies in the slot.
    #[must_use]
    pub fn is_published(self) -> bool {
        self.0 & PHASE_MASK == PUBLISHED
    }

    /// Whether the shard waits for events (or has ended), so that no job can be out without the bell ringing.
    #[must_use]
    pub fn is_at_rest(self) -> bool {
        matches!(self.0 & PHASE_MASK, IDLE | AWAITED | DONE)
    }

    /// Whether the shard's next job wakes the watchdog.
    #[must_use]
    pub fn is_awaited(self) -> bool {
        self.0 & PHASE_MASK == AWAITED
    }

    /// Whether the shard has been dropped for good.
    #[must_use]
    pub fn is_done(self) -> bool {
        self.0 & PHASE_MASK == DONE
    }

    /// The sequence, which names one job of the shard.
    pub(super) fn sequence(self) -> u64 {
        self.0 / SEQUENCE_ONE
    }

    fn with_phase(self, phase: u64) -> Word {
        Word(self.0 & !PHASE_MASK | phase)
    }

    fn next_published(self) -> Word {
        Word((self.0 & !PHASE_MASK).wrapping_add(SEQUENCE_ONE) | PUBLISHED)
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.0 & PHASE_MASK {
            IDLE => "idle",
            AWAITED => "awaited",
            BUSY => "busy",
            PUBLISHED => "published",
            _ => "done",
        };
        write!(f, "{phase}#{}", self.sequence())
    }
}

/// What a job knows of the shard that lies in its slot meanwhile: whether it is still there.
#[derive(Debug)]
pub struct Lease {
    word: Arc<AtomicU64>,
    job: Word,
}

impl Lease {
    /// The same for the job that was published as `job`.
    #[inline]
    pub fn renew(&mut self, job: Word) {
        self.job = job;
    }

    /// The job that it is for.
    #[must_use]
    pub fn job(&self) -> Word {
        self.job
    }

    /// Whether another thread has taken the shard of the job. One load.
    #[must_use]
    #[inline]
    pub fn is_lost(&self) -> bool {
        self.word.load(Ordering::Acquire) != self.job.0
    }
}

/// One shard's place of hand-over, shared by the thread that drives the shard and the watchdog.
pub struct Slot<T> {
    /// Shared with the leases, which outlive no more than this of a slot.
    word: Arc<AtomicU64>,
    shard: SharedCell<Option<Box<T>>>,
    panicked: AtomicBool,
    bell: Arc<Bell>,
    index: usize,
    driver: Mutex<Arc<Driver>>,
}

// SAFETY: the cell is reached only by the holder of the one `Held` (which is not `Clone`, and is consumed by
// `publish`) or by the one thread whose compare-and-swap moved the word out of `Published`; the release store
// in `publish` and the acquire of that compare-and-swap order the accesses. `T` goes from thread to thread,
// hence `T: Send`; no `&T` is ever shared, hence no `T: Sync`.
#[expect(unsafe_code, reason = "the cell has no lock; the word's protocol stands in for one")]
unsafe impl<T: Send> Sync for Slot<T> {}

impl<T> Slot<T> {
    /// A slot for shard number `index`, with the shard in the caller's hand and the phase idle.
    pub fn new(index: usize, bell: Arc<Bell>, shard: Box<T>) -> (Arc<Slot<T>>, Held<T>) {
        let slot = Arc::new(Slot {
            word: Arc::new(AtomicU64::new(IDLE)),
            shard: SharedCell::new(None),
            panicked: AtomicBool::new(false),
            bell,
            index,
            driver: Mutex::new(Driver::this_thread()),
        });
        let held = Held::new(shard, Arc::clone(&slot), Word(IDLE));
        (slot, held)
    }

    /// The shard's number.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// For the jobs of this slot's shard.
    #[must_use]
    pub fn lease(&self) -> Lease {
        Lease { word: Arc::clone(&self.word), job: self.observe() }
    }

    /// What the word says now; worth remembering until the next look.
    #[must_use]
    pub fn observe(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    /// Takes the shard of the job that was out when `observed` was read, if that very job is still out.
    pub fn steal(slot: &Arc<Slot<T>>, observed: Word) -> Option<Held<T>> {
        if !observed.is_published() {
            return None;
        }
        let shard = slot.take(observed)?;
        Some(Held::new(shard, Arc::clone(slot), observed.with_phase(BUSY)))
    }

    /// Names the calling thread as the one that drives the shard from now on.
    pub(crate) fn driven_by_this_thread(&self) {
        *self.driver.lock().unwrap_or_else(PoisonError::into_inner) = Driver::this_thread();
    }

    /// Tells the thread that drives the shard, for its later judgement, what it was doing when somebody came
    /// to steal the shard of the job `word`.
    pub(crate) fn note_activity(&self, word: Word) {
        let driver = Arc::clone(&self.driver.lock().unwrap_or_else(PoisonError::into_inner));
        driver.note(word);
    }

    /// Asks for the bell to be rung by the next job: what a watchdog does before it sleeps. False when a job
    /// may be out or about to be: don't sleep.
    #[must_use = "false forbids to sleep"]
    pub fn await_job(&self) -> bool {
        let word = self.observe();
        if word.0 & PHASE_MASK != IDLE {
            return word.is_at_rest();
        }
        let awaited = word.with_phase(AWAITED);
        self.word.compare_exchange(word.0, awaited.0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Takes [`Slot::await_job`] back: the watchdog is awake.
    pub fn await_no_job(&self) {
        let word = self.observe();
        if word.is_awaited() {
            // Failing means that a job came first, which ends the waiting just as well.
            let idle = word.with_phase(IDLE);
            let _ = self.word.compare_exchange(word.0, idle.0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    fn take(&self, published: Word) -> Option<Box<T>> {
        let busy = published.with_phase(BUSY);
        self.word.compare_exchange(published.0, busy.0, Ordering::Acquire, Ordering::Relaxed).ok()?;
        // SAFETY: the word left `Published` with this very sequence, which happens once, and it was this
        // thread that did it; the filler let go of the cell before it stored that word.
        #[expect(unsafe_code, reason = "the protocol gives this thread the cell")]
        self.shard.with_mut(|shard| unsafe { (*shard).take() })
    }

    fn put(&self, shard: Box<T>, published: Word, was_at_rest: bool) {
        // SAFETY: only the one `Held` calls this, on its way out of existence, and the word is not
        // `Published` while a `Held` exists: nobody else may touch the cell.
        #[expect(unsafe_code, reason = "the right to fill the cell is the `Held` that the caller consumed")]
        self.shard.with_mut(|place| unsafe { *place = Some(shard) });
        if !was_at_rest {
            self.word.store(published.0, Ordering::Release);
        } else if Word(self.word.swap(published.0, Ordering::AcqRel)).is_awaited() {
            self.bell.ring();
        }
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("index", &self.index)
            .field("word", &self.observe())
            .finish_non_exhaustive()
    }
}

/// The shard in a thread's hand, and the only right to publish it.
pub struct Held<T> {
    // `None` only inside the functions that consume `self`.
    grip: Option<Grip<T>>,
    word: Word,
}

struct Grip<T> {
    shard: Box<T>,
    slot: Arc<Slot<T>>,
}

impl<T> Held<T> {
    fn new(shard: Box<T>, slot: Arc<Slot<T>>, word: Word) -> Held<T> {
        Held { grip: Some(Grip { shard, slot }), word }
    }

    fn grip(&self) -> &Grip<T> {
        self.grip.as_ref().expect("a Held has its shard until it is consumed")
    }

    /// Lays the shard into its slot before a job runs. Until [`Published::reclaim`] the caller may not count
    /// on seeing it again.
    #[must_use = "the shard comes back by `reclaim`"]
    #[inline]
    pub fn publish(mut self) -> Published<T> {
        let word = self.word.next_published();
        let Grip { shard, slot } = self.grip.take().expect("a Held has its shard until it is consumed");
        slot.put(shard, word, self.word.is_at_rest());
        Published { slot, word }
    }

    /// Says that the shard is about to wait for events with no job out, so that the watchdog may sleep. One
    /// store; nothing when the shard rests already.
    #[inline]
    pub fn rest(&mut self) {
        if !self.word.is_at_rest() {
            self.word = self.word.with_phase(IDLE);
            let word = self.word.0;
            self.grip().slot.word.store(word, Ordering::Release);
        }
    }

    /// The shard's number.
    #[must_use]
    pub fn index(&self) -> usize {
        self.grip().slot.index
    }

    /// The slot that this shard belongs to.
    #[must_use]
    pub fn slot(&self) -> &Arc<Slot<T>> {
        &self.grip().slot
    }

    /// Whether the last holder unwound with the shard in its hand. Asking clears it.
    pub fn take_panicked(&mut self) -> bool {
        let panicked = &self.grip().slot.panicked;
        panicked.load(Ordering::Relaxed) && panicked.swap(false, Ordering::Relaxed)
    }
}

impl<T> Deref for Held<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.grip().shard
    }
}

impl<T> DerefMut for Held<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.grip.as_mut().expect("a Held has its shard until it is consumed").shard
    }
}

impl<T> Drop for Held<T> {
    // Inline, so that it is nothing where the shard has been published.
    #[inline]
    fn drop(&mut self) {
        if let Some(grip) = self.grip.take() {
            grip.give_up(self.word);
        }
    }
}

impl<T> Grip<T> {
    /// The shard has ended, or its thread unwinds.
    #[cold]
    #[inline(never)]
    fn give_up(self, word: Word) {
        let Grip { shard, slot } = self;
        if std::thread::panicking() {
            slot.panicked.store(true, Ordering::Relaxed);
            slot.put(shard, word.next_published(), word.is_at_rest());
        } else {
            drop(shard);
            slot.word.store(word.with_phase(DONE).0, Ordering::Release);
        }
    }
}

impl<T> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("word", &self.word).finish_non_exhaustive()
    }
}

/// The claim on a shard that was published. Dropping it leaves the shard to the watchdog.
pub struct Published<T> {
    slot: Arc<Slot<T>>,
    word: Word,
}

impl<T> Published<T> {
    /// Takes the shard back after the job.
    ///
    /// # Errors
    /// [`Stolen`] when another thread has it; the caller must not touch anything of the shard any more.
    #[inline]
    pub fn reclaim(self) -> Result<Held<T>, Stolen> {
        match self.slot.take(self.word) {
            Some(shard) => Ok(Held::new(shard, self.slot, self.word.with_phase(BUSY))),
            None => Err(Stolen),
        }
    }

    /// Where the shard lies.
    #[must_use]
    pub fn slot(&self) -> &Arc<Slot<T>> {
        &self.slot
    }

    /// The word that it was published with.
    #[must_use]
    pub fn word(&self) -> Word {
        self.word
    }
}

impl<T> fmt::Debug for Published<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published").field("word", &self.word).finish_non_exhaustive()
    }
}

/// Another thread took the shard while the job ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stolen;

impl fmt::Display for Stolen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shard went on with another thread while the job ran")
    }
}

impl core::error::Error for Stolen {}
