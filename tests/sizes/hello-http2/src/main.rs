//! `/` and `/hello/:name` on port 80, by rws, over HTTP/1.1 and HTTP/2.

#![no_std]
#![no_main]

#[path = "../../hello/src/answer.rs"]
mod answer;

use self::answer::Hello;
use board_support::connections;
use embassy_executor::Spawner;
use embassy_net::Stack;
use rws_core::{Limits, Service};
use rws_embassy::net::{Resources, Slot};
use rws_embassy::{BoardContext, Http2, Platform, Server};
use static_cell::ConstStaticCell;

const CONNECTIONS: usize = connections(option_env!("CONNECTIONS"), 4);
const PORT: u16 = 80;

const BUFFER_BYTES: usize = Http2::<()>::buffer_bytes_min(&Limits::DEVICE);

type Exchange = <Hello as Service<BoardContext<NoClock>>>::State;

static RESOURCES: ConstStaticCell<Resources<CONNECTIONS, BUFFER_BYTES>> =
    ConstStaticCell::new(Resources::new());
static HTTP2: ConstStaticCell<[Http2<Exchange>; CONNECTIONS]> =
    ConstStaticCell::new([const { Http2::new() }; CONNECTIONS]);
static SERVER: Server<'static, Hello, NoClock> =
    Server { service: &Hello, platform: NoClock, limits: &Limits::DEVICE };

board_support::image!(sockets: CONNECTIONS, start: start);

fn start(spawner: Spawner, stack: Stack<'static>) {
    let (slots, _) = RESOURCES.take().split();
    for (slot, http2) in slots.into_iter().zip(HTTP2.take()) {
        if let Ok(task) = connection(slot, stack, http2) {
            spawner.spawn(task);
        }
    }
}

#[embassy_executor::task(pool_size = CONNECTIONS)]
async fn connection(slot: Slot<'static>, stack: Stack<'static>, http2: &'static mut Http2<Exchange>) {
    slot.run_also(stack, PORT, &SERVER, http2).await;
}

#[derive(Clone, Copy)]
struct NoClock;

impl Platform for NoClock {
    fn entropy(&self, out: &mut [u8]) {
        // Nothing here asks for any.
        out.fill(0);
    }
}
