//! `[route.action]` and `[route.action.proxy]`: what a route does. Each type has its own keys.

use super::keys;
use super::model::{Action, ProxyAction, RedirectAction, RespondAction, Scheme, StaticAction};
use super::path_pattern::{PathPattern, is_at_or_below};
use super::problems::{Problem, Problems, quoted};
use super::reader::{Table, Value, not_available};
use super::routes::Around;
use super::rules;
use core::time::Duration;

const CONNECT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
const READ_TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);

/// The types of an action in this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Static,
    Respond,
    Redirect,
    Proxy,
    Grpc,
}

impl Type {
    const ALL: [Self; 5] = [Self::Static, Self::Respond, Self::Redirect, Self::Proxy, Self::Grpc];

    fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Respond => "respond",
            Self::Redirect => "redirect",
            Self::Proxy => "proxy",
            Self::Grpc => "grpc",
        }
    }

    /// The keys of `[route.action]` that go with it, besides `type`.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Static => &["root", "index", "directory_listing"],
            Self::Respond => &["status", "body", "content_type"],
            Self::Redirect => &["location", "status"],
            Self::Proxy | Self::Grpc => &["upstream", "proxy"],
        }
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        match text {
            "mcp" => Err(not_available(&format!("an action of type \"{text}\""))),
            _ => Self::ALL
                .into_iter()
                .find(|kind| kind.name() == text)
                .ok_or_else(|| rules::unknown_choice("type", text, &Self::ALL.map(Self::name))),
        }
    }
}

/// Reads the action of a route; `path` is the route's pattern, if that could be read.
pub(super) fn read(
    route: &Table<'_>,
    path: Option<&PathPattern>,
    around: &Around<'_>,
    problems: &Problems<'_>,
) -> Option<Action> {
    route.required(
        "action",
        "add [route.action] with a type: static, respond, redirect, proxy or grpc",
        problems,
    )?;
    let table = route.table("action", &keys::ACTION, problems)?;
    let kind = table
        .required("type", "give one of \"static\", \"respond\", \"redirect\", \"proxy\", \"grpc\"", problems)
        .and_then(|value| value.text(problems, Type::parse));
    let Some(kind) = kind else {
        // Whose keys these are is not known, but each can be judged by itself.
        return judge_all(&table, path, around, problems);
    };
    refuse_strangers(&table, kind, problems);
    match kind {
        Type::Static => static_action(&table, path, around, problems),
        Type::Respond => respond_action(&table, problems),
        Type::Redirect => redirect_action(&table, problems),
        Type::Proxy => proxy_action(&table, Scheme::Http, scheme, path, around, problems).map(Action::Proxy),
        Type::Grpc => proxy_action(&table, Scheme::H2, grpc_scheme, path, around, problems).map(Action::Grpc),
    }
}

/// Judges the values of an action without a readable type.
fn judge_all(
    table: &Table<'_>,
    path: Option<&PathPattern>,
    around: &Around<'_>,
    problems: &Problems<'_>,
) -> Option<Action> {
    let has = |keys: &[&str]| table.names().any(|name| keys.contains(&name));
    if has(Type::Static.keys()) {
        static_action(table, path, around, problems);
    }
    if has(&["body", "content_type"]) {
        respond_action(table, problems);
    }
    if has(&["location"]) {
        redirect_action(table, problems);
    }
    if has(Type::Proxy.keys()) {
        proxy_action(table, Scheme::Http, scheme, path, around, problems);
    }
    None
}

fn refuse_strangers(table: &Table<'_>, kind: Type, problems: &Problems<'_>) {
    for name in table.names().filter(|name| *name != "type" && !kind.keys().contains(name)) {
        let homes = Type::ALL.into_iter().filter(|other| other.keys().contains(&name));
        let homes: Vec<String> = homes.map(|home| format!("\"{}\"", home.name())).collect();
        let problem =
            Problem::new(format!("`{name}` does not belong to an action of type \"{}\"", kind.name()))
                .hint(format!("it is a key of type {}", homes.join(" or ")));
        if let Some(spot) = table.key_spot(name) {
            problems.add(spot, problem);
        }
    }
}

fn static_action(
    table: &Table<'_>,
    path: Option<&PathPattern>,
    around: &Around<'_>,
    problems: &Problems<'_>,
) -> Option<Action> {
    let surroundings = around.surroundings;
    let root = match (table.value("root"), &around.settings.root) {
        (Some(value), _) => value.text(problems, |text| surroundings.root(surroundings.file_directory, text)),
        (None, Some(root)) => Some(root.clone()),
        (None, None) => {
            table.required("root", "name the directory whose files are served", problems);
            None
        }
    };
    let index =
        or_default(table.value("index"), "index.html".to_owned(), |value| value.text(problems, rules::index));
    let listing = or_default(table.value("directory_listing"), false, |value| value.boolean(problems));
    let mount = match path? {
        PathPattern::Prefix(prefix) => prefix.clone(),
        PathPattern::Exact(_) => String::new(),
    };
    Some(Action::Static(StaticAction { root: root?, mount, index: index?, directory_listing: listing? }))
}

fn respond_action(table: &Table<'_>, problems: &Problems<'_>) -> Option<Action> {
    let status = or_default(table.value("status"), 200_u16, |value| {
        value.integer(problems, |key, number| rules::within(key, number, 200_u16, 599_u16))
    });
    let body =
        table.value("body").map(|value| (value.text(problems, |text| Ok(text.to_owned())), value.spot));
    let content_type =
        or_default(table.value("content_type"), "text/plain; charset=utf-8".to_owned(), |value| {
            value.text(problems, rules::content_type)
        });
    if let (Some(status @ (204 | 205 | 304)), Some((Some(body), spot))) = (status, &body)
        && !body.is_empty()
    {
        let problem = Problem::new(format!("an answer with status {status} cannot have a body"));
        problems.add(spot.clone(), problem.hint("leave `body` out, or choose another status"));
    }
    let body = body.map_or(Some(String::new()), |(body, _)| body);
    Some(Action::Respond(RespondAction { status: status?, body: body?, content_type: content_type? }))
}

