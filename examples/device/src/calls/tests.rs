use std::boxed::Box;
use std::vec::Vec;

use rws_core::testing::{Answer, Exchange, TestContext};

use super::*;
use crate::routes::Routes;

const SWITCH: &str = "/device.v1.Led/Switch";

fn device() -> &'static Device {
    Box::leak(Box::default())
}

fn call(path: &str, body: &[u8]) -> Exchange {
    Exchange::new("POST", path).field("Content-Type", "application/grpc").body(body)
}

fn run(device: &'static Device, exchange: &Exchange) -> Answer {
    exchange.run(&Calls::new(device, Routes::new(device)), &mut TestContext::default())
}

/// The code in the trailers or in the head.
fn code(answer: &Answer) -> &[u8] {
    let in_head = answer.field("grpc-status").map(str::as_bytes);
    answer.trailers().first("grpc-status").or(in_head).unwrap_or(b"none")
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&message_prefix(false, message.len() as u32), message].concat()
}

#[test]
fn the_led_is_switched_by_a_call() {
    let device = device();
    let answer = run(device, &call(SWITCH, b"\0\0\0\0\x02\x08\x01"));
    assert_eq!((answer.status(), answer.body()), (Status::OK, &b"\0\0\0\0\x02\x08\x01"[..]));
    assert_eq!(answer.field("Content-Type"), Some("application/grpc"));
    assert_eq!((code(&answer), device.is_led_on()), (&b"0"[..], true));
    let answer = run(device, &call(SWITCH, b"\0\0\0\0\0"));
    assert_eq!((answer.body(), device.is_led_on()), (&b"\0\0\0\0\0"[..], false));
    let later = framed(b"\x12\x02hi\x08\x01\x1d\x01\x02\x03\x04");
    assert_eq!((code(&run(device, &call(SWITCH, &later))), device.is_led_on()), (&b"0"[..], true));
}

#[test]
fn what_is_no_right_call_changes_nothing_and_says_why() {
    let device = device();
    let on = framed(b"\x08\x01");
    for (exchange, expected) in [
        (call("/device.v1.Led/Blink", &on), "12"),
        (call(SWITCH, &on).field("grpc-encoding", "gzip"), "12"),
        (call(SWITCH, &[&on[..], &on].concat()), "12"),
        (call(SWITCH, &on[..6]), "13"),
        (call(SWITCH, b"\x01\0\0\0\x02\x08\x01"), "13"),
        (call(SWITCH, &framed(b"\x08")), "13"),
        (call(SWITCH, b"\0\0\0\0\x11"), "8"),
        (call(SWITCH, b"\0\xff\xff\xff\xff"), "8"),
    ] {
        let answer = run(device, &exchange);
        assert_eq!(code(&answer), expected.as_bytes(), "{exchange:?}");
        assert!(answer.body().is_empty() && !device.is_led_on(), "{exchange:?}");
    }
    let answer = run(device, &Exchange::get(SWITCH));
    assert_eq!((answer.status(), answer.field("Allow")), (Status::METHOD_NOT_ALLOWED, Some("POST")));
    let plain = Exchange::new("POST", SWITCH).field("Content-Type", "application/json").body(&on);
    assert_eq!(run(device, &plain).status(), Status::UNSUPPORTED_MEDIA_TYPE);
}

#[test]
fn a_call_needs_the_password_and_small_bodies_behind_the_layers() {
    let device = device();
    let service = crate::service_with_calls(device);
    let run = |exchange: &Exchange| exchange.run(&service, &mut TestContext::default());
    let on = call(SWITCH, &framed(b"\x08\x01"));
    assert_eq!((run(&on).status(), device.is_led_on()), (Status::UNAUTHORIZED, false));
    let on = on.field("Authorization", "Basic b3BlcmF0b3I6bm90IGEgc2VjcmV0");
    let answer = run(&on);
    assert_eq!((answer.body(), code(&answer)), (&b"\0\0\0\0\x02\x08\x01"[..], &b"0"[..]));
    assert!(device.is_led_on());
}

#[test]
fn everything_else_is_the_other_services() {
    let device = device();
    assert_eq!(run(device, &Exchange::get("/")).status(), Status::OK);
    assert_eq!(run(device, &Exchange::get("/device.v1.Led")).status(), Status::NOT_FOUND);
}
