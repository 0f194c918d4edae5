//! The index of a table: a tree of segments, made once, at compile time or when a table is loaded.
//!
//! ```text
//!   routes ──insert──▶ linked tree (children in a list, sorted) ──flatten──▶ nodes, children side by side
//! ```
//!
//! Side by side, so that static children are found by binary search; and each node knows where to go on when
//! nothing below it fits, so that a walk needs no stack:
//!
//! ```text
//!   root ─┬─ hello ── :name        fail(hello) = :page     the next alternative of the nearest ancestor
//!         ├─ :page ── edit         fail(:page) = *
//!         └─ *                     fail(*)     = NONE
//! ```

use super::build::{Linked, build};
use super::error::RouteError;
use super::pattern::{self, Kind};
use super::{Order, Route};

/// No node, no route.
pub(super) const NONE: u16 = u16::MAX;

/// A node: a segment at its place in the tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// The first eight bytes of the text of a static segment, little end first, zeros behind.
    pub(super) word: u64,
    /// The text is `at..at + len` of the pattern of `text_route`.
    pub(super) text_route: u16,
    pub(super) at: u16,
    pub(super) len: u16,
    /// How many segments lead here.
    pub(super) depth: u8,
    pub(super) kind: Kind,
    /// The static children are `children..children + statics`.
    pub(super) children: u16,
    pub(super) statics: u16,
    pub(super) param: u16,
    pub(super) rest: u16,
    /// Where a walk goes on when nothing below fits.
    pub(super) fail: u16,
    /// The routes that end here, chained; which is asked first comes first.
    pub(super) first_route: u16,
    /// The lowest index of a route that ends here or below.
    pub(super) lowest: u16,
}

const _: () = assert!(size_of::<Node>() == 32);

impl Node {
    pub(super) const EMPTY: Node = Node {
        word: 0,
        text_route: NONE,
        at: 0,
        len: 0,
        depth: 0,
        kind: Kind::Static,
        children: 0,
        statics: 0,
        param: NONE,
        rest: NONE,
        fail: NONE,
        first_route: NONE,
        lowest: NONE,
    };
}

/// The index of a table of `ROUTES` routes, with room for `NODES` nodes.
#[derive(Debug)]
pub struct RouteIndex<const NODES: usize, const ROUTES: usize> {
    nodes: [Node; NODES],
    chain: [u16; ROUTES],
    order: Order,
}

impl<const NODES: usize, const ROUTES: usize> RouteIndex<NODES, ROUTES> {
    /// The index of `routes`, by [`Order::Specific`]. Meant for constants: `NODES` from [`node_count`].
    ///
    /// # Panics
    /// If the table is malformed or ambiguous: in a constant, that is a compile error.
    #[expect(clippy::panic, reason = "runs at compile time, where a panic is the error message")]
    pub const fn checked<T>(routes: &[Route<T>]) -> RouteIndex<NODES, ROUTES> {
        match RouteIndex::new(routes, Order::Specific) {
            Ok(index) => index,
            Err(error) => panic!("{}", error.fault.text()),
        }
    }

    /// The index of `routes` in this order.
    ///
    /// # Errors
    /// [`RouteError`] if the table is malformed or, by specificity, ambiguous, or `NODES` or `ROUTES` too
    /// small.
    pub const fn new<T>(routes: &[Route<T>], order: Order) -> Result<RouteIndex<NODES, ROUTES>, RouteError> {
        let mut linked = [Linked::EMPTY; NODES];
        let mut nodes = [Node::EMPTY; NODES];
        let mut chain = [NONE; ROUTES];
        match build(routes, order, &mut linked, &mut chain, &mut nodes) {
            Ok(_) => Ok(RouteIndex { nodes, chain, order }),
            Err(error) => Err(error),
        }
    }

    pub(super) const fn parts(&self) -> (&[Node], &[u16], Order) {
        (&self.nodes, &self.chain, self.order)
    }
}

/// How many nodes the index of `routes` needs at most.
pub const fn node_count<T>(routes: &[Route<T, &str>]) -> usize {
    let mut count = 1;
    let mut rest = routes;
    while let [route, tail @ ..] = rest {
        count += segment_count(route.pattern.as_bytes());
        rest = tail;
    }
    count
}

const fn segment_count(pattern: &[u8]) -> usize {
    let mut count = 0;
    let mut next = Some(1);
    while let Some(at) = next {
        next = pattern::segment_at(pattern, at).next(pattern);
        count += 1;
    }
    count
}
