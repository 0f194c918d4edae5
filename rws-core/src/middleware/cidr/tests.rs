//! What entries are read, and what a set holds.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

#[test]
fn entries_are_read_strictly() {
    for good in
        ["10.0.0.0/8", "0.0.0.0/0", "192.0.2.7", "2001:db8::/32", "::/0", "::1", "::ffff:10.0.0.0/104"]
    {
        assert!(Cidr::parse(good).is_ok(), "{good}");
    }
    let bad = [
        ("", CidrFault::Address),
        ("10.0.0/8", CidrFault::Address),
        ("010.0.0.0/8", CidrFault::Address),
        (" 10.0.0.0/8", CidrFault::Address),
        ("[::1]", CidrFault::Address),
        ("fe80::1%eth0", CidrFault::Address),
        ("localhost", CidrFault::Address),
        ("10.0.0.0/", CidrFault::Prefix),
        ("10.0.0.0/33", CidrFault::Prefix),
        ("10.0.0.0/+8", CidrFault::Prefix),
        ("10.0.0.0/08", CidrFault::Prefix),
        ("10.0.0.0/8/8", CidrFault::Prefix),
        ("::/129", CidrFault::Prefix),
        ("::/256", CidrFault::Prefix),
        ("10.0.0.1/8", CidrFault::HostBits),
        ("2001:db8::1/32", CidrFault::HostBits),
    ];
    for (text, fault) in bad {
        assert_eq!(Cidr::parse(text), Err(fault), "{text}");
    }
}

#[test]
fn a_malformed_entry_is_told_by_its_position() {
    let error = CidrSet::parse_in([CidrSlot::EMPTY; 4], ["10.0.0.0/8", "::1", "!10.0.0.0/99"]).unwrap_err();
    assert_eq!(error, CidrError { position: 2, fault: CidrFault::Prefix });
    assert!(error.to_string().starts_with("entry 3: "));
    let error = CidrSet::parse_in([CidrSlot::EMPTY; 1], ["10.0.0.0/8", "::1"]).unwrap_err();
    assert_eq!(error, CidrError { position: 1, fault: CidrFault::TooMany });
}

#[test]
fn a_mapped_address_is_its_ipv4_address_on_both_sides() {
    let v4 = CidrSet::parse_in([CidrSlot::EMPTY; 1], ["192.0.2.0/24"]).unwrap();
    assert!(v4.contains("::ffff:192.0.2.9".parse().unwrap()));
    let mapped = CidrSet::parse_in([CidrSlot::EMPTY; 1], ["::ffff:192.0.2.0/120"]).unwrap();
    assert!(mapped.contains("192.0.2.9".parse().unwrap()));
    assert!(!mapped.contains("192.0.3.9".parse().unwrap()));
    let all_v6 = CidrSet::parse_in([CidrSlot::EMPTY; 1], ["::/0"]).unwrap();
    assert!(!all_v6.contains("192.0.2.9".parse().unwrap()) && all_v6.contains("::1".parse().unwrap()));
}

#[test]
fn the_longest_prefix_decides() {
    let list = ["!10.1.0.0/16", "10.0.0.0/8", "10.1.2.0/24", "!10.1.2.3", "::/0", "!2001:db8::/32"];
    let set = CidrSet::parse_in([CidrSlot::EMPTY; 6], list).unwrap();
    let inside = |text: &str| set.contains(text.parse().unwrap());
    assert!(inside("10.0.0.1") && inside("10.255.0.0") && inside("10.1.2.4") && inside("::2"));
    assert!(!inside("10.1.3.1") && !inside("10.1.2.3") && !inside("11.0.0.0") && !inside("2001:db8::1"));
}

#[test]
fn of_equal_prefixes_the_later_entry_holds() {
    let set = CidrSet::parse_in([CidrSlot::EMPTY; 3], ["10.0.0.0/8", "!10.0.0.0/8", "10.0.0.0/8"]).unwrap();
    assert!(set.contains("10.0.0.1".parse().unwrap()));
    assert_eq!(set.len(), 1);
    let set = CidrSet::parse_in([CidrSlot::EMPTY; 2], ["10.0.0.0/8", "!10.0.0.0/8"]).unwrap();
    assert!(!set.contains("10.0.0.1".parse().unwrap()));
}

