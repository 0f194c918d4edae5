//! A service: a name, and functions as its methods.

use std::collections::HashMap;
use std::sync::Arc;

use prost::Message;

use super::method::{Method, Run, answer_many, answer_one, of_message, of_stream};
use super::request::{Request, Response};
use super::status::Status;
use super::stream::{Incoming, Streamed};
use crate::handover::{Learning, Placement};

/// A service under construction; see the [module](super).
#[derive(Debug)]
pub struct Service {
    name: String,
    placement: Placement,
    methods: HashMap<String, Arc<Method>>,
}

impl Service {
    /// A service without methods, named as in its `.proto` file: `package.Service`.
    pub fn new(name: impl Into<String>) -> Service {
        Service { name: name.into(), placement: Placement::default(), methods: HashMap::new() }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where functions of one message run: on their shard, on another thread, or (by default) on their shard until they
    /// turn out to block.
    #[must_use]
    pub fn placement(mut self, placement: Placement) -> Service {
        self.placement = placement;
        for method in self.methods.values_mut() {
            // Nobody else has it before it is served.
            if let Some(method) = Arc::get_mut(method) {
                method.learning = Learning::new(placement);
            }
        }
        self
    }

    /// A method that takes one message and answers with one.
    #[must_use]
    pub fn unary<T, U, F>(self, method: &str, function: F) -> Service
    where
        T: Message + Default + 'static,
        U: Message + 'static,
        F: Fn(Request<T>) -> Result<Response<U>, Status> + Send + Sync + 'static,
    {
        self.with(method, of_message(function, answer_one::<U>))
    }

    /// A method that takes many messages and answers with one.
    #[must_use]
    pub fn client_streaming<T, U, F>(self, method: &str, function: F) -> Service
    where
        T: Message + Default + 'static,
        U: Message + 'static,
        F: Fn(Request<Incoming<T>>) -> Result<Response<U>, Status> + Send + Sync + 'static,
    {
        self.with(method, of_stream(function, answer_one::<U>))
    }

    /// A method that takes one message and answers with many.
    #[must_use]
    pub fn server_streaming<T, U, F>(self, method: &str, function: F) -> Service
    where
        T: Message + Default + 'static,
        U: Message + 'static,
        F: Fn(Request<T>) -> Result<Response<Streamed<U>>, Status> + Send + Sync + 'static,
    {
        self.with(method, of_message(function, answer_many::<U>))
    }

    /// A method that takes many messages and answers with many, in any order.
    #[must_use]
    pub fn bidirectional<T, U, F>(self, method: &str, function: F) -> Service
    where
        T: Message + Default + 'static,
        U: Message + 'static,
        F: Fn(Request<Incoming<T>>) -> Result<Response<Streamed<U>>, Status> + Send + Sync + 'static,
    {
        self.with(method, of_stream(function, answer_many::<U>))
    }

    pub(super) fn method(&self, name: &str) -> Option<&Arc<Method>> {
        self.methods.get(name)
    }

    fn with(mut self, name: &str, run: Run) -> Service {
        let learning = Learning::new(self.placement);
        self.methods.insert(name.to_owned(), Arc::new(Method { run, learning }));
        self
    }
}
