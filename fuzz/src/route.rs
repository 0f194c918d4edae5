//! Route tables beside a matcher that tries every route: the same answer, in both orders.

use rws_core::Method;
use rws_core::route::{MethodSet, Order, OwnedRouteTable, Route, RouteMatch, host_matches};

/// A text. Up to the first empty line each line is a route: methods by their first letters (`G`, `PD`, `*` for
/// all), a pattern, perhaps a host. Each line after it is a request: a letter, a path, perhaps a host.
pub fn check(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let mut lines = text.lines();
    let routes: Vec<Rule<'_>> = lines.by_ref().take_while(|line| !line.is_empty()).filter_map(rule).collect();
    let requests: Vec<Rule<'_>> = lines.filter_map(rule).take(64).collect();
    for order in [Order::Specific, Order::Line] {
        let given = routes.iter().enumerate().map(|(index, rule)| Route {
            methods: methods(rule.letters),
            host: rule.host.map(Into::into),
            pattern: rule.path.into(),
            to: index,
            summary: "".into(),
        });
        match OwnedRouteTable::new(given.collect(), order) {
            Ok(table) => requests.iter().for_each(|request| compare(&table, &routes, order, request)),
            Err(error) => assert!(error.route < routes.len() && !error.fault.text().is_empty()),
        }
    }
}

struct Rule<'a> {
    letters: &'a str,
    path: &'a str,
    host: Option<&'a str>,
}

fn rule(line: &str) -> Option<Rule<'_>> {
    let mut words = line.split(' ');
    Some(Rule { letters: words.next()?, path: words.next()?, host: words.next() })
}

fn method(letter: char) -> Method {
    match letter {
        'G' => Method::Get,
        'H' => Method::Head,
        'P' => Method::Post,
        'U' => Method::Put,
        'D' => Method::Delete,
        'O' => Method::Options,
        'A' => Method::Patch,
        _ => Method::Other,
    }
}

fn methods(letters: &str) -> MethodSet {
    if letters == "*" {
        return MethodSet::ANY;
    }
    letters.chars().fold(MethodSet::NONE, |set, letter| set.with(method(letter)))
}

fn compare(table: &OwnedRouteTable<usize>, routes: &[Rule<'_>], order: Order, request: &Rule<'_>) {
    // Only canonical paths are ever looked for.
    let path = request.path;
    let odd = path.contains("//") || path.contains(|char: char| char.is_ascii_control() || char == '\\');
    if !path.starts_with('/') || odd || path.split('/').any(|part| matches!(part, "." | "..")) {
        return;
    }
    let wanted = method(request.letters.chars().next().unwrap_or('G'));
    let host = request.host.unwrap_or("").as_bytes();
    let fits = |rule: &&(usize, &Rule<'_>)| {
        does_match(rule.1.path, path) && rule.1.host.is_none_or(|pattern| host_matches(pattern, host))
    };
    let all: Vec<(usize, &Rule<'_>)> = routes.iter().enumerate().collect();
    let candidates: Vec<&(usize, &Rule<'_>)> = all.iter().filter(fits).collect();
    let serving = candidates.iter().filter(|rule| methods(rule.1.letters).served().has(wanted));
    let expected = match order {
        Order::Line => serving.map(|rule| rule.0).min(),
        // Of two routes of the same shape one may name HEAD and the other take it along with GET.
        Order::Specific => serving
            .min_by_key(|rule| (rank(rule.1.path), !methods(rule.1.letters).has(wanted)))
            .map(|rule| rule.0),
    };
    let table = table.table();
    match (table.find(wanted, path, host), expected) {
        (RouteMatch::Found(found), Some(expected)) => {
            assert_eq!((found.index, *found.to), (expected, expected), "{path:?}");
            assert_params(found.pattern, path, found.params());
        }
        (RouteMatch::MethodNotAllowed(allow) | RouteMatch::Options(allow), None) => {
            assert!(!candidates.is_empty() && !allow.has(wanted) || wanted == Method::Options);
            let known =
                candidates.iter().fold(MethodSet::NONE, |set, rule| set.union(methods(rule.1.letters)));
            assert!(allow.has_all(known), "{allow} of {known}");
        }
        (RouteMatch::NotFound, None) => assert!(candidates.is_empty(), "{path:?}"),
        (found, expected) => panic!("{found:?}, not {expected:?}, for {wanted:?} {path:?}"),
    }
}

/// Segment by segment, each pattern by itself.
fn does_match(pattern: &str, path: &str) -> bool {
    let mut parts = path[1..].split('/');
    for segment in pattern.get(1..).unwrap_or("").split('/') {
        if segment.starts_with('*') {
            return true;
        }
        match parts.next() {
            None => return false,
            Some(part) if segment.starts_with(':') => {
                if part.is_empty() {
                    return false;
                }
            }
            Some(part) => {
                if part != segment {
                    return false;
                }
            }
        }
    }
    parts.next().is_none()
}

/// Static before `:param` before `*rest`, from the left.
fn rank(pattern: &str) -> Vec<u8> {
    let kind = |segment: &str| match segment.bytes().next() {
        Some(b':') => 1,
        Some(b'*') => 2,
        _ => 0,
    };
    pattern[1..].split('/').map(kind).collect()
}

/// Put back into the pattern, the values give the path.
fn assert_params(pattern: &str, path: &str, params: rws_core::route::Params<'_>) {
    let mut values = params;
    let mut built = String::new();
    for segment in pattern[1..].split('/') {
        built.push('/');
        match segment.bytes().next() {
            Some(b':' | b'*') => built.push_str(values.next().map_or("", |(_, value)| value)),
            _ => built.push_str(segment),
        }
    }
    assert!(built == path || built.strip_suffix('/') == Some(path), "{built:?} is not {path:?}");
}
