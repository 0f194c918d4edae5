//! Head parsing: whole requests of three sizes, a response, and heads that are nearly all scanning.
//!
//! `cargo bench -p rws-core --bench head`. Instructions are counted by `./tests/run bench`.

use core::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rws_core::h1::head::{parse_request, parse_response};
use rws_core::{Field, Limits, Method, Scratch};

/// What a browser sends besides its cookie.
const BROWSER: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
     Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
     Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\n\
     Accept-Encoding: gzip, deflate, br, zstd\r\n\
     Referer: https://www.example.com/articles/\r\n\
     Connection: keep-alive\r\n\
     Upgrade-Insecure-Requests: 1\r\n\
     Sec-Fetch-Dest: document\r\n\
     Sec-Fetch-Mode: navigate\r\n\
     Sec-Fetch-Site: same-origin\r\n\
     Sec-Fetch-User: ?1\r\n\
     X-Custom-Name: unknown\r\n";

fn browser_request(cookie_bytes: usize) -> Vec<u8> {
    let cookie = "k=0123456789abcdef; ".repeat(cookie_bytes / 20);
    format!(
        "GET /articles/2026/11?page=2 HTTP/1.1\r\nHost: www.example.com\r\n{BROWSER}Cookie: {cookie}x\r\n\r\n"
    )
    .into_bytes()
}

fn requests() -> [(&'static str, Vec<u8>); 5] {
    let long = |byte: &str| format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", byte.repeat(16_000));
    [
        ("small", b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n".to_vec()),
        ("browser", browser_request(100)),
        ("cookies", browser_request(3_400)),
        ("scan/ascii", long("v").into_bytes()),
        ("scan/utf-8", long("\u{e4}").into_bytes()),
    ]
}

fn parse(bencher: &mut Criterion) {
    let (mut decoded, mut fields) = ([0; 8192], [Field::default(); 128]);
    let mut scratch = Scratch { bytes: &mut decoded, fields: &mut fields };
    let limits = Limits { head_bytes_max: u16::MAX, ..Limits::SERVER };
    let mut group = bencher.benchmark_group("parse_request");
    for (name, bytes) in requests() {
        assert!(matches!(parse_request(&bytes, &mut 0, &mut scratch, &limits), Ok(Some(_))), "{name}");
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(name), &bytes, |bencher, bytes| {
            bencher.iter(|| parse_request(black_box(bytes), &mut 0, &mut scratch, &limits));
        });
    }
    group.finish();
    let response = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nServer: x\r\n\r\n";
    bencher.bench_function("parse_response", |bencher| {
        bencher.iter(|| parse_response(black_box(response), &mut 0, Method::Get, &mut scratch, &limits));
    });
}

criterion_group!(benches, parse);
criterion_main!(benches);
