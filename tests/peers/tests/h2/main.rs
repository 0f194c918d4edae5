//! The server over HTTP/2, asked by an independent client.

#![expect(clippy::unwrap_used, reason = "a test")]

mod bodies;
mod client;
mod ending;
mod raw;
mod same;
mod site;
mod streams;
mod turmoil;
mod upstream;
