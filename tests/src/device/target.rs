//! The device under test.

use core::net::SocketAddr;
use std::io::{BufRead, BufReader};
use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A device that listens somewhere; one that was started here ends with the test.
#[derive(Debug)]
pub struct Target {
    address: SocketAddr,
    child: Option<Child>,
}

impl Target {
    /// The one that `RWS_DEVICE_AT` names, else one that is started.
    #[expect(clippy::new_without_default, reason = "it starts a process")]
    pub fn new() -> Target {
        match std::env::var("RWS_DEVICE_AT") {
            Ok(place) => {
                let mut addresses = place.to_socket_addrs().expect("RWS_DEVICE_AT is HOST:PORT");
                Target { address: addresses.next().expect("an address"), child: None }
            }
            Err(_) => Target::start(),
        }
    }

    /// One on this machine, with its service on `rws-std`.
    pub fn start() -> Target {
        let mut command = Command::new(program());
        command.args(["--port", "0"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("device_on_std starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped above");
        BufReader::new(out).read_line(&mut line).expect("it says where it listens");
        let address = line.trim().strip_prefix("http://").and_then(|text| text.parse().ok());
        Target { address: address.unwrap_or_else(|| panic!("it said {line:?}")), child: Some(child) }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The binary: what the runner has built, else built here, beside this test.
fn program() -> PathBuf {
    if let Some(folder) = std::env::var_os("RWS_BIN_DIR") {
        return PathBuf::from(folder).join("device_on_std");
    }
    let built = Command::new(env!("CARGO")).args(["build", "--quiet", "-p", "device_on_std"]).status();
    assert!(built.is_ok_and(|status| status.success()), "device_on_std does not build");
    let own = std::env::current_exe().expect("our own path");
    own.parent().and_then(|folder| folder.parent()).expect("target/debug/deps").join("device_on_std")
}
