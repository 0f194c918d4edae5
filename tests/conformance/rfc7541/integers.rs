//! Integers (RFC 7541 §5.1).

use rws_tests::h2::frame::MAX_HEADER_LIST_SIZE;
use rws_tests::h2::{Block, integer};

use super::table::refused;
use crate::check::{Check, Verdict, checks};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 7541 §5.1":
    an_index_that_overflows_is_an_error,
    a_length_that_overflows_is_an_error,
    an_integer_without_an_end_is_an_error,
    an_integer_cut_off_is_an_error,
    an_integer_with_needless_octets_is_read_or_refused,
    long_strings_have_long_lengths,
];

/// A prefix of ones, and then as large as ten octets can say.
fn overflowing(pattern: u8, prefix_bits: u8) -> Vec<u8> {
    [&[pattern | ((1 << prefix_bits) - 1)][..], &[0xff; 9], &[0x7f]].concat()
}

fn an_index_that_overflows_is_an_error(site: &Site) -> Verdict {
    refused(site, &site.get().raw(overflowing(0x80, 7)))?;
    refused(site, &site.get().raw(overflowing(0x40, 6)).string(b"x"))?;
    refused(site, &Block::new().raw(overflowing(0x20, 5)).and(&site.get()))?;
    // 2^32 + 2 in all, which is `:method: GET` to whoever has only 32 bits.
    refused(site, &site.get().raw(integer(0x80, 7, (1 << 32) + 2)))
}

fn a_length_that_overflows_is_an_error(site: &Site) -> Verdict {
    refused(site, &site.get().raw([0x00]).raw(overflowing(0x00, 7)).raw(b"x"))?;
    refused(site, &site.get().raw([0x00]).string(b"x").raw(overflowing(0x80, 7)).raw(b"x"))?;
    refused(site, &site.get().raw([0x00]).raw(integer(0x00, 7, (1 << 32) + 1)).raw(b"x").string(b"y"))
}

fn an_integer_without_an_end_is_an_error(site: &Site) -> Verdict {
    refused(site, &site.get().raw([0xff]).raw([0x80; 100]).raw([0x00]))?;
    refused(site, &site.get().raw([0xff]).raw([0xff; 900]).raw([0x00]))
}

fn an_integer_cut_off_is_an_error(site: &Site) -> Verdict {
    refused(site, &site.get().raw([0xff]))?;
    refused(site, &site.get().raw([0x7f, 0x80]))?;
    refused(site, &site.get().raw([0x00, 0x7f]))
}

/// Zeros at the top waste octets, and the specification leaves it to each how many to take.
fn an_integer_with_needless_octets_is_read_or_refused(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let path = Block::new().raw([0x0f, 0x80, 0x00]).string(b"x");
    s.request(1, &site.get().and(&path));
    match s.response(1) {
        Ok(_) => s.tolerates(),
        Err(_) => refused(site, &site.get().and(&path)),
    }
}

fn long_strings_have_long_lengths(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let lengths = [1, 120, 126, 127, 128, 254, 255, 256, 400, 1_000];
    // A value of one length, and a field behind it that is there only if that was read as it is meant.
    let most = s.setting(MAX_HEADER_LIST_SIZE, 2_000) as usize / 2;
    for (stream, length) in (1..).step_by(2).zip(lengths.into_iter().filter(|length| *length <= most)) {
        s.request(stream, &site.get().field("x-long", "x".repeat(length)).field("x-next", "a"));
        s.served(stream)?;
    }
    Ok(())
}
