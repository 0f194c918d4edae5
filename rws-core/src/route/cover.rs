//! Routes that can never match, since earlier ones take all that they would.

use super::host::covers as host_covers;
use super::pattern::{Kind, segment_at, slice};
use super::{MethodSet, Route};

/// For a table by [`Order::Line`](super::Order::Line): if the routes before `index` take every request that
/// the route at `index` would match, the first of them that has a part in it.
///
/// Judged are paths, hosts and methods; several earlier routes may share the methods between them. Routes for
/// which [`RouteTable::find_if`](super::RouteTable::find_if) asks more than that are for the caller to leave
/// out, by `counts`.
pub fn first_cover<T, S: AsRef<str>>(
    routes: &[Route<T, S>],
    index: usize,
    mut counts: impl FnMut(usize) -> bool,
) -> Option<usize> {
    let hidden = routes.get(index)?;
    let (mut taken, mut first) = (MethodSet::NONE, None);
    for (at, route) in routes.iter().enumerate().take(index) {
        let shared = route.methods.served().intersection(hidden.methods.served());
        if shared.is_empty() || !counts(at) || !covers_host(route, hidden) || !covers_pattern(route, hidden) {
            continue;
        }
        taken = taken.union(shared);
        first = first.or(Some(at));
        if taken.has_all(hidden.methods.served()) {
            return first;
        }
    }
    None
}

fn covers_host<T, S: AsRef<str>>(by: &Route<T, S>, hidden: &Route<T, S>) -> bool {
    match (&by.host, &hidden.host) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(by), Some(hidden)) => host_covers(by.as_ref().as_bytes(), hidden.as_ref().as_bytes()),
    }
}

/// Whether every path that `hidden` matches is matched by `by`.
fn covers_pattern<T, S: AsRef<str>>(by: &Route<T, S>, hidden: &Route<T, S>) -> bool {
    let (by, hidden) = (by.pattern.as_ref().as_bytes(), hidden.pattern.as_ref().as_bytes());
    let (mut by_next, mut hidden_next) = (Some(1), Some(1));
    loop {
        let by_segment = by_next.map(|from| segment_at(by, from));
        let hidden_segment = hidden_next.map(|from| segment_at(hidden, from));
        let (wide, narrow) = match (by_segment, hidden_segment) {
            (Some(wide), _) if wide.kind == Kind::Rest => return true,
            (None, None) => return true,
            (Some(wide), Some(narrow)) => (wide, narrow),
            (None, Some(_)) | (Some(_), None) => return false,
        };
        let text = slice(hidden, narrow.from, narrow.to);
        let covered = match (wide.kind, narrow.kind) {
            (Kind::Static, Kind::Static) => slice(by, wide.from, wide.to) == text,
            (Kind::Param, Kind::Static) => !text.is_empty(),
            (Kind::Param, Kind::Param) => true,
            (Kind::Static, Kind::Param) | (_, Kind::Rest) | (Kind::Rest, _) => false,
        };
        if !covered {
            return false;
        }
        (by_next, hidden_next) = (wide.next(by), narrow.next(hidden));
    }
}
