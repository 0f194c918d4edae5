//! gRPC: services whose methods are plain functions (feature `grpc`).
//!
//! ```no_run
//! use rws_std::grpc::{Grpc, Request, Response, Service, Status};
//! use rws_std::{App, Server};
//!
//! #[derive(Clone, PartialEq, prost::Message)]
//! struct Name {
//!     #[prost(string, tag = "1")]
//!     name: String,
//! }
//!
//! fn greet(request: Request<Name>) -> Result<Response<Name>, Status> {
//!     let name = request.into_message().name;
//!     if name.is_empty() {
//!         return Err(Status::invalid_argument("who is it?"));
//!     }
//!     Ok(Response::new(Name { name: format!("Hello, {name}!") }))
//! }
//!
//! fn main() -> std::io::Result<()> {
//!     let greeter = Service::new("hello.Greeter").unary("SayHello", greet);
//!     Server::bind("127.0.0.1:8080")?.serve(App::new().grpc(Grpc::new().serve(greeter)))
//! }
//! ```
//!
//! | a method | its function | registered by |
//! |---|---|---|
//! | unary | `Fn(Request<T>) -> Result<Response<U>, Status>` | [`Service::unary`] |
//! | client streaming | `Fn(Request<Incoming<T>>) -> Result<Response<U>, Status>` | [`Service::client_streaming`] |
//! | server streaming | `Fn(Request<T>) -> Result<Response<Streamed<U>>, Status>` | [`Service::server_streaming`] |
//! | both | `Fn(Request<Incoming<T>>) -> Result<Response<Streamed<U>>, Status>` | [`Service::bidirectional`] |
//!
//! [`Incoming`] is an iterator that blocks until the next message is there. [`Streamed`] is made of an iterator, which a
//! thread of the server's goes through as fast as the client takes what it gives; or written by [`Outgoing`], from any
//! thread, for streams that live long and must cost no thread. Functions may block: those that do are run beside their
//! shard, as the handlers of an [`App`](crate::App) are. One whose requests are a stream always is.
//!
//! ```text
//!   shard:   head ─▶ one message collected ─▶ function ─▶ answer          unary, server streaming
//!                └─▶ pipe ─▶ a thread: Incoming ─▶ function ─▶ answer      client streaming, both
//!            deadlines: one thread, which ends the calls whose time is over
//! ```
//!
//! A deadline (`grpc-timeout`) ends the call with `DEADLINE_EXCEEDED` when it has passed, even if its function still runs;
//! that learns of it, as of a caller who is gone, by [`Request::cancellation`], and by an error of what it reads or
//! writes. A function that runs on the shard itself answers late instead, and with that status.
//!
//! `rws-grpc-build` makes a trait with these functions of each service in a `.proto` file.

mod call;
mod codec;
mod deadlines;
mod exchange;
mod health;
mod metadata;
mod method;
mod request;
mod server;
mod service;
mod status;
mod stream;

pub use call::Cancellation;
pub use exchange::GrpcExchange;
pub use health::{Health, ServingStatus};
pub use metadata::{Metadata, MetadataError};
pub use request::{Request, Response};
pub use rws_core::grpc::Code;
pub use server::Grpc;
pub use service::Service;
pub use status::{Detail, Status};
pub use stream::{Incoming, Outgoing, Streamed};

/// What messages are: for code that is generated, and for those written by hand.
pub use prost;
