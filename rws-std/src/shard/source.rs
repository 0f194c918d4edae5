//! What a machine pulls from: an exchange's answer, whoever makes it.

use rws_core::Status;
use rws_core::connection::{BodyPlan, Fill, HeadAnswer, Source, StreamId};
use rws_core::message::{FieldBlock, ResponseHead};

use super::settle::{Answer, Exchange};
use crate::application::Application;

/// Lets the machine pull from an exchange.
pub(super) struct Pull<'p, 'b, A: Application> {
    pub(super) app: &'p A,
    pub(super) exchange: &'p mut Exchange<A::State>,
    /// Body bytes that an upstream has sent, and whether they are the last.
    pub(super) relayed: &'p mut Relayed<'b>,
}

/// What is on its way from an upstream to the client.
pub(super) struct Relayed<'b> {
    /// An interim head.
    pub(super) interim: Option<ResponseHead<'b>>,
    /// Body bytes.
    pub(super) bytes: &'b [u8],
    /// How many of them the client's machine has taken.
    pub(super) taken: usize,
    /// They are the last.
    pub(super) end: bool,
    /// What follows them then.
    pub(super) trailers: FieldBlock<'b>,
}

impl Relayed<'_> {
    pub(super) const fn nothing() -> Relayed<'static> {
        Relayed { interim: None, bytes: &[], taken: 0, end: false, trailers: FieldBlock::EMPTY }
    }

    fn fill(&mut self, out: &mut [u8]) -> Fill {
        let rest = self.bytes.get(self.taken..).unwrap_or(&[]);
        let n = rest.len().min(out.len());
        out[..n].copy_from_slice(&rest[..n]);
        self.taken += n;
        match (n, n == rest.len() && self.end) {
            (_, true) => Fill::End(n),
            (0, false) => Fill::Blocked,
            (_, false) => Fill::More(n),
        }
    }
}

impl<A: Application> Source for Pull<'_, '_, A> {
    #[inline]
    fn head(&mut self, _stream: StreamId) -> HeadAnswer<'_> {
        self.exchange.head(self.app, self.relayed.interim.take())
    }

    #[inline]
    fn fill(&mut self, _stream: StreamId, out: &mut [u8]) -> Fill {
        self.exchange.fill(self.app, self.relayed, out)
    }

    fn direct(&mut self, _stream: StreamId) -> u64 {
        match &mut self.exchange.answer {
            Answer::Service(_) if self.exchange.is_relayed => 0,
            Answer::Service(state) => self.app.direct(state),
            Answer::Canned(_) | Answer::Away => 0,
        }
    }

    #[inline]
    fn trailers(&mut self, _stream: StreamId) -> FieldBlock<'_> {
        self.exchange.trailers(self.app, self.relayed.trailers)
    }
}

/// What an exchange says to the machine that pulls from it.
impl<S: Send + 'static> Exchange<S> {
    #[inline]
    pub(super) fn head<'x, A: Application<State = S>>(
        &'x mut self,
        app: &A,
        interim: Option<ResponseHead<'x>>,
    ) -> HeadAnswer<'x> {
        if let Some(interim) = interim {
            return HeadAnswer::Interim(interim);
        }
        if let Some(hints) = &mut self.hints
            && let Some(fields) = hints.say()
        {
            return HeadAnswer::Interim(ResponseHead { status: Status::EARLY_HINTS, fields });
        }
        let answer = match &mut self.answer {
            Answer::Service(state) => app.head(state),
            Answer::Canned(canned) => {
                HeadAnswer::Final(canned.head(), BodyPlan::Sized(canned.text().len() as u64))
            }
            Answer::Away => HeadAnswer::NotYet,
        };
        if let HeadAnswer::Final(head, _) = &answer {
            self.status = Some(head.status);
        }
        answer
    }

    #[inline]
    pub(super) fn fill<A: Application<State = S>>(
        &mut self,
        app: &A,
        relayed: &mut Relayed<'_>,
        out: &mut [u8],
    ) -> Fill {
        let is_relayed = self.is_relayed;
        let fill = match &mut self.answer {
            Answer::Service(state) => {
                if is_relayed && app.relays(state) {
                    relayed.fill(out)
                } else {
                    app.fill(state, out)
                }
            }
            Answer::Canned(canned) => {
                let text = &canned.text()[(self.body_bytes as usize).min(canned.text().len())..];
                let n = text.len().min(out.len());
                out[..n].copy_from_slice(&text[..n]);
                if n == text.len() { Fill::End(n) } else { Fill::More(n) }
            }
            Answer::Away => Fill::Blocked,
        };
        if let Fill::More(n) | Fill::End(n) = fill {
            self.body_bytes += n as u64;
        }
        fill
    }

    #[inline]
    pub(super) fn trailers<'x, A: Application<State = S>>(
        &'x mut self,
        app: &A,
        relayed: FieldBlock<'x>,
    ) -> FieldBlock<'x> {
        let is_relayed = self.is_relayed;
        match &mut self.answer {
            Answer::Service(state) => {
                if is_relayed && app.relays(state) {
                    relayed
                } else {
                    app.trailers(state)
                }
            }
            Answer::Canned(_) | Answer::Away => FieldBlock::EMPTY,
        }
    }
}

/// A source for what the machine says by itself.
pub(super) struct Nobody;

impl Source for Nobody {
    fn head(&mut self, _stream: StreamId) -> HeadAnswer<'_> {
        HeadAnswer::NotYet
    }
    fn fill(&mut self, _stream: StreamId, _out: &mut [u8]) -> Fill {
        Fill::Abort
    }
}
