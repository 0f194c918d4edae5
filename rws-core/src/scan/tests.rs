//! One table of cases for every kernel, and random equivalence with the scalar one.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{
    Backend, Class, Dictionary, End, FieldLine, Kernel, PATH, QUERY, Spelling, TOKEN, Task, VISIBLE, run_on,
};

/// Where the runs end that start at `at`: of tokens, text, visible bytes, query bytes and path.
type Ends = [usize; 5];

struct AllEnds(usize);

impl Task for AllEnds {
    type Output = Ends;
    type Place = ();

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K, bytes: &[u8], _scanned: &mut u16, _place: &mut ()) -> Ends {
        let AllEnds(at) = self;
        [
            checked(kernel.run_end(TOKEN, bytes, at), bytes),
            checked(kernel.text_end(bytes, at), bytes),
            checked(kernel.run_end(VISIBLE, bytes, at), bytes),
            checked(kernel.run_end(QUERY, bytes, at), bytes),
            checked(kernel.segments_end(PATH, bytes, at), bytes),
        ]
    }
}

fn checked(end: End, bytes: &[u8]) -> usize {
    assert_eq!(end.byte, bytes.get(end.at).copied());
    end.at
}

/// The beginnings of one long word.
struct AnyName;

const WORD: &str = "access-control-allow-credentials";

impl Dictionary for AnyName {
    type Word = ();

    fn candidate(_ends: [u8; 4], len: usize) -> Option<((), &'static Spelling)> {
        static SPELLINGS: [Spelling; 33] = {
            let mut all = [Spelling::of(""); 33];
            let mut len = 0;
            while len <= 32 {
                all[len] = Spelling::of(WORD.split_at(len).0);
                len += 1;
            }
            all
        };
        Some(((), SPELLINGS.get(len)?))
    }
}

struct Line(usize);

impl Task for Line {
    type Output = Option<FieldLine<()>>;
    type Place = ();

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K, bytes: &[u8], _scanned: &mut u16, _place: &mut ()) -> Self::Output {
        let lines = kernel.lines(bytes);
        if self.0 < lines.far {
            kernel.far_line::<AnyName>(lines, self.0)
        } else {
            kernel.tail_line::<AnyName>(kernel.tail(bytes), self.0)
        }
    }
}

struct PlainHost(usize, usize);

impl Task for PlainHost {
    type Output = bool;
    type Place = ();

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K, bytes: &[u8], _scanned: &mut u16, _place: &mut ()) -> bool {
        kernel.is_plain_host(bytes, self.0, self.1)
    }
}

/// The answers of every kernel.
fn asked<T: Task<Place = ()>>(task: impl Fn() -> T, bytes: &[u8]) -> Vec<(Backend, T::Output)> {
    let run = |backend| (backend, run_on(backend, task(), bytes, &mut 0, &mut ()));
    Backend::available().into_iter().map(run).collect()
}

/// Asks every kernel; all must say the same.
fn ends(bytes: &[u8], at: usize) -> Ends {
    let answers = asked(|| AllEnds(at), bytes);
    for &(backend, found) in &answers {
        assert_eq!(found, answers[0].1, "{backend:?} from {at} in {}", bytes.escape_ascii());
    }
    answers[0].1
}

/// The same in the RFCs' words, independent of the tables.
fn by_the_book(bytes: &[u8], at: usize) -> Ends {
    let end = |allowed: &mut dyn FnMut(u8) -> bool| {
        bytes.iter().skip(at).position(|&byte| !allowed(byte)).map_or(bytes.len().max(at), |run| at + run)
    };
    let visible = |byte| (b'!'..=b'~').contains(&byte);
    let query = |byte| visible(byte) && !b"\"#<>".contains(&byte);
    let mut before_path = 0;
    [
        end(&mut |byte| crate::message::is_token(&[byte])),
        end(&mut |byte| byte == b'\t' || byte >= 0x80 || (b' '..=b'~').contains(&byte)),
        end(&mut |byte| visible(byte)),
        end(&mut |byte| query(byte)),
        end(&mut |byte| {
            let before = core::mem::replace(&mut before_path, byte);
            query(byte) && !b"%;?\\`{}".contains(&byte) && !(before == b'/' && matches!(byte, b'/' | b'.'))
        }),
    ]
}

