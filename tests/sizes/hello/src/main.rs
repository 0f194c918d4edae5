//! `/` and `/hello/:name` on port 80, by rws.

#![no_std]
#![no_main]

use board_support::connections;
use embassy_executor::Spawner;
use embassy_net::Stack;
use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::RequestHead;
use rws_core::route::{Route, RouteMatch, RouteTable};
use rws_core::service::{Context, Service, Taken};
use rws_core::{Limits, ResponseHead, Status, field_lines, route_table};
use rws_embassy::net::{Resources, Slot};
use rws_embassy::{Platform, Server};
use static_cell::ConstStaticCell;

const CONNECTIONS: usize = connections(option_env!("CONNECTIONS"), 4);
const PORT: u16 = 80;

static RESOURCES: ConstStaticCell<Resources<CONNECTIONS>> = ConstStaticCell::new(Resources::new());
static SERVER: Server<'static, Hello, NoClock> =
    Server { service: &Hello, platform: NoClock, limits: &Limits::DEVICE };

board_support::image!(sockets: CONNECTIONS, start: start);

fn start(spawner: Spawner, stack: Stack<'static>) {
    let (slots, _) = RESOURCES.take().split();
    for slot in slots {
        if let Ok(task) = connection(slot, stack) {
            spawner.spawn(task);
        }
    }
}

#[embassy_executor::task(pool_size = CONNECTIONS)]
async fn connection(slot: Slot<'static>, stack: Stack<'static>) {
    slot.run(stack, PORT, &SERVER).await;
}

#[derive(Clone, Copy)]
struct NoClock;

impl Platform for NoClock {
    fn entropy(&self, out: &mut [u8]) {
        // Nothing here asks for any.
        out.fill(0);
    }
}

struct Hello;

#[derive(Clone, Copy)]
enum To {
    World,
    Name,
}

const ROUTES: RouteTable<'static, To> =
    route_table!(To, [Route::get("/", To::World), Route::get("/hello/:name", To::Name)]);

/// The answer's status and its text: a greeting and at most 16 bytes of a name.
struct Answer {
    status: Status,
    text: [u8; GREETING.len()],
    len: u8,
    sent: u8,
}

const GREETING: [u8; 23] = *b"Hello,                 ";
const NAME_AT: usize = 7;

/// As much as there is room for.
#[inline(never)]
fn copy(from: &[u8], to: &mut [u8]) -> usize {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
    from.len().min(to.len())
}

impl<C: Context> Service<C> for Hello {
    type State = Answer;

    fn begin(&self, _: &mut C, head: &mut RequestHead<'_>) -> Answer {
        let (status, name) = match ROUTES.find(head.method(), head.path(), head.authority()) {
            RouteMatch::Found(found) => match found.to {
                To::World => (Status::OK, "World!"),
                To::Name => (Status::OK, found.params().value("name").unwrap_or("")),
            },
            RouteMatch::MethodNotAllowed(_) => (Status::METHOD_NOT_ALLOWED, "no such method"),
            RouteMatch::Options(_) => (Status::NO_CONTENT, ""),
            RouteMatch::NotFound => (Status::NOT_FOUND, "nobody"),
        };
        let mut answer = Answer { status, text: GREETING, len: 0, sent: 0 };
        if !name.is_empty() {
            let room = answer.text.get_mut(NAME_AT..).unwrap_or_default();
            answer.len = (NAME_AT + copy(name.as_bytes(), room)) as u8;
        }
        answer
    }

    fn body(&self, _: &mut C, _: &mut Answer, _: &[u8], _: bool) -> Taken {
        Taken::Stop
    }

    fn head<'s>(&self, answer: &'s mut Answer) -> HeadAnswer<'s> {
        let fields = match answer.status {
            Status::METHOD_NOT_ALLOWED => {
                field_lines!["Content-Type: text/plain", "Allow: GET, HEAD, OPTIONS"]
            }
            _ => field_lines!["Content-Type: text/plain"],
        };
        let head = ResponseHead { status: answer.status, fields };
        HeadAnswer::Final(head, BodyPlan::Sized(answer.len.into()))
    }

    fn streams(&self) -> bool {
        false
    }

    fn fill(&self, answer: &mut Answer, out: &mut [u8]) -> Fill {
        let rest = answer.text.get(answer.sent.into()..answer.len.into()).unwrap_or(&[]);
        let n = copy(rest, out);
        answer.sent += n as u8;
        if answer.sent == answer.len { Fill::End(n) } else { Fill::More(n) }
    }
}
