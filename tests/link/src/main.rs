//! A server over a stream that is not one, linked with a panic handler that cannot be linked.
//!
//! If anything in `rws-core` or `rws-embassy` could panic, the handler would be kept, and with it its call of a
//! function that exists nowhere: the linker would name it. That this image links is the proof that nothing can.
#![no_std]
#![no_main]

mod bare;
mod h2;

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::RequestHead;
use rws_core::middleware::{BodyLimitLayer, Layered, TraceIdLayer};
use rws_core::route::{Route, RouteMatch, RouteTable};
use rws_core::service::{Context, Service, Taken};
use rws_core::{Limits, ResponseHead, Status, field_lines, route_table};
use rws_embassy::{BUFFER_BYTES, Server};

/// Two routes, a body that is counted, and a stream.
struct App;

const ROUTES: RouteTable<'static, To> = route_table!(
    To,
    [Route::get("/", To::Hello), Route::get("/hello/:name", To::Named), Route::post("/echo", To::Count)]
);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Hello,
    Named,
    Count,
    Missing,
}

struct State {
    to: To,
    count: u32,
}

impl<C: Context> Service<C> for App {
    type State = State;

    fn begin(&self, _: &mut C, head: &mut RequestHead<'_>) -> State {
        let (to, count) = match ROUTES.find(head.method(), head.path(), head.authority()) {
            RouteMatch::Found(found) => {
                (*found.to, found.params().value("name").map_or(0, |name| name.len() as u32))
            }
            RouteMatch::MethodNotAllowed(_) | RouteMatch::Options(_) | RouteMatch::NotFound => {
                (To::Missing, 0)
            }
        };
        State { to, count }
    }

    fn body(&self, _: &mut C, state: &mut State, chunk: &[u8], _: bool) -> Taken {
        state.count = state.count.wrapping_add(chunk.len() as u32);
        Taken::All
    }

    fn head<'s>(&self, state: &'s mut State) -> HeadAnswer<'s> {
        let fields = field_lines!["Content-Type: text/plain"];
        match state.to {
            To::Missing => HeadAnswer::Final(ResponseHead::bare(Status::NOT_FOUND), BodyPlan::None),
            To::Hello => HeadAnswer::Final(ResponseHead { status: Status::OK, fields }, BodyPlan::Sized(1)),
            To::Named | To::Count => {
                HeadAnswer::Final(ResponseHead { status: Status::OK, fields }, BodyPlan::Streamed)
            }
        }
    }

    fn fill(&self, state: &mut State, out: &mut [u8]) -> Fill {
        let Some(first) = out.first_mut() else { return Fill::Blocked };
        *first = state.count as u8;
        Fill::End(1)
    }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let service: Layered<_, _> = Layered::new((TraceIdLayer::new(), BodyLimitLayer::new(1024)), App);
    let server = Server { service: &service, platform: bare::Board, limits: &Limits::DEVICE };
    bare::run(&server, &mut [0; BUFFER_BYTES], ());
    h2::serve();
}
