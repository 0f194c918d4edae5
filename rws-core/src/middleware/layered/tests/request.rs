//! Request hooks, replies, request bodies, and memory.

use super::*;

#[test]
fn request_hooks_run_outermost_first_and_response_hooks_innermost_first() {
    let log = Log::default();
    let layers = (Probe::new("a", &log, ALL), Probe::new("b", &log, Hooks::NONE), Probe::new("c", &log, ALL));
    let answer = run(&Layered::new(layers, Mirror(&log)), &Exchange::get("/x"));
    assert_eq!(answer.body(), b"/x|-|None|");
    assert_eq!(
        *log.borrow(),
        [
            "a.request None /x",
            "c.request None /x",
            "service",
            "c.response 200 Sized(10)",
            "a.response 200 Streamed",
            "service.end true",
            "c.end 200",
            "a.end 200",
        ]
    );
}

#[test]
fn without_hooks_nothing_is_copied_and_the_body_stays_the_services() {
    let log = Log::default();
    let service: Layered<_, _, ()> =
        Layered::with_room((Probe::new("a", &log, Hooks::NONE),), Fixed::text(Status::OK, "hello"));
    let exchange = Exchange::get("/");
    let cx = &mut TestContext::default();
    let mut state = exchange.with_head(|head| Service::begin(&service, cx, head));
    assert!(service.untouched_body::<TestContext>(&mut state).is_none(), "not before the head");
    assert!(matches!(Service::<TestContext>::head(&service, &mut state), HeadAnswer::Final(..)));
    assert_eq!(service.untouched_body::<TestContext>(&mut state), Some(&mut 0));
    assert_eq!(run(&service, &exchange).body(), b"hello");
}

#[test]
fn a_request_hook_edits_what_is_behind_it_sees() {
    struct Stamp;
    impl Middleware<TestContext> for Stamp {
        type State = ();
        fn hooks(&self) -> Hooks {
            Hooks::REQUEST
        }
        fn request(
            &self,
            _: &mut TestContext,
            (): &mut (),
            head: &mut RequestHead<'_>,
            _: Option<&[u8]>,
        ) -> RequestVerdict {
            head.fields_mut().edit().unwrap().set(KnownName::XRequestId, b"42").unwrap();
            RequestVerdict::Continue
        }
    }
    let log = Log::default();
    let service: Layered<_, _, ()> = Layered::with_room((Stamp,), Mirror(&log));
    let answer = run(&service, &Exchange::get("/").field("X-Request-ID", "forged"));
    assert_eq!(answer.body(), b"/|42|None|");
    // The edit outlasts a collection of the body by a layer further in.
    let service = Layered::new((Stamp, Probe::asking("b", &log)), Mirror(&log));
    let answer = run(&service, &Exchange::new("POST", "/p").body(b"abc").chunk_bytes(1));
    assert_eq!(answer.body(), b"/p|42|Sized(3)|abc");
}

