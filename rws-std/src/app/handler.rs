//! Functions as handlers.

use super::request::Request;
use super::response::{IntoResponse, Response};

/// A function that answers requests: `Fn()`, `Fn(Request)` or `Fn(Request, &State)`, returning anything that
/// is [`IntoResponse`]. It may block.
pub trait Handler<S, Arguments>: Send + Sync + 'static {
    /// Whether it reads its body as it comes; see [`streaming`].
    const STREAMS: bool = false;

    /// Answers one request.
    fn call(&self, request: Request<'_>, state: &S) -> Response;
}

impl<F, R, S> Handler<S, ()> for F
where
    F: Fn() -> R + Send + Sync + 'static,
    R: IntoResponse,
{
    fn call(&self, _request: Request<'_>, _state: &S) -> Response {
        self().into_response()
    }
}

impl<F, R, S> Handler<S, (Request<'static>,)> for F
where
    F: for<'r> Fn(Request<'r>) -> R + Send + Sync + 'static,
    R: IntoResponse,
{
    fn call(&self, request: Request<'_>, _state: &S) -> Response {
        self(request).into_response()
    }
}

impl<F, R, S> Handler<S, (Request<'static>, S)> for F
where
    F: for<'r> Fn(Request<'r>, &'r S) -> R + Send + Sync + 'static,
    R: IntoResponse,
{
    fn call(&self, request: Request<'_>, state: &S) -> Response {
        self(request, state).into_response()
    }
}

/// A handler without its argument types.
pub(super) type BoxedHandler<S> = Box<dyn Fn(Request<'_>, &S) -> Response + Send + Sync>;

pub(super) fn boxed<S: 'static, Arguments: 'static>(handler: impl Handler<S, Arguments>) -> BoxedHandler<S> {
    Box::new(move |request, state| handler.call(request, state))
}

/// A handler that reads its body as it comes; made by [`streaming`].
#[derive(Clone, Copy, Debug)]
pub struct Streaming<H>(H);

/// Lets `handler` read its body as it comes instead of collecting it beforehand. It runs on a thread of its
/// own, beside the connection.
pub const fn streaming<H>(handler: H) -> Streaming<H> {
    Streaming(handler)
}

impl<S, A: 'static, H: Handler<S, A>> Handler<S, Streaming<A>> for Streaming<H> {
    const STREAMS: bool = true;

    fn call(&self, request: Request<'_>, state: &S) -> Response {
        self.0.call(request, state)
    }
}
