//! The server over two `embassy-net` stacks and a cable in memory, on a clock that tests move.

mod app;
mod awaiting;
mod faults;
mod http2;
mod serving;
mod wire;
mod world;
