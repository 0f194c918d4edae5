//! What the device of `examples/device` answers, byte by byte, whoever serves it.
//!
//! Every exchange of [`exchanges`] is run over a socket and its answers are written down as they came, but for
//! what differs from one run to the next: see [`transcript`]. The result must be `recorded.txt`. So every host
//! that passes gives the same bytes as every other.
//!
//! | variable | meaning |
//! |---|---|
//! | `RWS_DEVICE_AT=HOST:PORT` | the device is there already, on a board say; otherwise `device_on_std` is started |
//! | `RWS_DEVICE_RECORD=1` | write `recorded.txt` anew; its difference is to be read before it is checked in |
//!
//! A device that is there already has only so many connections and seats, so its tests run one after another
//! (`--test-threads 1`).

mod events;

use std::path::PathBuf;

use rws_tests::device::exchanges::exchanges;
use rws_tests::device::{Target, transcript};

#[test]
fn every_answer_is_as_it_is_on_record() {
    let target = Target::new();
    let mut all = String::new();
    for exchange in exchanges() {
        all.push_str(&format!("=== {}\n", exchange.name));
        all.push_str(&transcript::of(&exchange, target.address()));
    }
    let record = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("device/recorded.txt");
    if std::env::var_os("RWS_DEVICE_RECORD").is_some() {
        std::fs::write(&record, &all).expect("the record can be written");
    }
    let recorded = std::fs::read_to_string(&record).expect("the record");
    for (part, expected) in all.split("=== ").zip(recorded.split("=== ")) {
        assert_eq!(part, expected, "\nanswered:\n{part}\non record:\n{expected}");
    }
    assert_eq!(all.len(), recorded.len(), "an exchange is missing on either side");
}
