//! A crowd of sockets that say nothing, or one byte a second, around a client that behaves.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;

use crate::client::connect;
use crate::open_loop::{self, Plan};
use crate::options::Options;

/// Never finished: a request head that a dribbler sends byte by byte.
const DRIBBLE: &[u8] = b"GET /a-head-that-does-not-end HTTP/1.1\r\nHost: localhost\r\nX-Padding: ";
/// Each dribbling socket gets a byte once in this many slices of a second.
const SLICES: usize = 20;

/// Probes without the crowd, then within it, so that the difference is the crowd's.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let plan = Plan {
        port: options.port,
        path: options.text("path", "/"),
        rate_per_second: options.number("rate", 500)?,
        seconds: options.number("seconds", 5)?,
        connections: 16,
    };
    open_loop::run(&plan)?.print("alone_")?;
    let silent = gather(options.port, options.number("idle", 10_000)?)?;
    let dribbling = options.number("dribbling", 1000)?;
    let dribblers = gather(options.port, dribbling)?;
    let (stop, reconnects) = (AtomicBool::new(false), AtomicU64::new(0));
    let latencies = thread::scope(|scope| {
        scope.spawn(|| dribble(options.port, dribblers, &stop, &reconnects));
        let latencies = open_loop::run(&plan);
        stop.store(true, Ordering::Relaxed);
        latencies
    });
    let (silent_left, refused) =
        (silent.iter().filter(|socket| is_open(socket)).count(), reconnects.into_inner());
    println!("silent {}", silent.len());
    println!("silent_left {silent_left}");
    println!("dribblers_refused {refused}");
    latencies?.print("crowded_")?;
    // A server that turns a crowd away is not delayed by it, and shows nothing.
    if silent_left < silent.len() / 10 * 9 || refused > dribbling / 10 {
        return Err(format!("the crowd has gone: {silent_left} silent left, {refused} dribblers refused"));
    }
    Ok(())
}

fn is_open(mut socket: &TcpStream) -> bool {
    let nonblocking = socket.set_nonblocking(true);
    nonblocking.is_ok() && socket.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

fn gather(port: u16, count: u64) -> Result<Vec<TcpStream>, String> {
    (0..count)
        .map(|number| connect(port).map_err(|error| format!("socket {number} of the crowd: {error}")))
        .collect()
}

/// One byte a second on each socket, a slice of them at a time; a socket that was ended is opened anew.
fn dribble(port: u16, mut sockets: Vec<TcpStream>, stop: &AtomicBool, reconnects: &AtomicU64) {
    let mut at = vec![0_usize; sockets.len()];
    for round in 0.. {
        for (number, (socket, position)) in sockets.iter_mut().zip(&mut at).enumerate() {
            if number % SLICES != round % SLICES {
                continue;
            }
            let byte = DRIBBLE.get(*position).copied().unwrap_or(b'x');
            *position += 1;
            if socket.write_all(&[byte]).is_err()
                && let Ok(fresh) = connect(port)
            {
                reconnects.fetch_add(1, Ordering::Relaxed);
                (*socket, *position) = (fresh, 0);
            }
        }
        if stop.load(Ordering::Relaxed) {
            return;
        }
        thread::sleep(Duration::from_secs(1) / 20);
    }
}
