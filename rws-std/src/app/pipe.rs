//! A bounded stream of bytes between a shard and anybody: request bodies on their way to a handler, answers
//! on their way from one.
//!
//! ```text
//!   shard ── push ──▶ │ chunks │ ── read (blocks) ──▶ handler          request body: reading grants credit
//!   writer ── write (blocks) ──▶ │ chunks │ ── fill ──▶ shard          answer: writing wakes the exchange
//! ```

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rws_core::connection::Fill;

use crate::job::{Waker, about_to_block};

/// Bytes that a pipe holds before its writer waits.
const PIPE_BYTES_MAX: usize = 256 * 1024;

/// One stream. Its ends are [`PipeReader`] and [`PipeWriter`]; the shard holds the other end directly.
pub(super) struct Pipe {
    inside: Mutex<Inside>,
    changed: Condvar,
    waker: Waker,
    /// Reading gives credit to the peer that sends the body.
    grants: bool,
}

#[derive(Default)]
struct Inside {
    chunks: VecDeque<Vec<u8>>,
    /// Bytes of the first chunk that have been read.
    taken: usize,
    bytes: usize,
    end: End,
    reader_gone: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    Whole,
    Cut,
}

impl core::fmt::Debug for Pipe {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let inside = self.lock();
        f.debug_struct("Pipe").field("bytes", &inside.bytes).field("end", &inside.end).finish_non_exhaustive()
    }
}

impl Pipe {
    /// A pipe for a request body: the reader's progress gives credit.
    pub(super) fn for_request(waker: Waker) -> Arc<Pipe> {
        Arc::new(Pipe { inside: Mutex::default(), changed: Condvar::new(), waker, grants: true })
    }

    /// A pipe for an answer: the writer waits while it is full.
    pub(super) fn for_answer(waker: Waker) -> Arc<Pipe> {
        Arc::new(Pipe { inside: Mutex::default(), changed: Condvar::new(), waker, grants: false })
    }

    /// Adds bytes without waiting; the peer's credit bounds how many there can be. False if nobody reads.
    pub(super) fn push(&self, bytes: &[u8]) -> bool {
        let mut inside = self.lock();
        if inside.reader_gone {
            return false;
        }
        if !bytes.is_empty() {
            inside.bytes += bytes.len();
            inside.chunks.push_back(bytes.to_vec());
        }
        self.changed.notify_all();
        true
    }

    /// No more bytes come.
    pub(super) fn finish(&self) {
        self.end(End::Whole);
    }

    /// The rest will not come: readers get an error, a peer sees the answer as cut off.
    pub(super) fn cut(&self) {
        self.end(End::Cut);
    }

    /// Takes bytes without waiting.
    pub(super) fn fill(&self, out: &mut [u8]) -> Fill {
        let mut inside = self.lock();
        let n = inside.take(out);
        let fill = match (n, inside.chunks.is_empty(), inside.end) {
            (n, true, End::Whole) => Fill::End(n),
            (0, true, End::Cut) => Fill::Abort,
            (0, true, End::Open) => Fill::Blocked,
            (n, ..) => Fill::More(n),
        };
        drop(inside);
        self.took(n);
        fill
    }

    /// Whether anything can be said of the stream yet.
    pub(super) fn has_begun(&self) -> bool {
        let inside = self.lock();
        inside.bytes > 0 || inside.end != End::Open
    }

    fn end(&self, end: End) {
        let mut inside = self.lock();
        if inside.end == End::Open {
            inside.end = end;
        }
        drop(inside);
        self.changed.notify_all();
        if !self.grants {
            self.waker.wake();
        }
    }

    fn read(&self, out: &mut [u8]) -> io::Result<usize> {
        let mut inside = self.lock();
        while inside.bytes == 0 && inside.end == End::Open {
            drop(inside);
            about_to_block();
            inside = self.lock();
            if inside.bytes == 0 && inside.end == End::Open {
                inside = self.changed.wait(inside).unwrap_or_else(PoisonError::into_inner);
            }
        }
        let n = inside.take(out);
        let is_cut = n == 0 && inside.end == End::Cut;
        drop(inside);
        if is_cut && !out.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the body is incomplete"));
        }
        self.took(n);
        Ok(n)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut inside = self.lock();
        while inside.bytes >= PIPE_BYTES_MAX && !inside.reader_gone {
            drop(inside);
            about_to_block();
            inside = self.lock();
            if inside.bytes >= PIPE_BYTES_MAX && !inside.reader_gone {
                inside = self.changed.wait(inside).unwrap_or_else(PoisonError::into_inner);
            }
        }
        if inside.reader_gone {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the client is gone"));
        }
        let n = bytes.len().min(PIPE_BYTES_MAX - inside.bytes);
        inside.bytes += n;
        inside.chunks.push_back(bytes[..n].to_vec());
        drop(inside);
        self.waker.wake();
        Ok(n)
    }

    fn took(&self, n: usize) {
        if n == 0 {
            return;
        }
        if self.grants {
            self.waker.grant(n as u32);
        } else {
            self.changed.notify_all();
        }
    }

    fn leave(&self) {
        let mut inside = self.lock();
        inside.reader_gone = true;
        inside.chunks.clear();
        let unread = core::mem::take(&mut inside.bytes);
        drop(inside);
        self.took(unread);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        // Nothing panics with the lock in hand, so a poisoned one is whole.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn take(&mut self, out: &mut [u8]) -> usize {
        let mut made = 0;
        while made < out.len() {
            let Some(chunk) = self.chunks.front() else { break };
            let rest = &chunk[self.taken..];
            let n = rest.len().min(out.len() - made);
            out[made..made + n].copy_from_slice(&rest[..n]);
            made += n;
            self.taken += n;
            if self.taken == chunk.len() {
                self.chunks.pop_front();
                self.taken = 0;
            }
        }
        self.bytes -= made;
        made
    }
}

/// The reading end. Reading blocks; the server gives the shard to another thread meanwhile.
#[derive(Debug)]
pub struct PipeReader(pub(super) Arc<Pipe>);

impl io::Read for PipeReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// The writing end of a streamed answer; may go to another thread. What is written leaves at once; writing
/// blocks while the client is slow, and fails with `BrokenPipe` once it is gone. Dropping it without
/// [`BodyWriter::finish`] cuts the answer off, so that the client sees it as incomplete.
#[derive(Debug)]
pub struct BodyWriter {
    pub(super) pipe: Arc<Pipe>,
}

impl BodyWriter {
    /// The answer is whole.
    pub fn finish(self) {
        self.pipe.finish();
    }
}

impl io::Write for BodyWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pipe.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for BodyWriter {
    fn drop(&mut self) {
        // After `finish` this changes nothing: the first end stands.
        self.pipe.cut();
    }
}
