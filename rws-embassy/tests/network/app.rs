//! A small application: `/` greets, `/echo` sends a body back, `/count` says how long one is, `/slow` never answers, `/drip` streams for ever.

use core::cell::Cell;
use std::rc::Rc;

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::RequestHead;
use rws_core::service::{Context, Outcome, Service, Taken};
use rws_core::{ResponseHead, Status, field_lines};

/// Counts how exchanges end.
#[derive(Clone, Default)]
pub(crate) struct App {
    pub(crate) begun: Rc<Cell<usize>>,
    pub(crate) whole: Rc<Cell<usize>>,
    pub(crate) aborted: Rc<Cell<usize>>,
}

#[derive(Debug)]
pub(crate) enum Exchange {
    Greet,
    Echo { kept: Vec<u8>, sent: usize, ended: bool },
    Count { bytes: u64, ended: bool },
    Never,
    Drip,
    Missing,
}

impl<C: Context> Service<C> for App {
    type State = Exchange;

    fn begin(&self, _: &mut C, head: &mut RequestHead<'_>) -> Exchange {
        self.begun.set(self.begun.get() + 1);
        match head.path() {
            "/" => Exchange::Greet,
            "/echo" => Exchange::Echo {
                kept: Vec::new(),
                sent: 0,
                ended: head.body() == rws_core::message::BodyFraming::None,
            },
            "/count" => Exchange::Count { bytes: 0, ended: false },
            "/slow" => Exchange::Never,
            "/drip" => Exchange::Drip,
            _ => Exchange::Missing,
        }
    }

    fn body(&self, _: &mut C, state: &mut Exchange, chunk: &[u8], end: bool) -> Taken {
        match state {
            Exchange::Echo { kept, ended, .. } => {
                kept.extend_from_slice(chunk);
                *ended |= end;
            }
            Exchange::Count { bytes, ended } => {
                *bytes += chunk.len() as u64;
                *ended |= end;
            }
            Exchange::Greet | Exchange::Never | Exchange::Drip | Exchange::Missing => return Taken::Stop,
        }
        Taken::All
    }

    fn head<'s>(&self, state: &'s mut Exchange) -> HeadAnswer<'s> {
        let text = ResponseHead { status: Status::OK, fields: field_lines!["Content-Type: text/plain"] };
        match state {
            Exchange::Greet => HeadAnswer::Final(text, BodyPlan::Sized(6)),
            Exchange::Echo { kept, ended: false, .. } if kept.is_empty() => HeadAnswer::NotYet,
            Exchange::Echo { .. } | Exchange::Drip => HeadAnswer::Final(text, BodyPlan::Streamed),
            Exchange::Count { ended: true, .. } => HeadAnswer::Final(text, BodyPlan::Sized(8)),
            Exchange::Count { ended: false, .. } | Exchange::Never => HeadAnswer::NotYet,
            Exchange::Missing => HeadAnswer::Final(ResponseHead::bare(Status::NOT_FOUND), BodyPlan::None),
        }
    }

    fn fill(&self, state: &mut Exchange, out: &mut [u8]) -> Fill {
        match state {
            Exchange::Greet => {
                out[..6].copy_from_slice(b"hello\n");
                Fill::End(6)
            }
            Exchange::Echo { kept, sent, ended } => {
                let rest = &kept[*sent..];
                let n = rest.len().min(out.len());
                out[..n].copy_from_slice(&rest[..n]);
                *sent += n;
                match (n, *sent == kept.len() && *ended) {
                    (n, true) => Fill::End(n),
                    (0, false) => Fill::Blocked,
                    (n, false) => Fill::More(n),
                }
            }
            Exchange::Count { bytes, .. } => {
                out[..8].copy_from_slice(&bytes.to_be_bytes());
                Fill::End(8)
            }
            Exchange::Drip => {
                out.fill(b'.');
                Fill::More(out.len())
            }
            Exchange::Never | Exchange::Missing => Fill::Abort,
        }
    }

    fn end(&self, _: &mut C, _: Exchange, outcome: Outcome) {
        let counter = if matches!(outcome, Outcome::Complete { .. }) { &self.whole } else { &self.aborted };
        counter.set(counter.get() + 1);
    }
}
