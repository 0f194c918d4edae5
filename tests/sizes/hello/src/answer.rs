//! What `/` and `/hello/:name` answer.

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::RequestHead;
use rws_core::route::{Route, RouteMatch, RouteTable};
use rws_core::service::{Context, Service, Taken};
use rws_core::{ResponseHead, Status, field_lines, route_table};

pub(crate) struct Hello;

#[derive(Clone, Copy)]
enum To {
    World,
    Name,
}

const ROUTES: RouteTable<'static, To> =
    route_table!(To, [Route::get("/", To::World), Route::get("/hello/:name", To::Name)]);

/// The answer's status and, behind a greeting, at most this much of a name. How much of both is sent.
pub(crate) struct Answer {
    status: Status,
    name: [u8; 16],
    len: u8,
    sent: u8,
}

const GREETING: &[u8] = b"Hello, ";

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
        let mut answer = Answer { status, name: [0; 16], len: 0, sent: 0 };
        answer.len = copy(name.as_bytes(), &mut answer.name) as u8;
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
        let len = GREETING.len() as u64 + u64::from(answer.len);
        HeadAnswer::Final(head, if answer.len == 0 { BodyPlan::None } else { BodyPlan::Sized(len) })
    }

    fn streams(&self) -> bool {
        false
    }

    fn reads_bodies(&self) -> bool {
        false
    }

    fn fill(&self, answer: &mut Answer, out: &mut [u8]) -> Fill {
        let (sent, whole) = (usize::from(answer.sent), GREETING.len() + usize::from(answer.len));
        let greeted = copy(GREETING.get(sent..).unwrap_or(&[]), out);
        let named = (sent + greeted).saturating_sub(GREETING.len())..answer.len.into();
        let rest = out.get_mut(greeted..).unwrap_or_default();
        let n = greeted + copy(answer.name.get(named).unwrap_or(&[]), rest);
        answer.sent += n as u8;
        if sent + n == whole { Fill::End(n) } else { Fill::More(n) }
    }
}
