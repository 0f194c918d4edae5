//! What a client gets when nothing goes wrong.

use embassy_time::Duration;
use rws_embassy::Drive;

use crate::app::{App, Exchange};
use crate::world::{Client, SOCKETS, World};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: board\r\n\r\n";
const GET_LAST: &[u8] = b"GET / HTTP/1.1\r\nHost: board\r\nConnection: close\r\n\r\n";
pub(crate) const ANSWER: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n";

/// Sends a request that is its connection's last, and reads the answer to its end.
pub(crate) async fn exchange(stack: embassy_net::Stack<'static>, request: Vec<u8>) -> (String, bool) {
    let Some(mut client) = Client::connect(stack).await else { return (String::from("refused"), false) };
    client.exchange(&request).await
}

#[test]
fn a_request_is_answered_and_the_connection_ends_in_order() {
    let app = App::default();
    let world = World::new(app.clone());
    let (answer, in_order) = world.run(exchange(world.client, GET_LAST.to_vec()));
    assert_eq!(
        answer,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n"
    );
    assert!(in_order);
    assert_eq!((app.begun.get(), app.whole.get(), app.aborted.get()), (1, 1, 0));
    world.wait(Duration::from_secs(1), Duration::from_millis(1));
    assert_eq!(world.pool.connections(), 0);
}

#[test]
fn one_connection_serves_one_request_after_the_other() {
    let world = World::new(App::default());
    let stack = world.client;
    world.run(async move {
        let mut client = Client::connect(stack).await.expect("a socket listens");
        for _ in 0..100 {
            assert!(client.send(GET).await);
            assert_eq!(client.read_until("hello\n").await, ANSWER);
        }
    });
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let world = World::new(App::default());
    let missing = b"GET /missing HTTP/1.1\r\nHost: board\r\n\r\n";
    let requests = [GET, missing, GET, GET, missing, GET_LAST].concat();
    let (answers, in_order) = world.run(exchange(world.client, requests));
    let kinds: Vec<&str> =
        answers.split("HTTP/1.1 ").skip(1).map(|answer| answer.split(' ').next().unwrap_or("")).collect();
    assert_eq!(kinds, ["200", "404", "200", "200", "404", "200"]);
    assert!(in_order && answers.ends_with("hello\n"));
}

#[test]
fn a_body_that_is_larger_than_every_buffer_streams_through() {
    let world = World::new(App::default());
    let body: String = (0..40_000).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
    let head = format!(
        "POST /echo HTTP/1.1\r\nHost: board\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let (answer, in_order) = world.run(exchange(world.client, (head + &body).into_bytes()));
    assert!(in_order, "{answer}");
    assert_eq!(chunks_of(&answer), body);
}

#[test]
fn a_chunked_body_comes_back_whole() {
    let world = World::new(App::default());
    let mut request = String::from(
        "POST /echo HTTP/1.1\r\nHost: board\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    for at in 0..300 {
        let piece = format!("piece {at};");
        request += &format!("{:x}\r\n{piece}\r\n", piece.len());
    }
    request += "0\r\nX-Trailer: 1\r\n\r\n";
    let (answer, in_order) = world.run(exchange(world.client, request.into_bytes()));
    assert!(in_order, "{answer}");
    assert!(chunks_of(&answer).ends_with("piece 299;"));
}

#[test]
fn a_client_that_waits_is_asked_for_its_body() {
    let world = World::new(App::default());
    let stack = world.client;
    world.run(async move {
        let mut client = Client::connect(stack).await.expect("a socket listens");
        let head = "POST /echo HTTP/1.1\r\nHost: board\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
        assert!(client.send(head.as_bytes()).await);
        let first = client.read_until("\r\n\r\n").await;
        if first.starts_with("HTTP/1.1 100") {
            assert_eq!(first, "HTTP/1.1 100 Continue\r\n\r\n");
        } else {
            panic!("the body was not asked for: {first}");
        }
        assert!(client.send(b"abc").await);
        assert!(client.read_until("0\r\n\r\n").await.contains("abc"));
    });
}

#[test]
fn a_client_that_has_ended_its_side_gets_its_answer() {
    let world = World::new(App::default());
    let stack = world.client;
    let (answer, in_order) = world.run(async move {
        let mut client = Client::connect(stack).await.expect("a socket listens");
        client.send(GET).await;
        client.close();
        client.read_to_end().await
    });
    assert!(in_order && answer.ends_with("hello\n"), "{answer}");
}

#[test]
fn what_is_malformed_is_refused_and_the_answer_arrives() {
    let world = World::new(App::default());
    for (request, status) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "400"),
        (b"GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        (b"GET / HTTP/3.1\r\nHost: a\r\n\r\n", "505"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n", "413"),
    ] {
        let (answer, in_order) = world.run(exchange(world.client, request.to_vec()));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains("Connection: close") && in_order, "{answer}");
    }
    let long = [b"GET /".as_slice(), &[b'a'; 300], b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
    assert!(world.run(exchange(world.client, long)).0.starts_with("HTTP/1.1 414 "));
    let large = [GET.trim_ascii_end(), b"\r\nX: ", &[b'a'; 2000], b"\r\n\r\n"].concat();
    assert!(world.run(exchange(world.client, large)).0.starts_with("HTTP/1.1 431 "));
    world.wait(Duration::from_secs(5), Duration::from_millis(10));
    assert_eq!(world.pool.connections(), 0);
}

