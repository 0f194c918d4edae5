//! Hello on picoserve: `/` and `/hello/:name`, keep-alive, its usual deadlines.

#![no_std]
#![no_main]

use board_support::connections;
use embassy_executor::Spawner;
use embassy_net::Stack;
use picoserve::routing::{PathRouter, get, parse_path_segment};
use picoserve::{Config, Router, Server};

const CONNECTIONS: usize = connections(option_env!("CONNECTIONS"), 4);
const PORT: u16 = 80;
const BUFFER_BYTES: usize = 1024;
const NAME_BYTES_MAX: usize = 32;
static CONFIG: Config = Config::const_default().keep_connection_alive();

board_support::image!(sockets: CONNECTIONS, start: start);

fn start(spawner: Spawner, stack: Stack<'static>) {
    for number in 0..CONNECTIONS {
        if let Ok(task) = connection(stack, number) {
            spawner.spawn(task);
        }
    }
}

fn app() -> Router<impl PathRouter> {
    Router::new()
        .route("/", get(|| async { "Hello, World!" }))
        .route(("/hello", parse_path_segment::<heapless::String<NAME_BYTES_MAX>>()), get(hello))
}

async fn hello(name: heapless::String<NAME_BYTES_MAX>) -> heapless::String<NAME_BYTES_MAX> {
    name
}

#[embassy_executor::task(pool_size = CONNECTIONS)]
async fn connection(stack: Stack<'static>, number: usize) {
    let mut receive = [0; BUFFER_BYTES];
    let mut transmit = [0; BUFFER_BYTES];
    let mut http = [0; BUFFER_BYTES];
    let app = app();
    let server = Server::new(&app, &CONFIG, &mut http);
    let _never = server.listen_and_serve(number, stack, PORT, &mut receive, &mut transmit).await;
}
