//! Routes are data: a table of methods, patterns and what they lead to.
//!
//! ```text
//!   routes ──▶ index (a tree of segments: static, :param, *rest) ──▶ find(method, path, authority)
//!                                                                     ├─ Found { to, pattern, params }
//!                                                                     ├─ MethodNotAllowed(allow)
//!                                                                     ├─ Options(allow)
//!                                                                     └─ NotFound
//! ```
//!
//! A pattern is made of segments: `/users/:id/files/*path`. A `:name` takes one segment that is not empty, a
//! `*name` (the name may be left out) takes everything that is left, also nothing: `/a/*` matches `/a`, `/a/`
//! and all below. Everything else is compared as it stands with the canonical path, so a pattern is written
//! decoded (`/gr\u{fc}n`, not `/gr%C3%BCn`). `/a` and `/a/` differ.
//!
//! Which of several matching routes wins is the table's [`Order`]: by specificity (static before `:param`
//! before `*rest`, segment by segment from the left), or by line. In both a route counts only if its method
//! fits; a GET route takes HEAD as well. Finding costs at most one visit to each node of the tree, and takes
//! no memory beyond the stack.
//!
//! ```
//! use rws_core::{Method, route_table};
//! use rws_core::route::{Route, RouteMatch, RouteTable};
//!
//! const TABLE: RouteTable<'static, u8> = route_table!(u8, [
//!     Route::get("/", 0),
//!     Route::get("/hello/:name", 1).summary("Says hello"),
//!     Route::post("/echo", 2),
//! ]);
//!
//! let RouteMatch::Found(found) = TABLE.find(Method::Get, "/hello/world", b"") else { panic!() };
//! assert_eq!((*found.to, found.pattern), (1, "/hello/:name"));
//! assert_eq!(found.params().value("name"), Some("world"));
//! ```

mod build;
mod cover;
mod each;
mod error;
mod host;
mod index;
mod method_set;
#[cfg(feature = "alloc")]
mod owned;
mod pattern;
mod segment;
mod walk;

pub use cover::first_cover;
pub use error::{RouteError, RouteFault};
pub use host::{host_matches, is_host_pattern};
pub use index::{RouteIndex, node_count};
pub use method_set::MethodSet;
#[cfg(feature = "alloc")]
pub use owned::OwnedRouteTable;
pub use pattern::{Params, SEGMENTS_MAX};

use crate::{Method, SMALL};
use index::Node;

/// Which of several matching routes wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The most specific: static before `:param` before `*rest`, segment by segment from the left. Two routes
    /// of the same shape and method are refused.
    Specific,
    /// The first, as in a configuration file.
    Line,
}

/// One route. `S` holds its texts: `&'static str` in a constant table, an owned string in an owned one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route<T, S = &'static str> {
    /// The methods it serves.
    pub methods: MethodSet,
    /// The host it serves (`example.com`, `*.example.com`, no port); `None` for any. Only in tables by
    /// [`Order::Line`].
    pub host: Option<S>,
    /// The path it serves.
    pub pattern: S,
    /// What it leads to.
    pub to: T,
    /// One line for listings; may be empty.
    pub summary: S,
}

impl<T> Route<T> {
    /// A route for `methods` at `pattern`, on any host.
    pub const fn new(methods: MethodSet, pattern: &'static str, to: T) -> Route<T> {
        Route { methods, host: None, pattern, to, summary: "" }
    }

    /// A GET route, which takes HEAD as well.
    pub const fn get(pattern: &'static str, to: T) -> Route<T> {
        Route::new(MethodSet::of(&[Method::Get]), pattern, to)
    }

    /// A POST route.
    pub const fn post(pattern: &'static str, to: T) -> Route<T> {
        Route::new(MethodSet::of(&[Method::Post]), pattern, to)
    }

    /// A PUT route.
    pub const fn put(pattern: &'static str, to: T) -> Route<T> {
        Route::new(MethodSet::of(&[Method::Put]), pattern, to)
    }

    /// A PATCH route.
    pub const fn patch(pattern: &'static str, to: T) -> Route<T> {
        Route::new(MethodSet::of(&[Method::Patch]), pattern, to)
    }

    /// A DELETE route.
    pub const fn delete(pattern: &'static str, to: T) -> Route<T> {
        Route::new(MethodSet::of(&[Method::Delete]), pattern, to)
    }

    /// A route for every method.
    pub const fn any(pattern: &'static str, to: T) -> Route<T> {
        Route::new(MethodSet::ANY, pattern, to)
    }
}

impl<T: Copy> Route<T> {
    /// The same route with one line for listings.
    #[must_use]
    pub const fn summary(self, summary: &'static str) -> Route<T> {
        Route { summary, ..self }
    }
}

/// What a listing shows of a route (for OpenAPI, `--check`, metrics).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteEntry<'t> {
    /// The methods as declared.
    pub methods: MethodSet,
    /// The host, if it is for one.
    pub host: Option<&'t str>,
    /// The path pattern.
    pub pattern: &'t str,
    /// One line; may be empty.
    pub summary: &'t str,
}

