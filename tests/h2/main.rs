//! HTTP/2 under attack, over sockets: each class of attack in turn, while a neighbour on a connection of its own has to
//! be served as if nothing were.
//!
//! | what is shown | module |
//! |---|---|
//! | streams opened and reset, by the client or for its fault | `resets` |
//! | a crowd that resets what its handlers are still at | `orphans` |
//! | frames that make work and bring nothing | `floods` |
//! | field blocks without end, and small ones that unfold into large ones | `blocks` |
//! | clients that take no content, or hold what they began | `holding` |
//! | clients that begin slowly, or never | `slow` |
//! | clients whose beginning is neither HTTP/1 nor HTTP/2 | `beginning` |
//! | the ordinary clients that people have | `clients` |
//! | pushes, and hints in their place | `push` |
//! | the trailers of requests, on both versions | `trailers` |
//!
//! The server is `hello` (built by the runner, with one shard), or what `RWS_H2_SERVER` names: a command with `{port}`
//! where its port goes. Counts and times are bounded; the long form (`RWS_TESTS_FULL=1`) sends ten times as much.

mod beginning;
mod blocks;
mod clients;
mod floods;
mod holding;
mod neighbour;
mod orphans;
mod press;
mod push;
mod resets;
mod server;
mod serving;
mod slow;
mod trailers;
