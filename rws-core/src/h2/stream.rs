//! One stream: its state (RFC 9113 §5.1), its windows, and how far its two messages have come.
//!
//! ```text
//!                              ┌────────┐
//!                   PP sent    │  idle  │  H received (server), H sent (client)
//!              ┌───────────────│  Free  │───────────────┐
//!              ▼               └────────┘               ▼
//!        ┌───────────┐                             ┌────────┐
//!        │ Reserved  │                 ES received │  Open  │ ES sent
//!        └───────────┘                ┌────────────│        │────────────┐
//!              │                      ▼            └────────┘            ▼
//!              │ H sent     ┌──────────────────┐       │       ┌──────────────────┐
//!              └───────────▶│ HalfClosedRemote │       │       │ HalfClosedLocal  │
//!                           └──────────────────┘       │       └──────────────────┘
//!                                     │ ES sent        │ RST            │ ES received
//!                                     │ RST            ▼ either way     │ RST
//!                                     │            ┌────────┐           │
//!                                     └───────────▶│ Closed │◀──────────┘
//!                                                  └────────┘
//!                                                       │ our RST_STREAM is written, if there is one
//!                                                       ▼
//!                                                     Free
//!
//!   H  HEADERS, PP  PUSH_PROMISE, ES  END_STREAM
//! ```
//!
//! `Opening` is a client's stream whose request has not been written: its number is given with its HEADERS. The state
//! "reserved (remote)" does not occur, since a client of ours takes no pushes. What is left of a stream that was closed
//! is its number, for a while (see `closed`).

use crate::{Instant, Method, SMALL};

/// The slot of one stream, of a size that is the same everywhere: at most 64 bytes. What is in it is the connection's.
#[derive(Clone, Copy, Debug)]
pub struct StreamSlot {
    /// Content bytes that are still to come if the length was declared, else that may still come.
    pub(super) rx_left: u64,
    /// Content bytes that are still to be sent; [`STREAMED`] of a body without a declared length.
    pub(super) tx_left: u64,
    /// The stream's number; 0 in a free slot and before a client has written its request.
    pub(super) id: u32,
    /// What the peer lets us send: bytes (RFC 9113 §6.9.1; negative after it has lowered its initial window).
    pub(super) tx_window: i32,
    /// What we have promised to take, and has not come.
    pub(super) credit: i32,
    /// What of it the peer has not been told.
    pub(super) credit_due: u32,
    /// When the request's body is late, and what has come of it since that was set.
    pub(super) rx_late: Tick,
    pub(super) rx_progress: u32,
    /// When the peer's window has been shut for too long, and what it has let through since that was set.
    pub(super) tx_late: Tick,
    pub(super) tx_progress: u32,
    /// The next slot of the ready queue or of the free list.
    pub(super) next: u16,
    /// The next slot of the control list.
    pub(super) next_control: u16,
    /// The first slot of the chain that this slot is the bucket of.
    pub(super) bucket: u16,
    /// The next slot of the chain that this slot is in.
    pub(super) next_in_bucket: u16,
    /// Tells uses of a slot apart.
    pub(super) serial: u16,
    pub(super) flags: Flags,
    pub(super) state: State,
    pub(super) sending: Sending,
    /// Urgency, and a bit for "incremental" (RFC 9218 §4).
    pub(super) priority: u8,
    /// Interim responses so far; then what our RST_STREAM or our own answer says: a code, or a fault.
    pub(super) count_or_reason: u8,
}

const _: () = assert!(size_of::<StreamSlot>() <= 64);

/// In place of a length: the body ends where its source says so.
pub(super) const STREAMED: u64 = u64::MAX;

/// No slot.
pub(super) const NONE: u16 = u16::MAX;

/// The states of RFC 9113 §5.1, see the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    Free,
    Opening,
    Reserved,
    Open,
    HalfClosedLocal,
    HalfClosedRemote,
    Closed,
}

/// How far our message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Sending {
    /// The source is asked for the head.
    Head,
    /// The engine's own answer is due.
    Own,
    /// A PUSH_PROMISE is due on the parent's stream.
    Promise,
    Body,
    Trailers,
    Done,
}

/// Milliseconds, nearly (1,024 µs), that wrap: enough for timers of days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tick(pub(super) u32);

impl Tick {
    /// The tick of `now`, and `us` microseconds later.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn after(now: Instant, us: u64) -> Tick {
        // Half the range: what lies behind half of it would count as past.
        let us = us.min(1 << 40);
        Tick((now.after_us(us).as_micros() >> TICK_BITS) as u32)
    }

    /// Whether this point has come.
    pub(super) fn has_passed(self, now: Instant) -> bool {
        ((now.as_micros() >> TICK_BITS) as u32).wrapping_sub(self.0) < 1 << 31
    }

    /// When that will be: never too early.
    pub(super) fn instant(self, now: Instant) -> Instant {
        let ticks = now.as_micros() >> TICK_BITS;
        let ahead = self.0.wrapping_sub(ticks as u32);
        if ahead >= 1 << 31 {
            return now;
        }
        Instant::from_micros(ticks.saturating_add(u64::from(ahead)) << TICK_BITS)
    }

    /// This point moved by what `progress` bytes are worth at `rate` bytes a second, but no further than `grace_us` from
    /// now.
    pub(super) fn earned(self, now: Instant, progress: u32, rate: u32, grace_us: u64) -> Tick {
        let earned = (u64::from(progress).saturating_mul(1_000_000) / u64::from(rate.max(1))) >> TICK_BITS;
        let most = Tick::after(now, grace_us);
        let ahead = most.0.wrapping_sub(self.0);
        if earned >= u64::from(ahead) { most } else { Tick(self.0.wrapping_add(earned as u32)) }
    }
}

