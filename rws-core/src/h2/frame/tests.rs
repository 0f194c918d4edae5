use alloc::vec::Vec;

use super::flags::*;
use super::*;
use crate::h2::{ErrorCode, Fault};

const LENGTH_MAX: u32 = FrameHeader::LENGTH_MAX_INITIAL;

const KINDS: [FrameKind; 12] = [
    FrameKind::Data,
    FrameKind::Headers,
    FrameKind::Priority,
    FrameKind::RstStream,
    FrameKind::Settings,
    FrameKind::PushPromise,
    FrameKind::Ping,
    FrameKind::Goaway,
    FrameKind::WindowUpdate,
    FrameKind::Continuation,
    FrameKind::PriorityUpdate,
    FrameKind::Unknown(0x42),
];

fn header(kind: FrameKind, flags: u8, length: u32, stream: u32) -> FrameHeader {
    FrameHeader { length, kind, flags, stream }
}

fn checked(kind: FrameKind, flags: u8, length: u32, stream: u32) -> Result<(), Fault> {
    header(kind, flags, length, stream).check(LENGTH_MAX)
}

#[test]
fn a_header_reads_back_as_it_was_written() {
    for kind in KINDS {
        for (length, flags, stream) in [(0, 0, 0), (1, 0xff, 1), (0xff_ffff, 0x25, 0x7fff_ffff)] {
            let header = header(kind, flags, length, stream);
            assert_eq!(FrameHeader::read(&header.bytes()), Some(header));
        }
    }
}

#[test]
fn every_code_has_one_kind() {
    for code in 0..=u8::MAX {
        assert_eq!(FrameKind::of(code).code(), code);
    }
}

#[test]
fn a_header_needs_nine_bytes_and_ignores_the_reserved_bit() {
    let mut bytes = header(FrameKind::Ping, 1, 8, 0).bytes();
    for len in 0..9 {
        assert_eq!(FrameHeader::read(&bytes[..len]), None);
    }
    bytes[5] |= 0x80;
    assert_eq!(FrameHeader::read(&bytes).unwrap().stream, 0);
}

#[test]
fn kinds_of_a_stream_and_kinds_of_the_connection_are_told_apart() {
    for kind in KINDS {
        let length = match kind {
            FrameKind::Priority => 5,
            FrameKind::RstStream | FrameKind::PushPromise | FrameKind::WindowUpdate => 4,
            FrameKind::Ping | FrameKind::Goaway | FrameKind::PriorityUpdate => 8,
            _ => 0,
        };
        let (connection, stream) = match kind {
            FrameKind::Settings | FrameKind::Ping | FrameKind::Goaway | FrameKind::PriorityUpdate => {
                (Ok(()), Err(Fault::PROTOCOL))
            }
            FrameKind::WindowUpdate | FrameKind::Unknown(_) => (Ok(()), Ok(())),
            _ => (Err(Fault::PROTOCOL), Ok(())),
        };
        assert_eq!(checked(kind, 0, length, 0), connection, "{kind:?}");
        assert_eq!(checked(kind, 0, length, 1), stream, "{kind:?}");
    }
}

#[test]
fn a_frame_longer_than_our_setting_is_refused_whatever_it_is() {
    for kind in KINDS {
        for stream in [0, 1] {
            assert_eq!(checked(kind, 0, LENGTH_MAX + 1, stream), Err(Fault::FRAME_SIZE), "{kind:?}");
        }
    }
    assert_eq!(checked(FrameKind::Data, 0, LENGTH_MAX, 1), Ok(()));
}

#[test]
fn a_length_that_its_kind_does_not_have_ends_the_connection() {
    for (kind, flags, length, stream) in [
        (FrameKind::RstStream, 0, 3, 1),
        (FrameKind::RstStream, 0, 5, 1),
        (FrameKind::Settings, 0, 5, 0),
        (FrameKind::Settings, ACK, 6, 0),
        (FrameKind::Ping, 0, 7, 0),
        (FrameKind::Ping, ACK, 9, 0),
        (FrameKind::Goaway, 0, 7, 0),
        (FrameKind::WindowUpdate, 0, 3, 0),
        (FrameKind::WindowUpdate, 0, 5, 1),
        (FrameKind::PriorityUpdate, 0, 3, 0),
        (FrameKind::Data, PADDED, 0, 1),
        (FrameKind::Headers, PADDED, 0, 1),
        (FrameKind::Headers, PRIORITY, 4, 1),
        (FrameKind::Headers, PRIORITY | PADDED, 5, 1),
        (FrameKind::PushPromise, 0, 3, 1),
        (FrameKind::PushPromise, PADDED, 4, 1),
    ] {
        assert_eq!(checked(kind, flags, length, stream), Err(Fault::FRAME_SIZE), "{kind:?} {flags} {length}");
    }
}

