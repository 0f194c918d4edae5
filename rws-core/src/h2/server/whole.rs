//! The short way of an answer that lies in memory as a whole: past the schedule and the source.

use super::{Server, answer};
use crate::Env;
use crate::connection::{BodyPlan, StreamId};
use crate::h2::frame::{Data, FrameHeader};
use crate::h2::machine::{Machine, Phase};
use crate::h2::memory::{Lent, Memory};
use crate::h2::out::Out;
use crate::h2::stream::{Flags, Sending, State};
use crate::message::Method;
use crate::scan::copy_into;
use crate::service::WholeAnswer;

/// The longest content that goes this way, in one frame that every peer takes: bytes. What is longer takes turns with
/// the answers of other streams.
const CONTENT_BYTES_MAX: usize = 4096;

impl<M: Memory> Server<M> {
    /// Writes all of the answer of `stream` to the start of `tx`, if its request has come whole, nothing of its answer
    /// is written, and the peer's windows let it through: how many bytes they are. The exchange is over then, and
    /// [`Source::ended`](crate::Source::ended) is not called. `None`: nothing has changed, and `transmit` is the way.
    pub fn answer_whole(
        &mut self,
        env: &Env<'_>,
        stream: StreamId,
        tx: &mut [u8],
        answer: &WholeAnswer<'_>,
    ) -> Option<usize> {
        let mut out = Out::new(tx);
        write(&mut self.machine, env, &mut self.memory.lend(), &mut out, stream, answer)?;
        self.machine.transmitted(env, out.len(), None);
        Some(out.len())
    }
}

fn write(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    out: &mut Out<'_>,
    stream: StreamId,
    answer: &WholeAnswer<'_>,
) -> Option<()> {
    const MORE_TO_SAY: u16 = Flags::EXPECTS | Flags::CONTINUE;
    let at = machine.slot_of(lent.slots, stream)?;
    let slot = lent.slots.get(usize::from(at))?;
    let len = answer.body.len();
    let is_usual = slot.state == State::HalfClosedRemote
        && slot.sending == Sending::Head
        && !slot.flags.has(MORE_TO_SAY)
        && !matches!(slot.method(), Method::Head | Method::Connect);
    let window = slot.tx_window.min(machine.window);
    let passes = len <= CONTENT_BYTES_MAX && window >= len as i32;
    let head_room = machine.block_room(usize::from(env.limits.response_head_bytes_max));
    let room = head_room.saturating_add(FrameHeader::BYTES).saturating_add(len);
    let is_open = machine.phase == Phase::Open && !machine.outbox.preface;
    if !is_usual || !passes || !is_open || out.room() < room {
        return None;
    }
    let id = slot.id;
    // A head that cannot be written leaves nothing behind: the usual way meets the same, and deals with it.
    let plan = BodyPlan::Sized(len as u64);
    if answer::last(machine, env, lent, out, at, &answer.head, plan).ok()? {
        copy_into(out.payload(len).get_mut(..len)?, answer.body);
        out.frame(Data::header(id, len as u32, true));
        machine.sent(lent.slots, at, len);
    }
    machine.local_end(env, lent.slots, at);
    Some(())
}
