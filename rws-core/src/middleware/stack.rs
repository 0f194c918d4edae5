//! Layers that a config file or a chain of calls puts together (feature `alloc`).
//!
//! ```text
//!   Stack { layers: [Box<dyn layer>], hooks: their bits side by side }
//!   StackState: one boxed state per layer that has been called, none for a layer that keeps none
//! ```

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;

use super::{
    BodyVerdict, BodyView, Filtered, Hooks, Layers, Mark, Middleware, Piece, RequestVerdict, ResponseParts,
    ResponseVerdict,
};
use crate::message::RequestHead;
use crate::service::{Context, Outcome};

/// Any layer, behind one type.
pub struct BoxedMiddleware<C: ?Sized>(Box<dyn AnyLayer<C>>);

impl<C: Context + ?Sized + 'static> BoxedMiddleware<C> {
    /// Boxes a layer.
    pub fn new<M>(layer: M) -> BoxedMiddleware<C>
    where
        M: Middleware<C, State: Send + 'static> + Send + Sync + 'static,
    {
        BoxedMiddleware(Box::new(Typed(layer)))
    }
}

impl<C: ?Sized> fmt::Debug for BoxedMiddleware<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxedMiddleware")
    }
}

/// A list of boxed layers, outermost first: [`Layers`] for [`Layered`](super::Layered).
///
/// ```
/// use rws_core::Status;
/// use rws_core::middleware::{BodyLimitLayer, Heap, Layered, Stack, TraceIdLayer};
/// use rws_core::testing::{Exchange, Fixed, TestContext};
///
/// let mut stack = Stack::<TestContext>::new();
/// stack.push(TraceIdLayer::new());
/// stack.push(BodyLimitLayer::new(1024));
/// let service: Layered<_, _, Heap> = Layered::with_room(stack, Fixed::text(Status::OK, "hello"));
///
/// let answer = Exchange::get("/").run(&service, &mut TestContext::default());
/// assert!(answer.field("X-Request-ID").is_some());
/// ```
pub struct Stack<C: ?Sized> {
    layers: Vec<BoxedMiddleware<C>>,
    hooks: Vec<Hooks>,
    all_hooks: Hooks,
}

impl<C: Context + ?Sized + 'static> Stack<C> {
    /// No layers.
    pub const fn new() -> Stack<C> {
        Stack { layers: Vec::new(), hooks: Vec::new(), all_hooks: Hooks::NONE }
    }

    /// Adds a layer inside of the others.
    pub fn push<M>(&mut self, layer: M)
    where
        M: Middleware<C, State: Send + 'static> + Send + Sync + 'static,
    {
        self.push_boxed(BoxedMiddleware::new(layer));
    }

    /// Adds a boxed layer inside of the others.
    pub fn push_boxed(&mut self, layer: BoxedMiddleware<C>) {
        self.insert_boxed(self.layers.len(), layer);
    }

    /// Adds a layer around the others.
    pub fn wrap<M>(&mut self, layer: M)
    where
        M: Middleware<C, State: Send + 'static> + Send + Sync + 'static,
    {
        self.insert_boxed(0, BoxedMiddleware::new(layer));
    }

    fn insert_boxed(&mut self, at: usize, layer: BoxedMiddleware<C>) {
        let hooks = layer.0.hooks();
        self.all_hooks = self.all_hooks.and(hooks);
        self.hooks.insert(at, hooks);
        self.layers.insert(at, layer);
    }

    /// How many layers there are.
    pub const fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// Whether a hook of any layer may block.
    pub fn may_block(&self) -> bool {
        self.layers.iter().any(|layer| layer.0.may_block())
    }

    fn slot<'s>(&self, at: usize, state: &'s mut StackState) -> Option<&'s mut Slot> {
        if state.0.is_empty() {
            state.0.resize_with(self.layers.len(), Slot::default);
        }
        state.0.get_mut(at)
    }

    /// The layer at this place, and its state.
    fn at<'s>(&self, at: usize, state: &'s mut StackState) -> Option<(&dyn AnyLayer<C>, &'s mut AnyState)> {
        let layer = &*self.layers.get(at)?.0;
        let state = self.slot(at, state)?.state.get_or_insert_with(|| layer.new_state());
        Some((layer, state.as_mut()))
    }
}

impl<C: Context + ?Sized + 'static> Default for Stack<C> {
    fn default() -> Stack<C> {
        Stack::new()
    }
}

impl<C: ?Sized> fmt::Debug for Stack<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("hooks", &self.hooks).finish_non_exhaustive()
    }
}

type AnyState = dyn Any + Send;

/// What the layers of a [`Stack`] remember about one request. Allocates when the first hook is called.
#[derive(Debug, Default)]
pub struct StackState(Vec<Slot>);

#[derive(Debug, Default)]
struct Slot {
    /// `None` until the first hook of the layer is called.
    state: Option<Box<AnyState>>,
    mark: Mark,
}

