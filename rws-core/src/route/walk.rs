//! Finding a route: one walk through the index, without a stack.
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
use super::{Matched, MethodSet, Order, RouteMatch, RouteTable};
use crate::Method;

/// Finds the route for a request; see [`RouteTable::find_if`].
pub(super) fn find<'m, T, S: AsRef<str>>(
    table: &'m RouteTable<'_, T, S>,
    method: Method,
    path: &'m str,
    authority: &[u8],
    accept: impl FnMut(usize) -> bool,
) -> RouteMatch<'m, T> {
    let mut walk = Walk { table, method, authority, accept, best: NONE, allow: MethodSet::NONE };
    // Places are kept in 16 bits; a head is no longer than that either.
    if path.starts_with('/') && path.len() <= usize::from(u16::MAX) {
        walk.run(path.as_bytes());
    }
    let index = usize::from(walk.best);
    if let Some(route) = table.routes.get(index) {
        return RouteMatch::Found(Matched { index, to: &route.to, pattern: route.pattern.as_ref(), path });
    }
    if walk.allow.is_empty() {
        return RouteMatch::NotFound;
    }
    let allow = walk.allow.served().with(Method::Options);
    if method == Method::Options { RouteMatch::Options(allow) } else { RouteMatch::MethodNotAllowed(allow) }
}

struct Walk<'w, 't, T, S, F> {
    table: &'w RouteTable<'t, T, S>,
    method: Method,
    authority: &'w [u8],
    accept: F,
    /// The best route so far.
    best: u16,
    /// The methods of routes that fit but for the method.
    allow: MethodSet,
}

impl<T, S: AsRef<str>, F: FnMut(usize) -> bool> Walk<'_, '_, T, S, F> {
    fn run(&mut self, path: &[u8]) {
        let nodes = self.table.nodes;
        let Some(mut parent) = nodes.first() else { return };
        // Where the segment at each depth begins, for going back.
        let mut starts = [0u16; SEGMENTS_MAX];
        let mut from = 1usize;
        loop {
            let segment = Segment::of(path, from);
            if let Some(start) = starts.get_mut(usize::from(parent.depth)) {
                *start = from as u16;
            }
            let mut next = self.first_alternative(parent, path, segment);
            loop {
                let Some(node) = nodes.get(usize::from(next)) else { return };
                let start = starts.get(usize::from(node.depth).wrapping_sub(1)).copied().unwrap_or(0);
                let start = usize::from(start);
                let segment = if start == from { segment } else { Segment::of(path, start) };
                if let Some(end) = self.step(node, segment, path.len()) {
                    (parent, from) = (node, end.saturating_add(1));
                    break;
                }
                if self.best != NONE && self.table.order == Order::Specific {
                    return;
                }
                next = node.fail;
            }
        }
    }

    /// The first child of `parent` that may fit a segment, or where to go on if there is none.
    fn first_alternative(&self, parent: &Node, path: &[u8], segment: Segment) -> u16 {
        let children = usize::from(parent.children);
        let statics = children..children.saturating_add(usize::from(parent.statics));
        let siblings = self.table.nodes.get(statics).unwrap_or(&[]);
        let found = if siblings.len() <= 8 {
            siblings.iter().position(|node| self.is_text(node, path, segment))
        } else {
            let at = siblings.partition_point(|node| node.word < segment.word);
            let equal = siblings.get(at..).unwrap_or(&[]).iter().take_while(|node| node.word == segment.word);
            equal
                .enumerate()
                .find(|(_, node)| self.is_text(node, path, segment))
                .map(|(more, _)| at.wrapping_add(more))
        };
        match found {
            Some(at) => parent.children.wrapping_add(at as u16),
            None if parent.param != NONE => parent.param,
            None if parent.rest != NONE => parent.rest,
            None => parent.fail,
        }
    }

