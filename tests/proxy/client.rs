//! The client of these tests; what stands on the proxy's other side is the [`Upstream`](crate::upstream::Upstream).

pub(crate) use rws_tests::peer::{End, PATIENCE, Peer as Client};
