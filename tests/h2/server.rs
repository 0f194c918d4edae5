//! The server as a process of its own, whose memory and time can be seen.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rws_tests::h2::{Block, Peer};

/// Longer than any answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const MIB: u64 = 1 << 20;

/// How many times as much the long form sends.
pub(crate) fn scale() -> u32 {
    if std::env::var("RWS_TESTS_FULL").is_ok_and(|full| full == "1") { 10 } else { 1 }
}

/// A running server; ended with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Started, and warm: it has answered on several connections.
    pub(crate) fn start() -> Server {
        let server = match std::env::var("RWS_H2_SERVER") {
            Ok(command) => Server::other(&command),
            Err(_) => Server::hello(),
        };
        for _ in 0..8 {
            server.is_sound();
        }
        server
    }

    fn hello() -> Server {
        let mut command = Command::new(program("hello"));
        command.args(["--port", "0", "--shards", "1"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("hello starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped above");
        BufReader::new(out).read_line(&mut line).expect("hello says where it listens");
        let address = line.trim().strip_prefix("http://").and_then(|text| text.parse().ok());
        Server { child, address: address.unwrap_or_else(|| panic!("hello said {line:?}")) }
    }

    fn other(command: &str) -> Server {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let command = command.replace("{port}", &address.port().to_string());
        let mut words = command.split_whitespace();
        let child = Command::new(words.next().expect("a program")).args(words).spawn().expect("it starts");
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < until, "it does not listen");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        Server { child, address }
    }

    pub(crate) fn open(&self, pairs: &[(u16, u32)]) -> Peer {
        Peer::open(self.address, PATIENCE, pairs).unwrap_or_else(|stop| panic!("no connection: {stop}"))
    }

    /// Asserts that an ordinary request is served.
    #[track_caller]
    pub(crate) fn is_sound(&self) {
        let mut peer = self.open(&[]);
        peer.request(1, &get("/"));
        let response = peer.response(1).unwrap_or_else(|stop| panic!("{stop}; it sent {}", peer.story()));
        assert_eq!(response.status, 200, "{}", response.text());
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

    /// Asserts that the server comes to rest: what an attack left behind takes no processor for long.
    #[track_caller]
    pub(crate) fn rests(&self) {
        const WINDOW: Duration = Duration::from_millis(300);
        const WINDOWS_MAX: u32 = 10;
        for window in 1.. {
            let before = self.cpu_time();
            std::thread::park_timeout(WINDOW);
            let used = self.cpu_time().saturating_sub(before);
            if used <= WINDOW / 10 {
                return;
            }
            assert!(window < WINDOWS_MAX, "{used:?} of processor in {WINDOW:?}, long after the attack");
        }
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).expect("the process is there")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary of a package of its name: what the runner has built, else built here, beside this test.
pub(crate) fn program(name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os("RWS_BIN_DIR") {
        return PathBuf::from(folder).join(name);
    }
    let built = Command::new(env!("CARGO")).args(["build", "--quiet", "-p", name]).status();
    assert!(built.is_ok_and(|status| status.success()), "{name} does not build");
    let own = std::env::current_exe().expect("our own path");
    own.parent().and_then(|folder| folder.parent()).expect("target/debug/deps").join(name)
}

pub(crate) fn get(path: &str) -> Block {
    Block::request("GET", path, "localhost")
}

pub(crate) fn post(path: &str) -> Block {
    Block::request("POST", path, "localhost")
}
