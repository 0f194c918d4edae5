//! Finding a route by reading every pattern: where bytes of code count for more than time, and tables are short.
//! It finds what the [walk](super::walk) finds, and a test holds the two together.

use super::host::host_matches;
use super::pattern::{Kind, Segment, segment_at, slice};
use super::{Matched, MethodSet, Order, RouteMatch, RouteTable};
use crate::Method;

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
    let mut allow = MethodSet::NONE;
    let mut best: Option<Matched<'m, T>> = None;
    for (index, route) in table.routes.iter().enumerate() {
        let pattern = route.pattern.as_ref();
        if !covers(pattern.as_bytes(), path.as_bytes())
            || !route.host.as_ref().is_none_or(|host| host_matches(host.as_ref(), authority))
        {
            continue;
        }
        if route.methods.intersection(wanted).is_empty() {
            allow = allow.union(route.methods);
            continue;
        }
        let is_better = best.is_none_or(|best| {
            table.order == Order::Specific && is_before(pattern.as_bytes(), best.pattern.as_bytes())
        });
        if is_better && accept(index) {
            best = Some(Matched { index, to: &route.to, pattern, path });
        }
    }
    if let Some(best) = best {
        return RouteMatch::Found(best);
    }
    if allow.is_empty() {
        return RouteMatch::NotFound;
    }
    let allow = allow.served().with(Method::Options);
    if method == Method::Options { RouteMatch::Options(allow) } else { RouteMatch::MethodNotAllowed(allow) }
}

/// Whether the pattern takes all of this path.
#[inline(never)]
fn covers(pattern: &[u8], path: &[u8]) -> bool {
    let (mut in_pattern, mut in_path) = (Some(1), Some(1));
    if path.first() != Some(&b'/') {
        return false;
    }
    while let Some(at) = in_pattern {
        let wanted = segment_at(pattern, at);
        // `/a/*` takes `/a` as well.
        if wanted.kind == Kind::Rest {
            return true;
        }
        let Some(from) = in_path else { return false };
        let found = text_at(path, from);
        let fits = match wanted.kind {
            Kind::Param => found.from < found.to,
            Kind::Static | Kind::Rest => text(pattern, wanted) == text(path, found),
        };
        if !fits {
            return false;
        }
        (in_pattern, in_path) = (wanted.next(pattern), found.next(path));
    }
    in_path.is_none()
}

/// Whether the first of two patterns that take the same path is the more specific one.
#[inline(never)]
fn is_before(one: &[u8], other: &[u8]) -> bool {
    let (mut in_one, mut in_other) = (Some(1), Some(1));
    // Of two that differ no further, the one that ends is before the one that takes a rest.
    while let (Some(at), Some(other_at)) = (in_one, in_other) {
        let (a, b) = (segment_at(one, at), segment_at(other, other_at));
        if a.kind != b.kind {
            return (a.kind as u8) < b.kind as u8;
        }
        (in_one, in_other) = (a.next(one), b.next(other));
    }
    in_other.is_some()
}

/// The segment of a path that begins at `from`: no byte of it has a meaning.
pub(super) fn text_at(path: &[u8], from: usize) -> Segment {
    let rest = slice(path, from, path.len());
    let len = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
    Segment { kind: Kind::Static, from, to: from.saturating_add(len) }
}

fn text(bytes: &[u8], segment: Segment) -> &[u8] {
    slice(bytes, segment.from, segment.to)
}
