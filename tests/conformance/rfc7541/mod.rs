//! RFC 7541 (HPACK), a file for each group of sections.

mod integers;
mod representations;
mod strings;
mod table;
mod table_size;

use crate::check::Check;

pub(crate) const CHECKS: &[&[Check]] =
    &[table::CHECKS, table_size::CHECKS, integers::CHECKS, strings::CHECKS, representations::CHECKS];