/// A table of routes and its index, both lent: constant memory, or an [`OwnedRouteTable`]'s.
#[derive(Debug)]
pub struct RouteTable<'t, T, S = &'static str> {
    routes: &'t [Route<T, S>],
    nodes: &'t [Node],
    chain: &'t [u16],
    order: Order,
}

impl<T, S> Clone for RouteTable<'_, T, S> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T, S> Copy for RouteTable<'_, T, S> {}

impl<'t, T> RouteTable<'t, T> {
    /// A table over `routes` and the index that was made of them. [`route_table!`](crate::route_table) makes
    /// both at compile time.
    pub const fn new<const NODES: usize, const ROUTES: usize>(
        routes: &'t [Route<T>],
        index: &'t RouteIndex<NODES, ROUTES>,
    ) -> RouteTable<'t, T> {
        let (nodes, chain, order) = index.parts();
        RouteTable { routes, nodes, chain, order }
    }
}

impl<'t, T, S: AsRef<str>> RouteTable<'t, T, S> {
    /// The route for a request: its method, its canonical path, and the authority in force (only routes with
    /// a host look at that).
    pub fn find<'m>(&'m self, method: Method, path: &'m str, authority: &[u8]) -> RouteMatch<'m, T> {
        self.find_if(method, path, authority, |_| true)
    }

    /// As [`RouteTable::find`], where a route counts only if `accept` says so of its index (a content type, a
    /// header). Asked only of routes whose path, host and method fit.
    pub fn find_if<'m>(
        &'m self,
        method: Method,
        path: &'m str,
        authority: &[u8],
        accept: impl FnMut(usize) -> bool,
    ) -> RouteMatch<'m, T> {
        if SMALL {
            return each::find(self, method, path, authority, accept);
        }
        walk::find(self, method, path, authority, accept)
    }

    /// The routes, in the order in which they were given.
    pub const fn routes(&self) -> &'t [Route<T, S>] {
        self.routes
    }

    /// What there is, for listings.
    pub fn entries(&self) -> impl Iterator<Item = RouteEntry<'t>> + use<'t, T, S> {
        self.routes.iter().map(|route| RouteEntry {
            methods: route.methods,
            host: route.host.as_ref().map(AsRef::as_ref),
            pattern: route.pattern.as_ref(),
            summary: route.summary.as_ref(),
        })
    }

    fn pattern_bytes(&self, route: u16) -> &'t [u8] {
        self.routes.get(usize::from(route)).map_or(&[], |route| route.pattern.as_ref().as_bytes())
    }
}

/// What a table says of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum RouteMatch<'m, T> {
    /// This route.
    Found(Matched<'m, T>),
    /// The path has routes, but not for this method: 405, and these go into `Allow` (RFC 9110 §15.5.6).
    MethodNotAllowed(MethodSet),
    /// An OPTIONS request to a path that has routes, none of them for OPTIONS: 204 with this `Allow`
    /// (RFC 9110 §9.3.7).
    Options(MethodSet),
    /// Nothing here.
    NotFound,
}

impl<'m, T> RouteMatch<'m, T> {
    /// The route, if there is one.
    pub fn found(self) -> Option<Matched<'m, T>> {
        match self {
            RouteMatch::Found(found) => Some(found),
            RouteMatch::MethodNotAllowed(_) | RouteMatch::Options(_) | RouteMatch::NotFound => None,
        }
    }

    /// Whether there is a route.
    pub const fn is_found(&self) -> bool {
        matches!(self, RouteMatch::Found(_))
    }
}

/// A route that fits a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Matched<'m, T> {
    /// Its place in the table.
    pub index: usize,
    /// What it leads to.
    pub to: &'m T,
    /// Its pattern: the name for logs and metrics, since there are only so many of them.
    pub pattern: &'m str,
    /// The canonical path that it fits.
    pub path: &'m str,
}

// By hand, since these need nothing of `T`.
impl<T> Clone for RouteMatch<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for RouteMatch<'_, T> {}
impl<T> Clone for Matched<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Matched<'_, T> {}

impl<'m, T> Matched<'m, T> {
    /// The parameters with their values.
    pub fn params(&self) -> Params<'m> {
        Params::new(self.pattern, self.path)
    }
}

/// Makes a [`RouteTable`](crate::route::RouteTable) by specificity, checked at compile time: a malformed
/// pattern, or two routes of the same shape and method, do not compile.
///
/// `route_table!(Target, [Route::get("/", target), …])`, where the routes are constant expressions.
#[macro_export]
macro_rules! route_table {
    ($to:ty, [$($route:expr),* $(,)?]) => {{
        const ROUTES: &[$crate::route::Route<$to>] = &[$($route),*];
        const INDEX: &$crate::route::RouteIndex<{ $crate::route::node_count(ROUTES) }, { ROUTES.len() }> =
            &$crate::route::RouteIndex::checked(ROUTES);
        $crate::route::RouteTable::new(ROUTES, INDEX)
    }};
}

#[cfg(test)]
mod tests;
