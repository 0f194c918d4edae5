//! The bytes of an answer, and how far they have gone.
//!
//! ```text
//!   nothing │ text │ listing │ one run of a file │ segments: inline bytes and runs (multipart/byteranges)
//!
//!   direct() > 0  ──▶ send_to(socket)   sendfile, straight from the page cache
//!   otherwise     ──▶ fill(out)         a copy: from memory, or by one pread
//! ```
//!
//! A file that has become shorter than its answer promised ends as [`Fill::Abort`] or as 0 bytes sent: the connection is
//! cut, and the answer never looks complete.

use alloc::sync::Arc;
use std::io;
use std::os::fd::AsFd;

use rustix::io::Errno;
use rws_core::Fill;
use rws_core::connection::BodyPlan;

use super::OpenFile;

/// A run of a file shorter than this is copied beside what else is sent: one system call less. Bytes.
const DIRECT_BYTES_MIN: u64 = 16 * 1024;

/// A run of bytes of an open file.
#[derive(Clone, Debug)]
pub struct FileRun {
    /// The file.
    pub file: Arc<OpenFile>,
    /// Offset of the first byte.
    pub offset: u64,
    /// Length in bytes.
    pub len: u64,
}

/// A piece of a body of several.
#[derive(Clone, Debug)]
pub enum Segment {
    /// Bytes as they are: a part's delimiter and head.
    Inline(Box<[u8]>),
    /// A run of a file.
    Run(FileRun),
}

