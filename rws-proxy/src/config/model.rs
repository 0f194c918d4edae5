//! The checked configuration: what the data path consumes. Everything in it is valid, resolved and immutable.

use super::path_pattern::PathPattern;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::num::NonZeroUsize;
use core::time::Duration;
use rws_core::middleware::{Cidr, HopField};
use std::path::PathBuf;

pub use crate::access_log::Format as LogFormat;

/// A whole, checked configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The address to listen on.
    pub ip: IpAddr,
    /// The port to listen on; 0 lets the system choose one.
    pub port: u16,
    /// How many shards to run; `None` is one per core.
    pub thread_count: Option<NonZeroUsize>,
    /// How a line of the access log is written.
    pub log_format: LogFormat,
    /// Whether there is an access log at all.
    pub access_log: bool,
    /// Whether every request has an id: in its line of the log, in its answer, and in what an upstream gets.
    pub request_id: bool,
    /// Proxies in front whose word about the client counts.
    pub trusted_proxies: Vec<Cidr>,
    /// The field in which they say who it is.
    pub client_ip_field: HopField,
    /// Whether `/metrics` answers peers that are not loopback too.
    pub metrics: bool,
    /// Whether clients that begin with HTTP/2 are answered in it.
    pub http2: bool,
    /// The directory that requests are served from which no route takes; `None` answers them 404. Directories
    /// are listed where there are no routes and `ip` is loopback: somebody looks at files of their own.
    pub root: Option<PathBuf>,
    /// The largest request body, in bytes; a larger one is answered 413.
    pub request_body_bytes_max: u64,
    /// From the first byte of a request until its head is whole.
    pub head_timeout: Duration,
    /// How long a kept-alive connection may wait for its next request.
    pub idle_timeout: Duration,
    /// How long running exchanges may take to end after a shutdown was asked for.
    pub shutdown_timeout: Duration,
    /// How long everything goes on after a shutdown was asked for, with `/readyz` alone saying so; none is usual.
    pub drain_delay: Duration,
    /// Connections that one address may have, over all shards; 0 means no cap.
    pub connections_per_ip_max: usize,
    /// Whether the cap counts loopback peers too.
    pub connections_per_ip_loopback: bool,
    /// The upstreams, in file order; routes name them by index.
    pub upstreams: Vec<Upstream>,
    /// The routes, in file order: the first that matches takes the request.
    pub routes: Vec<Route>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 7878,
            thread_count: None,
            log_format: LogFormat::Combined,
            access_log: true,
            request_id: true,
            trusted_proxies: Vec::new(),
            client_ip_field: HopField::XForwardedFor,
            metrics: false,
            http2: true,
            root: None,
            request_body_bytes_max: 1024 * 1024 * 1024,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            shutdown_timeout: Duration::from_secs(10),
            drain_delay: Duration::ZERO,
            connections_per_ip_max: 1024,
            connections_per_ip_loopback: false,
            upstreams: Vec::new(),
            routes: Vec::new(),
        }
    }
}

/// Servers that stand in for each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Unique among the upstreams.
    pub name: String,
    /// How a backend is chosen.
    pub strategy: Strategy,
    /// At least one.
    pub backends: Vec<Backend>,
}

/// How an upstream chooses the backend of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// One after the other.
    RoundRobin,
}

/// One server of an upstream, spoken to in the clear.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Backend {
    /// Where it is.
    pub host: BackendHost,
    /// Never 0.
    pub port: u16,
}

/// The host of a backend.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BackendHost {
    /// An address.
    Ip(IpAddr),
    /// A name in lower case, to be resolved by whoever connects.
    Name(String),
}

impl Backend {
    /// The address, where no name has to be resolved.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self.host {
            BackendHost::Ip(ip) => Some(SocketAddr::new(ip, self.port)),
            BackendHost::Name(_) => None,
        }
    }
}

/// `host:port` as it stands in a `Host` field or goes to a resolver.
impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            BackendHost::Ip(ip) => SocketAddr::new(*ip, self.port).fmt(f),
            BackendHost::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

/// One `[[route]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Unique among the routes that have one.
    pub name: Option<String>,
    /// Which requests it takes.
    pub matching: RouteMatch,
    /// What it does with them.
    pub action: Action,
}

/// Which requests a route takes: all conditions must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteMatch {
    /// The host without a port, in lower case; `None` takes every host.
    pub host: Option<String>,
    /// The path; `/*` where none was given.
    pub path: PathPattern,
    /// The methods; empty takes every method. `GET` includes `HEAD`.
    pub methods: Vec<String>,
}

impl RouteMatch {
    /// Whether a method is taken.
    #[must_use]
    pub fn takes_method(&self, method: &str) -> bool {
        let named = |name: &str| self.methods.iter().any(|own| own == name);
        self.methods.is_empty() || named(method) || (method == "HEAD" && named("GET"))
    }

    /// Whether a request is taken. `host` has no port and is in lower case; `path` is canonical.
    #[must_use]
    pub fn matches(&self, host: &str, path: &str, method: &str) -> bool {
        self.host.as_deref().is_none_or(|own| own == host)
            && self.path.matches(path)
            && self.takes_method(method)
    }

    /// Whether every request that `other` takes is taken by this one too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let hosts = self.host.is_none() || self.host == other.host;
        let methods = self.methods.is_empty()
            || (!other.methods.is_empty() && other.methods.iter().all(|method| self.takes_method(method)));
        hosts && methods && self.path.covers(&other.path)
    }
}

/// What a route does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Files of a directory.
    Static(StaticAction),
    /// One fixed answer.
    Respond(RespondAction),
    /// Sends the client elsewhere.
    Redirect(RedirectAction),
    /// Passes the request on.
    Proxy(ProxyAction),
    /// Passes calls on (gRPC), and answers for their upstream as a server of calls does.
    Grpc(ProxyAction),
}

/// Serves files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticAction {
    /// An existing directory, absolute.
    pub root: PathBuf,
    /// What is taken off the request path before it is looked up beneath `root`: the prefix of the route's
    /// pattern, so that `/files/*` finds `/files/a` at `root/a`; empty for a route of one exact path.
    pub mount: String,
    /// The file that is served for a directory.
    pub index: String,
    /// Whether a directory without that file is listed.
    pub directory_listing: bool,
}

/// Answers by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RespondAction {
    /// 200 to 599.
    pub status: u16,
    /// Empty for 204, 205 and 304.
    pub body: String,
    /// Safe as a field value.
    pub content_type: String,
}

/// Redirects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectAction {
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
    /// Safe as a field value.
    pub location: String,
}

/// Passes requests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyAction {
    /// An index into [`Config::upstreams`].
    pub upstream: usize,
    /// For the connection to a backend.
    pub connect_timeout: Duration,
    /// Between two reads from a backend, the first one included.
    pub read_timeout: Duration,
    /// Taken off the front of the path, at a segment's border; no slash at its end.
    pub strip_path_prefix: Option<String>,
    /// Then put before it; no slash at its end.
    pub add_path_prefix: Option<String>,
    /// How backends are spoken to.
    pub upstream_scheme: Scheme,
}

/// How a backend is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP/1.1 in the clear.
    Http,
    /// HTTP/2 in the clear, by prior knowledge (h2c).
    H2,
}