fn redirect_action(table: &Table<'_>, problems: &Problems<'_>) -> Option<Action> {
    let status = or_default(table.value("status"), 302_u16, |value| value.integer(problems, redirect_status));
    let location = table
        .required("location", "say where to: a path or a URL", problems)
        .and_then(|value| value.text(problems, rules::location));
    Some(Action::Redirect(RedirectAction { status: status?, location: location? }))
}

fn redirect_status(_key: &str, number: i128) -> Result<u16, Problem> {
    match number {
        301 | 302 | 303 | 307 | 308 => rules::within("status", number, 301_u16, 308_u16),
        other => Err(Problem::new(format!("`status` of a redirect cannot be {other}"))
            .hint("give 301 or 308 (for good), 302 or 307 (for now) or 303 (see other)")),
    }
}

/// Servers are spoken to by `scheme_default`, or by what `read_scheme` makes of the key.
fn proxy_action(
    table: &Table<'_>,
    scheme_default: Scheme,
    read_scheme: fn(&str) -> Result<Scheme, Problem>,
    path: Option<&PathPattern>,
    around: &Around<'_>,
    problems: &Problems<'_>,
) -> Option<ProxyAction> {
    let upstream = table
        .required("upstream", "name the [[upstream]] that takes the requests", problems)
        .and_then(|value| value.text(problems, |name| around.upstreams.find(name)));
    let mut action = ProxyAction {
        upstream: 0,
        connect_timeout: CONNECT_TIMEOUT_DEFAULT,
        read_timeout: READ_TIMEOUT_DEFAULT,
        strip_path_prefix: None,
        add_path_prefix: None,
        upstream_scheme: scheme_default,
    };
    if let Some(proxy) = table.table("proxy", &keys::PROXY, problems) {
        let timeout = |key, default| {
            or_default(proxy.value(key), default, |value| value.integer(problems, rules::timeout_ms))
        };
        let connect = timeout("connect_timeout_ms", CONNECT_TIMEOUT_DEFAULT);
        let read = timeout("read_timeout_ms", READ_TIMEOUT_DEFAULT);
        let prefix = |key| {
            or_default(proxy.value(key), None, |value| value.text(problems, rules::path_prefix).map(Some))
        };
        let strip = prefix("strip_path_prefix");
        let add = prefix("add_path_prefix");
        let scheme = or_default(proxy.value("upstream_scheme"), scheme_default, |value| {
            value.text(problems, read_scheme)
        });
        refuse_idle_strip(&proxy, strip.as_ref()?.as_deref(), path, problems);
        action.connect_timeout = connect?;
        action.read_timeout = read?;
        action.strip_path_prefix = strip?;
        action.add_path_prefix = add?;
        action.upstream_scheme = scheme?;
    } else if table.key_spot("proxy").is_some() {
        return None;
    }
    action.upstream = upstream?;
    Some(action)
}

/// A prefix to strip that no path of the route begins with is a mistake in one of the two.
fn refuse_idle_strip(
    proxy: &Table<'_>,
    strip: Option<&str>,
    path: Option<&PathPattern>,
    problems: &Problems<'_>,
) {
    let (Some(strip), Some(path), Some(value)) = (strip, path, proxy.value("strip_path_prefix")) else {
        return;
    };
    let can_apply = match path {
        PathPattern::Exact(exact) => is_at_or_below(exact, strip),
        PathPattern::Prefix(prefix) => is_at_or_below(prefix, strip) || is_at_or_below(strip, prefix),
    };
    if !can_apply {
        let message = format!("no path of this route begins with {}", quoted(strip));
        let problem = Problem::new(message).hint(format!("the route takes {}", quoted(&path.to_string())));
        problems.add(value.spot, problem);
    }
}

fn scheme(text: &str) -> Result<Scheme, Problem> {
    match text {
        "http" => Ok(Scheme::Http),
        "h2" => Ok(Scheme::H2),
        "h2c" | "grpc" => Err(rules::unknown_choice("upstream_scheme", text, &["http", "h2"])
            .hint("write \"h2\": HTTP/2 in the clear, by prior knowledge")),
        "https" | "h3" => Err(not_available(&format!("the upstream scheme \"{text}\""))
            .hint("use \"http\" or \"h2\", or leave it out")),
        other => Err(rules::unknown_choice("upstream_scheme", other, &["http", "h2"])),
    }
}

/// Calls are made over HTTP/2 and nothing else.
fn grpc_scheme(text: &str) -> Result<Scheme, Problem> {
    match scheme(text)? {
        Scheme::H2 => Ok(Scheme::H2),
        Scheme::Http => {
            let problem =
                Problem::new(format!("an action of type \"grpc\" cannot speak \"{text}\" to its upstream"));
            Err(problem.hint("leave `upstream_scheme` out: calls are made over HTTP/2"))
        }
    }
}

/// The default where a key is absent; otherwise what was read, which is `None` after a mistake.
fn or_default<'t, T>(
    value: Option<Value<'t>>,
    default: T,
    read: impl FnOnce(Value<'t>) -> Option<T>,
) -> Option<T> {
    match value {
        Some(value) => read(value),
        None => Some(default),
    }
}
