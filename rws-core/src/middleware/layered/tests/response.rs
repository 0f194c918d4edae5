//! Response hooks, collected answers and filters.

use alloc::vec;

use super::*;

/// Answers from a script of fills.
struct Scripted(Vec<Fill>, &'static [u8]);

impl Service<TestContext> for Scripted {
    type State = (usize, usize, bool);

    fn begin(&self, _: &mut TestContext, _: &mut RequestHead<'_>) -> Self::State {
        (0, 0, false)
    }
    fn body(&self, _: &mut TestContext, _: &mut Self::State, _: &[u8], _: bool) -> Taken {
        Taken::All
    }
    fn head<'s>(&self, state: &'s mut Self::State) -> HeadAnswer<'s> {
        if !core::mem::replace(&mut state.2, true) {
            return HeadAnswer::Interim(ResponseHead::bare(Status::EARLY_HINTS));
        }
        HeadAnswer::Final(ResponseHead::bare(Status::OK), BodyPlan::Streamed)
    }
    fn fill(&self, (step, sent, _): &mut Self::State, out: &mut [u8]) -> Fill {
        let fill = self.0[*step];
        if let Fill::More(n) | Fill::End(n) = fill {
            out[..n].copy_from_slice(&self.1[*sent..*sent + n]);
            *sent += n;
        }
        *step += 1;
        fill
    }
}

#[test]
fn response_hooks_edit_status_and_fields_in_turn() {
    let log = Log::default();
    let inner = Probe {
        on_response: |parts, _| {
            *parts.status = Status::ACCEPTED;
            parts.fields.push("X-A", b"inner").unwrap();
            ResponseVerdict::Continue
        },
        ..Probe::new("b", &log, Hooks::RESPONSE)
    };
    let outer = Probe {
        on_response: |parts, _| {
            assert_eq!(*parts.status, Status::ACCEPTED);
            assert_eq!(parts.fields.block().first("X-A"), Some(&b"inner"[..]));
            parts.fields.set("X-A", b"outer").unwrap();
            ResponseVerdict::Continue
        },
        ..Probe::new("a", &log, Hooks::RESPONSE)
    };
    let answer = run(&Layered::new((outer, inner), Mirror(&log)), &Exchange::get("/"));
    assert_eq!((answer.status(), answer.field("X-A")), (Status::ACCEPTED, Some("outer")));
    assert_eq!(answer.plan(), Some(BodyPlan::Sized(answer.body().len() as u64)));
}

#[test]
fn a_response_hook_that_refuses_replaces_the_answer_for_the_layers_outside() {
    let log = Log::default();
    let inner = Probe {
        on_response: |_, _| ResponseVerdict::Reply(Reply::new(Status::BAD_GATEWAY, "unsigned\n")),
        ..Probe::new("b", &log, Hooks::RESPONSE)
    };
    let layers = (Probe::new("a", &log, Hooks::RESPONSE), inner, Probe::filtering("c", &log));
    let answer = run(&Layered::new(layers, Mirror(&log)), &Exchange::get("/"));
    assert_eq!((answer.status(), answer.body()), (Status::BAD_GATEWAY, &b"unsigned\n"[..]));
    assert_eq!(log.borrow().last().unwrap(), "a.response 502 Sized(9)");
    assert!(log.borrow().contains(&String::from("service.end false")));
}

fn asking_for_the_answer<'l>(name: &'static str, log: &'l Log) -> Probe<'l> {
    Probe {
        on_response: |_, view| match view {
            BodyView::Whole(_) | BodyView::Unseen => ResponseVerdict::Continue,
            BodyView::None | BodyView::Sized(_) | BodyView::Streamed => ResponseVerdict::NeedBody(12),
        },
        ..Probe::new(name, log, Hooks::RESPONSE)
    }
}

#[test]
fn an_answers_body_is_collected_shown_and_still_sent() {
    for fill_bytes in [1, 5, 100] {
        let log = Log::default();
        let service = Layered::new((asking_for_the_answer("a", &log),), Mirror(&log));
        let answer = run(&service, &Exchange::get("/").fill_bytes(fill_bytes));
        assert_eq!(answer.body(), b"/|-|None|");
        let whole = format!("a.response 200 {:?}", BodyView::Whole(b"/|-|None|"));
        assert_eq!(log.borrow()[1..3], [String::from("a.response 200 Sized(9)"), whole]);
    }
}

