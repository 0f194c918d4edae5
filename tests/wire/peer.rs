//! The client of these tests.

pub(crate) use rws_tests::peer::{End, PATIENCE, Peer};
