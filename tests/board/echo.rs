//! The board without HTTP.

use crate::machine::{Machine, Target};

#[test]
fn a_bare_echo_sends_back_what_it_hears() {
    for target in Target::ALL {
        let board = Machine::start("echo", target);
        let mut client = board.connect();
        for round in 0..100_u32 {
            let said = format!("round {round}, {}", "x".repeat(round as usize * 7));
            client.send(&said);
            let mut heard = Vec::new();
            assert!(client.take(said.len(), &mut heard), "{target:?}: all of it comes back");
            assert_eq!(heard, said.as_bytes(), "{target:?}");
        }
    }
}
