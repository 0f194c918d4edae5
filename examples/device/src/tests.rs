//! The device as a whole, in memory: layers, routes, and what the firmware's tasks do meanwhile.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::boxed::Box;
use std::format;
use std::string::String;
use std::sync::Arc;

use std::vec::Vec;

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::service::{Outcome, Taken};
use rws_core::testing::{Answer, Exchange, TestContext};
use rws_core::{Method, Service, Status};

use super::*;

const PASSWORD: &str = "Basic b3BlcmF0b3I6bm90IGEgc2VjcmV0";

fn device() -> &'static Device {
    Box::leak(Box::default())
}

fn run(device: &'static Device, exchange: &Exchange) -> Answer {
    exchange.run(&service(device), &mut TestContext::default())
}

fn get(device: &'static Device, target: &str) -> Answer {
    run(device, &Exchange::get(target))
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body().to_vec()).expect("text")
}

fn switch(device: &'static Device, body: &str) -> Answer {
    let exchange = Exchange::new("POST", "/led").field("Authorization", PASSWORD);
    run(device, &exchange.field("Content-Type", "application/json").body(body.as_bytes()))
}

fn upload(image: &[u8], crc32: u32) -> Exchange {
    let exchange = Exchange::new("POST", "/firmware").field("Authorization", PASSWORD);
    exchange.field("X-CRC32", &format!("{crc32:08x}")).body(image)
}

