//! A layer that some requests do not have.

use super::{
    BodyVerdict, BodyView, Filtered, Hooks, Middleware, RequestVerdict, ResponseParts, ResponseVerdict,
};
use crate::message::RequestHead;
use crate::service::{Context, Outcome};

/// A layer for those requests only whose head `applies` picks out; the others pass as if it were not there.
///
/// The head is looked at once, as the layers outside left it. A request that a layer outside answers is
/// never looked at.
///
/// ```
/// use rws_core::middleware::{BodyLimitLayer, OnlyFor};
///
/// let uploads = OnlyFor::new(
///     |head: &rws_core::RequestHead<'_>| head.path().starts_with("/upload/"),
///     BodyLimitLayer::new(64 << 20),
/// );
/// # let _ = uploads;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OnlyFor<P, M> {
    applies: P,
    layer: M,
}

impl<P: Fn(&RequestHead<'_>) -> bool, M> OnlyFor<P, M> {
    /// `layer`, where `applies` says so.
    pub const fn new(applies: P, layer: M) -> OnlyFor<P, M> {
        OnlyFor { applies, layer }
    }
}

/// What is remembered about one request: the layer's own state, if the layer applies.
#[derive(Clone, Copy, Debug)]
pub struct OnlyForState<S>(Option<S>);

impl<S> Default for OnlyForState<S> {
    fn default() -> Self {
        OnlyForState(None)
    }
}

impl<C, P, M> Middleware<C> for OnlyFor<P, M>
where
    C: Context + ?Sized,
    P: Fn(&RequestHead<'_>) -> bool,
    M: Middleware<C>,
{
    type State = OnlyForState<M::State>;

    const MAY_BLOCK: bool = M::MAY_BLOCK;

    fn hooks(&self) -> Hooks {
        self.layer.hooks().and(Hooks::REQUEST)
    }

    fn request(
        &self,
        cx: &mut C,
        state: &mut Self::State,
        head: &mut RequestHead<'_>,
        body: Option<&[u8]>,
    ) -> RequestVerdict {
        if body.is_none() && (self.applies)(head) {
            state.0 = Some(M::State::default());
        }
        match &mut state.0 {
            Some(state) if self.layer.hooks().has(Hooks::REQUEST) => {
                self.layer.request(cx, state, head, body)
            }
            Some(_) | None => RequestVerdict::Continue,
        }
    }

    fn request_body(
        &self,
        cx: &mut C,
        state: &mut Self::State,
        chunk: &[u8],
        end: bool,
        out: &mut [u8],
    ) -> BodyVerdict {
        match &mut state.0 {
            Some(state) => self.layer.request_body(cx, state, chunk, end, out),
            None => BodyVerdict::Pass,
        }
    }

    fn response(
        &self,
        cx: &mut C,
        state: &mut Self::State,
        head: &mut ResponseParts<'_, '_>,
        body: BodyView<'_>,
    ) -> ResponseVerdict {
        match &mut state.0 {
            Some(state) => self.layer.response(cx, state, head, body),
            None => ResponseVerdict::Continue,
        }
    }

    fn filters(&self, state: &Self::State) -> bool {
        state.0.as_ref().is_some_and(|state| self.layer.filters(state))
    }

    fn response_body(
        &self,
        state: &mut Self::State,
        input: &[u8],
        end: bool,
        flush: bool,
        out: &mut [u8],
    ) -> Filtered {
        match &mut state.0 {
            Some(state) => self.layer.response_body(state, input, end, flush, out),
            // `filters` has said no: never called.
            None => Filtered::default(),
        }
    }

    fn end(&self, cx: &mut C, state: &mut Self::State, outcome: Outcome) {
        if let Some(state) = &mut state.0 {
            self.layer.end(cx, state, outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;
    use crate::Status;
    use crate::middleware::{Layered, Reply};
    use crate::testing::{Exchange, Fixed, TestContext};

    /// Counts the hooks that are called, and doubles bodies.
    #[derive(Default)]
    struct Count {
        hooks: Cell<u32>,
        replies: bool,
    }

    impl Count {
        fn up(&self) {
            self.hooks.set(self.hooks.get() + 1);
        }
    }

    impl Middleware<TestContext> for &Count {
        type State = ();
        fn hooks(&self) -> Hooks {
            Hooks(31)
        }
        fn request(
            &self,
            _: &mut TestContext,
            (): &mut (),
            _: &mut RequestHead<'_>,
            _: Option<&[u8]>,
        ) -> RequestVerdict {
            self.up();
            if self.replies {
                return RequestVerdict::Reply(Reply::new(Status::FORBIDDEN, "no\n").with_own_hook());
            }
            RequestVerdict::Continue
        }
        fn request_body(
            &self,
            _: &mut TestContext,
            (): &mut (),
            _: &[u8],
            _: bool,
            _: &mut [u8],
        ) -> BodyVerdict {
            self.up();
            BodyVerdict::Pass
        }
        fn response(
            &self,
            _: &mut TestContext,
            (): &mut (),
            head: &mut ResponseParts<'_, '_>,
            _: BodyView<'_>,
        ) -> ResponseVerdict {
            self.up();
            head.fields.push("X-Seen", b"yes").expect("room");
            ResponseVerdict::Continue
        }
        fn end(&self, _: &mut TestContext, (): &mut (), _: Outcome) {
            self.up();
        }
    }

    fn run(count: &Count, target: &str) -> crate::testing::Answer {
        let is_below = |head: &RequestHead<'_>| head.path().starts_with("/inside/");
        let service: Layered<_, _> =
            Layered::new((OnlyFor::new(is_below, count),), Fixed::text(Status::OK, "hello"));
        Exchange::new("POST", target).body(b"x").run(&service, &mut TestContext::default())
    }

    #[test]
    fn every_hook_runs_where_the_layer_applies_and_none_elsewhere() {
        let count = Count::default();
        let answer = run(&count, "/outside");
        assert_eq!((answer.body(), answer.field("X-Seen"), count.hooks.get()), (&b"hello"[..], None, 0));
        let answer = run(&count, "/inside/");
        assert_eq!((answer.body(), answer.field("X-Seen")), (&b"hello"[..], Some("yes")));
        assert!(count.hooks.get() >= 3, "head, answer, end");
    }

    #[test]
    fn a_reply_of_the_layer_passes_its_own_hook() {
        let count = Count { replies: true, ..Count::default() };
        assert_eq!(run(&count, "/outside").status(), Status::OK);
        let answer = run(&count, "/inside/");
        assert_eq!((answer.status(), answer.field("X-Seen")), (Status::FORBIDDEN, Some("yes")));
    }
}
