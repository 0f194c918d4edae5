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
use std::thread::{self, ThreadId};

use rws_core::connection::Fill;
use rws_core::message::OwnedFields;

use super::failure::BodyError;
use crate::job::{Waker, about_to_block};

/// Bytes that a pipe holds before its writer waits.
const PIPE_BYTES_MAX: usize = 256 * 1024;
/// Pieces are put together up to this length.
const CHUNK_BYTES_SHARED: usize = 4 * 1024;

/// One stream. Its ends are [`PipeReader`] and [`PipeWriter`]; the shard holds the other end directly.
pub(crate) struct Pipe {
    inside: Mutex<Inside>,
    changed: Condvar,
    waker: Waker,
    /// Reading gives credit to the peer that sends the body.
    grants: bool,
    /// Who made it: the thread of a handler that has yet to answer with it.
    maker: ThreadId,
}

#[derive(Default)]
struct Inside {
    chunks: VecDeque<Vec<u8>>,
    /// Bytes of the first chunk that have been read.
    taken: usize,
    bytes: usize,
    end: End,
    /// What follows the last byte.
    trailers: Option<Box<OwnedFields>>,
    reader_gone: bool,
    /// The handler has answered with it.
    attached: bool,
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
    pub(crate) fn for_request(waker: Waker) -> Arc<Pipe> {
        Pipe::new(waker, true)
    }

    /// A pipe for an answer: the writer waits while it is full.
    pub(crate) fn for_answer(waker: Waker) -> Arc<Pipe> {
        Pipe::new(waker, false)
    }

    fn new(waker: Waker, grants: bool) -> Arc<Pipe> {
        let maker = thread::current().id();
        Arc::new(Pipe { inside: Mutex::default(), changed: Condvar::new(), waker, grants, maker })
    }

    /// The handler has answered with this stream: from now on somebody takes from it.
    pub(super) fn attach(&self) {
        self.lock().attached = true;
    }

    /// Adds bytes without waiting; the peer's credit bounds how many there can be. False if nobody reads.
    pub(super) fn push(&self, bytes: &[u8]) -> bool {
        let mut inside = self.lock();
        if inside.reader_gone {
            return false;
        }
        inside.put(bytes);
        self.changed.notify_all();
        true
    }

    /// No more bytes come.
    pub(crate) fn finish(&self) {
        self.end(End::Whole);
    }

    /// No more bytes come, but these fields do.
    pub(crate) fn finish_with(&self, trailers: OwnedFields) {
        self.end_with(End::Whole, Some(Box::new(trailers)));
    }

    /// What follows the last byte of an answer, once. A request's trailers are no answer's, though its body may be.
    pub(super) fn take_trailers(&self) -> Option<OwnedFields> {
        if self.grants { None } else { self.lock().trailers.take().map(|trailers| *trailers) }
    }

    /// What followed the last byte of a request, once that has been read.
    pub(super) fn take_received_trailers(&self) -> Option<OwnedFields> {
        let mut inside = self.lock();
        let is_read = self.grants && inside.bytes == 0 && inside.end == End::Whole;
        inside.trailers.take_if(|_| is_read).map(|trailers| *trailers)
    }

    /// The rest will not come: readers get an error, a peer sees the answer as cut off.
    pub(crate) fn cut(&self) {
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

    /// Whether an answer with this stream as its body can begin. One that the handler writes itself can; the
    /// client's own body has to come first.
    pub(super) fn has_begun(&self) -> bool {
        if !self.grants {
            return true;
        }
        let inside = self.lock();
        inside.bytes > 0 || inside.end != End::Open
    }

    fn end(&self, end: End) {
        self.end_with(end, None);
    }

    /// The first end stands.
    fn end_with(&self, end: End, trailers: Option<Box<OwnedFields>>) {
        let mut inside = self.lock();
        if inside.end != End::Open {
            return;
        }
        inside.end = end;
        inside.trailers = trailers;
        drop(inside);
        self.changed.notify_all();
        if !self.grants {
            self.waker.wake();
        }
    }

    fn read(&self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
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
        if is_cut {
            return Err(BodyError::Incomplete.into());
        }
        self.took(n);
        Ok(n)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut inside = self.lock();
        while inside.is_full() {
            if !inside.attached && self.maker == thread::current().id() {
                let text = "the handler has to answer before it writes more than the stream holds";
                return Err(io::Error::new(io::ErrorKind::Deadlock, text));
            }
            drop(inside);
            about_to_block();
            inside = self.lock();
            if inside.is_full() {
                inside = self.changed.wait(inside).unwrap_or_else(PoisonError::into_inner);
            }
        }
        let n = bytes.len().min(PIPE_BYTES_MAX.saturating_sub(inside.bytes));
        self.put(inside, &bytes[..n])?;
        Ok(n)
    }

    /// Writes all of it, and waits for room.
    #[cfg(feature = "grpc")]
    pub(crate) fn write_whole(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let n = self.write(bytes)?;
            bytes = bytes.get(n..).unwrap_or(&[]);
        }
        Ok(())
    }

    /// Whether anybody still takes what is written.
    #[cfg(feature = "grpc")]
    pub(crate) fn is_taken(&self) -> bool {
        self.lock().is_open()
    }

