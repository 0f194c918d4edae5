//! String literals (RFC 7541 §5.2).

use rws_tests::h2::huffman::{encode, encode_padded};

use super::table::{refused, with_path};
use crate::check::{Check, Verdict, checks};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 7541 §5.2":
    strings_in_the_huffman_code_are_read,
    padding_of_eight_bits_is_an_error,
    padding_that_is_not_all_ones_is_an_error,
    eos_within_a_string_is_an_error,
    a_string_beyond_the_end_of_its_block_is_an_error,
];

fn strings_in_the_huffman_code_are_read(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &with_path(site, |block| block.huffman(":path", &site.path)));
    s.served(1)?;
    // Every octet that a value may have.
    let all: Vec<u8> = (0x21..=0x7e).chain(0x80..=0xff).collect();
    let block = site.get().raw([0x00]).huffman_string(&encode(b"x-all")).huffman_string(&encode(&all));
    s.request(3, &block);
    s.served(3)?;
    s.request(5, &site.get().raw([0x00]).huffman_string(&encode(b"x-empty")).huffman_string(b""));
    s.served(5).map(|_| ())
}

fn padding_of_eight_bits_is_an_error(site: &Site) -> Verdict {
    for text in [&b"test"[..], b"", b"ab"] {
        let padded = [&encode(text)[..], &[0xff]].concat();
        refused(site, &site.get().raw([0x00]).string(b"x-test").huffman_string(&padded))?;
    }
    refused(
        site,
        &site.get().raw([0x00]).huffman_string(&[&encode(b"x-test")[..], &[0xff]].concat()).string(b"a"),
    )
}

fn padding_that_is_not_all_ones_is_an_error(site: &Site) -> Verdict {
    // `a` has five bits: three are left to fill.
    for padding in 0..7 {
        let padded = encode_padded(b"a", padding << 5);
        refused(site, &site.get().raw([0x00]).string(b"x-test").huffman_string(&padded))?;
    }
    Ok(())
}

/// EOS is thirty ones: here alone, and behind other symbols.
fn eos_within_a_string_is_an_error(site: &Site) -> Verdict {
    for octets in
        [&[0xff, 0xff, 0xff, 0xff][..], &[0x1f, 0xff, 0xff, 0xff, 0xff], &[0xff, 0xff, 0xff, 0xfc, 0x7f]]
    {
        refused(site, &site.get().raw([0x00]).string(b"x-test").huffman_string(octets))?;
    }
    Ok(())
}

fn a_string_beyond_the_end_of_its_block_is_an_error(site: &Site) -> Verdict {
    refused(site, &site.get().raw([0x00, 0x05]).raw(b"name"))?;
    refused(site, &site.get().raw([0x00]).string(b"name").raw([0x7e]).raw(b"value"))?;
    refused(site, &site.get().raw([0x00]).string(b"name").raw([0x85]).raw(&encode(b"value")[..1]))?;
    refused(site, &site.get().raw([0x00]).string(b"name"))
}
