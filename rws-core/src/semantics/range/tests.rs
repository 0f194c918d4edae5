use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use proptest::prelude::*;

use super::*;
use crate::message::{Field, FieldBlockMut, Scratch};
use crate::semantics::etag::EntityTag;

/// The ranges as first and last byte; an empty list for the whole, `None` for 416.
fn read(value: &str, len: u64) -> Option<Vec<(u64, u64)>> {
    match parse(value.as_bytes(), len) {
        Selection::Whole => Some(vec![]),
        Selection::Parts(ranges) => {
            Some(ranges.as_slice().iter().map(|range| (range.from, range.end - 1)).collect())
        }
        Selection::Unsatisfiable => None,
    }
}

#[test]
fn the_examples_of_the_rfc_are_read() {
    // RFC 9110 §14.1.2, a representation of 10,000 bytes
    for (value, want) in [
        ("bytes=0-499", vec![(0, 499)]),
        ("bytes=500-999", vec![(500, 999)]),
        ("bytes=-500", vec![(9500, 9999)]),
        ("bytes=9500-", vec![(9500, 9999)]),
        ("bytes=0-0,-1", vec![(0, 0), (9999, 9999)]),
        ("bytes= 0-999, 4500-5499, -1000", vec![(0, 999), (4500, 5499), (9000, 9999)]),
        ("bytes=500-600,601-999", vec![(500, 999)]),
        ("bytes=500-700,601-999", vec![(500, 999)]),
    ] {
        assert_eq!(read(value, 10_000), Some(want), "{value}");
    }
}

#[test]
fn ranges_keep_their_order_and_merge_where_they_touch() {
    for (value, want) in [
        ("bytes=50-59,10-19", vec![(50, 59), (10, 19)]),
        ("bytes=50-59,10-19,55-69", vec![(50, 69), (10, 19)]),
        ("bytes=10-19,30-39,20-29", vec![(10, 39)]),
        ("bytes=0-0,2-2,4-4,1-1,3-3", vec![(0, 4)]),
        ("bytes=70-,90-99", vec![(70, 99)]),
        ("bytes=0-9,,20-29,", vec![(0, 9), (20, 29)]),
        ("BYTES=0-9", vec![(0, 9)]),
        ("bytes=0-1000", vec![(0, 99)]),
        ("bytes=-1000", vec![(0, 99)]),
        ("bytes=0-99999999999999999999999", vec![(0, 99)]),
        ("bytes=0-9,200-300", vec![(0, 9)]),
    ] {
        assert_eq!(read(value, 100), Some(want), "{value}");
    }
}

#[test]
fn what_cannot_be_satisfied_is_told_from_what_is_ignored() {
    for value in
        ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-", "bytes=100-,-0"]
    {
        assert_eq!(read(value, 100), None, "{value}");
    }
    for value in [
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "items=0-9",
        "bytes =0-9",
        "bytes=9-0",
        "bytes=a-b",
        "bytes=-",
        "bytes=0",
        "bytes=0-9-",
        "bytes=--9",
        "bytes=+0-9",
        "bytes=0 -9",
        "bytes=0x0-0x9",
        "bytes=0-9;a",
        "bytes=0-9,x",
        "bytes:0-9",
        "bytes=100-,x",
    ] {
        assert_eq!(read(value, 100), Some(vec![]), "{value}");
    }
    assert_eq!(read("bytes=0-", 0), None);
    assert_eq!(read("bytes=-0", 0), None);
    assert_eq!(read("bytes=-1", 0), Some(vec![]));
}

#[test]
fn greedy_sets_are_ignored() {
    let many = |count: u64| {
        let ranges: Vec<String> = (0..count).map(|at| format!("{0}-{0}", at * 2)).collect();
        read(&format!("bytes={}", ranges.join(",")), 1000)
    };
    assert_eq!(many(16).map(|ranges| ranges.len()), Some(16));
    assert_eq!(many(17), Some(vec![]));
    // The sum counts as asked for, before merging.
    assert_eq!(read("bytes=0-,0-", 100), Some(vec![]));
    assert_eq!(read("bytes=0-59,40-99", 100), Some(vec![]));
    assert_eq!(read("bytes=0-49,50-99", 100), Some(vec![(0, 99)]));
}

