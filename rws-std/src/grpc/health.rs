//! The standard service by which others ask whether services are ready: `grpc.health.v1.Health`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::request::{Request, Response};
use super::service::Service;
use super::status::Status;
use super::stream::{Outgoing, Streamed};

/// How many callers may watch at once, unless it is said otherwise.
const WATCHERS_MAX: usize = 1_000;

/// Whether a service is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum ServingStatus {
    /// Nobody knows.
    Unknown = 0,
    /// It is.
    Serving = 1,
    /// It is not.
    NotServing = 2,
    /// There is no such service; only watchers are told so.
    ServiceUnknown = 3,
}

#[derive(Clone, PartialEq, prost::Message)]
struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct HealthCheckResponse {
    #[prost(enumeration = "ServingStatus", tag = "1")]
    status: i32,
}

/// What is known of services; cheap to clone. The server as a whole, whose name is empty, is ready at first.
///
/// ```
/// use rws_std::grpc::{Grpc, Health, ServingStatus};
///
/// let health = Health::new();
/// health.set("hello.Greeter", ServingStatus::Serving);
/// let grpc = Grpc::new().serve(health.service());
/// ```
#[derive(Clone, Debug)]
pub struct Health(Arc<Mutex<Known>>);

#[derive(Debug)]
struct Known {
    services: HashMap<String, ServingStatus>,
    watchers: Vec<Watcher>,
}

#[derive(Debug)]
struct Watcher {
    service: String,
    /// What it was told last.
    told: ServingStatus,
    out: Outgoing<HealthCheckResponse>,
}

impl Default for Health {
    fn default() -> Health {
        Health::new()
    }
}

impl Health {
    /// The server as a whole is ready, and nothing else is known.
    pub fn new() -> Health {
        let services = HashMap::from([(String::new(), ServingStatus::Serving)]);
        Health(Arc::new(Mutex::new(Known { services, watchers: Vec::new() })))
    }

    /// `service` is so from now on; watchers are told.
    pub fn set(&self, service: &str, status: ServingStatus) {
        let mut known = self.lock();
        known.services.insert(service.to_owned(), status);
        known.tell(|name| name == service);
    }

    /// Nothing is ready any more: for a server that is about to end. Watchers are told so and sent away, since a call
    /// that is not over holds up the end.
    pub fn shut_down(&self) {
        let mut known = self.lock();
        known.services.values_mut().for_each(|status| *status = ServingStatus::NotServing);
        known.tell(|_| true);
        for watcher in known.watchers.drain(..) {
            watcher.out.fail(&Status::unavailable("the server is about to end"));
        }
    }

    /// The service that answers with it.
    pub fn service(&self) -> Service {
        let (check, watch) = (self.clone(), self.clone());
        Service::new("grpc.health.v1.Health")
            .unary("Check", move |request| check.check(&request))
            .server_streaming("Watch", move |request| watch.watch(request))
    }

    fn check(&self, request: &Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let status = self.lock().services.get(&request.message().service).copied();
        let status = status.ok_or_else(|| Status::not_found("no such service"))?;
        Ok(Response::new(HealthCheckResponse { status: status.into() }))
    }

    fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Streamed<HealthCheckResponse>>, Status> {
        let (response, out) = request.answer();
        let service = request.into_message().service;
        let mut known = self.lock();
        known.watchers.retain(|watcher| !watcher.out.is_gone());
        if known.watchers.len() >= WATCHERS_MAX {
            drop(known);
            out.fail(&Status::resource_exhausted("too many watch"));
            return Ok(response);
        }
        let told = known.status(&service);
        let mut watcher = Watcher { service, told, out };
        // The stream is empty, so there is room.
        watcher.out.try_send(&HealthCheckResponse { status: told.into() })?;
        known.watchers.push(watcher);
        Ok(response)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Nothing panics with the lock in hand, so a poisoned one is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn status(&self, service: &str) -> ServingStatus {
        self.services.get(service).copied().unwrap_or(ServingStatus::ServiceUnknown)
    }

    /// Tells the watchers of these services what has changed. One that is so slow that there is no room is left to ask
    /// anew.
    fn tell(&mut self, is_changed: impl Fn(&str) -> bool) {
        let mut watchers = core::mem::take(&mut self.watchers);
        watchers.retain_mut(|watcher| {
            if !is_changed(&watcher.service) {
                return true;
            }
            let now = self.status(&watcher.service);
            if now == watcher.told {
                return !watcher.out.is_gone();
            }
            watcher.told = now;
            matches!(watcher.out.try_send(&HealthCheckResponse { status: now.into() }), Ok(true))
        });
        self.watchers = watchers;
    }
}
