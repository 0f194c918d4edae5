//! The families and what they mean.
//!
//! | name | meaning |
//! |---|---|
//! | `rws_requests_total` | `REQUESTS_TOTAL`: requests whose head was read whole |
//! | `rws_errors_total` | `ERRORS_TOTAL`: answers with a 5xx status |
//! | `rws_active_connections` | `ACTIVE_CONNECTIONS`: connections open now |
//! | `rws_thread_pool_queued` | `THREAD_POOL_QUEUED`: jobs that wait for a thread now |
//! | `rws_route_…` | the same and more by the route's pattern |
//!
//! The format asks for names in lower case, and for `_total` behind what only grows.

use rws_std::ServerHandle;

use super::text::{Kind, Text};
use super::{BUCKETS_US, Metrics, RouteCounts};

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const QUANTILES: [(&str, f64); 3] = [("0.5", 0.5), ("0.95", 0.95), ("0.99", 0.99)];

pub(super) fn write(
    metrics: &Metrics,
    server: Option<&ServerHandle>,
    log_lines_dropped: Option<u64>,
) -> String {
    let mut text = Text::default();
    server_families(&mut text, server);
    if let Some(lines) = log_lines_dropped {
        let help = "Lines that the access log had no room for.";
        text.single("rws_access_log_dropped_lines_total", Kind::Counter, help, lines);
    }
    requests_by_route(&mut text, metrics);
    durations_by_route(&mut text, metrics);
    quantiles_by_route(&mut text, metrics);
    text.into_string()
}

fn server_families(text: &mut Text, server: Option<&ServerHandle>) {
    use Kind::{Counter, Gauge};
    let stats = server.map(ServerHandle::stats).unwrap_or_default();
    let threads = server.map(ServerHandle::threads).unwrap_or_default();
    text.single("rws_requests_total", Counter, "Requests whose head was read whole.", stats.requests_total);
    text.single("rws_errors_total", Counter, "Answers with a 5xx status.", stats.errors_total);
    text.single("rws_active_connections", Gauge, "Connections open now.", stats.connections_open);
    text.single("rws_thread_pool_queued", Gauge, "Jobs that wait for a thread now.", threads.queued);
    let waited = "Jobs that had to wait for a thread.";
    text.single("rws_thread_pool_waited_total", Counter, waited, threads.queued_total);
    let refused = "Jobs refused because no thread was free and the queue was full.";
    text.single("rws_thread_pool_refused_total", Counter, refused, threads.refused_total);
    text.single(
        "rws_threads",
        Gauge,
        "Threads that serve, wait to serve, or are away in jobs.",
        threads.threads,
    );
    let refused = "Requests that broke the protocol and were refused.";
    text.single("rws_requests_refused_total", Counter, refused, stats.refused_total);
    let aborted = "Exchanges that were cut short.";
    text.single("rws_requests_aborted_total", Counter, aborted, stats.aborted_total);
    text.single("rws_connections_accepted_total", Counter, "Connections accepted.", stats.accepted_total);
    let turned_away = "Connections turned away: no descriptor was free, or their address had too many.";
    text.single("rws_connections_turned_away_total", Counter, turned_away, stats.turned_away_total);
    text.single("rws_handler_panics_total", Counter, "Handlers that panicked.", stats.panics_total);
}

fn requests_by_route(text: &mut Text, metrics: &Metrics) {
    const WHOLE: &str = "rws_route_requests_total";
    const ABORTED: &str = "rws_route_aborted_total";
    text.family(WHOLE, Kind::Counter, "Whole answers by the route's pattern and the class of the status.");
    for (place, label) in metrics.labels.iter().enumerate() {
        for (class, name) in CLASSES.into_iter().enumerate() {
            let count = metrics.sum(place, |counts| counts.by_class[class].value());
            if count > 0 {
                text.sample(WHOLE, &[("route", label), ("status", name)], count);
            }
        }
    }
    text.family(ABORTED, Kind::Counter, "Exchanges that were cut short, by the route's pattern.");
    for (place, label) in metrics.labels.iter().enumerate() {
        text.sample(ABORTED, &[("route", label)], metrics.sum(place, |counts| counts.aborted.value()));
    }
}

/// The durations of one label, in buckets that are not added up yet.
fn durations(metrics: &Metrics, place: usize) -> [u64; BUCKETS_US.len() + 1] {
    core::array::from_fn(|bucket| {
        metrics.sum(place, |counts: &RouteCounts| counts.by_duration[bucket].value())
    })
}

fn durations_by_route(text: &mut Text, metrics: &Metrics) {
    const NAME: &str = "rws_route_duration_seconds";
    text.family(
        NAME,
        Kind::Histogram,
        "From the request to the last byte of a whole answer, by the route's pattern.",
    );
    for (place, label) in metrics.labels.iter().enumerate() {
        let mut total = 0_u64;
        for (bucket, count) in durations(metrics, place).into_iter().enumerate() {
            total = total.wrapping_add(count);
            let most = BUCKETS_US.get(bucket).map_or("+Inf".to_owned(), |&us| seconds(us).to_string());
            text.sample(&format!("{NAME}_bucket"), &[("route", label), ("le", &most)], total);
        }
        let sum = seconds(metrics.sum(place, |counts| counts.duration_us.value()));
        text.sample(&format!("{NAME}_sum"), &[("route", label)], sum);
        text.sample(&format!("{NAME}_count"), &[("route", label)], total);
    }
}

fn quantiles_by_route(text: &mut Text, metrics: &Metrics) {
    const NAME: &str = "rws_route_latency_seconds";
    let help = "Quantiles of the durations since the start, estimated from their buckets.";
    text.family(NAME, Kind::Summary, help);
    for (place, label) in metrics.labels.iter().enumerate() {
        let buckets = durations(metrics, place);
        for (name, quantile) in QUANTILES {
            text.sample(NAME, &[("route", label), ("quantile", name)], estimate(&buckets, quantile));
        }
        let sum = seconds(metrics.sum(place, |counts| counts.duration_us.value()));
        text.sample(&format!("{NAME}_sum"), &[("route", label)], sum);
        text.sample(&format!("{NAME}_count"), &[("route", label)], buckets.iter().sum::<u64>());
    }
}

/// The value below which a share of `quantile` lies, as if values were spread evenly within a bucket:
/// seconds. Not a number without values.
pub(super) fn estimate(buckets: &[u64; BUCKETS_US.len() + 1], quantile: f64) -> f64 {
    let total: u64 = buckets.iter().sum();
    if total == 0 {
        return f64::NAN;
    }
    let wanted = quantile * total as f64;
    let (mut below, mut from) = (0.0, 0.0);
    for (&count, &most) in buckets.iter().zip(&BUCKETS_US) {
        let (count, to) = (count as f64, seconds(most));
        if count > 0.0 && below + count >= wanted {
            return from + (to - from) * ((wanted - below) / count);
        }
        (below, from) = (below + count, to);
    }
    // The last bucket has no upper bound to reckon with.
    from
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}
