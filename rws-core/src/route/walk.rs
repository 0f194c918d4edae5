//! Finding a route: one walk through the index, without a stack.
//!
//! By [`Order::Specific`] a walk first goes straight down, always to the most specific child: what it finds so
//! is the answer, and mostly it finds something. Only if not, or by [`Order::Line`], it walks with a way back:
//!
//! ```text
//!   at a node, segment at `from`:   static child? ─▶ its end or its children
//!                                   else :param, else *rest, else the next alternative further up (`fail`)
//! ```
//!
//! Every node is tried at most once, so a walk is linear in the index, whatever the path. By
//! [`Order::Specific`] the first route that fits is the answer; by [`Order::Line`] the walk goes on where a
//! lower line may still be.

use super::host::host_matches;
use super::index::{NONE, Node};
use super::pattern::{Kind, SEGMENTS_MAX};
use super::segment::Segment;
use super::{Matched, MethodSet, Order, RouteMatch, RouteTable};
use crate::Method;

/// Finds the route for a request; see [`RouteTable::find_if`].
#[inline]
pub(super) fn find<'m, T, S: AsRef<str>>(
    table: &'m RouteTable<'_, T, S>,
    method: Method,
    path: &'m str,
    authority: &[u8],
    mut accept: impl FnMut(usize) -> bool,
) -> RouteMatch<'m, T> {
    // A GET route takes HEAD as well.
    let wanted = MethodSet::NONE.with(method);
    let wanted = if method == Method::Head { wanted.with(Method::Get) } else { wanted };
    if let Some(node) = straight_down(table, path.as_bytes()) {
        let index = usize::from(node.first_route);
        if let Some(route) = table.routes.get(index)
            && !route.methods.intersection(wanted).is_empty()
            && accept(index)
        {
            return RouteMatch::Found(Matched {
                index,
                to: &route.to,
                pattern: route.pattern.as_ref(),
                path,
            });
        }
    }
    let walk = Walk { table, wanted, authority, accept, best: NONE, allow: MethodSet::NONE };
    walk.answer(method, path)
}

/// The node at the end of the way that always takes the most specific child. The first route that ends there
/// has the lowest rank of all that fit the path. For tables by [`Order::Specific`], which have no hosts.
#[inline]
fn straight_down<'t, T, S: AsRef<str>>(table: &RouteTable<'t, T, S>, path: &[u8]) -> Option<&'t Node> {
    let mut node = table.nodes.first()?;
    if table.order == Order::Line || path.first() != Some(&b'/') {
        return None;
    }
    let mut from = 1usize;
    loop {
        let segment = Segment::of(path, from);
        let (param, rest) = (node.param, node.rest);
        node = match static_child(table, node, path, segment) {
            Some(child) => child,
            None if param != NONE && segment.len > 0 => table.nodes.get(usize::from(param))?,
            None => return table.nodes.get(usize::from(rest)),
        };
        if segment.end() >= path.len() {
            return Some(node);
        }
        from = segment.end().wrapping_add(1);
    }
}

/// The static child of `parent` whose text is the segment.
#[inline]
fn static_child<'t, T, S: AsRef<str>>(
    table: &RouteTable<'t, T, S>,
    parent: &Node,
    path: &[u8],
    segment: Segment,
) -> Option<&'t Node> {
    let from = usize::from(parent.children);
    let mut siblings = table.nodes.get(from..from.wrapping_add(usize::from(parent.statics)))?;
    if siblings.len() > 16 {
        siblings = siblings.get(siblings.partition_point(|node| node.word < segment.word)..)?;
    }
    while let [node, others @ ..] = siblings
        && node.word < segment.word
    {
        siblings = others;
    }
    let child = siblings.first().filter(|node| node.word == segment.word)?;
    // Of fewer than eight bytes the word is the text, but for zeros behind: no pattern has one, a path may.
    if segment.len < 8 {
        (usize::from(child.len) == segment.len).then_some(child)
    } else {
        long_child(table, siblings, path.get(segment.from..segment.end())?)
    }
}

/// The one of `siblings` whose text this is, if its first eight bytes are those of the first.
#[inline(never)]
fn long_child<'t, T, S: AsRef<str>>(
    table: &RouteTable<'t, T, S>,
    siblings: &'t [Node],
    text: &[u8],
) -> Option<&'t Node> {
    let word = siblings.first()?.word;
    let mut equal = siblings.iter().take_while(|node| node.word == word);
    equal.find(|node| {
        let from = usize::from(node.at);
        let pattern = table.pattern_bytes(node.text_route);
        pattern.get(from..from.wrapping_add(node.len.into())) == Some(text)
    })
}

