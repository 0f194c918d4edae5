//! Header and response splitting: no name, value, method, target or authority that a caller gives can end a line.
//! What is accepted is written so that it reads back as it was; what is refused leaves nothing on the wire.

#![cfg(feature = "alloc")]

use proptest::prelude::*;
use rws_core::connection::{BodyPlan, ByteConnection, Fill, HeadAnswer, RequestOut, Sent, Source, StreamId};
use rws_core::h1::{Client, Server};
use rws_core::message::{OwnedFields, is_field_value, is_token};
use rws_core::testing::wire::{self, AtEnd, Ending};
use rws_core::{
    Env, Error, Field, FieldBlock, FieldBlockMut, Instant, Limits, Method, ResponseHead, Scratch, Span,
    Status,
};

const ENV: Env<'static> = Env { now: Instant::from_micros(0), limits: &Limits::SERVER, date: None };

type Line = (Vec<u8>, Vec<u8>);

/// What an attacker would put in a line, more often than anything else.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9-]{1,12}".prop_map(String::into_bytes),
        2 => prop::sample::select(vec![
            &b"\r\n"[..], b"\n", b"\r", b"\0", b":", b" ", b"\t", b"\r\n\r\n", b"\r\nX-Evil: 1", b"\x85", b"\xc3\xa9",
            b"\xe5\x98\x8a\xe5\x98\x8d", b"%0d%0a", b"\\r\\n", b"\x7f", b"\x1f", b"Content-Length", b"Transfer-Encoding",
            b"HTTP/1.1 200 OK\r\n",
        ]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    prop::collection::vec((text(), text()), 0..6)
}

/// A block that nobody checked: spans of an arena.
struct Raw {
    arena: Vec<u8>,
    fields: Vec<Field>,
}

impl Raw {
    fn new(lines: &[Line]) -> Raw {
        let (mut arena, mut fields) = (Vec::new(), Vec::new());
        let mut put = |bytes: &[u8]| {
            let at = arena.len();
            arena.extend_from_slice(bytes);
            Span::of(at, arena.len()).expect("a short text")
        };
        for (name, value) in lines {
            fields.push(Field::named(put(name), put(value)).expect("a short name"));
        }
        Raw { arena, fields }
    }

    fn block(&self) -> FieldBlock<'_> {
        FieldBlock::new(&self.arena, &self.fields)
    }
}

struct Says<'s> {
    start: [&'s [u8]; 3],
    head: FieldBlock<'s>,
    interim: Option<FieldBlock<'s>>,
    trailers: FieldBlock<'s>,
}

impl Source for Says<'_> {
    fn head(&mut self, _: StreamId) -> HeadAnswer<'_> {
        match self.interim.take() {
            Some(fields) => HeadAnswer::Interim(ResponseHead { status: Status::EARLY_HINTS, fields }),
            None => {
                HeadAnswer::Final(ResponseHead { status: Status::OK, fields: self.head }, BodyPlan::Streamed)
            }
        }
    }

    fn request(&mut self, _: StreamId) -> Option<RequestOut<'_>> {
        let [method, target, authority] = self.start;
        Some(RequestOut {
            method,
            target,
            authority,
            fields: self.head,
            body: BodyPlan::Streamed,
            expect_continue: false,
            close: false,
        })
    }

    fn fill(&mut self, _: StreamId, out: &mut [u8]) -> Fill {
        out[..2].copy_from_slice(b"hi");
        Fill::End(2)
    }

    fn trailers(&mut self, _: StreamId) -> FieldBlock<'_> {
        self.trailers
    }
}

fn written(machine: &mut impl ByteConnection, says: &mut Says<'_>) -> Vec<u8> {
    let (mut out, mut tx) = (Vec::new(), vec![0; 64 * 1024]);
    while let Sent::Bytes(n) = machine.transmit(&ENV, &mut tx, &mut Scratch::default(), says) {
        out.extend_from_slice(&tx[..n]);
        machine.flushed(&ENV, n);
    }
    out
}

