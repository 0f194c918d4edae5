//! One image under QEMU.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::env;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use rws_tests::peer::{PATIENCE, Peer};

const UP: &str = "board: up";
const TRIES_MAX: usize = 5;
const TO_ACCEPT: Duration = Duration::from_millis(3);

/// What an image is built for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    CortexM4,
    CortexM0,
}

impl Target {
    pub(crate) const ALL: [Target; 2] = [Target::CortexM4, Target::CortexM0];

    fn triple(self) -> &'static str {
        match self {
            Target::CortexM4 => "thumbv7em-none-eabihf",
            Target::CortexM0 => "thumbv6m-none-eabi",
        }
    }
}

/// A running image, which ends with its test.
#[derive(Debug)]
pub(crate) struct Machine {
    process: Child,
    /// What QEMU says itself, and that line of the image's; a panic's message goes to the standard output.
    said: Receiver<String>,
    pub(crate) address: SocketAddr,
}

impl Machine {
    /// Starts the image of this name and waits until its sockets listen.
    pub(crate) fn start(image: &str, target: Target) -> Machine {
        let file = images().join(target.triple()).join("release").join(image);
        assert!(
            file.exists(),
            "build it first: ./tests/run board, or cargo build --release in its workspace"
        );
        // Between our look for a free port and QEMU's use of it another test may take it.
        let started = (0..TRIES_MAX).find_map(|_| Machine::try_start(&file));
        started.expect("the image starts, and says that its sockets listen")
    }

    fn try_start(file: &PathBuf) -> Option<Machine> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = free.local_addr().expect("its address");
        drop(free);
        let mut process = Command::new("qemu-system-arm")
            .args(["-machine", "mps2-an386", "-nographic", "-serial", "none", "-monitor", "none"])
            .args(["-semihosting-config", "enable=on,target=native", "-net", "nic,netdev=n0", "-netdev"])
            .arg(format!("user,id=n0,hostfwd=tcp:{address}-:80"))
            .arg("-kernel")
            .arg(file)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("qemu-system-arm is installed");
        let said = lines(process.stderr.take().expect("what it says"));
        if said.recv_timeout(PATIENCE).is_ok_and(|line| line == UP) {
            return Some(Machine { process, said, address });
        }
        let _ = process.kill();
        let _ = process.wait();
        None
    }

    /// QEMU keeps one connection waiting while it accepts another, and one that comes then is heard a second later: so
    /// this gives it a moment.
    pub(crate) fn connect(&self) -> Peer {
        let peer = Peer::connect(self.address);
        thread::park_timeout(TO_ACCEPT);
        peer
    }

    /// Whether the image still runs: one that panics or faults ends QEMU.
    pub(crate) fn is_running(&mut self) -> bool {
        self.process.try_wait().is_ok_and(|ended| ended.is_none())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let was_running = self.is_running();
        let _ = self.process.kill();
        let _ = self.process.wait();
        if !was_running && !thread::panicking() {
            let rest: Vec<String> = self.said.iter().collect();
            panic!("the image ended: {rest:?}");
        }
    }
}

/// What is written, line by line, until the writer is gone.
fn lines(from: ChildStderr) -> Receiver<String> {
    let (to, lines) = mpsc::channel();
    thread::spawn(move || {
        BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| to.send(line))
    });
    lines
}

/// Where the harness has put the images, or where cargo puts them.
fn images() -> PathBuf {
    let usual = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/board");
    env::var_os("RWS_BOARD_IMAGES").map_or_else(|| PathBuf::from(usual), PathBuf::from)
}