#[test]
fn an_answer_too_long_to_be_shown_goes_out_whole() {
    for fill_bytes in [1, 5, 100] {
        let log = Log::default();
        let long = "/a-path-of-many-bytes";
        let service = Layered::new((asking_for_the_answer("a", &log),), Mirror(&log));
        let answer = run(&service, &Exchange::get(long).fill_bytes(fill_bytes));
        assert_eq!(answer.body(), b"/a-path-of-many-bytes|-|None|");
        assert_eq!(log.borrow()[2], "a.response 200 Unseen");
        // The same where the length is not told: a filter stands inside.
        let layers = (asking_for_the_answer("a", &log), Dashes);
        let answer = run(&Layered::new(layers, Mirror(&log)), &Exchange::get("/").fill_bytes(fill_bytes));
        assert_eq!(answer.body(), b"-/-|---|-N-o-n-e-|-");
        assert_eq!(log.borrow().last().unwrap(), "service.end true");
    }
}

#[test]
fn a_layer_outside_of_a_filter_is_shown_the_filtered_body() {
    for fill_bytes in [2, 3, 100] {
        let log = Log::default();
        let layers =
            (asking_for_the_answer("a", &log), Probe::filtering("b", &log), asking_for_the_answer("c", &log));
        let service = Layered::new(layers, Fixed::text(Status::OK, "abcdef"));
        let answer = run(&service, &Exchange::get("/").fill_bytes(fill_bytes));
        assert_eq!(answer.body(), b"aabbccddeeff");
        assert_eq!(answer.plan(), Some(BodyPlan::Streamed));
        let shown = |name, body: &[u8]| format!("{name}.response 200 {:?}", BodyView::Whole(body));
        assert_eq!(log.borrow()[1], shown("c", b"abcdef"));
        assert_eq!(log.borrow()[3], shown("a", b"aabbccddeeff"));
    }
}

#[test]
fn an_answer_to_head_is_not_collected() {
    let log = Log::default();
    let service = Layered::new((asking_for_the_answer("a", &log),), Mirror(&log));
    let _ = run(&service, &Exchange::new("HEAD", "/"));
    assert_eq!(log.borrow()[2], "a.response 200 Unseen");
}

/// Puts a dash before every byte, with its place kept in the state, so that one byte of room is enough.
struct Dashes;

impl Middleware<TestContext> for Dashes {
    type State = bool;
    fn hooks(&self) -> Hooks {
        Hooks::RESPONSE_BODY
    }
    fn response_body(
        &self,
        is_dashed: &mut bool,
        input: &[u8],
        end: bool,
        _: bool,
        out: &mut [u8],
    ) -> Filtered {
        let mut did = Filtered::default();
        for slot in out {
            match (*is_dashed, input.get(did.taken)) {
                (true, Some(&byte)) => (*slot, did.taken) = (byte, did.taken + 1),
                (false, Some(_)) => *slot = b'-',
                // A last dash ends the body, once.
                (false, None) if end => *slot = b'-',
                (true, None) | (false, None) => break,
            }
            did.made += 1;
            *is_dashed = !*is_dashed;
        }
        did
    }
}

#[test]
fn filters_work_byte_by_byte_and_turn_sized_into_streamed() {
    fn with<R: Room>(fill_bytes: usize) {
        let service: Layered<_, _, R> = Layered::with_room((Dashes, Dashes), Fixed::text(Status::OK, "abc"));
        let answer = run(&service, &Exchange::get("/").fill_bytes(fill_bytes));
        assert_eq!(core::str::from_utf8(answer.body()).unwrap(), "---a---b---c---");
        assert_eq!(answer.plan(), Some(BodyPlan::Streamed));
    }
    for fill_bytes in [1, 2, 3, 64] {
        with::<Inline<32, 4, 0, 2>>(fill_bytes);
        with::<Inline<32, 4, 0, 7>>(fill_bytes);
        with::<DeviceRoom>(fill_bytes);
    }
}

