//! Who the client is, and who only claims to be.

use super::*;
use crate::message::OwnedFields;

fn trusted(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 10)
        || address == IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])
}

fn client(peer: &str, lines: &[&str], hop_field: HopField) -> IpAddr {
    let name = match hop_field {
        HopField::XForwardedFor => "X-Forwarded-For",
        HopField::Forwarded => "Forwarded",
    };
    let mut fields = OwnedFields::new();
    for line in lines {
        fields.push(name, line.as_bytes()).unwrap();
    }
    client_ip(peer.parse().unwrap(), fields.block(), &trusted, hop_field)
}

fn hops(peer: &str, lines: &[&str]) -> alloc::string::String {
    alloc::format!("{}", client(peer, lines, HopField::XForwardedFor))
}

fn forwarded(lines: &[&str]) -> alloc::string::String {
    alloc::format!("{}", client("10.0.0.1", lines, HopField::Forwarded))
}

#[test]
fn a_peer_that_is_not_trusted_is_the_client_whatever_it_says() {
    assert_eq!(hops("192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
    assert_eq!(hops("::ffff:192.0.2.1", &["10.0.0.1"]), "192.0.2.1");
}

#[test]
fn the_right_most_hop_that_is_not_trusted_is_the_client() {
    assert_eq!(hops("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
    assert_eq!(hops("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.0.0.2"]), "203.0.113.9");
    assert_eq!(hops("10.0.0.1", &["10.9.9.9, 203.0.113.9 ,10.0.0.2,"]), "203.0.113.9");
    assert_eq!(hops("::1", &["1.1.1.1", "203.0.113.9", "10.0.0.2"]), "203.0.113.9");
    assert_eq!(hops("::ffff:10.0.0.1", &["::ffff:203.0.113.9"]), "203.0.113.9");
}

#[test]
fn without_an_untrusted_hop_the_left_most_one_is_the_client() {
    assert_eq!(hops("10.0.0.1", &[]), "10.0.0.1");
    assert_eq!(hops("10.0.0.1", &["", ",,"]), "10.0.0.1");
    assert_eq!(hops("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
}

#[test]
fn an_entry_that_is_no_address_is_not_believed_past() {
    assert_eq!(hops("10.0.0.1", &["1.1.1.1, junk, 10.0.0.2"]), "10.0.0.2");
    assert_eq!(hops("10.0.0.1", &["1.1.1.1, unknown"]), "10.0.0.1");
    assert_eq!(hops("10.0.0.1", &["junk, 203.0.113.9"]), "203.0.113.9");
    for junk in ["01.1.1.1", "1.1.1.1:", "1.1.1.1:99999", "[::2", "::2]", "[1.1.1.1]", "fe80::1%1"] {
        assert_eq!(hops("10.0.0.1", &[junk]), "10.0.0.1", "{junk}");
    }
}

#[test]
fn ports_and_brackets_are_no_part_of_the_address() {
    for (written, address) in [
        ("203.0.113.9:80", "203.0.113.9"),
        ("2001:db8::9", "2001:db8::9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("[2001:db8::9]:80", "2001:db8::9"),
    ] {
        assert_eq!(hops("10.0.0.1", &[written]), address);
    }
}

#[test]
fn forwarded_elements_are_read_by_their_for_parameter() {
    assert_eq!(forwarded(&["for=203.0.113.9;proto=http;by=10.0.0.1"]), "203.0.113.9");
    assert_eq!(forwarded(&["For=\"[2001:db8:cafe::17]:4711\""]), "2001:db8:cafe::17");
    assert_eq!(forwarded(&["for=1.1.1.1, for=203.0.113.9", "for=10.0.0.2"]), "203.0.113.9");
    assert_eq!(forwarded(&["for=1.1.1.1, host=\"a,b;for=2.2.2.2\";for=203.0.113.9"]), "203.0.113.9");
}

#[test]
fn forwarded_elements_without_one_clear_address_are_not_believed_past() {
    for element in [
        "for=unknown",
        "for=_hidden",
        "proto=http",
        "for",
        "for=",
        "for=203.0.113.9;for=203.0.113.8",
        "for=\"203.0.113.9",
        "for=\"203.0.113.\\9\"",
        "for=203.0.113.9;",
    ] {
        let list = alloc::format!("for=1.1.1.1, {element}");
        assert_eq!(forwarded(&[&list]), "10.0.0.1", "{element}");
    }
}

#[test]
fn what_a_client_wrote_cannot_hide_what_a_proxy_appended() {
    for forged in ["\"", "\"a", "1.1.1.1;\"", "\\\"", "for=\""] {
        assert_eq!(hops("10.0.0.1", &[&alloc::format!("{forged}, 203.0.113.9")]), "203.0.113.9");
        assert_eq!(forwarded(&[&alloc::format!("{forged}, for=203.0.113.9")]), "203.0.113.9");
        let quoted = alloc::format!("{forged},for=\"203.0.113.9:80\";by=10.0.0.1, for=10.0.0.2");
        assert_eq!(forwarded(&[&quoted]), "203.0.113.9");
    }
}

#[test]
fn only_the_chosen_field_counts() {
    let mut fields = OwnedFields::new();
    fields.push("Forwarded", b"for=1.1.1.1").unwrap();
    fields.push("X-Forwarded-For", b"203.0.113.9").unwrap();
    let peer = IpAddr::from([10, 0, 0, 1]);
    let ip = client_ip(peer, fields.block(), &trusted, HopField::XForwardedFor);
    assert_eq!(ip, IpAddr::from([203, 0, 113, 9]));
}
