//! Counters of a shard: written by whoever drives it, read by anybody.

use core::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {
        /// What a shard has counted since the start.
        #[derive(Debug, Default)]
        pub(crate) struct ShardStats { $($(#[doc = $doc])+ pub(crate) $name: Counter,)+ }

        /// The same as plain numbers; can be added up over shards.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct StatsSnapshot { $($(#[doc = $doc])+ pub $name: u64,)+ }

        impl ShardStats {
            /// The numbers as they stand.
            pub(crate) fn snapshot(&self) -> StatsSnapshot {
                StatsSnapshot { $($name: self.$name.value(),)+ }
            }
        }

        impl StatsSnapshot {
            /// The sum of both.
            #[must_use]
            pub const fn plus(self, other: StatsSnapshot) -> StatsSnapshot {
                StatsSnapshot { $($name: self.$name.wrapping_add(other.$name),)+ }
            }
        }
    };
}

counters! {
    /// Requests whose head was read whole (`REQUESTS_TOTAL`).
    requests_total;
    /// Answers with a 5xx status (`ERRORS_TOTAL`), those to refused requests and for panics included.
    errors_total;
    /// Requests that the protocol engine refused.
    refused_total;
    /// Exchanges that were cut short.
    aborted_total;
    /// Handlers that panicked.
    panics_total;
    /// Connections accepted.
    accepted_total;
    /// Connections that were turned away: no descriptors, or too many from one address.
    turned_away_total;
    /// Connections open now (`ACTIVE_CONNECTIONS`).
    connections_open;
    /// Letters of late jobs that named an exchange which was over.
    stale_mail_total;
}

/// A number with one writer at a time: adding is a load and a store, without a locked instruction. Meant for
/// what the thread that drives a shard counts for that shard; anybody may read.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    #[inline]
    pub fn up(&self) {
        self.add(1);
    }

    /// Adds `n`.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// Takes one away.
    #[inline]
    pub fn down(&self) {
        self.add(u64::MAX);
    }

    /// The number.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
