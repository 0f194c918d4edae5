//! From reset to running tasks.

use embassy_executor::Spawner;
use embassy_net::{Config, Ipv4Address, Ipv4Cidr, Runner, Stack, StackResources, StaticConfigV4};
use static_cell::ConstStaticCell;

use crate::clock::{self, CLOCKS_PER_US};
use crate::lan9118::{FrameBuffers, Lan9118};
use crate::{InsecureTimerEntropy, executor, registers};

/// The board's address in the network that QEMU makes for it.
pub const ADDRESS: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);
const GATEWAY: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);
const TICK_US: u32 = 5_000;

/// Makes a function the program of an image: brings the board up with a network of so many sockets, calls
/// `fn start(Spawner, Stack<'static>)`, which spawns tasks, and runs these for ever.
#[macro_export]
macro_rules! image {
    (sockets: $sockets:expr, start: $start:path $(,)?) => {
        #[$crate::parts::entry]
        fn main() -> ! {
            type Resources = $crate::parts::StackResources<{ $sockets }>;
            static NETWORK: $crate::parts::ConstStaticCell<Resources> =
                $crate::parts::ConstStaticCell::new(Resources::new());
            $crate::run(NETWORK.take(), $start)
        }
    };
}

/// What [`image!`] calls: starts clock, network and executor, then `start`.
pub fn run<const SOCKETS: usize>(
    resources: &'static mut StackResources<SOCKETS>,
    start: impl FnOnce(Spawner, Stack<'static>),
) -> ! {
    static FRAMES: ConstStaticCell<FrameBuffers> = ConstStaticCell::new(FrameBuffers::new());
    clock::start();
    registers::start_systick(TICK_US * CLOCKS_PER_US);
    let interface = Lan9118::start(FRAMES.take());
    let seed = InsecureTimerEntropy::new().next_u64();
    let (stack, runner) = embassy_net::new(interface, fixed_address(), resources, seed);
    executor::run(|spawner| {
        // There is one such task, so there is always room for it.
        if let Ok(task) = network(runner) {
            spawner.spawn(task);
        }
        start(spawner, stack);
    })
}

fn fixed_address() -> Config {
    Config::ipv4_static(StaticConfigV4 {
        address: Ipv4Cidr::new(ADDRESS, 24),
        gateway: Some(GATEWAY),
        dns_servers: Default::default(),
    })
}

#[embassy_executor::task]
async fn network(mut runner: Runner<'static, Lan9118>) -> ! {
    runner.run().await
}

/// How many connections an image is built for: `given` (an environment variable at build time, by `option_env!`), or
/// `usual`. A `given` that is no number fails the build.
#[must_use]
pub const fn connections(given: Option<&str>, usual: usize) -> usize {
    let Some(given) = given else { return usual };
    match usize::from_str_radix(given, 10) {
        Ok(number) => number,
        Err(_) => panic!("the number of connections is no number"),
    }
}
