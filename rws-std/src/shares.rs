//! How many connections each address has, over all shards: one peer must not use up what all share.

use core::net::{IpAddr, Ipv6Addr};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rws_core::middleware::{CidrSet, CidrSlot, IpSet as _};

/// The shares of all addresses. Without a cap nothing is counted, and no lock is taken.
#[derive(Debug)]
pub(crate) struct Shares {
    max: usize,
    exempt: CidrSet<Vec<CidrSlot>>,
    held: Mutex<HashMap<IpAddr, usize>>,
}

impl Shares {
    /// At most `max` connections for each address outside of `exempt`; 0 means no cap.
    pub(crate) fn new(max: usize, exempt: CidrSet<Vec<CidrSlot>>) -> Shares {
        Shares { max, exempt, held: Mutex::default() }
    }

    /// Counts a connection of `peer`; false if its share is used up.
    pub(crate) fn take(&self, peer: IpAddr) -> bool {
        let Some(holder) = self.holder(peer) else { return true };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let held = held.entry(holder).or_insert(0);
        let is_within = *held < self.max;
        *held += usize::from(is_within);
        is_within
    }

    /// Forgets a connection of `peer` that was counted.
    pub(crate) fn give_back(&self, peer: IpAddr) {
        let Some(holder) = self.holder(peer) else { return };
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = all.get_mut(&holder) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                all.remove(&holder);
            }
        }
    }

    /// Whose share a connection from `peer` is counted in, if in any. An IPv6 subscriber has a whole /64 to
    /// connect from.
    fn holder(&self, peer: IpAddr) -> Option<IpAddr> {
        if self.max == 0 || self.exempt.contains(peer) {
            return None;
        }
        Some(match peer.to_canonical() {
            IpAddr::V4(peer) => peer.into(),
            IpAddr::V6(peer) => Ipv6Addr::from_bits(peer.to_bits() >> 64 << 64).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    fn shares(max: usize) -> Shares {
        Shares::new(max, Settings::default().connections_per_ip_exempt)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_share_is_used_up_and_comes_back_one_by_one() {
        let shares = shares(2);
        let peer = ip("192.0.2.1");
        assert_eq!([(); 3].map(|()| shares.take(peer)), [true, true, false]);
        assert!(shares.take(ip("192.0.2.2")), "another address has a share of its own");
        shares.give_back(peer);
        assert_eq!([(); 2].map(|()| shares.take(peer)), [true, false]);
        for _ in 0..2 {
            shares.give_back(peer);
        }
        shares.give_back(ip("192.0.2.2"));
        assert!(shares.held.lock().expect("no panic").is_empty(), "who is gone takes no memory");
    }

    #[test]
    fn a_share_belongs_to_an_ipv4_address_or_an_ipv6_network() {
        let shares = shares(1);
        let of = |text: &str| shares.holder(ip(text)).map(|holder| holder.to_string());
        assert_eq!(of("192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(of("::ffff:192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(of("2001:db8:1:2:3:4:5:6").as_deref(), Some("2001:db8:1:2::"));
        assert_eq!(of("2001:db8:1:2::9"), of("2001:db8:1:2:ffff::"));
        for loopback in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(of(loopback), None, "{loopback}");
        }
    }

    #[test]
    fn without_a_cap_nobody_is_counted() {
        let shares = shares(0);
        assert!((0..10).all(|_| shares.take(ip("192.0.2.1"))));
        assert!(shares.held.lock().expect("no panic").is_empty());
    }
}
