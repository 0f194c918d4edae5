//! `[[upstream]]`: named groups of backends.

use super::keys;
use super::model::{Strategy, Upstream};
use super::problems::{Problem, Problems, Spot, quoted};
use super::reader::{Table, not_available};
use super::rules;

const UPSTREAMS_MAX: usize = 1024;
const BACKENDS_MAX: usize = 1024;

/// The strategies of the final product that this build lacks.
const STRATEGIES_LATER: [&str; 7] =
    ["least_connections", "ip_hash", "weighted_round_robin", "random", "p2c", "ewma", "sticky_cookie"];

/// The upstreams as far as they could be read. A route may name one that has another mistake in it, so the names
/// are kept beside the values.
#[derive(Debug, Default)]
pub(super) struct Upstreams {
    pub(super) names: Vec<String>,
    pub(super) list: Vec<Upstream>,
}

impl Upstreams {
    /// Reads every `[[upstream]]`.
    pub(super) fn read(top: &Table<'_>, problems: &Problems<'_>) -> Self {
        let mut upstreams = Self::default();
        let mut first_lines: Vec<usize> = Vec::new();
        for (count, table) in top.tables("upstream", &keys::UPSTREAM, problems).iter().enumerate() {
            if count == UPSTREAMS_MAX {
                let problem = Problem::new(format!("more than {UPSTREAMS_MAX} upstreams"));
                problems.add(table.spot.clone(), problem);
                break;
            }
            let name = table.required("name", "give it a name that routes can use", problems);
            let spot = name.as_ref().map(|value| value.spot.clone());
            let name = name.and_then(|value| value.text(problems, rules::name));
            if let (Some(name), Some(spot)) = (&name, &spot) {
                if let Some(at) = upstreams.names.iter().position(|other| other == name) {
                    problems.add(spot.clone(), duplicate("upstream", name, first_lines.get(at)));
                } else {
                    upstreams.names.push(name.clone());
                    first_lines.push(line_of(spot, problems));
                }
            }
            upstreams.list.extend(upstream(table, name, problems));
        }
        upstreams
    }

    /// The index of the upstream with this name.
    pub(super) fn find(&self, name: &str) -> Result<usize, Problem> {
        self.names.iter().position(|own| own == name).ok_or_else(|| {
            let problem = Problem::new(format!("there is no upstream {}", quoted(name)));
            let near = super::suggest::nearest(name, self.names.iter().map(String::as_str));
            match (near, self.names.is_empty()) {
                (Some(near), _) => problem.hint(format!("did you mean {}?", quoted(near))),
                (None, true) => problem.hint("add an [[upstream]] with this name and its backends"),
                (None, false) => {
                    let known: Vec<String> = self.names.iter().take(5).map(|known| quoted(known)).collect();
                    problem.hint(format!("known upstreams: {}", known.join(", ")))
                }
            }
        })
    }
}

fn upstream(table: &Table<'_>, name: Option<String>, problems: &Problems<'_>) -> Option<Upstream> {
    let strategy = match table.value("strategy") {
        Some(value) => value.text(problems, strategy),
        None => Some(Strategy::RoundRobin),
    };
    let backends = table.required("backends", "list them: backends = [\"127.0.0.1:9001\"]", problems)?;
    let spot = backends.spot.clone();
    let backends = backends.texts(problems, rules::backend);
    match backends.as_ref().map(Vec::len) {
        Some(0) => {
            let problem = Problem::new("an upstream needs at least one backend");
            problems.add(spot, problem.hint("list them: backends = [\"127.0.0.1:9001\"]"));
        }
        Some(BACKENDS_MAX..) => {
            problems.add(spot, Problem::new(format!("more than {} backends", BACKENDS_MAX - 1)));
        }
        Some(_) | None => {}
    }
    Some(Upstream { name: name?, strategy: strategy?, backends: backends? })
}

fn strategy(text: &str) -> Result<Strategy, Problem> {
    match text {
        "round_robin" => Ok(Strategy::RoundRobin),
        later if STRATEGIES_LATER.contains(&later) => {
            Err(not_available(&format!("the strategy \"{later}\""))
                .hint("use \"round_robin\", or leave `strategy` out"))
        }
        other => Err(rules::unknown_choice("strategy", other, &["round_robin"])),
    }
}

/// The second use of a name that must be unique.
pub(super) fn duplicate(what: &str, name: &str, first_line: Option<&usize>) -> Problem {
    let problem = Problem::new(format!("a second {what} is named {}", quoted(name)));
    match first_line {
        Some(line) => problem.hint(format!("the first one is on line {line}; give each its own name")),
        None => problem.hint("give each its own name"),
    }
}

/// The line of a place in the file.
pub(super) fn line_of(spot: &Spot, problems: &Problems<'_>) -> usize {
    match spot {
        Spot::File(span) => problems.line(span.start),
        Spot::Environment(_) | Spot::CommandLine(_) => 0,
    }
}
