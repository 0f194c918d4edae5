//! One state of one file, ready to be sent: its content (in memory, or a descriptor) and its fields.

use core::time::Duration;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Files;
use super::head::PreparedHead;
use super::root::{Refusal, Stamp, refusal, stamp_of};

/// A file as it was when it was opened.
#[derive(Debug)]
pub struct OpenFile {
    stamp: Stamp,
    content: Content,
    head: PreparedHead,
    /// Its last change was long enough ago for the stamp to tell the next one.
    settled: bool,
}

#[derive(Debug)]
enum Content {
    Memory(Box<[u8]>),
    Descriptor(File),
}

impl OpenFile {
    /// The length when it was opened: bytes.
    pub fn len(&self) -> u64 {
        self.stamp.len
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The whole content, if it is held in memory.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Memory(bytes) => Some(bytes),
            Content::Descriptor(_) => None,
        }
    }

    /// The descriptor, if the content is not held in memory.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.content {
            Content::Memory(_) => None,
            Content::Descriptor(file) => Some(file.as_fd()),
        }
    }

    pub(super) fn head(&self) -> &PreparedHead {
        &self.head
    }

    pub(super) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Whether a file with this stamp is the same in the same state. Where clocks of file systems are
    /// coarse, two writes can leave one stamp: a file that was opened right after a write is never the same.
    pub(super) fn is_still(&self, stamp: Stamp) -> bool {
        self.settled && self.stamp == stamp
    }

    /// Copies bytes from `offset` on into `out`; fewer only at the end of the file.
    pub(super) fn read_at(&self, offset: u64, out: &mut [u8]) -> std::io::Result<usize> {
        match &self.content {
            Content::Memory(bytes) => {
                let rest = usize::try_from(offset).ok().and_then(|at| bytes.get(at..)).unwrap_or(&[]);
                let n = rest.len().min(out.len());
                out[..n].copy_from_slice(&rest[..n]);
                Ok(n)
            }
            Content::Descriptor(file) => read_full(file, offset, out),
        }
    }

    /// Takes over a descriptor. A file of at most `memory_file_bytes_max` is read and its descriptor closed.
    pub(super) fn load(
        fd: OwnedFd,
        stamp: Stamp,
        files: &Files,
        prepare: impl FnOnce(Stamp) -> PreparedHead,
    ) -> Result<OpenFile, Refusal> {
        let file = File::from(fd);
        let (head, settled) = (prepare(stamp), is_settled(stamp, files.stamp_grain));
        if stamp.len <= files.memory_file_bytes_max
            && let Some(bytes) = read_stable(&file, stamp)?
        {
            return Ok(OpenFile { stamp, content: Content::Memory(bytes), head, settled });
        }
        Ok(OpenFile { stamp, content: Content::Descriptor(file), head, settled })
    }
}

/// Whether the last change is at least one step back of the clock that stamps files.
fn is_settled(stamp: Stamp, grain: Duration) -> bool {
    let (seconds, nanoseconds) = stamp.changed;
    let Ok(seconds) = u64::try_from(seconds) else { return true };
    let changed = Duration::new(seconds, nanoseconds);
    let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().checked_sub(changed);
    age.is_some_and(|age| age >= grain)
}

/// The whole file, if it did not change meanwhile.
fn read_stable(file: &File, stamp: Stamp) -> Result<Option<Box<[u8]>>, Refusal> {
    let Ok(len) = usize::try_from(stamp.len) else { return Ok(None) };
    let mut bytes = vec![0; len].into_boxed_slice();
    let n = read_full(file, 0, &mut bytes).map_err(|error| of_io(&error))?;
    let stable = n == len && stamp_of(file.as_fd())? == stamp;
    Ok(stable.then_some(bytes))
}

fn read_full(file: &File, offset: u64, out: &mut [u8]) -> std::io::Result<usize> {
    let mut n = 0;
    while n < out.len() {
        match file.read_at(&mut out[n..], offset.saturating_add(n as u64)) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(n)
}

fn of_io(error: &std::io::Error) -> Refusal {
    rustix::io::Errno::from_io_error(error).map_or(Refusal::Broken, refusal)
}