/// A tick is 2^10 µs.
const TICK_BITS: u32 = 10;

/// What is so of a stream, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags(u16);

impl Flags {
    /// The source had nothing: until `wake`.
    pub(super) const PARKED: u16 = 1;
    /// In a ready queue.
    pub(super) const QUEUED: u16 = 1 << 1;
    /// In the control list.
    pub(super) const CONTROL: u16 = 1 << 2;
    /// `rx_left` is what was declared.
    pub(super) const DECLARED: u16 = 1 << 3;
    /// The client waits for `100 (Continue)`.
    pub(super) const EXPECTS: u16 = 1 << 4;
    /// It is due.
    pub(super) const CONTINUE: u16 = 1 << 5;
    /// What still comes of the body is dropped.
    pub(super) const DISCARD: u16 = 1 << 6;
    /// `Stalled` was said.
    pub(super) const STALLED: u16 = 1 << 7;
    /// Our RST_STREAM is due.
    pub(super) const RESET: u16 = 1 << 8;
    /// The request's method is CONNECT.
    pub(super) const CONNECT: u16 = 1 << 9;
    /// There is more to send than the peer's windows let through.
    pub(super) const SHUT: u16 = 1 << 10;
    /// The response's final head has come (client role).
    pub(super) const ANSWERED: u16 = 1 << 11;
    /// What is sent and received is no HTTP message any more (CONNECT).
    pub(super) const TUNNEL: u16 = 1 << 12;
    /// The peer had to wait for us: its time for the body starts again.
    pub(super) const EXCUSED: u16 = 1 << 13;
    /// Its body may stand still.
    pub(super) const PATIENT: u16 = 1 << 14;

    /// The request's method is HEAD.
    pub(super) const HEAD: u16 = 1 << 15;

    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) const fn has(self, bit: u16) -> bool {
        // Where there is no operating system CONNECT is refused: what is for tunnels is left out.
        let never = if SMALL { Flags::CONNECT | Flags::TUNNEL } else { 0 };
        self.0 & bit & !never != 0
    }

    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn set(&mut self, bit: u16) {
        self.0 |= bit;
    }

    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn clear(&mut self, bit: u16) {
        self.0 &= !bit;
    }

    /// Clears a bit; whether it was set.
    pub(super) fn take(&mut self, bit: u16) -> bool {
        let was = self.has(bit);
        self.clear(bit);
        was
    }
}

impl StreamSlot {
    /// A slot that no stream is in.
    pub const FREE: StreamSlot = StreamSlot {
        rx_left: 0,
        tx_left: 0,
        id: 0,
        tx_window: 0,
        credit: 0,
        credit_due: 0,
        rx_late: Tick(0),
        rx_progress: 0,
        tx_late: Tick(0),
        tx_progress: 0,
        next: NONE,
        next_control: NONE,
        bucket: NONE,
        next_in_bucket: NONE,
        serial: 0,
        flags: Flags(0),
        state: State::Free,
        sending: Sending::Done,
        priority: 0,
        count_or_reason: 0,
    };

    /// The request's method, as far as an answer must know it.
    pub(super) const fn method(&self) -> Method {
        if self.flags.has(Flags::HEAD) {
            Method::Head
        } else if self.flags.has(Flags::CONNECT) {
            Method::Connect
        } else {
            Method::Get
        }
    }

    pub(super) fn set_method(&mut self, method: Method) {
        match method {
            Method::Head => self.flags.set(Flags::HEAD),
            Method::Connect => self.flags.set(Flags::CONNECT),
            Method::Get
            | Method::Post
            | Method::Put
            | Method::Delete
            | Method::Options
            | Method::Trace
            | Method::Patch
            | Method::Other => {}
        }
    }

    /// Whether a driver knows of this stream.
    pub(super) const fn is_live(&self) -> bool {
        match self.state {
            State::Opening
            | State::Reserved
            | State::Open
            | State::HalfClosedLocal
            | State::HalfClosedRemote => true,
            State::Free | State::Closed => false,
        }
    }

    /// Whether the peer may still send content.
    pub(super) const fn receives(&self) -> bool {
        match self.state {
            State::Open | State::HalfClosedLocal => true,
            State::Opening | State::Free | State::Reserved | State::HalfClosedRemote | State::Closed => false,
        }
    }
}

impl Default for StreamSlot {
    fn default() -> StreamSlot {
        StreamSlot::FREE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_tick_passes_when_its_time_has_come_whatever_the_clock_started_with() {
        for start in [0, 5 * SECOND, (1 << 42) - SECOND, u64::MAX >> 2] {
            let now = Instant::from_micros(start);
            let tick = Tick::after(now, 10 * SECOND);
            assert!(!tick.has_passed(now.after_us(9 * SECOND)), "{start}");
            assert!(tick.has_passed(now.after_us(10 * SECOND + 1024)), "{start}");
            let due = tick.instant(now);
            assert!(tick.has_passed(due) && due <= now.after_us(10 * SECOND), "{start}");
        }
    }

    #[test]
    fn progress_moves_a_tick_by_its_worth_and_at_most_a_grace() {
        let now = Instant::from_micros(100 * SECOND);
        let tick = Tick::after(now, 0);
        let second = tick.earned(now, 240, 240, 10 * SECOND);
        assert_eq!(second.0.wrapping_sub(tick.0), (SECOND >> 10) as u32);
        assert_eq!(tick.earned(now, u32::MAX, 1, 10 * SECOND), Tick::after(now, 10 * SECOND));
        assert_eq!(tick.earned(now, 0, 240, 10 * SECOND), tick);
    }
}