#[test]
fn a_layer_can_leave_an_answer_unfiltered() {
    struct Shy;
    impl Middleware<TestContext> for Shy {
        type State = ();
        fn hooks(&self) -> Hooks {
            Hooks::RESPONSE_BODY
        }
        fn filters(&self, (): &()) -> bool {
            false
        }
    }
    let service: Layered<_, _> = Layered::new((Shy,), Fixed::text(Status::OK, "abc"));
    let answer = run(&service, &Exchange::get("/"));
    assert_eq!((answer.plan(), answer.body()), (Some(BodyPlan::Sized(3)), &b"abc"[..]));
}

#[test]
fn a_blocked_body_waits_while_it_is_collected_and_interim_responses_pass() {
    let script =
        || Scripted(vec![Fill::More(2), Fill::Blocked, Fill::Blocked, Fill::More(1), Fill::End(1)], b"wxyz");
    let log = Log::default();
    let answer = run(&Layered::new((asking_for_the_answer("a", &log),), script()), &Exchange::get("/"));
    assert_eq!((answer.body(), answer.interim().len()), (&b"wxyz"[..], 1));
    assert_eq!(*log.borrow().last().unwrap(), format!("a.response 200 {:?}", BodyView::Whole(b"wxyz")));
    // Through a filter, what is there goes out before the wait.
    let answer = run(&Layered::new((Dashes,), script()), &Exchange::get("/"));
    assert_eq!(answer.body(), b"-w-x-y-z-");
}

#[test]
fn a_body_that_breaks_off_while_it_is_collected_is_a_500_and_never_a_short_body() {
    let log = Log::default();
    let script = Scripted(vec![Fill::More(2), Fill::Abort], b"wxyz");
    let answer = run(&Layered::new((asking_for_the_answer("a", &log),), script), &Exchange::get("/"));
    assert_eq!(answer.status(), Status::INTERNAL_SERVER_ERROR);
    let script = Scripted(vec![Fill::More(2), Fill::Abort], b"wxyz");
    let answer = run(&Layered::new((Dashes,), script), &Exchange::get("/"));
    assert!(answer.is_aborted());
}

/// Is not decided until the third look, then streams a byte and ends with a trailer.
struct Late;

const TRAILERS: [crate::Field; 1] =
    [crate::Field::known(KnownName::ContentDigest, crate::Span { at: 0, len: 2 })];

impl Service<TestContext> for Late {
    type State = u32;

    fn begin(&self, _: &mut TestContext, _: &mut RequestHead<'_>) -> u32 {
        0
    }
    fn body(&self, _: &mut TestContext, _: &mut u32, _: &[u8], _: bool) -> Taken {
        Taken::Later
    }
    fn head<'s>(&self, looks: &'s mut u32) -> HeadAnswer<'s> {
        *looks += 1;
        match *looks {
            0..3 => HeadAnswer::NotYet,
            3.. => HeadAnswer::Final(ResponseHead::bare(Status::OK), BodyPlan::Streamed),
        }
    }
    fn fill(&self, _: &mut u32, out: &mut [u8]) -> Fill {
        out[0] = b'x';
        Fill::End(1)
    }
    fn trailers<'s>(&self, _: &'s mut u32) -> FieldBlock<'s> {
        FieldBlock::new(b"ok", &TRAILERS)
    }
}

#[test]
fn an_answer_that_is_decided_later_keeps_its_trailers_through_every_kind_of_layer() {
    let log = Log::default();
    let run = |answer: crate::testing::Answer, body: &[u8]| {
        assert_eq!(answer.body(), body);
        assert_eq!(answer.trailers().first(KnownName::ContentDigest), Some(&b"ok"[..]));
    };
    let get = Exchange::get("/");
    run(super::run(&Layered::<_, _>::new((), Late), &get), b"x");
    run(super::run(&Layered::new((Probe::new("a", &log, Hooks::RESPONSE),), Late), &get), b"x");
    run(super::run(&Layered::new((asking_for_the_answer("a", &log),), Late), &get), b"x");
    run(super::run(&Layered::<_, _>::new((Dashes,), Late), &get), b"-x-");
}

#[test]
fn credit_that_the_service_keeps_back_stays_back_behind_rewriting_layers() {
    let log = Log::default();
    let service = Layered::new((Probe::doubling("a", &log),), Late);
    let cx = &mut TestContext::default();
    let mut state = Exchange::new("POST", "/").streamed(b"").with_head(|head| service.begin(cx, head));
    assert_eq!(service.body(cx, &mut state, b"abc", false), Taken::Later);
}
