//! A machine of HTTP/2 with all of its verbs, so that nothing of it is left out of the image.

use rws_core::connection::{BodyPlan, Connection as _, Fill, HeadAnswer, Sent, Source, StreamId};
use rws_core::h2::{Inline, Server};
use rws_core::{ByteConnection as _, Env, Event, Field, Instant, Limits, ResponseHead, Scratch, Status};

use crate::bare::PORT;

struct Answers;

impl Source for Answers {
    fn head(&mut self, _: StreamId) -> HeadAnswer<'_> {
        let plan = if byte() == 0 { BodyPlan::Sized(3) } else { BodyPlan::Streamed };
        HeadAnswer::Final(ResponseHead::bare(Status::OK), plan)
    }

    fn fill(&mut self, _: StreamId, out: &mut [u8]) -> Fill {
        let Some(first) = out.first_mut() else { return Fill::Blocked };
        *first = byte();
        Fill::End(1)
    }
}

fn byte() -> u8 {
    // SAFETY: this image is linked and never run.
    unsafe { PORT.read_volatile() }
}

/// Serves for ever.
pub fn serve() -> ! {
    let env = |now| Env { now: Instant::from_micros(now), limits: &Limits::DEVICE, date: None };
    let mut server = Server::new(&env(0), Inline::<4, 1024, 0>::new());
    let (mut rx, mut len, mut tx) = ([0; 1200], 0_usize, [0; 600]);
    let (mut bytes, mut fields) = ([0; 1024], [Field::default(); 24]);
    loop {
        let env = env(u64::from(byte()));
        if let Some(place) = rx.get_mut(len) {
            *place = byte();
            len += 1;
        }
        let mut scratch = Scratch { bytes: &mut bytes, fields: &mut fields };
        let step = server.receive(&env, rx.get_mut(..len).unwrap_or(&mut []), &mut scratch);
        match step.event {
            Some(Event::Request { stream, head, .. }) => {
                let path = head.view(&rx, scratch.reborrow()).path().len();
                let _ = server.grant(stream, path as u32);
            }
            Some(Event::Body { stream, .. }) => server.wake(stream),
            Some(Event::Stalled { stream }) => server.reset(stream),
            Some(Event::Closed) => server.shutdown(&env),
            Some(_) | None => {}
        }
        // Moved down by the bytes that are gone, without a way to panic.
        for at in 0..len.saturating_sub(step.consumed) {
            let moved = rx.get(at.wrapping_add(step.consumed)).copied().unwrap_or(0);
            if let Some(place) = rx.get_mut(at) {
                *place = moved;
            }
        }
        len = len.saturating_sub(step.consumed);
        if server.next_deadline() <= env.now {
            let _ = server.on_deadline(&env);
        }
        if let Sent::Bytes(n) = server.transmit(&env, &mut tx, &mut scratch, &mut Answers) {
            for &byte in tx.iter().take(n) {
                // SAFETY: as above.
                unsafe { PORT.write_volatile(byte) };
            }
            server.flushed(&env, n);
        }
        if byte() == 9 {
            let _ = server.receive_end(&env);
        }
        if server.rx_want() == 0 && !server.wants_transmit() && byte() == 7 {
            // SAFETY: as above.
            unsafe { PORT.write_volatile(server.status() as u8) };
        }
    }
}
