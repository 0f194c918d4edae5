//! Where the limit strikes.

use super::*;
use crate::middleware::Layered;
use crate::testing::{Answer, Exchange, Fixed, TestContext};

/// Answers once the whole body has come.
struct Sink;

impl crate::Service<TestContext> for Sink {
    type State = bool;
    fn begin(&self, _: &mut TestContext, head: &mut RequestHead<'_>) -> bool {
        head.body() == BodyFraming::None
    }
    fn body(&self, _: &mut TestContext, done: &mut bool, _: &[u8], end: bool) -> crate::service::Taken {
        *done = end;
        crate::service::Taken::All
    }
    fn head<'s>(&self, done: &'s mut bool) -> crate::HeadAnswer<'s> {
        if *done {
            let head = crate::ResponseHead::bare(Status::OK);
            crate::HeadAnswer::Final(head, crate::connection::BodyPlan::None)
        } else {
            crate::HeadAnswer::NotYet
        }
    }
    fn fill(&self, _: &mut bool, _: &mut [u8]) -> crate::Fill {
        crate::Fill::End(0)
    }
}

fn run<O: BodyLimitOverride>(layer: BodyLimitLayer<O>, exchange: &Exchange) -> Answer {
    let service: Layered<_, _, ()> = Layered::with_room((layer,), Sink);
    exchange.run(&service, &mut TestContext::default())
}

#[test]
fn a_content_length_beyond_the_limit_is_413_before_a_byte_is_read() {
    let exchange = Exchange::new("POST", "/").field("Expect", "100-continue").body(&[0; 11]);
    let answer = run(BodyLimitLayer::new(10), &exchange);
    assert_eq!((answer.status(), answer.taken_before_head()), (Status::CONTENT_TOO_LARGE, 0));
    assert_eq!(answer.body(), b"the body is too large\n");
    assert_eq!(run(BodyLimitLayer::new(11), &exchange).status(), Status::OK);
}

#[test]
fn a_body_of_unknown_length_is_counted() {
    for chunk_bytes in [1, 4, 10, 11] {
        let over = Exchange::new("POST", "/").streamed(&[0; 11]).chunk_bytes(chunk_bytes);
        assert_eq!(run(BodyLimitLayer::new(10), &over).status(), Status::CONTENT_TOO_LARGE);
        let fits = Exchange::new("POST", "/").streamed(&[0; 10]).chunk_bytes(chunk_bytes);
        assert_eq!(run(BodyLimitLayer::new(10), &fits).status(), Status::OK);
    }
}

#[test]
fn a_limit_of_zero_admits_requests_without_a_body_only() {
    assert_eq!(run(BodyLimitLayer::new(0), &Exchange::get("/")).status(), Status::OK);
    assert_eq!(run(BodyLimitLayer::new(0), &Exchange::new("POST", "/").streamed(b"")).status(), Status::OK);
    let one = Exchange::new("POST", "/").streamed(b"x");
    assert_eq!(run(BodyLimitLayer::new(0), &one).status(), Status::CONTENT_TOO_LARGE);
}

#[test]
fn an_override_holds_where_it_says_so() {
    let layer = BodyLimitLayer::new(1)
        .with_override(|head: &RequestHead<'_>| (head.path() == "/upload").then_some(5));
    assert_eq!(run(layer, &Exchange::new("POST", "/upload").body(b"12345")).status(), Status::OK);
    let over = run(layer, &Exchange::new("POST", "/upload").streamed(b"123456"));
    assert_eq!(over.status(), Status::CONTENT_TOO_LARGE);
    assert_eq!(run(layer, &Exchange::new("POST", "/").body(b"12")).status(), Status::CONTENT_TOO_LARGE);
}

#[test]
fn a_length_is_demanded_where_the_layer_says_so() {
    let layer = BodyLimitLayer::new(10).require_length();
    let untold = run(layer, &Exchange::new("POST", "/").streamed(b"x"));
    assert_eq!((untold.status(), untold.taken_before_head()), (Status::LENGTH_REQUIRED, 0));
    assert_eq!(run(layer, &Exchange::new("POST", "/").body(b"x")).status(), Status::OK);
    assert_eq!(run(layer, &Exchange::get("/")).status(), Status::OK);
    let overridden = layer.with_override(|_: &RequestHead<'_>| Some(20));
    assert_eq!(run(overridden, &Exchange::new("POST", "/").streamed(b"x")).status(), Status::LENGTH_REQUIRED);
}

#[test]
fn the_service_behind_sees_nothing_of_a_refused_request() {
    let service: Layered<_, _, ()> =
        Layered::with_room((BodyLimitLayer::new(0),), Fixed::text(Status::OK, "reached"));
    let answer = Exchange::new("POST", "/").body(b"x").run(&service, &mut TestContext::default());
    assert_ne!(answer.body(), b"reached");
}
