//! The binary as it is delivered, with the configuration of `examples/proxy.toml`, before two small upstreams that
//! are processes of their own: large bodies within little memory, and an upstream that is killed.
//!
//! The long form (`RWS_TESTS_FULL=1`) sends 1 GiB each way, the short one 64 MiB.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use rws_tests::content::{Arrived, send_content};
use socket2::{Domain, Socket, Type};

use crate::client::Client;

const RSS_KIB_MAX: u64 = 32 * 1024;

fn is_long() -> bool {
    ["RWS_TESTS_FULL", "RWS_FULL"].iter().any(|name| std::env::var(name).is_ok_and(|value| value == "1"))
}

/// A process that ends with its test.
struct Running {
    process: Child,
    address: SocketAddr,
    _output: BufReader<ChildStdout>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Running {
    /// Starts `command`, whose first line of output ends with its address.
    fn start(command: &mut Command) -> Running {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the binary starts");
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        let address = loop {
            let mut line = String::new();
            assert_ne!(output.read_line(&mut line).expect("a line"), 0, "it ends without an address");
            if let Some((_, address)) = line.trim_end().split_once("http://") {
                break address.parse().expect("an address");
            }
        };
        Running { process, address, _output: output }
    }

    fn upstream() -> Running {
        Running::upstream_at("127.0.0.1:0")
    }

    fn upstream_at(address: &str) -> Running {
        Running::start(Command::new(env!("CARGO_BIN_EXE_test-upstream")).arg(address))
    }

    /// `rws` with the example's configuration, but for the ports, which are the test's.
    fn rws(upstreams: &[&Running]) -> (Running, tempfile::TempDir) {
        Running::rws_by(Command::new(binary()), upstreams)
    }

    /// As [`Running::rws`], with one thread that serves and so many descriptors.
    fn rws_with_descriptors(count: u32, upstreams: &[&Running]) -> (Running, tempfile::TempDir) {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n {count}; exec \"$@\""), "sh"]);
        shell.arg(binary()).args(["--thread-count", "1"]);
        Running::rws_by(shell, upstreams)
    }

    fn rws_by(mut command: Command, upstreams: &[&Running]) -> (Running, tempfile::TempDir) {
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/proxy.toml");
        let mut text = std::fs::read_to_string(example).expect("the example");
        for (upstream, port) in upstreams.iter().zip(["9001", "9002"]) {
            let theirs = format!("\"127.0.0.1:{port}\"");
            assert!(text.contains(&theirs), "the example has no backend {theirs}");
            text = text.replace(&theirs, &format!("\"{}\"", upstream.address));
        }
        text = text.replace("\n[[upstream]]", "\naccess_log = false\n[[upstream]]");
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("proxy.toml");
        std::fs::write(&config, text).expect("a file");
        command.args(["--port", "0", "--config"]).arg(config);
        (Running::start(&mut command), folder)
    }

    fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }

    /// The most memory that the process has had: KiB.
    fn peak_rss_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a figure");
        line.trim().strip_suffix(" kB").and_then(|figure| figure.parse().ok()).expect("a figure")
    }

    fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.process.id());
        std::fs::read_dir(folder).expect("it runs").count()
    }

    fn connect(&self) -> Client {
        Client::connect(self.address)
    }
}

/// The release build of `rws` (the suite makes it before), or the one beside this test.
fn binary() -> PathBuf {
    let given = std::env::var_os("RWS_BIN_DIR").map(PathBuf::from);
    let own = std::env::current_exe().expect("our path");
    let target = own.ancestors().nth(3).expect("target/PROFILE/deps/proxy").to_owned();
    let folders = given.into_iter().chain([target.join("release"), target.join("debug")]);
    let found = folders.map(|folder| folder.join("rws")).find(|path| path.exists());
    found.expect("build it first: cargo build --release --bin rws")
}

