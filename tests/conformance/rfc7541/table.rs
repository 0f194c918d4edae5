//! Tables and their entries (RFC 7541 §2.3, §4). That an entry was understood shows when the path of a request comes
//! from it.

use rws_tests::h2::Block;
use rws_tests::h2::codes::COMPRESSION_ERROR;
use rws_tests::h2::frame::{HEADER_TABLE_SIZE, MAX_HEADER_LIST_SIZE};

use crate::check::{Check, Verdict, checks};
use crate::site::{Session, Site};

pub(crate) const CHECKS: &[Check] = checks!["RFC 7541 §2.3, §4":
    an_index_beyond_both_tables_is_an_error,
    a_name_beyond_both_tables_is_an_error,
    an_entry_serves_later_requests,
    entries_are_counted_from_the_newest,
    the_same_entry_may_be_there_twice,
    an_entry_that_was_evicted_is_gone,
    an_entry_larger_than_the_table_empties_it,
    an_entry_may_take_its_name_from_one_that_it_evicts,
    a_table_can_be_filled_to_the_last_octet,
];

/// The pseudo-header fields, with the path as `path` writes it.
pub(crate) fn with_path(site: &Site, path: impl FnOnce(Block) -> Block) -> Block {
    let block =
        Block::new().field(":method", "GET").field(":scheme", "http").field(":authority", &site.authority);
    path(block)
}

pub(crate) fn refused(site: &Site, block: &Block) -> Verdict {
    let mut s = site.open()?;
    s.request(1, block);
    s.connection_error(&[COMPRESSION_ERROR])
}

fn an_index_beyond_both_tables_is_an_error(site: &Site) -> Verdict {
    refused(site, &site.get().indexed(62))?;
    refused(site, &site.get().indexed(70))?;
    refused(site, &site.get().incremental("a", "b").indexed(63))
}

fn a_name_beyond_both_tables_is_an_error(site: &Site) -> Verdict {
    refused(site, &site.get().field_named(62, "x"))?;
    refused(site, &site.get().incremental_named(62, "x"))?;
    refused(site, &site.get().raw(rws_tests::h2::integer(0x10, 4, 99)).string(b"x"))
}

fn an_entry_serves_later_requests(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &with_path(site, |block| block.incremental_named(4, &site.path)));
    s.served(1)?;
    for stream in [3, 5, 7] {
        s.request(stream, &with_path(site, |block| block.indexed(62)));
        s.served(stream)?;
    }
    Ok(())
}

fn entries_are_counted_from_the_newest(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &with_path(site, |block| block.incremental_named(4, &site.path)));
    s.served(1)?;
    for (stream, at) in (3..43).step_by(2).zip(62..) {
        s.request(stream, &with_path(site, |block| block.indexed(at)).incremental("x-new", &at.to_string()));
        s.served(stream)?;
    }
    Ok(())
}

fn the_same_entry_may_be_there_twice(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(
        1,
        &with_path(site, |block| block.incremental_named(4, &site.path))
            .incremental("a", "b")
            .incremental("a", "b"),
    );
    s.served(1)?;
    s.request(3, &with_path(site, |block| block.indexed(64)).indexed(62).indexed(63));
    s.served(3).map(|_| ())
}

/// A table of this many octets, whose longest entry a request of the server's can bring; and a block that says so.
fn table(s: &Session<'_>) -> (usize, Block) {
    let entry = s.setting(MAX_HEADER_LIST_SIZE, u32::MAX) / 2;
    let octets = s.setting(HEADER_TABLE_SIZE, 4_096).min(4_096).min(entry) / 64 * 64;
    (octets as usize, Block::new().table_size(octets.into()))
}

/// The table holds one entry of nearly half of it and the path, and not two of them.
fn an_entry_that_was_evicted_is_gone(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let (octets, begin) = table(&s);
    let large = "x".repeat(octets / 2 - 48);
    let block = with_path(site, |block| block.incremental_named(4, &site.path)).incremental("a", &large);
    s.request(1, &begin.and(&block));
    s.served(1)?;
    s.request(3, &with_path(site, |block| block.indexed(63)));
    s.served(3)?;
    s.request(5, &site.get().incremental("b", &large));
    s.served(5)?;
    s.request(7, &with_path(site, |block| block.indexed(64)));
    s.connection_error(&[COMPRESSION_ERROR])
}

fn an_entry_larger_than_the_table_empties_it(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let (octets, begin) = table(&s);
    s.request(1, &begin.and(&site.get().incremental("a", "b")));
    s.served(1)?;
    s.request(3, &site.get().incremental("large", &"x".repeat(octets)));
    s.served(3)?;
    s.request(5, &site.get().indexed(62));
    s.connection_error(&[COMPRESSION_ERROR])
}

/// §4.4: the name is read before its entry goes.
fn an_entry_may_take_its_name_from_one_that_it_evicts(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let (octets, begin) = table(&s);
    s.request(1, &begin.and(&with_path(site, |block| block.incremental(":path", &site.path))));
    s.served(1)?;
    let filled = octets - 32 - 5 - site.path.len();
    s.request(3, &site.get().incremental("a", &"x".repeat(filled - 33)));
    s.served(3)?;
    // The oldest entry is the path, at 63: its name goes into one that leaves no room for it.
    s.request(5, &with_path(site, |block| block.incremental_named(63, &site.path)));
    s.served(5)?;
    s.request(7, &with_path(site, |block| block.indexed(62)));
    s.served(7).map(|_| ())
}

/// Entries of exactly 64 octets: as many as there is room for, and the oldest is still there.
fn a_table_can_be_filled_to_the_last_octet(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let path = format!("{}?{}", site.path, "x".repeat((64 - 32 - 5) - site.path.len().min(20) - 1));
    let (octets, begin) = table(&s);
    let entries = (octets / 64) as u64;
    s.request(1, &begin.and(&with_path(site, |block| block.incremental_named(4, &path))));
    s.served(1)?;
    for (at, stream) in (1..entries).zip((3..).step_by(2)) {
        s.request(stream, &site.get().incremental("x-number", &format!("{at:024}")));
        s.served(stream)?;
    }
    let oldest = 61 + entries;
    s.request(201, &with_path(site, |block| block.indexed(oldest)));
    s.served(201)?;
    s.request(203, &site.get().incremental("x-number", &format!("{entries:024}")));
    s.served(203)?;
    s.request(205, &with_path(site, |block| block.indexed(oldest)));
    // There is now the first of the numbers: a request without a path, if it is read at all.
    s.malformed(205)
}
