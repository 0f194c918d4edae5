//! Images on the simulated board, over real sockets.
//!
//! | what is shown | module |
//! |---|---|
//! | the board itself: a bare TCP echo sends back what it hears | `echo` |
//! | a small image on rws answers plain, pipelined and dribbled requests, and more clients than it has sockets | `hello` |
//! | curl gets every route: passwords, gzip, validators, uploads, events, HTTP/1.0 | `curl` |
//! | crowds: pipelines, dribbles, more clients than sockets, slowlorises, clients that vanish; no socket is lost | `crowds` |
//! | the firmware answers byte by byte as the same service does on a server | `exchanges` |
//! | and so it does over HTTP/2, calls too | `streams` |
//! | what is a framing error there is the same error here: all of the corpora and of `smuggling`, in any pieces | `framing` |
//!
//! Each test runs QEMU with an image of its own (`machine`), on a free port, from the line that says its sockets listen
//! until the test ends. An image that panics or faults ends QEMU, and with it the test. A fresh connection can wait half
//! a second within QEMU, so no test expects a first byte sooner than in two.

mod crowds;
mod curl;
mod echo;
mod exchanges;
mod framing;
mod hello;
mod machine;
mod streams;
