//! A service with layers around it.
//!
//! ```text
//!            NeedBody            body complete
//!  begin ─┬─────────▶ Collecting ──────────────┐
//!         │                                    ▼      inner head()        hooks done       head()
//!         ├── every hook: Continue ───────▶ Waiting ─────────────▶ Deciding ───────▶ Decided ───▶ Sending
//!         │                                  │   ▲                 ▲  ▲   │
//!         │                                  ▼   │ head()          │  └───┘ a body is collected
//!         │                                 Interim                │
//!         └── Reply (here, or from a body hook) ───────────────────┘
//!
//!  a hook says Abort, or replies when a head is out already ──▶ Aborted
//! ```
//!
//! Without response hooks an exchange stays in Waiting for good: head, body and trailers are the inner
//! service's, untouched and not copied.

mod answer;
mod body;
mod kept;
mod pull;
mod request;
mod response;
#[cfg(test)]
mod tests;

use core::marker::PhantomData;

use self::answer::{Answer, BodySource};
use self::kept::{KeptFields, KeptHead};
use super::{DeviceRoom, Hooks, Layers, Room};
use crate::Status;
use crate::connection::{Fill, HeadAnswer};
use crate::message::{FieldBlock, Method, RequestHead, ResponseHead};
use crate::service::{Context, Outcome, Service, Taken, WholeAnswer};

/// Layers around a service, outermost first; a service again.
///
/// `R` is where the memory comes from that some hooks need; see [`Room`].
///
/// ```
/// use rws_core::message::RequestHead;
/// use rws_core::middleware::{Hooks, Layered, Middleware, Reply, RequestVerdict};
/// use rws_core::service::Context;
/// use rws_core::{KnownName, Status};
///
/// /// Turns requests without a credential away.
/// struct Gate;
///
/// impl<C: Context + ?Sized> Middleware<C> for Gate {
///     type State = ();
///     fn hooks(&self) -> Hooks {
///         Hooks::REQUEST
///     }
///     fn request(&self, _: &mut C, (): &mut (), head: &mut RequestHead<'_>, _: Option<&[u8]>) -> RequestVerdict {
///         match head.fields().single(KnownName::Authorization) {
///             Some(_) => RequestVerdict::Continue,
///             None => RequestVerdict::Reply(Reply::new(Status::UNAUTHORIZED, "who are you?\n")),
///         }
///     }
/// }
///
/// # #[cfg(feature = "alloc")]
/// # {
/// # use rws_core::testing::{Exchange, Fixed, TestContext};
/// let service: Layered<_, _> = Layered::new((Gate,), Fixed::text(Status::OK, "hello"));
/// let answer = Exchange::get("/").run(&service, &mut TestContext::default());
/// assert_eq!(answer.status(), Status::UNAUTHORIZED);
/// let answer = Exchange::get("/").field("Authorization", "Basic eDp5").run(&service, &mut TestContext::default());
/// assert_eq!(answer.body(), b"hello");
/// # }
/// ```
#[derive(Debug)]
pub struct Layered<L, S, R = DeviceRoom> {
    layers: L,
    service: S,
    room: PhantomData<fn() -> R>,
}

impl<L, S> Layered<L, S> {
    /// `layers` around `service`, with a board's memory for each request.
    pub const fn new(layers: L, service: S) -> Layered<L, S> {
        Layered { layers, service, room: PhantomData }
    }
}

impl<L, S, R: Room> Layered<L, S, R> {
    /// `layers` around `service`, with the memory of `R` for each request.
    pub const fn with_room(layers: L, service: S) -> Layered<L, S, R> {
        Layered { layers, service, room: PhantomData }
    }

    fn run<'r, C>(
        &'r self,
        cx: &'r mut C,
        state: &'r mut LayeredState<L::State, S::State, R>,
    ) -> Run<'r, C, L, S, R>
    where
        C: Context + ?Sized,
        L: Layers<C>,
        S: Service<C>,
    {
        Run { layers: &self.layers, service: &self.service, cx, state }
    }

    /// The service inside.
    pub const fn service(&self) -> &S {
        &self.service
    }

    /// The layers.
    pub const fn layers(&self) -> &L {
        &self.layers
    }

    /// The inner service's state, once the request has reached it: for adapters that tell it more than a
    /// [`Service`] is told.
    pub const fn inner_state<'s, LS, SS>(
        &self,
        state: &'s mut LayeredState<LS, SS, R>,
    ) -> Option<&'s mut SS> {
        state.inner.as_mut()
    }

    /// The inner service's state, if its body goes out as it is: for adapters that send bodies without
    /// copying them. `None` as long as the head has not been handed out.
    pub fn untouched_body<'s, C>(
        &self,
        state: &'s mut LayeredState<L::State, S::State, R>,
    ) -> Option<&'s mut S::State>
    where
        C: Context + ?Sized,
        L: Layers<C>,
        S: Service<C>,
    {
        let untouched = match &state.phase {
            Phase::Waiting => state.head_out,
            Phase::Sending(answer) => !answer.touched && matches!(answer.source, BodySource::Inner),
            Phase::Collecting(_)
            | Phase::Interim(..)
            | Phase::Deciding(_)
            | Phase::Decided(_)
            | Phase::Aborted => false,
        };
        if untouched { state.inner.as_mut() } else { None }
    }
}

