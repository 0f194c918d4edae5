//! Our reading beside that of implementations which share no line with it: `httparse` for heads and chunk
//! sizes, `hyper` as the other end of real connections, `fluke-hpack` for field blocks.
//!
//! Where both accept, they must have read the same. Where one refuses what the other accepts, the case must
//! fall in a class that `heads` lists with its reason: there is no third kind.

mod compression;
mod dice;
mod heads;
mod our_client;
mod our_server;

/// How many cases: the long form has a hundred times as many.
fn cases(short: u64) -> u64 {
    if std::env::var("RWS_TESTS_FULL").is_ok_and(|full| full == "1") { short * 100 } else { short }
}
