//! Field lines of a head over HTTP/2: what is let pass is safe on HTTP/1 and says the same there, and reads back after
//! it was written anew.

use rws_core::connection::{BodyPlan, RequestOut};
use rws_core::h2::head::{Lines, ParsedRequest, encode, list_limits};
use rws_core::hpack::{Decoder, Encoder};
use rws_core::message::{BodyFraming, RequestHead, is_field_value, is_token};
use rws_core::{Field, FieldBlock, FieldName, KnownName, Limits, Method, ResponseHead, Scratch, h1};

const LIMITS: Limits = Limits { connect_method: true, fields_max: 16, ..Limits::SERVER };

/// Lines of `name:value`, each ended by a line feed (names of pseudo-fields begin with a colon); the last byte says how
/// the head is read.
pub fn check(data: &[u8]) {
    let Some((&options, text)) = data.split_last() else { return };
    let block = block_of(text);
    let (mut bytes, mut fields) = (vec![0xaa; 1024], vec![Field::ZERO; 32]);
    let mut room = Scratch { bytes: &mut bytes, fields: &mut fields };
    match options % 4 {
        0 | 1 => {
            let read = request(&block, options & 4 != 0, options & 8 != 0, room.reborrow());
            if let Some(parsed) = read {
                sound(&parsed, options & 4 != 0, &parsed.spans.view(&[], room.reborrow()));
                as_http_1(&parsed.spans.view(&[], room.reborrow()));
                written_anew(&parsed.spans.view(&[], room));
            }
        }
        2 => response(&block, options, room),
        _ => trailers(&block, room),
    }
}

/// A block of literals.
fn block_of(text: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let colon = line.iter().skip(1).position(|&byte| byte == b':').map_or(line.len(), |at| at + 1);
        let (name, value) = line.split_at(colon);
        block.push(if line.len() % 7 == 0 { 0x10 } else { 0 });
        for part in [name, value.get(1..).unwrap_or(&[])] {
            let part = &part[..part.len().min(126)];
            block.push(part.len() as u8);
            block.extend_from_slice(part);
        }
    }
    block
}

fn request(block: &[u8], end: bool, extended: bool, room: Scratch<'_>) -> Option<ParsedRequest> {
    let mut lines = Lines::of_request(room.fields, &LIMITS);
    let mut each = |line, arena: &[u8]| _ = lines.take(&line, arena);
    let decoded =
        Decoder::new().decode(block, &mut [0; 512], room.bytes, list_limits(&LIMITS), &mut each).ok()?;
    if decoded.is_too_large {
        lines.refuse_size();
    }
    let parsed = lines.request(room.bytes, decoded.arena_bytes, end, extended, &LIMITS);
    assert!(!decoded.is_too_large || parsed.is_err());
    parsed.ok()
}

fn sound(parsed: &ParsedRequest, end: bool, head: &RequestHead<'_>) {
    assert!(is_token(head.method_bytes()) && !head.authority().is_empty());
    assert_eq!(head.body().follows(), !end);
    if let BodyFraming::Sized(length) = head.body() {
        assert_eq!(parsed.length, Some(length));
    }
    let clean = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_graphic);
    assert!(clean(head.target()) && clean(head.authority()));
    for (name, value) in head.fields().iter() {
        assert!(is_token(name.as_bytes()) && is_field_value(value));
        assert!(!matches!(
            name,
            FieldName::Known(KnownName::Connection | KnownName::TransferEncoding | KnownName::KeepAlive)
        ));
    }
    let count = |name: KnownName| head.fields().all(name).count();
    assert!(
        count(KnownName::Host) <= 1 && count(KnownName::Cookie) <= 1 && count(KnownName::ContentLength) <= 1
    );
    assert_eq!(head.asks_upgrade(), count(KnownName::Upgrade) == 1);
}

