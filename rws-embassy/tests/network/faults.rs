//! What happens to a connection when its peer or the network fails: no socket is lost.

use embassy_net::Stack;
use embassy_time::{Duration, Instant, Timer};

use crate::app::App;
use crate::serving::{ANSWER, exchange};
use crate::world::{Client, SOCKETS, World};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: board\r\n\r\n";
const GET_LAST: &[u8] = b"GET / HTTP/1.1\r\nHost: board\r\nConnection: close\r\n\r\n";

/// All sockets listen again: as many clients at once as there are sockets.
fn every_socket_serves(world: &World) {
    let clients: Vec<_> =
        (0..SOCKETS).map(|_| world.spawn(exchange(world.client, GET_LAST.to_vec()))).collect();
    world.wait(Duration::from_secs(2), Duration::from_millis(1));
    for client in clients {
        let (answer, _) = client.take().expect("an answer");
        assert!(answer.ends_with("hello\n"), "{answer}");
    }
}

#[test]
fn every_third_frame_may_be_lost() {
    let world = World::new(App::default());
    world.cable.lose_every.set(3);
    let stack = world.client;
    world.run(async move {
        let mut served = 0;
        while served < 30 {
            let Some(mut client) = Client::connect(stack).await else { continue };
            for _ in 0..5 {
                client.send(GET).await;
                let answer = client.read_until("hello\n").await;
                if answer.is_empty() {
                    // So much was lost that a deadline struck first: as good as a refused connection.
                    break;
                }
                assert_eq!(answer, ANSWER);
                served += 1;
            }
        }
    });
    world.cable.lose_every.set(0);
    world.wait(Duration::from_secs(120), Duration::from_millis(10));
    every_socket_serves(&world);
}

#[test]
fn clients_that_vanish_in_the_middle_of_a_request_free_their_sockets() {
    let app = App::default();
    let world = World::new(app.clone());
    for request in [
        &b"GET / HTT"[..],
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc",
        b"GET /drip HTTP/1.1\r\nHost: a\r\n\r\n",
        b"",
    ] {
        world.cable.is_cut.set(false);
        let stack = world.client;
        world.spawn(async move {
            let mut client = Client::connect(stack).await.expect("a socket listens");
            client.send(request).await;
            Timer::after_secs(10_000).await;
        });
        world.wait(Duration::from_millis(50), Duration::from_millis(1));
    }
    world.cable.is_cut.set(true);
    world.wait(Duration::from_secs(120), Duration::from_millis(10));
    world.cable.is_cut.set(false);
    assert_eq!(world.pool.connections(), 0);
    assert_eq!(app.begun.get(), app.whole.get() + app.aborted.get(), "every exchange has ended");
    every_socket_serves(&world);
}

#[test]
fn a_socket_whose_end_crosses_its_clients_listens_again_at_once() {
    let world = World::new(App::default());
    let stack = world.client;
    let idle = || async move {
        let mut client = Client::connect(stack).await.expect("a socket listens");
        client.send(GET).await;
        assert_eq!(client.read_until("hello\n").await, ANSWER);
        client
    };
    let mut oldest = world.run(idle());
    let others: Vec<Client> = (2..SOCKETS).map(|_| world.run(idle())).collect();
    world.cable.loses_the_boards_end.set(true);
    let newest = world.run(idle());
    // The board has let the oldest go and waits for word that its end is known; none comes, but the client's own end.
    oldest.close();
    world.wait(Duration::from_millis(20), Duration::from_millis(1));
    assert_eq!(world.pool.connections(), SOCKETS - 1, "the oldest one's socket listens");
    drop((oldest, others, newest));
}

