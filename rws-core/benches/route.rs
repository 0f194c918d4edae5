//! Targets, routes and the field values that most requests have.

use core::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rws_core::message::{Span, encode_path, is_valid_host, parse_target};
use rws_core::route::{Order, Route, RouteIndex, RouteTable, node_count};
use rws_core::semantics::{date, range};
use rws_core::{Method, UnixTime, route_table};

const ROUTES: [Route<u8>; 20] = [
    Route::get("/", 0),
    Route::get("/hello/:name", 1),
    Route::get("/sleep/:ms", 2),
    Route::post("/echo", 3),
    Route::get("/shard", 4),
    Route::get("/healthz", 5),
    Route::get("/readyz", 6),
    Route::get("/metrics", 7),
    Route::get("/users", 8),
    Route::post("/users", 9),
    Route::get("/users/:id", 10),
    Route::put("/users/:id", 11),
    Route::delete("/users/:id", 12),
    Route::get("/users/:id/posts", 13),
    Route::get("/static/*path", 14),
    Route::get("/login", 15),
    Route::post("/login", 16),
    Route::get("/api/v1/items", 17),
    Route::get("/api/v1/items/:item", 18),
    Route::get("/about", 19),
];
const TWENTY: RouteTable<'static, u8> = {
    const INDEX: &RouteIndex<{ node_count(&ROUTES) }, 20> = &RouteIndex::checked(&ROUTES);
    RouteTable::new(&ROUTES, INDEX)
};
const ONE: RouteTable<'static, u8> = route_table!(u8, [Route::get("/", 0)]);

fn targets(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("target");
    for (name, target) in [
        ("root", "/"),
        ("plain 64 B", "/wp-content/uploads/2010/03/hello-kitty-darth-vader-pink-xyz.jpg"),
        ("query", "/search?q=rust+http+server&page=2&lang=en"),
        ("escaped", "/caf%C3%A9/a%20b"),
        ("dotted", "/a/b/../c/./d"),
        ("absolute", "http://www.example.com/a/b"),
    ] {
        let arena = format!("GET {target} HTTP/1.1\r\nHost: www.example.com\r\n\r\n").into_bytes();
        let raw = Span::of(4, 4 + target.len()).expect("short");
        let host = Span::of(raw.end() + 17, raw.end() + 32).expect("short");
        let mut scratch = [0; 128];
        group.bench_function(name, |bencher| {
            bencher.iter(|| parse_target(Method::Get, raw, host, black_box(&arena), &mut scratch));
        });
    }
    group.bench_function("host alone", |bencher| {
        bencher.iter(|| is_valid_host(black_box(b"www.example.com:8080")))
    });
    let mut wire = [0; 128];
    group.bench_function("encode", |bencher| {
        bencher.iter(|| encode_path(black_box("/caf\u{e9}/a b"), &mut wire))
    });
}

fn routes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("route");
    group.bench_function("one route", |bencher| {
        bencher.iter(|| ONE.find(Method::Get, black_box("/"), b"").is_found())
    });
    let by_line = RouteIndex::<{ node_count(&ROUTES) }, 20>::new(&ROUTES, Order::Line).expect("valid");
    let by_line = RouteTable::new(&ROUTES, &by_line);
    for (name, path) in [
        ("root", "/"),
        ("param", "/hello/world"),
        ("deep", "/api/v1/items/12"),
        ("rest", "/static/css/site.css"),
        ("not found", "/nothing/here"),
    ] {
        group.bench_function(format!("twenty, {name}"), |bencher| {
            bencher.iter(|| TWENTY.find(Method::Get, black_box(path), b"").is_found());
        });
        group.bench_function(format!("twenty by line, {name}"), |bencher| {
            bencher.iter(|| by_line.find(Method::Get, black_box(path), b"").is_found());
        });
    }
}

fn values(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("value");
    let mut out = [0; 29];
    group.bench_function("date out", |bencher| {
        bencher.iter(|| date::format(UnixTime(black_box(1_767_225_600)), &mut out));
    });
    group.bench_function("date in", |bencher| {
        bencher.iter(|| date::parse(black_box(b"Sun, 06 Nov 1994 08:49:37 GMT"), None));
    });
    group.bench_function("range", |bencher| {
        bencher.iter(|| range::parse(black_box(b"bytes=0-499,500-999"), 10_000))
    });
}

criterion_group!(benches, targets, routes, values);
criterion_main!(benches);
