//! The binary as a process: what it says at its start, how it ends, and what keeps it from starting.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `rws` in a folder of its own.
struct Rws {
    process: Child,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
    /// What it said before its first request.
    banner: Vec<String>,
}

impl Rws {
    /// Starts with these arguments and waits until it says where it listens.
    fn start(folder: &Path, arguments: &[&str]) -> Rws {
        let mut process = command(folder, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stdout = BufReader::new(process.stdout.take().expect("its output"));
        let mut line = || {
            let mut line = String::new();
            stdout.read_line(&mut line).expect("a line");
            line.trim_end().to_owned()
        };
        let url = line();
        let address = url.strip_prefix("http://").and_then(|rest| rest.parse().ok()).expect("a URL");
        let mut banner = vec![url];
        while !banner.last().is_some_and(|last| last.ends_with("/metrics")) {
            banner.push(line());
        }
        Rws { process, stdout, address, banner }
    }

    fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).expect("a connection");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket
    }

    /// The whole answer on a connection that closes behind it.
    fn get(&self, path: &str) -> String {
        let mut socket = self.connect();
        write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("sent");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer");
        answer
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.process.id() as i32).expect("a process");
        kill_process(pid, signal).expect("a signal");
    }

    /// Waits for the end; what was printed until then.
    fn wait(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("text");
        (self.process.wait().expect("an end"), rest)
    }
}

impl Drop for Rws {
    fn drop(&mut self) {
        // After `wait` there is nothing to end.
        let _ = self.process.kill();
    }
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rws"));
    command.current_dir(folder).args(arguments).env_clear();
    command
}

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).expect("a file");
    }
    folder
}

#[test]
fn without_a_configuration_the_current_folder_is_served_and_said_so() {
    let folder = folder(&[("README.md", b"# Here\n")]);
    let rws = Rws::start(folder.path(), &["--port", "0"]);
    assert!(rws.address.ip().is_loopback());
    let root = folder.path().canonicalize().expect("a path");
    let said =
        ["  /*  files of ".to_owned() + &root.to_string_lossy(), "  /healthz, /readyz, /metrics".to_owned()];
    assert_eq!(rws.banner[1..], said);
    assert!(rws.get("/").contains("README.md"), "the folder is listed");
    let answer = rws.get("/README.md");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\r\nETag: \""), "{answer}");
    assert!(answer.ends_with("\r\n\r\n# Here\n"));
    assert!(rws.get("/healthz").contains("200 OK"));
    assert!(rws.get("/metrics").contains("\nrws_requests_total "));
    rws.signal(Signal::TERM);
    let (status, log) = rws.wait();
    assert!(status.success());
    assert!(log.contains("\"GET /README.md HTTP/1.1\" 200 7 "), "{log}");
}

