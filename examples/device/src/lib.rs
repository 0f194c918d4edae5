//! What a small device serves, as a [`Service`](rws_core::Service) for any driver: on a board with kilobytes
//! of memory, or on a server.
//!
//! ```text
//!   request ─▶ request id ─▶ blocklist ─▶ password* ─▶ body limit ─▶ route ─▶ answer
//!                                          * for what changes something
//!
//!   firmware's tasks ──▶ Device ◀── handlers          publish() wakes those who listen to /events
//! ```
//!
//! | route | answer |
//! |---|---|
//! | `GET /` | a line of text |
//! | `GET /led/:state` | whether the LED is in this state (`on`, `off`): a GET changes nothing |
//! | `POST /led` | switches it: `{"on":true}`; with a password |
//! | `GET /metrics` | Prometheus text, written line by line |
//! | `POST /firmware` | takes an image of up to 1 MiB, checks its CRC-32, keeps nothing; with a password |
//! | `GET /events` | server-sent events: the readings that the firmware publishes |
//! | `GET /index.html` | a page from flash with ETag, gzipped for those who like |
//!
//! [`Calls`] puts a gRPC call before all of these, for drivers whose clients see trailers.
//!
//! Nothing here allocates, blocks, or needs more than plain loads and stores of the processor.
#![no_std]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

#[cfg(test)]
extern crate std;

mod access;
mod answer;
mod calls;
mod crc32;
mod device;
mod events;
mod firmware;
mod led;
mod metrics;
mod page;
mod protobuf;
mod routes;
#[cfg(test)]
mod tests;
mod text;

pub use access::{
    CallsService, DEMO_USER, DeviceLayers, DeviceService, EXCHANGE_BYTES, FIRMWARE_BYTES_MAX, LIMITS, Room,
    service, service_with_calls,
};
pub use calls::{CallState, Calls};
pub use crc32::Crc32;
pub use device::{Device, Firmware, READINGS_KEPT, Reading, SUBSCRIBERS_MAX, simulated_millicelsius};
pub use led::SWITCH_BYTES_MAX;
pub use routes::{Routes, State, table};