    /// Writes all of it or nothing, without waiting.
    pub(crate) fn try_write_all(&self, bytes: &[u8]) -> io::Result<()> {
        let inside = self.lock();
        if inside.is_open() && inside.bytes + bytes.len() > PIPE_BYTES_MAX {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.put(inside, bytes)
    }

    fn put(&self, mut inside: MutexGuard<'_, Inside>, bytes: &[u8]) -> io::Result<()> {
        if !inside.is_open() {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the client is gone"));
        }
        // Who takes from the stream goes on until he finds it empty, and needs no call before that.
        let was_empty = inside.bytes == 0;
        inside.put(bytes);
        drop(inside);
        if was_empty {
            self.waker.wake();
        }
        Ok(())
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
    /// Whether anything that is written still reaches anybody.
    fn is_open(&self) -> bool {
        !self.reader_gone && self.end == End::Open
    }

    /// Whether a writer has to wait.
    fn is_full(&self) -> bool {
        self.is_open() && self.bytes >= PIPE_BYTES_MAX
    }

    /// Adds bytes: small pieces share a chunk, so that a stream of single bytes costs no more than they are.
    fn put(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.bytes += bytes.len();
        match self.chunks.back_mut() {
            Some(last) if last.len() + bytes.len() <= CHUNK_BYTES_SHARED => last.extend_from_slice(bytes),
            Some(_) | None => self.chunks.push_back(bytes.to_vec()),
        }
    }

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
pub struct PipeReader(pub(crate) Arc<Pipe>);

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
///
/// Nothing leaves before the handler has returned the [`Response`](super::Response) that the writer came
/// with: a handler that writes more than 256 KiB before gets the error `Deadlock`.
#[derive(Debug)]
pub struct BodyWriter {
    pub(super) pipe: Arc<Pipe>,
}

impl BodyWriter {
    /// Writes all of `bytes` or nothing, without waiting: for whoever serves many clients from one thread.
    ///
    /// # Errors
    /// `WouldBlock` while the client is so slow that there is no room for it: at most 256 KiB wait to be
    /// sent. `BrokenPipe` once it is gone.
    pub fn try_write_all(&self, bytes: &[u8]) -> io::Result<()> {
        self.pipe.try_write_all(bytes)
    }

    /// Whether the client is gone, as far as the server knows; writing fails then.
    pub fn is_gone(&self) -> bool {
        self.pipe.lock().reader_gone
    }

    /// The answer is whole.
    pub fn finish(self) {
        self.pipe.finish();
    }

    /// The answer is whole, and these fields follow it: what could not be known before its body was, such as a
    /// digest or a status of its end (RFC 9110 §6.5). A client may not see them: most of HTTP/1.1 skips them.
    pub fn finish_with(self, trailers: OwnedFields) {
        self.pipe.finish_with(trailers);
    }
}

impl io::Write for BodyWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pipe.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
    /// What one `write!` says leaves as one piece.
    fn write_fmt(&mut self, text: core::fmt::Arguments<'_>) -> io::Result<()> {
        match text.as_str() {
            Some(text) => self.write_all(text.as_bytes()),
            None => self.write_all(text.to_string().as_bytes()),
        }
    }
}

impl Drop for BodyWriter {
    fn drop(&mut self) {
        // After `finish` this changes nothing: the first end stands.
        self.pipe.cut();
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::calls::Calls;
    use crate::job::{JobCx, Post};

    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Post for Counting {
        fn call(&self, calls: Arc<Calls>) {
            // As the shard does, which hears each call at once.
            self.0.fetch_add(usize::from(calls.take().is_woken), Ordering::Relaxed);
        }
    }

    fn waker() -> (Arc<Counting>, Waker) {
        let counting = Arc::new(Counting::default());
        let post: Arc<dyn Post> = Arc::<Counting>::clone(&counting);
        (counting, JobCx::new(0, post, None).waker())
    }

    #[test]
    fn a_stream_of_single_bytes_is_kept_in_few_chunks_and_comes_out_in_order() {
        let pipe = Pipe::for_request(waker().1);
        let sent: Vec<u8> = (0..100_000_u32).map(|n| n as u8).collect();
        for byte in &sent {
            assert!(pipe.push(core::slice::from_ref(byte)));
        }
        assert!(pipe.lock().chunks.len() <= sent.len().div_ceil(CHUNK_BYTES_SHARED));
        pipe.finish();
        let mut got = Vec::new();
        let mut piece = [0; 777];
        while let n @ 1.. = pipe.read(&mut piece).unwrap() {
            got.extend_from_slice(&piece[..n]);
        }
        assert_eq!(got, sent);
    }

    #[test]
    fn a_shard_is_called_once_for_all_that_is_written_before_it_comes() {
        let (calls, waker) = waker();
        let pipe = Pipe::for_answer(waker);
        for _ in 0..1_000 {
            assert_eq!(pipe.write(b"x").unwrap(), 1);
        }
        assert_eq!(calls.0.load(Ordering::Relaxed), 1);
        let mut out = [0; 2_000];
        assert_eq!(pipe.fill(&mut out), Fill::More(1_000));
        assert_eq!(pipe.fill(&mut out), Fill::Blocked);
        pipe.write(b"x").unwrap();
        pipe.finish();
        pipe.cut();
        assert_eq!(calls.0.load(Ordering::Relaxed), 3, "for the byte, and for the one end");
        assert_eq!(pipe.fill(&mut out), Fill::End(1));
    }
}