/// Cases that each kernel must answer: input, and the ends of the runs that start at 0.
const CASES: &[(&[u8], Ends)] = &[
    (b"", [0, 0, 0, 0, 0]),
    (b"a", [1, 1, 1, 1, 1]),
    (b"Host: a", [4, 7, 5, 5, 5]),
    (b"Host : a", [4, 8, 4, 4, 4]),
    (b"a\tb", [1, 3, 1, 1, 1]),
    (b"a\rb", [1, 1, 1, 1, 1]),
    (b"a\nb", [1, 1, 1, 1, 1]),
    (b"a\0b", [1, 1, 1, 1, 1]),
    (b"a\x7fb", [1, 1, 1, 1, 1]),
    (b"a\x80b", [1, 3, 1, 1, 1]),
    (b"!#$%&'*+-.^_`|~09azAZ", [21, 21, 21, 1, 1]),
    (b"/path?query=1&b=\"{}\" HTTP", [0, 25, 20, 16, 5]),
    (b"/a//b", [0, 5, 5, 5, 3]),
    (b"/a/.b", [0, 5, 5, 5, 3]),
    (b"/a.b/", [0, 5, 5, 5, 5]),
];

#[test]
fn every_kernel_answers_the_shared_table() {
    for &(input, expected) in CASES {
        assert_eq!(ends(input, 0), expected, "{}", input.escape_ascii());
        let far = [&[b'a'; 70], input].concat();
        assert_eq!(ends(&far, 70), expected.map(|end| end + 70), "{}", input.escape_ascii());
    }
}

#[test]
fn every_byte_is_classified_alike_at_every_place() {
    let lens: &[usize] = if cfg!(miri) { &[15, 33] } else { &[1, 8, 15, 16, 17, 31, 32, 33, 64, 65, 100] };
    for &len in lens {
        for byte in (0..=255).step_by(if cfg!(miri) { 7 } else { 1 }) {
            for place in [0, len / 3, len / 2, len - 1] {
                let mut input = vec![b'a'; len];
                input[place] = byte;
                assert_eq!(ends(&input, 0), by_the_book(&input, 0), "{byte} at {place} of {len}");
            }
        }
    }
}

#[test]
fn every_start_in_the_slice_is_answered() {
    let with = |period: usize, odd: u8| -> Vec<u8> {
        (0..150).map(|at| if at % period == period - 1 { odd } else { b'x' }).collect()
    };
    for input in [with(13, b'\r'), with(200, b'\r'), with(2, b'/'), with(7, b'.'), with(70, b'\t')] {
        let step = if cfg!(miri) { 37 } else { 1 };
        for len in (0..=input.len()).step_by(step) {
            for at in (0..=len).rev().step_by(step) {
                assert_eq!(ends(&input[..len], at), by_the_book(&input[..len], at));
            }
        }
    }
}

#[test]
fn a_pair_that_spans_two_blocks_is_seen() {
    for place in (0..70).step_by(if cfg!(miri) { 15 } else { 1 }) {
        let mut path = vec![b'a'; 80];
        path[place..place + 2].copy_from_slice(b"/.");
        assert_eq!(ends(&path, 0)[4], place + 1);
    }
}

#[test]
fn names_compare_without_case_at_every_length_and_place() {
    for len in (2..=32).step_by(if cfg!(miri) { 10 } else { 1 }) {
        let name = &b"Access-control-allow-CREDENTIALS"[..len];
        for (before, after) in [(0, 0), (0, 40), (3, 0), (3, 27), (40, 90)] {
            let mut bytes = [&vec![b'x'; before], name, b": v\r\n", &vec![b'x'; after]].concat();
            for (backend, line) in asked(|| Line(before), &bytes) {
                let Some(line) = line else { continue };
                assert_eq!((line.colon, line.word), (before + len, Some(())), "{backend:?} {len}");
            }
            for at in before..before + len {
                bytes[at] ^= 0x02;
                for (backend, line) in asked(|| Line(before), &bytes) {
                    assert!(
                        line.is_none_or(|line| line.word.is_none()),
                        "{backend:?} {len}, changed at {at}"
                    );
                }
                bytes[at] ^= 0x02;
            }
        }
    }
}

/// Whether the kernel looks nibbles up, and so sees lines and hosts at a glance.
fn is_quick(backend: Backend) -> bool {
    !matches!(&*alloc::format!("{backend:?}"), "Scalar" | "Swar" | "Sse2")
}

/// A field line by plain means, if it has the usual shape.
fn line_by_the_book(bytes: &[u8], at: usize) -> Option<FieldLine<()>> {
    let end = at + bytes[at..].windows(2).position(|pair| pair == b"\r\n")?;
    let line = &bytes[at..end];
    let len = line.iter().position(|&byte| byte == b':')?;
    let value = line[len + 1..].strip_prefix(b" ")?;
    let is_usual = len >= 2
        && crate::message::is_token(&line[..len])
        && !value.is_empty()
        && crate::message::is_field_value(value);
    let word = WORD.get(..len).is_some_and(|word| line[..len].eq_ignore_ascii_case(word.as_bytes()));
    is_usual.then_some(FieldLine {
        colon: at + len,
        value_at: at + len + 2,
        value_end: end,
        next: end + 2,
        word: word.then_some(()),
    })
}

