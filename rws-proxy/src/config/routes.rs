//! `[[route]]` and `[route.match]`: which request goes where, in file order.

use super::action;
use super::keys;
use super::model::{Config, Route, RouteMatch};
use super::path_pattern::PathPattern;
use super::problems::{Problem, Problems, quoted};
use super::reader::Table;
use super::rules;
use super::upstreams::{Upstreams, duplicate, line_of};
use super::{Surroundings, settings::Settings};

/// Each route is compared with all before it, so their number is bounded.
const ROUTES_MAX: usize = 4096;

/// What the routes are checked against.
#[derive(Debug)]
pub(super) struct Around<'a> {
    pub(super) upstreams: &'a Upstreams,
    pub(super) settings: &'a Settings,
    pub(super) surroundings: &'a Surroundings<'a>,
}

/// Reads every `[[route]]`; those with a mistake are noted and left out.
pub(super) fn read(top: &Table<'_>, around: &Around<'_>, problems: &Problems<'_>) -> Vec<Route> {
    let mut routes = Vec::new();
    let mut names: Vec<(String, usize)> = Vec::new();
    let mut earlier: Vec<Earlier> = Vec::new();
    for (count, table) in top.tables("route", &keys::ROUTE, problems).iter().enumerate() {
        if count == ROUTES_MAX {
            problems.add(table.spot.clone(), Problem::new(format!("more than {ROUTES_MAX} routes")));
            break;
        }
        let name = match table.value("name") {
            Some(value) => value
                .text(problems, rules::name)
                .map(|name| (name, line_of(&value.spot, problems), value.spot)),
            None => None,
        };
        if let Some((name, line, spot)) = &name {
            match names.iter().find(|(other, _)| other == name) {
                Some((_, first)) => problems.add(spot.clone(), duplicate("route", name, Some(first))),
                None => names.push((name.clone(), *line)),
            }
        }
        let name = name.map(|(name, _, _)| name);
        let matching = matching(table, problems);
        if let Some(matching) = &matching {
            refuse_hidden(table, matching, &earlier, problems);
            let line = line_of(&table.spot, problems);
            earlier.push(Earlier { matching: matching.clone(), line, name: name.clone() });
        }
        let action = action::read(table, matching.as_ref().map(|matching| &matching.path), around, problems);
        if let (Some(matching), Some(action)) = (matching, action) {
            routes.push(Route { name, matching, action });
        }
    }
    routes
}

/// A route that stands before another one.
struct Earlier {
    matching: RouteMatch,
    line: usize,
    name: Option<String>,
}

/// `[route.match]`; without it a route takes everything.
fn matching(route: &Table<'_>, problems: &Problems<'_>) -> Option<RouteMatch> {
    let all = RouteMatch { host: None, path: PathPattern::Prefix(String::new()), methods: Vec::new() };
    let Some(table) = route.table("match", &keys::MATCH, problems) else {
        // Unreadable is not absent: a route with a bad condition must not be taken for one without any.
        return route.value("match").is_none().then_some(all);
    };
    // Each is read before any `?`, so that all their mistakes come out.
    let host = table.value("host").map(|value| value.text(problems, rules::host));
    let path = table.value("path").map(|value| value.text(problems, PathPattern::parse));
    let methods = table.value("method").map(|value| {
        let methods = value.texts(problems, rules::method);
        if methods.as_ref().is_some_and(Vec::is_empty) {
            let problem = Problem::new("an empty list of methods matches nothing");
            problems.add(value.spot.clone(), problem.hint("leave `method` out to take every method"));
        }
        methods
    });
    Some(RouteMatch {
        host: host.map_or(Some(None), |host| host.map(Some))?,
        path: path.unwrap_or(Some(all.path))?,
        methods: methods.unwrap_or(Some(Vec::new()))?,
    })
}

fn refuse_hidden(route: &Table<'_>, matching: &RouteMatch, earlier: &[Earlier], problems: &Problems<'_>) {
    if let Some(hider) = earlier.iter().find(|hider| hider.matching.covers(matching)) {
        let named = hider.name.as_deref().map(|name| format!(", {},", quoted(name))).unwrap_or_default();
        let message = format!(
            "this route is never reached: the one on line {}{named} takes everything that it would",
            hider.line
        );
        let problem =
            Problem::new(message).hint("the first match in file order wins: move this route before that one");
        problems.add(route.spot.clone(), problem);
    }
}

/// One line for `rws --check`: how much there is.
pub(super) fn summary(config: &Config) -> String {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    format!("{}, {}", count(config.routes.len(), "route"), count(config.upstreams.len(), "upstream"))
}
