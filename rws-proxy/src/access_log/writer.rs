//! The thread that writes the access log, and the bounded way to it. Whoever submits never waits: where the sink is
//! slower than the traffic, whole buffers are dropped and their lines counted.

use super::record::{Format, Record};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::io::{self, Write};
use std::thread;

/// A buffer that has grown past this is not kept for its next use.
const BUFFER_BYTES_KEPT: usize = 64 * 1024;

/// A [`LineBuffer`] that holds this much is submitted without being asked.
const BUFFER_BYTES_FULL: usize = 16 * 1024;

/// What became of submitted lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// They are in the queue.
    Queued,
    /// The queue was full, or the writer has ended: they are counted and gone.
    Dropped,
}

/// The way to the writer; each shard has a clone.
#[derive(Clone, Debug)]
pub struct LogQueue {
    full: Sender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    dropped: Arc<AtomicU64>,
}

impl LogQueue {
    /// Hands over `lines` (whole lines, each with its end) and leaves an empty buffer in their place. Never waits.
    pub fn submit(&self, lines: &mut Vec<u8>) -> Submitted {
        if lines.is_empty() {
            return Submitted::Queued;
        }
        let fresh = self.empty.try_recv().unwrap_or_default();
        match self.full.try_send(core::mem::replace(lines, fresh)) {
            Ok(()) => Submitted::Queued,
            Err(TrySendError::Full(mut back) | TrySendError::Disconnected(mut back)) => {
                self.dropped.fetch_add(count_lines(&back), Ordering::Relaxed);
                back.clear();
                back.shrink_to(BUFFER_BYTES_KEPT);
                *lines = back;
                Submitted::Dropped
            }
        }
    }

    /// How many lines were dropped so far, here or because the sink refused them.
    #[must_use]
    pub fn dropped_lines(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Owns the writer's thread. Dropping it ends the thread without waiting; [`LogWriter::finish`] waits.
#[derive(Debug)]
pub struct LogWriter {
    stop: Sender<()>,
    done: Receiver<()>,
}

impl LogWriter {
    /// Starts the thread. `queue_buffers_max` bounds what may wait for a slow sink (in buffers, each of about
    /// 16 KiB or one turn of a shard, whichever is less); 0 is taken as 1.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        sink: impl Write + Send + 'static,
        queue_buffers_max: usize,
    ) -> io::Result<(Self, LogQueue)> {
        let (full, lines) = bounded(queue_buffers_max.max(1));
        let (spare, empty) = bounded(queue_buffers_max.max(1));
        let (stop, stopped) = bounded(1);
        let (finished, done) = bounded(1);
        let dropped = Arc::new(AtomicU64::new(0));
        let writer = Writer { sink, lines, stopped, spare, dropped: Arc::clone(&dropped) };
        thread::Builder::new().name("rws-access-log".to_owned()).spawn(move || {
            writer.run();
            // Nobody listens any more if the owner was dropped or its patience ended.
            let _ = finished.try_send(());
        })?;
        Ok((Self { stop, done }, LogQueue { full, empty, dropped }))
    }

    /// Lets the thread write what is in the queue now, flushes, and ends it. Returns false if that took longer than
    /// `timeout` (a sink that hangs must not hang the shutdown); the thread is then left to itself.
    #[must_use]
    pub fn finish(self, timeout: Duration) -> bool {
        let _ = self.stop.try_send(());
        self.done.recv_timeout(timeout).is_ok()
    }
}

struct Writer<W> {
    sink: W,
    lines: Receiver<Vec<u8>>,
    stopped: Receiver<()>,
    spare: Sender<Vec<u8>>,
    dropped: Arc<AtomicU64>,
}

impl<W: Write> Writer<W> {
    fn run(mut self) {
        loop {
            crossbeam_channel::select! {
                recv(self.lines) -> message => match message {
                    Ok(lines) => self.write(lines),
                    // Every queue is gone: nothing can come any more.
                    Err(_) => break,
                },
                // Asked to end, or the owner is gone.
                recv(self.stopped) -> _ => break,
            }
            if self.lines.is_empty() {
                self.flush();
            }
        }
        // What is here now was submitted before the end; what comes later is not waited for.
        for _ in 0..self.lines.len() {
            match self.lines.try_recv() {
                Ok(lines) => self.write(lines),
                Err(_) => break,
            }
        }
        self.flush();
    }

    fn write(&mut self, mut lines: Vec<u8>) {
        if self.sink.write_all(&lines).is_err() {
            self.dropped.fetch_add(count_lines(&lines), Ordering::Relaxed);
        }
        lines.clear();
        if lines.capacity() <= BUFFER_BYTES_KEPT {
            // A full pool lets the buffer go.
            let _ = self.spare.try_send(lines);
        }
    }

    fn flush(&mut self) {
        // There is nowhere to report a log that cannot be written; the next write counts its lines.
        let _ = self.sink.flush();
    }
}

fn count_lines(lines: &[u8]) -> u64 {
    u64::try_from(lines.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(u64::MAX)
}

/// The lines of one shard on their way to the queue: written into one reusable buffer, submitted when it is full and
/// whenever the shard has time.
#[derive(Debug)]
pub struct LineBuffer {
    format: Format,
    queue: LogQueue,
    lines: Vec<u8>,
}

impl LineBuffer {
    /// An empty buffer in front of `queue`.
    #[must_use]
    pub fn new(format: Format, queue: LogQueue) -> Self {
        Self { format, queue, lines: Vec::new() }
    }

    /// Adds the line of one exchange; submits when there is enough.
    pub fn write(&mut self, record: &Record<'_>) {
        self.format.write(record, &mut self.lines);
        if self.lines.len() >= BUFFER_BYTES_FULL {
            self.flush();
        }
    }

    /// Submits what is there: to be called before the shard waits.
    pub fn flush(&mut self) {
        self.queue.submit(&mut self.lines);
    }
}

impl Drop for LineBuffer {
    fn drop(&mut self) {
        self.flush();
    }
}
