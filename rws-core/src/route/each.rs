//! Finding a route by reading every pattern: where bytes of code count for more than time, and tables are short.
//! It finds what the [walk](super::walk) finds, and a test holds the two together.

use super::host::host_matches;
use super::pattern::{Kind, Params};
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
        // A table by specificity has no hosts: for one in a constant this compiles no comparison.
        let is_host = table.order == Order::Specific
            || route.host.as_ref().is_none_or(|host| host_matches(host.as_ref(), authority));
        if !is_host || !covers(pattern, path) {
            continue;
        }
        if route.methods.intersection(wanted).is_empty() {
            allow = allow.union(route.methods);
            continue;
        }
        let is_better =
            best.is_none_or(|best| table.order == Order::Specific && is_before(pattern, best.pattern, path));
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
fn covers(pattern: &str, path: &str) -> bool {
    let mut walk = Params::new(pattern, path);
    while let Some(pair) = walk.pair() {
        match pair.kind {
            Kind::Static | Kind::Param => {}
            Kind::Rest => return true,
        }
    }
    path.starts_with('/') && walk.is_through()
}

/// Whether the first of two patterns that take this path is the more specific one.
#[inline(never)]
fn is_before(one: &str, other: &str, path: &str) -> bool {
    let (mut one, mut other) = (Params::new(one, path), Params::new(other, path));
    loop {
        // Of two that differ no further, the one that ends is before the one that takes a rest.
        let [a, b] = [one.pair(), other.pair()].map(|pair| pair.map_or(0, |pair| pair.kind as u8 + 1));
        if a != b || a == 0 {
            return a < b;
        }
    }
}
