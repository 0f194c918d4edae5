//! What an image needs beside its server: a panic handler that cannot be linked, a stream that is not one, a clock.

use core::convert::Infallible;
use core::future::Future;
use core::panic::PanicInfo;
use core::pin::pin;
use core::task::{Context as Task, Poll, Waker};

use embedded_io_async::{ErrorType, Read, Write};
use rws_core::service::{ConnectionInfo, Service};
use rws_embassy::serve::serve_also;
use rws_embassy::{Also, BoardContext, Platform, Server, SharedScratch, Transport};

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
pub(crate) struct Wire;

pub(crate) const PORT: *mut u8 = 0x4000_0000 as *mut u8;

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
pub(crate) struct Board;

impl Platform for Board {
    fn entropy(&self, out: &mut [u8]) {
        // SAFETY: as above. No entropy at all: nothing runs here.
        out.fill_with(|| unsafe { PORT.read_volatile() });
    }
}

/// Serves one connection, that may speak `also`.
pub(crate) fn run<A, S>(server: &Server<'_, S, Board>, buf: &mut [u8], also: A)
where
    A: Also<S::State>,
    S: Service<BoardContext<Board>>,
{
    let connection = ConnectionInfo { peer: None, local: None, secure: false };
    let (scratch, mut wire) = (SharedScratch::new(), Wire);
    let mut future = pin!(flat(server, serve_also(&mut wire, (buf, &scratch), connection, server, also)));
    loop {
        if let Poll::Ready(ended) = future.as_mut().poll(&mut Task::from_waker(Waker::noop())) {
            // SAFETY: as above.
            unsafe { PORT.write_volatile(ended as u8) };
            return;
        }
    }
}

/// A future that is flat: a connection with the state of its exchange, and one wait.
fn flat<S: Service<BoardContext<Board>>, F: Future>(_: &Server<'_, S, Board>, future: F) -> F {
    const { assert!(size_of::<F>() <= size_of::<S::State>() + FUTURE_BYTES_MAX) };
    future
}

const FUTURE_BYTES_MAX: usize = 320;

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

/// Nothing runs here that could be interrupted.
struct Alone;

critical_section::set_impl!(Alone);

// SAFETY: nothing runs here at all.
unsafe impl critical_section::Impl for Alone {
    unsafe fn acquire() -> critical_section::RawRestoreState {
        critical_section::RawRestoreState::default()
    }
    unsafe fn release(_: critical_section::RawRestoreState) {}
}
