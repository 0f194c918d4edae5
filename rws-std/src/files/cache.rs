//! What one thread remembers of the files that it serves.
//!
//! ```text
//!              ┌─ younger than the ttl ──▶ answer from memory, no system call
//!   known ─────┤
//!              └─ older ──▶ resolve again; files whose stamp is the same are kept as they are
//!   unknown ──▶ resolve ──▶ remember, evict beyond the limits
//!
//!   no descriptors left (EMFILE) ──▶ forget everything, try once more, else 503
//! ```
//!
//! Paths that lead nowhere have a table of their own, so that a scan for random names pushes nothing useful
//! out.

use alloc::sync::Arc;

use rws_core::Instant;

use super::Files;
use super::plan::{self, FilePlan, FileRequest};
use super::resolve::{Resource, resolve};
use super::root::Refusal;
use super::table::Table;

/// Longer paths are looked up each time, so that what is remembered has a bound: bytes.
const PATH_BYTES_MAX: usize = 1024;

/// The cache of one thread, and the way to plans.
#[derive(Debug)]
pub struct FilesCache {
    files: Arc<Files>,
    found: Table<Resource>,
    refused: Table<Refusal>,
    memory_bytes: u64,
    descriptors: usize,
}

impl FilesCache {
    /// An empty cache for `files`.
    pub fn new(files: Arc<Files>) -> FilesCache {
        FilesCache { files, found: Table::new(), refused: Table::new(), memory_bytes: 0, descriptors: 0 }
    }

    /// What is answered to `request`. Touches the file system where the cache cannot say; never waits for
    /// anything but the disk. For a file that is known and fresh: no system call, no allocation.
    pub fn plan(&mut self, request: &FileRequest<'_>, now: Instant) -> FilePlan {
        if let Some(plan) = plan::of_method(request.method) {
            return plan;
        }
        let ttl = self.files.cache_ttl_us;
        let known = match self.found.get(request.path, now) {
            Some((resource, checked)) if now.since_us(checked) < ttl => {
                return plan::of_resource(resource, request);
            }
            other => other.is_some(),
        };
        if !known
            && let Some((&refusal, checked)) = self.refused.get(request.path, now)
            && now.since_us(checked) < ttl
        {
            return plan::of_refusal(refusal);
        }
        self.look(request, now)
    }

    /// Forgets what nobody has asked for in a while, so that descriptors of files which are not used (or
    /// not even there) any more are closed. Looks at `entries` entries. Every request that has to ask the
    /// file system sweeps one; a thread without any can call this now and then.
    pub fn sweep(&mut self, now: Instant, entries: usize) {
        for _ in 0..entries {
            if let Some(resource) = self.found.sweep_one(now, self.files.cache_idle_us) {
                self.forgotten(&resource);
            }
            self.refused.sweep_one(now, self.files.cache_idle_us);
        }
    }

    /// Forgets everything: closes every descriptor that no answer is being sent from. For a thread that
    /// has run out of them.
    pub fn clear(&mut self) {
        self.found.clear();
        self.refused.clear();
        self.memory_bytes = 0;
        self.descriptors = 0;
    }

    /// The configuration.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// How many paths are remembered, those that lead nowhere included.
    pub fn entries(&self) -> usize {
        self.found.len() + self.refused.len()
    }

    /// How many descriptors are held.
    pub fn descriptors(&self) -> usize {
        self.descriptors
    }

    /// How many bytes of content are held.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    fn look(&mut self, request: &FileRequest<'_>, now: Instant) -> FilePlan {
        self.sweep(now, 1);
        let previous = self.found.get(request.path, now).map(|(resource, _)| resource);
        let mut answer = resolve(&self.files, request.path, previous);
        if let Err(Refusal::Exhausted) = answer {
            self.clear();
            answer = resolve(&self.files, request.path, None);
        }
        match answer {
            Ok(resource) => {
                let plan = plan::of_resource(&resource, request);
                self.refused.remove(request.path);
                self.remember(request.path, resource, now);
                plan
            }
            Err(refusal) => {
                if let Some(old) = self.found.remove(request.path) {
                    self.forgotten(&old);
                }
                self.remember_refusal(request.path, refusal, now);
                plan::of_refusal(refusal)
            }
        }
    }

    fn remember(&mut self, path: &str, resource: Resource, now: Instant) {
        if path.len() > PATH_BYTES_MAX {
            return;
        }
        self.memory_bytes += resource.memory_bytes();
        self.descriptors += resource.descriptors();
        if let Some(old) = self.found.put(path, resource, now) {
            self.forgotten(&old);
        }
        while self.found.len() > self.files.cache_entries_max
            || self.memory_bytes > self.files.cache_bytes_max
            || self.descriptors > self.files.cache_descriptors_max
        {
            let Some(old) = self.found.evict() else { break };
            self.forgotten(&old);
        }
    }

    fn remember_refusal(&mut self, path: &str, refusal: Refusal, now: Instant) {
        match refusal {
            Refusal::Missing | Refusal::Forbidden if path.len() <= PATH_BYTES_MAX => {
                self.refused.put(path, refusal, now);
            }
            // The latter pass by themselves: the next request looks again.
            Refusal::Missing | Refusal::Forbidden | Refusal::Exhausted | Refusal::Broken => {
                self.refused.remove(path);
            }
        }
        while self.refused.len() > self.files.cache_entries_max / 4 {
            self.refused.evict();
        }
    }

    fn forgotten(&mut self, resource: &Resource) {
        self.memory_bytes = self.memory_bytes.saturating_sub(resource.memory_bytes());
        self.descriptors = self.descriptors.saturating_sub(resource.descriptors());
    }
}
