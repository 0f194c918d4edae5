//! What happens when a timer strikes.

use super::{Machine, Phase};
use crate::connection::ResetCause;
use crate::h2::news::News;
use crate::h2::stream::{Flags, Sending, State, StreamSlot, Tick};
use crate::h2::{ErrorCode, Role};
use crate::{Env, Instant, PeerFault, Status};

impl Machine {
    pub(in crate::h2) fn next_deadline(&self) -> Instant {
        if self.phase == Phase::Closed { Instant::NEVER } else { self.clock.next() }
    }

    pub(in crate::h2) fn on_deadline(&mut self, env: &Env<'_>, slots: &mut [StreamSlot]) -> Option<News> {
        if self.next_deadline() > env.now {
            return None;
        }
        if self.clock.write_is_late(env) {
            return Some(self.close(true));
        }
        match self.phase {
            Phase::Preface | Phase::Settings | Phase::Open => self.strike(env, slots),
            Phase::Ending => None,
            Phase::Linger if env.now >= self.clock.drain && !self.clock.is_flushing() => {
                Some(self.close(false))
            }
            Phase::Linger => {
                // It begins again with the last byte that the transport takes.
                self.clock.drain = Instant::NEVER;
                None
            }
            Phase::Closed => None,
        }
    }

    fn strike(&mut self, env: &Env<'_>, slots: &mut [StreamSlot]) -> Option<News> {
        let now = env.now;
        if now >= self.clock.settings {
            if self.phase != Phase::Open {
                // Nobody has said that this is HTTP/2.
                return Some(self.close(false));
            }
            return Some(self.fail(ErrorCode::SETTINGS_TIMEOUT));
        }
        if now >= self.clock.block {
            self.ending(ErrorCode::ENHANCE_YOUR_CALM);
            let fault = PeerFault::HeadTimeout;
            return Some(News::Refused { stream: None, status: fault.status(), fault });
        }
        if self.clock.shut_is_late(env) {
            return Some(self.fail(ErrorCode::ENHANCE_YOUR_CALM));
        }
        if now >= self.clock.drain {
            self.warned();
        }
        if now >= self.clock.idle {
            self.ending(ErrorCode::NO_ERROR);
            return Some(News::Closed);
        }
        if now >= self.clock.streams { self.strike_streams(env, slots) } else { None }
    }

    /// No answer has come.
    fn unanswered(&mut self, slots: &mut [StreamSlot], at: u16) -> Option<News> {
        let stream = self.name(at, slots.get(usize::from(at))?);
        self.reset(slots, at, ErrorCode::CANCEL);
        let fault = PeerFault::HeadTimeout;
        Some(News::Refused { stream: Some(stream), status: Status::GATEWAY_TIMEOUT, fault })
    }

    /// Looks at the timers of all streams. The first that is late ends; the others are looked at again at once.
    fn strike_streams(&mut self, env: &Env<'_>, slots: &mut [StreamSlot]) -> Option<News> {
        self.clock.streams = Instant::NEVER;
        for at in 0..slots.len() {
            let Some(slot) = slots.get_mut(at).filter(|slot| slot.is_live()) else { continue };
            if self.role == Role::Client {
                let released = release_body(slot, env);
                if released {
                    self.queue(slots, at as u16);
                }
            }
            let Some(slot) = slots.get_mut(at) else { continue };
            let body = match self.role {
                Role::Client if !slot.flags.has(Flags::ANSWERED) => answer_is_late(slot, env),
                Role::Client | Role::Server => body_is_late(slot, env),
            };
            let write = write_is_late(slot, env);
            if let Some(due) = [body, write].into_iter().filter_map(Timer::due).min() {
                self.clock.streams = self.clock.streams.min(due);
            }
            let at = at as u16;
            let event = match (body, write) {
                (Timer::Late, _) if slot.sending == Sending::Head && self.role == Role::Server => {
                    self.refuse_begun(env, slots, at, PeerFault::BodyTimeout)
                }
                (Timer::Late, _) if self.role == Role::Client && !slot.flags.has(Flags::ANSWERED) => {
                    self.unanswered(slots, at)
                }
                (Timer::Late, _) => self.cut_off(slots, at, ErrorCode::CANCEL, ResetCause::BodyTimeout),
                (_, Timer::Late) => self.cut_off(slots, at, ErrorCode::CANCEL, ResetCause::WriteTimeout),
                (Timer::Off | Timer::At(_), Timer::Off | Timer::At(_)) => continue,
            };
            self.clock.streams = env.now;
            return event;
        }
        None
    }
}

/// A body that was held back goes out when the server has been silent for long enough (RFC 9110 §10.1.1).
fn release_body(slot: &mut StreamSlot, env: &Env<'_>) -> bool {
    let due =
        slot.sending == Sending::Body && !slot.flags.has(Flags::ANSWERED) && slot.rx_late.has_passed(env.now);
    due && slot.flags.take(Flags::EXPECTS)
}

/// Whether the server takes too long to answer a request that it has.
fn answer_is_late(slot: &mut StreamSlot, env: &Env<'_>) -> Timer {
    if slot.state != State::HalfClosedLocal && !slot.flags.has(Flags::EXPECTS) {
        return Timer::Off;
    }
    if slot.rx_late.has_passed(env.now) { Timer::Late } else { Timer::At(slot.rx_late.instant(env.now)) }
}

#[derive(Clone, Copy)]
enum Timer {
    Off,
    At(Instant),
    Late,
}

impl Timer {
    const fn due(self) -> Option<Instant> {
        match self {
            Timer::At(due) => Some(due),
            Timer::Off | Timer::Late => None,
        }
    }
}

/// Whether the peer is late with its body; not while it must wait for us.
fn body_is_late(slot: &mut StreamSlot, env: &Env<'_>) -> Timer {
    let rate = env.limits.body_rate_min_bytes_per_s;
    let awaits_us = slot.flags.has(Flags::EXPECTS | Flags::CONTINUE);
    if rate == 0 || !slot.receives() || slot.flags.has(Flags::DISCARD | Flags::TUNNEL | Flags::PATIENT) {
        return Timer::Off;
    }
    if slot.credit <= 0 || awaits_us || slot.flags.take(Flags::EXCUSED) {
        slot.rx_progress = 0;
        slot.rx_late = Tick::after(env.now, env.limits.rate_grace_us);
    }
    late(&mut slot.rx_late, &mut slot.rx_progress, rate, env)
}

/// Whether the peer lets too little of the answer through.
fn write_is_late(slot: &mut StreamSlot, env: &Env<'_>) -> Timer {
    let rate = env.limits.write_rate_min_bytes_per_s;
    if rate == 0 || !slot.flags.has(Flags::SHUT) {
        return Timer::Off;
    }
    late(&mut slot.tx_late, &mut slot.tx_progress, rate, env)
}

fn late(tick: &mut Tick, progress: &mut u32, rate: u32, env: &Env<'_>) -> Timer {
    if tick.has_passed(env.now) {
        *tick = tick.earned(env.now, core::mem::take(progress), rate, env.limits.rate_grace_us);
        if tick.has_passed(env.now) {
            return Timer::Late;
        }
    }
    Timer::At(tick.instant(env.now))
}