impl<C: Context + ?Sized + 'static> Layers<C> for Stack<C> {
    type State = StackState;
    const MAY_BLOCK: bool = true;

    #[inline]
    fn count(&self) -> usize {
        self.layers.len()
    }
    #[inline]
    fn hooks_of(&self, at: usize) -> Hooks {
        self.hooks.get(at).copied().unwrap_or_default()
    }
    #[inline]
    fn hooks(&self) -> Hooks {
        self.all_hooks
    }
    fn mark<'s>(&self, at: usize, state: &'s mut StackState) -> Option<&'s mut Mark> {
        if !self.hooks_of(at).has(Hooks::RESPONSE_BODY) {
            return None;
        }
        self.slot(at, state).map(|slot| &mut slot.mark)
    }
    fn request(
        &self,
        at: usize,
        cx: &mut C,
        state: &mut StackState,
        head: &mut RequestHead<'_>,
        body: Option<&[u8]>,
    ) -> RequestVerdict {
        match self.at(at, state) {
            Some((layer, state)) => layer.request(cx, state, head, body),
            None => RequestVerdict::Continue,
        }
    }
    fn request_body(
        &self,
        at: usize,
        cx: &mut C,
        state: &mut StackState,
        input: Piece<'_>,
        out: &mut [u8],
    ) -> BodyVerdict {
        match self.at(at, state) {
            Some((layer, state)) => layer.request_body(cx, state, input, out),
            None => BodyVerdict::Pass,
        }
    }
    fn response(
        &self,
        at: usize,
        cx: &mut C,
        state: &mut StackState,
        head: &mut ResponseParts<'_, '_>,
        body: BodyView<'_>,
    ) -> ResponseVerdict {
        match self.at(at, state) {
            Some((layer, state)) => layer.response(cx, state, head, body),
            None => ResponseVerdict::Continue,
        }
    }
    fn filters(&self, at: usize, state: &mut StackState) -> bool {
        self.at(at, state).is_some_and(|(layer, state)| layer.filters(state))
    }
    fn response_body(&self, at: usize, state: &mut StackState, input: Piece<'_>, out: &mut [u8]) -> Filtered {
        match self.at(at, state) {
            Some((layer, state)) => layer.response_body(state, input, out),
            None => Filtered::default(),
        }
    }
    fn end(&self, at: usize, cx: &mut C, state: &mut StackState, outcome: Outcome) {
        if let Some((layer, state)) = self.at(at, state) {
            layer.end(cx, state, outcome);
        }
    }
}

/// A layer whose type, and whose state's, has been forgotten.
trait AnyLayer<C: ?Sized>: Send + Sync {
    fn may_block(&self) -> bool;
    fn hooks(&self) -> Hooks;
    fn new_state(&self) -> Box<AnyState>;
    fn request(
        &self,
        cx: &mut C,
        state: &mut AnyState,
        head: &mut RequestHead<'_>,
        body: Option<&[u8]>,
    ) -> RequestVerdict;
    fn request_body(&self, cx: &mut C, state: &mut AnyState, input: Piece<'_>, out: &mut [u8])
    -> BodyVerdict;
    fn response(
        &self,
        cx: &mut C,
        state: &mut AnyState,
        head: &mut ResponseParts<'_, '_>,
        body: BodyView<'_>,
    ) -> ResponseVerdict;
    fn filters(&self, state: &AnyState) -> bool;
    fn response_body(&self, state: &mut AnyState, input: Piece<'_>, out: &mut [u8]) -> Filtered;
    fn end(&self, cx: &mut C, state: &mut AnyState, outcome: Outcome);
}

struct Typed<M>(M);

/// Reached only if a state is not its layer's own, which `Stack::at` rules out: then a layer fails closed.
const NOT_ITS_STATE: super::Reply =
    super::Reply::new(crate::Status::INTERNAL_SERVER_ERROR, "a layer lost its state\n");

impl<C, M> AnyLayer<C> for Typed<M>
where
    C: Context + ?Sized,
    M: Middleware<C, State: Send + 'static> + Send + Sync,
{
    fn may_block(&self) -> bool {
        M::MAY_BLOCK
    }
    fn hooks(&self) -> Hooks {
        self.0.hooks()
    }
    fn new_state(&self) -> Box<AnyState> {
        Box::new(M::State::default())
    }
    fn request(
        &self,
        cx: &mut C,
        state: &mut AnyState,
        head: &mut RequestHead<'_>,
        body: Option<&[u8]>,
    ) -> RequestVerdict {
        match state.downcast_mut() {
            Some(state) => self.0.request(cx, state, head, body),
            None => RequestVerdict::Reply(NOT_ITS_STATE),
        }
    }
    fn request_body(
        &self,
        cx: &mut C,
        state: &mut AnyState,
        input: Piece<'_>,
        out: &mut [u8],
    ) -> BodyVerdict {
        match state.downcast_mut() {
            Some(state) => self.0.request_body(cx, state, input.bytes, input.end, out),
            None => BodyVerdict::Reply(NOT_ITS_STATE),
        }
    }
    fn response(
        &self,
        cx: &mut C,
        state: &mut AnyState,
        head: &mut ResponseParts<'_, '_>,
        body: BodyView<'_>,
    ) -> ResponseVerdict {
        match state.downcast_mut() {
            Some(state) => self.0.response(cx, state, head, body),
            None => ResponseVerdict::Reply(NOT_ITS_STATE),
        }
    }
    fn filters(&self, state: &AnyState) -> bool {
        state.downcast_ref().is_some_and(|state| self.0.filters(state))
    }
    fn response_body(&self, state: &mut AnyState, input: Piece<'_>, out: &mut [u8]) -> Filtered {
        match state.downcast_mut() {
            Some(state) => self.0.response_body(state, input.bytes, input.end, input.flush, out),
            // Neither taken nor made: the body is cut off.
            None => Filtered::default(),
        }
    }
    fn end(&self, cx: &mut C, state: &mut AnyState, outcome: Outcome) {
        if let Some(state) = state.downcast_mut() {
            self.0.end(cx, state, outcome);
        }
    }
}

#[cfg(test)]
mod tests;
