//! Frames from anywhere: what is read of a part is what is read of the whole, no reader claims more than its frame,
//! and what can be written reads back.

use rws_core::h2::frame::{
    Continuation, Data, FrameHeader, FrameKind, Goaway, Headers, Ping, Priority, PriorityUpdate, PushPromise,
    RstStream, Settings, WindowUpdate,
};
use rws_core::h2::{Fault, Priority as Urgency, Role, settings};

/// The input is frames, one after the other.
pub fn check(data: &[u8]) {
    let mut rest = data;
    let mut peer = settings::Settings::INITIAL;
    while let Some(header) = FrameHeader::read(rest) {
        assert_eq!(FrameHeader::read(&header.bytes()), Some(header));
        let body = &rest[FrameHeader::BYTES..];
        let payload = &body[..body.len().min(header.length as usize)];
        if header.check(FrameHeader::LENGTH_MAX_INITIAL).is_ok() {
            read(header, payload, &mut peer);
        }
        rest = &body[payload.len()..];
    }
}

fn read(header: FrameHeader, payload: &[u8], peer: &mut settings::Settings) {
    let is_whole = payload.len() == header.length as usize;
    match header.kind {
        FrameKind::Data => {
            let parts = pieces(payload, |part| Data::read(header, part));
            divided(
                header,
                is_whole,
                parts.map(|parts| parts.map(|data| (data.start, data.content, data.padding))),
            );
        }
        FrameKind::Headers => {
            let parts = pieces(payload, |part| Headers::read(header, part));
            divided(
                header,
                is_whole,
                parts.map(|parts| parts.map(|head| (head.start, head.content, head.padding))),
            );
        }
        FrameKind::PushPromise => {
            let parts = pieces(payload, |part| PushPromise::read(header, part));
            if let Ok(Some(promise)) = parts {
                assert!(Role::Server.opens(promise.promised));
            }
            let sizes =
                parts.map(|parts| parts.map(|promise| (promise.start, promise.content, promise.padding)));
            if sizes.is_ok() || is_whole {
                divided(header, is_whole, sizes);
            }
        }
        FrameKind::Priority => {
            if let Ok(Some(priority)) = pieces(payload, |part| Priority::read(header, part)) {
                assert_eq!(priority.data.bytes(), payload[..5]);
            }
        }
        FrameKind::RstStream => {
            if let Some(reset) = RstStream::read(payload) {
                assert_eq!(reset.bytes(header.stream)[FrameHeader::BYTES..], *payload);
            }
        }
        FrameKind::Settings => settings_of(header, payload, peer),
        FrameKind::Ping => {
            if let Some(ping) = Ping::read(header, payload) {
                assert_eq!(ping.bytes()[FrameHeader::BYTES..], *payload);
            }
        }
        FrameKind::Goaway => {
            if let Some(goaway) = Goaway::read(payload) {
                assert_eq!(Goaway::read(&goaway.bytes()[FrameHeader::BYTES..]), Some(goaway));
            }
        }
        FrameKind::WindowUpdate => {
            if let Ok(Some(update)) = pieces(payload, |part| WindowUpdate::read(header, part)) {
                let bytes = update.bytes(header.stream);
                assert_eq!(WindowUpdate::read(header, &bytes[FrameHeader::BYTES..]), Ok(Some(update)));
            }
        }
        FrameKind::Continuation => assert_eq!(Continuation::read(header).content, header.length),
        FrameKind::PriorityUpdate => {
            if let Ok(Some(update)) = pieces(payload, |part| PriorityUpdate::read(header, part)) {
                assert_eq!(update.content + 4, header.length);
                urgency(payload.get(PriorityUpdate::START..).unwrap_or(&[]));
            }
        }
        FrameKind::Unknown(_) => urgency(payload),
    }
}

/// What is read of all that has come, after checking that less gives the same or nothing.
fn pieces<T: PartialEq + Copy + core::fmt::Debug>(
    payload: &[u8],
    read: impl Fn(&[u8]) -> Result<Option<T>, Fault>,
) -> Result<Option<T>, Fault> {
    let whole = read(payload);
    for end in 0..payload.len().min(12) {
        let part = read(&payload[..end]);
        assert!(part == whole || part == Ok(None), "{part:?}, not {whole:?}");
    }
    whole
}

fn divided(header: FrameHeader, is_whole: bool, sizes: Result<Option<(u8, u32, u8)>, Fault>) {
    match sizes {
        Ok(Some((start, content, padding))) => {
            assert_eq!(u32::from(start) + content + u32::from(padding), header.length);
        }
        Ok(None) => assert!(!is_whole),
        Err(fault) => assert!(matches!(fault, Fault::Connection(_))),
    }
}

/// Settings that are taken over can be told again.
fn settings_of(header: FrameHeader, payload: &[u8], peer: &mut settings::Settings) {
    assert!(!Settings::read(header).ack || payload.is_empty());
    for entry in Settings::entries(payload) {
        assert_eq!(settings::Setting::read(entry.bytes()), entry);
        let before = *peer;
        if peer.apply(entry, Role::Client).is_err() {
            assert_eq!(*peer, before);
        }
    }
    let mut again = settings::Settings::INITIAL;
    for entry in peer.changes(&settings::Settings::INITIAL) {
        again.apply(entry, Role::Client).expect("a value that was in force");
    }
    assert_eq!(again, *peer);
}

fn urgency(value: &[u8]) {
    let priority = Urgency::parse(value);
    assert!(priority.urgency <= 7);
    assert_eq!(Urgency::parse(priority.write(&mut [0; Urgency::VALUE_BYTES_MAX])), priority);
}
