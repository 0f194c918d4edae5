//! The thread that writes the access log, and the bounded way to it.
//!
//! ```text
//!   shard 0: LineBuffer ──▶ slot 0 ┐            every 50 ms, or when a slot is a quarter full
//!   shard 1: LineBuffer ──▶ slot 1 ┼── writer: swap each slot's buffer for an empty one, write it to the sink
//!   shard n: LineBuffer ──▶ slot n ┘            asleep after a second without lines; the next line wakes it
//! ```
//!
//! A shard formats each line straight into its own slot and makes no system call for it, but for the one that ends
//! a sleep. It never waits: a slot has two halves, of which the writer holds one at most; and where the slot is full,
//! because the sink is slower than the traffic, the line is dropped and counted.

use super::record::{Format, Record};
use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

/// How long lines wait before they are written: many go into one write.
const GATHERING_TIME: Duration = Duration::from_millis(50);

/// After this many rounds without a line the writer sleeps until there is one.
const EMPTY_ROUNDS_MAX: u32 = 20;

/// The lines of one shard that wait for the writer. The writer holds one half at a time, and only for a swap; so the
/// shard finds the other one free.
type Slot = [Mutex<Vec<u8>>; 2];

/// How often a shard looks at both halves before it gives a line up: the writer can be at each of them in turn, but
/// not for long.
const LOOKS_MAX: usize = 8;

#[derive(Debug, Default)]
struct Shared {
    slots: Mutex<Vec<Arc<Slot>>>,
    /// Set by the writer before it looks a last time and sleeps; whoever clears it wakes it. A line that comes
    /// after that look locks the slot after the writer did, and so sees the flag.
    asleep: AtomicBool,
    /// Set by the owner: write what is there and end.
    stop: AtomicBool,
    /// Set by the writer before its last round. Looked at under the slot's lock, so that each line is either in that
    /// round or counted.
    ended: AtomicBool,
    dropped: AtomicU64,
}

impl Shared {
    fn count_dropped(&self, lines: u64) {
        self.dropped.fetch_add(lines, Ordering::Relaxed);
    }
}

/// Where shards get their [`LineBuffer`]s.
#[derive(Clone, Debug)]
pub struct LogIntake {
    shared: Arc<Shared>,
    writer: Thread,
    slot_bytes_max: usize,
}

impl LogIntake {
    /// A buffer of its own for one shard.
    #[must_use]
    pub fn line_buffer(&self, format: Format) -> LineBuffer {
        let slot = Arc::new(Slot::default());
        lock(&self.shared.slots).push(Arc::clone(&slot));
        LineBuffer { format, intake: self.clone(), slot }
    }

    /// How many lines were dropped so far: the slot was full, the sink refused them, or the writer has ended.
    #[must_use]
    pub fn dropped_lines(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(super) fn is_asleep(&self) -> bool {
        self.shared.asleep.load(Ordering::Relaxed)
    }
}

/// One shard's end of the access log.
#[derive(Debug)]
pub struct LineBuffer {
    format: Format,
    intake: LogIntake,
    slot: Arc<Slot>,
}

impl LineBuffer {
    /// Adds the line of one exchange. Never waits; a line for which there is no room is counted.
    pub fn write(&mut self, record: &Record<'_>) {
        let shared = &self.intake.shared;
        let free = (0..LOOKS_MAX).find_map(|_| self.slot.iter().find_map(try_lock));
        let Some(mut lines) = free else { return shared.count_dropped(1) };
        let before = lines.len();
        if before >= self.intake.slot_bytes_max || shared.ended.load(Ordering::Relaxed) {
            return shared.count_dropped(1);
        }
        self.format.write(record, &mut lines);
        let early = self.intake.slot_bytes_max / 4;
        let is_due = before < early && lines.len() >= early;
        drop(lines);
        let ends_sleep =
            shared.asleep.load(Ordering::Relaxed) && shared.asleep.swap(false, Ordering::Relaxed);
        if is_due || ends_sleep {
            self.intake.writer.unpark();
        }
    }
}

/// Owns the writer's thread. Dropping it lets the thread end by itself; [`LogWriter::finish`] waits for that.
pub struct LogWriter {
    shared: Arc<Shared>,
    thread: Thread,
    done: Receiver<()>,
}

impl LogWriter {
    /// Starts the thread. For a slow sink, about `slot_bytes_max` bytes of each shard wait, and as much again is on its
    /// way; 1 MiB is plenty.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(sink: impl Write + Send + 'static, slot_bytes_max: usize) -> io::Result<(Self, LogIntake)> {
        Self::start_with(sink, slot_bytes_max, GATHERING_TIME)
    }

