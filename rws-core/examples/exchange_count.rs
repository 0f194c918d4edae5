//! Runs the core's part of a small exchange N times: `exchange_count PATH N`.
//!
//! Four steps, each a function of its own: `receive` (a GET of PATH), `find` (among the routes of the example
//! `hello`), `transmit` (200, one constant field, `Date`, 13 bytes), `flushed`. Under
//! `valgrind --tool=callgrind` the inclusive cost of each, divided by N, is what an exchange costs in
//! instructions without a socket.

use core::hint::black_box;

use rws_core::connection::{BodyPlan, Connection};
use rws_core::message::RequestHead;
use rws_core::route::{Route, RouteTable};
use rws_core::{
    ByteConnection, Env, Event, Field, FieldBlock, Fill, HeadAnswer, Instant, Limits, ResponseHead, Scratch,
    Sent, Source, Status, StreamId, field_lines, h1, route_table,
};

const TEXT: FieldBlock<'static> = field_lines!["Content-Type: text/plain; charset=utf-8"];
const HELLO: &[u8; 13] = b"Hello, World!";

const ROUTES: RouteTable<'static, u8> = route_table!(
    u8,
    [
        Route::get("/", 0),
        Route::get("/hello/:name", 1),
        Route::get("/sleep/:ms", 2),
        Route::get("/shard", 3),
        Route::post("/echo", 4),
    ]
);

struct Hello;

impl Source for Hello {
    fn head(&mut self, _: StreamId) -> HeadAnswer<'_> {
        let head = ResponseHead { status: Status::OK, fields: black_box(TEXT) };
        HeadAnswer::Final(head, BodyPlan::Sized(black_box(HELLO.len() as u64)))
    }

    fn fill(&mut self, _: StreamId, out: &mut [u8]) -> Fill {
        let text = black_box(HELLO.as_slice());
        match out.get_mut(..text.len()) {
            Some(out) => out.copy_from_slice(text),
            None => return Fill::Abort,
        }
        Fill::End(text.len())
    }
}

#[inline(never)]
fn receive(
    server: &mut h1::Server,
    env: &Env<'_>,
    rx: &mut [u8],
    scratch: &mut Scratch<'_>,
) -> Option<Event> {
    server.receive(env, rx, scratch).event
}

#[inline(never)]
fn find(table: &RouteTable<'static, u8>, head: &RequestHead<'_>) -> u8 {
    table.find(head.method(), head.path(), head.authority()).found().map_or(u8::MAX, |found| *found.to)
}

#[inline(never)]
fn transmit(server: &mut h1::Server, env: &Env<'_>, tx: &mut [u8], scratch: &mut Scratch<'_>) -> usize {
    match server.transmit(env, tx, scratch, &mut Hello) {
        Sent::Bytes(len) => len,
        Sent::Direct { .. } | Sent::NeedRoom(_) | Sent::Nothing | Sent::Close => 0,
    }
}

#[inline(never)]
fn flushed(server: &mut h1::Server, env: &Env<'_>, bytes: usize) -> Instant {
    server.flushed(env, bytes);
    server.next_deadline()
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (Some(path), Some(count)) = (args.next(), args.next().and_then(|count| count.parse::<u64>().ok()))
    else {
        eprintln!("usage: exchange_count PATH N");
        std::process::exit(2);
    };
    let mut rx = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes();
    let env = Env {
        now: Instant::from_micros(1_000),
        limits: &Limits::SERVER,
        date: Some(b"Sun, 06 Nov 1994 08:49:37 GMT"),
    };
    let (mut bytes, mut fields, mut tx) = ([0; 8192], [Field::default(); 128], [0; 32 * 1024]);
    let mut server = h1::Server::new(&env);
    let (mut found, mut sent) = (0_u64, 0_u64);
    for _ in 0..count {
        let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
        let event = receive(&mut server, black_box(&env), black_box(&mut rx), &mut scratch);
        let Some(Event::Request { head, .. }) = event else {
            eprintln!("not a request: {event:?}");
            std::process::exit(1);
        };
        found += u64::from(find(black_box(&ROUTES), &head.view(&rx, scratch.reborrow())));
        let len = transmit(&mut server, black_box(&env), black_box(&mut tx), &mut scratch);
        black_box(flushed(&mut server, black_box(&env), len));
        sent += len as u64;
    }
    println!("{count} exchanges, route {}, {} bytes each", found / count.max(1), sent / count.max(1));
}