/// What a body is made of.
#[derive(Clone, Debug)]
pub enum Content {
    /// Nothing.
    Empty,
    /// A short text.
    Text(&'static str),
    /// Rendered bytes, shared with the cache.
    Shared(Arc<[u8]>),
    /// One run of one file.
    Run(FileRun),
    /// Several pieces, one after the other.
    Segments(Box<[Segment]>),
}

/// A body and how much of it has gone.
#[derive(Debug)]
pub struct FileBody {
    content: Content,
    len: u64,
    /// Bytes of the whole that are gone.
    gone: u64,
    /// The segment that is next, and the bytes of it that are gone; of a body in one piece only the
    /// second is used.
    segment: usize,
    within: u64,
}

/// The next bytes that can be taken in one go.
enum Next<'b> {
    Bytes(&'b [u8]),
    File(&'b OpenFile, u64, u64),
    Nothing,
}

impl FileBody {
    pub(super) fn new(content: Content) -> FileBody {
        let len = match &content {
            Content::Empty => 0,
            Content::Text(text) => text.len() as u64,
            Content::Shared(bytes) => bytes.len() as u64,
            Content::Run(run) => run.len,
            Content::Segments(segments) => segments.iter().map(Segment::len).fold(0, u64::saturating_add),
        };
        FileBody { content, len, gone: 0, segment: 0, within: 0 }
    }

    /// What it is made of.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Its length: bytes. This is the `Content-Length`, of the answer to HEAD too.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that have not gone yet.
    pub fn left(&self) -> u64 {
        self.len - self.gone
    }

    /// How the body is announced to the engine.
    pub fn plan(&self) -> BodyPlan {
        match self.content {
            Content::Empty => BodyPlan::None,
            Content::Text(_) | Content::Shared(_) | Content::Run(_) | Content::Segments(_) => {
                BodyPlan::Sized(self.len)
            }
        }
    }

    /// All of it, if it lies in memory in one piece and none of it has gone.
    pub fn whole(&self) -> Option<&[u8]> {
        match &self.content {
            _ if self.gone > 0 => None,
            Content::Text(text) => Some(text.as_bytes()),
            Content::Shared(bytes) => Some(bytes),
            Content::Run(run) => {
                let from = usize::try_from(run.offset).ok()?;
                run.file.bytes()?.get(from..)?.get(..usize::try_from(run.len).ok()?)
            }
            Content::Empty | Content::Segments(_) => None,
        }
    }

    /// Copies the next bytes into `out`. Never blocks on a socket; reads a file where it must.
    pub fn fill(&mut self, out: &mut [u8]) -> Fill {
        let mut made = 0;
        while made < out.len() {
            let room = &mut out[made..];
            let n = match self.next() {
                Next::Nothing => break,
                Next::Bytes(bytes) => {
                    let n = bytes.len().min(room.len());
                    room[..n].copy_from_slice(&bytes[..n]);
                    n
                }
                // What is left for `send_to` is not copied behind what already stands in `out`.
                Next::File(_, _, len) if made > 0 && len >= DIRECT_BYTES_MIN => break,
                Next::File(file, offset, len) => {
                    let want = usize::try_from(len).unwrap_or(usize::MAX).min(room.len());
                    match file.read_at(offset, &mut room[..want]) {
                        Ok(n) if n == want => n,
                        Ok(_) | Err(_) => return Fill::Abort,
                    }
                }
            };
            made += n;
            self.advance(n as u64);
        }
        if self.left() == 0 { Fill::End(made) } else { Fill::More(made) }
    }

    /// How many of the next bytes are better sent by [`FileBody::send_to`]; 0 means [`FileBody::fill`].
    pub fn direct(&self) -> u64 {
        match self.next() {
            Next::File(_, _, len) if len >= DIRECT_BYTES_MIN => len,
            Next::File(..) | Next::Bytes(_) | Next::Nothing => 0,
        }
    }

    /// Sends the next bytes of a file into `socket` by `sendfile`, at most `bytes_max` in this call; says how
    /// many went. 0 means that the file has no more of what was promised: cut the connection.
    ///
    /// Once begun, a run is finished by this, however little is left of it: call it until the number that
    /// [`FileBody::direct`] gave has been sent.
    ///
    /// # Errors
    /// `WouldBlock` when the socket takes nothing now; whatever else says that it is broken, or that the file
    /// cannot be read.
    pub fn send_to(&mut self, socket: impl AsFd, bytes_max: u64) -> io::Result<usize> {
        let Next::File(file, mut offset, len) = self.next() else { return Ok(0) };
        let Some(descriptor) = file.descriptor() else { return Ok(0) };
        // The kernel moves at most 2 GiB less a page in one call.
        let want = len.min(bytes_max).min(0x7fff_f000) as usize;
        loop {
            match rustix::fs::sendfile(&socket, descriptor, Some(&mut offset), want) {
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
                Ok(n) => {
                    self.advance(n as u64);
                    return Ok(n);
                }
            }
        }
    }

    fn next(&self) -> Next<'_> {
        match &self.content {
            Content::Empty => Next::Nothing,
            Content::Text(text) => rest(text.as_bytes(), self.within),
            Content::Shared(bytes) => rest(bytes, self.within),
            Content::Run(run) => run.next(self.within),
            Content::Segments(segments) => match segments.get(self.segment) {
                None => Next::Nothing,
                Some(Segment::Inline(bytes)) => rest(bytes, self.within),
                Some(Segment::Run(run)) => run.next(self.within),
            },
        }
    }

    fn advance(&mut self, n: u64) {
        debug_assert!(n <= self.left());
        self.gone += n;
        self.within += n;
        let Content::Segments(segments) = &self.content else { return };
        while let Some(segment) = segments.get(self.segment)
            && self.within >= segment.len()
        {
            self.within -= segment.len();
            self.segment += 1;
        }
    }
}

impl FileRun {
    fn next(&self, within: u64) -> Next<'_> {
        let left = self.len.saturating_sub(within);
        if left == 0 {
            return Next::Nothing;
        }
        let from = self.offset + within;
        match self.file.bytes() {
            None => Next::File(&self.file, from, left),
            Some(bytes) => {
                let run = bytes.get(..(from + left) as usize).unwrap_or(bytes);
                rest(run, from)
            }
        }
    }
}

impl Segment {
    fn len(&self) -> u64 {
        match self {
            Segment::Inline(bytes) => bytes.len() as u64,
            Segment::Run(run) => run.len,
        }
    }
}

fn rest(bytes: &[u8], within: u64) -> Next<'_> {
    match bytes.get(within as usize..) {
        Some([]) | None => Next::Nothing,
        Some(rest) => Next::Bytes(rest),
    }
}