#[test]
fn sigterm_lets_an_answer_under_way_finish() {
    let content = vec![b'x'; 24 << 20];
    let folder = folder(&[("big.bin", &content)]);
    let rws = Rws::start(folder.path(), &["--port", "0", "--thread-count", "1"]);
    let mut download = rws.connect();
    download.write_all(b"GET /big.bin HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    let mut first = [0; 1024];
    download.read_exact(&mut first).expect("the beginning");
    let mut idle = rws.connect();
    rws.signal(Signal::TERM);
    // The idle connection is closed as soon as the drain has begun, and nobody listens from then on.
    assert_eq!(idle.read(&mut [0; 1]).expect("the end"), 0);
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(rws.address).is_ok() {
        assert!(Instant::now() < deadline, "somebody still listens");
        std::thread::yield_now();
    }
    let mut rest = Vec::new();
    download.read_to_end(&mut rest).expect("the rest");
    let head = first.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    assert_eq!(first.len() - head + rest.len(), content.len());
    let (status, log) = rws.wait();
    assert!(status.success());
    assert!(log.contains(&format!("\"GET /big.bin HTTP/1.1\" 200 {} ", content.len())), "{log}");
}

#[test]
fn a_client_that_stands_still_does_not_hold_the_end_up_for_ever() {
    let content = vec![b'x'; 24 << 20];
    let config = b"port = 0\nroot = \".\"\nshutdown_timeout_ms = 200\n";
    let folder = folder(&[("big.bin", &content), ("other.toml", config)]);
    let rws = Rws::start(folder.path(), &["--config", "other.toml"]);
    let mut download = rws.connect();
    download.write_all(b"GET /big.bin HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    download.read_exact(&mut [0; 1024]).expect("the beginning");
    let begun = Instant::now();
    rws.signal(Signal::INT);
    let (status, _) = rws.wait();
    assert!(status.success());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let mut rest = Vec::new();
    // Whether by an end or by a reset: it is not whole, and does not look so.
    let _ = download.read_to_end(&mut rest);
    assert!(rest.len() < content.len());
}

#[test]
fn an_address_in_use_is_an_error_that_names_it() {
    let folder = folder(&[]);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let first = Rws::start(folder.path(), &["--port", "0"]);
    for address in [taken.local_addr().expect("an address"), first.address] {
        let output =
            command(folder.path(), &["--port", &address.port().to_string()]).output().expect("an end");
        assert_eq!(output.status.code(), Some(1), "another rws may not share the port either");
        let shown = String::from_utf8_lossy(&output.stderr);
        assert!(shown.starts_with(&format!("rws: cannot listen on {address}: ")), "{shown}");
        assert!(shown.contains("--port") && output.stdout.is_empty(), "{shown}");
    }
}

#[test]
fn a_wrong_configuration_never_listens() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a listener").local_addr().expect("an address");
    let config = format!(
        "port = {}\n[[route]]\nmatch.path = \"/a/*\"\naction = {{ type = \"static\", root = \"missing\" }}\n\
         [[route]]\nmatch.path = \"/b\"\naction = {{ type = \"proxy\", upstream = \"nobody\" }}\n",
        free.port()
    );
    let folder = folder(&[("rws.config.toml", config.as_bytes())]);
    let output = command(folder.path(), &[]).output().expect("an end");
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(shown.contains("rws.config.toml:4:") && shown.contains("rws.config.toml:7:"), "{shown}");
    assert!(output.stdout.is_empty(), "nothing was served");
    assert!(TcpStream::connect(free).is_err());
}

#[test]
fn readiness_fails_before_anything_else_changes_where_a_delay_says_so() {
    let config = b"port = 0\nroot = \".\"\nthread_count = 1\ndrain_delay_ms = 600000\n";
    let folder = folder(&[("a.txt", b"a"), ("rws.config.toml", config)]);
    let rws = Rws::start(folder.path(), &[]);
    let mut kept = rws.connect();
    let mut ask = |path: &str| {
        write!(kept, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            kept.read_exact(&mut byte).expect("the connection is kept");
            answer.push(byte[0]);
        }
        let head = String::from_utf8(answer).expect("text");
        let (_, length) = head.split_once("\r\nContent-Length: ").expect("a length");
        let length = length.split("\r\n").next().and_then(|digits| digits.parse().ok()).expect("a number");
        let mut body = vec![0; length];
        kept.read_exact(&mut body).expect("a body");
        head + &String::from_utf8(body).expect("text")
    };
    assert!(ask("/readyz").starts_with("HTTP/1.1 200 "));
    rws.signal(Signal::TERM);
    let deadline = Instant::now() + PATIENCE;
    let draining = loop {
        let answer = ask("/readyz");
        if !answer.starts_with("HTTP/1.1 200 ") {
            break answer;
        }
        assert!(Instant::now() < deadline, "it still says that it is ready");
    };
    assert!(draining.starts_with("HTTP/1.1 503 ") && draining.contains("\r\n\r\ndraining\n"), "{draining}");
    assert!(rws.get("/readyz").starts_with("HTTP/1.1 503 "), "new connections are taken");
    assert!(rws.get("/a.txt").starts_with("HTTP/1.1 200 "), "and served");
    assert!(ask("/healthz").starts_with("HTTP/1.1 200 "), "it is alive all the same");
    rws.signal(Signal::TERM);
    assert_eq!(rws.wait().0.code(), Some(128 + 15), "a second signal does not wait");
}

#[test]
fn a_delay_that_is_over_ends_in_order() {
    let config = b"port = 0\nroot = \".\"\ndrain_delay_ms = 1\n";
    let folder = folder(&[("rws.config.toml", config)]);
    let rws = Rws::start(folder.path(), &[]);
    rws.signal(Signal::TERM);
    assert!(rws.wait().0.success());
}

#[test]
fn an_address_has_its_share_of_connections_and_no_more() {
    let config = b"port = 0\nroot = \".\"\nthread_count = 2\nconnections_per_ip_max = 3\n\
                   connections_per_ip_loopback = true\n";
    let folder = folder(&[("rws.config.toml", config)]);
    let rws = Rws::start(folder.path(), &[]);
    // Whether a connection is served, and the connection.
    let connect = || {
        let mut socket = rws.connect();
        let _ = write!(socket, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let is_served = socket.read_exact(&mut [0; 12]).is_ok();
        (is_served, socket)
    };
    let mut held: Vec<_> = (0..3).map(|_| connect()).collect();
    assert!(held.iter().all(|(is_served, _)| *is_served), "over all threads");
    for _ in 0..8 {
        assert!(!connect().0, "whichever thread it comes to");
    }
    held.pop();
    let deadline = Instant::now() + PATIENCE;
    while !connect().0 {
        assert!(Instant::now() < deadline, "a connection that is gone makes room");
    }
}

#[test]
fn a_server_that_cannot_start_all_its_threads_starts_none_and_says_why() {
    let folder = folder(&[]);
    let shell = "ulimit -n 24; exec \"$0\" --port 0 --thread-count 64";
    let mut limited = Command::new("sh");
    limited.args(["-c", shell, env!("CARGO_BIN_EXE_rws")]).current_dir(folder.path()).env_clear();
    let output = limited.output().expect("an end");
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.starts_with("rws: thread ") && shown.contains(" of 64 cannot serve: "), "{shown}");
    assert!(output.stdout.is_empty(), "it never said that it serves");
}
