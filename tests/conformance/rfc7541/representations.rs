//! The forms of a field (RFC 7541 §6).

use rws_tests::h2::{Block, integer};

use super::table::{refused, with_path};
use crate::check::{Check, Verdict, checks};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 7541 §6":
    index_zero_is_an_error,
    entries_of_the_static_table_are_known,
    a_literal_that_is_not_indexed_leaves_the_table_alone,
    a_literal_that_is_never_indexed_leaves_the_table_alone,
    a_literal_with_a_known_name_is_read_in_every_form,
];

fn index_zero_is_an_error(site: &Site) -> Verdict {
    refused(site, &site.get().indexed(0))?;
    refused(site, &Block::new().indexed(0).and(&site.get()))
}

/// 2 is `:method: GET`, 4 is `:path: /`, 6 is `:scheme: http`, 1 is `:authority`, and 15 to 61 are regular.
fn entries_of_the_static_table_are_known(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let start = Block::new().indexed(2).indexed(6).field_named(1, &site.authority).field_named(4, &site.path);
    s.request(1, &start);
    s.served(1)?;
    for (stream, entry) in [(3, 16), (5, 17), (7, 19), (9, 24), (11, 58)] {
        s.request(stream, &start.clone().indexed(entry));
        s.heard(stream)?;
    }
    s.sound(13)
}

/// The path is at 62 as long as nothing else goes into the table.
fn a_literal_that_is_not_indexed_leaves_the_table_alone(site: &Site) -> Verdict {
    leaves_the_table_alone(site, |block| block.field("x-name", "value").field_named(58, "agent"))
}

fn a_literal_that_is_never_indexed_leaves_the_table_alone(site: &Site) -> Verdict {
    leaves_the_table_alone(site, |block| {
        block.never("x-name", "value").raw(integer(0x10, 4, 58)).string(b"agent")
    })
}

fn leaves_the_table_alone(site: &Site, literals: impl Fn(Block) -> Block) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &literals(with_path(site, |block| block.incremental_named(4, &site.path))));
    s.served(1)?;
    s.request(3, &literals(with_path(site, |block| block.indexed(62))));
    s.served(3)?;
    s.request(5, &with_path(site, |block| block.indexed(62)));
    s.served(5).map(|_| ())
}

fn a_literal_with_a_known_name_is_read_in_every_form(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let path = site.path.as_str();
    let forms: [&dyn Fn(Block) -> Block; 7] = [
        &|block| block.field_named(4, path),
        &|block| block.field_named(5, path),
        &|block| block.incremental_named(4, path),
        &|block| block.raw(integer(0x10, 4, 4)).string(path.as_bytes()),
        &|block| block.never(":path", path),
        &|block| block.incremental(":path", path),
        &|block| block.huffman(":path", path),
    ];
    for (stream, form) in (1..).step_by(2).zip(forms) {
        s.request(stream, &with_path(site, form));
        s.served(stream)?;
    }
    Ok(())
}