    fn is_text(&self, node: &Node, path: &[u8], segment: Segment) -> bool {
        let len = usize::from(node.len);
        if node.word != segment.word || len != segment.len() {
            return false;
        }
        // Up to eight bytes the word is the text.
        len <= 8 || {
            let at = usize::from(node.at);
            let pattern = self.table.pattern_bytes(node.text_route);
            pattern.get(at..at.wrapping_add(len)) == path.get(segment.from..segment.end)
        }
    }

    /// Tries a node whose turn has come. `Some(end)`: its children are next, behind the slash at `end`.
    fn step(&mut self, node: &Node, segment: Segment, path_len: usize) -> Option<usize> {
        if self.table.order == Order::Line && node.lowest >= self.best {
            return None;
        }
        match node.kind {
            Kind::Rest => {
                self.consider(node);
                return None;
            }
            Kind::Param if segment.len() == 0 => return None,
            Kind::Param | Kind::Static => {}
        }
        if segment.end < path_len {
            return Some(segment.end);
        }
        self.consider(node);
        // `/a/*` matches `/a` as well.
        if (self.best == NONE || self.table.order == Order::Line)
            && let Some(rest) = self.table.nodes.get(usize::from(node.rest))
        {
            self.consider(rest);
        }
        None
    }

    /// Takes the first route that ends at `node` and fits the request, if it is better than the best so far.
    fn consider(&mut self, node: &Node) {
        let mut at = node.first_route;
        while let Some(route) = self.table.routes.get(usize::from(at)) {
            if self.table.order == Order::Line && at >= self.best {
                return;
            }
            let host_fits =
                route.host.as_ref().is_none_or(|host| host_matches(host.as_ref(), self.authority));
            if host_fits {
                if route.methods.served().has(self.method) {
                    if (self.accept)(usize::from(at)) {
                        self.best = at;
                        return;
                    }
                } else {
                    self.allow = self.allow.union(route.methods);
                }
            }
            at = self.table.chain.get(usize::from(at)).copied().unwrap_or(NONE);
        }
    }
}

/// One segment of a path: `from..end`, and its first eight bytes as the index has them.
#[derive(Clone, Copy)]
struct Segment {
    word: u64,
    from: usize,
    end: usize,
}

impl Segment {
    const fn len(self) -> usize {
        self.end.saturating_sub(self.from)
    }

    /// The segment that begins at `from`.
    fn of(path: &[u8], from: usize) -> Segment {
        let rest = path.get(from..).unwrap_or(&[]);
        let loaded = load(path, rest);
        let len = match first_slash(loaded) {
            Some(len) => len,
            None if rest.len() <= 8 => rest.len(),
            None => {
                let tail = rest.get(8..).unwrap_or(&[]);
                memchr::memchr(b'/', tail).unwrap_or(tail.len()).wrapping_add(8)
            }
        };
        let word = match len {
            0..8 => loaded & !(u64::MAX << (8 * len as u32)),
            _ => loaded,
        };
        Segment { word, from, end: from.wrapping_add(len) }
    }
}

/// Up to eight bytes from the start of `rest`, which ends where `path` ends; zeros behind.
fn load(path: &[u8], rest: &[u8]) -> u64 {
    if let Some(word) = rest.first_chunk() {
        return u64::from_le_bytes(*word);
    }
    match path.last_chunk() {
        Some(_) if rest.is_empty() => 0,
        Some(word) => u64::from_le_bytes(*word) >> (64 - 8 * rest.len() as u32),
        None => rest.iter().rev().fold(0, |word, &byte| (word << 8) | u64::from(byte)),
    }
}

/// The place of the first slash among eight bytes.
const fn first_slash(word: u64) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let zeros = word ^ (ONES * b'/' as u64);
    // The lowest mark is exact: borrows only run upwards.
    let marks = zeros.wrapping_sub(ONES) & !zeros & (ONES << 7);
    if marks == 0 { None } else { Some((marks.trailing_zeros() / 8) as usize) }
}
