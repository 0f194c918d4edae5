//! What a driver that is short of memory need not keep.

use super::{Phase, Server};
use crate::connection::Event;
use crate::{Env, PeerFault};

/// What becomes of received bytes that the machine cannot work off yet and that the driver has no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shed {
    /// They are the message under way's own: to be kept all the same.
    Keep,
    /// They are dropped, and no further request is read: the connection ends with the answer under way.
    Drop,
    /// They are dropped, since they begin something that would need more room still: it is refused. The event
    /// is to be dealt with as one of [`receive`](crate::connection::ByteConnection::receive).
    Refused(Event),
}

impl Server {
    /// The driver is short of memory, and has bytes left that [`receive`] did not take. A head that is not whole
    /// is refused (431), and so is such a trailer section; requests behind the one under way are given up, as
    /// a client that pipelines has to expect (RFC 9112 §9.3.2). Content that waits for credit is kept: it is
    /// bounded by what the driver reads at once.
    ///
    /// [`receive`]: crate::connection::ByteConnection::receive
    pub fn shed(&mut self, env: &Env<'_>) -> Shed {
        match self.phase {
            Phase::Idle | Phase::Head => Shed::Refused(self.refused(PeerFault::HeadTooLarge)),
            Phase::Exchange if self.upgrade || self.body.is_paused() => Shed::Keep,
            Phase::Exchange if !self.body.is_ended() => {
                Shed::Refused(self.refused(PeerFault::TrailersTooLarge))
            }
            Phase::Exchange => {
                self.persist = false;
                Shed::Drop
            }
            Phase::Drain => {
                self.linger(env);
                Shed::Drop
            }
            Phase::Refusing | Phase::Linger | Phase::Closed => Shed::Drop,
            Phase::Upgraded => Shed::Keep,
        }
    }
}