/// The same head in the words of HTTP/1 reads alike.
fn as_http_1(head: &RequestHead<'_>) {
    if head.method() == Method::Connect {
        return;
    }
    let mut text = [head.method_bytes(), b" ", head.target(), b" HTTP/1.1\r\n"].concat();
    for (name, value) in head.fields().iter() {
        text.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    text.extend_from_slice(b"\r\n");
    let (mut bytes, mut fields) = (vec![0; 4096], vec![Field::ZERO; 32]);
    let mut room = Scratch { bytes: &mut bytes, fields: &mut fields };
    let parsed =
        h1::head::parse_request(&text, &mut 0, &mut room, &LIMITS).expect("a sound head").expect("all of it");
    let again = parsed.spans.view(&text, room);
    assert_eq!((again.path(), again.query()), (head.path(), head.query()));
    assert_eq!((again.authority(), again.form()), (head.authority(), head.form()));
    assert!(again.fields().iter().eq(head.fields().iter()));
}

/// A proxy would send it so: the next server reads the same request.
fn written_anew(head: &RequestHead<'_>) {
    let out = RequestOut {
        method: head.method_bytes(),
        target: head.target(),
        authority: head.authority(),
        fields: head.fields(),
        body: BodyPlan::Streamed,
        expect_continue: false,
        close: false,
    };
    let (mut memory, mut out_bytes) = ([0; 512], [0; 4096]);
    let mut encoder = Encoder::new();
    let mut block = encoder.begin(&mut memory, &mut out_bytes);
    encode::request(&mut block, &out, true).expect("a sound request");
    let len = block.finish().expect("room for all of it");
    let (mut bytes, mut fields) = (vec![0; 4096], vec![Field::ZERO; 32]);
    let mut room = Scratch { bytes: &mut bytes, fields: &mut fields };
    let parsed = request(&out_bytes[..len], false, true, room.reborrow());
    // What says that there is no body cannot be sent with one.
    let Some(parsed) = parsed else {
        assert_eq!(head.method(), Method::Trace);
        return;
    };
    let again = parsed.spans.view(&[], room);
    assert_eq!((again.method_bytes(), again.path()), (head.method_bytes(), head.path()));
    assert_eq!((again.authority(), again.form()), (head.authority(), head.form()));
    let own = |name| {
        matches!(
            name,
            KnownName::Host
                | KnownName::ContentLength
                | KnownName::Expect
                | KnownName::Upgrade
                | KnownName::Te
        )
    };
    let others = |fields: FieldBlock<'_>| -> Vec<(Vec<u8>, Vec<u8>)> {
        let is_other = |name: &FieldName<'_>| !matches!(name, FieldName::Known(name) if own(*name));
        fields
            .iter()
            .filter(|(name, _)| is_other(name))
            .map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()))
            .collect()
    };
    assert_eq!(others(again.fields()), others(head.fields()));
}

fn response(block: &[u8], options: u8, room: Scratch<'_>) {
    let method = if options & 4 == 0 { Method::Get } else { Method::Head };
    let end = options & 8 != 0;
    let mut lines = Lines::of_response(room.fields, &LIMITS);
    let mut each = |line, arena: &[u8]| _ = lines.take(&line, arena);
    let decoded = Decoder::new().decode(block, &mut [], room.bytes, list_limits(&LIMITS), &mut each);
    let Ok(decoded) = decoded else { return };
    if decoded.is_too_large {
        lines.refuse_size();
    }
    let arena = &room.bytes[..usize::from(decoded.arena_bytes)];
    let Ok(parsed) = lines.response(arena, method, end) else { return };
    let head: ResponseHead<'_> = parsed.spans.view(&[], room);
    assert!(head.status.code() != 101 && (!end || !head.status.is_interim()));
    for (name, value) in head.fields.iter() {
        assert!(is_token(name.as_bytes()) && is_field_value(value));
    }
    let (mut memory, mut out) = ([0; 512], [0; 4096]);
    let mut encoder = Encoder::new();
    let mut block = encoder.begin(&mut memory, &mut out);
    if head.status.is_interim() {
        encode::interim(&mut block, &head).expect("a sound head");
    } else {
        encode::response(&mut block, &head, BodyPlan::Streamed, method, None).expect("a sound head");
    }
    block.finish().expect("room for all of it");
}

fn trailers(block: &[u8], room: Scratch<'_>) {
    let mut lines = Lines::of_trailers(room.fields, &LIMITS);
    let mut each = |line, arena: &[u8]| _ = lines.take(&line, arena);
    let decoded = Decoder::new().decode(block, &mut [], room.bytes, list_limits(&LIMITS), &mut each);
    let Ok(decoded) = decoded else { return };
    if decoded.is_too_large {
        lines.refuse_size();
    }
    let Ok(spans) = lines.trailers(decoded.arena_bytes) else { return };
    for (name, value) in spans.view(&[], &room).iter() {
        assert!(is_token(name.as_bytes()) && is_field_value(value) && !name.as_bytes().starts_with(b":"));
        assert!(!matches!(name, FieldName::Known(KnownName::ContentLength | KnownName::Host)));
    }
}
