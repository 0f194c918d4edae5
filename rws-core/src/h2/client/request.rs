//! What a client writes of an exchange besides content: the request's head, and its trailers.

use crate::connection::{RequestOut, Source, StreamId};
use crate::h2::STREAM_ID_MAX;
use crate::h2::head::encode::{self, Written};
use crate::h2::machine::{Machine, Phase, Stuck, Turn};
use crate::h2::memory::Lent;
use crate::h2::out::Out;
use crate::h2::schedule::USUAL;
use crate::h2::stream::{Flags, STREAMED, Sending, State, StreamSlot, Tick};
use crate::{Capacity, Env, Error, KnownName, Method, Misuse};

impl Machine {
    /// Whether one more stream may be opened.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn may_open(&self, env: &Env<'_>) -> Result<(), Error> {
        match self.phase {
            Phase::Settings | Phase::Open if !self.draining && !self.peer_leaves => {}
            Phase::Preface
            | Phase::Settings
            | Phase::Open
            | Phase::Ending
            | Phase::Linger
            | Phase::Closed => {
                return Err(Misuse::WrongState.into());
            }
        }
        // What is open has its number, or takes one of those that are left.
        let numbers = STREAM_ID_MAX.saturating_sub(self.next_id) / 2;
        if u32::from(self.live) > numbers {
            return Err(Misuse::WrongState.into());
        }
        // One that was reset has its slot until that is written: who opens and resets takes no more of them.
        let is_full =
            u32::from(self.live) >= self.peer.streams_max || self.streams.taken() >= env.limits.streams_max;
        if is_full { Err(Capacity::Streams.into()) } else { Ok(()) }
    }

    /// A stream whose request the source will be asked for.
    ///
    /// # Errors
    /// There is no slot for it.
    pub(super) fn open_stream(&mut self, slots: &mut [StreamSlot]) -> Result<StreamId, Error> {
        let (at, serial) = self.streams.take(slots, 0).ok_or(Capacity::Streams)?;
        self.begin();
        if let Some(slot) = slots.get_mut(usize::from(at)) {
            slot.state = State::Opening;
            slot.sending = Sending::Head;
            slot.priority = USUAL;
        }
        self.queue(slots, at);
        Ok(StreamId::new(u32::from(at), u32::from(serial)))
    }

    pub(super) fn request_begun(&self, slots: &[StreamSlot], stream: StreamId) -> bool {
        let slot = self.slot_of(slots, stream).and_then(|at| slots.get(usize::from(at)));
        slot.is_some_and(|slot| slot.id != 0)
    }
}

/// As [`HeadWriter`](crate::h2::machine::HeadWriter) says.
pub(super) fn write(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    out: &mut Out<'_>,
    source: &mut dyn Source,
    at: u16,
) -> Turn {
    let Some(slot) = lent.slots.get(usize::from(at)) else { return Turn::Next };
    match slot.sending {
        Sending::Head => head(machine, env, lent, out, source, at),
        Sending::Trailers => trailers(machine, env, lent, out, source, at),
        Sending::Body => Turn::Content,
        Sending::Own | Sending::Promise | Sending::Done => Turn::Next,
    }
}

fn head(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    out: &mut Out<'_>,
    source: &mut dyn Source,
    at: u16,
) -> Turn {
    let Some(slot) = lent.slots.get_mut(usize::from(at)) else { return Turn::Next };
    let stream = machine.name(at, slot);
    let Some(request) = source.request(stream) else {
        slot.flags.set(Flags::PARKED);
        return Turn::Next;
    };
    let most = request_bytes(&request);
    let room = machine.block_room(most);
    if out.room() < room && room <= usize::from(u16::MAX) {
        return Turn::Room(room);
    }
    match begin(machine, env, lent, out, &request, at) {
        Ok(true) => Turn::Content,
        Ok(false) => Turn::Next,
        Err(Ended(Ok(()))) => {
            source.ended(stream, true);
            machine.local_end(env, lent.slots, at);
            Turn::Next
        }
        Err(Ended(Err(error))) => machine.misuse(lent, source, at, error),
    }
}

/// The request is written to its end, or cannot be written.
struct Ended(Result<(), Error>);

/// Writes the head; whether content follows at once, or when the server asks for it.
fn begin(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    out: &mut Out<'_>,
    request: &RequestOut<'_>,
    at: u16,
) -> Result<bool, Ended> {
    let method = Method::from_bytes(request.method);
    let is_extended = method == Method::Connect && request.fields.has(KnownName::Upgrade);
    if is_extended && !machine.peer.connect_protocol {
        return Err(Ended(Err(Misuse::WrongState.into())));
    }
    let (id, secure, most) = (machine.next_id, machine.secure, out.room());
    let mut written = Written { has_body: false, length: None };
    let done = machine.write_headers(lent, out, id, most, &mut |block| {
        written = encode::request(block, request, secure)?;
        Ok(!written.has_body)
    });
    done.map_err(|error| Ended(Err(error)))?;
    machine.next_id = id.saturating_add(2);
    machine.streams.name(lent.slots, at, id);
    let (credit, window) = (machine.initial_credit(), machine.initial_window());
    let Some(slot) = lent.slots.get_mut(usize::from(at)) else { return Ok(false) };
    slot.state = State::Open;
    slot.sending = Sending::Body;
    slot.set_method(method);
    slot.credit = slot.credit.saturating_add(credit);
    slot.tx_window = window;
    slot.rx_left = u64::MAX;
    slot.tx_left = written.length.unwrap_or(STREAMED);
    if method == Method::Connect {
        slot.flags.set(Flags::TUNNEL);
    }
    if !written.has_body {
        return Err(Ended(Ok(())));
    }
    if request.expect_continue {
        slot.flags.set(Flags::EXPECTS);
        slot.rx_late = Tick::after(env.now, env.limits.expect_timeout_us);
        machine.clock.arm_streams(env, env.limits.expect_timeout_us);
        return Ok(false);
    }
    Ok(true)
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

/// No more than this takes a request's head as a block: bytes.
fn request_bytes(request: &RequestOut<'_>) -> usize {
    const AROUND: usize = 128;
    const LENGTHS: usize = 8;
    let start = [request.method, request.target, request.authority];
    let start = start.iter().fold(AROUND, |sum, part| sum.saturating_add(part.len()));
    request.fields.iter().fold(start, |sum, (name, value)| {
        sum.saturating_add(name.as_bytes().len()).saturating_add(value.len()).saturating_add(LENGTHS)
    })
}
