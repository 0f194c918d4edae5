//! Files as an application: what a shard runs.

use alloc::sync::Arc;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, TryLockError};

use rws_core::Instant;
use rws_core::connection::{Fill, HeadAnswer};
use rws_core::message::RequestHead;
use rws_core::service::{Context, Service, Taken, WholeAnswer};

use super::{FilePlan, FileRequest, Files, FilesCache};
use crate::application::Application;
use crate::job::JobCx;

/// Entries that a sweep looks at, once a second: the whole of a full cache within its idle time.
const SWEPT_AT_ONCE: usize = 32;

/// Serves [`Files`], with a cache for each shard.
///
/// By itself it is an [`Application`] that serves the whole path; another one can call
/// [`FileServer::plan`] with what is left of a path, keep the plan as its state, and carry it out as this
/// one does.
#[derive(Debug)]
pub struct FileServer {
    files: Arc<Files>,
    caches: Box<[Mutex<FilesCache>]>,
}

impl FileServer {
    /// A server with `shards` caches (at least one).
    pub fn new(files: Files, shards: usize) -> FileServer {
        let files = Arc::new(files);
        let cache = || Mutex::new(FilesCache::new(Arc::clone(&files)));
        FileServer { caches: (0..shards.max(1)).map(|_| cache()).collect(), files }
    }

    /// The configuration.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// What is answered to `request`, from the cache of `shard`.
    ///
    /// While another thread is still waiting for the disk with that cache (the shard was taken from it), the
    /// answer is found without: no thread waits for another's file.
    pub fn plan(&self, shard: usize, request: &FileRequest<'_>, now: Instant) -> FilePlan {
        let lock = &self.caches[shard % self.caches.len()];
        match lock.try_lock() {
            Ok(mut cache) => cache.plan(request, now),
            // A panic left it half changed: what it remembers is not to be trusted.
            Err(TryLockError::Poisoned(poisoned)) => {
                lock.clear_poison();
                let mut cache = poisoned.into_inner();
                cache.clear();
                cache.plan(request, now)
            }
            Err(TryLockError::WouldBlock) => FilesCache::new(Arc::clone(&self.files)).plan(request, now),
        }
    }
}

impl FileServer {
    /// Forgets, of the cache of `shard`, some of what nobody has asked for lately: to be called now and then.
    pub fn sweep(&self, shard: usize, now: Instant) {
        if let Ok(mut cache) = self.caches[shard % self.caches.len()].try_lock() {
            cache.sweep(now, SWEPT_AT_ONCE);
        }
    }
}

impl Service<JobCx> for FileServer {
    type State = FilePlan;

    fn begin(&self, cx: &mut JobCx, head: &mut RequestHead<'_>) -> FilePlan {
        let request = FileRequest {
            method: head.method(),
            path: head.path(),
            query: head.query(),
            fields: head.fields(),
        };
        self.plan(cx.shard(), &request, cx.now())
    }

    fn body(&self, _cx: &mut JobCx, _state: &mut FilePlan, _chunk: &[u8], _end: bool) -> Taken {
        Taken::Stop
    }

    fn head<'s>(&self, state: &'s mut FilePlan) -> HeadAnswer<'s> {
        let (head, body) = state.head();
        HeadAnswer::Final(head, body)
    }

    fn whole<'s>(&self, state: &'s FilePlan) -> Option<WholeAnswer<'s>> {
        state.whole()
    }

    fn fill(&self, state: &mut FilePlan, out: &mut [u8]) -> Fill {
        state.body_mut().fill(out)
    }
}

impl Application for FileServer {
    fn tidy(&self, cx: &mut JobCx) {
        self.sweep(cx.shard(), cx.now());
    }

    fn direct(&self, state: &mut FilePlan) -> u64 {
        state.body().direct()
    }

    fn send(&self, state: &mut FilePlan, socket: BorrowedFd<'_>, len: u64) -> io::Result<usize> {
        state.body_mut().send_to(socket, len)
    }
}
