//! A client and a server, joined by memory: what one writes the other reads, whatever the size of the pieces.

use alloc::string::String;
use alloc::vec::Vec;

use super::testing::{Drive, Give, Message, OwnFields, Script};
use super::{Client, Server};
use crate::connection::{BodyPlan, Connection as _, ConnectionStatus};
use crate::{Limits, Status};

struct Seen {
    server: Vec<String>,
    client: Vec<String>,
}

/// Runs the exchanges, moving at most `step` bytes at a time each way.
fn converse(step: usize, exchanges: &[(Message, Message)]) -> Seen {
    let limits = Limits { response_head_bytes_max: 512, body_window_bytes: 64, ..Limits::SERVER };
    let (mut near, mut far) = (Drive::new(&limits), Drive::new(&limits));
    (near.tx_bytes, far.tx_bytes) = (600, 600);
    let (mut client, mut server) = (Client::new(&near.env()), Server::new(&far.env()));
    let mut requests = Script::new(exchanges.iter().map(|(request, _)| request.clone()));
    let mut answers = Script::new(exchanges.iter().map(|(_, answer)| answer.clone()));
    for _ in exchanges {
        client.open().expect("the connection persists");
        for _ in 0..100_000 {
            near.feed(&mut client, &mut requests, b"");
            let there: Vec<u8> = near.output.drain(..step.min(near.output.len())).collect();
            far.feed(&mut server, &mut answers, &there);
            let back: Vec<u8> = far.output.drain(..step.min(far.output.len())).collect();
            near.feed(&mut client, &mut requests, &back);
            if client.exchange().is_none() && near.output.is_empty() && far.output.is_empty() {
                break;
            }
        }
        assert_eq!(client.exchange(), None, "{:?} {:?}", near.log, far.log);
    }
    assert_eq!((client.status(), server.status()), (ConnectionStatus::Open, ConnectionStatus::Open));
    Seen { server: far.log, client: near.log }
}

#[test]
fn whole_conversations_are_the_same_in_pieces_of_any_size() {
    let long = "0123456789abcdef".repeat(100);
    let to =
        |method: &str, message: Message| Message { request: Message::to(method, "/x").request, ..message };
    let mut hinted = Message::sized(200, &long);
    hinted.interim.push_back((Status::EARLY_HINTS, OwnFields::new(&[("Link", "y")])));
    let exchanges = [
        (to("GET", Message::new(200)), Message::sized(200, "hello")),
        (to("GET", Message::new(200)), hinted),
        (to("HEAD", Message::new(200)), Message::sized(200, &long)),
        (to("POST", Message::sized(200, &long)), Message::new(204)),
        (
            to("POST", Message::streamed(200, &["a", "bc", &long, "d"])),
            Message { trailers: OwnFields::new(&[("X-Sum", "1")]), ..Message::streamed(200, &[&long, "z"]) },
        ),
        (
            Message { expect: true, ..to("PUT", Message::sized(200, "held")) },
            Message::new(200)
                .plan(BodyPlan::Streamed)
                .gives([Give::Direct(long.clone().into()), Give::Blocked]),
        ),
        (to("DELETE", Message::new(200)), Message::new(404)),
    ];
    let whole = converse(usize::MAX, &exchanges);
    assert_eq!(whole.server.iter().filter(|line| line.contains("/x end=")).count(), exchanges.len());
    assert_eq!(whole.client.iter().filter(|line| line.starts_with("response")).count(), exchanges.len());
    assert!(whole.server.contains(&alloc::format!("body abc{long}d")));
    assert!(whole.client.iter().any(|line| line == "end [X-Sum: 1]"));
    assert!(whole.client.iter().any(|line| line == "interim 103 [Link: y]"));
    assert!(whole.client.iter().any(|line| line == "interim 100 "));
    for step in (1..40).chain([100, 1000]) {
        let seen = converse(step, &exchanges);
        assert_eq!(seen.server, whole.server, "pieces of {step}");
        assert_eq!(seen.client, whole.client, "pieces of {step}");
    }
}