#[test]
fn an_early_reply_passes_the_response_hooks_outside_of_it_only() {
    let log = Log::default();
    let gate = Probe {
        on_request: |_| RequestVerdict::Reply(Reply::new(Status::FORBIDDEN, "no\n")),
        ..Probe::new("b", &log, ALL)
    };
    let outer = Probe {
        on_response: |parts, _| {
            parts.fields.push("X-Outer", b"seen").unwrap();
            ResponseVerdict::Continue
        },
        ..Probe::new("a", &log, Hooks::RESPONSE)
    };
    let layers = (outer, gate, Probe::new("c", &log, ALL));
    let answer = run(&Layered::new(layers, Mirror(&log)), &Exchange::new("POST", "/").streamed(b"body"));
    assert_eq!((answer.status(), answer.body()), (Status::FORBIDDEN, &b"no\n"[..]));
    assert_eq!(answer.field("X-Outer"), Some("seen"));
    assert_eq!(answer.field("Content-Type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.taken_before_head(), 0);
    assert_eq!(*log.borrow(), ["b.request None /", "a.response 403 Sized(3)", "b.end 403"]);
}

#[test]
fn a_reply_can_run_its_own_layers_response_hook_and_ask_to_close() {
    let log = Log::default();
    let gate = Probe {
        on_request: |_| {
            RequestVerdict::Reply(Reply::new(Status::TOO_MANY_REQUESTS, "").with_own_hook().closing())
        },
        on_response: |parts, view| {
            assert_eq!(view, BodyView::None);
            parts.fields.push(KnownName::RetryAfter, b"17").unwrap();
            ResponseVerdict::Continue
        },
        ..Probe::new("a", &log, Hooks::REQUEST.and(Hooks::RESPONSE))
    };
    let answer = run(&Layered::new((gate,), Mirror(&log)), &Exchange::get("/"));
    assert_eq!(answer.field("Retry-After"), Some("17"));
    assert_eq!(answer.field("Connection"), Some("close"));
    assert_eq!(answer.field("Content-Type"), None);
}

#[test]
fn a_collected_body_comes_to_the_layer_that_asked_and_then_to_the_service() {
    for chunk_bytes in [1, 3, 100] {
        let log = Log::default();
        let layers =
            (Probe::asking("a", &log), Probe::new("b", &log, Hooks::REQUEST.and(Hooks::REQUEST_BODY)));
        let exchange = Exchange::new("POST", "/p?q=1").streamed(b"abcdef").chunk_bytes(chunk_bytes);
        let answer = run(&Layered::new(layers, Mirror(&log)), &exchange);
        assert_eq!(answer.body(), b"/p|-|Streamed|abcdef");
        assert_eq!(
            *log.borrow(),
            [
                "a.request None /p",
                "a.request Some(\"abcdef\") /p",
                "b.request None /p",
                "service",
                "b.body abcdef true",
                "service.end true",
            ]
        );
    }
}

#[test]
fn a_request_without_a_body_is_shown_as_an_empty_one_at_once() {
    let log = Log::default();
    let service: Layered<_, _, ()> = Layered::with_room((Probe::asking("a", &log),), Mirror(&log));
    for exchange in [Exchange::get("/"), Exchange::new("POST", "/").body(b"")] {
        log.borrow_mut().clear();
        assert_eq!(run(&service, &exchange).status(), Status::OK);
        assert_eq!(log.borrow()[1], "a.request Some(\"\") /");
    }
}

#[test]
fn a_body_longer_than_a_layer_asked_for_is_413() {
    let log = Log::default();
    let service = Layered::new((Probe::asking("a", &log),), Mirror(&log));
    let told = run(&service, &Exchange::new("POST", "/").body(&[b'x'; 101]));
    assert_eq!((told.status(), told.taken_before_head()), (Status::CONTENT_TOO_LARGE, 0));
    let untold = run(&service, &Exchange::new("POST", "/").streamed(&[b'x'; 101]).chunk_bytes(10));
    assert_eq!((untold.status(), untold.taken_before_head()), (Status::CONTENT_TOO_LARGE, 101));
    let fits = run(&service, &Exchange::new("POST", "/").streamed(&[b'x'; 100]).chunk_bytes(10));
    assert_eq!(fits.status(), Status::OK);
}

#[test]
fn too_little_memory_is_an_answer_at_every_size() {
    let log = Log::default();
    let exchange = Exchange::new("POST", "/path").streamed(b"0123456789").chunk_bytes(4);
    let none: Layered<_, _, ()> = Layered::with_room((Probe::asking("a", &log),), Mirror(&log));
    assert_eq!(run(&none, &exchange).status(), Status::REQUEST_HEADER_FIELDS_TOO_LARGE);
    let small: Layered<_, _, Inline<64, 4, 9, 0>> =
        Layered::with_room((Probe::asking("a", &log),), Mirror(&log));
    assert_eq!(run(&small, &exchange).status(), Status::CONTENT_TOO_LARGE);
    let enough: Layered<_, _, Inline<64, 4, 10, 0>> =
        Layered::with_room((Probe::asking("a", &log),), Mirror(&log));
    assert_eq!(run(&enough, &exchange).status(), Status::OK);
    let looks: Layered<_, _, ()> =
        Layered::with_room((Probe::new("a", &log, Hooks::RESPONSE),), Mirror(&log));
    assert_eq!(run(&looks, &exchange).status(), Status::OK);
    let gate = Probe {
        on_request: |_| RequestVerdict::Reply(Reply::new(Status::FORBIDDEN, "no\n")),
        ..Probe::new("b", &log, Hooks::REQUEST)
    };
    let fields: Layered<_, _, ()> =
        Layered::with_room((Probe::new("a", &log, Hooks::RESPONSE), gate), Mirror(&log));
    assert_eq!(run(&fields, &exchange).status(), Status::INTERNAL_SERVER_ERROR);
    let filterless: Layered<_, _, Inline<64, 4, 0, 0>> =
        Layered::with_room((Probe::filtering("a", &log),), Mirror(&log));
    assert_eq!(run(&filterless, &exchange).status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn body_hooks_rewrite_what_the_service_gets_with_any_room() {
    fn with<R: Room>(chunk_bytes: usize) {
        let log = Log::default();
        let layers = (Probe::doubling("a", &log), Probe::doubling("b", &log));
        let service: Layered<_, _, R> = Layered::with_room(layers, Mirror(&log));
        let exchange = Exchange::new("POST", "/").streamed(b"abc").chunk_bytes(chunk_bytes);
        assert_eq!(run(&service, &exchange).body(), b"/|-|Streamed|aaaabbbbcccc");
    }
    for chunk_bytes in [1, 2, 3] {
        with::<Inline<0, 0, 0, 4>>(chunk_bytes);
        with::<Inline<0, 0, 0, 7>>(chunk_bytes);
        with::<DeviceRoom>(chunk_bytes);
    }
}

#[test]
fn a_collected_body_has_passed_the_body_hooks_outside_and_not_those_inside() {
    let log = Log::default();
    let layers = (
        Probe::doubling("a", &log),
        Probe::asking("b", &log),
        Probe::doubling("c", &log),
        Probe::asking("d", &log),
        Probe::doubling("e", &log),
    );
    let exchange = Exchange::new("POST", "/").streamed(b"xy").chunk_bytes(1);
    let answer = run(&Layered::new(layers, Mirror(&log)), &exchange);
    assert_eq!(answer.body(), b"/|-|Sized(8)|xxxxxxxxyyyyyyyy");
    assert!(log.borrow().contains(&String::from("b.request Some(\"xxyy\") /")));
    assert!(log.borrow().contains(&String::from("d.request Some(\"xxxxyyyy\") /")));
}

#[test]
fn a_body_hook_replies_in_the_middle_and_the_service_hears_of_its_end() {
    let log = Log::default();
    let counter = Probe {
        on_body: |chunk, _, _| match chunk {
            b"c" => BodyVerdict::Reply(Reply::new(Status::CONTENT_TOO_LARGE, "too much\n")),
            _ => BodyVerdict::Pass,
        },
        ..Probe::new("b", &log, Hooks::REQUEST_BODY)
    };
    let layers = (Probe::new("a", &log, Hooks::RESPONSE), counter);
    let exchange = Exchange::new("POST", "/").streamed(b"abcd").chunk_bytes(1);
    let answer = run(&Layered::new(layers, Mirror(&log)), &exchange);
    assert_eq!((answer.status(), answer.body()), (Status::CONTENT_TOO_LARGE, &b"too much\n"[..]));
    let expected = ["service", "b.body a false", "b.body b false", "b.body c false", "service.end false"];
    assert_eq!(log.borrow()[..5], expected);
    assert_eq!(log.borrow()[5..], ["a.response 413 Sized(9)"]);
}

#[test]
fn a_body_hook_that_aborts_cuts_the_exchange_off() {
    let log = Log::default();
    let layers =
        (Probe { on_body: |_, _, _| BodyVerdict::Abort, ..Probe::new("a", &log, Hooks::REQUEST_BODY) },);
    let answer = run(&Layered::new(layers, Mirror(&log)), &Exchange::new("POST", "/").body(b"abc"));
    assert!(answer.is_aborted() && answer.head().is_none());
}

#[test]
fn a_reply_after_the_head_is_out_can_only_cut_off() {
    let log = Log::default();
    let late = Probe {
        on_body: |_, _, _| BodyVerdict::Reply(Reply::new(Status::CONTENT_TOO_LARGE, "")),
        ..Probe::new("a", &log, Hooks::REQUEST_BODY)
    };
    let service: Layered<_, _> = Layered::new((late,), Fixed::text(Status::OK, "early"));
    let answer = run(&service, &Exchange::new("POST", "/").body(b"abc"));
    assert_eq!(answer.status(), Status::OK);
    assert!(answer.is_aborted());
}

#[test]
fn a_layer_that_asks_again_and_again_is_a_500() {
    let log = Log::default();
    let greedy =
        Probe { on_request: |_| RequestVerdict::NeedBody(9), ..Probe::new("a", &log, Hooks::REQUEST) };
    let service = Layered::new((greedy,), Mirror(&log));
    assert_eq!(run(&service, &Exchange::get("/")).status(), Status::INTERNAL_SERVER_ERROR);
    let exchange = Exchange::new("POST", "/").body(b"abc");
    assert_eq!(run(&service, &exchange).status(), Status::INTERNAL_SERVER_ERROR);
    let greedy =
        Probe { on_response: |_, _| ResponseVerdict::NeedBody(99), ..Probe::new("a", &log, Hooks::RESPONSE) };
    let answer = run(&Layered::new((greedy,), Mirror(&log)), &Exchange::get("/"));
    assert_eq!(answer.status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn layered_services_nest() {
    let log = Log::default();
    let inner = Layered::new((Probe::asking("b", &log), Probe::filtering("c", &log)), Mirror(&log));
    let service: Layered<_, _> = Layered::new((Probe::asking("a", &log), Probe::filtering("d", &log)), inner);
    let answer = run(&service, &Exchange::new("POST", "/").streamed(b"k").chunk_bytes(1));
    assert_eq!(answer.body(), b"////||||----||||SSSSttttrrrreeeeaaaammmmeeeedddd||||kkkk");
}

#[test]
fn an_abort_reaches_the_layers_that_saw_the_request() {
    let log = Log::default();
    let service = Layered::new((Probe::new("a", &log, Hooks::END),), Mirror(&log));
    let cx = &mut TestContext::default();
    let state = Exchange::get("/").with_head(|head| service.begin(cx, head));
    service.end(cx, state, Outcome::Aborted(ResetCause::Truncated));
    assert_eq!(*log.borrow(), ["service", "service.end false", "a.end aborted"]);
}
