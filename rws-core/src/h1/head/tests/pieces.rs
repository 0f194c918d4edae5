//! Heads in pieces and heads at random: same answer however cut, on every kernel, and linear cost.

use core::cell::Cell;

use proptest::prelude::*;

use super::*;
use crate::h1::head::request::RequestParser;
use crate::h1::head::resume::Resume;
use crate::h1::head::{ParsedRequest, Stop};
use crate::message::{KnownName, parse_target};
use crate::scan::{Backend, Class, End, Kernel, Scalar, Segments, Task, run_on};

/// Counts the bytes that it looks at.
#[derive(Clone, Copy)]
struct Counting<'c>(&'c Cell<usize>);

impl Counting<'_> {
    fn count(self, at: usize, end: End) -> End {
        self.0.set(self.0.get() + end.at.saturating_sub(at) + 1);
        end
    }
}

impl Kernel for Counting<'_> {
    fn run_end(self, class: Class, bytes: &[u8], at: usize) -> End {
        self.count(at, Scalar.run_end(class, bytes, at))
    }

    fn text_end(self, bytes: &[u8], at: usize) -> End {
        self.count(at, Scalar.text_end(bytes, at))
    }

    fn segments_end(self, segments: Segments, bytes: &[u8], at: usize) -> End {
        self.count(at, Scalar.segments_end(segments, bytes, at))
    }
}

fn task<'a, 's>(scratch: &'a mut Scratch<'s>) -> Resume<RequestParser<'a, 's>> {
    Resume(RequestParser { scratch, limits: &Limits::SERVER })
}

fn blank() -> ParsedRequest {
    ParsedRequest::BLANK
}

fn cost_of(bytes: &[u8], step: usize) -> usize {
    let (cost, mut scanned, mut room) = (Cell::new(0), 0, Room::new());
    for end in (1..=bytes.len()).step_by(step) {
        let scratch = &mut room.scratch();
        let parsed = task(scratch).run(Counting(&cost), &bytes[..end], &mut scanned, &mut blank());
        assert_eq!(parsed, Err(Stop::Incomplete));
    }
    cost.get()
}

#[test]
fn a_dribbled_head_costs_linear_time() {
    let long_value = [b"GET / HTTP/1.1\r\nHost: a\r\nX: ".as_slice(), &[b'x'; 20_000]].concat();
    let many_lines = [b"GET / HTTP/1.1\r\nHost: a\r\n".as_slice(), &b"Abc: 123\r\n".repeat(100)].concat();
    for bytes in [long_value, many_lines] {
        for step in [1, 2, 3, 7, 100] {
            let cost = cost_of(&bytes, step);
            assert!(cost <= 5 * bytes.len(), "{cost} for {} bytes in steps of {step}", bytes.len());
        }
    }
}

const SEEDS: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /a?b HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\n",
    b"PUT /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n",
    b"GET /long/path/with/many/segments?query=string&more=1 HTTP/1.1\r\nHost: www.example.com\r\n\
      User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept-Language: en\r\nSec-Fetch-Dest: document\r\n\
      Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"GET http://b:8/x/../y;z%41?q HTTP/1.1\r\nHost: www.a-b.example:8080\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
    b"HTTP/1.1 304 \r\nTransfer-Encoding: chunked\r\nETag: \"x\"\r\n\r\n",
    b"a: b\r\nETag: c\r\n\r\n",
];

/// A seed with a few bytes replaced, inserted or cut out, mostly by bytes that matter.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let byte =
        prop_oneof![3 => prop::sample::select(b"\r\n \t:,/0a.?%\0\x7f\x80HT".to_vec()), 1 => any::<u8>()];
    let edit = (0..3_u8, any::<prop::sample::Index>(), byte);
    (prop::sample::select(SEEDS), prop::collection::vec(edit, 0..4)).prop_map(|(seed, edits)| {
        let mut bytes = seed.to_vec();
        for (kind, place, byte) in edits {
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
            if bytes.is_empty() {
                break;
            }
        }
        bytes
    })
}

/// An accepted head, by plain means: lines end in CRLF, and no other control byte but HTAB is in it.
fn is_clean(head: &[u8]) -> bool {
    let text =
        head.strip_suffix(b"\r\n\r\n").or(head.strip_suffix(b"\r\n")).expect("a head ends in an empty line");
    let lines = text.split(|&byte| byte == b'\n');
    let last = lines.clone().count() - 1;
    lines.enumerate().all(|(place, line)| {
        let line = if place == last { line } else { line.strip_suffix(b"\r").unwrap_or(b"\0") };
        line.iter().all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
    })
}

/// Every kernel gives the same head, and its target is what [`parse_target`] reads.
fn on_every_kernel(bytes: &[u8]) {
    let parse = |backend| {
        let (mut room, mut scanned) = (Room::new(), 0);
        let scratch = &mut room.scratch();
        let mut head = blank();
        let parsed = run_on(backend, task(scratch), bytes, &mut scanned, &mut head);
        (parsed.map(|()| head), room.fields)
    };
    let expected = parse(Backend::Scalar);
    for backend in Backend::available() {
        assert!(parse(backend) == expected, "{backend:?}: {}", bytes.escape_ascii());
    }
    if let Ok(head) = expected.0 {
        let (spans, mut room) = (head.spans, Room::new());
        let host = expected.1[..usize::from(spans.fields_len)].iter().find(|field| field.is(KnownName::Host));
        let host = host.map_or(Span::EMPTY, |field| field.value_span());
        let target = parse_target(spans.method, spans.target.raw, host, bytes, &mut room.bytes);
        assert_eq!(target, Ok(spans.target));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 20 } else { 2_000 }))]

    #[test]
    fn no_mutated_head_panics_or_depends_on_where_it_is_cut(bytes in mutated()) {
        if let Ok(Some((head, _))) = Requests(Limits::SERVER).at_every_split(&bytes) {
            prop_assert!(is_clean(&bytes[..usize::from(head.spans.arena_len)]));
        }
        on_every_kernel(&bytes);
        if let Ok(Some((head, _))) = Responses(Method::Get).at_every_split(&bytes) {
            prop_assert!(is_clean(&bytes[..usize::from(head.spans.arena_len)]));
        }
        if let Ok(Some((section, _))) = Trailers(Limits::DEVICE).at_every_split(&bytes) {
            prop_assert!(is_clean(&bytes[..usize::from(section.arena_len)]));
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let seen = Requests(Limits::SERVER).at_every_split(&bytes);
        prop_assert!(seen == Ok(None) || !bytes.is_empty());
        let _ = Responses(Method::Head).at_every_split(&bytes);
        let _ = Trailers(Limits::SERVER).at_every_split(&bytes);
    }
}
