//! The examples as a newcomer meets them: each one runs, the transcript in its head is true (by the real
//! `curl`), and what it promises beyond that holds.

#![expect(clippy::unwrap_used, reason = "a test")]

use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything here takes; only a failure waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The address in the examples' heads.
const WRITTEN_ADDRESS: &str = "127.0.0.1:8080";

/// An example at work, on a port of its own.
struct Example {
    child: Child,
    address: String,
    out: BufReader<ChildStdout>,
    name: &'static str,
}

impl Example {
    fn start(name: &'static str) -> Example {
        let mut child =
            Command::new(program(name)).arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.strip_prefix("http://").and_then(|url| url.split('/').next());
        let address = address.unwrap_or_else(|| panic!("{name} said {line:?}")).to_owned();
        Example { child, address, out, name }
    }

    /// Runs the commands in the example's head and compares what they print.
    fn holds_its_transcript(&self) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(self.name);
        let source = std::fs::read_to_string(source.with_extension("rs")).unwrap();
        let head: Vec<&str> = source.lines().map_while(|line| line.strip_prefix("//!")).collect();
        let text = head.iter().map(|line| line.strip_prefix(' ').unwrap_or(line));
        let lines: Vec<&str> =
            text.skip_while(|line| *line != "```text").skip(1).take_while(|line| *line != "```").collect();
        let mut commands = 0;
        let mut rest = &lines[..];
        while let Some((command, after)) = rest.split_first() {
            let command = command.strip_prefix("$ ").expect("a command");
            let len = after.iter().position(|line| line.starts_with("$ ")).unwrap_or(after.len());
            let (expected, next) = after.split_at(len);
            assert_eq!(self.shell(command).trim_end(), expected.join("\n").trim_end(), "{command}");
            rest = next;
            commands += 1;
        }
        assert!(commands > 0, "the transcript is gone");
    }

    fn shell(&self, command: &str) -> String {
        let command = command.replace(WRITTEN_ADDRESS, &self.address);
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn get(&self, path: &str) -> String {
        self.shell(&format!("curl -s -m 30 http://{WRITTEN_ADDRESS}{path}"))
    }

    #[track_caller]
    fn settles(&self, path: &str, is_so: impl Fn(&str) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so(&self.get(path)) {
            assert!(Instant::now() < until, "{path} says {:?}", self.get(path));
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Built here, beside this test: naming one test target builds no examples.
fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().and_then(Path::parent).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "-p", "rws-std", "--example", name]);
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().unwrap().success(), "{name} does not build");
    folder.join("examples").join(name)
}

#[test]
fn the_todo_list_answers_as_its_head_says() {
    Example::start("todo").holds_its_transcript();
}

#[test]
fn an_upload_is_stored_as_its_head_says() {
    let mut upload = Example::start("upload");
    upload.holds_its_transcript();
    let mut line = String::new();
    upload.out.read_line(&mut line).unwrap();
    assert_eq!(line, "\"numbers\" has come, 588895 bytes\n");
}

#[test]
fn an_upload_tells_how_far_it_is_and_is_forgotten_with_its_client() {
    let upload = Example::start("upload");
    let mut client = upload.connect();
    client.write_all(b"PUT /uploads/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n").unwrap();
    client.write_all(&[b'x'; 60_000]).unwrap();
    upload.settles("/uploads", |text| text == r#"{"slow":60000}"#);
    assert_eq!(
        upload.shell(&format!("echo x | curl -s -T - http://{WRITTEN_ADDRESS}/uploads/slow")),
        "an upload of this name is under way\n"
    );
    client.write_all(&[b'x'; 30_000]).unwrap();
    upload.settles("/uploads", |text| text == r#"{"slow":90000}"#);
    drop(client);
    upload.settles("/uploads", |text| text == "{}");
}

#[test]
fn events_come_as_their_head_says() {
    let events = Example::start("events");
    events.holds_its_transcript();
    events.settles("/listeners", |count| count == "0\n");
    let mut client = events.connect();
    client.write_all(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut said = Vec::new();
    while !said.windows(8).any(|window| window == b" ticks\n\n") {
        let mut chunk = [0; 4096];
        let n = client.read(&mut chunk).unwrap();
        assert_ne!(n, 0, "closed after {:?}", String::from_utf8_lossy(&said));
        said.extend_from_slice(&chunk[..n]);
    }
    let said = String::from_utf8(said).unwrap();
    let (head, _) = said.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!(head.matches("Content-Type: ").count(), 1, "{head}");
    assert!(head.contains("Content-Type: text/event-stream"), "{head}");
    assert_eq!(events.get("/listeners"), "1\n");
    drop(client);
    events.settles("/listeners", |count| count == "0\n");
}

#[test]
fn the_end_of_the_server_is_the_end_of_the_events() {
    let mut events = Example::start("events");
    let mut client = events.connect();
    client.write_all(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    client.read_exact(&mut [0]).unwrap();
    kill_process(Pid::from_child(&events.child), Signal::INT).unwrap();
    let mut said = String::new();
    client.read_to_string(&mut said).unwrap();
    assert!(said.ends_with("\r\n0\r\n\r\n"), "not whole: {said}");
    assert!(events.child.wait().unwrap().success());
}
