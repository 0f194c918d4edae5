//! The rules of the hooks, one test each, over small layers that write down what they see.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::*;
use crate::KnownName;
use crate::connection::{BodyPlan, ResetCause};
use crate::middleware::{
    BodyVerdict, BodyView, Filtered, Inline, Middleware, Reply, RequestVerdict, ResponseParts,
    ResponseVerdict,
};
use crate::testing::{Exchange, Fixed, TestContext};

mod request;
mod response;

type Log = RefCell<Vec<String>>;

fn note(log: &Log, text: String) {
    log.borrow_mut().push(text);
}

fn run<S: Service<TestContext>>(service: &S, exchange: &Exchange) -> crate::testing::Answer {
    exchange.run(service, &mut TestContext::default())
}

/// Does what its fields say, and writes every hook down under its name.
struct Probe<'l> {
    name: &'static str,
    log: &'l Log,
    hooks: Hooks,
    on_request: fn(Option<&[u8]>) -> RequestVerdict,
    on_body: fn(&[u8], bool, &mut [u8]) -> BodyVerdict,
    on_response: fn(&mut ResponseParts<'_, '_>, BodyView<'_>) -> ResponseVerdict,
    on_filter: fn(&[u8], bool, &mut [u8]) -> Filtered,
}

impl<'l> Probe<'l> {
    fn new(name: &'static str, log: &'l Log, hooks: Hooks) -> Probe<'l> {
        Probe {
            name,
            log,
            hooks,
            on_request: |_| RequestVerdict::Continue,
            on_body: |_, _, _| BodyVerdict::Pass,
            on_response: |_, _| ResponseVerdict::Continue,
            on_filter: |input, _, out| {
                let n = input.len().min(out.len());
                out[..n].copy_from_slice(&input[..n]);
                Filtered { taken: n, made: n }
            },
        }
    }

    fn asking(name: &'static str, log: &'l Log) -> Probe<'l> {
        Probe {
            on_request: |body| match body {
                None => RequestVerdict::NeedBody(100),
                Some(_) => RequestVerdict::Continue,
            },
            ..Probe::new(name, log, Hooks::REQUEST)
        }
    }

    fn doubling(name: &'static str, log: &'l Log) -> Probe<'l> {
        Probe { on_body: double_body, ..Probe::new(name, log, REWRITING) }
    }

    fn filtering(name: &'static str, log: &'l Log) -> Probe<'l> {
        Probe { on_filter: double, ..Probe::new(name, log, Hooks::RESPONSE_BODY) }
    }
}

const REWRITING: Hooks = Hooks::REQUEST_BODY.and(Hooks::REWRITE_REQUEST_BODY);
const ALL: Hooks = Hooks(31);

/// Every byte twice; needs room for two.
fn double(input: &[u8], _: bool, out: &mut [u8]) -> Filtered {
    let pairs = input.len().min(out.len() / 2);
    for (at, &byte) in input[..pairs].iter().enumerate() {
        out[at * 2] = byte;
        out[at * 2 + 1] = byte;
    }
    Filtered { taken: pairs, made: pairs * 2 }
}

fn double_body(input: &[u8], _: bool, out: &mut [u8]) -> BodyVerdict {
    let Filtered { taken, made } = double(input, false, out);
    BodyVerdict::Wrote { taken, made }
}

impl Middleware<TestContext> for Probe<'_> {
    type State = ();

    fn hooks(&self) -> Hooks {
        self.hooks
    }
    fn request(
        &self,
        _: &mut TestContext,
        (): &mut (),
        head: &mut RequestHead<'_>,
        body: Option<&[u8]>,
    ) -> RequestVerdict {
        let shown = body.map(String::from_utf8_lossy);
        note(self.log, format!("{}.request {:?} {}", self.name, shown, head.path()));
        (self.on_request)(body)
    }
    fn request_body(
        &self,
        _: &mut TestContext,
        (): &mut (),
        chunk: &[u8],
        end: bool,
        out: &mut [u8],
    ) -> BodyVerdict {
        note(self.log, format!("{}.body {} {end}", self.name, String::from_utf8_lossy(chunk)));
        (self.on_body)(chunk, end, out)
    }
    fn response(
        &self,
        _: &mut TestContext,
        (): &mut (),
        head: &mut ResponseParts<'_, '_>,
        body: BodyView<'_>,
    ) -> ResponseVerdict {
        note(self.log, format!("{}.response {} {body:?}", self.name, head.status));
        (self.on_response)(head, body)
    }
    fn response_body(&self, (): &mut (), input: &[u8], end: bool, _: bool, out: &mut [u8]) -> Filtered {
        (self.on_filter)(input, end, out)
    }
    fn end(&self, _: &mut TestContext, (): &mut (), outcome: Outcome) {
        let end = match outcome {
            Outcome::Complete { status, .. } => format!("{status}"),
            Outcome::Aborted(_) => String::from("aborted"),
        };
        note(self.log, format!("{}.end {end}", self.name));
    }
}

/// Answers with what it got: `path|X-Request-ID|framing|body`.
struct Mirror<'l>(&'l Log);

#[derive(Default)]
struct Mirrored {
    text: Vec<u8>,
    is_complete: bool,
    sent: usize,
}

impl Service<TestContext> for Mirror<'_> {
    type State = Mirrored;

    fn begin(&self, _: &mut TestContext, head: &mut RequestHead<'_>) -> Mirrored {
        note(self.0, String::from("service"));
        let id = head.fields().first(KnownName::XRequestId).unwrap_or(b"-").to_vec();
        let text = format!("{}|{}|{:?}|", head.path(), String::from_utf8_lossy(&id), head.body());
        Mirrored { text: text.into_bytes(), is_complete: !head.body().follows(), sent: 0 }
    }
    fn body(&self, _: &mut TestContext, state: &mut Mirrored, chunk: &[u8], end: bool) -> Taken {
        state.text.extend_from_slice(chunk);
        state.is_complete = end;
        Taken::All
    }
    fn head<'s>(&self, state: &'s mut Mirrored) -> HeadAnswer<'s> {
        if !state.is_complete {
            return HeadAnswer::NotYet;
        }
        HeadAnswer::Final(ResponseHead::bare(Status::OK), BodyPlan::Sized(state.text.len() as u64))
    }
    fn fill(&self, state: &mut Mirrored, out: &mut [u8]) -> Fill {
        let left = &state.text[state.sent..];
        let n = left.len().min(out.len());
        out[..n].copy_from_slice(&left[..n]);
        state.sent += n;
        if n == left.len() { Fill::End(n) } else { Fill::More(n) }
    }
    fn end(&self, _: &mut TestContext, _: Mirrored, outcome: Outcome) {
        note(self.0, format!("service.end {}", matches!(outcome, Outcome::Complete { .. })));
    }
}