#[test]
fn priority_of_a_wrong_length_costs_its_stream_only() {
    for length in [0, 4, 6] {
        let fault = checked(FrameKind::Priority, 0, length, 1);
        assert_eq!(fault, Err(Fault::Stream(ErrorCode::FRAME_SIZE_ERROR)));
        assert_eq!(checked(FrameKind::Priority, 0, length, 0), Err(Fault::PROTOCOL));
    }
    assert_eq!(checked(FrameKind::Priority, 0, 5, 1), Ok(()));
}

#[test]
fn flags_that_a_kind_has_no_use_for_are_ignored() {
    assert_eq!(checked(FrameKind::Settings, PADDED | PRIORITY, 6, 0), Ok(()));
    assert_eq!(checked(FrameKind::Data, PRIORITY, 0, 1), Ok(()));
    assert_eq!(checked(FrameKind::Unknown(0xff), 0xff, 0, 1), Ok(()));
}

#[test]
fn data_is_divided_by_its_header_and_pad_length_alone() {
    let plain = header(FrameKind::Data, END_STREAM, 16_384, 1);
    let whole = Data { end_stream: true, start: 0, content: 16_384, padding: 0 };
    assert_eq!(Data::read(plain, &[]), Ok(Some(whole)));
    let padded = header(FrameKind::Data, PADDED, 300, 1);
    assert_eq!(Data::read(padded, &[]), Ok(None));
    let parts = Data { end_stream: false, start: 1, content: 44, padding: 255 };
    assert_eq!(Data::read(padded, &[255]), Ok(Some(parts)));
}

#[test]
fn padding_may_fill_its_place_and_not_more() {
    for length in 1..=256u32 {
        let (data, headers) =
            (header(FrameKind::Data, PADDED, length, 1), header(FrameKind::Headers, PADDED, length, 1));
        for pad in 0..=255u8 {
            let fits = u32::from(pad) < length;
            let read = Data::read(data, &[pad]);
            assert_eq!(read.is_ok(), fits);
            assert!(read.err().is_none_or(|fault| fault == Fault::PROTOCOL));
            assert_eq!(Headers::read(headers, &[pad]).is_ok(), fits);
            if let Ok(Some(parts)) = read {
                assert_eq!(u32::from(parts.start) + parts.content + u32::from(parts.padding), length);
            }
        }
    }
}

#[test]
fn headers_are_divided_by_their_first_six_bytes() {
    let frame = header(FrameKind::Headers, PADDED | PRIORITY | END_HEADERS, 20, 3);
    let payload = [4, 0x80, 0, 0, 1, 15];
    for len in 0..6 {
        assert_eq!(Headers::read(frame, &payload[..len]), Ok(None));
    }
    let headers = Headers::read(frame, &payload).unwrap().unwrap();
    assert_eq!((headers.start, headers.content, headers.padding), (6, 10, 4));
    assert!(headers.end_headers && !headers.end_stream);
    let priority = headers.priority.unwrap();
    assert_eq!(priority, PriorityData { depends_on: 1, exclusive: true, weight: 15 });
    assert_eq!(priority.bytes(), payload[1..]);
}

#[test]
fn headers_without_priority_data_have_none() {
    let frame = header(FrameKind::Headers, END_STREAM, 20, 3);
    let headers = Headers::read(frame, &[0; 20]).unwrap().unwrap();
    assert_eq!(headers.priority, None);
    assert_eq!((headers.start, headers.content, headers.padding), (0, 20, 0));
    assert!(headers.end_stream && !headers.end_headers);
}

#[test]
fn a_stream_that_depends_on_itself_is_an_error_of_that_stream() {
    let fault = Err(Fault::Stream(ErrorCode::PROTOCOL_ERROR));
    let payload = PriorityData { depends_on: 3, exclusive: false, weight: 0 }.bytes();
    assert_eq!(Priority::read(Priority::header(3), &payload), fault);
    assert!(Priority::read(Priority::header(5), &payload).unwrap().is_some());
    // The field block is to be decoded first.
    let frame = header(FrameKind::Headers, PRIORITY, 5, 3);
    let headers = Headers::read(frame, &payload).unwrap().unwrap();
    assert_eq!(headers.priority.unwrap().check(3), Err(Fault::Stream(ErrorCode::PROTOCOL_ERROR)));
}

#[test]
fn a_promise_names_a_stream_that_a_server_can_open() {
    let bytes = PushPromise::start(1, 2, 30, true);
    let frame = FrameHeader::read(&bytes).unwrap();
    assert_eq!(frame.check(LENGTH_MAX), Ok(()));
    let promise = PushPromise::read(frame, &bytes[9..]).unwrap().unwrap();
    let expected = PushPromise { end_headers: true, promised: 2, start: 4, content: 30, padding: 0 };
    assert_eq!(promise, expected);
    for promised in [0u32, 3] {
        let start = PushPromise::start(1, promised, 0, true);
        assert_eq!(PushPromise::read(FrameHeader::read(&start).unwrap(), &start[9..]), Err(Fault::PROTOCOL));
    }
}

