//! Times of a connection's two directions: chunked bodies in, answers out. (Scanning is in `head`.)

use core::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rws_core::connection::{BodyPlan, StreamId};
use rws_core::h1::Server;
use rws_core::{
    ByteConnection, Connection, Env, Event, Field, Fill, HeadAnswer, Instant, Limits, ResponseHead, Scratch,
    Sent, Source, Status, field_lines,
};

const ENV: Env<'static> = Env {
    now: Instant::from_micros(0),
    limits: &Limits::SERVER,
    date: Some(b"Tue, 24 Nov 2026 10:00:00 GMT"),
};

/// A whole chunked request, from its head to its last chunk.
fn chunked(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chunked");
    for chunk in [16usize, 256, 4096] {
        let mut request = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for _ in 0..16_384 / chunk {
            request.extend_from_slice(format!("{chunk:x}\r\n{}\r\n", "x".repeat(chunk)).as_bytes());
        }
        request.extend_from_slice(b"0\r\n\r\n");
        group.throughput(Throughput::Bytes(request.len() as u64));
        group.bench_function(format!("16 KiB in chunks of {chunk}"), |bencher| {
            bencher.iter(|| receive(black_box(&mut request)));
        });
    }
    group.finish();
}

/// Takes all steps on `rx`; gives the content's length.
fn receive(rx: &mut [u8]) -> usize {
    let (mut bytes, mut fields) = ([0; 256], [Field::default(); 16]);
    let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
    let (mut server, mut at, mut content) = (Server::new(&ENV), 0, 0);
    loop {
        let step = server.receive(&ENV, &mut rx[at..], &mut scratch);
        at += step.consumed;
        match step.event {
            Some(Event::Body { stream, chunk }) => {
                content += chunk.len as usize;
                server.grant(stream, chunk.len).expect("the exchange is under way");
            }
            Some(Event::End { .. }) => return content,
            Some(Event::Request { .. }) => {}
            None if step.consumed > 0 => {}
            other => panic!("a whole request: {other:?}"),
        }
    }
}

struct Answer(usize);

impl Source for Answer {
    fn head(&mut self, _: StreamId) -> HeadAnswer<'_> {
        let fields = field_lines!["Content-Type: text/plain", "Cache-Control: no-store", "Server: rws"];
        HeadAnswer::Final(ResponseHead { status: Status::OK, fields }, BodyPlan::Sized(self.0 as u64))
    }
    fn fill(&mut self, _: StreamId, out: &mut [u8]) -> Fill {
        out[..self.0].fill(b'x');
        Fill::End(self.0)
    }
}

/// The answer to a request: its head with three fields, `Date` and the framing, and its body.
fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    let mut request = *b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let (mut bytes, mut fields, mut tx) = ([0; 256], [Field::default(); 16], vec![0; 32 * 1024]);
    for len in [13usize, 1024] {
        group.bench_function(format!("request and answer of {len} bytes"), |bencher| {
            let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
            let mut server = Server::new(&ENV);
            bencher.iter(|| {
                server.receive(&ENV, black_box(&mut request), &mut scratch);
                let sent = server.transmit(&ENV, &mut tx, &mut scratch, &mut Answer(len));
                let Sent::Bytes(n) = sent else { panic!("an answer: {sent:?}") };
                server.flushed(&ENV, n);
                n
            });
        });
    }
    group.finish();
}

criterion_group!(benches, chunked, encode);
criterion_main!(benches);
