//! Promises (RFC 9113 §8.4): answers that nobody asked for, announced on the stream of one that somebody did.

use crate::connection::{BodyPlan, Source, StreamId};
use crate::h2::closed::Ended;
use crate::h2::control::Leaving;
use crate::h2::frame::PushPromise;
use crate::h2::head::encode;
use crate::h2::machine::{Machine, Turn};
use crate::h2::memory::Lent;
use crate::h2::out::Out;
use crate::h2::schedule::Part;
use crate::h2::stream::{Sending, State, StreamSlot};
use crate::h2::{Role, STREAM_ID_MAX};
use crate::{Capacity, Env, Error, Method, Misuse};

impl Machine {
    /// A promise on the stream `parent`, see [`Server::push`](super::Server::push).
    pub(super) fn push(
        &mut self,
        env: &Env<'_>,
        slots: &mut [StreamSlot],
        parent: StreamId,
    ) -> Result<StreamId, Error> {
        let at = self.slot_of(slots, parent).ok_or(Misuse::StaleStream)?;
        let slot = slots.get(usize::from(at)).copied().unwrap_or_default();
        let may = self.peer.push && !self.peer_leaves && self.outbox.leaving == Leaving::No;
        if !may || Role::Server.opens(slot.id) || self.next_id > STREAM_ID_MAX {
            return Err(Misuse::WrongState.into());
        }
        if self.pushes >= env.limits.pushes_max || u32::from(self.pushes) >= self.peer.streams_max {
            return Err(Capacity::Streams.into());
        }
        let id = self.next_id;
        let (promised, _) = self.streams.take(slots, id).ok_or(Capacity::Streams)?;
        let window = self.initial_window();
        self.next_id = id.saturating_add(2);
        self.promise = Some(promise);
        self.pushes = self.pushes.saturating_add(1);
        self.begin();
        if let Some(stream) = slots.get_mut(usize::from(promised)) {
            stream.state = State::Reserved;
            stream.sending = Sending::Promise;
            stream.tx_window = window;
            stream.priority = slot.priority;
            // The parent, until the promise is written.
            stream.rx_left = u64::from(slot.id);
        }
        self.schedule.add(slots, promised, Part::Head, true);
        Ok(StreamId::new(u32::from(promised), id))
    }
}

/// Writes a promise in the turn of the stream in slot `at`. Promises are written in the order of their numbers, whatever
/// their parents' priorities (RFC 9113 §5.1.1); another one takes the turn first, then.
fn promise(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    out: &mut Out<'_>,
    source: &mut dyn Source,
    at: u16,
) -> Turn {
    let unwritten = lent.slots.iter().enumerate().filter(|(_, slot)| slot.sending == Sending::Promise);
    let first = unwritten.min_by_key(|(_, slot)| slot.id).map_or(at, |(first, _)| first as u16);
    if first == at {
        return write(machine, env, lent, out, source, at);
    }
    machine.schedule.remove(lent.slots, first);
    let turn = write(machine, env, lent, out, source, first);
    machine.queue(lent.slots, first);
    machine.schedule.add(lent.slots, at, Part::Head, true);
    turn
}

/// Writes the promise of the stream in slot `at`; then its answer is asked for.
fn write(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    out: &mut Out<'_>,
    source: &mut dyn Source,
    at: u16,
) -> Turn {
    let most = usize::from(env.limits.response_head_bytes_max).min(16_000);
    let room = most.saturating_add(PushPromise::START_BYTES);
    if out.room() < room {
        return Turn::Room(room);
    }
    let Some(&slot) = lent.slots.get(usize::from(at)) else { return Turn::Next };
    let stream = machine.name(at, &slot);
    let parent = slot.rx_left as u32;
    let is_open = machine
        .streams
        .find(lent.slots, parent)
        .is_some_and(|at| lent.slots.get(usize::from(at)).is_some_and(StreamSlot::is_live));
    let Some(request) = source.request(stream).filter(|_| is_open) else {
        // Its place is gone, or nobody knows any more what it was for: nobody has heard of it.
        source.ended(stream, false);
        machine.end(lent.slots, at, Ended::Whole);
        return Turn::Next;
    };
    let method = Method::from_bytes(request.method);
    if !method.is_safe() || request.body != BodyPlan::None {
        return machine.misuse(lent, source, at, Misuse::WrongState);
    }
    // The block goes behind the promised stream's number, which is a part of the payload.
    let Some(place) = out.payload(most.saturating_add(4)).get_mut(4..) else { return Turn::Room(room) };
    let mut block = machine.encoder.begin(lent.encoder, place);
    let len = encode::request(&mut block, &request, machine.secure).and_then(|_| Ok(block.finish()?));
    match len {
        Ok(len) => {
            out.promise(&PushPromise::start(parent, slot.id, len as u32, true), len);
            if let Some(slot) = lent.slots.get_mut(usize::from(at)) {
                slot.state = State::HalfClosedRemote;
                slot.sending = Sending::Head;
                slot.set_method(method);
            }
            machine.queue(lent.slots, at);
            Turn::Next
        }
        Err(error) => {
            machine.error = Some(error);
            source.ended(stream, false);
            machine.end(lent.slots, at, Ended::Whole);
            Turn::Next
        }
    }
}