impl<LS, SS, R> LayeredState<LS, SS, R> {
    /// The inner service's state, while there is one: for adapters that extend services.
    pub const fn inner_mut(&mut self) -> Option<&mut SS> {
        self.inner.as_mut()
    }
}

/// The state of one exchange of a [`Layered`] service.
#[derive(Debug)]
pub struct LayeredState<LS, SS, R> {
    layers: LS,
    /// The inner service's, once the request has reached it.
    inner: Option<SS>,
    room: R,
    phase: Phase,
    /// How many layers have seen the request.
    reached: usize,
    is_head_request: bool,
    head_out: bool,
}

/// A job on one exchange: what the parts of this module are methods of.
struct Run<'r, C: Context + ?Sized, L: Layers<C>, S: Service<C>, R> {
    layers: &'r L,
    service: &'r S,
    cx: &'r mut C,
    state: &'r mut LayeredState<L::State, S::State, R>,
}

#[derive(Debug)]
enum Phase {
    /// The request's body is being collected for a layer.
    Collecting(Collecting),
    /// The inner service has the request and has not decided its answer.
    Waiting,
    /// An interim response of the inner service waits to be handed out.
    Interim(Status, KeptFields),
    /// Response hooks are being run.
    Deciding(Deciding),
    /// The answer stands.
    Decided(Answer),
    /// The answer's head has been handed out.
    Sending(Answer),
    /// The exchange is cut off.
    Aborted,
}

#[derive(Debug)]
struct Collecting {
    head: KeptHead,
    /// The layer that asked.
    at: usize,
    bytes_max: u64,
    /// How much there is.
    len: usize,
}

// Every exchange of a service with layers has one.
const _: () = assert!(size_of::<Phase>() <= 128);

#[derive(Debug)]
struct Deciding {
    answer: Answer,
    /// The response hooks of the layers before this place are still to be run, from here outwards.
    at: usize,
    /// The next of them has asked for the body.
    asked: Option<u64>,
}

