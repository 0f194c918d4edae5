//! The routes, and the service that runs them.
//!
//! ```text
//!   begin ─┬─ Switch, Upload ── body ──┐
//!          ├───────────────────────────┴─▶ Answer ─┐
//!          ├─▶ Page, Metrics ──────────────────────┼─ head, fill ─▶ end
//!          └─▶ Events ── parked, woken ────────────┘
//! ```

use rws_core::connection::{Fill, HeadAnswer};
use rws_core::message::{RequestHead, TargetForm};
use rws_core::route::{Matched, Route, RouteMatch, RouteTable};
use rws_core::service::{Outcome, Taken};
use rws_core::{Method, Service, Status, WakeContext, route_table};

use crate::answer::Answer;
use crate::device::Device;
use crate::events::Events;
use crate::firmware::{self, Upload};
use crate::led::{self, SwitchBody};
use crate::metrics::Metrics;
use crate::page::Page;

/// What the device answers with, behind its layers.
#[derive(Clone, Copy, Debug)]
pub struct Routes {
    device: &'static Device,
}

/// What a route leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A line of text.
    Home,
    /// Whether the LED is in a state.
    AskLed,
    /// Switches the LED.
    SwitchLed,
    /// The metrics.
    Metrics,
    /// Takes an image.
    Firmware,
    /// The events.
    Events,
    /// The page.
    Page,
}

const TABLE: RouteTable<'static, Target> = route_table!(
    Target,
    [
        Route::get("/", Target::Home).summary("Says hello"),
        Route::get("/led/:state", Target::AskLed).summary("Whether the LED is on or off"),
        Route::post("/led", Target::SwitchLed).summary("Switches the LED"),
        Route::get("/metrics", Target::Metrics).summary("Prometheus text"),
        Route::post("/firmware", Target::Firmware).summary("Takes an image and checks its CRC-32"),
        Route::get("/events", Target::Events).summary("Readings as server-sent events"),
        Route::get("/index.html", Target::Page).summary("A page that shows the readings"),
    ]
);

/// How many routes there are.
pub(crate) const COUNT: usize = TABLE.routes().len();

/// The route table, for listings.
pub const fn table() -> RouteTable<'static, Target> {
    TABLE
}

/// One exchange.
#[derive(Debug)]
pub struct State(Phase);

#[derive(Debug)]
enum Phase {
    Switch(SwitchBody),
    Upload(Upload),
    Answer(Answer),
    Page(Page),
    Metrics(Metrics),
    Events(Events),
}

// A firmware has one for each connection.
const _: () = assert!(size_of::<State>() <= 104);

impl Routes {
    /// The routes of `device`.
    pub const fn new(device: &'static Device) -> Routes {
        Routes { device }
    }

    fn dispatch<C: WakeContext + ?Sized>(&self, cx: &C, head: &RequestHead<'_>) -> Result<Phase, Answer> {
        let found = TABLE.find(head.method(), head.path(), head.authority());
        let place = match &found {
            RouteMatch::Found(matched) => matched.index,
            RouteMatch::MethodNotAllowed(_) | RouteMatch::Options(_) | RouteMatch::NotFound => COUNT,
        };
        self.device.count(|counts| {
            if let Some(count) = counts.requests.get_mut(place) {
                *count = count.wrapping_add(1);
            }
        });
        match found {
            RouteMatch::Found(matched) => self.run(cx, head, &matched),
            RouteMatch::Options(allow) => Err(Answer::options(Some(allow))),
            RouteMatch::MethodNotAllowed(_) if head.method() == Method::Other => {
                Err(Answer::text(Status::NOT_IMPLEMENTED, "this method is not implemented\n"))
            }
            RouteMatch::MethodNotAllowed(allow) => Err(Answer::not_allowed(allow)),
            RouteMatch::NotFound if head.form() == TargetForm::Asterisk => Err(Answer::options(None)),
            RouteMatch::NotFound => Err(Answer::text(Status::NOT_FOUND, "nothing is here\n")),
        }
    }

    fn run<C: WakeContext + ?Sized>(
        &self,
        cx: &C,
        head: &RequestHead<'_>,
        matched: &Matched<'_, Target>,
    ) -> Result<Phase, Answer> {
        match matched.to {
            Target::Home => Err(Answer::text(Status::OK, "A small device, at your service.\n")),
            Target::AskLed => Err(led::ask(self.device, matched.params().value("state"))),
            Target::SwitchLed => led::begin(self.device, head).map(Phase::Switch),
            Target::Metrics => Ok(Phase::Metrics(Metrics::new(self.device.snapshot()))),
            Target::Firmware => firmware::begin(self.device, head).map(Phase::Upload),
            Target::Events => Events::begin(self.device, head, || cx.waker()).map(Phase::Events),
            Target::Page => Page::begin(head).map(Phase::Page),
        }
    }
}

impl<C: WakeContext + ?Sized> Service<C> for Routes {
    type State = State;

    fn begin(&self, cx: &mut C, head: &mut RequestHead<'_>) -> State {
        State(self.dispatch(cx, head).unwrap_or_else(Phase::Answer))
    }

    fn body(&self, _cx: &mut C, state: &mut State, chunk: &[u8], end: bool) -> Taken {
        let answer = match &mut state.0 {
            Phase::Switch(body) => led::take(self.device, body, chunk, end),
            Phase::Upload(upload) => upload.take(self.device, chunk, end),
            Phase::Answer(_) | Phase::Page(_) | Phase::Metrics(_) | Phase::Events(_) => return Taken::Stop,
        };
        let Some(answer) = answer else { return Taken::All };
        state.0 = Phase::Answer(answer);
        if end { Taken::All } else { Taken::Stop }
    }

    fn head<'s>(&self, state: &'s mut State) -> HeadAnswer<'s> {
        match &state.0 {
            Phase::Switch(_) | Phase::Upload(_) => HeadAnswer::NotYet,
            Phase::Answer(answer) => answer.head(),
            Phase::Page(page) => page.head(),
            Phase::Metrics(_) => Metrics::head(),
            Phase::Events(_) => Events::head(),
        }
    }

    fn fill(&self, state: &mut State, out: &mut [u8]) -> Fill {
        match &mut state.0 {
            Phase::Switch(_) | Phase::Upload(_) => Fill::Abort,
            Phase::Answer(answer) => answer.fill(out),
            Phase::Page(page) => page.fill(out),
            Phase::Metrics(metrics) => metrics.fill(out),
            Phase::Events(events) => events.fill(self.device, out),
        }
    }

    fn end(&self, _cx: &mut C, state: State, _outcome: Outcome) {
        match state.0 {
            Phase::Events(events) => events.end(self.device),
            Phase::Switch(_) | Phase::Upload(_) | Phase::Answer(_) | Phase::Page(_) | Phase::Metrics(_) => {}
        }
    }
}
