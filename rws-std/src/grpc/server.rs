//! The services of a server, and how calls find them.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use rws_core::connection::{Fill, HeadAnswer};
use rws_core::grpc::{CallHead, Code, Encoding, Refusal};
use rws_core::message::{FieldBlock, RequestHead};
use rws_core::service::{Context, Service as CoreService, Taken, WholeAnswer};
use rws_core::{KnownName, Status as HttpStatus};

use super::call::Call;
use super::deadlines::Deadlines;
use super::exchange::{Begun, GrpcExchange};
use super::metadata::Metadata;
use super::method::Method;
use super::service::Service;
use super::status::Status;
use crate::app::Response;
use crate::app::collected::Budget;
use crate::application::Application;
use crate::job::JobCx;

const MESSAGE_BYTES_MAX: u32 = 4 * 1024 * 1024;
const COLLECTED_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Half of the threads that a server has for what blocks, unless it is told otherwise.
const STREAMS_MAX: usize = 256;

/// Services and their limits: part of an [`App`](crate::App) by [`App::grpc`](crate::App::grpc), or an application by
/// itself.
#[derive(Debug)]
pub struct Grpc {
    services: HashMap<String, Service>,
    message_bytes_max: u32,
    compresses: bool,
    timeout_max: Duration,
    pub(super) budget: Arc<Budget>,
    /// For calls that hold a thread as long as they last.
    streams: Arc<Budget>,
    pub(super) deadlines: Arc<Deadlines>,
}

impl Default for Grpc {
    fn default() -> Grpc {
        Grpc::new()
    }
}

impl Grpc {
    /// No services.
    pub fn new() -> Grpc {
        Grpc {
            services: HashMap::new(),
            message_bytes_max: MESSAGE_BYTES_MAX,
            compresses: false,
            timeout_max: Duration::MAX,
            budget: Budget::new(COLLECTED_BYTES_MAX),
            streams: Budget::new(STREAMS_MAX),
            deadlines: Arc::default(),
        }
    }

    /// Serves `service` too; one of the same name makes way.
    #[must_use]
    pub fn serve(mut self, service: Service) -> Grpc {
        self.services.insert(service.name().to_owned(), service);
        self
    }

    /// How many bytes a request message may have, compressed and decompressed: `RESOURCE_EXHAUSTED` beyond. 4 MiB unless
    /// it is said here.
    #[must_use]
    pub const fn message_bytes_max(mut self, bytes: u32) -> Grpc {
        self.message_bytes_max = bytes;
        self
    }

    /// How many bytes of single request messages are in memory at once while they come: `RESOURCE_EXHAUSTED` beyond.
    /// 256 MiB unless it is said here. Streams of messages do not count: what waits of each is within its window.
    #[must_use]
    pub fn collected_bytes_max(mut self, bytes: usize) -> Grpc {
        self.budget = Budget::new(bytes);
        self
    }

    /// How many calls may hold a thread at once: those with a stream of requests, and those that answer with what an
    /// iterator gives. `RESOURCE_EXHAUSTED` beyond. 256 unless it is said here, which is half of what a server has by
    /// [`ThreadLimits`](crate::handover::ThreadLimits), so that other functions that block find one, too.
    #[must_use]
    pub fn streams_max(mut self, calls: usize) -> Grpc {
        self.streams = Budget::new(calls);
        self
    }

    /// How long a call may take, whatever its caller says or does not say: its deadline is no later. For ever unless it is
    /// said here, even if neither side says anything meanwhile; and one that takes a stream of requests holds a thread.
    #[must_use]
    pub const fn timeout_max(mut self, timeout: Duration) -> Grpc {
        self.timeout_max = timeout;
        self
    }

    /// Compresses answers for callers who take gzip, except short ones. Who mixes secrets with what a caller chooses in
    /// one message gives them away by its length then.
    #[must_use]
    pub const fn compress(mut self, compresses: bool) -> Grpc {
        self.compresses = compresses;
        self
    }

    /// The names of its services.
    pub fn service_names(&self) -> impl Iterator<Item = &str> {
        self.services.keys().map(String::as_str)
    }

    fn open(&self, cx: &JobCx, head: &RequestHead<'_>) -> Result<Begun, Response> {
        let call = CallHead::read(head).map_err(|refusal| refused(&refusal))?;
        let method = self.method(&call).map_err(|status| super::method::refusal(&status))?;
        let timeout = call.timeout_us.map_or(Duration::MAX, Duration::from_micros).min(self.timeout_max);
        // One that is beyond what the clock can tell is none.
        let deadline = if timeout == Duration::MAX { None } else { Instant::now().checked_add(timeout) };
        let is_gzip = self.compresses && call.accepts.has(Encoding::Gzip);
        let answer_encoding = if is_gzip { Encoding::Gzip } else { Encoding::Identity };
        let encodings = (call.encoding, answer_encoding);
        let peer = cx.connection().peer;
        let shared = Call::new(encodings, self.message_bytes_max, deadline, peer, cx.waker());
        Ok(Begun {
            method: Arc::clone(method),
            call: Arc::new(shared),
            metadata: Metadata::of(head.fields()),
            deadlines: Arc::clone(&self.deadlines),
            streams: Arc::clone(&self.streams),
        })
    }

    fn method(&self, call: &CallHead<'_>) -> Result<&Arc<Method>, Status> {
        let service = self.services.get(call.path.service);
        let service = service.ok_or(Status::unimplemented("no such service"))?;
        service.method(call.path.method).ok_or(Status::unimplemented("no such method"))
    }
}

fn refused(refusal: &Refusal) -> Response {
    match *refusal {
        Refusal::Call(code, text) => super::method::refusal(&Status::new(code, text)),
        Refusal::Http(HttpStatus::METHOD_NOT_ALLOWED) => {
            let text = Response::text("calls are POST requests\n").status(HttpStatus::METHOD_NOT_ALLOWED);
            text.field(KnownName::Allow, "POST")
        }
        Refusal::Http(status) => {
            // Callers who look for it find a code here, too.
            let code = Code::of_http(status).digits();
            Response::text("this is for gRPC calls\n").status(status).field("grpc-status", code)
        }
    }
}

impl CoreService<JobCx> for Grpc {
    type State = GrpcExchange;

    fn begin(&self, cx: &mut JobCx, head: &mut RequestHead<'_>) -> GrpcExchange {
        match self.open(cx, head) {
            Ok(begun) => GrpcExchange::begin(cx, begun, &self.budget, head.body().follows()),
            Err(response) => GrpcExchange::answering(response),
        }
    }

    fn body(&self, cx: &mut JobCx, state: &mut GrpcExchange, chunk: &[u8], end: bool) -> Taken {
        state.body(cx, chunk, end)
    }

    fn head<'s>(&self, state: &'s mut GrpcExchange) -> HeadAnswer<'s> {
        state.head()
    }

    fn whole<'s>(&self, state: &'s GrpcExchange) -> Option<WholeAnswer<'s>> {
        state.whole()
    }

    fn fill(&self, state: &mut GrpcExchange, out: &mut [u8]) -> Fill {
        state.fill(out)
    }

    fn trailers<'s>(&self, state: &'s mut GrpcExchange) -> FieldBlock<'s> {
        state.trailers()
    }
}

impl Application for Grpc {}
