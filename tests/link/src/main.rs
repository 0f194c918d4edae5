//! A server over a stream that is not one, linked with a panic handler that cannot be linked.
//!
//! If anything in `rws-core` or `rws-embassy` could panic, the handler would be kept, and with it its call of a
//! function that exists nowhere: the linker would name it. That this image links is the proof that nothing can.
#![no_std]
#![no_main]

mod h2;

use core::convert::Infallible;
use core::future::Future;
use core::panic::PanicInfo;
use core::pin::pin;
use core::task::{Context as Task, Poll, Waker};

use embedded_io_async::{ErrorType, Read, Write};
use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::RequestHead;
use rws_core::middleware::{BodyLimitLayer, Layered, TraceIdLayer};
use rws_core::route::{Route, RouteMatch, RouteTable};
use rws_core::service::{ConnectionInfo, Context, Service, Taken};
use rws_core::{Limits, ResponseHead, Status, field_lines, route_table};
use rws_embassy::{BUFFER_BYTES, BoardContext, Platform, Server, SharedScratch, Transport, serve};

unsafe extern "C" {
    /// Exists nowhere.
    fn rws_can_panic() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: never linked, which is the point.
    unsafe { rws_can_panic() }
}

/// Bytes that a debugger, or nobody, provides: volatile, so that nothing is known of them at compile time.
struct Wire;

const PORT: *mut u8 = 0x4000_0000 as *mut u8;

impl ErrorType for Wire {
    type Error = Infallible;
}

impl Read for Wire {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        // SAFETY: this image is linked and never run.
        let wanted = unsafe { PORT.read_volatile() };
        let mut n = 0;
        for to in buf.iter_mut().take(wanted.into()) {
            // SAFETY: as above.
            *to = unsafe { PORT.read_volatile() };
            n += 1;
        }
        Ok(n)
    }
}

impl Write for Wire {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        for &byte in buf {
            // SAFETY: as above.
            unsafe { PORT.write_volatile(byte) };
        }
        Ok(buf.len())
    }
    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Transport for Wire {
    fn half_close(&mut self) {}
}

#[derive(Clone, Copy)]
struct Board;

impl Platform for Board {
    fn entropy(&self, out: &mut [u8]) {
        // SAFETY: as above. No entropy at all: nothing runs here.
        out.fill_with(|| unsafe { PORT.read_volatile() });
    }
}

/// Two routes, a body that is counted, and a stream.
struct App;

const ROUTES: RouteTable<'static, To> = route_table!(
    To,
    [Route::get("/", To::Hello), Route::get("/hello/:name", To::Named), Route::post("/echo", To::Count)]
);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Hello,
    Named,
    Count,
    Missing,
}

struct State {
    to: To,
    count: u32,
}

impl<C: Context> Service<C> for App {
    type State = State;

    fn begin(&self, _: &mut C, head: &mut RequestHead<'_>) -> State {
        let (to, count) = match ROUTES.find(head.method(), head.path(), head.authority()) {
            RouteMatch::Found(found) => {
                (*found.to, found.params().value("name").map_or(0, |name| name.len() as u32))
            }
            RouteMatch::MethodNotAllowed(_) | RouteMatch::Options(_) | RouteMatch::NotFound => {
                (To::Missing, 0)
            }
        };
        State { to, count }
    }

    fn body(&self, _: &mut C, state: &mut State, chunk: &[u8], _: bool) -> Taken {
        state.count = state.count.wrapping_add(chunk.len() as u32);
        Taken::All
    }

    fn head<'s>(&self, state: &'s mut State) -> HeadAnswer<'s> {
        let fields = field_lines!["Content-Type: text/plain"];
        match state.to {
            To::Missing => HeadAnswer::Final(ResponseHead::bare(Status::NOT_FOUND), BodyPlan::None),
            To::Hello => HeadAnswer::Final(ResponseHead { status: Status::OK, fields }, BodyPlan::Sized(1)),
            To::Named | To::Count => {
                HeadAnswer::Final(ResponseHead { status: Status::OK, fields }, BodyPlan::Streamed)
            }
        }
    }

    fn fill(&self, state: &mut State, out: &mut [u8]) -> Fill {
        let Some(first) = out.first_mut() else { return Fill::Blocked };
        *first = state.count as u8;
        Fill::End(1)
    }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let service: Layered<_, _> = Layered::new((TraceIdLayer::new(), BodyLimitLayer::new(1024)), App);
    let server = Server { service: &service, platform: Board, limits: &Limits::DEVICE };
    let connection = ConnectionInfo { peer: None, local: None, secure: false };
    let (mut buf, scratch, mut wire) = ([0; BUFFER_BYTES], SharedScratch::new(), Wire);
    let mut future = pin!(serve(&mut wire, &mut buf, &scratch, connection, &server));
    let _ = is_for_board(&service);
    loop {
        if let Poll::Ready(ended) = future.as_mut().poll(&mut Task::from_waker(Waker::noop())) {
            // SAFETY: as above.
            unsafe { PORT.write_volatile(ended as u8) };
            h2::serve();
        }
    }
}

fn is_for_board<S: Service<BoardContext<Board>>>(_: &S) -> usize {
    size_of::<S::State>()
}

struct Clock;

impl embassy_time_driver::Driver for Clock {
    fn now(&self) -> u64 {
        // SAFETY: as above.
        u64::from(unsafe { PORT.read_volatile() })
    }
    fn schedule_wake(&self, at: u64, _: &Waker) {
        // SAFETY: as above.
        unsafe { PORT.write_volatile(at as u8) };
    }
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock);
