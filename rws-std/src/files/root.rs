//! Opening beneath a root, and nowhere else.
//!
//! ```text
//!   locate(path)  an O_PATH descriptor: says what is there without opening it (no device is touched, no
//!                 FIFO waits), and what it is stamped with
//!   read(path)    a descriptor to read from, of the same regular file or nothing
//! ```
//!
//! The kernel resolves each path in one step beneath the root (`openat2`, `RESOLVE_BENEATH`); where it does
//! not know that call, each component is opened by itself and no link is followed.

use core::str;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

/// How often a lookup that lost a race against a rename is tried again.
const RACE_RETRIES: usize = 8;

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) len: u64,
    /// Seconds since 1970, and nanoseconds beyond them.
    pub(super) modified: (i64, u32),
    /// Also moves when a mode, a link count or a name changes.
    pub(super) changed: (i64, u32),
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Located {
    File(Stamp),
    Directory,
    /// A device, FIFO, socket or anything else that is never served.
    Special,
}

/// Why nothing was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Not there, outside of the root, or not something that is served.
    Missing,
    /// There, but this process may not read it.
    Forbidden,
    /// This process or the machine has no descriptor or memory left.
    Exhausted,
    /// The file system failed.
    Broken,
}

/// How paths are resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolver {
    /// `openat2`.
    Kernel,
    /// One `openat` with `O_NOFOLLOW` per component.
    Stepwise,
}

/// A directory that everything is opened beneath.
#[derive(Debug)]
pub(super) struct Root {
    fd: OwnedFd,
    resolver: Resolver,
    pub(super) follow_symlinks: bool,
}

impl Root {
    pub(super) fn open(path: &Path) -> io::Result<Root> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
        let resolver = match beneath(&fd, ".", flags, ResolveFlags::empty()) {
            Ok(_) => Resolver::Kernel,
            // Some sandboxes answer EPERM to calls that they do not know.
            Err(Errno::NOSYS | Errno::PERM) => Resolver::Stepwise,
            Err(error) => return Err(error.into()),
        };
        Ok(Root { fd, resolver, follow_symlinks: true })
    }

    /// The same root with the fallback resolver, for tests.
    #[cfg(test)]
    pub(super) fn stepwise(mut self) -> Root {
        self.resolver = Resolver::Stepwise;
        self
    }

    /// What stands at `path`. `admitted` judges where a path really led, if it went over a link.
    pub(super) fn locate(&self, path: &str, admitted: impl Fn(&str) -> bool) -> Result<Located, Refusal> {
        let fd = self.resolve(path, OFlags::PATH, &admitted)?;
        let stat = rustix::fs::fstat(&fd).map_err(refusal)?;
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Located::File(stamp(&stat)),
            FileType::Directory => Located::Directory,
            _ => Located::Special,
        })
    }

    /// Opens the regular file at `path` for reading.
    pub(super) fn read(
        &self,
        path: &str,
        admitted: impl Fn(&str) -> bool,
    ) -> Result<(OwnedFd, Stamp), Refusal> {
        // Should a FIFO have taken the file's place since it was located, O_NONBLOCK keeps this from waiting.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = self.resolve(path, flags, &admitted)?;
        let stamp = stamp_of(fd.as_fd())?;
        Ok((fd, stamp))
    }

    /// Opens the directory at `path` for listing.
    pub(super) fn directory(&self, path: &str, admitted: impl Fn(&str) -> bool) -> Result<OwnedFd, Refusal> {
        self.resolve(path, OFlags::RDONLY | OFlags::DIRECTORY, &admitted)
    }

    fn resolve(
        &self,
        path: &str,
        flags: OFlags,
        admitted: &dyn Fn(&str) -> bool,
    ) -> Result<OwnedFd, Refusal> {
        let path = if path.is_empty() { "." } else { path };
        let flags = flags | OFlags::CLOEXEC;
        if self.resolver == Resolver::Stepwise {
            return stepwise(self.fd.as_fd(), path, flags).map_err(refusal);
        }
        match beneath(&self.fd, path, flags, ResolveFlags::NO_SYMLINKS) {
            Err(Errno::LOOP) if self.follow_symlinks => self.over_links(path, flags, admitted),
            other => other.map_err(refusal),
        }
    }

    /// Follows links that stay beneath the root, and judges the result by where it is, not by how the
    /// link was called: a link named `notes.txt` does not uncover `.git/config`.
    fn over_links(
        &self,
        path: &str,
        flags: OFlags,
        admitted: &dyn Fn(&str) -> bool,
    ) -> Result<OwnedFd, Refusal> {
        let fd = beneath(&self.fd, path, flags, ResolveFlags::empty()).map_err(refusal)?;
        let root = real_path(self.fd.as_fd())?;
        let real = real_path(fd.as_fd())?;
        let inside = match real.strip_prefix(root.as_slice()) {
            Some([b'/', inside @ ..]) => inside,
            Some([]) => &[],
            // A root of "/" already ends with the slash.
            Some(inside) if root == b"/" => inside,
            Some(_) | None => return Err(Refusal::Missing),
        };
        let inside = str::from_utf8(inside).map_err(|_| Refusal::Missing)?;
        if inside.is_empty() || admitted(inside) { Ok(fd) } else { Err(Refusal::Missing) }
    }
}

