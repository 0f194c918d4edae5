//! What a machine has written, judged as its peer would (RFC 9113 §5.1, §6): frame by frame, and against all the windows
//! that the peer has ever opened.

use std::collections::BTreeMap;

use rws_core::h2::PREFACE;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

#[derive(Debug, Default)]
struct Stream {
    heads: u32,
    content: u64,
    is_ended: bool,
    is_reset: bool,
}

/// Asserts that `written` is what a peer must take, who has sent `received` at most.
pub(super) fn assert_valid(is_server: bool, written: &[u8], received: &[u8]) {
    let written = if is_server { written } else { written.strip_prefix(PREFACE).unwrap_or(&[]) };
    let (mut streams, mut content) = (BTreeMap::<u32, Stream>::new(), 0);
    let (mut block, mut last_promised, mut last_goaway) = (None, 0, u32::MAX);
    for (at, frame) in frames(written).enumerate() {
        let Frame { kind, flags, stream, payload } = frame;
        assert!(payload.len() <= 16_384, "{frame:?}");
        assert!(at > 0 || (kind == SETTINGS && flags == 0), "SETTINGS come first: {frame:?}");
        assert_eq!(block.is_some(), kind == CONTINUATION, "a block in one piece: {frame:?}");
        let of_stream = matches!(kind, DATA | HEADERS | RST_STREAM | PUSH_PROMISE | CONTINUATION);
        assert!(of_stream == (stream != 0) || kind == WINDOW_UPDATE, "{frame:?}");
        let known = streams.entry(stream).or_default();
        if matches!(kind, DATA | HEADERS | PUSH_PROMISE | CONTINUATION) {
            assert!(!known.is_reset, "behind RST_STREAM: {frame:?}");
            assert!(!known.is_ended || kind == CONTINUATION, "behind END_STREAM: {frame:?}");
        }
        match kind {
            DATA => {
                assert!(known.heads > 0, "content without a head: {frame:?}");
                known.content += payload.len() as u64;
                content += payload.len() as u64;
            }
            HEADERS => known.heads += 1,
            RST_STREAM => {
                assert_eq!(payload.len(), 4);
                known.is_reset = true;
            }
            SETTINGS => assert!(payload.len().is_multiple_of(6) && (flags & 1 == 0 || payload.is_empty())),
            PUSH_PROMISE => {
                let promised = number(payload, 0);
                assert!(is_server && promised.is_multiple_of(2) && promised > last_promised, "{frame:?}");
                last_promised = promised;
            }
            PING => assert_eq!(payload.len(), 8),
            GOAWAY => {
                assert!(payload.len() >= 8 && number(payload, 0) <= last_goaway, "{frame:?}");
                last_goaway = number(payload, 0);
            }
            WINDOW_UPDATE => assert!(payload.len() == 4 && number(payload, 0) > 0, "{frame:?}"),
            CONTINUATION => assert_eq!(block, Some(stream)),
            _ => panic!("nobody sends this: {frame:?}"),
        }
        if matches!(kind, DATA | HEADERS) && flags & 1 != 0 {
            known.is_ended = true;
        }
        if matches!(kind, HEADERS | PUSH_PROMISE | CONTINUATION) {
            block = Some(stream).filter(|_| flags & 4 == 0);
        }
    }
    assert!(block.is_none(), "a block is not whole");
    assert_windows(is_server, &streams, content, received);
}

/// No more content than all windows together that the peer has ever opened.
fn assert_windows(is_server: bool, streams: &BTreeMap<u32, Stream>, content: u64, received: &[u8]) {
    let received = if is_server { received.strip_prefix(PREFACE).unwrap_or(received) } else { received };
    let (mut initial, mut granted) = (65_535, BTreeMap::<u32, u64>::new());
    for frame in frames(received) {
        match frame.kind {
            SETTINGS if frame.flags & 1 == 0 => {
                for entry in frame.payload.as_chunks::<6>().0.iter().filter(|entry| entry[..2] == [0, 4]) {
                    initial = initial.max(u64::from(number(entry, 2)));
                }
            }
            WINDOW_UPDATE => {
                *granted.entry(frame.stream).or_default() += u64::from(number(frame.payload, 0));
            }
            _ => {}
        }
    }
    let of = |stream: u32| granted.get(&stream).copied().unwrap_or(0);
    assert!(content <= 65_535 + of(0), "{content} bytes on the connection");
    for (&stream, known) in streams {
        assert!(known.content <= initial + of(stream), "{} bytes on stream {stream}", known.content);
    }
}

#[derive(Clone, Copy, Debug)]
struct Frame<'w> {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: &'w [u8],
}

/// The whole frames in `bytes`.
fn frames(mut bytes: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    core::iter::from_fn(move || {
        let (&[a, b, c, kind, flags, stream @ ..], rest) = bytes.split_first_chunk::<9>()?;
        let (payload, rest) = rest.split_at_checked(u32::from_be_bytes([0, a, b, c]) as usize)?;
        bytes = rest;
        Some(Frame { kind, flags, stream: u32::from_be_bytes(stream) & 0x7fff_ffff, payload })
    })
}

fn number(bytes: &[u8], at: usize) -> u32 {
    let octets = bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
    u32::from_be_bytes(octets) & 0x7fff_ffff
}
