//! What an image for the board needs besides its program.
//!
//! The board is an `mps2-an386`: a Cortex-M4F at 25 MHz with an Ethernet controller, as QEMU simulates it. Images for
//! `thumbv6m-none-eabi` run on it as well as those for `thumbv7em-none-eabihf`.
//!
//! ```ignore
//! board_support::image!(sockets: 4, start: start);
//!
//! fn start(spawner: Spawner, stack: Stack<'static>) {
//!     // Spawn tasks; the network's own is running already.
//! }
//! ```
//!
//! | what | module |
//! |---|---|
//! | the start of an image and its main loop | [`run`], [`image!`], `executor` |
//! | time, for `embassy-time` | `clock` |
//! | the network interface, for `embassy-net` | [`Lan9118`] |
//! | numbers that look random, and are not | [`InsecureTimerEntropy`] |
//! | memory: what is static, how deep the stack was | [`memory`] |
//! | a line for the host, and the end of the simulation | [`host`] |
//!
//! Unsafe code is here, in small blocks, so that an image needs none.

#![no_std]

mod clock;
mod entropy;
mod executor;
mod faults;
pub mod host;
mod lan9118;
pub mod memory;
mod registers;
mod start;
mod vectors;

pub use entropy::InsecureTimerEntropy;
pub use lan9118::{FrameBuffers, Lan9118};
pub use start::{ADDRESS, connections, run};

/// What [`image!`] expands to; not for use by name.
#[doc(hidden)]
pub mod parts {
    pub use cortex_m_rt::entry;
    pub use embassy_net::StackResources;
    pub use static_cell::ConstStaticCell;
}