#[test]
fn large_bodies_pass_in_little_memory_and_unchanged() {
    let upstreams = [Running::upstream(), Running::upstream()];
    let (rws, _folder) = Running::rws(&[&upstreams[0], &upstreams[1]]);
    let mut client = rws.connect();
    let pids: Vec<String> = (0..4).map(|_| client.get("/who").text().to_owned()).collect();
    assert!(pids[0] == pids[2] && pids[1] == pids[3] && pids[0] != pids[1], "they take turns: {pids:?}");

    let bytes = if is_long() { 1 << 30 } else { 64 << 20 };
    let expected = Arrived { bytes, is_right: true };
    for kind in ["sized", "chunked"] {
        client.ask(&format!("/{kind}/{bytes}"));
        let head = client.answer_head();
        assert_eq!(client.arrived(head.framing), Some(expected), "{kind} down");
    }
    for is_chunked in [false, true] {
        let framing = match is_chunked {
            true => "Transfer-Encoding: chunked".to_owned(),
            false => format!("Content-Length: {bytes}"),
        };
        client.send(format!("PUT / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n"));
        send_content(&mut client.stream, bytes, is_chunked).expect("all of it goes up");
        assert_eq!(client.answer().whole(), (200, &*expected.to_string()), "chunked={is_chunked} up");
    }
    let peak = rws.peak_rss_kib();
    println!("peak RSS of rws with {bytes} bytes each way, twice: {peak} KiB");
    assert!(peak < RSS_KIB_MAX, "{peak} KiB");
}

#[test]
fn many_transfers_with_slow_clients_stay_in_little_memory() {
    let upstreams = [Running::upstream(), Running::upstream()];
    let (rws, _folder) = Running::rws(&[&upstreams[0], &upstreams[1]]);
    let bytes: u64 = 8 << 20;
    let expected = Arrived { bytes, is_right: true };
    let mut clients: Vec<Client> = (0..64).map(|_| rws.connect()).collect();
    for client in &mut clients {
        client.ask(&format!("/sized/{bytes}"));
    }
    // All of them are full now, or will be: nobody has read a byte.
    let mut prompt = rws.connect();
    for _ in 0..20 {
        assert_eq!(prompt.get("/who").status, 200);
    }
    for client in &mut clients {
        let head = client.answer_head();
        assert_eq!(client.arrived(head.framing), Some(expected));
    }
    let peak = rws.peak_rss_kib();
    println!("peak RSS of rws with 64 clients that do not read: {peak} KiB");
    assert!(peak < RSS_KIB_MAX, "{peak} KiB");
}

/// What a client could tell of one exchange.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Right,
    Refused(u16),
    VisiblyCut,
    WrongButLooksWhole,
}

/// One request of the kind number `number` on a new connection.
fn outcome(rws: SocketAddr, number: usize) -> Outcome {
    let bytes: u64 = 4 << 20;
    let expected = Arrived { bytes, is_right: true };
    let mut client = Client::connect(rws);
    let is_chunked = number.is_multiple_of(2);
    if number % 3 == 2 {
        let framing = match is_chunked {
            true => "Transfer-Encoding: chunked".to_owned(),
            false => format!("Content-Length: {bytes}"),
        };
        client.send(format!("PUT / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n"));
        let _ = send_content(&mut client.stream, bytes, is_chunked);
        return match client.answer_to("PUT") {
            Ok(answer) if answer.status != 200 => Outcome::Refused(answer.status),
            Ok(answer) if !answer.is_whole => Outcome::VisiblyCut,
            Ok(answer) if answer.text() == expected.to_string() => Outcome::Right,
            Ok(_) => Outcome::WrongButLooksWhole,
            Err(_) => Outcome::VisiblyCut,
        };
    }
    client.ask(&format!("/{}/{bytes}", if is_chunked { "chunked" } else { "sized" }));
    let Some(head) = client.try_answer_head() else { return Outcome::VisiblyCut };
    if head.status != 200 {
        return Outcome::Refused(head.status);
    }
    match client.arrived(head.framing) {
        Some(arrived) if arrived == expected => Outcome::Right,
        Some(_) => Outcome::WrongButLooksWhole,
        None => Outcome::VisiblyCut,
    }
}

