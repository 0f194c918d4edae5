//! Boxed layers beside typed ones.

use super::*;
use crate::Status;
use crate::middleware::{BodyLimitLayer, Heap, Layered, Reply};
use crate::testing::{Exchange, Fixed, TestContext};

/// Adds its letter to every answer's `X-Order` and counts the bytes of its body in its state.
struct Letter(&'static str);

impl Middleware<TestContext> for Letter {
    type State = u64;
    fn hooks(&self) -> Hooks {
        Hooks::RESPONSE.and(Hooks::RESPONSE_BODY)
    }
    fn response(
        &self,
        _: &mut TestContext,
        seen: &mut u64,
        head: &mut ResponseParts<'_, '_>,
        _: BodyView<'_>,
    ) -> ResponseVerdict {
        assert_eq!(*seen, 0, "a state is never used twice");
        head.fields.push("X-Order", self.0.as_bytes()).unwrap();
        ResponseVerdict::Continue
    }
    fn response_body(&self, seen: &mut u64, input: &[u8], _: bool, _: bool, out: &mut [u8]) -> Filtered {
        let n = input.len().min(out.len());
        out[..n].copy_from_slice(&input[..n]);
        *seen += n as u64;
        Filtered { taken: n, made: n }
    }
}

fn orders(answer: &crate::testing::Answer) -> Vec<&[u8]> {
    answer.head().unwrap().fields().all("X-Order").collect()
}

#[test]
fn boxed_layers_run_like_a_tuple_of_them() {
    let mut stack = Stack::new();
    stack.push(Letter("a"));
    stack.push(Letter("b"));
    stack.wrap(Letter("outermost"));
    let boxed: Layered<_, _, Heap> = Layered::with_room(stack, Fixed::text(Status::OK, "hello"));
    let typed: Layered<_, _> =
        Layered::new((Letter("outermost"), Letter("a"), Letter("b")), Fixed::text(Status::OK, "hello"));
    for fill_bytes in [1, 3, 100] {
        let get = Exchange::get("/").fill_bytes(fill_bytes);
        let (one, other) =
            (get.run(&boxed, &mut TestContext::default()), get.run(&typed, &mut TestContext::default()));
        assert_eq!(orders(&one), [&b"b"[..], b"a", b"outermost"]);
        assert_eq!(orders(&one), orders(&other));
        assert_eq!((one.body(), one.plan()), (&b"hello"[..], other.plan()));
    }
}

#[test]
fn a_stack_without_hooks_allocates_no_state() {
    struct Idle;
    impl Middleware<TestContext> for Idle {
        type State = [u64; 4];
        fn hooks(&self) -> Hooks {
            Hooks::NONE
        }
    }
    let mut stack = Stack::new();
    stack.push(Idle);
    assert!(!stack.may_block() && stack.len() == 1);
    let mut state = StackState::default();
    assert!(Layers::<TestContext>::mark(&stack, 0, &mut state).is_none());
    assert_eq!(state.0.capacity(), 0);
}

#[test]
fn a_boxed_layer_can_reply_collect_and_limit() {
    struct Echo;
    impl Middleware<TestContext> for Echo {
        type State = ();
        const MAY_BLOCK: bool = true;
        fn hooks(&self) -> Hooks {
            Hooks::REQUEST
        }
        fn request(
            &self,
            _: &mut TestContext,
            (): &mut (),
            _: &mut RequestHead<'_>,
            body: Option<&[u8]>,
        ) -> RequestVerdict {
            match body {
                None => RequestVerdict::NeedBody(1 << 20),
                Some(b"ping") => RequestVerdict::Reply(Reply::new(Status::OK, "pong")),
                Some(_) => RequestVerdict::Continue,
            }
        }
    }
    let mut stack = Stack::new();
    stack.push(BodyLimitLayer::new(100_000));
    stack.push(Echo);
    assert!(stack.may_block());
    let service: Layered<_, _, Heap> = Layered::with_room(stack, Fixed::text(Status::OK, "through"));
    let run = |body: &[u8]| {
        let exchange = Exchange::new("POST", "/").streamed(body).chunk_bytes(1000);
        exchange.run(&service, &mut TestContext::default())
    };
    assert_eq!(run(b"ping").body(), b"pong");
    assert_eq!(run(&[0; 100_000]).body(), b"through");
    assert_eq!(run(&[0; 100_001]).status(), Status::CONTENT_TOO_LARGE);
}
