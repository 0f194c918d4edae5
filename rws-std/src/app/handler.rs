//! Functions as handlers.

use super::options::RouteOptions;
use super::request::Request;
use super::response::{IntoResponse, Response};

/// A function that answers requests: `Fn()`, `Fn(Request)`, `Fn(&State)` or `Fn(Request, &State)`, where
/// `State` is that of the app, returning anything that is [`IntoResponse`]. It may block.
///
/// ```
/// use rws_std::{App, Request};
///
/// fn greet(request: Request, greeting: &String) -> String {
///     format!("{greeting}, {}!", request.param("name"))
/// }
///
/// let app = App::with_state("Hello".to_owned())
///     .get("/", || "no arguments")
///     .get("/path", |request: Request| request.path().to_owned())
///     .get("/greeting", |greeting: &String| greeting.clone())
///     .get("/hello/:name", greet);
/// ```
///
/// A closure names the types of its arguments; what it moves in must be `Send + Sync`. What is no handler is an
/// error where it is registered, which lists what a handler is:
///
/// ```compile_fail,E0277
/// # use rws_std::{App, Request};
/// let app = App::new().get("/", |request: Request| 3.25); // a number is no response
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler for an app whose state is `{S}`",
    label = "not a handler",
    note = "a handler is `Fn()`, `Fn(Request)`, `Fn(&{S})` or `Fn(Request, &{S})`, and `Send + Sync + 'static`",
    note = "it returns what is `IntoResponse`: a `Response`, a text, bytes, a `Status`, `(Status, …)`, or a `Result` of these, such as `Result<_, Failure>`",
    note = "a closure must name the types of its arguments: `|request: Request, state: &{S}| …`"
)]
pub trait Handler<S, Arguments>: Send + Sync + 'static {
    /// What its route says about it; see [`handler`](super::handler()).
    fn options(&self) -> RouteOptions {
        RouteOptions::default()
    }

    /// Answers one request.
    fn call(&self, request: Request<'_>, state: &S) -> Response;
}

impl<F, R, S> Handler<S, ()> for F
where
    F: Fn() -> R + Send + Sync + 'static,
    R: IntoResponse,
{
    fn call(&self, request: Request<'_>, _state: &S) -> Response {
        request.body.discard();
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

/// The arguments of a handler that takes the state alone.
#[derive(Clone, Copy, Debug)]
pub struct StateOnly;

impl<F, R, S> Handler<S, StateOnly> for F
where
    F: for<'r> Fn(&'r S) -> R + Send + Sync + 'static,
    R: IntoResponse,
{
    fn call(&self, request: Request<'_>, state: &S) -> Response {
        request.body.discard();
        self(state).into_response()
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
