//! Updates of the table's size (RFC 7541 §4.2, §6.3).

use rws_tests::h2::Block;
use rws_tests::h2::codes::COMPRESSION_ERROR;
use rws_tests::h2::frame::HEADER_TABLE_SIZE;

use super::table::{refused, with_path};
use crate::check::{Check, Finding, Verdict, checks};
use crate::site::{Session, Site};

pub(crate) const CHECKS: &[Check] = checks!["RFC 7541 §4.2, §6.3":
    a_table_may_not_grow_beyond_what_the_server_allows,
    an_update_behind_a_field_is_an_error,
    updates_at_the_start_of_a_block_are_taken,
    a_table_of_no_size_forgets_all,
    a_smaller_table_evicts_the_oldest,
    a_table_that_grows_again_holds_again,
    a_server_with_a_small_table_demands_an_update,
];

fn a_table_may_not_grow_beyond_what_the_server_allows(site: &Site) -> Verdict {
    let s = site.open()?;
    let size = u64::from(s.setting(HEADER_TABLE_SIZE, 4_096));
    for size in [size + 1, size + 1_000_000, u64::from(u32::MAX)] {
        refused(site, &Block::new().table_size(size).and(&site.get()))?;
    }
    Ok(())
}

fn an_update_behind_a_field_is_an_error(site: &Site) -> Verdict {
    refused(site, &site.get().table_size(100))?;
    refused(site, &Block::new().field(":method", "GET").table_size(0).field(":scheme", "http"))
}

fn updates_at_the_start_of_a_block_are_taken(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let most = most_of(&s);
    for (stream, sizes) in [(1, &[most][..]), (3, &[0, most]), (5, &[100]), (7, &[0, 0]), (9, &[0])] {
        let updates = sizes.iter().fold(Block::new(), |block, size| block.table_size(*size));
        s.request(stream, &updates.and(&site.get()));
        s.served(stream)?;
    }
    Ok(())
}

fn a_table_of_no_size_forgets_all(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &site.get().incremental("a", "b"));
    s.served(1)?;
    let most = most_of(&s);
    s.request(3, &Block::new().table_size(0).table_size(most).and(&site.get()));
    s.served(3)?;
    s.request(5, &site.get().indexed(62));
    s.connection_error(&[COMPRESSION_ERROR])
}

/// The usual size of a table, or what the server takes if that is less.
fn most_of(s: &Session<'_>) -> u64 {
    s.setting(HEADER_TABLE_SIZE, 4_096).min(4_096).into()
}

/// Two entries of 34 octets, of which 40 hold one.
fn a_smaller_table_evicts_the_oldest(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &site.get().incremental("a", "b").incremental("c", "d"));
    s.served(1)?;
    s.request(3, &Block::new().table_size(40).indexed(62).and(&site.get()));
    // A regular field before the pseudo-fields: malformed, but decoded.
    s.malformed(3)?;
    let mut s = site.open()?;
    s.request(1, &site.get().incremental("a", "b").incremental("c", "d"));
    s.served(1)?;
    s.request(3, &Block::new().table_size(40).and(&site.get()).indexed(62));
    s.served(3)?;
    s.request(5, &site.get().indexed(63));
    s.connection_error(&[COMPRESSION_ERROR])
}

fn a_table_that_grows_again_holds_again(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let most = most_of(&s);
    s.request(
        1,
        &Block::new().table_size(0).and(&with_path(site, |block| block.incremental_named(4, &site.path))),
    );
    s.served(1)?;
    s.request(
        3,
        &Block::new().table_size(most).and(&with_path(site, |block| block.incremental_named(4, &site.path))),
    );
    s.served(3)?;
    s.request(5, &with_path(site, |block| block.indexed(62)));
    s.served(5).map(|_| ())
}

/// Also RFC 9113 §4.3.1.
fn a_server_with_a_small_table_demands_an_update(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let size = s.setting(HEADER_TABLE_SIZE, 4_096);
    if size >= 4_096 {
        return Err(Finding::Inapplicable("its table has the usual size"));
    }
    s.request(1, &Block::new().table_size(u64::from(size)).and(&site.get()));
    s.served(1)?;
    let mut s = site.open()?;
    s.updates_table = false;
    s.request(1, &site.get());
    s.connection_error(&[COMPRESSION_ERROR])
}
