//! What a server makes of field blocks: requests, and trailers of their bodies.

use super::head;
use crate::connection::{Event, Step};
use crate::h2::head::{ParsedRequest, Refusal};
use crate::h2::machine::{Fields, Found, Machine, Target, packed};
use crate::h2::memory::{Lent, Memory};
use crate::h2::news::News;
use crate::h2::stream::{Flags, Sending, State, Tick};
use crate::h2::{ErrorCode, Priority};
use crate::message::Scratch;
use crate::{Env, FieldBlock, PeerFault, SMALL};

pub(super) fn receive<M: Memory>(
    machine: &mut Machine,
    env: &Env<'_>,
    memory: &mut M,
    rx: &mut [u8],
    scratch: &mut Scratch<'_>,
) -> Step {
    let mut lent = memory.lend();
    let fields = match machine.receive(env, &mut lent, rx) {
        Found::Step { consumed, news } => return Step { consumed, event: news.map(Event::from) },
        Found::Fields(fields) => fields,
    };
    if !SMALL {
        memory.reserve(machine.decoder.memory_wanted(fields.len));
        lent = memory.lend();
    }
    let lent = &mut lent;
    let block = rx.get(fields.at..fields.at.saturating_add(fields.len)).unwrap_or(&[]);
    let event = match fields.target {
        Target::New => request(machine, env, lent, fields, block, scratch),
        Target::Stream(at) => trailers(machine, env, lent, fields, at, block, scratch),
        Target::Nobody | Target::Fault(_) => match machine.pass_over(env.limits, lent, block, scratch) {
            Ok(()) => match fields.target {
                Target::Fault(code) => {
                    machine.stream_fault(env, lent.slots, fields.id, code).map(Event::from)
                }
                Target::Nobody | Target::New | Target::Stream(_) => None,
            },
            Err(code) => Some(machine.fail(code).into()),
        },
    };
    let consumed = if machine.has_failed() { rx.len() } else { fields.consumed };
    Step { consumed, event }
}

#[cfg_attr(target_os = "none", inline(never))]
fn request(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    fields: Fields,
    block: &[u8],
    scratch: &mut Scratch<'_>,
) -> Option<Event> {
    let parsed = match head::request(machine, env, lent, fields.end_stream, block, scratch) {
        Ok(parsed) => parsed,
        Err(code) => return Some(machine.fail(code).into()),
    };
    let Some((at, _)) = machine.streams.take(lent.slots, fields.id) else {
        // There was a slot before the block was read.
        return machine.stream_fault(env, lent.slots, fields.id, ErrorCode::REFUSED_STREAM).map(Event::from);
    };
    let (credit, window) = (machine.initial_credit(), machine.initial_window());
    machine.begin();
    let slot = lent.slots.get_mut(usize::from(at))?;
    slot.state = if fields.end_stream { State::HalfClosedRemote } else { State::Open };
    slot.sending = Sending::Head;
    slot.credit = credit;
    slot.tx_window = window;
    slot.priority = crate::h2::schedule::USUAL;
    match parsed {
        Ok(parsed) => begin(machine, env, lent, at, fields.end_stream, &parsed, scratch),
        Err(Refusal::Answer(fault)) => refused(machine.refuse(lent.slots, at, fault)),
        Err(Refusal::Malformed(fault)) => malformed(machine, env, lent, at, fault, false),
    }
}