#[test]
fn a_window_does_not_grow_by_nothing() {
    let frame = |stream| header(FrameKind::WindowUpdate, 0, 4, stream);
    assert_eq!(WindowUpdate::read(frame(0), &[0; 4]), Err(Fault::PROTOCOL));
    let stream_fault = Err(Fault::Stream(ErrorCode::PROTOCOL_ERROR));
    assert_eq!(WindowUpdate::read(frame(1), &[0x80, 0, 0, 0]), stream_fault);
    assert_eq!(WindowUpdate::read(frame(1), &[0; 3]), Ok(None));
    let update = WindowUpdate { increment: 0x7fff_ffff };
    let bytes = update.bytes(7);
    assert_eq!(WindowUpdate::read(FrameHeader::read(&bytes).unwrap(), &bytes[9..]), Ok(Some(update)));
}

#[test]
fn small_frames_read_back_as_they_were_written() {
    let ping = Ping { ack: true, opaque: *b"12345678" };
    let bytes = ping.bytes();
    let frame = FrameHeader::read(&bytes).unwrap();
    assert_eq!((frame.check(LENGTH_MAX), Ping::read(frame, &bytes[9..])), (Ok(()), Some(ping)));

    let goaway = Goaway { last_stream: 0x7fff_ffff, code: ErrorCode::ENHANCE_YOUR_CALM };
    let bytes = goaway.bytes();
    assert_eq!(FrameHeader::read(&bytes).unwrap().check(LENGTH_MAX), Ok(()));
    assert_eq!(Goaway::read(&bytes[9..]), Some(goaway));

    let reset = RstStream { code: ErrorCode(0x1234_5678) };
    let bytes = reset.bytes(9);
    let frame = FrameHeader::read(&bytes).unwrap();
    assert_eq!((frame.check(LENGTH_MAX), frame.stream), (Ok(()), 9));
    assert_eq!(RstStream::read(&bytes[9..]), Some(reset));

    let frame = FrameHeader::read(&Settings::ACK_BYTES).unwrap();
    assert_eq!((frame.check(LENGTH_MAX), Settings::read(frame)), (Ok(()), Settings { ack: true, count: 0 }));

    let update = PriorityUpdate { stream: 5, content: 3 };
    let bytes = update.start();
    let frame = FrameHeader::read(&bytes).unwrap();
    assert_eq!((frame.check(LENGTH_MAX), frame.length), (Ok(()), 7));
    assert_eq!(PriorityUpdate::read(frame, &bytes[9..]), Ok(Some(update)));
}

#[test]
fn headers_of_frames_whose_payload_follows_read_back() {
    let data = FrameHeader::read(&Data::header(1, 10, true).bytes()).unwrap();
    assert!(Data::read(data, &[]).unwrap().unwrap().end_stream);
    let headers = FrameHeader::read(&Headers::header(1, 10, false, true).bytes()).unwrap();
    let headers = Headers::read(headers, &[]).unwrap().unwrap();
    assert!(headers.end_headers && !headers.end_stream && headers.content == 10);
    let more = FrameHeader::read(&Continuation::header(1, 10, true).bytes()).unwrap();
    assert_eq!(Continuation::read(more), Continuation { end_headers: true, content: 10 });
}

#[test]
fn the_entries_of_settings_are_read_as_they_come() {
    let header = Settings::header(2);
    assert_eq!((header.length, header.check(LENGTH_MAX)), (12, Ok(())));
    let payload = [0, 3, 0, 0, 0, 100, 0, 4, 0, 1, 0, 0];
    let ids = |payload| Settings::entries(payload).map(|entry| (entry.id, entry.value)).collect::<Vec<_>>();
    assert_eq!(ids(&payload), [(3, 100), (4, 65_536)]);
    assert_eq!(ids(&payload[..11]), [(3, 100)]);
}

#[test]
fn a_stream_of_zero_cannot_be_prioritised() {
    let frame = header(FrameKind::PriorityUpdate, 0, 4, 0);
    assert_eq!(PriorityUpdate::read(frame, &[0x80, 0, 0, 0]), Err(Fault::PROTOCOL));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_reader_fail_or_claim_more_than_the_frame(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 9..40),
    ) {
        let header = FrameHeader::read(&bytes).unwrap();
        let payload = &bytes[9..];
        let sum = |start: u8, content: u32, padding: u8| u32::from(start) + content + u32::from(padding);
        let _ = header.check(LENGTH_MAX);
        if let Ok(Some(data)) = Data::read(header, payload) {
            proptest::prop_assert_eq!(sum(data.start, data.content, data.padding), header.length);
        }
        if let Ok(Some(headers)) = Headers::read(header, payload) {
            proptest::prop_assert_eq!(sum(headers.start, headers.content, headers.padding), header.length);
        }
        if let Ok(Some(promise)) = PushPromise::read(header, payload) {
            proptest::prop_assert_eq!(sum(promise.start, promise.content, promise.padding), header.length);
        }
        if let Ok(Some(update)) = PriorityUpdate::read(header, payload) {
            proptest::prop_assert!(update.content <= header.length);
        }
    }
}
