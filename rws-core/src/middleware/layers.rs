//! A list of layers, outermost first, as [`Layered`](super::Layered) drives it: tuples on the board, a
//! `Stack` (feature `alloc`) where a config file decides.
//!
//! Every call names one layer by its place, so that what decides the order of hooks is written once and
//! not per tuple size.

use super::{
    BodyVerdict, BodyView, Filtered, Hooks, Middleware, RequestVerdict, ResponseParts, ResponseVerdict,
};
use crate::message::RequestHead;
use crate::service::{Context, Outcome};

/// A list of layers. A call with a place beyond the list does nothing.
pub trait Layers<C: Context + ?Sized> {
    /// What the layers remember about one request.
    type State: Default;

    /// Whether a hook of any layer may block.
    const MAY_BLOCK: bool;

    /// How many layers there are.
    fn count(&self) -> usize;

    /// The hooks of the layer at this place.
    fn hooks_of(&self, at: usize) -> Hooks;

    /// The hooks that any layer has.
    fn hooks(&self) -> Hooks {
        (0..self.count()).fold(Hooks::NONE, |all, at| all.and(self.hooks_of(at)))
    }

    /// Where the body filter of the layer at this place stands. May be `None` for a layer without
    /// [`Hooks::RESPONSE_BODY`].
    fn mark<'s>(&self, at: usize, state: &'s mut Self::State) -> Option<&'s mut Mark>;

    /// [`Middleware::request`] of the layer at this place.
    fn request(
        &self,
        at: usize,
        cx: &mut C,
        state: &mut Self::State,
        head: &mut RequestHead<'_>,
        body: Option<&[u8]>,
    ) -> RequestVerdict;

    /// [`Middleware::request_body`] of the layer at this place.
    fn request_body(
        &self,
        at: usize,
        cx: &mut C,
        state: &mut Self::State,
        input: Piece<'_>,
        out: &mut [u8],
    ) -> BodyVerdict;

    /// [`Middleware::response`] of the layer at this place.
    fn response(
        &self,
        at: usize,
        cx: &mut C,
        state: &mut Self::State,
        head: &mut ResponseParts<'_, '_>,
        body: BodyView<'_>,
    ) -> ResponseVerdict;

    /// [`Middleware::filters`] of the layer at this place.
    fn filters(&self, at: usize, state: &mut Self::State) -> bool;

    /// [`Middleware::response_body`] of the layer at this place.
    fn response_body(&self, at: usize, state: &mut Self::State, input: Piece<'_>, out: &mut [u8])
    -> Filtered;

    /// [`Middleware::end`] of the layer at this place.
    fn end(&self, at: usize, cx: &mut C, state: &mut Self::State, outcome: Outcome);
}

/// A piece of a body on its way through a hook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Piece<'b> {
    /// The bytes.
    pub bytes: &'b [u8],
    /// They are the last.
    pub end: bool,
    /// No more come for now (answers only).
    pub flush: bool,
}

/// Where the body filter of one layer stands, during one answer. Opaque.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Input that waits: from here …
    pub(super) from: u16,
    /// … to here in the filter's part of the stage.
    pub(super) to: u16,
    /// The filter is in use.
    pub(super) active: bool,
    /// Its input has ended.
    pub(super) ended: bool,
}

impl Mark {
    /// A filter that is not in use.
    pub(super) const IDLE: Mark = Mark { from: 0, to: 0, active: false, ended: false };
}

/// The state of a tuple of layers.
#[derive(Clone, Copy, Debug)]
pub struct States<T, const N: usize> {
    layers: T,
    marks: [Mark; N],
}

impl<T: Default, const N: usize> Default for States<T, N> {
    fn default() -> Self {
        States { layers: T::default(), marks: [Mark::IDLE; N] }
    }
}

/// No layers.
impl<C: Context + ?Sized> Layers<C> for () {
    type State = ();
    const MAY_BLOCK: bool = false;

