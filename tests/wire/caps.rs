//! Caps: connections in all, connections of one peer, and the descriptors of the process.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::net::UdpSocket;
use std::time::Instant;

use crate::peer::{End, Peer};
use crate::process::{Hello, settles};
use crate::serving::Site;

const A_WHILE: Duration = Duration::from_millis(300);

#[test]
fn beyond_the_cap_connections_wait_until_another_leaves() {
    let site = Site::with(|settings| settings.connections_max = 4);
    let mut held: Vec<Peer> = (0..4).map(|_| site.connect()).collect();
    for peer in &mut held {
        assert_eq!(peer.get("/").status, 200);
    }
    let mut late = site.connect();
    late.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(!late.hears_within(A_WHILE), "a fifth connection was taken");
    assert_eq!(held[0].get("/").status, 200);
    drop(held.pop());
    let began = Instant::now();
    assert_eq!(late.answer().status, 200);
    // Many come and go through the four places.
    drop((held, late));
    for _ in 0..100 {
        site.is_sound();
    }
    assert!(began.elapsed() < Duration::from_secs(5), "a free place was left unused: {:?}", began.elapsed());
}

#[test]
fn a_peer_has_no_more_connections_than_its_share_and_loopback_has_no_cap() {
    let site = Site::at("0.0.0.0:0", |settings| settings.connections_per_ip_max = 3);
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, site.address().port()));
    let mut near: Vec<Peer> = (0..10).map(|_| Peer::connect(loopback)).collect();
    for peer in &mut near {
        assert_eq!(peer.get("/").status, 200);
    }
    // Our own address on another interface counts like anybody's.
    let Some(own) = own_address() else { return };
    let own = SocketAddr::from((own, site.address().port()));
    for _ in 0..3 {
        let mut held: Vec<Peer> = (0..3).map(|_| Peer::connect(own)).collect();
        for peer in &mut held {
            assert_eq!(peer.get("/").status, 200);
        }
        let mut fourth = Peer::connect(own);
        fourth.try_send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let (bytes, end) = fourth.rest();
        assert!(bytes.is_empty() && end != End::Silent, "{end:?} after {} bytes", bytes.len());
        assert_eq!(near[0].get("/").status, 200);
        // Places are given back.
        drop(held);
        site.settles("the share", |site| site.running.stats().connections_open == 10);
    }
}

/// An address of this machine that is not loopback, if it has one. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_loopback() && !own.is_unspecified()).then_some(own)
}

#[test]
fn without_descriptors_the_server_neither_spins_nor_stops() {
    let hello = Hello::with_descriptors(40);
    let mut first = hello.connect();
    assert_eq!(first.get("/").status, 200);
    let crowd: Vec<Peer> = (0..100).map(|_| hello.connect()).collect();

    // Who has a connection is served all the same.
    let before = hello.cpu_time();
    for _ in 0..20 {
        assert_eq!(first.get("/").text(), "Hello, World!");
        assert!(!first.hears_within(Duration::from_millis(50)));
    }
    let spent = hello.cpu_time() - before;
    assert!(spent < Duration::from_millis(250), "a second without descriptors cost {spent:?}");

    // Descriptors come back, and with them the service.
    drop(crowd);
    settles("accepting", || {
        let mut peer = hello.connect();
        peer.try_send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        peer.answer_to("GET").is_ok_and(|answer| answer.status == 200)
    });
    let mut again: Vec<Peer> = (0..10).map(|_| hello.connect()).collect();
    for peer in &mut again {
        assert_eq!(peer.get("/").status, 200);
    }
}
