//! The real server over real sockets, seen by an attacker and by an operator.
//!
//! | class of attack, or duty | module |
//! |---|---|
//! | request smuggling: lengths, codings, what follows a body | `smuggling` |
//! | chunk tricks | `chunks` |
//! | header and response splitting | `splitting` |
//! | refusals: the right status, delivered before the close | `refusals` |
//! | keep-alive, pipelining, methods and target forms | `exchanges` |
//! | bodies: any size, any split, `100-continue`, trailers, half-close | `bodies` |
//! | what the closure API promises: options of routes, queries, fields, failures | `api` |
//! | handlers that panic, block, stream, or lose their client | `handlers` |
//! | slow clients: heads, bodies, readers, idlers | `slow` |
//! | caps: connections, peers, descriptors | `caps` |
//! | memory: bodies of any size, readers that stop | `memory` |
//! | the end: drain, deadline, signals | `ending` |
//! | all of it at once | `turmoil` |
//!
//! Most tests start the server within their own process, on a free port; those about the process as a whole
//! start `hello`. Every wait is bounded: a socket that stays silent for too long fails its test.

mod api;
mod bodies;
mod caps;
mod chunks;
mod dice;
mod ending;
mod exchanges;
mod handlers;
mod memory;
mod peer;
mod process;
mod refusals;
mod serving;
mod slow;
mod smuggling;
mod splitting;
mod turmoil;
