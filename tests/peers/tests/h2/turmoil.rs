//! Streams of all kinds at once, of several clients, on one shard and behind a proxy.

use core::net::SocketAddr;
use std::thread;

use http::Method;
use rws_std::Server;
use rws_std::forward::{ForwardOptions, ReverseProxy, RoundRobin};

use crate::client::{Asked, Client, request};
use crate::site::{Site, pattern, settles};

/// Numbers that look random, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) as usize % below
    }
}

/// What an answer has to be.
enum Expected {
    Text(String),
    Pattern(usize),
    Status(u16),
    /// The client does not wait for it.
    Nothing,
}

fn ask(client: &mut Client, dice: &mut Dice) -> (Asked, Expected, Option<Vec<u8>>) {
    let number = dice.roll(1000);
    match dice.roll(8) {
        0 | 1 => {
            (client.start(&format!("/hello/{number}")), Expected::Text(format!("Hello, {number}!")), None)
        }
        2 => (client.start(&format!("/nap/{}", number % 5)), Expected::Text((number % 5).to_string()), None),
        3 => (client.start(&format!("/large/{}", number * 100)), Expected::Pattern(number * 100), None),
        4 => (client.start(&format!("/stream/{}", number * 50)), Expected::Pattern(number * 50), None),
        5 => {
            let path = if number % 2 == 0 { "/echo" } else { "/collect" };
            let asked = client.ask(request(Method::POST, path).body(()).unwrap(), false);
            (asked, Expected::Pattern(number * 100), Some(pattern(number * 100)))
        }
        6 => (client.start("/panic"), Expected::Status(500), None),
        _ => {
            let mut asked = client.start(if number % 2 == 0 { "/large/1000000" } else { "/nap/3" });
            asked.body.send_reset(h2::Reason::CANCEL);
            (asked, Expected::Nothing, None)
        }
    }
}

fn be_one_client(address: SocketAddr, seed: u64) {
    let mut dice = Dice(seed);
    // Answers that are not read yet take of it; with less, they could keep out the one that is.
    let mut client = Client::with(address, |builder| {
        builder.initial_connection_window_size(1 << 26);
    });
    for round in 0..15 {
        let asked: Vec<_> = (0..dice.roll(40) + 1).map(|_| ask(&mut client, &mut dice)).collect();
        for (asked, expected, body) in asked {
            let answer = match (body, &expected) {
                (_, Expected::Nothing) => continue,
                (Some(body), _) => client.send_all(asked, body, None),
                (None, _) => client.finish(asked),
            };
            let answer = answer.unwrap_or_else(|error| panic!("seed {seed}, round {round}: {error}"));
            match expected {
                Expected::Text(text) => assert_eq!(answer.text(), text),
                Expected::Pattern(len) => assert!(answer.body == pattern(len), "seed {seed}, round {round}"),
                Expected::Status(status) => assert_eq!(answer.status.as_u16(), status),
                Expected::Nothing => {}
            }
        }
    }
}

fn be_many_clients(address: SocketAddr) {
    let clients: Vec<_> = (1..=4).map(|seed| thread::spawn(move || be_one_client(address, seed))).collect();
    for client in clients {
        client.join().unwrap();
    }
}

#[test]
fn streams_of_all_kinds_get_their_answers_whatever_their_neighbours_do() {
    let site = Site::new();
    be_many_clients(site.address());
    settles("all connections are gone", || site.running.stats().connections_open == 0);
    assert_eq!(site.running.drain(), 0);
}

#[test]
fn streams_of_all_kinds_pass_a_proxy_whatever_their_neighbours_do() {
    let site = Site::new();
    let proxy = ReverseProxy::new(RoundRobin::new(vec![site.address()]), ForwardOptions::default());
    let proxy = Server::bind("127.0.0.1:0").unwrap().shards(1).start(proxy).unwrap();
    be_many_clients(proxy.address());
    settles("all connections are gone", || proxy.stats().connections_open == 0);
    assert_eq!(proxy.drain(), 0);
}
