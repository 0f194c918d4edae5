//! What an application may know about the server that runs it.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use crate::handover::ThreadStats;
use crate::stats::{ShardStats, StatsSnapshot};

/// Tells how a running server is doing; cheap to clone.
#[derive(Clone)]
pub struct ServerHandle(Arc<Shared>);

struct Shared {
    stats: Vec<Arc<ShardStats>>,
    threads: Box<dyn Fn() -> ThreadStats + Send + Sync>,
    is_draining: AtomicBool,
}

impl ServerHandle {
    pub(crate) fn new(
        stats: Vec<Arc<ShardStats>>,
        threads: impl Fn() -> ThreadStats + Send + Sync + 'static,
    ) -> ServerHandle {
        let is_draining = AtomicBool::new(false);
        ServerHandle(Arc::new(Shared { stats, threads: Box::new(threads), is_draining }))
    }

    /// What the shards have counted, added up.
    pub fn stats(&self) -> StatsSnapshot {
        self.0.stats.iter().fold(StatsSnapshot::default(), |sum, stats| sum.plus(stats.snapshot()))
    }

    /// What the threads are doing.
    pub fn threads(&self) -> ThreadStats {
        (self.0.threads)()
    }

    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.0.stats.len()
    }

    /// Whether the server is about to end: it only finishes what is under way, or soon will
    /// ([`Settings::drain_delay`](crate::Settings::drain_delay)).
    pub fn is_draining(&self) -> bool {
        self.0.is_draining.load(Ordering::Relaxed)
    }

    pub(crate) fn begin_drain(&self) {
        self.0.is_draining.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
