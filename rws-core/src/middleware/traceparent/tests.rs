//! What reads as a trace.

use super::*;

const GOOD: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn a_good_traceparent_gives_its_trace_and_flag() {
    let trace = Trace::parse(GOOD).unwrap();
    assert_eq!(&trace.id, b"4bf92f3577b34da6a3ce929d0e0e4736");
    assert!(trace.is_sampled);
    assert!(!Trace::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02").unwrap().is_sampled);
    assert!(Trace::parse(b"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-what").is_some());
    assert!(Trace::parse(b"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff").is_some());
}

#[test]
fn a_malformed_traceparent_says_nothing() {
    for bad in [
        &b""[..],
        b"00",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
        b"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
        b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        b"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e473600f067aa0ba902b7-0001",
    ] {
        assert_eq!(Trace::parse(bad), None, "{}", alloc::string::String::from_utf8_lossy(bad));
    }
}

#[test]
fn every_single_wrong_byte_is_noticed_or_harmless() {
    for at in 0..GOOD.len() {
        let mut bytes = GOOD.to_vec();
        bytes[at] = b' ';
        assert_eq!(Trace::parse(&bytes), None, "at {at}");
    }
}

#[test]
fn what_is_written_is_read_back_with_a_span_of_its_own() {
    let trace = Trace::parse(GOOD).unwrap();
    let field = trace.with_span([0, 0xf0, 0x67, 0xaa, 0, 1, 2, 0xff]);
    assert_eq!(&field, b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa000102ff-01");
    assert_eq!(Trace::parse(&field), Some(trace));
    let zeros = Trace::new([0; 16]);
    assert_eq!(Trace::parse(&zeros.with_span([0; 8])), Some(zeros), "zeros would be malformed");
}
