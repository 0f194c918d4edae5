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
//! Handlers are plain functions and may block; the server goes on without them. What they share is the app's
//! state ([`App::with_state`]), lent to those that take it as their last argument. They return whatever is
//! [`IntoResponse`], or a `Result` with [`Failure`].
//!
//! | a handler's | is | with |
//! |---|---|---|
//! | path parameters | decoded once, with the path | [`Request::param`], [`Request::param_as`] |
//! | query | decoded when asked for | [`Request::query`], [`Request::query_pairs`] |
//! | request body | collected beforehand: 413 beyond [`App::body_bytes_max`], 2 MiB unless it is set | [`Request::bytes`], [`Request::text`], `Request::json` |
//! | request bodies, all together | 503 beyond [`App::collected_bytes_max`], 256 MiB unless it is set | |
//! | request body, [`streaming`] | read as it comes, with no limit unless the route, a layer or [`Limits`](rws_core::Limits) sets one | [`Request::into_body`] |
//! | trailers of a request | with its body, or once that has been read | [`Request::trailers`], [`Body::take_trailers`] |
//! | response body | there at once | [`Response::text`], [`Response::html`], [`Response::bytes`], `Response::json` |
//! | response body, streamed | written later, from any thread | [`Request::stream`] |
//! | what a page needs next | pushed on HTTP/2, or hinted at by a 103 | [`Response::push`] |
//! | trailers | behind the body, or with the end of a stream | [`Response::trailer`], [`BodyWriter::finish_with`] |
//! | calls | gRPC (feature `grpc`) | `App::grpc`, with functions of its own: `rws_std::grpc` |
//! | thread | its shard's until it turns out to block, or as it is told | [`WithOptions::placement`] |
//!
//! Three programs to begin with are in `rws-std/examples`: `todo` (JSON and state), `upload` (a body as it
//! comes), `events` (server-sent events).

mod body;
pub(crate) mod collected;
mod endpoint;
pub(crate) mod exchange;
mod failure;
mod handler;
#[cfg(feature = "json")]
mod json;
mod options;
pub(crate) mod pipe;
pub(crate) mod push;
mod request;
mod response;
mod service;

use std::sync::Arc;

use rws_core::message::Method;
use rws_core::middleware::{Layered, Middleware, Stack};
use rws_core::route::{MethodSet, Order, OwnedRouteTable, Route, RouteEntry, RouteError};

pub use self::body::{Body, Trailed};
pub use self::exchange::AppExchange;
pub use self::failure::Failure;
pub use self::handler::{Handler, StateOnly};
pub use self::options::{RouteOptions, WithOptions, handler, streaming};
pub use self::pipe::{BodyWriter, PipeReader};
pub use self::push::Pushes;
pub use self::request::Request;
pub use self::response::{IntoResponse, Response};
pub use self::service::Serving;

use self::collected::Budget;
use self::endpoint::{Endpoint, Function};
use self::service::Inner;
use crate::files::{FileServer, Files};
use crate::job::JobCx;
use crate::room::PooledRoom;
use crate::server_handle::ServerHandle;

/// Bytes of a request body that are collected before a handler runs, unless the app says otherwise.
const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
const COLLECTED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Routes, and the state that their handlers share.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use rws_std::{App, Request};
///
/// #[derive(Default)]
/// struct Visits {
///     count: AtomicU64,
/// }
///
/// fn visit(request: Request, visits: &Visits) -> String {
///     let count = visits.count.fetch_add(1, Ordering::Relaxed) + 1;
///     format!("Hello, {}! You are visitor {count}.", request.param("name"))
/// }
///
/// let app = App::with_state(Visits::default()).get("/", || "Hello!").get("/visit/:name", visit);
/// ```
///
/// An app without state is an `App`, one with a state `S` an `App<S>`.
pub struct App<S = ()> {
    state: S,
    routes: Vec<Route<Endpoint<S>, Box<str>>>,
    body_bytes_max: usize,
    collected_bytes_max: usize,
    layers: Stack<JobCx>,
    on_start: Vec<OnStart>,
}

/// What is to be done when the server has started.
type OnStart = Box<dyn Fn(&ServerHandle) + Send + Sync>;

/// Another name of [`App`], for where the state is what matters.
pub type AppWithState<S> = App<S>;

/// An app with its layers, ready to be served.
pub type Wrapped<S> = Layered<Stack<JobCx>, Serving<S>, PooledRoom>;

impl<S> core::fmt::Debug for App<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("App").field("routes", &self.routes.len()).finish_non_exhaustive()
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

