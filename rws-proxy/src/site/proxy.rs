//! Where requests leave for an upstream.

use alloc::sync::Arc;
use std::io;
use std::net::ToSocketAddrs as _;

use rws_core::PeerFault;
use rws_core::message::{KnownName, Method, RequestHead};
use rws_core::service::{ConnectionInfo, Context as _};
use rws_std::JobCx;
use rws_std::forward::{Forward, ForwardError, ForwardOptions, Protocol, ProxyState, RoundRobin, Upstream};

use super::client::Trust;
use super::grpc;
use crate::config::{Config, ProxyAction, Scheme, Strategy, Upstream as Configured};

/// A route to an upstream.
#[derive(Debug)]
pub(super) struct Proxy {
    upstream: Arc<dyn Upstream>,
    options: ForwardOptions,
    name: Box<str>,
    /// Calls are what is sent on, and answered for.
    is_grpc: bool,
}

/// The configured upstreams. Routes to one of them share it, and with it whose turn is next.
#[derive(Debug)]
pub(super) struct Upstreams(Vec<(Box<str>, Arc<dyn Upstream>)>);

impl Upstreams {
    /// Those of `config`, with the names of their backends resolved.
    ///
    /// # Errors
    /// A name that does not resolve.
    pub(super) fn new(config: &Config) -> io::Result<Upstreams> {
        let named = |upstream: &Configured| Ok((upstream.name.as_str().into(), resolved(upstream)?));
        config.upstreams.iter().map(named).collect::<io::Result<_>>().map(Upstreams)
    }

    /// A route to one of them; `None` if there is no such.
    pub(super) fn proxy(&self, action: &ProxyAction, is_grpc: bool, config: &Config) -> Option<Proxy> {
        let (name, upstream) = self.0.get(action.upstream)?;
        let options = ForwardOptions {
            strip_path_prefix: action.strip_path_prefix.clone().unwrap_or_default(),
            add_path_prefix: action.add_path_prefix.clone().unwrap_or_default(),
            connect_timeout: action.connect_timeout,
            read_timeout: action.read_timeout,
            protocol: match action.upstream_scheme {
                Scheme::Http => Protocol::Http1,
                Scheme::H2 => Protocol::Http2,
            },
            body_bytes_max: config.request_body_bytes_max,
        };
        Some(Proxy { upstream: Arc::clone(upstream), options, name: name.clone(), is_grpc })
    }
}

impl Proxy {
    /// Begins an exchange with the upstream; `hops` is how many more the request may take, if it says.
    pub(super) fn begin(
        &self,
        cx: &JobCx,
        head: &RequestHead<'_>,
        trust: &Trust,
        hops: Option<u32>,
    ) -> ProxyState {
        let connection = cx.connection();
        // Made in one piece: a plan is large to move.
        let mut state =
            ProxyState::new(Forward::of(head, connection, Arc::clone(&self.upstream), &self.options));
        if hops.is_some() || trust.is_proxy(connection.peer) {
            amend(&mut state, connection, head, trust, hops);
        }
        if self.is_grpc {
            grpc::prepare(&mut state, head);
        }
        state
    }

    /// Whether calls are what is sent on.
    pub(super) const fn is_grpc(&self) -> bool {
        self.is_grpc
    }

    /// The name of the upstream.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// Has the request say what a trusted peer knows of the client, and one hop less than it may take.
#[cold]
fn amend(
    state: &mut ProxyState,
    connection: &ConnectionInfo,
    head: &RequestHead<'_>,
    trust: &Trust,
    hops: Option<u32>,
) {
    let Some(forward) = state.plan_mut() else { return };
    let told = trust.pass_on(forward, connection, head).and_then(|()| match hops {
        Some(hops) => {
            forward.set_field(KnownName::MaxForwards, hops.saturating_sub(1).to_string().as_bytes())
        }
        None => Ok(()),
    });
    if told.is_err() {
        forward.refuse(ForwardError::HeadTooLarge);
    }
}

/// How many hops an OPTIONS or TRACE request may still take from here (RFC 9110 §7.6.2); `None` if nothing is said,
/// as for all other methods.
///
/// # Errors
/// The field is repeated, or no number.
pub(super) fn hops(head: &RequestHead<'_>) -> Result<Option<u32>, PeerFault> {
    if !matches!(head.method(), Method::Options | Method::Trace) {
        return Ok(None);
    }
    let Some(first) = head.fields().first(KnownName::MaxForwards) else { return Ok(None) };
    let is_number = !first.is_empty() && first.iter().all(u8::is_ascii_digit);
    if !is_number || head.fields().single(KnownName::MaxForwards).is_none() {
        return Err(PeerFault::FieldValueSyntax);
    }
    // The most that we count to is as good as more (RFC 9110 §7.6.2).
    let digits = first.iter().map(|digit| u32::from(digit - b'0'));
    Ok(Some(digits.fold(0, |hops: u32, digit| hops.saturating_mul(10).saturating_add(digit))))
}

/// A name counts for all its addresses, as long as the server runs.
fn resolved(upstream: &Configured) -> io::Result<Arc<dyn Upstream>> {
    let mut backends = Vec::new();
    for backend in &upstream.backends {
        if let Some(address) = backend.address() {
            backends.push(address);
            continue;
        }
        let found = backend.to_string().to_socket_addrs().map_err(|error| {
            let text =
                format!("the backend {backend} of upstream {} does not resolve: {error}", upstream.name);
            io::Error::new(error.kind(), text)
        })?;
        backends.extend(found);
    }
    match upstream.strategy {
        Strategy::RoundRobin => Ok(Arc::new(RoundRobin::new(backends))),
    }
}
