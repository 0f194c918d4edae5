//! What a server writes of an exchange besides content: interim heads, the final one, trailers, its own answers.

use crate::compression::Pseudo;
use crate::connection::{BodyPlan, HeadAnswer, Source};
use crate::h2::frame::{Data, FrameHeader};
use crate::h2::head::encode::{self, Written};
use crate::h2::machine::{Machine, Stuck, Turn};
use crate::h2::memory::Lent;
use crate::h2::out::Out;
use crate::h2::stream::{Flags, STREAMED, Sending};
use crate::message::ResponseHead;
use crate::scan::copy_into;
use crate::{Env, Error, FieldBlock, Method, Misuse, PeerFault, Status, TEXTS, field_lines};

/// Instead of a fault: the source gave a head that cannot be written.
const OUR_FAULT: u8 = u8::MAX;

/// As [`HeadWriter`](crate::h2::machine::HeadWriter) says.
pub(super) fn write(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    out: &mut Out<'_>,
    source: &mut dyn Source,
    at: u16,
) -> Turn {
    let Some(&slot) = lent.slots.get(usize::from(at)) else { return Turn::Next };
    if slot.flags.has(Flags::CONTINUE) {
        if let Some(room) = write_continue(machine, env, lent, out, at) {
            return Turn::Room(room);
        }
        if slot.flags.has(Flags::PARKED) {
            return Turn::Next;
        }
    }
    match slot.sending {
        Sending::Head => heads(machine, env, lent, out, source, at),
        Sending::Own => own(machine, env, lent, out, at),
        Sending::Promise => match machine.promise {
            Some(promise) => promise(machine, env, lent, out, source, at),
            None => Turn::Next,
        },
        Sending::Trailers => trailers(machine, env, lent, out, source, at),
        Sending::Body => Turn::Content,
        Sending::Done => Turn::Next,
    }
}

/// `100 (Continue)`; how much room it needs if it did not fit.
fn write_continue(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    out: &mut Out<'_>,
    at: u16,
) -> Option<usize> {
    const BYTES: usize = 32;
    let room = machine.block_room(BYTES);
    if out.room() < room {
        return Some(room);
    }
    let slot = lent.slots.get_mut(usize::from(at))?;
    slot.flags.clear(Flags::CONTINUE);
    slot.rx_progress = 0;
    slot.flags.set(Flags::EXCUSED);
    machine.clock.arm_streams(env, env.limits.rate_grace_us);
    let id = slot.id;
    let written = machine.write_headers(lent, out, id, BYTES, &mut |block| {
        block.pseudo(Pseudo::Status, b"100")?;
        Ok(false)
    });
    debug_assert!(written.is_ok());
    None
}

/// Interim heads and the final one.
fn heads(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    out: &mut Out<'_>,
    source: &mut dyn Source,
    at: u16,
) -> Turn {
    let most = usize::from(env.limits.response_head_bytes_max);
    let room = machine.block_room(most);
    loop {
        if out.room() < room {
            return Turn::Room(room);
        }
        let Some(slot) = lent.slots.get_mut(usize::from(at)) else { return Turn::Next };
        let stream = machine.name(at, slot);
        let written = match source.head(stream) {
            HeadAnswer::NotYet => {
                slot.flags.set(Flags::PARKED);
                return Turn::Next;
            }
            HeadAnswer::Interim(head) => interim(machine, env, lent, out, at, &head).map(|()| None),
            HeadAnswer::Final(head, plan) => last(machine, env, lent, out, at, &head, plan).map(Some),
        };
        match written {
            Ok(None) => {}
            Ok(Some(true)) => return Turn::Content,
            Ok(Some(false)) => {
                source.ended(stream, true);
                machine.local_end(env, lent.slots, at);
                return Turn::Next;
            }
            Err(error) => {
                machine.error = Some(error);
                source.ended(stream, false);
                if let Some(slot) = lent.slots.get_mut(usize::from(at)) {
                    slot.sending = Sending::Own;
                    slot.count_or_reason = OUR_FAULT;
                    slot.flags.set(Flags::DISCARD);
                }
                return own(machine, env, lent, out, at);
            }
        }
    }
}

