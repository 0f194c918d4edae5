use core::time::Duration;

use rws_core::Status;

use super::page::estimate;
use super::{BUCKETS_US, Ended, Metrics};

fn page_of(metrics: &Metrics) -> String {
    metrics.page(None, Some(3))
}

#[test]
fn every_family_has_one_help_and_one_type_before_its_samples() {
    let metrics = Metrics::new(["/a", "/b"].into_iter(), 2);
    let page = page_of(&metrics);
    assert!(page.ends_with('\n') && !page.contains("\n\n"));
    let mut families: Vec<&str> = Vec::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let name = rest.split(' ').next().unwrap();
            assert!(!families.contains(&name), "{name} twice");
            families.push(name);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert_eq!(rest.split(' ').next(), families.last().copied());
        } else {
            let family = families.last().unwrap();
            let name = line.split(['{', ' ']).next().unwrap();
            let suffix = name.strip_prefix(family).expect("a sample of the family");
            assert!(["", "_bucket", "_sum", "_count"].contains(&suffix), "{line}");
            let value = line.rsplit(' ').next().unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
    for name in ["rws_requests_total", "rws_errors_total", "rws_active_connections", "rws_thread_pool_queued"]
    {
        assert!(families.contains(&name), "{name}");
    }
    assert!(page.contains("\nrws_access_log_dropped_lines_total 3\n"));
}

#[test]
fn exchanges_are_counted_by_pattern_class_and_duration() {
    let metrics = Metrics::new(["/a", "/b", "/a"].into_iter(), 2);
    metrics.count(0, Some(0), Ended::Whole(Status::OK), Duration::from_micros(100));
    metrics.count(1, Some(2), Ended::Whole(Status::OK), Duration::from_micros(101));
    metrics.count(1, Some(1), Ended::Whole(Status::BAD_GATEWAY), Duration::from_secs(60));
    metrics.count(0, Some(1), Ended::Aborted, Duration::ZERO);
    metrics.count(0, None, Ended::Whole(Status::NOT_FOUND), Duration::ZERO);
    let page = page_of(&metrics);
    for line in [
        "rws_route_requests_total{route=\"/a\",status=\"2xx\"} 2",
        "rws_route_requests_total{route=\"/b\",status=\"5xx\"} 1",
        "rws_route_requests_total{route=\"unmatched\",status=\"4xx\"} 1",
        "rws_route_aborted_total{route=\"/b\"} 1",
        "rws_route_duration_seconds_bucket{route=\"/a\",le=\"0.0001\"} 1",
        "rws_route_duration_seconds_bucket{route=\"/a\",le=\"0.00025\"} 2",
        "rws_route_duration_seconds_bucket{route=\"/a\",le=\"+Inf\"} 2",
        "rws_route_duration_seconds_bucket{route=\"/b\",le=\"10\"} 0",
        "rws_route_duration_seconds_bucket{route=\"/b\",le=\"+Inf\"} 1",
        "rws_route_duration_seconds_sum{route=\"/b\"} 60",
        "rws_route_duration_seconds_count{route=\"/a\"} 2",
    ] {
        assert!(page.lines().any(|own| own == line), "{line} in\n{page}");
    }
}

#[test]
fn label_values_are_escaped() {
    let metrics = Metrics::new(["/a\\\"b\nc"].into_iter(), 1);
    let page = page_of(&metrics);
    assert!(page.contains("rws_route_aborted_total{route=\"/a\\\\\\\"b\\nc\"} 0\n"), "{page}");
}

#[test]
fn an_unknown_route_or_shard_changes_no_label() {
    let metrics = Metrics::new(["/a"].into_iter(), 1);
    metrics.count(0, Some(7), Ended::Whole(Status::OK), Duration::ZERO);
    metrics.count(9, Some(0), Ended::Whole(Status::OK), Duration::ZERO);
    let page = page_of(&metrics);
    assert!(page.contains("rws_route_requests_total{route=\"unmatched\",status=\"2xx\"} 1\n"));
    assert!(!page.contains("rws_route_requests_total{route=\"/a\""));
}

#[test]
fn quantiles_lie_within_their_bucket() {
    let mut buckets = [0; BUCKETS_US.len() + 1];
    assert!(estimate(&buckets, 0.5).is_nan());
    buckets[3] = 100;
    let (half, most) = (estimate(&buckets, 0.5), estimate(&buckets, 0.99));
    assert!((half - 0.000_75).abs() < 1e-9, "{half}");
    assert!(half < most && most < 0.001);
    buckets[BUCKETS_US.len()] = 1000;
    assert!((estimate(&buckets, 0.95) - 10.0).abs() < 1e-9);
}