fn answered(says: &mut Says<'_>) -> (Vec<u8>, Option<Error>) {
    let (mut server, mut fields) = (Server::new(&ENV), [Field::default(); 4]);
    let mut scratch = Scratch { bytes: &mut [], fields: &mut fields };
    server.receive(&ENV, &mut { *b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" }, &mut scratch);
    (written(&mut server, says), server.error())
}

fn asked(says: &mut Says<'_>) -> (Vec<u8>, Option<Error>) {
    let mut client = Client::new(&ENV);
    client.open().expect("a fresh connection");
    (written(&mut client, says), client.error())
}

fn is_fine(line: &Line) -> bool {
    is_token(&line.0) && is_field_value(&line.1)
}

/// The engine writes these itself, and leaves them out of what a source gives.
fn is_ours(name: &[u8]) -> bool {
    const OURS: [&[u8]; 7] = [
        b"content-length",
        b"transfer-encoding",
        b"host",
        b"connection",
        b"keep-alive",
        b"expect",
        b"proxy-connection",
    ];
    OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}

fn expected(lines: &[Line]) -> Vec<(String, Vec<u8>)> {
    let written = lines.iter().filter(|line| !is_ours(&line.0));
    written.map(|line| (String::from_utf8_lossy(&line.0).to_ascii_lowercase(), line.1.clone())).collect()
}

fn theirs(read: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    expected(&read.iter().map(|(name, value)| (name.clone().into_bytes(), value.clone())).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Both builders take exactly the lines that are lines, and keep nothing of the others.
    #[test]
    fn builders_take_what_cannot_end_a_line(lines in lines()) {
        let (mut owned, mut arena, mut slots) = (OwnedFields::new(), [0; 2048], [Field::default(); 8]);
        let mut lent = FieldBlockMut::new(Scratch { bytes: &mut arena, fields: &mut slots });
        for line in &lines {
            prop_assert_eq!(owned.push(&line.0[..], &line.1).is_ok(), is_fine(line));
            prop_assert_eq!(lent.push(&line.0[..], &line.1).is_ok(), is_fine(line));
        }
        let fine: Vec<Line> = lines.into_iter().filter(is_fine).collect();
        for block in [owned.block(), lent.block()] {
            let kept: Vec<Line> = block.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec())).collect();
            prop_assert_eq!(kept.len(), fine.len());
            for (kept, fine) in kept.iter().zip(&fine) {
                prop_assert!(kept.0.eq_ignore_ascii_case(&fine.0) && kept.1 == fine.1);
            }
        }
    }

    /// What the builders take is read back by the other side, head and interim head and trailers.
    #[test]
    fn accepted_fields_read_back_as_they_were(head in lines(), interim in lines()) {
        let fine = |lines: &[Line]| lines.iter().filter(|line| is_fine(line)).cloned().collect::<Vec<Line>>();
        let (head, interim) = (fine(&head), fine(&interim));
        let (head_block, interim_block) = (Raw::new(&head), Raw::new(&interim));
        let says = || Says {
            start: [b"POST", b"/", b"a"],
            head: head_block.block(),
            interim: Some(interim_block.block()),
            trailers: FieldBlock::EMPTY,
        };
        let (bytes, error) = answered(&mut says());
        prop_assert_eq!(error, None);
        let reading = wire::responses(&Limits::SERVER, &[&bytes], Method::Get, false);
        prop_assert_eq!(reading.messages.len(), 2);
        prop_assert_eq!(theirs(&reading.messages[0].fields), expected(&interim));
        prop_assert_eq!(theirs(&reading.messages[1].fields), expected(&head));
        prop_assert_eq!(&reading.messages[1].body[..], b"hi");

        let (bytes, error) = asked(&mut says());
        prop_assert_eq!(error, None);
        let reading = wire::requests(&Limits::SERVER, &[&bytes]);
        prop_assert_eq!(reading.messages.len(), 1);
        prop_assert_eq!(theirs(&reading.messages[0].fields), expected(&head));
        prop_assert_eq!(&reading.messages[0].body[..], b"hi");
    }

    /// A block that was put together without a builder is checked once more when it is written.
    #[test]
    fn unchecked_fields_never_reach_the_wire(head in lines(), trailers in lines(), at_end in any::<bool>()) {
        let (head_block, trailer_block) = (Raw::new(&head), Raw::new(&trailers));
        let says = || Says {
            start: [b"POST", b"/", b"a"],
            head: if at_end { FieldBlock::EMPTY } else { head_block.block() },
            interim: None,
            trailers: if at_end { trailer_block.block() } else { FieldBlock::EMPTY },
        };
        let given = if at_end { &trailers } else { &head };
        let fine = given.iter().all(|line| is_fine(line) || is_ours(&line.0));
        let (bytes, error) = answered(&mut says());
        if !fine {
            prop_assert!(matches!(error, Some(Error::Misuse(_))), "{error:?}");
        }
        // Whatever was refused: one answer, and no line in it that was not asked for.
        let reading = wire::responses(&Limits::SERVER, &[&bytes], Method::Get, false);
        prop_assert_eq!(reading.messages.len(), 1);
        let message = &reading.messages[0];
        prop_assert!(message.fields.iter().chain(&message.trailers).all(|(name, _)| name != "x-evil"));
        prop_assert_eq!(error.is_some(), !fine);
        if error.is_some() && at_end {
            prop_assert_eq!(reading.ending, Ending::Open(AtEnd::Truncated));
        } else if error.is_some() {
            prop_assert_eq!(&message.start, "500");
        }

        let (bytes, error) = asked(&mut says());
        prop_assert_eq!(error.is_some(), !fine);
        if error.is_some() && !at_end {
            prop_assert!(bytes.is_empty(), "nothing of a refused request goes out");
        }
        let reading = wire::requests(&Limits::SERVER, &[&bytes]);
        prop_assert!(reading.messages.len() <= 1);
        prop_assert!(reading.messages.iter().all(|message| error.is_none() == message.complete));
    }

    /// A request line is one line, whatever it is made of.
    #[test]
    fn no_request_line_splits(method in text(), target in text(), authority in text()) {
        let mut says = Says {
            start: [&method, &target, &authority],
            head: FieldBlock::EMPTY,
            interim: None,
            trailers: FieldBlock::EMPTY,
        };
        let (bytes, error) = asked(&mut says);
        let graphic = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_graphic);
        let fine = is_token(&method) && !target.is_empty() && graphic(&target) && graphic(&authority);
        prop_assert_eq!(error.is_none(), fine, "{:?}", error);
        if !fine {
            prop_assert!(bytes.is_empty());
            return Ok(());
        }
        let start = [&method[..], b" ", &target, b" HTTP/1.1\r\nHost: ", &authority, b"\r\n"].concat();
        prop_assert!(bytes.starts_with(&start));
    }
}
