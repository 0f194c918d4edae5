//! The device over HTTP/2: on the board beside the same device on a server.

use core::net::SocketAddr;
use core::time::Duration;
use std::thread;

use rws_tests::device::Target as Device;
use rws_tests::h2::{Block, End, Peer, Response};

use crate::machine::{Machine, Target};

const PATIENCE: Duration = Duration::from_secs(20);
const PASSWORD: (&str, &str) = ("authorization", "Basic b3BlcmF0b3I6bm90IGEgc2VjcmV0");
const JSON: (&str, &str) = ("content-type", "application/json");
const GRPC: (&str, &str) = ("content-type", "application/grpc");
const NINE: &[u8] = b"123456789";

/// A method, a path, more fields, and a body.
type Request = (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static [u8]);

const REQUESTS: &[Request] = &[
    ("GET", "/", &[], b""),
    ("HEAD", "/", &[], b""),
    ("GET", "/nowhere", &[], b""),
    ("DELETE", "/", &[], b""),
    ("BREW", "/", &[], b""),
    ("OPTIONS", "/firmware", &[], b""),
    ("OPTIONS", "*", &[], b""),
    ("GET", "/led/on", &[], b""),
    ("POST", "/led", &[JSON], b"{\"on\":true}"),
    ("POST", "/led", &[PASSWORD, JSON], b"{\"on\":true}"),
    ("GET", "/led/on", &[], b""),
    ("POST", "/led", &[PASSWORD, JSON], b"{\"on\":"),
    ("POST", "/led", &[PASSWORD, JSON], &[b' '; 300]),
    ("POST", "/firmware", &[PASSWORD, ("x-crc32", "cbf43926")], NINE),
    ("POST", "/firmware", &[PASSWORD, ("x-crc32", "00000000")], NINE),
    ("GET", "/index.html", &[], b""),
    ("GET", "/index.html", &[("accept-encoding", "gzip")], b""),
    ("GET", "/index.html", &[("if-none-match", "*")], b""),
    ("GET", "/metrics", &[], b""),
    ("POST", "/device.v1.Led/Switch", &[GRPC, ("te", "trailers")], b"\0\0\0\0\x02\x08\x01"),
    ("POST", "/device.v1.Led/Switch", &[PASSWORD, GRPC, ("te", "trailers")], b"\0\0\0\0\x02\x08\x01"),
    ("POST", "/device.v1.Led/Switch", &[PASSWORD, GRPC, ("te", "trailers")], b"\0\0\0\0\0"),
    ("POST", "/device.v1.Led/Blink", &[PASSWORD, GRPC, ("te", "trailers")], b"\0\0\0\0\0"),
    ("POST", "/device.v1.Led/Switch", &[PASSWORD, JSON], b"{}"),
    ("GET", "/led/off", &[], b""),
];

/// What is answered to each request, one connection for all of them.
fn ask(address: SocketAddr) -> Vec<String> {
    let mut peer = Peer::open(address, PATIENCE, &[]).expect("it speaks HTTP/2");
    peer.gives_credit = true;
    let mut answers = Vec::new();
    for (stream, (method, path, fields, body)) in (1..).step_by(2).zip(REQUESTS) {
        let block = Block::request(method, path, "device");
        let block = fields.iter().fold(block, |block, (name, value)| block.field(name, value));
        if body.is_empty() {
            peer.request(stream, &block);
        } else {
            peer.begin(stream, &block);
            peer.data(stream, body, true);
        }
        let answer = peer.response(stream).expect("an answer");
        answers.push(format!("{method} {path} {fields:?}\n{}", shown(path, &answer)));
    }
    answers
}

/// All of an answer but what differs from one run to the next.
fn shown(path: &str, answer: &Response) -> String {
    let field = |(name, value): &(String, Vec<u8>)| match name.as_str() {
        "x-request-id" => format!("{name}: <id>\n"),
        "date" => String::new(),
        _ => format!("{name}: {}\n", String::from_utf8_lossy(value)),
    };
    let body = String::from_utf8_lossy(&answer.body);
    let body = if path == "/metrics" { without_numbers(&body) } else { body.into_owned() };
    let trailers = answer.trailers.iter().flatten();
    let trailers: String = trailers.map(field).collect();
    let end = if answer.end == End::Whole { "whole" } else { "reset" };
    format!("{}\n{body}\n{trailers}{end}", answer.fields.iter().map(field).collect::<String>())
}

fn without_numbers(page: &str) -> String {
    let sample = |line: &str| match line.rsplit_once(' ') {
        Some((name, _)) if !line.starts_with('#') => format!("{name} #\n"),
        _ => format!("{line}\n"),
    };
    page.lines().map(sample).collect()
}

#[test]
fn every_answer_over_http_2_is_that_of_the_server() {
    let server = Device::start();
    let boards = Target::ALL.map(|target| Machine::start("firmware", target));
    thread::scope(|scope| {
        let runs = boards.each_ref().map(|board| {
            let address = board.address;
            scope.spawn(move || ask(address))
        });
        let expected = ask(server.address());
        for (target, run) in Target::ALL.iter().zip(runs) {
            let answers = run.join().expect("the board's answers");
            assert_eq!(answers.len(), expected.len());
            for (board, server) in answers.iter().zip(&expected) {
                assert_eq!(board, server, "{target:?}\non the board:\n{board}\non the server:\n{server}");
            }
        }
    });
}