#[test]
fn a_killed_upstream_never_yields_a_cut_answer_that_looks_whole_and_the_other_takes_over() {
    let mut first = Running::upstream();
    let second = Running::upstream();
    let (rws, _folder) = Running::rws(&[&first, &second]);
    let address = rws.address;
    let rounds = if is_long() { 20 } else { 4 };
    for round in 0..rounds {
        let workers: Vec<_> = (0..8)
            .map(|worker| {
                std::thread::spawn(move || (0..6).map(|at| outcome(address, worker + at)).collect::<Vec<_>>())
            })
            .collect();
        std::thread::park_timeout(Duration::from_millis(10 + 7 * round));
        first.kill();
        let reserved = reserve(first.address);
        let outcomes: Vec<Outcome> =
            workers.into_iter().flat_map(|worker| worker.join().expect("an end")).collect();
        let count = |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| wanted(outcome)).count();
        let right = count(|outcome| *outcome == Outcome::Right);
        let odd =
            count(|outcome| !matches!(outcome, Outcome::Right | Outcome::VisiblyCut | Outcome::Refused(502)));
        println!("round {round}: {right} right, {} cut or refused", outcomes.len() - right - odd);
        assert_eq!(odd, 0, "{outcomes:?}");
        assert!(right > 0, "{outcomes:?}");

        let mut client = rws.connect();
        let other = second.process.id().to_string();
        for _ in 0..20 {
            assert_eq!(client.get("/who").whole(), (200, other.as_str()), "later requests go to the other");
        }
        for number in 0..6 {
            assert_eq!(outcome(address, number), Outcome::Right);
        }
        // The next round needs one to kill: at the same address, as after a restart.
        drop(reserved);
        first = restarted(&first);
        let mut client = rws.connect();
        let who = (0..4).map(|_| client.get("/who").text().to_owned()).collect::<Vec<_>>();
        assert!(who.iter().any(|pid| *pid != other), "the restarted one is used again: {who:?}");
    }
}

/// Keeps the address of a killed upstream from the other tests: it refuses connections, as it should.
fn reserve(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("a socket");
    socket.bind(&address.into()).expect("nobody else has it yet");
    socket
}

/// A new process at the address of one that was killed.
fn restarted(old: &Running) -> Running {
    Running::upstream_at(&old.address.to_string())
}

#[test]
fn a_crowd_leaves_descriptors_to_those_who_are_served() {
    const DESCRIPTORS: u32 = 100;
    let upstream = Running::upstream();
    let (rws, _folder) = Running::rws_with_descriptors(DESCRIPTORS, &[&upstream, &upstream]);
    let mut client = rws.connect();
    assert_eq!(client.get("/hello").status, 200);
    let crowd: Vec<Client> = (0..DESCRIPTORS).map(|_| rws.connect()).collect();
    let mut last = rws.connect();
    last.ask("/who");
    for _ in 0..20 {
        assert_eq!(client.get("/who").status, 200);
    }
    assert!(!last.hears_within(Duration::from_millis(1)), "the end of the queue waits");
    drop(crowd);
    assert_eq!(last.answer().status, 200, "and has its turn");
}

#[test]
fn a_server_without_descriptors_says_503_and_blames_no_upstream() {
    // Fewer than the 16 connections that a shard always takes, and its own.
    const DESCRIPTORS: u32 = 24;
    let upstream = Running::upstream();
    let (rws, _folder) = Running::rws_with_descriptors(DESCRIPTORS, &[&upstream, &upstream]);
    let mut client = rws.connect();
    assert_eq!(client.get("/hello").status, 200);
    let crowd: Vec<Client> = (0..DESCRIPTORS).map(|_| rws.connect()).collect();
    while rws.descriptors() < DESCRIPTORS as usize {
        std::thread::yield_now();
    }
    let answer = client.get("/who");
    assert_eq!((answer.status, answer.field("Retry-After")), (503, Some("1")), "{}", answer.text());
    assert!(answer.text().starts_with("the server is out of file descriptors"), "{}", answer.text());
    drop(crowd);
    while rws.descriptors() > DESCRIPTORS as usize - 4 {
        std::thread::yield_now();
    }
    assert_eq!(client.get("/who").status, 200, "it is over when there are some again");
}