    fn count(&self) -> usize {
        0
    }
    fn hooks_of(&self, _at: usize) -> Hooks {
        Hooks::NONE
    }
    fn mark<'s>(&self, _at: usize, _state: &'s mut ()) -> Option<&'s mut Mark> {
        None
    }
    fn request(
        &self,
        _at: usize,
        _cx: &mut C,
        _state: &mut (),
        _head: &mut RequestHead<'_>,
        _body: Option<&[u8]>,
    ) -> RequestVerdict {
        RequestVerdict::Continue
    }
    fn request_body(
        &self,
        _at: usize,
        _cx: &mut C,
        _state: &mut (),
        _input: Piece<'_>,
        _out: &mut [u8],
    ) -> BodyVerdict {
        BodyVerdict::Pass
    }
    fn response(
        &self,
        _at: usize,
        _cx: &mut C,
        _state: &mut (),
        _head: &mut ResponseParts<'_, '_>,
        _body: BodyView<'_>,
    ) -> ResponseVerdict {
        ResponseVerdict::Continue
    }
    fn filters(&self, _at: usize, _state: &mut ()) -> bool {
        false
    }
    fn response_body(&self, _at: usize, _state: &mut (), _input: Piece<'_>, _out: &mut [u8]) -> Filtered {
        Filtered::default()
    }
    fn end(&self, _at: usize, _cx: &mut C, _state: &mut (), _outcome: Outcome) {}
}

macro_rules! layers_of_a_tuple {
    ($count:literal: $($at:tt $M:ident),+) => {
        impl<C: Context + ?Sized, $($M: Middleware<C>),+> Layers<C> for ($($M,)+) {
            type State = States<($($M::State,)+), $count>;
            const MAY_BLOCK: bool = $($M::MAY_BLOCK ||)+ false;

            fn count(&self) -> usize {
                $count
            }
            #[inline]
            fn hooks_of(&self, at: usize) -> Hooks {
                match at { $($at => self.$at.hooks(),)+ _ => Hooks::NONE }
            }
            #[inline]
            fn hooks(&self) -> Hooks {
                Hooks::NONE$(.and(self.$at.hooks()))+
            }
            fn mark<'s>(&self, at: usize, state: &'s mut Self::State) -> Option<&'s mut Mark> {
                state.marks.get_mut(at)
            }
            #[inline]
            fn request(
                &self,
                at: usize,
                cx: &mut C,
                state: &mut Self::State,
                head: &mut RequestHead<'_>,
                body: Option<&[u8]>,
            ) -> RequestVerdict {
                match at {
                    $($at => self.$at.request(cx, &mut state.layers.$at, head, body),)+
                    _ => RequestVerdict::Continue,
                }
            }
            fn request_body(
                &self,
                at: usize,
                cx: &mut C,
                state: &mut Self::State,
                input: Piece<'_>,
                out: &mut [u8],
            ) -> BodyVerdict {
                match at {
                    $($at => {
                        self.$at.request_body(cx, &mut state.layers.$at, input.bytes, input.end, out)
                    })+
                    _ => BodyVerdict::Pass,
                }
            }
            fn response(
                &self,
                at: usize,
                cx: &mut C,
                state: &mut Self::State,
                head: &mut ResponseParts<'_, '_>,
                body: BodyView<'_>,
            ) -> ResponseVerdict {
                match at {
                    $($at => self.$at.response(cx, &mut state.layers.$at, head, body),)+
                    _ => ResponseVerdict::Continue,
                }
            }
            fn filters(&self, at: usize, state: &mut Self::State) -> bool {
                match at { $($at => self.$at.filters(&state.layers.$at),)+ _ => false }
            }
            fn response_body(
                &self,
                at: usize,
                state: &mut Self::State,
                input: Piece<'_>,
                out: &mut [u8],
            ) -> Filtered {
                let Piece { bytes, end, flush } = input;
                match at {
                    $($at => self.$at.response_body(&mut state.layers.$at, bytes, end, flush, out),)+
                    _ => Filtered::default(),
                }
            }
            fn end(&self, at: usize, cx: &mut C, state: &mut Self::State, outcome: Outcome) {
                match at {
                    $($at => self.$at.end(cx, &mut state.layers.$at, outcome),)+
                    _ => {}
                }
            }
        }
    };
}

layers_of_a_tuple!(1: 0 A);
layers_of_a_tuple!(2: 0 A, 1 B);
layers_of_a_tuple!(3: 0 A, 1 B, 2 D);
layers_of_a_tuple!(4: 0 A, 1 B, 2 D, 3 E);
layers_of_a_tuple!(5: 0 A, 1 B, 2 D, 3 E, 4 F);
layers_of_a_tuple!(6: 0 A, 1 B, 2 D, 3 E, 4 F, 5 G);
layers_of_a_tuple!(7: 0 A, 1 B, 2 D, 3 E, 4 F, 5 G, 6 H);
layers_of_a_tuple!(8: 0 A, 1 B, 2 D, 3 E, 4 F, 5 G, 6 H, 7 I);