    pub(super) fn start_with(
        sink: impl Write + Send + 'static,
        slot_bytes_max: usize,
        gathering_time: Duration,
    ) -> io::Result<(Self, LogIntake)> {
        let shared = Arc::new(Shared::default());
        let (finished, done) = channel();
        let writer = Writer { sink, shared: Arc::clone(&shared), gathering_time, spare: Vec::new() };
        let handle = thread::Builder::new().name("rws-access-log".to_owned()).spawn(move || {
            writer.run();
            // Nobody listens any more if the owner was dropped or its patience has ended.
            let _ = finished.send(());
        })?;
        let thread = handle.thread().clone();
        let intake = LogIntake { shared: Arc::clone(&shared), writer: thread.clone(), slot_bytes_max };
        Ok((Self { shared, thread, done }, intake))
    }

    /// Lets the thread write what is there now, flush, and end. Returns false if that took longer than `timeout` (a
    /// sink that hangs must not hang the shutdown); the thread is then left to itself.
    #[must_use]
    pub fn finish(self, timeout: Duration) -> bool {
        self.stop();
        self.done.recv_timeout(timeout).is_ok()
    }

    fn stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for LogWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogWriter").field("shared", &self.shared).finish_non_exhaustive()
    }
}

struct Writer<W> {
    sink: W,
    shared: Arc<Shared>,
    gathering_time: Duration,
    /// Empty, and swapped for each slot's buffer in turn.
    spare: Vec<u8>,
}

impl<W: Write> Writer<W> {
    fn run(mut self) {
        let mut empty_rounds = 0;
        while !self.shared.stop.load(Ordering::Relaxed) {
            if self.round() {
                empty_rounds = 0;
            } else if empty_rounds < EMPTY_ROUNDS_MAX {
                empty_rounds += 1;
            } else {
                self.sleep();
                continue;
            }
            thread::park_timeout(self.gathering_time);
        }
        self.shared.ended.store(true, Ordering::Relaxed);
        self.round();
    }

    /// Waits for a line, and holds no memory meanwhile.
    fn sleep(&mut self) {
        self.shared.asleep.store(true, Ordering::Relaxed);
        if self.round() || self.shared.stop.load(Ordering::Relaxed) {
            self.shared.asleep.store(false, Ordering::Relaxed);
        } else {
            self.spare = Vec::new();
            for half in lock(&self.shared.slots).iter().flat_map(|slot| slot.iter()) {
                let mut lines = lock(half);
                if lines.is_empty() {
                    *lines = Vec::new();
                }
            }
            thread::park();
        }
    }

    /// Writes what is in every slot. False if there was nothing.
    fn round(&mut self) -> bool {
        let slots: Vec<Arc<Slot>> = {
            let mut slots = lock(&self.shared.slots);
            // A slot whose shard is gone and which is empty has no use any more.
            let has_lines = |slot: &Slot| slot.iter().any(|half| !lock(half).is_empty());
            slots.retain(|slot| Arc::strong_count(slot) > 1 || has_lines(slot));
            slots.clone()
        };
        let mut found = false;
        for half in slots.iter().flat_map(|slot| slot.iter()) {
            core::mem::swap(&mut *lock(half), &mut self.spare);
            if self.spare.is_empty() {
                continue;
            }
            found = true;
            if self.sink.write_all(&self.spare).is_err() {
                self.shared.count_dropped(count_lines(&self.spare));
            }
            self.spare.clear();
        }
        if found {
            // There is nowhere to report a log that cannot be written; the next write counts its lines.
            let _ = self.sink.flush();
        }
        found
    }
}

fn count_lines(lines: &[u8]) -> u64 {
    u64::try_from(lines.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(u64::MAX)
}

/// Locks; what a thread that panicked has left is whole lines or one cut line, and fit to be written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_lock(half: &Mutex<Vec<u8>>) -> Option<MutexGuard<'_, Vec<u8>>> {
    use std::sync::TryLockError;
    match half.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