#[test]
fn a_usual_line_is_seen_at_every_length_and_distance_from_the_end() {
    let mut seen = 0;
    for (name_len, value_len) in (1..=34).flat_map(|name| (0..140).map(move |value| (name, value))) {
        if cfg!(miri) && (name_len * 7 + value_len) % 97 != 0 {
            continue;
        }
        let (name, value) = (vec![b'n'; name_len], vec![b'v'; value_len]);
        for (before, after) in [(0, 0), (0, 2), (40, 1), (5, 70), (1, 40)] {
            let bytes =
                [&vec![b'b'; before], &name, &b": "[..], &value, b"\r\n", &vec![b'\r'; after]].concat();
            let expected = line_by_the_book(&bytes, before);
            for (backend, line) in asked(|| Line(before), &bytes) {
                seen += usize::from(line.is_some());
                assert!(line.is_none() || line == expected, "{backend:?}: {}", bytes.escape_ascii());
            }
        }
    }
    assert!(seen > 0 || !Backend::available().into_iter().any(is_quick));
}

#[test]
fn a_plain_host_is_a_valid_host_at_every_distance_from_the_end() {
    let valid = [
        "a",
        "www.example.com",
        "127.0.0.1:8080",
        "a_b-c.d:1",
        "a.",
        "0:0",
        "x.y.z:80",
        "a:12345",
        "a:59999",
    ];
    let odd = [
        "", ".", ".a", "a..b", "a:", "a:80x", "a:x", ":80", "a:80:80", "[::1]", "a/b", "a b", "a..:80",
        "a:60000", "a:65536", "a:012345",
    ];
    for (host, is_plain) in valid.iter().map(|host| (host, true)).chain(odd.iter().map(|host| (host, false)))
    {
        for (before, after) in [(0, 0), (40, 0), (3, 30), (3, 100), (60, 2)] {
            let bytes = [&vec![b'.'; before], host.as_bytes(), &vec![b'9'; after]].concat();
            for (backend, plain) in asked(|| PlainHost(before, before + host.len()), &bytes) {
                let may_say_so = is_quick(backend) && bytes.len() >= 32;
                assert_eq!(plain, is_plain && may_say_so, "{backend:?} {host} {before} {after}");
            }
        }
    }
}

#[test]
fn a_class_says_of_each_byte_what_its_runs_say() {
    let is_in = |class: Class, byte: u8| class.contains(byte);
    for byte in 0..=255 {
        let ends = by_the_book(&[byte], 0);
        assert_eq!([is_in(TOKEN, byte), is_in(VISIBLE, byte)], [ends[0] == 1, ends[2] == 1]);
        assert_eq!([is_in(QUERY, byte), is_in(PATH.class, byte)], [ends[3] == 1, ends[4] == 1]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 4_000 }))]

    #[test]
    fn random_text_ends_alike_on_every_kernel(
        bytes in prop::collection::vec(
            prop_oneof![20 => b'a'..=b'z', 1 => any::<u8>(), 2 => Just(b'/')],
            0..300,
        ),
        at in any::<prop::sample::Index>(),
    ) {
        let at = at.index(bytes.len() + 1);
        prop_assert_eq!(ends(&bytes, at), by_the_book(&bytes, at));
    }

    #[test]
    fn random_lines_are_seen_alike_on_every_kernel(
        name in "[a-zA-Z-]{1,36}",
        separator in prop_oneof![8 => Just(": "), 1 => Just(":"), 1 => Just(" : "), 1 => Just(":\t")],
        value in prop::collection::vec(prop_oneof![20 => b' '..=b'~', 1 => any::<u8>()], 0..120),
        (before, after) in (0..80_usize, 0..80_usize),
    ) {
        let (before_it, after_it) = (vec![b'b'; before], vec![b'\n'; after]);
        let line = [name.as_bytes(), separator.as_bytes(), &value, b"\r\n"].concat();
        let bytes = [before_it, line, after_it].concat();
        for (backend, line) in asked(|| Line(before), &bytes) {
            prop_assert!(line.is_none() || line == line_by_the_book(&bytes, before), "{:?}", backend);
        }
    }
}

/// A start behind the slice is a mistake of the caller's, but never reads what is not there.
#[test]
fn a_start_behind_the_slice_finds_no_byte() {
    let bytes = [b'a'; 100];
    for len in [0, 1, 31, 32, 33, 100] {
        for at in (len + 1..len + 100).step_by(if cfg!(miri) { 33 } else { 1 }) {
            for backend in Backend::available() {
                let bytes = &bytes[..len];
                run_on(backend, AllEnds(at), bytes, &mut 0, &mut ());
                assert_eq!(run_on(backend, Line(at), bytes, &mut 0, &mut ()), None);
                assert!(!run_on(backend, PlainHost(at, at + 5), bytes, &mut 0, &mut ()));
            }
        }
    }
}
