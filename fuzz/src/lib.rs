//! What each fuzz target asserts. A target's input is plain bytes; those that cut the rest into pieces, or choose
//! among options, stand at its end, so that seeds are readable and mutations of the text keep their meaning.

pub mod chunked;
pub mod config;
pub mod grpc_messages;
pub mod h1_connection_ops;
pub mod h1_request;
pub mod h1_response;
pub mod h2_connection;
pub mod h2_frames;
pub mod h2_heads;
pub mod hpack;
pub mod pieces;
pub mod rewrite;
pub mod route;
pub mod target;
