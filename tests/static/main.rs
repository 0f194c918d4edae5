//! What a configuration serves, over real sockets: files, fixed answers, the built-in routes and the log.

mod builtin;
mod client;
mod files;
mod log;
mod outside;
mod own_answers;
mod requests;
mod routes;
mod server;
mod upstream;
