//! Turns clients away by their address.

use super::{Hooks, HopField, IpSet, Middleware, NoAddress, Reply, RequestVerdict, client_ip};
use crate::Status;
use crate::message::RequestHead;
use crate::service::Context;

/// What a list of addresses means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListMode {
    /// The addresses on it are turned away.
    Deny,
    /// All others are.
    Allow,
}

/// Answers 403 to clients whose address a list keeps out.
///
/// The list is anything that is an [`IpSet`]: a [`CidrSet`](super::CidrSet), or a closure over one that is
/// swapped while the server runs. Which address counts is the trusted-proxy rule of [`client_ip`]; without
/// [`BlocklistLayer::behind`] it is the peer's. A peer without an address (a local socket) is on no list.
///
/// ```
/// use rws_core::middleware::{BlocklistLayer, CidrSet, CidrSlot, HopField};
///
/// let list = CidrSet::parse_in([CidrSlot::EMPTY; 2], ["203.0.113.0/24", "2001:db8::/32"])?;
/// let proxies = CidrSet::parse_in([CidrSlot::EMPTY; 1], ["10.0.0.0/8"])?;
/// let layer = BlocklistLayer::deny(list).behind(proxies, HopField::XForwardedFor);
/// # let _ = layer;
/// # Ok::<(), rws_core::middleware::CidrError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BlocklistLayer<L, T = NoAddress> {
    mode: ListMode,
    list: L,
    trusted: T,
    hop_field: HopField,
}

impl<L: IpSet> BlocklistLayer<L> {
    /// A layer for `list` in this mode.
    pub const fn new(mode: ListMode, list: L) -> BlocklistLayer<L> {
        BlocklistLayer { mode, list, trusted: NoAddress, hop_field: HopField::XForwardedFor }
    }

    /// Turns away the addresses on `list`.
    pub const fn deny(list: L) -> BlocklistLayer<L> {
        BlocklistLayer::new(ListMode::Deny, list)
    }

    /// Turns away all addresses but those on `list`.
    pub const fn allow(list: L) -> BlocklistLayer<L> {
        BlocklistLayer::new(ListMode::Allow, list)
    }

    /// The same layer behind proxies that are trusted to tell the client's address in `hop_field`.
    pub fn behind<T: IpSet>(self, trusted: T, hop_field: HopField) -> BlocklistLayer<L, T> {
        BlocklistLayer { mode: self.mode, list: self.list, trusted, hop_field }
    }
}

const FORBIDDEN: Reply = Reply::new(Status::FORBIDDEN, "this address is not served here\n");

impl<C: Context + ?Sized, L: IpSet, T: IpSet> Middleware<C> for BlocklistLayer<L, T> {
    type State = ();

    fn hooks(&self) -> Hooks {
        Hooks::REQUEST
    }

    fn request(
        &self,
        cx: &mut C,
        (): &mut (),
        head: &mut RequestHead<'_>,
        _body: Option<&[u8]>,
    ) -> RequestVerdict {
        let is_listed = cx.connection().peer.is_some_and(|peer| {
            self.list.contains(client_ip(peer.ip(), head.fields(), &self.trusted, self.hop_field))
        });
        let is_welcome = match self.mode {
            ListMode::Deny => !is_listed,
            ListMode::Allow => is_listed,
        };
        if is_welcome { RequestVerdict::Continue } else { RequestVerdict::Reply(FORBIDDEN) }
    }
}

#[cfg(test)]
mod tests;
