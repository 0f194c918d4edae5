//! Makes Rust of `.proto` files in a build script, without `protoc`: messages by `prost`, and for each service a trait
//! with a function for each of its methods.
//!
//! ```no_run
//! // build.rs
//! rws_grpc_build::compile(&["proto/greeter.proto"], &["proto"]).expect("the .proto files are right");
//! ```
//!
//! For `service Greeter { rpc SayHello (HelloRequest) returns (HelloReply); }` in package `hello`, what is written to
//! `OUT_DIR/hello.rs` has, beside the messages:
//!
//! ```text
//! pub trait Greeter: Send + Sync + 'static {
//!     fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> { … UNIMPLEMENTED }
//! }
//! pub fn greeter(implementation: impl Greeter) -> rws_std::grpc::Service
//! ```
//!
//! The crate that takes it by `include!` depends on `rws-std` with the feature `grpc`, and on `prost`.

use std::path::Path;

mod service;

/// Makes Rust of `protos`, which are found below one of the `includes`, in `OUT_DIR`.
///
/// # Errors
/// A file that is not there or not right, with its place; or a folder that cannot be written to.
pub fn compile(protos: &[impl AsRef<Path>], includes: &[impl AsRef<Path>]) -> std::io::Result<()> {
    for proto in protos {
        println!("cargo:rerun-if-changed={}", proto.as_ref().display());
    }
    let files =
        protox::compile(protos, includes).map_err(|error| std::io::Error::other(format!("{error:?}")))?;
    let mut config = prost_build::Config::new();
    config.service_generator(Box::new(service::Generator));
    config.compile_fds(files)
}