struct Walk<'w, 't, T, S, F> {
    table: &'w RouteTable<'t, T, S>,
    wanted: MethodSet,
    authority: &'w [u8],
    accept: F,
    /// The best route so far.
    best: u16,
    /// The methods of routes that fit but for the method.
    allow: MethodSet,
}

/// What a node has to say to a segment.
enum Step {
    /// The walk goes on below it, behind the slash at this place.
    Below(usize),
    /// The walk goes on elsewhere.
    Back,
    /// The answer is found.
    Done,
}

impl<'t, T, S: AsRef<str>, F: FnMut(usize) -> bool> Walk<'_, 't, T, S, F> {
    #[inline(never)]
    fn answer<'m>(mut self, method: Method, path: &'m str) -> RouteMatch<'m, T>
    where
        't: 'm,
    {
        // Places are kept in 16 bits; a head is no longer than that either.
        if path.starts_with('/') && path.len() <= usize::from(u16::MAX) {
            self.run(path.as_bytes());
        }
        let index = usize::from(self.best);
        if let Some(route) = self.table.routes.get(index) {
            return RouteMatch::Found(Matched {
                index,
                to: &route.to,
                pattern: route.pattern.as_ref(),
                path,
            });
        }
        if self.allow.is_empty() {
            return RouteMatch::NotFound;
        }
        let allow = self.allow.served().with(Method::Options);
        if method == Method::Options {
            RouteMatch::Options(allow)
        } else {
            RouteMatch::MethodNotAllowed(allow)
        }
    }

    /// Tries every alternative in turn.
    fn run(&mut self, path: &[u8]) {
        let nodes = self.table.nodes;
        let Some(mut parent) = nodes.first() else { return };
        // Where the segment at each depth begins, for going back.
        let mut starts = [0u16; SEGMENTS_MAX];
        let mut from = 1usize;
        loop {
            let mut segment = Segment::of(path, from);
            if let Some(start) = starts.get_mut(usize::from(parent.depth)) {
                *start = from as u16;
            }
            let mut next = self.first_alternative(parent, path, segment);
            loop {
                let Some(node) = next else { return };
                if node.depth <= parent.depth {
                    let depth = usize::from(node.depth).saturating_sub(1);
                    segment = Segment::of(path, starts.get(depth).copied().unwrap_or(0).into());
                }
                match self.step(node, segment, path.len()) {
                    Step::Below(end) => {
                        (parent, from) = (node, end.wrapping_add(1));
                        break;
                    }
                    Step::Back => next = nodes.get(usize::from(node.fail)),
                    Step::Done => return,
                }
            }
        }
    }

    /// The first child of `parent` that may fit a segment, or where to go on if there is none.
    fn first_alternative(&self, parent: &Node, path: &[u8], segment: Segment) -> Option<&'t Node> {
        let nodes = self.table.nodes;
        static_child(self.table, parent, path, segment)
            .or_else(|| nodes.get(usize::from(parent.param)))
            .or_else(|| nodes.get(usize::from(parent.rest)))
            .or_else(|| nodes.get(usize::from(parent.fail)))
    }

    /// Tries a node whose turn has come.
    #[inline]
    fn step(&mut self, node: &Node, segment: Segment, path_len: usize) -> Step {
        let by_line = self.table.order == Order::Line;
        if by_line && node.lowest >= self.best {
            return Step::Back;
        }
        match node.kind {
            Kind::Param if segment.len == 0 => return Step::Back,
            Kind::Param | Kind::Static if segment.end() < path_len => return Step::Below(segment.end()),
            Kind::Param | Kind::Static | Kind::Rest => {}
        }
        if self.consider(node) && !by_line {
            return Step::Done;
        }
        // `/a/*` matches `/a` as well.
        if let Some(rest) = self.table.nodes.get(usize::from(node.rest))
            && self.consider(rest)
            && !by_line
        {
            return Step::Done;
        }
        Step::Back
    }

    /// Takes the first route that ends at `node` and fits the request, if it is better than the best so far.
    #[inline]
    fn consider(&mut self, node: &Node) -> bool {
        let mut at = node.first_route;
        while let Some(route) = self.table.routes.get(usize::from(at)) {
            if self.table.order == Order::Line && at >= self.best {
                return false;
            }
            if route.host.as_ref().is_none_or(|host| host_matches(host.as_ref(), self.authority)) {
                if route.methods.intersection(self.wanted).is_empty() {
                    self.allow = self.allow.union(route.methods);
                } else if (self.accept)(usize::from(at)) {
                    self.best = at;
                    return true;
                }
            }
            at = self.table.chain.get(usize::from(at)).copied().unwrap_or(NONE);
        }
        false
    }
}
