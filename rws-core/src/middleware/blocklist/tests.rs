//! Who is turned away.

use core::cell::RefCell;
use core::net::{IpAddr, SocketAddr};

use super::*;
use crate::middleware::{CidrSet, CidrSlot, Layered};
use crate::testing::{Exchange, Fixed, TestContext};

fn set<const N: usize>(entries: [&str; N]) -> CidrSet<[CidrSlot; N]> {
    CidrSet::parse_in([CidrSlot::EMPTY; N], entries).unwrap()
}

fn from(peer: Option<&str>) -> TestContext {
    let mut cx = TestContext::default();
    cx.connection.peer = peer.map(|peer| SocketAddr::new(peer.parse().unwrap(), 1));
    cx
}

fn status<M: Middleware<TestContext>>(layer: M, peer: Option<&str>, exchange: &Exchange) -> Status {
    let service: Layered<_, _, ()> = Layered::with_room((layer,), Fixed::text(Status::OK, ""));
    exchange.run(&service, &mut from(peer)).status()
}

#[test]
fn deny_mode_turns_listed_addresses_away() {
    let layer = BlocklistLayer::deny(set(["203.0.113.0/24", "2001:db8::/32"]));
    let get = Exchange::get("/");
    for peer in ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1"] {
        assert_eq!(status(layer.clone(), Some(peer), &get), Status::FORBIDDEN, "{peer}");
    }
    for peer in ["203.0.114.9", "2001:db9::1"] {
        assert_eq!(status(layer.clone(), Some(peer), &get), Status::OK, "{peer}");
    }
}

#[test]
fn allow_mode_turns_all_others_away() {
    let layer = BlocklistLayer::allow(set(["10.0.0.0/8", "!10.6.6.6"]));
    let get = Exchange::get("/");
    assert_eq!(status(layer.clone(), Some("10.1.2.3"), &get), Status::OK);
    assert_eq!(status(layer.clone(), Some("10.6.6.6"), &get), Status::FORBIDDEN);
    assert_eq!(status(layer.clone(), Some("192.0.2.1"), &get), Status::FORBIDDEN);
    assert_eq!(status(BlocklistLayer::allow(set([])), Some("10.1.2.3"), &get), Status::FORBIDDEN);
}

#[test]
fn a_peer_without_an_address_is_on_no_list() {
    let get = Exchange::get("/");
    assert_eq!(status(BlocklistLayer::deny(set(["0.0.0.0/0"])), None, &get), Status::OK);
    assert_eq!(status(BlocklistLayer::allow(set(["0.0.0.0/0"])), None, &get), Status::FORBIDDEN);
}

#[test]
fn behind_a_trusted_proxy_the_clients_address_counts() {
    let layer =
        || BlocklistLayer::deny(set(["203.0.113.0/24"])).behind(set(["10.0.0.0/8"]), HopField::XForwardedFor);
    let told = Exchange::get("/").field("X-Forwarded-For", "8.8.8.8, 203.0.113.9");
    assert_eq!(status(layer(), Some("10.0.0.1"), &told), Status::FORBIDDEN);
    let forged = Exchange::get("/").field("X-Forwarded-For", "203.0.113.9, 8.8.8.8");
    assert_eq!(status(layer(), Some("10.0.0.1"), &forged), Status::OK);
    assert_eq!(status(layer(), Some("192.0.2.1"), &told), Status::OK, "the peer is no proxy of ours");
    let hidden = Exchange::get("/").field("X-Forwarded-For", "8.8.8.8");
    assert_eq!(status(layer(), Some("203.0.113.9"), &hidden), Status::FORBIDDEN);
}

#[test]
fn a_list_can_be_swapped_while_requests_come() {
    let list = RefCell::new(set(["192.0.2.1"]));
    let layer = BlocklistLayer::deny(|ip: IpAddr| list.borrow().contains(ip));
    let service: Layered<_, _, ()> = Layered::with_room((layer,), Fixed::text(Status::OK, ""));
    let get = Exchange::get("/");
    assert_eq!(get.run(&service, &mut from(Some("192.0.2.1"))).status(), Status::FORBIDDEN);
    list.replace(set(["192.0.2.2"]));
    assert_eq!(get.run(&service, &mut from(Some("192.0.2.1"))).status(), Status::OK);
    assert_eq!(get.run(&service, &mut from(Some("192.0.2.2"))).status(), Status::FORBIDDEN);
}
