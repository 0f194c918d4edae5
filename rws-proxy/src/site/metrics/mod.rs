//! What is counted of each route, and the page that tells it.
//!
//! ```text
//!   shard 0: route 0 … route n, unmatched ┐
//!   shard 1: route 0 … route n, unmatched ┼──▶ added up when somebody asks ──▶ text format 0.0.4
//! ```
//!
//! A shard counts by itself, without a locked instruction. Labels come from the configuration alone, so a
//! stranger cannot make new ones.

mod page;
mod text;

use core::time::Duration;
use std::collections::HashMap;

use rws_core::Status;
use rws_std::{Counter, ServerHandle};

/// Upper bounds of the buckets of durations: µs. One more bucket takes what is longer.
const BUCKETS_US: [u64; 15] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 10_000_000,
];

/// The label of requests that no route took.
const UNMATCHED: &str = "unmatched";

/// Everything that is counted here.
#[derive(Debug)]
pub(super) struct Metrics {
    /// Label values; the last one is [`UNMATCHED`].
    labels: Vec<Box<str>>,
    /// The place in `labels` of each route: routes of one pattern share one.
    of_route: Vec<usize>,
    shards: Box<[Box<[RouteCounts]>]>,
}

/// What one shard counts of one label.
#[derive(Debug, Default)]
struct RouteCounts {
    /// Whole answers by the first digit of their status, 1xx to 5xx.
    by_class: [Counter; 5],
    aborted: Counter,
    /// Whole answers by their duration; the last bucket has no upper bound.
    by_duration: [Counter; BUCKETS_US.len() + 1],
    duration_us: Counter,
}

/// How an exchange ended, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Whole(Status),
    Aborted,
}

impl Metrics {
    /// Counters for routes with these labels, in each of `shards`.
    pub(super) fn new<'l>(route_labels: impl Iterator<Item = &'l str>, shards: usize) -> Metrics {
        let (mut labels, mut places, mut of_route) = (Vec::<Box<str>>::new(), HashMap::new(), Vec::new());
        for label in route_labels {
            let place = *places.entry(label).or_insert_with(|| {
                labels.push(label.into());
                labels.len() - 1
            });
            of_route.push(place);
        }
        labels.push(UNMATCHED.into());
        let counts = || labels.iter().map(|_| RouteCounts::default()).collect();
        Metrics { shards: (0..shards.max(1)).map(|_| counts()).collect(), labels, of_route }
    }

    /// Counts one exchange. Only for the thread that drives `shard`.
    pub(super) fn count(&self, shard: usize, route: Option<usize>, ended: Ended, duration: Duration) {
        let unmatched = self.labels.len() - 1;
        let place = route.and_then(|route| self.of_route.get(route).copied()).unwrap_or(unmatched);
        let Some(counts) = self.shards.get(shard).and_then(|counts| counts.get(place)) else { return };
        match ended {
            Ended::Whole(status) => {
                let class = usize::from(status.code() / 100).clamp(1, 5) - 1;
                let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
                let bucket = BUCKETS_US.iter().position(|&most| us <= most).unwrap_or(BUCKETS_US.len());
                counts.by_class[class].up();
                counts.by_duration[bucket].up();
                counts.duration_us.add(us);
            }
            Ended::Aborted => counts.aborted.up(),
        }
    }

    /// Counts a request that was refused before it could be read. Only for the thread that drives `shard`.
    pub(super) fn count_refused(&self, shard: usize, status: Status) {
        let class = usize::from(status.code() / 100).clamp(1, 5) - 1;
        if let Some(unmatched) = self.shards.get(shard).and_then(|counts| counts.last()) {
            unmatched.by_class[class].up();
        }
    }

    /// The page, in the text format 0.0.4.
    pub(super) fn page(&self, server: Option<&ServerHandle>, log_lines_dropped: Option<u64>) -> String {
        page::write(self, server, log_lines_dropped)
    }

    /// What all shards together have counted of a label.
    fn sum(&self, place: usize, of: impl Fn(&RouteCounts) -> u64) -> u64 {
        self.shards.iter().filter_map(|counts| counts.get(place)).map(of).fold(0, u64::wrapping_add)
    }
}

#[cfg(test)]
mod tests;
