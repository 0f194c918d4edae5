//! The device on the board beside the same device on a server.

use std::thread;

use rws_tests::device::exchanges::{Exchange, exchanges};
use rws_tests::device::{Target as Device, transcript};

use crate::machine::{Machine, Target};

/// What comes back in each exchange: its name, then the bytes.
fn run(exchanges: &[Exchange], address: core::net::SocketAddr) -> Vec<String> {
    let run = |exchange: &Exchange| format!("{}\n{}", exchange.name, transcript::of(exchange, address));
    exchanges.iter().map(run).collect()
}

/// Only what no two runs have in common is masked: the request ids, `Date`, and the numbers that are measured.
#[test]
fn every_answer_is_byte_by_byte_that_of_the_server() {
    let exchanges = &exchanges()[..];
    let server = Device::start();
    let boards = Target::ALL.map(|target| Machine::start("firmware", target));
    thread::scope(|scope| {
        let expected = scope.spawn(|| run(exchanges, server.address()));
        let addresses = boards.each_ref().map(|board| board.address);
        let runs = addresses.map(|address| scope.spawn(move || run(exchanges, address)));
        let expected = expected.join().expect("the server's answers");
        for (target, run) in Target::ALL.iter().zip(runs) {
            let answers = run.join().expect("the board's answers");
            for (board, server) in answers.iter().zip(&expected) {
                assert_eq!(board, server, "{target:?}\non the board:\n{board}\non the server:\n{server}");
            }
        }
    });
}