fn begin(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    at: u16,
    end: bool,
    parsed: &ParsedRequest,
    scratch: &mut Scratch<'_>,
) -> Option<Event> {
    let head = parsed.spans;
    let arena = scratch.bytes.get(..usize::from(head.arena_len)).unwrap_or(&[]);
    let index = scratch.fields.get(..usize::from(head.fields_len)).unwrap_or(&[]);
    let priority = Priority::of(FieldBlock::new(arena, index));
    let slot = lent.slots.get_mut(usize::from(at))?;
    slot.set_method(head.method);
    // RFC 9218 §7: the frame says more than the field.
    slot.priority = machine.early.take(slot.id).unwrap_or_else(|| packed(priority));
    let stream = machine.name(at, lent.slots.get(usize::from(at))?);
    if !end {
        let most = env.limits.body_bytes_max;
        let slot = lent.slots.get_mut(usize::from(at))?;
        slot.rx_left = parsed.length.unwrap_or(most);
        if parsed.length.is_some() {
            slot.flags.set(Flags::DECLARED);
        }
        if head.expect_continue {
            slot.flags.set(Flags::EXPECTS);
        }
        if parsed.length.is_some_and(|length| length > most) {
            return refused(machine.refuse(lent.slots, at, PeerFault::BodyTooLarge));
        }
        slot.rx_late = Tick::after(env.now, env.limits.rate_grace_us);
        machine.clock.arm_streams(env, env.limits.rate_grace_us);
    }
    if is_last(machine, env) {
        machine.shutdown(env);
    }
    machine.queue(lent.slots, at);
    Some(Event::Request { stream, head, end })
}

/// Whether this connection has had its share of requests: streams are odd, and opened in their order.
fn is_last(machine: &Machine, env: &Env<'_>) -> bool {
    let cap = env.limits.requests_per_connection_max;
    cap != 0 && machine.last_taken / 2 >= cap.saturating_sub(1) && !machine.draining
}

#[cfg_attr(target_os = "none", inline(never))]
fn trailers(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    fields: Fields,
    at: u16,
    block: &[u8],
    scratch: &mut Scratch<'_>,
) -> Option<Event> {
    let parsed = match head::trailers(machine, env, lent, block, scratch) {
        Ok(parsed) => parsed,
        Err(code) => return Some(machine.fail(code).into()),
    };
    let slot = lent.slots.get(usize::from(at))?;
    // RFC 9113 §8.1: a section that ends nothing is no trailer section; §8.1.1: all of the content must have come.
    if !fields.end_stream
        || (slot.flags.has(Flags::DECLARED) && slot.rx_left > 0 && !slot.flags.has(Flags::DISCARD))
    {
        return malformed(machine, env, lent, at, PeerFault::Http2Protocol, true);
    }
    let (stream, discards) = (machine.name(at, slot), slot.flags.has(Flags::DISCARD));
    match parsed {
        Ok(trailers) => {
            machine.remote_end(lent.slots, at);
            let trailers = Some(trailers).filter(|trailers| trailers.fields_len > 0);
            (!discards).then_some(Event::End { stream, trailers })
        }
        Err(Refusal::Answer(_)) if discards => None,
        Err(Refusal::Answer(fault)) => {
            if let Some(slot) = lent.slots.get_mut(usize::from(at)) {
                slot.state = match slot.state {
                    State::Open => State::HalfClosedRemote,
                    other => other,
                };
            }
            machine.refuse_begun(env, lent.slots, at, fault).map(Event::from)
        }
        Err(Refusal::Malformed(fault)) => malformed(machine, env, lent, at, fault, true),
    }
}

/// RFC 9113 §8.1.1: a malformed message costs its stream.
fn malformed(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    at: u16,
    fault: PeerFault,
    was_known: bool,
) -> Option<Event> {
    let id = lent.slots.get(usize::from(at))?.id;
    match machine.stream_fault(env, lent.slots, id, ErrorCode::PROTOCOL_ERROR)? {
        News::Refused { stream, .. } if !machine.has_failed() => {
            Some(Event::Refused { stream: stream.filter(|_| was_known), status: fault.status(), fault })
        }
        news => Some(news.into()),
    }
}

/// No exchange has begun: the driver knows of none.
fn refused(news: Option<News>) -> Option<Event> {
    match news? {
        News::Refused { status, fault, .. } => Some(Event::Refused { stream: None, status, fault }),
        news => Some(news.into()),
    }
}
