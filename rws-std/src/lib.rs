//! rws on threads and epoll: the synchronous server framework over the [`rws_core`] engine.
//!
//! ```text
//!  Server ── shards (epoll loops, one per processor) ── jobs ── App: routes ─▶ functions that may block
//! ```
//!
//! ```no_run
//! use rws_std::{App, Request, Server};
//!
//! fn main() -> std::io::Result<()> {
//!     let app = App::new()
//!         .get("/", || "Hello, World!")
//!         .get("/hello/:name", |request: Request| format!("Hello, {}!", request.param("name")));
//!     Server::bind("127.0.0.1:8080")?.serve(app)
//! }
//! ```
//!
//! Where to look: [`app`] (the closure API: [`App`], [`Request`], [`Response`], [`Failure`]), [`application`] (serving any core service), [`files`] (static
//! files), `grpc` (calls, feature `grpc`), [`handover`] (how handlers may block without stopping their shard).

extern crate alloc;

pub mod app;
pub mod application;
pub mod buffer_pool;
mod calls;
mod clock;
mod errand;
pub mod files;
pub mod forward;
#[cfg(feature = "grpc")]
pub mod grpc;
pub mod handover;
pub mod job;
mod layered;
pub mod mailbox;
mod room;
mod server;
mod server_handle;
mod settings;
mod shard;
mod shares;
pub mod signals;
mod stats;
mod sync;
pub mod sys;
pub mod timer_wheel;
mod worker;

pub use app::{
    App, AppWithState, Body, BodyWriter, Failure, IntoResponse, Request, Response, handler, streaming,
};
pub use application::{Application, CutShort, Plain};
pub use handover::Placement;
pub use job::{JobCx, Waker, about_to_block};
pub use room::PooledRoom;
pub use rws_core::message::OwnedFields;
pub use rws_core::route::MethodSet;
pub use rws_core::{Limits, Method, Status, middleware};
pub use server::{Running, Server};
pub use server_handle::ServerHandle;
pub use settings::Settings;
pub use stats::{Counter, StatsSnapshot};

/// The README's Rust is compiled like that of any other page.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
