//! Tables that are made at run time.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::build::{Linked, build};
use super::error::{RouteError, RouteFault};
use super::host::is_host_pattern;
use super::index::{NONE, Node, node_count};
use super::{Order, Route, RouteTable};

/// A table that owns its routes: what an application registers, or a configuration file says. It finds as
/// [`RouteTable`] does.
#[derive(Debug)]
pub struct OwnedRouteTable<T> {
    routes: Box<[Route<T, Box<str>>]>,
    nodes: Box<[Node]>,
    chain: Box<[u16]>,
    order: Order,
}

impl<T> OwnedRouteTable<T> {
    /// The table of `routes` in this order.
    ///
    /// # Errors
    /// [`RouteError`] for the first route that is malformed or, by specificity, ambiguous.
    pub fn new(routes: Vec<Route<T, Box<str>>>, order: Order) -> Result<OwnedRouteTable<T>, RouteError> {
        let texts: Vec<Route<(), &str>> = routes.iter().map(texts).collect();
        let bad_host = |route: &Route<(), &str>| route.host.is_some_and(|host| !is_host_pattern(host));
        if let Some(route) = texts.iter().position(bad_host) {
            return Err(RouteError { route, fault: RouteFault::BadHost });
        }
        let room = node_count(&texts);
        let (mut linked, mut nodes) = (vec![Linked::EMPTY; room], vec![Node::EMPTY; room]);
        let mut chain = vec![NONE; routes.len()];
        let used = build(&texts, order, &mut linked, &mut chain, &mut nodes)?;
        nodes.truncate(used);
        Ok(OwnedRouteTable { routes: routes.into(), nodes: nodes.into(), chain: chain.into(), order })
    }

    /// The table, for finding.
    pub fn table(&self) -> RouteTable<'_, T, Box<str>> {
        RouteTable { routes: &self.routes, nodes: &self.nodes, chain: &self.chain, order: self.order }
    }
}

fn texts<T>(route: &Route<T, Box<str>>) -> Route<(), &str> {
    Route {
        methods: route.methods,
        host: route.host.as_deref(),
        pattern: &route.pattern,
        to: (),
        summary: &route.summary,
    }
}
