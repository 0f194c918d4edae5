//! `/` and `/hello/:name` on port 80, by rws.

#![no_std]
#![no_main]

mod answer;

use self::answer::Hello;
use board_support::connections;
use embassy_executor::Spawner;
use embassy_net::Stack;
use rws_core::Limits;
use rws_embassy::net::{Resources, Slot};
use rws_embassy::{Platform, Server};
use static_cell::ConstStaticCell;

const CONNECTIONS: usize = connections(option_env!("CONNECTIONS"), 4);
const PORT: u16 = 80;

static RESOURCES: ConstStaticCell<Resources<CONNECTIONS>> = ConstStaticCell::new(Resources::new());
static SERVER: Server<'static, Hello, NoClock> =
    Server { service: &Hello, platform: NoClock, limits: &Limits::DEVICE };

board_support::image!(sockets: CONNECTIONS, start: start);

fn start(spawner: Spawner, stack: Stack<'static>) {
    let (slots, _) = RESOURCES.take().split();
    for slot in slots {
        if let Ok(task) = connection(slot, stack) {
            spawner.spawn(task);
        }
    }
}

#[embassy_executor::task(pool_size = CONNECTIONS)]
async fn connection(slot: Slot<'static>, stack: Stack<'static>) {
    slot.run(stack, PORT, &SERVER).await;
}

#[derive(Clone, Copy)]
struct NoClock;

impl Platform for NoClock {
    fn entropy(&self, out: &mut [u8]) {
        // Nothing here asks for any.
        out.fill(0);
    }
}
