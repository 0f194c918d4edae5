//! What a client makes of field blocks: responses, interim and final, and trailers of their bodies.

use crate::connection::{Event, ResetCause, Step};
use crate::h2::ErrorCode;
use crate::h2::closed::Ended;
use crate::h2::head::{Lines, ParsedResponse, Refusal};
use crate::h2::machine::{Fields, Found, Machine, Target};
use crate::h2::memory::{Lent, Memory};
use crate::h2::news::News;
use crate::h2::stream::{Flags, State, Tick};
use crate::message::Scratch;
use crate::{Env, Method, PeerFault, SMALL, Status};

pub(super) fn receive<M: Memory>(
    machine: &mut Machine,
    env: &Env<'_>,
    memory: &mut M,
    rx: &mut [u8],
    scratch: &mut Scratch<'_>,
) -> Step {
    let mut lent = memory.lend();
    // On a connection that has failed all exchanges are over.
    if machine.reaps
        && !machine.has_failed()
        && let Some(event) = reap(machine, &mut lent)
    {
        return Step { consumed: 0, event: Some(event) };
    }
    let fields = match machine.receive(env, &mut lent, rx) {
        Found::Step { consumed, news } => {
            if matches!(news, Some(News::Reset { .. })) {
                // That answers a request, as a message does: there are no more of them than we have asked for.
                machine.budget.useful();
            }
            return Step { consumed, event: news.map(Event::from) };
        }
        Found::Fields(fields) => fields,
    };
    if !SMALL {
        memory.reserve(machine.decoder.memory_wanted(fields.len));
        lent = memory.lend();
    }
    let lent = &mut lent;
    let block = rx.get(fields.at..fields.at.saturating_add(fields.len)).unwrap_or(&[]);
    let event = match fields.target {
        Target::Stream(at) => section(machine, env, lent, fields, at, block, scratch),
        // A server opens none.
        Target::Nobody | Target::New => {
            let passed = machine.pass_over(env.limits, lent, block, scratch);
            passed.err().map(|code| machine.fail(code).into())
        }
        Target::Fault(code) => match machine.pass_over(env.limits, lent, block, scratch) {
            Ok(()) => machine.stream_fault(env, lent.slots, fields.id, code).map(Event::from),
            Err(code) => Some(machine.fail(code).into()),
        },
    };
    let consumed = if machine.has_failed() { rx.len() } else { fields.consumed };
    Step { consumed, event }
}

/// The next stream that the server will do nothing for, by its GOAWAY.
fn reap(machine: &mut Machine, lent: &mut Lent<'_>) -> Option<Event> {
    let last = machine.peer_last;
    let left =
        lent.slots.iter().position(|slot| slot.is_live() && (slot.state == State::Opening || slot.id > last));
    let Some(at) = left.and_then(|at| u16::try_from(at).ok()) else {
        machine.reaps = false;
        return None;
    };
    let stream = machine.name(at, lent.slots.get(usize::from(at))?);
    machine.end(lent.slots, at, Ended::ByUs);
    machine.peer_code = ErrorCode::REFUSED_STREAM;
    Some(Event::Reset { stream, cause: ResetCause::ByPeer })
}

fn section(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    fields: Fields,
    at: u16,
    block: &[u8],
    scratch: &mut Scratch<'_>,
) -> Option<Event> {
    let slot = lent.slots.get(usize::from(at))?;
    if slot.flags.has(Flags::ANSWERED) {
        return trailers(machine, env, lent, fields, at, block, scratch);
    }
    let method = slot.method();
    match response(machine, env, lent, method, fields.end_stream, block, scratch) {
        Ok(Ok(parsed)) => answered(machine, env, lent, fields, at, &parsed),
        Ok(Err(refusal)) => refuse(machine, lent, at, refusal),
        Err(code) => Some(machine.fail(code).into()),
    }
}

fn response(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    method: Method,
    end_stream: bool,
    block: &[u8],
    scratch: &mut Scratch<'_>,
) -> Result<Result<ParsedResponse, Refusal>, ErrorCode> {
    let mut lines = Lines::of_response(scratch.fields, env.limits);
    let used = machine.decode(env.limits, lent, block, scratch.bytes, &mut lines)?;
    let arena = scratch.bytes.get(..usize::from(used)).unwrap_or(&[]);
    Ok(lines.response(arena, method, end_stream))
}

fn answered(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    fields: Fields,
    at: u16,
    parsed: &ParsedResponse,
) -> Option<Event> {
    let head = parsed.spans;
    let stream = machine.name(at, lent.slots.get(usize::from(at))?);
    let slot = lent.slots.get_mut(usize::from(at))?;
    if head.status.is_interim() {
        if slot.count_or_reason >= env.limits.interim_max {
            return refuse(machine, lent, at, Refusal::Answer(PeerFault::TooManyInterim));
        }
        slot.count_or_reason = slot.count_or_reason.saturating_add(1);
        // It does not put off a body that waits for `100 (Continue)`.
        if !slot.flags.has(Flags::EXPECTS) {
            slot.rx_late = Tick::after(env.now, env.limits.first_byte_timeout_us);
        }
        if head.status == Status::CONTINUE && slot.flags.take(Flags::EXPECTS) {
            machine.queue(lent.slots, at);
        }
        return Some(Event::Interim { stream, head });
    }
    slot.flags.set(Flags::ANSWERED);
    let refuses_tunnel = slot.flags.has(Flags::TUNNEL) && !(200..300).contains(&head.status.code());
    if refuses_tunnel {
        slot.flags.clear(Flags::TUNNEL);
    }
    if let Some(length) = parsed.length {
        slot.flags.set(Flags::DECLARED);
        slot.rx_left = length;
    }
    slot.rx_progress = 0;
    slot.rx_late = Tick::after(env.now, env.limits.rate_grace_us);
    machine.clock.arm_streams(env, env.limits.rate_grace_us);
    if fields.end_stream {
        machine.remote_end(lent.slots, at);
    }
    Some(Event::Response { stream, head, end: fields.end_stream })
}

fn trailers(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    fields: Fields,
    at: u16,
    block: &[u8],
    scratch: &mut Scratch<'_>,
) -> Option<Event> {
    let mut lines = Lines::of_trailers(scratch.fields, env.limits);
    let used = match machine.decode(env.limits, lent, block, scratch.bytes, &mut lines) {
        Ok(used) => used,
        Err(code) => return Some(machine.fail(code).into()),
    };
    let slot = lent.slots.get(usize::from(at))?;
    // As in the server role: RFC 9113 §8.1, §8.1.1.
    if !fields.end_stream || (slot.flags.has(Flags::DECLARED) && slot.rx_left > 0) {
        return refuse(machine, lent, at, Refusal::Malformed(PeerFault::Http2Protocol));
    }
    let stream = machine.name(at, slot);
    match lines.trailers(used) {
        Ok(trailers) => {
            machine.remote_end(lent.slots, at);
            Some(Event::End { stream, trailers: Some(trailers).filter(|trailers| trailers.fields_len > 0) })
        }
        Err(refusal) => refuse(machine, lent, at, refusal),
    }
}

/// A client answers nothing: the stream is reset.
fn refuse(machine: &mut Machine, lent: &mut Lent<'_>, at: u16, refusal: Refusal) -> Option<Event> {
    let stream = machine.name(at, lent.slots.get(usize::from(at))?);
    machine.reset(lent.slots, at, refusal.code());
    Some(Event::Refused { stream: Some(stream), status: Status::BAD_GATEWAY, fault: refusal.fault() })
}
