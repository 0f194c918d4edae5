//! Who the client is, where proxies that are trusted stand in front; and what an upstream is told of it.
//!
//! ```text
//!   client ──▶ trusted proxy ──▶ rws ──▶ upstream
//!              writes, say,        takes the right-most address that is not trusted, and sends on
//!              X-Forwarded-For     X-Forwarded-For: …, client, proxy    the chosen field goes on, one hop longer
//!                                  Forwarded: for=client;proto=https    the other one is written anew
//! ```
//!
//! One field is chosen by the configuration. A proxy that writes one of them passes the other on as its client
//! sent it, so to believe both would let any client choose its address.

use core::net::IpAddr;
use core::net::SocketAddr;

use rws_core::Error;
use rws_core::message::{FieldBlock, KnownName, RequestHead, is_valid_host};
use rws_core::middleware::{CidrSet, CidrSlot, HopField, IpSet, client_ip};
use rws_core::service::ConnectionInfo;
use rws_std::forward::Forward;

use crate::config::Config;

/// The proxies in front that are believed.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust {
    proxies: CidrSet<Vec<CidrSlot>>,
    field: HopField,
}

impl IpSet for Trust {
    fn contains(&self, address: IpAddr) -> bool {
        self.proxies.contains(address)
    }
}

impl Trust {
    /// Those of `config`.
    pub(super) fn new(config: &Config) -> Trust {
        let texts: Vec<String> = config.trusted_proxies.iter().map(ToString::to_string).collect();
        // What a network is written as reads back as that network.
        let proxies = CidrSet::parse(texts.iter().map(String::as_str)).unwrap_or_default();
        Trust { proxies, field: config.client_ip_field }
    }

    /// Whether a peer is one of them.
    pub(super) fn is_proxy(&self, peer: Option<SocketAddr>) -> bool {
        !self.proxies.is_empty() && peer.is_some_and(|peer| self.proxies.contains(peer.ip()))
    }

    /// The client's address: the right-most hop that is not trusted.
    pub(super) fn client(&self, connection: &ConnectionInfo, head: &RequestHead<'_>) -> Option<IpAddr> {
        let peer = connection.peer?.ip().to_canonical();
        if self.proxies.is_empty() {
            return Some(peer);
        }
        Some(client_ip(peer, head.fields(), &self.proxies, self.field))
    }

    /// Whether the client sits on this machine, and no proxy that nobody vouches for speaks for another.
    pub(super) fn is_near(&self, connection: &ConnectionInfo, head: &RequestHead<'_>) -> bool {
        const HOPS: [KnownName; 3] = [KnownName::XForwardedFor, KnownName::Forwarded, KnownName::Via];
        let is_direct = || HOPS.iter().all(|&name| head.fields().first(name).is_none());
        let is_loopback = self.client(connection, head).is_some_and(|client| client.is_loopback());
        is_loopback && (self.is_proxy(connection.peer) || is_direct())
    }

    /// Has `forward` say what a trusted peer says of the client, and the peer itself as one hop more. Nothing is
    /// changed for other peers: what they claim is not sent on.
    ///
    /// # Errors
    /// The head has no room for it.
    pub(super) fn pass_on(
        &self,
        forward: &mut Forward,
        connection: &ConnectionInfo,
        head: &RequestHead<'_>,
    ) -> Result<(), Error> {
        let (true, Some(peer)) = (self.is_proxy(connection.peer), connection.peer) else { return Ok(()) };
        let (fields, peer) = (head.fields(), peer.ip().to_canonical());
        let client = self.client(connection, head).unwrap_or(peer);
        let proto = told_scheme(fields).unwrap_or(if connection.secure { "https" } else { "http" });
        let (for_list, forwarded) = match self.field {
            HopField::XForwardedFor => {
                let list = longer(fields, KnownName::XForwardedFor, &peer.to_string());
                (list, element(client, proto).into_bytes())
            }
            HopField::Forwarded => {
                let scheme = if connection.secure { "https" } else { "http" };
                let list = longer(fields, KnownName::Forwarded, &element(peer, scheme));
                (client.to_string().into_bytes(), list)
            }
        };
        forward.set_field(KnownName::XForwardedFor, &for_list)?;
        forward.set_field(KnownName::Forwarded, &forwarded)?;
        forward.set_field(KnownName::XForwardedProto, proto.as_bytes())?;
        if let Some(host) = told_host(fields) {
            forward.set_field(KnownName::XForwardedHost, host)?;
        }
        Ok(())
    }
}

/// All lines of a list, and one element more.
fn longer(fields: FieldBlock<'_>, name: KnownName, element: &str) -> Vec<u8> {
    let mut list = Vec::new();
    for line in fields.all(name).map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        list.extend_from_slice(line);
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(element.as_bytes());
    list
}

/// An element of `Forwarded` (RFC 7239 §4).
fn element(ip: IpAddr, proto: &str) -> String {
    match ip {
        IpAddr::V4(ip) => format!("for={ip};proto={proto}"),
        IpAddr::V6(ip) => format!("for=\"[{ip}]\";proto={proto}"),
    }
}

/// The scheme that the client used, as its proxy says.
fn told_scheme(fields: FieldBlock<'_>) -> Option<&'static str> {
    let told = fields.single(KnownName::XForwardedProto)?;
    ["http", "https"].into_iter().find(|scheme| told.eq_ignore_ascii_case(scheme.as_bytes()))
}

/// The host that the client asked for, as its proxy says.
fn told_host(fields: FieldBlock<'_>) -> Option<&[u8]> {
    fields.single(KnownName::XForwardedHost).filter(|host| !host.is_empty() && is_valid_host(host))
}
