//! Layers around a proxy: heads pass through them, bodies do not, and a layer that would have to see one is told so.

use core::net::SocketAddr;
use std::io::{Read, Write};
use std::net::TcpStream;

use rws_core::middleware::{BodyLimitLayer, Layered, Stack, TraceIdLayer};
use rws_core::testing::Fixed;
use rws_std::forward::{ForwardOptions, ReverseProxy, RoundRobin};
use rws_std::{JobCx, Plain, PooledRoom, Running, Server, Status};

/// A proxy with these layers around it, before a server that says `hello`.
fn answer_through(layers: Stack<JobCx>) -> String {
    let behind = serve(Plain(Fixed::text(Status::OK, "hello")));
    let proxy = ReverseProxy::new(RoundRobin::new(vec![behind.address()]), ForwardOptions::default());
    let front = serve(Layered::<_, _, PooledRoom>::with_room(layers, proxy));
    let answer = get(front.address());
    assert_eq!((front.drain(), behind.drain()), (0, 0), "every thread has ended");
    answer
}

fn serve<A: rws_std::Application>(app: A) -> Running<A> {
    Server::bind("127.0.0.1:0").expect("a free port").shards(1).start(app).expect("threads")
}

fn get(address: SocketAddr) -> String {
    let mut socket = TcpStream::connect(address).expect("a connection");
    socket.set_read_timeout(Some(core::time::Duration::from_secs(20))).expect("a socket");
    socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_layer_that_sees_heads_alone_stands_before_a_proxy() {
    let mut layers = Stack::new();
    layers.push(TraceIdLayer::new());
    let answer = answer_through(layers);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nhello"), "{answer}");
    assert!(answer.contains("\r\nX-Request-ID: "), "{answer}");
}

#[test]
fn a_layer_that_has_to_see_bodies_is_answered_500_instead_of_being_passed_over() {
    let mut layers = Stack::new();
    layers.push(BodyLimitLayer::new(1000));
    let answer = answer_through(layers);
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(
        answer.ends_with("a layer changes bodies, and forwarded ones do not pass through it"),
        "{answer}"
    );
}
