//! Makes Rust of the service's description.

fn main() -> std::io::Result<()> {
    rws_grpc_build::compile(&["proto/greeter.proto"], &["proto"])
}
