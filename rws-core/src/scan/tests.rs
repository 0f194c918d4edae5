//! One table of cases for every kernel, and random equivalence with the scalar one.

use alloc::vec;
use alloc::vec::Vec;

use super::{Kernel, Scalar};

/// Cases that each kernel must answer the same way: input, and the ends of the token, text and target run
/// that start at 0.
const CASES: &[(&[u8], usize, usize, usize)] = &[
    (b"", 0, 0, 0),
    (b"a", 1, 1, 1),
    (b"Host: a", 4, 7, 5),
    (b"Host : a", 4, 8, 4),
    (b":", 0, 1, 1),
    (b"a\tb", 1, 3, 1),
    (b"a\rb", 1, 1, 1),
    (b"a\nb", 1, 1, 1),
    (b"a\0b", 1, 1, 1),
    (b"a\x7fb", 1, 1, 1),
    (b"a\x80b", 1, 3, 1),
    (b"a\xffb", 1, 3, 1),
    (b"a\x1fb", 1, 1, 1),
    (b"!#$%&'*+-.^_`|~09azAZ", 21, 21, 21),
    (b"/path?query=1&b=\"{}\" HTTP", 0, 25, 20),
];

fn all_kernels(mut check: impl FnMut(&str, &dyn Fn(&[u8], usize) -> [usize; 3])) {
    check("scalar", &|bytes, at| ends(Scalar, bytes, at));
}

fn ends<K: Kernel>(kernel: K, bytes: &[u8], at: usize) -> [usize; 3] {
    [kernel.token_end(bytes, at), kernel.text_end(bytes, at), kernel.target_end(bytes, at)]
}

/// The classes in the RFC's words, independent of the table.
fn by_the_book(bytes: &[u8], at: usize) -> [usize; 3] {
    let end = |allowed: &dyn Fn(u8) -> bool| {
        bytes.iter().skip(at).position(|&byte| !allowed(byte)).map_or(bytes.len().max(at), |run| at + run)
    };
    [
        end(&|byte| crate::message::is_token(&[byte])),
        end(&|byte| byte == b'\t' || byte >= 0x80 || (b' '..=b'~').contains(&byte)),
        end(&|byte| (b'!'..=b'~').contains(&byte)),
    ]
}

#[test]
fn every_kernel_answers_the_shared_table() {
    all_kernels(|name, ends| {
        for &(input, token, text, target) in CASES {
            assert_eq!(ends(input, 0), [token, text, target], "{name}: {input:?}");
        }
    });
}

#[test]
fn every_byte_is_classified_alike_at_every_place() {
    all_kernels(|name, ends| {
        for len in [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100] {
            for byte in 0..=255 {
                for place in [0, len / 3, len / 2, len - 1] {
                    let mut input = vec![b'a'; len];
                    input[place] = byte;
                    assert_eq!(ends(&input, 0), by_the_book(&input, 0), "{name}: {byte} at {place} of {len}");
                }
            }
        }
    });
}

#[test]
fn every_start_inside_and_behind_the_slice_is_answered() {
    let input: Vec<u8> = (0..80).map(|at| if at % 13 == 12 { b'\r' } else { b'x' }).collect();
    all_kernels(|name, ends| {
        for len in 0..=input.len() {
            for at in 0..=len + 2 {
                let input = &input[..len];
                assert_eq!(ends(input, at), by_the_book(input, at), "{name}: from {at} of {len}");
            }
        }
    });
}
