//! `hello` as a process of its own: for what is the process's, such as signals, descriptors and memory.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::peer::{PATIENCE, Peer};

/// A running `hello` with one shard; ended with the test.
pub(crate) struct Hello {
    child: Child,
    address: SocketAddr,
}

impl Hello {
    pub(crate) fn start() -> Hello {
        Hello::spawn(Command::new(program()))
    }

    /// With at most this many descriptors.
    pub(crate) fn with_descriptors(count: u32) -> Hello {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n {count}; exec \"$0\" \"$@\"")]).arg(program());
        Hello::spawn(shell)
    }

    fn spawn(mut command: Command) -> Hello {
        command.args(["--port", "0", "--shards", "1"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("hello starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped above");
        BufReader::new(out).read_line(&mut line).expect("hello says where it listens");
        let address = line.trim().strip_prefix("http://").and_then(|text| text.parse().ok());
        Hello { child, address: address.unwrap_or_else(|| panic!("hello said {line:?}")) }
    }

    pub(crate) fn connect(&self) -> Peer {
        Peer::connect(self.address)
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process is there");
    }

    /// The exit code, which must come in time.
    #[track_caller]
    pub(crate) fn exits_within(&mut self, patience: Duration) -> Option<i32> {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return status.code();
            }
            assert!(Instant::now() < until, "hello did not end within {patience:?}");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// User and system time so far.
    pub(crate) fn cpu_time(&self) -> Duration {
        let stat = self.file("stat");
        let after_name = stat.rsplit(") ").next().expect("a state");
        let mut fields = after_name.split(' ').skip(11).map(|text| text.parse::<u64>().expect("ticks"));
        let ticks = fields.next().expect("user time") + fields.next().expect("system time");
        Duration::from_millis(ticks * 10)
    }

    /// The most memory that was ever resident: bytes.
    pub(crate) fn peak_bytes(&self) -> u64 {
        let status = self.file("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().strip_suffix(" kB").and_then(|text| text.parse::<u64>().ok()).expect("kilobytes") * 1024
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).expect("the process is there")
    }
}

impl Drop for Hello {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary: what the runner has built, else built here, beside this test.
fn program() -> PathBuf {
    if let Some(folder) = std::env::var_os("RWS_BIN_DIR") {
        return PathBuf::from(folder).join("hello");
    }
    let built = Command::new(env!("CARGO")).args(["build", "--quiet", "-p", "hello"]).status();
    assert!(built.is_ok_and(|status| status.success()), "hello does not build");
    let own = std::env::current_exe().expect("our own path");
    own.parent().and_then(|folder| folder.parent()).expect("target/debug/deps").join("hello")
}

/// Waits for a condition that a process brings about.
#[track_caller]
pub(crate) fn settles(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what} does not settle");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
