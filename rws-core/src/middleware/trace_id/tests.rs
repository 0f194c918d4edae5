//! Which ids are kept, made and seen.

use alloc::string::String;
use core::cell::RefCell;

use super::*;
use crate::connection::{BodyPlan, Fill, HeadAnswer};
use crate::message::ResponseHead;
use crate::middleware::Layered;
use crate::service::{Service, Taken};
use crate::testing::{Answer, Exchange, TestContext};

/// Notes what of the ids it sees.
#[derive(Default)]
struct Witness(RefCell<String>);

impl Service<TestContext> for Witness {
    type State = ();
    fn begin(&self, _: &mut TestContext, head: &mut RequestHead<'_>) {
        let mut seen = String::new();
        for (name, value) in head.fields().iter() {
            let line = [name.as_bytes(), b"=", value, b" "].concat();
            seen.push_str(core::str::from_utf8(&line).unwrap());
        }
        *self.0.borrow_mut() = seen;
    }
    fn body(&self, _: &mut TestContext, (): &mut (), _: &[u8], _: bool) -> Taken {
        Taken::All
    }
    fn head<'s>(&self, (): &'s mut ()) -> HeadAnswer<'s> {
        HeadAnswer::Final(ResponseHead::bare(Status::OK), BodyPlan::None)
    }
    fn fill(&self, (): &mut (), _: &mut [u8]) -> Fill {
        Fill::End(0)
    }
}

fn run<T: IpSet>(layer: TraceIdLayer<T>, exchange: &Exchange) -> (String, Answer) {
    let service: Layered<_, _> = Layered::new((layer,), Witness::default());
    let answer = exchange.run(&service, &mut TestContext::default());
    (service.service().0.take(), answer)
}

const MADE: &str = "0102030405060708090a0b0c0d0e0f10";
const FIRST_TRACE: &str = "00-1112131415161718191a1b1c1d1e1f20-2122232425262728-00";
const TOLD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn trusting() -> TraceIdLayer<fn(IpAddr) -> bool> {
    TraceIdLayer::new().trusting(|ip| ip == IpAddr::from([192, 0, 2, 1]))
}

#[test]
fn a_request_without_an_id_gets_one_and_so_does_its_answer() {
    let (seen, answer) = run(TraceIdLayer::new(), &Exchange::get("/").field("Host", "a"));
    assert_eq!(seen, alloc::format!("Host=a X-Request-ID={MADE} Traceparent={FIRST_TRACE} "));
    assert_eq!(answer.field("X-Request-ID"), Some(MADE));
}

#[test]
fn an_id_from_a_stranger_is_replaced() {
    let (seen, answer) = run(TraceIdLayer::new(), &Exchange::get("/").field("X-Request-ID", "abc"));
    assert!(seen.contains(MADE) && !seen.contains("abc"), "{seen}");
    assert_eq!(answer.field("X-Request-ID"), Some(MADE));
}

#[test]
fn a_well_formed_id_from_a_trusted_peer_is_kept() {
    let longest = "x".repeat(ID_BYTES_MAX);
    for id in ["abc", "A-b_c.1:2+3=/@", "0", longest.as_str()] {
        let (seen, answer) = run(trusting(), &Exchange::get("/").field("X-Request-ID", id));
        assert!(seen.contains(&alloc::format!("X-Request-ID={id} ")), "{seen}");
        assert_eq!(answer.field("X-Request-ID"), Some(id));
    }
}

#[test]
fn a_malformed_or_repeated_id_is_replaced_even_from_a_trusted_peer() {
    let too_long = "x".repeat(ID_BYTES_MAX + 1);
    for id in ["", "a b", "a\"b", "<b>", "é", "a,b", too_long.as_str()] {
        let (_, answer) = run(trusting(), &Exchange::get("/").field("X-Request-ID", id));
        assert_eq!(answer.field("X-Request-ID"), Some(MADE), "{id}");
    }
    let twice = Exchange::get("/").field("X-Request-ID", "abc").field("x-request-id", "abc");
    let (seen, _) = run(trusting(), &twice);
    assert!(seen.contains(MADE) && !seen.contains("abc"), "{seen}");
}

#[test]
fn a_trace_is_continued_with_a_span_of_its_own() {
    let told = Exchange::get("/").field("traceparent", TOLD).field("tracestate", "a=1");
    let (seen, _) = run(TraceIdLayer::new(), &told);
    let continued = "Traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-1112131415161718-01 ";
    assert!(seen.contains(continued) && seen.contains("Tracestate=a=1"), "{seen}");
}

#[test]
fn a_malformed_or_repeated_traceparent_starts_a_new_trace_without_its_state() {
    let wrong = Exchange::get("/").field("traceparent", &TOLD[1..]).field("tracestate", "a=1");
    let twice = Exchange::get("/").field("traceparent", TOLD).field("traceparent", TOLD);
    for exchange in [wrong, twice.field("tracestate", "a=1")] {
        let (seen, _) = run(TraceIdLayer::new(), &exchange);
        assert!(seen.contains(FIRST_TRACE) && !seen.contains("Tracestate"), "{seen}");
        assert!(!seen.contains("4bf92f"), "{seen}");
    }
}

#[test]
fn strangers_traces_can_be_refused() {
    let told = Exchange::get("/").field("traceparent", TOLD);
    let layer = TraceIdLayer::new().traces_from(TracesFrom::Trusted);
    assert!(run(layer, &told).0.contains(FIRST_TRACE));
    assert!(run(trusting().traces_from(TracesFrom::Trusted), &told).0.contains("4bf92f"));
}

#[test]
fn the_answer_can_be_left_alone() {
    let (_, answer) = run(TraceIdLayer::new().without_answer_field(), &Exchange::get("/"));
    assert_eq!(answer.field("X-Request-ID"), None);
}

#[test]
fn without_room_for_the_stamp_the_request_is_refused() {
    let exchange = Exchange::get("/").field("X-Request-ID", "forged").scratch_bytes(32);
    let (seen, answer) = run(TraceIdLayer::new(), &exchange);
    assert_eq!((answer.status(), seen.as_str()), (Status::REQUEST_HEADER_FIELDS_TOO_LARGE, ""));
}
