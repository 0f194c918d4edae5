//! Building the index; see [`index`](super::index) for what it makes.
#![expect(
    clippy::indexing_slicing,
    reason = "const code, where `get` is not to be had; every index was handed out below the lengths, and no peer reaches it"
)]

use super::error::{RouteError, RouteFault};
use super::index::{NONE, Node};
use super::pattern::{Kind, Segment, check, segment_at, slice};
use super::{Order, Route};
use crate::Method;

/// A node before its children stand side by side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Linked {
    node: Node,
    child: u16,
    sibling: u16,
}

impl Linked {
    pub(super) const EMPTY: Linked = Linked { node: Node::EMPTY, child: NONE, sibling: NONE };
}

/// Fills `nodes` and `chain` (the route after each route that ends at the same node); says how many nodes
/// are used.
pub(super) const fn build<T>(
    routes: &[Route<T, &str>],
    order: Order,
    linked: &mut [Linked],
    chain: &mut [u16],
    nodes: &mut [Node],
) -> Result<usize, RouteError> {
    if routes.len() > chain.len() || routes.len() >= NONE as usize || linked.is_empty() {
        return Err(RouteError { route: 0, fault: RouteFault::TooMany });
    }
    let mut tree = Tree { linked, used: 1, routes };
    let mut route = 0;
    while route < routes.len() {
        let inserted = match tree.insert(route, order) {
            Ok(node) => tree.append(route, node, order, chain),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = inserted {
            return Err(RouteError { route, fault });
        }
        route += 1;
    }
    flatten(&*tree.linked, nodes);
    Ok(tree.used)
}

struct Tree<'l, 'r, 's, T> {
    linked: &'l mut [Linked],
    used: usize,
    routes: &'r [Route<T, &'s str>],
}

impl<T> Tree<'_, '_, '_, T> {
    /// Makes the way for a route; says at which node it ends.
    const fn insert(&mut self, route: usize, order: Order) -> Result<usize, RouteFault> {
        let pattern = self.routes[route].pattern.as_bytes();
        if self.routes[route].methods.is_empty() {
            return Err(RouteFault::NoMethods);
        }
        if self.routes[route].host.is_some() && matches!(order, Order::Specific) {
            return Err(RouteFault::HostInSpecific);
        }
        if let Err(fault) = check(pattern) {
            return Err(fault);
        }
        let mut node = 0;
        let mut next = Some(1);
        while let Some(from) = next {
            let segment = segment_at(pattern, from);
            node = match self.child(node, route, segment) {
                Ok(child) => child,
                Err(fault) => return Err(fault),
            };
            next = segment.next(pattern);
        }
        Ok(node)
    }

    /// The child of `parent` for a segment, made if it is not there; the list stays sorted.
    const fn child(&mut self, parent: usize, route: usize, segment: Segment) -> Result<usize, RouteFault> {
        let (mut before, mut at) = (None, self.linked[parent].child);
        while at != NONE {
            let side = self.compare(route, segment, at as usize);
            if side == 0 {
                return Ok(at as usize);
            }
            if side < 0 {
                break;
            }
            (before, at) = (Some(at), self.linked[at as usize].sibling);
        }
        if self.used >= self.linked.len() || self.used >= NONE as usize {
            return Err(RouteFault::TooMany);
        }
        let new = self.used;
        self.used += 1;
        let pattern = self.routes[route].pattern.as_bytes();
        let node = Node {
            word: word(slice(pattern, segment.from, segment.to)),
            text_route: route as u16,
            at: segment.from as u16,
            len: (segment.to - segment.from) as u16,
            depth: self.linked[parent].node.depth + 1,
            kind: segment.kind,
            lowest: route as u16,
            ..Node::EMPTY
        };
        self.linked[new] = Linked { node, child: NONE, sibling: at };
        match before {
            Some(before) => self.linked[before as usize].sibling = new as u16,
            None => self.linked[parent].child = new as u16,
        }
        Ok(new)
    }

    /// Where a segment stands beside a node: static ones by word and text, then `:param`, then `*rest`.
    const fn compare(&self, route: usize, segment: Segment, node: usize) -> i8 {
        let node = &self.linked[node].node;
        let kinds = (segment.kind as u8, node.kind as u8);
        if kinds.0 != kinds.1 {
            return if kinds.0 < kinds.1 { -1 } else { 1 };
        }
        if !matches!(segment.kind, Kind::Static) {
            return 0;
        }
        let text = slice(self.routes[route].pattern.as_bytes(), segment.from, segment.to);
        let (from, to) = (node.at as usize, node.at as usize + node.len as usize);
        compare_text(text, slice(self.routes[node.text_route as usize].pattern.as_bytes(), from, to))
    }

    /// Puts a route where it belongs among those that end at the same node.
    const fn append(
        &mut self,
        route: usize,
        node: usize,
        order: Order,
        chain: &mut [u16],
    ) -> Result<(), RouteFault> {
        let methods = self.routes[route].methods;
        let (mut last, mut at) = (None, self.linked[node].node.first_route);
        while at != NONE {
            let shared = methods.intersection(self.routes[at as usize].methods);
            if matches!(order, Order::Specific) && !shared.is_empty() {
                return Err(RouteFault::Duplicate(at as usize));
            }
            (last, at) = (Some(at), chain[at as usize]);
        }
        // A route that names HEAD is asked before one that takes it along with GET.
        let first = matches!(order, Order::Specific) && methods.has(Method::Head);
        match last {
            Some(last) if !first => chain[last as usize] = route as u16,
            _ => {
                chain[route] = self.linked[node].node.first_route;
                self.linked[node].node.first_route = route as u16;
            }
        }
        Ok(())
    }
}

