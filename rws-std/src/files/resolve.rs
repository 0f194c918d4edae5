//! From a canonical path to what stands there: the slow way, which the cache saves.

use alloc::sync::Arc;

use rws_core::UnixTime;
use rws_core::semantics::etag::FileTag;
use rws_core::semantics::media_type;

use super::head::{HeadParts, PreparedHead};
use super::listing;
use super::plan::unix_time;
use super::root::{Located, Refusal, Stamp};
use super::rules::{Relative, admit, is_admitted};
use super::{Files, OpenFile, join};

/// What a path answers with.
#[derive(Debug)]
pub(super) enum Resource {
    File(FileSet),
    /// A directory, asked for without a slash at the end.
    Redirect,
    /// The page that lists a directory.
    Listing(Arc<[u8]>),
}

/// A file and its pre-compressed siblings.
#[derive(Debug)]
pub(super) struct FileSet {
    pub(super) identity: Arc<OpenFile>,
    pub(super) brotli: Option<Arc<OpenFile>>,
    pub(super) gzip: Option<Arc<OpenFile>>,
}

impl FileSet {
    /// Whether what is sent depends on `Accept-Encoding`.
    pub(super) fn varies(&self) -> bool {
        self.brotli.is_some() || self.gzip.is_some()
    }

    fn all(&self) -> impl Iterator<Item = &Arc<OpenFile>> {
        [Some(&self.identity), self.brotli.as_ref(), self.gzip.as_ref()].into_iter().flatten()
    }
}

impl Resource {
    /// Bytes of memory that it holds.
    pub(super) fn memory_bytes(&self) -> u64 {
        match self {
            Resource::File(set) => set.all().filter_map(|file| file.bytes()).map(|b| b.len() as u64).sum(),
            Resource::Redirect => 0,
            Resource::Listing(page) => page.len() as u64,
        }
    }

    /// Descriptors that it holds.
    pub(super) fn descriptors(&self) -> usize {
        match self {
            Resource::File(set) => set.all().filter(|file| file.descriptor().is_some()).count(),
            Resource::Redirect | Resource::Listing(_) => 0,
        }
    }
}

/// Finds what stands at `path`. Files of `previous` that have not changed are kept as they are.
pub(super) fn resolve(files: &Files, path: &str, previous: Option<&Resource>) -> Result<Resource, Refusal> {
    let Relative { path, directory } = admit(files, path).ok_or(Refusal::Missing)?;
    let previous = match previous {
        Some(Resource::File(set)) => Some(set),
        Some(Resource::Redirect | Resource::Listing(_)) | None => None,
    };
    if directory {
        return index_of(files, path, previous);
    }
    match locate(files, path)? {
        Located::File(stamp) => Ok(Resource::File(file_set(files, path, stamp, previous)?)),
        Located::Directory => Ok(Resource::Redirect),
        Located::Special => Err(Refusal::Missing),
    }
}

fn index_of(files: &Files, path: &str, previous: Option<&FileSet>) -> Result<Resource, Refusal> {
    for name in &files.index {
        let at = join(path, name);
        if !is_admitted(files, &at, false) {
            continue;
        }
        match locate(files, &at) {
            Ok(Located::File(stamp)) => {
                return Ok(Resource::File(file_set(files, &at, stamp, previous)?));
            }
            Ok(Located::Directory | Located::Special) | Err(Refusal::Missing) => {}
            Err(refusal) => return Err(refusal),
        }
    }
    if files.directory_listing {
        return Ok(Resource::Listing(listing::render(files, path)?));
    }
    Err(Refusal::Missing)
}

fn locate(files: &Files, path: &str) -> Result<Located, Refusal> {
    files.root.locate(path, |real| is_admitted(files, real, false))
}

fn file_set(files: &Files, path: &str, stamp: Stamp, previous: Option<&FileSet>) -> Result<FileSet, Refusal> {
    let identity = keep_or_open(files, path, stamp, None, previous.map(|set| &set.identity))?;
    let sibling = |ending: &str, coding, previous: Option<&Arc<OpenFile>>| {
        if !files.precompressed {
            return None;
        }
        let at = format!("{path}{ending}");
        let Ok(Located::File(stamp)) = locate(files, &at) else { return None };
        // One that cannot be opened is passed over: the file itself is there to be sent.
        let file = keep_or_open(files, &at, stamp, Some((coding, path)), previous).ok()?;
        is_as_new(file.stamp(), identity.stamp()).then_some(file)
    };
    let brotli = sibling(".br", "br", previous.and_then(|set| set.brotli.as_ref()));
    let gzip = sibling(".gz", "gzip", previous.and_then(|set| set.gzip.as_ref()));
    Ok(FileSet { identity, brotli, gzip })
}

/// Whether a sibling was made from the file as it is now. Some packers copy the file's time without its
/// nanoseconds.
fn is_as_new(sibling: Stamp, original: Stamp) -> bool {
    let (seconds, nanoseconds) = sibling.modified;
    sibling.modified >= original.modified || (nanoseconds == 0 && seconds == original.modified.0)
}

/// The previous state of a file if nothing tells it from the present one, else the present one. `coding`
/// of a sibling comes with the path of the file that it stands for.
fn keep_or_open(
    files: &Files,
    path: &str,
    stamp: Stamp,
    coding: Option<(&str, &str)>,
    previous: Option<&Arc<OpenFile>>,
) -> Result<Arc<OpenFile>, Refusal> {
    if let Some(previous) = previous
        && previous.is_still(stamp)
    {
        return Ok(Arc::clone(previous));
    }
    let (fd, stamp) = files.root.read(path, |real| is_admitted(files, real, false))?;
    let typed_by = coding.map_or(path, |(_, original)| original);
    let prepare = |stamp| prepare(files, typed_by, stamp, coding.map(|(coding, _)| coding));
    OpenFile::load(fd, stamp, files, prepare).map(Arc::new)
}

/// The fields of a file, rendered. `path` says what type its content has.
fn prepare(files: &Files, path: &str, stamp: Stamp, coding: Option<&str>) -> PreparedHead {
    let modified = UnixTime(stamp.modified.0);
    PreparedHead::new(&HeadParts {
        content_type: media_type::of_path(path),
        content_encoding: coding,
        cache_control: files.cache_control.as_deref(),
        tag: tag(stamp),
        // No date later than the answer's own (RFC 9110 §8.8.2.1).
        last_modified: (modified <= unix_time()).then_some(modified),
    })
}

/// The entity tag of one state of a file. Which file it is counts, besides time and length: images are built
/// with one time for all files, and a sibling must not share its original's tag. The inode goes in mixed, so
/// that it is not told to everybody.
fn tag(stamp: Stamp) -> FileTag {
    let (seconds, nanoseconds) = stamp.modified;
    let which = (stamp.inode ^ stamp.device.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    FileTag::new(UnixTime(seconds), nanoseconds ^ (which >> 32) as u32, stamp.len)
}