#[test]
fn every_answer_has_a_request_id_and_home_is_a_line_of_text() {
    let answer = get(device(), "/");
    assert_eq!((answer.status(), text(&answer).lines().count()), (Status::OK, 1));
    assert_eq!(answer.field("Content-Type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.field("X-Request-ID").map(str::len), Some(32));
}

#[test]
fn what_is_not_there_and_what_is_not_allowed_are_told_apart() {
    let device = device();
    assert_eq!(get(device, "/nowhere").status(), Status::NOT_FOUND);
    assert_eq!(get(device, "/led/blue").status(), Status::NOT_FOUND);
    let answer = run(device, &Exchange::new("DELETE", "/metrics"));
    assert_eq!(answer.status(), Status::METHOD_NOT_ALLOWED);
    assert_eq!(answer.field("Allow"), Some("GET, HEAD, OPTIONS"));
    let answer = get(device, "/firmware");
    assert_eq!((answer.status(), answer.field("Allow")), (Status::METHOD_NOT_ALLOWED, Some("POST, OPTIONS")));
    let answer = run(device, &Exchange::new("OPTIONS", "/led"));
    assert_eq!((answer.status(), answer.field("Allow")), (Status::NO_CONTENT, Some("POST, OPTIONS")));
    assert_eq!(run(device, &Exchange::new("BREW", "/")).status(), Status::NOT_IMPLEMENTED);
    assert_eq!(answer.field("X-Request-ID").map(str::len), Some(32));
}

#[test]
fn the_led_is_switched_by_those_who_know_the_password() {
    let device = device();
    assert_eq!(
        (text(&get(device, "/led/off")), text(&get(device, "/led/on"))),
        ("yes\n".into(), "no\n".into())
    );
    let answer = switch(device, r#"{"on":true}"#);
    assert_eq!((answer.status(), &*text(&answer)), (Status::OK, r#"{"on":true}"#));
    assert_eq!(answer.field("Content-Type"), Some("application/json"));
    assert!(device.is_led_on());
    assert_eq!(text(&get(device, "/led/on")), "yes\n");

    let stranger = Exchange::new("POST", "/led").field("Content-Type", "application/json");
    let answer = run(device, &stranger.body(br#"{"on":false}"#));
    assert_eq!(answer.status(), Status::UNAUTHORIZED);
    assert_eq!(answer.field("WWW-Authenticate"), Some("Basic realm=\"device\", charset=\"UTF-8\""));
    assert!(device.is_led_on());
}

#[test]
fn a_body_that_does_not_switch_the_led_is_refused_by_its_fault() {
    let device = device();
    for (body, status) in [
        ("", 400),
        ("{\"on\":tru", 400),
        ("{\"on\":1}", 422),
        ("{}", 422),
        ("{\"on\":true,\"on\":false}", 422),
        (&" ".repeat(SWITCH_BYTES_MAX + 1), 413),
        (&" ".repeat(257), 413),
    ] {
        let answer = switch(device, body);
        assert_eq!(answer.status().code(), status, "{body}");
        assert!(!text(&answer).contains("on\""), "the body comes back");
    }
    let exchange = Exchange::new("POST", "/led").field("Authorization", PASSWORD).body(br#"{"on":true}"#);
    assert_eq!(run(device, &exchange).status(), Status::UNSUPPORTED_MEDIA_TYPE);
    assert!(!device.is_led_on());
    let streamed = Exchange::new("POST", "/led").field("Authorization", PASSWORD);
    let streamed = streamed.field("Content-Type", "application/json").streamed(br#"{"on":true}"#);
    assert_eq!(run(device, &streamed.clone().chunk_bytes(1)).status(), Status::OK);
    assert!(device.is_led_on());
}

#[test]
fn an_image_is_summed_however_it_comes() {
    let image: Vec<u8> = (0..5000_u32).map(|at| at as u8).collect();
    let sum = crc32fast::hash(&image);
    let device = device();
    for chunk_bytes in [1, 100, usize::MAX] {
        let answer = run(device, &upload(&image, sum).chunk_bytes(chunk_bytes));
        assert_eq!(answer.status(), Status::OK);
        assert_eq!(text(&answer), format!("{{\"length\":5000,\"crc32\":\"{sum:08x}\"}}"));
    }
    assert_eq!(device.firmware(), Firmware { length: 5000, crc32: sum });
    let target = format!("/firmware?version=3&crc32={sum:X}");
    let streamed = Exchange::new("POST", &target).field("Authorization", PASSWORD).streamed(&image);
    assert_eq!(run(device, &streamed).status(), Status::OK);
}

#[test]
fn an_image_that_is_not_what_was_announced_is_refused() {
    let device = device();
    let answer = run(device, &upload(b"123456789", 1));
    assert_eq!(answer.status(), Status::UNPROCESSABLE_CONTENT);
    assert_eq!(text(&answer), r#"{"error":"the CRC-32 does not match","length":9,"crc32":"cbf43926"}"#);
    assert_eq!(run(device, &upload(b"", 0)).status(), Status::UNPROCESSABLE_CONTENT, "nothing is no image");
    assert_eq!(device.firmware(), Firmware::default());

    let bare = Exchange::new("POST", "/firmware").body(b"123456789");
    assert_eq!(run(device, &bare.clone().field("X-CRC32", "cbf43926")).status(), Status::UNAUTHORIZED);
    let known = bare.field("Authorization", PASSWORD);
    for (field, target) in
        [(None, ""), (Some("x"), ""), (Some(""), "?crc32=cbf43926"), (None, "?crc32=1&crc32=1")]
    {
        let exchange = Exchange::new("POST", &format!("/firmware{target}")).field("Authorization", PASSWORD);
        let exchange = exchange.body(b"123456789");
        let exchange = field.map_or(exchange.clone(), |digits| exchange.field("X-CRC32", digits));
        assert_eq!(run(device, &exchange).status(), Status::BAD_REQUEST, "{field:?} {target}");
    }
    let twice = known.field("X-CRC32", "cbf43926").field("X-CRC32", "cbf43926");
    assert_eq!(run(device, &twice).status(), Status::BAD_REQUEST);
}

#[test]
fn images_may_be_longer_than_other_bodies_but_not_endless() {
    let device = device();
    let image = std::vec![7; FIRMWARE_BYTES_MAX as usize];
    let answer = run(device, &upload(&image, crc32fast::hash(&image)).chunk_bytes(512));
    assert_eq!(answer.status(), Status::OK);
    let longer = std::vec![7; FIRMWARE_BYTES_MAX as usize + 1];
    let answer = run(device, &upload(&longer, 0));
    assert_eq!((answer.status(), answer.taken_before_head()), (Status::CONTENT_TOO_LARGE, 0));
    let streamed = Exchange::new("POST", "/firmware").field("Authorization", PASSWORD);
    let streamed = streamed.field("X-CRC32", "0").streamed(&longer).chunk_bytes(512);
    assert_eq!(run(device, &streamed).status(), Status::CONTENT_TOO_LARGE);
}

#[test]
fn a_blocked_network_gets_nothing() {
    let mut cx = TestContext::default();
    cx.connection.peer = Some(([203, 0, 113, 9], 4000).into());
    let answer = Exchange::get("/").run(&service(device()), &mut cx);
    assert_eq!(answer.status(), Status::FORBIDDEN);
    assert!(answer.field("X-Request-ID").is_some());
}

#[test]
fn the_page_comes_in_the_form_that_is_liked() {
    let device = device();
    let plain = get(device, "/index.html");
    assert_eq!((plain.status(), plain.field("Content-Encoding")), (Status::OK, None));
    assert!(text(&plain).starts_with("<!DOCTYPE html>"));
    let zipped = run(device, &Exchange::get("/index.html").field("Accept-Encoding", "gzip, br"));
    assert_eq!(zipped.field("Content-Encoding"), Some("gzip"));
    assert_eq!(zipped.body().get(..2), Some(&[0x1f, 0x8b][..]));
    assert_ne!(plain.field("ETag"), zipped.field("ETag"));
    for answer in [&plain, &zipped] {
        assert_eq!(answer.field("Vary"), Some("Accept-Encoding"));
        assert_eq!(answer.field("Content-Type"), Some("text/html; charset=utf-8"));
    }
    for refused in ["identity", "gzip;q=0", "gzip;q=0, identity;q=0"] {
        let answer = run(device, &Exchange::get("/index.html").field("Accept-Encoding", refused));
        assert_eq!(answer.field("Content-Encoding"), None, "{refused}");
    }
}

#[test]
fn who_has_the_page_gets_no_body() {
    let device = device();
    let page = get(device, "/index.html");
    let tag = page.field("ETag").expect("a tag");
    for (value, is_known) in [(tag, true), ("*", true), (&format!("\"x\", W/{tag}"), true), ("\"x\"", false)]
    {
        let answer = run(device, &Exchange::get("/index.html").field("If-None-Match", value));
        assert_eq!(answer.status() == Status::NOT_MODIFIED, is_known, "{value}");
        if is_known {
            assert_eq!((answer.field("ETag"), answer.field("Vary")), (Some(tag), Some("Accept-Encoding")));
            assert_eq!(answer.plan(), Some(BodyPlan::None));
        }
    }
    let other_form =
        Exchange::get("/index.html").field("If-None-Match", tag).field("Accept-Encoding", "gzip");
    assert_eq!(run(device, &other_form).status(), Status::OK);
    let changed = Exchange::get("/index.html").field("If-Match", "\"x\"");
    assert_eq!(run(device, &changed).status(), Status::PRECONDITION_FAILED);
}

#[test]
fn every_get_route_takes_head() {
    let device = device();
    for route in table().routes().iter().filter(|route| route.methods.has(Method::Get)) {
        let target = route.pattern.replace(":state", "on");
        let answer = run(device, &Exchange::new("HEAD", &target));
        assert_eq!(answer.status(), Status::OK, "{target}");
    }
    assert_eq!(device.subscribers(), 0);
}

#[test]
fn bodies_are_the_same_however_little_room_there_is() {
    let device = device();
    device.publish(-1050);
    for target in ["/", "/led/on", "/metrics", "/index.html", "/nowhere"] {
        let whole = get(device, target);
        let metrics_change =
            |text: String| text.lines().filter(|line| !line.contains("requests")).collect::<String>();
        for fill_bytes in [1, 7, 64] {
            let pieces = run(device, &Exchange::get(target).fill_bytes(fill_bytes));
            assert_eq!(
                metrics_change(text(&pieces)),
                metrics_change(text(&whole)),
                "{target} by {fill_bytes}"
            );
        }
    }
}

#[test]
fn metrics_are_prometheus_text() {
    let device = device();
    device.publish(21_500);
    device.set_led(true);
    run(device, &upload(b"123456789", 0xcbf4_3926));
    run(device, &upload(b"123456789", 1));
    get(device, "/nowhere");
    let answer = get(device, "/metrics");
    assert_eq!(answer.field("Content-Type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let page = text(&answer);
    assert!(page.ends_with('\n'));
    for line in [
        "device_requests_total{method=\"GET\",route=\"/\"} 0",
        "device_requests_total{method=\"GET\",route=\"/metrics\"} 1",
        "device_requests_total{method=\"POST\",route=\"/firmware\"} 2",
        "device_requests_total{method=\"\",route=\"unmatched\"} 1",
        "device_led_on 1",
        "device_temperature_celsius 21.500",
        "device_readings_total 1",
        "device_event_subscribers 0",
        "device_firmware_uploads_total{result=\"taken\"} 1",
        "device_firmware_uploads_total{result=\"refused\"} 1",
        "device_firmware_bytes 9",
        "# TYPE device_led_on gauge",
        "# HELP device_readings_total Readings since the start.",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}\n{page}");
    }
    let described = |mark: &str| -> Vec<&str> {
        page.lines().filter_map(|line| line.strip_prefix(mark)?.split(' ').next()).collect()
    };
    let (helped, typed) = (described("# HELP "), described("# TYPE "));
    assert_eq!(helped, typed);
    assert_eq!(helped.len(), 8, "each once");
    for sample in page.lines().filter(|line| !line.starts_with('#')) {
        let name = sample.split(['{', ' ']).next().expect("a name");
        assert!(typed.contains(&name), "{sample}");
    }
}

/// A client that listens, and how often it was woken.
struct Listener {
    service: DeviceService,
    state: Option<<DeviceService as Service<TestContext>>::State>,
    cx: TestContext,
    wakes: Arc<Wakes>,
    status: Status,
    plan: BodyPlan,
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl std::task::Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Listener {
    fn begin(device: &'static Device, exchange: &Exchange) -> Listener {
        let wakes = Arc::<Wakes>::default();
        let mut cx = TestContext { waker: Arc::clone(&wakes).into(), ..TestContext::default() };
        let service = service(device);
        let mut state = exchange.with_head(|head| service.begin(&mut cx, head));
        Service::<TestContext>::advance(&service, &mut cx, &mut state);
        let (status, plan) = match Service::<TestContext>::head(&service, &mut state) {
            HeadAnswer::Final(head, plan) => (head.status, plan),
            HeadAnswer::NotYet | HeadAnswer::Interim(_) => panic!("no head"),
        };
        Listener { service, state: Some(state), cx, wakes, status, plan }
    }

    /// What there is to hear, until it is parked.
    fn hear(&mut self) -> String {
        let (mut heard, mut out) = (Vec::new(), [0; 50]);
        let state = self.state.as_mut().expect("at work");
        loop {
            match Service::<TestContext>::fill(&self.service, state, &mut out) {
                Fill::More(n) => heard.extend_from_slice(&out[..n]),
                Fill::Blocked => return String::from_utf8(heard).expect("text"),
                Fill::End(_) | Fill::Abort => panic!("the stream ends"),
            }
        }
    }

    fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::Relaxed)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            let outcome = Outcome::Aborted(rws_core::connection::ResetCause::ByPeer);
            self.service.end(&mut self.cx, state, outcome);
        }
    }
}

fn event(sequence: u32, millicelsius: i32) -> String {
    format!(
        "id: {sequence}\nevent: reading\ndata: {{\"sequence\":{sequence},\"millicelsius\":{millicelsius}}}\n\n"
    )
}

const RETRY: &str = "retry: 2000\n\n";

#[test]
fn a_listener_is_woken_by_a_reading_and_hears_it_once() {
    let device = device();
    let mut listener = Listener::begin(device, &Exchange::get("/events"));
    assert_eq!((listener.status, listener.plan), (Status::OK, BodyPlan::Streamed));
    assert_eq!((listener.hear(), listener.hear(), listener.wakes()), (RETRY.into(), String::new(), 0));
    device.publish(20_000);
    assert_eq!((listener.wakes(), listener.hear(), listener.hear()), (1, event(1, 20_000), String::new()));
    device.publish(20_001);
    device.publish(20_002);
    assert_eq!(listener.hear(), event(2, 20_001) + &event(3, 20_002));
    drop(listener);
    device.publish(20_003);
    assert_eq!(device.subscribers(), 0);
}

#[test]
fn silence_is_broken_by_comments_but_not_beside_a_reading() {
    let device = device();
    let mut listener = Listener::begin(device, &Exchange::get("/events"));
    assert_eq!(listener.hear(), RETRY);
    device.keep_alive();
    assert_eq!((listener.wakes(), listener.hear()), (1, ": still here\n\n".into()));
    device.publish(1);
    device.keep_alive();
    assert_eq!(listener.hear(), event(1, 1));
}

#[test]
fn a_listener_who_was_away_hears_what_is_kept() {
    let device = device();
    let hears = |last: Option<&str>| {
        let exchange = Exchange::get("/events");
        let exchange = last.map_or(exchange.clone(), |id| exchange.field("Last-Event-ID", id));
        Listener::begin(device, &exchange).hear()
    };
    assert_eq!(hears(None), RETRY, "nothing was measured yet");
    assert_eq!(hears(Some("7")), RETRY, "of another life of the device");
    for reading in 1..=12 {
        device.publish(reading);
    }
    let from = |first: i32| (first..=12).fold(String::from(RETRY), |all, at| all + &event(at as u32, at));
    assert_eq!(hears(None), from(12), "the newest at once");
    assert_eq!(hears(Some("12")), RETRY);
    assert_eq!(hears(Some("10")), from(11));
    assert_eq!(hears(Some("1")), from(5), "eight are kept");
    for unknown in ["13", "x", "", "99999999999"] {
        assert_eq!(hears(Some(unknown)), from(12), "{unknown}");
    }
}

#[test]
fn there_are_only_so_many_seats() {
    let device = device();
    let mut seated: Vec<Listener> =
        (0..SUBSCRIBERS_MAX).map(|_| Listener::begin(device, &Exchange::get("/events"))).collect();
    assert_eq!(device.subscribers(), SUBSCRIBERS_MAX);
    let answer = get(device, "/events");
    assert_eq!((answer.status(), answer.field("Retry-After")), (Status::SERVICE_UNAVAILABLE, Some("5")));
    assert_eq!(run(device, &Exchange::new("HEAD", "/events")).status(), Status::OK, "takes no seat");
    device.publish(5);
    assert!(seated.iter().all(|listener| listener.wakes() == 1));
    seated.pop();
    assert_eq!(Listener::begin(device, &Exchange::get("/events")).status, Status::OK);
}

#[test]
fn a_body_that_nobody_asked_for_is_not_taken() {
    let device = device();
    let exchange = Exchange::new("POST", "/nowhere").streamed(&[0; 100]).chunk_bytes(10);
    let answer = run(device, &exchange);
    assert_eq!(answer.status(), Status::NOT_FOUND);
    let mut cx = TestContext::default();
    let routes = Routes::new(device);
    let mut state = exchange.with_head(|head| routes.begin(&mut cx, head));
    assert_eq!(routes.body(&mut cx, &mut state, b"x", false), Taken::Stop);
}

#[test]
fn what_an_exchange_costs_does_not_depend_on_the_driver() {
    assert_eq!(size_of::<<DeviceService as Service<TestContext>>::State>(), EXCHANGE_BYTES);
}