#[test]
fn an_empty_set_and_lent_memory_work() {
    let empty = CidrSet::parse_in([CidrSlot::EMPTY; 0], []).unwrap();
    assert!(empty.is_empty() && !empty.contains("::".parse().unwrap()));
    let mut slots = [CidrSlot::EMPTY; 2];
    let lent = CidrSet::parse_in(&mut slots[..], ["::1"]).unwrap();
    assert!(lent.contains("::1".parse().unwrap()));
}

/// Addresses from a small corner, so that prefixes and addresses meet.
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u8>().prop_map(|low| IpAddr::from([10, 0, low >> 6, low])),
        any::<u8>().prop_map(|low| IpAddr::from([
            0x2001,
            0xdb8,
            0,
            0,
            0,
            0,
            u16::from(low >> 6),
            u16::from(low)
        ])),
        any::<u8>().prop_map(|low| IpAddr::from([0, 0, 0, 0, 0, 0xffff, 0x0a00, u16::from(low)])),
    ]
}

fn entry() -> impl Strategy<Value = (Cidr, bool)> {
    (address(), 0..=40_u8, any::<bool>()).prop_map(|(address, up, is_exception)| {
        let one = Cidr::one(address);
        let prefix = one.prefix.saturating_sub(up);
        (Cidr { bits: one.bits & mask(prefix), prefix, ..one }, is_exception)
    })
}

/// The slow, obvious reading: of all entries that hold the address, the longest; of equals, the last.
fn naive(entries: &[(Cidr, bool)], address: IpAddr) -> bool {
    let holding = entries.iter().filter(|(cidr, _)| cidr.contains(address));
    holding.max_by_key(|(cidr, _)| cidr.prefix).is_some_and(|&(_, is_exception)| !is_exception)
}

#[test]
fn a_constant_prefix_is_the_one_that_is_read() {
    for (address, prefix) in
        [([0, 0, 0, 0], 0), ([10, 0, 0, 0], 8), ([192, 0, 2, 0], 24), ([192, 0, 2, 1], 32)]
    {
        let text = alloc::format!("{}/{prefix}", IpAddr::from(address));
        assert_eq!(Cidr::v4(address, prefix), Cidr::parse(&text).ok(), "{text}");
    }
    for (address, prefix) in [([10, 0, 0, 1], 8), ([0, 0, 0, 1], 0), ([10, 0, 0, 0], 33), ([0, 0, 0, 0], 255)]
    {
        assert_eq!(Cidr::v4(address, prefix), None);
    }
    const LIST: CidrList =
        CidrList(&[Cidr::v4([192, 0, 2, 0], 24).unwrap(), Cidr::v4([10, 0, 0, 1], 32).unwrap()]);
    let inside = |text: &str| LIST.contains(text.parse().unwrap());
    assert!(inside("192.0.2.255") && inside("10.0.0.1") && inside("::ffff:10.0.0.1"));
    assert!(!inside("192.0.3.0") && !inside("10.0.0.2") && !inside("::1"));
}

proptest! {
    #[test]
    fn the_set_agrees_with_a_naive_model(entries in prop::collection::vec(entry(), 0..40), address in address()) {
        let texts: Vec<String> = entries
            .iter()
            .map(|(cidr, is_exception)| alloc::format!("{}{cidr}", if *is_exception { "!" } else { "" }))
            .collect();
        let slots = vec![CidrSlot::EMPTY; texts.len()];
        let set = CidrSet::parse_in(slots, texts.iter().map(String::as_str)).unwrap();
        prop_assert_eq!(set.contains(address), naive(&entries, address), "{:?} {}", texts, address);
        for (cidr, _) in &entries {
            let edge = if cidr.is_v6 {
                IpAddr::from(cidr.bits.to_be_bytes())
            } else {
                IpAddr::from(((cidr.bits >> 96) as u32).to_be_bytes())
            };
            prop_assert_eq!(set.contains(edge), naive(&entries, edge));
        }
    }

    #[test]
    fn what_is_written_reads_back((cidr, _) in entry()) {
        prop_assert_eq!(Cidr::parse(&cidr.to_string()), Ok(cidr));
    }
}