#[test]
fn a_lost_answer_is_sent_again_to_a_client_that_has_ended_its_side() {
    let world = World::new(App::default());
    let stack = world.client;
    let cable = std::rc::Rc::clone(&world.cable);
    let answer = world.run(async move {
        let mut client = Client::connect(stack).await.expect("a socket listens");
        client.send(GET).await;
        client.close();
        // What the board says with its end is the whole answer, and is lost once.
        cable.loses_the_boards_end.set(true);
        Timer::after_millis(100).await;
        cable.loses_the_boards_end.set(false);
        client.read_to_end().await
    });
    assert!(answer.1 && answer.0.ends_with("hello\n"), "{answer:?}");
}

#[test]
fn a_slowloris_on_every_socket_is_answered_408_and_gone() {
    let world = World::new(App::default());
    let stack = world.client;
    let dribble = |stack: Stack<'static>| async move {
        let mut client = Client::connect(stack).await.expect("a socket listens");
        for byte in
            b"GET / HTTP/1.1\r\nHost: board\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        {
            client.send(&[*byte]).await;
            Timer::after_millis(500).await;
        }
        client.read_to_end().await.0
    };
    let crowd: Vec<_> = (0..SOCKETS).map(|_| world.spawn(dribble(stack))).collect();
    world.wait(Duration::from_secs(60), Duration::from_millis(5));
    for client in crowd {
        assert!(client.take().expect("it has ended").starts_with("HTTP/1.1 408 "));
    }
    every_socket_serves(&world);
}

#[test]
fn a_client_that_reads_nothing_is_cut_off() {
    let app = App::default();
    let world = World::new(app.clone());
    let stack = world.client;
    world.spawn(async move {
        let mut client = Client::connect(stack).await.expect("a socket listens");
        client.send(b"GET /drip HTTP/1.1\r\nHost: a\r\n\r\n").await;
        Timer::after_secs(10_000).await;
        drop(client);
    });
    world.wait(Duration::from_secs(90), Duration::from_millis(5));
    assert_eq!((app.aborted.get(), world.pool.connections()), (1, 0));
    every_socket_serves(&world);
}

#[test]
fn an_answer_that_never_comes_is_dropped_when_its_client_leaves() {
    let app = App::default();
    let world = World::new(app.clone());
    let stack = world.client;
    world.run(async move {
        let mut client = Client::connect(stack).await.expect("a socket listens");
        client.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
        Timer::after_millis(100).await;
        client.reset().await;
    });
    world.wait(Duration::from_secs(5), Duration::from_millis(1));
    assert_eq!((app.aborted.get(), world.pool.connections()), (1, 0));
    every_socket_serves(&world);
}

#[test]
fn a_day_of_bad_clients_loses_no_socket() {
    let world = World::new(App::default());
    let (stack, day) = (world.client, Duration::from_secs(24 * 3600));
    let until = Instant::now() + day;
    let seed = core::cell::Cell::new(0x9e37_79b9_7f4a_7c15_u64);
    let faults = std::rc::Rc::clone(&world.cable);
    let mut round = 0u32;
    while Instant::now() < until {
        round += 1;
        seed.set(seed.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
        let dice = seed.get() >> 33;
        faults.lose_every.set(if dice.is_multiple_of(3) { 3 } else { 0 });
        let cut = (dice % 60) as usize;
        world.spawn(async move {
            if let Some(mut client) = Client::connect(stack).await {
                client.send(&GET_LAST[..cut.min(GET_LAST.len())]).await;
                if dice.is_multiple_of(2) {
                    client.reset().await;
                } else {
                    Timer::after_secs(40).await;
                }
            }
        });
        world.wait(Duration::from_secs(10), Duration::from_millis(20));
        faults.is_cut.set(dice.is_multiple_of(7));
        world.wait(Duration::from_secs(110), Duration::from_millis(250));
        faults.is_cut.set(false);
    }
    faults.lose_every.set(0);
    world.wait(Duration::from_secs(200), Duration::from_millis(20));
    assert!(round > 600);
    assert_eq!(world.pool.connections(), 0);
    every_socket_serves(&world);
}