#[test]
fn more_clients_than_sockets_are_served_since_the_idle_one_makes_room() {
    let world = World::new(App::default());
    let stack = world.client;
    world.run(async move {
        let mut waiting = Vec::new();
        for _ in 0..SOCKETS + 3 {
            let mut client = Client::connect(stack).await.expect("a socket listens");
            client.send(GET).await;
            assert_eq!(client.read_until("hello\n").await, ANSWER);
            waiting.push(client);
            embassy_time::Timer::after_millis(600).await;
        }
        // The longest idle ones were closed in order, the last ones are there.
        assert_eq!(waiting[0].read_to_end().await, (String::new(), true));
        let last = waiting.last_mut().expect("there are some");
        last.send(GET).await;
        assert_eq!(last.read_until("hello\n").await, ANSWER);
    });
}

#[test]
fn a_client_that_was_just_accepted_need_not_make_room() {
    let world = World::new(App::default());
    let stack = world.client;
    world.run(async move {
        let mut clients = Vec::new();
        for _ in 0..SOCKETS {
            clients.push(Client::connect(stack).await.expect("a socket listens"));
        }
        assert!(Client::connect(stack).await.is_none(), "no socket listens");
        embassy_time::Timer::after_millis(300).await;
        for client in &mut clients {
            client.send(GET).await;
        }
        for client in &mut clients {
            assert_eq!(client.read_until("hello\n").await, ANSWER);
        }
    });
}

#[test]
fn clients_that_say_nothing_make_room_in_the_end() {
    let world = World::new(App::default());
    let stack = world.client;
    world.run(async move {
        let mut silent = Vec::new();
        for _ in 0..SOCKETS {
            silent.push(Client::connect(stack).await.expect("a socket listens"));
        }
        embassy_time::Timer::after_millis(1000).await;
        let mut client = Client::connect(stack).await.expect("one of them made room");
        client.send(GET).await;
        assert_eq!(client.read_until("hello\n").await, ANSWER);
        assert_eq!(silent[0].read_to_end().await, (String::new(), true));
    });
}

#[test]
fn a_pool_that_is_shut_down_finishes_what_it_has() {
    let world = World::new(App::default());
    let stack = world.client;
    let busy = world.spawn(async move {
        let mut client = Client::connect(stack).await.expect("a socket listens");
        client.send(b"POST /echo HTTP/1.1\r\nHost: board\r\nContent-Length: 6\r\n\r\nabc").await;
        embassy_time::Timer::after_secs(1).await;
        client.send(b"def").await;
        client.read_to_end().await
    });
    world.wait(Duration::from_millis(500), Duration::from_millis(1));
    world.pool.shutdown();
    world.wait(Duration::from_millis(300), Duration::from_millis(1));
    assert_eq!(world.ended.get(), SOCKETS - 1, "those without an exchange end at once");
    world.wait(Duration::from_secs(3), Duration::from_millis(1));
    let (answer, in_order) = busy.take().expect("the exchange is over");
    assert_eq!(chunks_of(&answer), "abcdef");
    assert!(in_order && world.ended.get() == SOCKETS);
}

#[test]
fn what_a_connection_costs_is_known() {
    assert!(size_of::<Drive<Exchange>>() <= 256, "{}", size_of::<Drive<Exchange>>());
}

/// The content of a chunked answer.
fn chunks_of(answer: &str) -> String {
    let (_, mut rest) = answer.split_once("\r\n\r\n").expect("a head");
    let mut body = String::new();
    while let Some((size, more)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size");
        body += &more[..size];
        rest = &more[size + 2..];
    }
    body
}
