//! The closure API: routes to functions.
//!
//! ```no_run
//! use rws_std::{App, Request, Server};
//!
//! fn main() -> std::io::Result<()> {
//!     let app = App::new()
//!         .get("/", || "Hello, World!")
//!         .get("/hello/:name", |request: Request| format!("Hello, {}!", request.param("name")));
//!     Server::bind("127.0.0.1:8080")?.serve(app)
//! }
//! ```
//!
//! Handlers are plain functions and may block; the server goes on without them. Request bodies are collected
//! before a handler runs (413 beyond [`AppWithState::body_bytes_max`]); a handler wrapped in [`streaming`]
//! reads its body as it comes, on a thread of its own.

mod body;
mod endpoint;
mod exchange;
mod handler;
mod pipe;
mod request;
mod response;
mod service;

use std::sync::Arc;

use rws_core::message::Method;
use rws_core::route::{MethodSet, Order, OwnedRouteTable, Route, RouteEntry, RouteError};

pub use self::body::Body;
pub use self::exchange::AppExchange;
pub use self::handler::{Handler, Streaming, streaming};
pub use self::pipe::{BodyWriter, PipeReader};
pub use self::request::Request;
pub use self::response::{IntoResponse, Response};
pub use self::service::Serving;

use self::endpoint::Endpoint;
use self::service::Inner;

/// Bytes of a request body that are collected before a handler runs, unless the app says otherwise.
const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;

/// An app without shared state.
pub type App = AppWithState<()>;

/// Routes, and the state that their handlers share.
pub struct AppWithState<S> {
    state: S,
    routes: Vec<Route<Endpoint<S>, Box<str>>>,
    body_bytes_max: usize,
}

impl<S> core::fmt::Debug for AppWithState<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AppWithState").field("routes", &self.routes.len()).finish_non_exhaustive()
    }
}

impl App {
    /// An app without routes: it answers 404.
    pub fn new() -> App {
        App::with_state(())
    }
}

impl Default for App {
    fn default() -> App {
        App::new()
    }
}

impl<S: Send + Sync + 'static> AppWithState<S> {
    /// An app whose handlers share `state`.
    pub const fn with_state(state: S) -> AppWithState<S> {
        AppWithState { state, routes: Vec::new(), body_bytes_max: BODY_BYTES_MAX }
    }

    /// Answers GET (and HEAD) requests to `pattern`.
    #[must_use]
    pub fn get<A: 'static>(self, pattern: &str, handler: impl Handler<S, A>) -> Self {
        self.route(MethodSet::of(&[Method::Get]), pattern, handler)
    }

    /// Answers POST requests to `pattern`.
    #[must_use]
    pub fn post<A: 'static>(self, pattern: &str, handler: impl Handler<S, A>) -> Self {
        self.route(MethodSet::of(&[Method::Post]), pattern, handler)
    }

    /// Answers PUT requests to `pattern`.
    #[must_use]
    pub fn put<A: 'static>(self, pattern: &str, handler: impl Handler<S, A>) -> Self {
        self.route(MethodSet::of(&[Method::Put]), pattern, handler)
    }

    /// Answers PATCH requests to `pattern`.
    #[must_use]
    pub fn patch<A: 'static>(self, pattern: &str, handler: impl Handler<S, A>) -> Self {
        self.route(MethodSet::of(&[Method::Patch]), pattern, handler)
    }

    /// Answers DELETE requests to `pattern`.
    #[must_use]
    pub fn delete<A: 'static>(self, pattern: &str, handler: impl Handler<S, A>) -> Self {
        self.route(MethodSet::of(&[Method::Delete]), pattern, handler)
    }

    /// Answers requests with any of `methods` to `pattern` (`:name` takes one segment, `*rest` what is left).
    #[must_use]
    pub fn route<A: 'static>(
        mut self,
        methods: MethodSet,
        pattern: &str,
        handler: impl Handler<S, A>,
    ) -> Self {
        self.routes.push(Route {
            methods,
            host: None,
            pattern: pattern.into(),
            to: Endpoint::new(handler),
            summary: Box::default(),
        });
        self
    }

    /// How many bytes of a request body are collected before a handler runs: 413 beyond.
    #[must_use]
    pub fn body_bytes_max(mut self, bytes: usize) -> Self {
        self.body_bytes_max = bytes;
        self
    }

    /// The routes, for listings.
    pub fn route_entries(&self) -> impl Iterator<Item = RouteEntry<'_>> {
        self.routes.iter().map(|route| RouteEntry {
            methods: route.methods,
            host: route.host.as_deref(),
            pattern: &route.pattern,
            summary: &route.summary,
        })
    }

    /// The app, checked and ready to be served.
    ///
    /// # Errors
    /// The first route with a malformed pattern, or one that another route has already taken.
    pub fn finish(self) -> Result<Serving<S>, RouteError> {
        let table = OwnedRouteTable::new(self.routes, Order::Specific)?;
        Ok(Serving(Arc::new(Inner { state: self.state, table, body_bytes_max: self.body_bytes_max })))
    }
}
