//! The device of `examples/device` on the board.
//!
//! ```text
//!   connection × N ── rws-embassy ── device::service_with_calls      one task each, HTTP/1.1 or HTTP/2, all memory static
//!   sensor ── a reading a second ──▶ DEVICE ──▶ /events
//! ```

#![no_std]
#![no_main]

use board_support::{InsecureTimerEntropy, connections};
use device::{CallsService, Device};
use embassy_executor::Spawner;
use embassy_net::Stack;
use embassy_time::{Duration, Ticker};
use rws_core::Service;
use rws_embassy::net::{Resources, Slot};
use rws_embassy::{BoardContext, Http2, Platform, Server};
use static_cell::ConstStaticCell;

const CONNECTIONS: usize = connections(option_env!("CONNECTIONS"), 8);
const PORT: u16 = 80;
const BUFFER_BYTES: usize = Http2::<()>::buffer_bytes_min(&device::LIMITS);

type Exchange = <CallsService as Service<BoardContext<Board>>>::State;

const SECONDS_BETWEEN_BEATS: u32 = 15;

static DEVICE: Device = Device::new();
static SERVICE: CallsService = device::service_with_calls(&DEVICE);
static SERVER: Server<'static, CallsService, Board> =
    Server { service: &SERVICE, platform: Board, limits: &device::LIMITS };
static RESOURCES: ConstStaticCell<Resources<CONNECTIONS, BUFFER_BYTES>> =
    ConstStaticCell::new(Resources::new());
static HTTP2: ConstStaticCell<[Http2<Exchange>; CONNECTIONS]> =
    ConstStaticCell::new([const { Http2::new() }; CONNECTIONS]);

board_support::image!(sockets: CONNECTIONS, start: start);

fn start(spawner: Spawner, stack: Stack<'static>) {
    let (slots, _) = RESOURCES.take().split();
    for (slot, http2) in slots.into_iter().zip(HTTP2.take()) {
        if let Ok(task) = connection(slot, stack, http2) {
            spawner.spawn(task);
        }
    }
    if let Ok(task) = sensor() {
        spawner.spawn(task);
    }
}

#[embassy_executor::task(pool_size = CONNECTIONS)]
async fn connection(slot: Slot<'static>, stack: Stack<'static>, http2: &'static mut Http2<Exchange>) {
    slot.run_also(stack, PORT, &SERVER, http2).await;
}

/// A sensor that is warmed by the sun of a very short day.
#[embassy_executor::task]
async fn sensor() -> ! {
    let mut second = Ticker::every(Duration::from_secs(1));
    for at in 1u32.. {
        second.next().await;
        let warmth = (at % 60).abs_diff(30);
        DEVICE.publish(20_000 + 100 * warmth as i32);
        if at.is_multiple_of(SECONDS_BETWEEN_BEATS) {
            DEVICE.keep_alive();
        }
    }
    core::future::pending().await
}

/// What the board knows: no time of day, and numbers that only look random.
#[derive(Clone, Copy)]
struct Board;

impl Platform for Board {
    fn entropy(&self, out: &mut [u8]) {
        InsecureTimerEntropy::new().fill(out);
    }
}
