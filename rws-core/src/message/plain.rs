//! Runs of plain bytes: how far can one read without looking closer?
//!
//! The predicates are conservative: a byte that they stop at may still be fine, and is then judged byte by
//! byte. They look at a byte and the one before it, without branches, so that the compiler turns sixteen of
//! them into vector code where the processor has it ([`run_end`]); elsewhere they run one at a time.

/// The first place in `at..end` whose byte is not plain in a canonical path, or stands with the one before it
/// for an empty segment or one that begins with a dot; `end` if there is none. `at` must not be 0.
pub(super) fn path_run_end(bytes: &[u8], at: usize, end: usize) -> usize {
    run_end(bytes, at, end, |before, byte| {
        // `&'()*+,-./`, digits, `:`
        let mark_or_digit = byte.wrapping_sub(b'&') <= b':' - b'&';
        let segment_start = (before == b'/') & ((byte == b'/') | (byte == b'.'));
        !(is_letter(byte) | mark_or_digit | (byte == b'_')) | segment_start
    })
}

/// The first place in `at..end` whose byte may not stand in a query; `end` if there is none. `at` must not
/// be 0. Exact: visible ASCII but `" # < >`.
pub(super) fn query_run_end(bytes: &[u8], at: usize, end: usize) -> usize {
    run_end(bytes, at, end, |_, byte| {
        let invisible = byte.wrapping_sub(b'!') > b'~' - b'!';
        let quote_or_hash = byte & 0xfe == b'"';
        let angle = byte & 0xfd == b'<';
        invisible | quote_or_hash | angle
    })
}

/// The first place in `at..end` whose byte is not plain in a host name, or stands with the one before it for an
/// empty label; `end` if there is none. `at` must not be 0.
pub(super) fn name_run_end(bytes: &[u8], at: usize, end: usize) -> usize {
    run_end(bytes, at, end, |before, byte| {
        // `-./` and digits
        let mark_or_digit = (byte.wrapping_sub(b'-') <= b'9' - b'-') & (byte != b'/');
        let empty_label = (before == b'.') & (byte == b'.');
        !(is_letter(byte) | mark_or_digit) | empty_label
    })
}

#[cfg_attr(not(target_os = "none"), inline(always))]
const fn is_letter(byte: u8) -> bool {
    (byte | 0x20).wrapping_sub(b'a') <= b'z' - b'a'
}

/// Whether sixteen bytes at a time pay.
const BLOCKS: bool = cfg!(any(target_feature = "sse2", target_feature = "neon"));

/// The first place in `at..end` where `stops` says so of the byte before and the byte; `end` if there is none.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn run_end(bytes: &[u8], mut at: usize, end: usize, stops: impl Fn(u8, u8) -> bool) -> usize {
    // A block may reach past `end`: what it says of the bytes there does not count.
    while BLOCKS && at < end {
        let window = bytes.get(at.wrapping_sub(1)..).and_then(|rest| rest.first_chunk());
        let Some(window) = window else { break };
        let marks = marks(window, &stops);
        if marks != 0 {
            return at.wrapping_add((marks.trailing_zeros() / 8) as usize).min(end);
        }
        at = at.wrapping_add(16);
    }
    while at < end {
        let (Some(&before), Some(&byte)) = (bytes.get(at.wrapping_sub(1)), bytes.get(at)) else { break };
        if stops(before, byte) {
            return at;
        }
        at = at.wrapping_add(1);
    }
    end
}

/// One byte of ones for each of the last sixteen at which to stop, the first lowest.
#[cfg_attr(not(target_os = "none"), inline(always))]
#[expect(
    clippy::indexing_slicing,
    reason = "below 17, which the compiler sees; in this shape it makes vector code"
)]
fn marks(window: &[u8; 17], stops: impl Fn(u8, u8) -> bool) -> u128 {
    let mut marks = [0; 16];
    let mut at = 0;
    while at < 16 {
        marks[at] = if stops(window[at], window[at + 1]) { 0xff } else { 0 };
        at += 1;
    }
    u128::from_le_bytes(marks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn runs_end_at_the_same_place_whatever_stands_around_them() {
        for (run_end, byte, plain) in [
            (path_run_end as fn(&[u8], usize, usize) -> usize, b'%', b'a'),
            (query_run_end, b'#', b'%'),
            (name_run_end, b':', b'a'),
        ] {
            for len in 1..40 {
                for stop in 1..len {
                    let mut bytes = vec![plain; len];
                    assert_eq!(run_end(&bytes, 1, len), len);
                    bytes[stop] = byte;
                    assert_eq!(run_end(&bytes, 1, len), stop);
                    assert_eq!(run_end(&bytes, 1, stop), stop);
                    assert_eq!(run_end(&bytes, stop, len), stop);
                }
            }
        }
    }

    #[test]
    fn every_pair_of_bytes_is_judged_alike_alone_and_in_a_block() {
        for run_end in [path_run_end, query_run_end, name_run_end] {
            for pair in 0..=u16::MAX {
                let [before, byte] = pair.to_le_bytes();
                let alone = run_end(&[before, byte], 1, 2);
                let mut block = [byte; 18];
                block[0] = before;
                assert_eq!(run_end(&block, 1, 2), alone, "{before:#x} {byte:#x}");
            }
        }
    }
}