impl<C, L, S, R> Service<C> for Layered<L, S, R>
where
    C: Context + ?Sized,
    L: Layers<C>,
    S: Service<C>,
    R: Room,
{
    type State = LayeredState<L::State, S::State, R>;

    #[inline]
    fn begin(&self, cx: &mut C, head: &mut RequestHead<'_>) -> Self::State {
        let mut state = LayeredState {
            layers: L::State::default(),
            inner: None,
            room: R::default(),
            phase: Phase::Waiting,
            reached: self.layers.count(),
            is_head_request: matches!(head.method(), Method::Head),
            head_out: false,
        };
        if self.layers.hooks().has(Hooks::REQUEST) {
            self.run(cx, &mut state).begin(head);
        } else {
            state.inner = Some(self.service.begin(cx, head));
        }
        state
    }

    #[inline]
    fn body(&self, cx: &mut C, state: &mut Self::State, chunk: &[u8], end: bool) -> Taken {
        let hooked = self.layers.hooks().has(Hooks::REQUEST_BODY);
        match (&mut state.phase, &mut state.inner) {
            (Phase::Aborted, _) => Taken::Abort,
            (Phase::Collecting(_), _) => self.run(cx, state).collect_piece(chunk, end),
            (_, Some(_)) if hooked => self.run(cx, state).deliver_piece(chunk, end),
            (_, Some(inner)) => self.service.body(cx, inner, chunk, end),
            (_, None) => Taken::Stop,
        }
    }

    fn request_trailers(&self, cx: &mut C, state: &mut Self::State, trailers: FieldBlock<'_>) {
        if let Some(inner) = &mut state.inner {
            self.service.request_trailers(cx, inner, trailers);
        }
    }

    fn credit(&self, state: &mut Self::State) -> u32 {
        state.inner.as_mut().map_or(0, |inner| self.service.credit(inner))
    }

    #[inline]
    fn advance(&self, cx: &mut C, state: &mut Self::State) {
        match &mut state.phase {
            Phase::Waiting => {
                if let Some(inner) = &mut state.inner {
                    self.service.advance(cx, inner);
                }
                if self.layers.hooks().has_any(ANSWER_HOOKS) {
                    self.run(cx, state).take_answer();
                }
            }
            Phase::Deciding(_) => self.run(cx, state).decide(),
            Phase::Collecting(_)
            | Phase::Interim(..)
            | Phase::Decided(_)
            | Phase::Sending(_)
            | Phase::Aborted => {}
        }
    }

    #[inline]
    fn head<'s>(&self, state: &'s mut Self::State) -> HeadAnswer<'s> {
        if !matches!(state.phase, Phase::Waiting) {
            return hand_out(state);
        }
        let Some(inner) = &mut state.inner else { return HeadAnswer::NotYet };
        if self.layers.hooks().has_any(ANSWER_HOOKS) {
            return HeadAnswer::NotYet;
        }
        let answer = self.service.head(inner);
        state.head_out |= matches!(answer, HeadAnswer::Final(..));
        answer
    }

    #[inline]
    fn whole<'s>(&self, state: &'s Self::State) -> Option<WholeAnswer<'s>> {
        if !matches!(state.phase, Phase::Waiting) || self.layers.hooks().has_any(ANSWER_HOOKS) {
            return None;
        }
        self.service.whole(state.inner.as_ref()?)
    }

    #[inline]
    fn fill(&self, state: &mut Self::State, out: &mut [u8]) -> Fill {
        match (&state.phase, &mut state.inner) {
            (Phase::Waiting, Some(inner)) => self.service.fill(inner, out),
            (Phase::Sending(_), _) => self.fill_answer(state, out),
            (
                Phase::Waiting
                | Phase::Collecting(_)
                | Phase::Interim(..)
                | Phase::Deciding(_)
                | Phase::Decided(_)
                | Phase::Aborted,
                _,
            ) => Fill::Abort,
        }
    }

    fn trailers<'s>(&self, state: &'s mut Self::State) -> FieldBlock<'s> {
        let of_inner = match &state.phase {
            Phase::Waiting => true,
            Phase::Sending(answer) => matches!(answer.source, BodySource::Inner),
            Phase::Collecting(_)
            | Phase::Interim(..)
            | Phase::Deciding(_)
            | Phase::Decided(_)
            | Phase::Aborted => false,
        };
        match &mut state.inner {
            Some(inner) if of_inner => self.service.trailers(inner),
            Some(_) | None => FieldBlock::EMPTY,
        }
    }

    fn end(&self, cx: &mut C, state: Self::State, outcome: Outcome) {
        let LayeredState { mut layers, inner, reached, .. } = state;
        if let Some(inner) = inner {
            self.service.end(cx, inner, outcome);
        }
        if self.layers.hooks().has(Hooks::END) {
            for at in (0..reached).rev() {
                if self.layers.hooks_of(at).has(Hooks::END) {
                    self.layers.end(at, cx, &mut layers, outcome);
                }
            }
        }
    }
}

/// The hooks for which an answer has to be looked at before it goes out.
const ANSWER_HOOKS: Hooks = Hooks::RESPONSE.and(Hooks::RESPONSE_BODY);

/// Hands out a head that stands ready.
fn hand_out<LS, SS, R: Room>(state: &mut LayeredState<LS, SS, R>) -> HeadAnswer<'_> {
    match core::mem::replace(&mut state.phase, Phase::Aborted) {
        Phase::Interim(status, kept) => {
            state.phase = Phase::Waiting;
            HeadAnswer::Interim(ResponseHead { status, fields: kept.view(state.room.memory()) })
        }
        Phase::Decided(answer) => {
            state.head_out = true;
            let (status, plan, kept, bare) = (answer.status, answer.plan, answer.kept, answer.bare_fields());
            state.phase = Phase::Sending(answer);
            let fields = match kept {
                Some(kept) => kept.view(state.room.memory()),
                None => bare,
            };
            HeadAnswer::Final(ResponseHead { status, fields }, plan)
        }
        other @ (Phase::Collecting(_)
        | Phase::Waiting
        | Phase::Deciding(_)
        | Phase::Sending(_)
        | Phase::Aborted) => {
            state.phase = other;
            HeadAnswer::NotYet
        }
    }
}
