//! Static files: from a canonical path and the fields of a request to what is answered.
//!
//! ```text
//!   rules      may this name be served at all?            dot-files, key files
//!   root       open it beneath the root, or not at all    openat2, regular files only
//!   open_file  one state of one file: content + fields    small ones in memory, others as a descriptor
//!   resolve    path ──▶ file with its siblings │ redirect │ listing
//!   cache      what resolve found, per thread, bounded, checked anew every few milliseconds
//!   plan       conditions, coding and ranges ──▶ FilePlan { status, fields, body }
//!   body       the plan's bytes: fill (a copy) or send_to (sendfile)
//!   service    all of it as an application
//! ```
//!
//! [`Files`] is the configuration. [`FileServer`] serves it, by itself or as a part of another application;
//! below it each shard has a [`FilesCache`].
//!
//! ```no_run
//! use rws_std::Server;
//! use rws_std::files::{FileServer, Files};
//!
//! fn main() -> std::io::Result<()> {
//!     let files = Files::new("/srv/www")?.directory_listing(true);
//!     Server::bind("127.0.0.1:8080")?.shards(2).run(FileServer::new(files, 2))
//! }
//! ```
//!
//! What is refused by a rule (dot-files, key files, links that lead out, devices and FIFOs, a directory
//! without an index) is answered 404, as if it were not there. A file that the process may not read is 403:
//! somebody put it there to be served, and whoever runs the server should see why it is not.

mod body;
mod byteranges;
mod cache;
mod head;
mod listing;
mod open_file;
mod plan;
mod resolve;
mod root;
mod rules;
mod service;
mod table;
#[cfg(test)]
mod tests;

use core::time::Duration;
use std::io;
use std::path::Path;

pub use body::{Content, FileBody, FileRun, Segment};
pub use cache::FilesCache;
pub use open_file::OpenFile;
pub use plan::{FilePlan, FileRequest};
pub use service::FileServer;

use root::Root;

/// A directory that is served, and by which rules.
///
/// The directory is opened once. What stands at its path later does not matter: to serve a new directory,
/// make a new `Files`.
#[derive(Debug)]
pub struct Files {
    root: Root,
    index: Vec<String>,
    directory_listing: bool,
    hide_dot_files: bool,
    refuse_key_files: bool,
    precompressed: bool,
    cache_control: Option<String>,
    cache_entries_max: usize,
    cache_bytes_max: u64,
    cache_descriptors_max: usize,
    cache_ttl_us: u64,
    cache_idle_us: u64,
    memory_file_bytes_max: u64,
    listing_entries_max: usize,
    /// The longest step of a clock that stamps files: two seconds on FAT.
    stamp_grain: Duration,
}

impl Files {
    /// Serves what is beneath `root`: `index.html` for directories, pre-compressed siblings, no listings,
    /// no dot-files but `.well-known`, no key files, symbolic links only where they stay beneath the root.
    ///
    /// # Errors
    /// If `root` cannot be opened, or is not a directory.
    pub fn new(root: impl AsRef<Path>) -> io::Result<Files> {
        Ok(Files {
            root: Root::open(root.as_ref())?,
            index: vec!["index.html".to_owned()],
            directory_listing: false,
            hide_dot_files: true,
            refuse_key_files: true,
            precompressed: true,
            cache_control: None,
            cache_entries_max: 1024,
            cache_bytes_max: 8 * 1024 * 1024,
            cache_descriptors_max: 128,
            cache_ttl_us: 10_000,
            cache_idle_us: 60_000_000,
            memory_file_bytes_max: 32 * 1024,
            listing_entries_max: 2_000,
            stamp_grain: Duration::from_secs(2),
        })
    }

    /// The names of files that stand for their directory, the first that exists counts. Default:
    /// `index.html`. Names with a slash, and those that would not be served, never match.
    #[must_use]
    pub fn index<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Files {
        self.index = names.into_iter().map(Into::into).filter(|name| !name.contains('/')).collect();
        self
    }

    /// Whether a directory without an index file is answered with a page that lists it. Default: no.
    #[must_use]
    pub fn directory_listing(mut self, on: bool) -> Files {
        self.directory_listing = on;
        self
    }

    /// Whether symbolic links are followed that stay beneath the root (which absolute ones never do).
    /// Where a link leads is judged by the other rules, not by the link's name. Default: yes. A kernel
    /// without `openat2` (before Linux 5.6) follows none.
    #[must_use]
    pub fn follow_symlinks(mut self, on: bool) -> Files {
        self.root.follow_symlinks = on;
        self
    }

    /// Whether names that begin with a dot are answered 404, `/.well-known` excepted. Default: yes.
    #[must_use]
    pub fn hide_dot_files(mut self, on: bool) -> Files {
        self.hide_dot_files = on;
        self
    }

    /// Whether files that look like private keys or like this server's configuration are answered 404
    /// (`*.pem`, `*.key`, `*.p12`, `id_rsa`, `rws.config.toml`, …, and their backups). Default: yes.
    #[must_use]
    pub fn refuse_key_files(mut self, on: bool) -> Files {
        self.refuse_key_files = on;
        self
    }

    /// Whether `name.br` or `name.gz` is sent for `name` to clients that take it, if it is as new as
    /// `name`. Default: yes.
    #[must_use]
    pub fn precompressed(mut self, on: bool) -> Files {
        self.precompressed = on;
        self
    }

    /// The `Cache-Control` of every file. Default: none.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if `value` cannot be a field value.
    pub fn cache_control(mut self, value: impl Into<String>) -> io::Result<Files> {
        let value = value.into();
        if value.is_empty() || !rws_core::message::is_field_value(value.as_bytes()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "Cache-Control is no field value"));
        }
        self.cache_control = Some(value);
        Ok(self)
    }

    /// How many paths a thread remembers, and besides a quarter as many that lead nowhere. 0 turns the
    /// cache off. Default: 1,024.
    #[must_use]
    pub fn cache_entries_max(mut self, entries: usize) -> Files {
        self.cache_entries_max = entries;
        self
    }

    /// How many bytes of content a thread keeps in memory. Default: 8 MiB.
    #[must_use]
    pub fn cache_bytes_max(mut self, bytes: u64) -> Files {
        self.cache_bytes_max = bytes;
        self
    }

    /// How many descriptors a thread keeps open between requests. Default: 128.
    #[must_use]
    pub fn cache_descriptors_max(mut self, descriptors: usize) -> Files {
        self.cache_descriptors_max = descriptors;
        self
    }

    /// How long a thread relies on what it knows of a path before it looks again: µs. Default: 10,000; a
    /// change is seen after that at the latest, and a busy path costs a hundred looks per second.
    #[must_use]
    pub fn cache_ttl_us(mut self, us: u64) -> Files {
        self.cache_ttl_us = us;
        self
    }

    /// Files up to this length are held in memory and copied, longer ones are sent by `sendfile`: bytes.
    /// Default: 32 KiB, up to which the copy was measured to cost less.
    #[must_use]
    pub fn memory_file_bytes_max(mut self, bytes: u64) -> Files {
        self.memory_file_bytes_max = bytes;
        self
    }

    /// How many entries of a directory are read for a listing. Default: 2,000.
    #[must_use]
    pub fn listing_entries_max(mut self, entries: usize) -> Files {
        self.listing_entries_max = entries;
        self
    }
}

/// `folder/name`, where the folder may be the root (empty).
fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