/// The order of static segments: any would do that a lookup can follow with two comparisons.
pub(super) const fn compare_text(a: &[u8], b: &[u8]) -> i8 {
    let words = (word(a), word(b));
    if words.0 != words.1 {
        return if words.0 < words.1 { -1 } else { 1 };
    }
    let (mut a, mut b) = (a, b);
    while let ([x, a_rest @ ..], [y, b_rest @ ..]) = (a, b) {
        if *x != *y {
            return if *x < *y { -1 } else { 1 };
        }
        (a, b) = (a_rest, b_rest);
    }
    b.is_empty() as i8 - a.is_empty() as i8
}

/// The first eight bytes, little end first, zeros behind. Patterns have no NUL, so a segment of fewer
/// than eight bytes is equal to another exactly if their words are; of a path the length counts too.
const fn word(text: &[u8]) -> u64 {
    let (mut word, mut shift, mut rest) = (0, 0, text);
    while let [byte, tail @ ..] = rest {
        if shift == 64 {
            break;
        }
        word |= (*byte as u64) << shift;
        shift += 8;
        rest = tail;
    }
    word
}

/// Lays the tree out level by level, so that the children of a node stand side by side.
const fn flatten(linked: &[Linked], nodes: &mut [Node]) {
    // While a node waits for its turn, `children` is its place in `linked`.
    nodes[0] = Node { children: 0, ..linked[0].node };
    let mut used = 1;
    let mut at = 0;
    while at < used {
        let mut child = linked[nodes[at].children as usize].child;
        nodes[at].children = used as u16;
        while child != NONE {
            let node = Node { children: child, ..linked[child as usize].node };
            match node.kind {
                Kind::Static => nodes[at].statics += 1,
                Kind::Param => nodes[at].param = used as u16,
                Kind::Rest => nodes[at].rest = used as u16,
            }
            nodes[used] = node;
            used += 1;
            child = linked[child as usize].sibling;
        }
        link_failures(nodes, at);
        at += 1;
    }
}

/// Tells the children of a node where to go on when nothing below them fits.
const fn link_failures(nodes: &mut [Node], parent: usize) {
    let Node { children, statics, param, rest, fail, .. } = nodes[parent];
    let after_param = if rest == NONE { fail } else { rest };
    let after_static = if param == NONE { after_param } else { param };
    let mut child = children;
    while child < children + statics {
        nodes[child as usize].fail = after_static;
        child += 1;
    }
    if param != NONE {
        nodes[param as usize].fail = after_param;
    }
    if rest != NONE {
        nodes[rest as usize].fail = fail;
    }
}
