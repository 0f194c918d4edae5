//! One table of cases for every kernel, and random equivalence with the scalar one.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{Backend, Class, Kernel, LABELS, PATH, QUERY, TOKEN, Task, VISIBLE, run_on};

/// Where the runs end that start at `at`: of tokens, text, visible bytes, query bytes, path and host.
type Ends = [usize; 6];

struct AllEnds<'a>(&'a [u8], usize);

impl Task for AllEnds<'_> {
    type Output = Ends;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> Ends {
        let AllEnds(bytes, at) = self;
        [
            kernel.run_end(TOKEN, bytes, at),
            kernel.text_end(bytes, at),
            kernel.run_end(VISIBLE, bytes, at),
            kernel.run_end(QUERY, bytes, at),
            kernel.segments_end(PATH, bytes, at),
            kernel.segments_end(LABELS, bytes, at),
        ]
    }
}

struct EqualsLowercase<'a>(&'a [u8], usize, usize, &'a [u8; 32]);

impl Task for EqualsLowercase<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> bool {
        kernel.equals_lowercase(self.0, self.1, self.2, self.3)
    }
}

/// Asks every kernel; all must say the same.
fn ends(bytes: &[u8], at: usize) -> Ends {
    let expected = run_on(Backend::Scalar, AllEnds(bytes, at));
    for backend in Backend::available() {
        let found = run_on(backend, AllEnds(bytes, at));
        assert_eq!(found, expected, "{backend:?} from {at} in {}", bytes.escape_ascii());
    }
    expected
}

/// The same in the RFCs' words, independent of the tables.
fn by_the_book(bytes: &[u8], at: usize) -> Ends {
    let end = |allowed: &mut dyn FnMut(u8) -> bool| {
        bytes.iter().skip(at).position(|&byte| !allowed(byte)).map_or(bytes.len().max(at), |run| at + run)
    };
    let visible = |byte| (b'!'..=b'~').contains(&byte);
    let query = |byte| visible(byte) && !b"\"#<>".contains(&byte);
    let (mut before_path, mut before_host) = (0, 0);
    [
        end(&mut |byte| crate::message::is_token(&[byte])),
        end(&mut |byte| byte == b'\t' || byte >= 0x80 || (b' '..=b'~').contains(&byte)),
        end(&mut |byte| visible(byte)),
        end(&mut |byte| query(byte)),
        end(&mut |byte| {
            let before = core::mem::replace(&mut before_path, byte);
            query(byte) && !b"%;?\\`{}".contains(&byte) && !(before == b'/' && matches!(byte, b'/' | b'.'))
        }),
        end(&mut |byte| {
            let before = core::mem::replace(&mut before_host, byte);
            (byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) && !(before == b'.' && byte == b'.')
        }),
    ]
}

/// Cases that each kernel must answer: input, and the ends of the runs that start at 0.
const CASES: &[(&[u8], Ends)] = &[
    (b"", [0, 0, 0, 0, 0, 0]),
    (b"a", [1, 1, 1, 1, 1, 1]),
    (b"Host: a", [4, 7, 5, 5, 5, 4]),
    (b"Host : a", [4, 8, 4, 4, 4, 4]),
    (b"a\tb", [1, 3, 1, 1, 1, 1]),
    (b"a\rb", [1, 1, 1, 1, 1, 1]),
    (b"a\nb", [1, 1, 1, 1, 1, 1]),
    (b"a\0b", [1, 1, 1, 1, 1, 1]),
    (b"a\x7fb", [1, 1, 1, 1, 1, 1]),
    (b"a\x80b", [1, 3, 1, 1, 1, 1]),
    (b"!#$%&'*+-.^_`|~09azAZ", [21, 21, 21, 1, 1, 0]),
    (b"/path?query=1&b=\"{}\" HTTP", [0, 25, 20, 16, 5, 0]),
    (b"/a//b", [0, 5, 5, 5, 3, 0]),
    (b"/a/.b", [0, 5, 5, 5, 3, 0]),
    (b"/a.b/", [0, 5, 5, 5, 5, 0]),
    (b"a..b", [4, 4, 4, 4, 4, 2]),
    (b"www.example.com:80", [15, 18, 18, 18, 18, 15]),
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
    for len in [1, 8, 15, 16, 17, 31, 32, 33, 64, 65, 100] {
        for byte in 0..=255 {
            for place in [0, len / 3, len / 2, len - 1] {
                let mut input = vec![b'a'; len];
                input[place] = byte;
                assert_eq!(ends(&input, 0), by_the_book(&input, 0), "{byte} at {place} of {len}");
            }
        }
    }
}

#[test]
fn every_start_inside_and_behind_the_slice_is_answered() {
    let with = |period: usize, odd: u8| -> Vec<u8> {
        (0..150).map(|at| if at % period == period - 1 { odd } else { b'x' }).collect()
    };
    for input in [with(13, b'\r'), with(200, b'\r'), with(2, b'/'), with(7, b'.'), with(70, b'\t')] {
        for len in (0..=input.len()).step_by(if cfg!(miri) { 16 } else { 1 }) {
            for at in 0..=len + 2 {
                assert_eq!(ends(&input[..len], at), by_the_book(&input[..len], at));
            }
        }
    }
}

#[test]
fn a_pair_that_spans_two_blocks_is_seen() {
    for place in 0..70 {
        let mut path = vec![b'a'; 80];
        path[place..place + 2].copy_from_slice(b"/.");
        assert_eq!(ends(&path, 0)[4], place + 1);
        path[place..place + 2].copy_from_slice(b"..");
        assert_eq!(ends(&path, 0)[5], place + 1);
    }
}

#[test]
fn names_compare_without_case_at_every_length_and_place() {
    let mut lowercase = [0; 32];
    for len in 0..=32 {
        lowercase[..len].copy_from_slice(&b"access-control-allow-credentials"[..len]);
        let name = lowercase[..len].to_ascii_uppercase();
        for (before, after) in [(0, 0), (0, 40), (3, 0), (3, 27), (40, 40)] {
            let mut bytes = [&vec![b'x'; before], &name[..], &vec![b':'; after]].concat();
            let equals = |bytes: &[u8]| -> Vec<bool> {
                let run = |backend| run_on(backend, EqualsLowercase(bytes, before, len, &lowercase));
                Backend::available().into_iter().map(run).collect()
            };
            assert!(equals(&bytes).iter().all(|&equal| equal), "{len}");
            for at in before..before + len {
                bytes[at] ^= 0x02;
                assert!(!equals(&bytes).contains(&true), "{len}, changed at {at}");
                bytes[at] ^= 0x02;
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
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 16 } else { 4_000 }, ..ProptestConfig::default() })]

    #[test]
    fn random_text_ends_alike_on_every_kernel(
        bytes in prop::collection::vec(prop_oneof![20 => b'a'..=b'z', 1 => any::<u8>(), 2 => Just(b'/')], 0..300),
        at in 0..310_usize,
    ) {
        prop_assert_eq!(ends(&bytes, at), by_the_book(&bytes, at));
    }
}
