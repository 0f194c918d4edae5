//! From the configuration's routes to one table: first its own, in file order, then what is built in, then
//! the root.
//!
//! ```text
//!   [[route]] …            in file order, the first that fits takes the request
//!   /healthz /readyz /metrics
//!   /*                     the files of `root`, if there is one
//! ```

use std::io;

use rws_core::message::{KnownName, Method, RequestHead};
use rws_core::route::{MethodSet, Order, OwnedRouteTable, Route, RouteMatch, host_matches};
use rws_std::files::{FileServer, Files};

use super::answer::Page;
use super::proxy::{Proxy, Upstreams};
use crate::config::{
    Action, Config, PathPattern, RedirectAction, RespondAction, RouteMatch as Condition, StaticAction,
};

/// Where a route leads.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) target: Target,
    /// The name of the route in metrics and logs: its host, if it has one, and its pattern.
    pub(super) label: Box<str>,
    /// The methods that it takes.
    methods: MethodSet,
    /// Methods without a name in the engine that the route takes; empty if it takes all of them or none.
    other_methods: Vec<String>,
}

impl Endpoint {
    /// What `Allow` names: nobody here serves TRACE, which shows what a client sent, or CONNECT.
    pub(super) fn allow(&self) -> MethodSet {
        served(self.methods)
    }

    /// Whether it leads to an upstream of calls.
    pub(super) fn is_grpc(&self) -> bool {
        matches!(&self.target, Target::Proxy(proxy) if proxy.is_grpc())
    }

    /// The name of the upstream, if the route leads to one.
    pub(super) fn upstream(&self) -> Option<&str> {
        match &self.target {
            Target::Proxy(proxy) => Some(proxy.name()),
            Target::Files { .. } | Target::Page(_) | Target::Health | Target::Ready | Target::Metrics => None,
        }
    }
}

/// What answers.
#[derive(Debug)]
pub(super) enum Target {
    /// Files, by their place in [`Routes::files`].
    Files {
        server: usize,
        /// Taken off the front of the path.
        mount: Box<str>,
    },
    /// A page, by its place in [`Routes::pages`].
    Page(usize),
    /// An upstream.
    Proxy(Proxy),
    /// `/healthz`.
    Health,
    /// `/readyz`.
    Ready,
    /// `/metrics`.
    Metrics,
}

/// The table and what its routes share.
#[derive(Debug)]
pub(super) struct Routes {
    table: OwnedRouteTable<Endpoint>,
    pub(super) files: Vec<FileServer>,
    /// Made once for each shard, so that shards do not count references in the same place.
    pub(super) pages: Vec<Page>,
    /// Every host that is configured, if there is no route for all the others.
    hosts: Option<Vec<String>>,
}

/// What the table says of a request.
#[derive(Debug)]
pub(super) enum Found<'r> {
    /// Where it leads, and the route's place.
    Route(&'r Endpoint, usize),
    /// There is something, but not for this method.
    NotAllowed(MethodSet),
    /// OPTIONS, answered for the route.
    Options(MethodSet),
    /// Not even for this host.
    UnknownHost,
    /// Nothing.
    Nothing,
}

impl Routes {
    /// The table of `config`, for this many shards.
    ///
    /// # Errors
    /// A root that cannot be opened any more, or a path that the table does not take.
    pub(super) fn new(config: &Config, shards: usize) -> io::Result<Routes> {
        let mut build = Build { routes: Vec::new(), files: Vec::new(), pages: Vec::new(), shards };
        let upstreams = Upstreams::new(config)?;
        for route in &config.routes {
            let target = match &route.action {
                Action::Static(files) => build.mounted(files)?,
                Action::Respond(respond) => build.page(respond_page(respond)),
                Action::Redirect(redirect) => build.page(redirect_page(redirect)),
                Action::Proxy(action) | Action::Grpc(action) => {
                    let is_grpc = matches!(route.action, Action::Grpc(_));
                    let proxy = upstreams.proxy(action, is_grpc, config);
                    Target::Proxy(proxy.ok_or_else(|| io::Error::other("a route has no upstream"))?)
                }
            };
            build.configured(&route.matching, target);
        }
        for (pattern, target) in
            [("/healthz", Target::Health), ("/readyz", Target::Ready), ("/metrics", Target::Metrics)]
        {
            build.push(MethodSet::of(&[Method::Get]), pattern, target);
        }
        if let Some(root) = &config.root {
            // Without routes and for this machine alone, somebody looks around: show what there is.
            let is_browsing = config.routes.is_empty() && config.ip.is_loopback();
            let server = build.files(Files::new(root)?.directory_listing(is_browsing));
            build.push(MethodSet::ANY, "/*", Target::Files { server, mount: Box::default() });
        }
        let Build { routes, files, pages, .. } = build;
        let hosts = config.routes.iter().map(|route| route.matching.host.clone()).collect();
        let hosts = if config.root.is_none() && !config.routes.is_empty() { hosts } else { None };
        let table = OwnedRouteTable::new(routes, Order::Line)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(Routes { table, files, pages, hosts })
    }

    /// How each route is called, in order.
    pub(super) fn labels(&self) -> impl Iterator<Item = &str> {
        self.table.table().routes().iter().map(|route| &*route.to.label)
    }