impl<S: Send + Sync + 'static> App<S> {
    /// An app whose handlers share `state`.
    pub fn with_state(state: S) -> App<S> {
        App {
            state,
            routes: Vec::new(),
            body_bytes_max: BODY_BYTES_MAX,
            collected_bytes_max: COLLECTED_BYTES_MAX,
            layers: Stack::new(),
            on_start: Vec::new(),
        }
    }

    /// Puts a layer around the whole app. The first one is the outermost.
    #[must_use]
    pub fn wrap<M>(mut self, layer: M) -> Self
    where
        M: Middleware<JobCx, State: Send + 'static> + Send + Sync + 'static,
    {
        self.layers.push(layer);
        self
    }

    /// Calls `then` once the server has started, with what tells it how the server is doing: for threads of
    /// the app's own, which end what they have under way when [`ServerHandle::is_draining`] says so.
    #[must_use]
    pub fn on_start(mut self, then: impl Fn(&ServerHandle) + Send + Sync + 'static) -> Self {
        self.on_start.push(Box::new(then));
        self
    }

    /// Serves the files of a folder below `prefix` (`/static` serves `/static/logo.svg` from `logo.svg`).
    #[must_use]
    pub fn files(self, prefix: &str, files: Files) -> Self {
        // Shards beyond these share a cache; each of them is small.
        let shards = std::thread::available_parallelism().map_or(1, usize::from);
        let pattern = format!("{}/*", prefix.trim_end_matches('/'));
        self.push(MethodSet::ANY, &pattern, Endpoint::Files(FileServer::new(files, shards)))
    }

    /// Answers gRPC calls of these services (feature `grpc`): POST requests to `/package.Service/Method`.
    #[cfg(feature = "grpc")]
    #[must_use]
    pub fn grpc(mut self, grpc: crate::grpc::Grpc) -> Self {
        let grpc = Arc::new(grpc);
        for service in grpc.service_names() {
            let to = Endpoint::Grpc(Arc::clone(&grpc));
            self = self.push(MethodSet::of(&[Method::Post]), &format!("/{service}/:method"), to);
        }
        self
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
    /// Options of the route stand around its handler: [`handler`], [`streaming`].
    #[must_use]
    pub fn route<A: 'static>(self, methods: MethodSet, pattern: &str, handler: impl Handler<S, A>) -> Self {
        self.push(methods, pattern, Endpoint::Function(Function::new(handler)))
    }

    fn push(mut self, methods: MethodSet, pattern: &str, to: Endpoint<S>) -> Self {
        self.routes.push(Route { methods, host: None, pattern: pattern.into(), to, summary: Box::default() });
        self
    }

    /// How many bytes of a request body are collected before a handler runs: 413 beyond. 2 MiB unless it is
    /// said here, or for one route by [`WithOptions::body_bytes_max`]; what [`streaming`] handlers read as it
    /// comes is not collected.
    #[must_use]
    pub fn body_bytes_max(mut self, bytes: usize) -> Self {
        self.body_bytes_max = bytes;
        self
    }

    /// How many bytes of request bodies are in memory at once, those being collected and those that a handler was
    /// given: 503 for who comes beyond. 256 MiB unless it is said here; the largest body that a route may have fits
    /// in any case.
    #[must_use]
    pub fn collected_bytes_max(mut self, bytes: usize) -> Self {
        self.collected_bytes_max = bytes;
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

    /// The app, checked and ready to be served. [`Server::serve`](crate::Server::serve) does this by itself;
    /// a test does it to serve in the background:
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use std::net::TcpStream;
    ///
    /// use rws_std::{App, Server};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = App::new().get("/", || "Hello, World!");
    /// let running = Server::bind("127.0.0.1:0")?.shards(1).start(app.finish()?)?;
    /// let mut client = TcpStream::connect(running.address())?;
    /// client.write_all(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")?;
    /// let mut answer = String::new();
    /// client.read_to_string(&mut answer)?;
    /// assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nHello, World!"));
    /// running.drain();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The first route with a malformed pattern, or one that another route has already taken.
    pub fn finish(self) -> Result<Wrapped<S>, RouteError> {
        let (layers, serving) = self.parts()?;
        Ok(Layered::with_room(layers, serving))
    }

    /// The layers, and the app without them: with none around it, an exchange needs no room for theirs.
    pub(crate) fn parts(self) -> Result<(Stack<JobCx>, Serving<S>), RouteError> {
        let largest = self.routes.iter().map(|route| route.to.collected_bytes_max(self.body_bytes_max)).max();
        let table = OwnedRouteTable::new(self.routes, Order::Specific)?;
        let inner = Inner {
            state: self.state,
            table,
            body_bytes_max: self.body_bytes_max,
            budget: Budget::new(self.collected_bytes_max.max(largest.unwrap_or(0))),
            on_start: self.on_start,
        };
        Ok((self.layers, Serving(Arc::new(inner))))
    }
}
