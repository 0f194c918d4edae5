//! The reverse proxy between clients and upstreams that both misbehave.
//!
//! | what is shown | module |
//! |---|---|
//! | the way there and back: keep-alive, pipelining, methods, framing | `exchanges` |
//! | bodies: every framing and pace, `100-continue`, early answers, trailers | `bodies` |
//! | upstreams that close, cut, stall, or say too much | `failures` |
//! | which connection, which backend, and when a request is sent again | `backends` |
//! | clients that leave, dawdle, or half-close | `clients` |
//! | HTTP/2 before HTTP/1.1: one request there for one here, or none | `downgrade` |
//! | HTTP/2 behind: many requests on one connection, and each for itself | `trunks` |
//! | whatever a client sends, the upstream sees one sound request or none | `smuggling` |
//! | what is written into the request, and what is taken out of it | `rewriting` |
//! | who is who: request ids, trusted proxies, hops, and what the log tells | `tracing` |
//! | the end: drain with exchanges under way | `ending` |
//! | the binary: large bodies within little memory, an upstream that is killed | `process` |
//!
//! The proxy runs within the process of its test, on a free port, with one shard; upstreams are scripts over
//! raw sockets. Every wait is bounded: a socket that stays silent for too long fails its test.

mod backends;
mod bodies;
mod client;
mod clients;
mod downgrade;
mod ending;
mod exchanges;
mod failures;
mod process;
mod rewriting;
mod site;
mod smuggling;
mod tracing;
mod trunks;
mod upstream;