#[test]
fn only_one_range_field_of_a_get_counts() {
    let validators =
        Validators { exists: true, tag: Some(EntityTag { weak: false, opaque: b"a" }), modified: None };
    let ask = |method, lines: &[(KnownName, &str)]| {
        let (mut bytes, mut fields) = ([0; 128], [Field::default(); 4]);
        let mut block = FieldBlockMut::new(Scratch { bytes: &mut bytes, fields: &mut fields });
        for (name, value) in lines {
            block.push(*name, value.as_bytes()).expect("room");
        }
        matches!(select(method, block.block(), &validators, 10, None), Selection::Parts(_))
    };
    use KnownName::{IfRange, Range};
    assert!(ask(Method::Get, &[(Range, "bytes=0-1")]));
    assert!(!ask(Method::Head, &[(Range, "bytes=0-1")]));
    assert!(!ask(Method::Post, &[(Range, "bytes=0-1")]));
    assert!(!ask(Method::Get, &[(Range, "bytes=0-1"), (Range, "bytes=2-3")]));
    assert!(ask(Method::Get, &[(Range, "bytes=0-1"), (IfRange, "\"a\"")]));
    assert!(!ask(Method::Get, &[(Range, "bytes=0-1"), (IfRange, "\"b\"")]));
}

#[test]
fn content_range_is_written() {
    let mut out = [0; CONTENT_RANGE_BYTES_MAX];
    assert_eq!(content_range(Some(ByteRange { from: 0, end: 500 }), 1234, &mut out), b"bytes 0-499/1234");
    assert_eq!(content_range(None, 0, &mut out), b"bytes */0");
    let longest = ByteRange { from: u64::MAX - 1, end: u64::MAX };
    let text = format!("bytes {0}-{0}/{1}", u64::MAX - 1, u64::MAX);
    assert_eq!(content_range(Some(longest), u64::MAX, &mut out), text.as_bytes());
}

proptest! {
    #[test]
    fn ranges_never_exceed_the_file_nor_touch_each_other(
        ranges in prop::collection::vec((0..120u64, prop::option::of(0..120u64)), 0..20),
        len in 0..100u64,
    ) {
        let members: Vec<String> = ranges
            .iter()
            .map(|(a, b)| match b {
                Some(b) if b % 5 == 0 => format!("-{a}"),
                Some(b) => format!("{}-{}", a.min(b), a.max(b)),
                None => format!("{a}-"),
            })
            .collect();
        if let Selection::Parts(parts) = parse(format!("bytes={}", members.join(",")).as_bytes(), len) {
            let parts = parts.as_slice();
            prop_assert!(!parts.is_empty() && parts.len() <= RANGES_MAX);
            prop_assert!(parts.iter().map(|range| range.len()).sum::<u64>() <= len);
            for (at, range) in parts.iter().enumerate() {
                prop_assert!(range.from < range.end && range.end <= len);
                prop_assert!(parts[..at].iter().all(|other| other.end < range.from || range.end < other.from));
            }
            // Every byte that a member names is in exactly one part.
            for byte in 0..len {
                let asked = members.iter().any(|member| matches!(
                    parse(format!("bytes={member}").as_bytes(), len),
                    Selection::Parts(one) if one.as_slice().iter().any(|range| (range.from..range.end).contains(&byte))
                ));
                let sent = parts.iter().any(|range| (range.from..range.end).contains(&byte));
                prop_assert_eq!(asked, sent);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_ignored(value in prop::collection::vec(any::<u8>(), 0..40), len: u64) {
        if let Selection::Parts(parts) = parse(&[b"bytes=", value.as_slice()].concat(), len) {
            prop_assert!(parts.as_slice().iter().all(|range| !range.is_empty() && range.end <= len));
        }
    }
}