fn interim(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    out: &mut Out<'_>,
    at: u16,
    head: &ResponseHead<'_>,
) -> Result<(), Error> {
    let slot = lent.slots.get_mut(usize::from(at)).ok_or(Misuse::StaleStream)?;
    if slot.count_or_reason >= env.limits.interim_max {
        return Err(Misuse::WrongState.into());
    }
    slot.count_or_reason = slot.count_or_reason.saturating_add(1);
    if head.status == Status::CONTINUE {
        slot.flags.clear(Flags::EXPECTS);
    }
    let (id, most) = (slot.id, usize::from(env.limits.response_head_bytes_max));
    machine.write_headers(lent, out, id, most, &mut |block| {
        encode::interim(block, head)?;
        Ok(false)
    })
}

/// The final head; whether a body follows.
pub(super) fn last(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    out: &mut Out<'_>,
    at: u16,
    head: &ResponseHead<'_>,
    plan: BodyPlan,
) -> Result<bool, Error> {
    let slot = lent.slots.get(usize::from(at)).ok_or(Misuse::StaleStream)?;
    let (id, method) = (slot.id, slot.method());
    let most = usize::from(env.limits.response_head_bytes_max);
    let mut written = Written { has_body: false, length: None };
    machine.write_headers(lent, out, id, most, &mut |block| {
        written = encode::response(block, head, plan, method, env.date)?;
        Ok(!written.has_body)
    })?;
    let slot = lent.slots.get_mut(usize::from(at)).ok_or(Misuse::StaleStream)?;
    slot.flags.clear(Flags::EXPECTS);
    slot.sending = Sending::Body;
    slot.tx_left = written.length.unwrap_or(STREAMED);
    if method == Method::Connect && head.status.code() < 300 {
        slot.flags.set(Flags::TUNNEL);
        // What comes is no body that a limit could be for.
        slot.rx_left = u64::MAX;
    }
    Ok(written.has_body)
}

fn trailers(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    out: &mut Out<'_>,
    source: &mut dyn Source,
    at: u16,
) -> Turn {
    let Some(slot) = lent.slots.get(usize::from(at)) else { return Turn::Next };
    let (stream, id) = (machine.name(at, slot), slot.id);
    match machine.write_trailers(env.limits, lent, out, id, source.trailers(stream)) {
        Ok(()) => {
            source.ended(stream, true);
            machine.local_end(env, lent.slots, at);
            Turn::Next
        }
        Err(Stuck::Room(room)) => Turn::Room(room),
        Err(Stuck::Error(error)) => machine.misuse(lent, source, at, error),
    }
}

/// The engine's own answer: a status and one line of text, if there are texts and the windows let it through.
fn own(machine: &mut Machine, env: &Env<'_>, lent: &mut Lent<'_>, out: &mut Out<'_>, at: u16) -> Turn {
    const TEXT: usize = if TEXTS { 80 } else { 0 };
    // The head has one field, a date and a length.
    let most = usize::from(env.limits.response_head_bytes_max);
    let room = machine.block_room(most).saturating_add(FrameHeader::BYTES).saturating_add(TEXT);
    if out.room() < room {
        return Turn::Room(room);
    }
    let Some(slot) = lent.slots.get_mut(usize::from(at)) else { return Turn::Next };
    let (status, text) = match PeerFault::ALL.get(usize::from(slot.count_or_reason)) {
        Some(fault) => (fault.status(), if TEXTS { fault.text() } else { "" }),
        None => (Status::INTERNAL_SERVER_ERROR, if TEXTS { "the answer could not be written" } else { "" }),
    };
    // As on HTTP/1: the only method that is refused here is CONNECT, and it has no other (RFC 9110 §10.2.1).
    let fields = match status {
        Status::METHOD_NOT_ALLOWED => field_lines!["Allow: "],
        _ if !TEXTS => FieldBlock::EMPTY,
        _ => field_lines!["Content-Type: text/plain"],
    };
    let len = text.len();
    let fits = TEXTS && slot.tx_window.min(machine.window) >= TEXT as i32 && len <= TEXT;
    let plan = if fits { BodyPlan::Sized(len as u64) } else { BodyPlan::None };
    let id = slot.id;
    if last(machine, env, lent, out, at, &ResponseHead { status, fields }, plan) == Ok(true) && TEXTS {
        copy_into(out.payload(len), text.as_bytes());
        out.frame(Data::header(id, len as u32, true));
        machine.window = machine.window.saturating_sub_unsigned(len as u32);
    }
    machine.local_end(env, lent.slots, at);
    Turn::Next
}