    /// The route at `place`.
    pub(super) fn endpoint(&self, place: usize) -> Option<&Endpoint> {
        self.table.table().routes().get(place).map(|route| &route.to)
    }

    /// The methods of all routes together, for `OPTIONS *` (RFC 9110 §9.3.7).
    pub(super) fn methods(&self) -> MethodSet {
        let routes = self.table.table().routes().iter();
        served(routes.fold(MethodSet::NONE, |all, route| all.union(route.methods)))
    }

    /// What a request leads to.
    pub(super) fn find(&self, head: &RequestHead<'_>) -> Found<'_> {
        let routes = self.table.table().routes();
        let takes = |place: usize| {
            let Some(route) = routes.get(place) else { return false };
            let others = &route.to.other_methods;
            head.method() != Method::Other
                || others.is_empty()
                || others.iter().any(|name| name.as_bytes() == head.method_bytes())
        };
        let (path, authority) = (head.path(), head.authority());
        match self.table.table().find_if(head.method(), path, authority, takes) {
            RouteMatch::Found(found) => match routes.get(found.index) {
                Some(route) => Found::Route(&route.to, found.index),
                None => Found::Nothing,
            },
            RouteMatch::MethodNotAllowed(allow) => Found::NotAllowed(allow),
            RouteMatch::Options(allow) => Found::Options(allow),
            RouteMatch::NotFound if self.is_unknown(authority) => Found::UnknownHost,
            RouteMatch::NotFound => self.find_for_others(head),
        }
    }

    /// What is there for a method that the engine has no name for and no route names.
    fn find_for_others(&self, head: &RequestHead<'_>) -> Found<'_> {
        if head.method() != Method::Other {
            return Found::Nothing;
        }
        match self.table.table().find(Method::Other, head.path(), head.authority()) {
            RouteMatch::Found(found) => {
                let routes = self.table.table().routes();
                let methods = routes.get(found.index).map_or(MethodSet::NONE, |route| route.methods);
                Found::NotAllowed(methods.served().with(Method::Options))
            }
            RouteMatch::MethodNotAllowed(_) | RouteMatch::Options(_) | RouteMatch::NotFound => Found::Nothing,
        }
    }

    fn is_unknown(&self, authority: &[u8]) -> bool {
        self.hosts.as_ref().is_some_and(|hosts| !hosts.iter().any(|host| host_matches(host, authority)))
    }
}

/// The table while it is made.
struct Build {
    routes: Vec<Route<Endpoint, Box<str>>>,
    files: Vec<FileServer>,
    pages: Vec<Page>,
    shards: usize,
}

impl Build {
    fn mounted(&mut self, files: &StaticAction) -> io::Result<Target> {
        let served =
            Files::new(&files.root)?.index([files.index.as_str()]).directory_listing(files.directory_listing);
        Ok(Target::Files { server: self.files(served), mount: files.mount.as_str().into() })
    }

    fn configured(&mut self, matching: &Condition, target: Target) {
        let pattern = match &matching.path {
            PathPattern::Exact(path) => path.clone(),
            PathPattern::Prefix(prefix) => format!("{prefix}/*"),
        };
        let (methods, other_methods) = methods(&matching.methods);
        let label = match &matching.host {
            Some(host) => format!("{host}{pattern}"),
            None => pattern.clone(),
        };
        self.routes.push(Route {
            methods,
            host: matching.host.as_deref().map(Into::into),
            pattern: pattern.into(),
            to: Endpoint { target, label: label.into(), methods, other_methods },
            summary: Box::default(),
        });
    }

    fn push(&mut self, methods: MethodSet, pattern: &str, target: Target) {
        let to = Endpoint { target, label: pattern.into(), methods, other_methods: Vec::new() };
        self.routes.push(Route { methods, host: None, pattern: pattern.into(), to, summary: Box::default() });
    }

    fn files(&mut self, files: Files) -> usize {
        self.files.push(FileServer::new(files, self.shards));
        self.files.len() - 1
    }

    fn page(&mut self, page: Page) -> Target {
        self.pages.push(page);
        Target::Page(self.pages.len() - 1)
    }
}

/// What a route with these methods serves, OPTIONS included. A target of CONNECT is a host and a port, and nothing of
/// ours (RFC 9110 §9.3.6).
fn served(methods: MethodSet) -> MethodSet {
    methods.served().with(Method::Options).without(Method::Connect).without(Method::Trace)
}

fn respond_page(respond: &RespondAction) -> Page {
    Page::new(super::status(respond.status), &respond.content_type, respond.body.as_bytes()).configured()
}

fn redirect_page(redirect: &RedirectAction) -> Page {
    Page::text(super::status(redirect.status), "this is somewhere else\n")
        .with(KnownName::Location, &redirect.location)
}

/// The set of configured methods, and those among them that the engine has no name for.
fn methods(names: &[String]) -> (MethodSet, Vec<String>) {
    if names.is_empty() {
        return (MethodSet::ANY, Vec::new());
    }
    let method = |name: &String| Method::from_bytes(name.as_bytes());
    let set = names.iter().map(method).fold(MethodSet::NONE, MethodSet::with);
    let others = names.iter().filter(|name| method(name) == Method::Other).cloned().collect();
    (set, others)
}