/// What a regular file that was opened is stamped with; anything else is refused.
pub(super) fn stamp_of(fd: BorrowedFd<'_>) -> Result<Stamp, Refusal> {
    let stat = rustix::fs::fstat(fd).map_err(refusal)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(stamp(&stat)),
        _ => Err(Refusal::Missing),
    }
}

fn beneath(root: &OwnedFd, path: &str, flags: OFlags, more: ResolveFlags) -> rustix::io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | more;
    let mut tries = 0;
    loop {
        match rustix::fs::openat2(root, path, flags, Mode::empty(), resolve) {
            // A rename elsewhere made the kernel unsure of its answer.
            Err(Errno::AGAIN | Errno::INTR) if tries < RACE_RETRIES => tries += 1,
            other => return other,
        }
    }
}

fn stepwise(root: BorrowedFd<'_>, path: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let (folders, last) = path.rsplit_once('/').unwrap_or(("", path));
    let mut at: Option<OwnedFd> = None;
    let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for folder in folders.split('/').filter(|folder| !folder.is_empty()) {
        if folder == ".." {
            return Err(Errno::XDEV);
        }
        let from = at.as_ref().map_or(root, AsFd::as_fd);
        at = Some(rustix::fs::openat(from, folder, step, Mode::empty())?);
    }
    if last == ".." {
        return Err(Errno::XDEV);
    }
    let from = at.as_ref().map_or(root, AsFd::as_fd);
    let fd = rustix::fs::openat(from, last, flags | OFlags::NOFOLLOW, Mode::empty())?;
    // O_PATH with O_NOFOLLOW opens the link itself.
    if flags.contains(OFlags::PATH) {
        let stat = rustix::fs::statat(&fd, "", AtFlags::EMPTY_PATH)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            return Err(Errno::LOOP);
        }
    }
    Ok(fd)
}

/// The path of an open descriptor as the kernel knows it. Without `/proc` nothing that needed a link is
/// served.
fn real_path(fd: BorrowedFd<'_>) -> Result<Vec<u8>, Refusal> {
    use std::os::fd::AsRawFd;
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let path = rustix::fs::readlinkat(CWD, link, Vec::new()).map_err(|_| Refusal::Missing)?;
    Ok(path.into_bytes())
}

pub(super) fn stamp(stat: &Stat) -> Stamp {
    #[expect(clippy::unnecessary_cast, reason = "the widths of these members differ between targets")]
    Stamp {
        device: stat.st_dev as u64,
        inode: stat.st_ino as u64,
        len: u64::try_from(stat.st_size).unwrap_or(0),
        modified: (stat.st_mtime as i64, stat.st_mtime_nsec as u32),
        changed: (stat.st_ctime as i64, stat.st_ctime_nsec as u32),
    }
}

/// The four ways in which opening fails, from the kernel's many.
pub(super) fn refusal(error: Errno) -> Refusal {
    match error {
        Errno::ACCESS | Errno::PERM => Refusal::Forbidden,
        Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::AGAIN => Refusal::Exhausted,
        Errno::NOENT
        | Errno::NOTDIR
        | Errno::ISDIR
        | Errno::LOOP
        | Errno::XDEV
        | Errno::NAMETOOLONG
        | Errno::INVAL
        | Errno::ILSEQ
        | Errno::NXIO
        | Errno::NODEV => Refusal::Missing,
        _ => Refusal::Broken,
    }
}
