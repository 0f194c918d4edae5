//! The clients that people have: curl, nghttp and h2load, each as it is installed. (curl 7.88 asks only once on a
//! connection of prior knowledge, whatever the server: the next request is one for another connection.)

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};

use crate::server::{MIB, Server, scale};

/// Runs a client to its end, which has to be good.
#[track_caller]
fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new("timeout").arg("60").arg(program).args(arguments).output().expect("it starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{told}", output.status);
    output
}

/// What curl prints; `%{http_version} %{http_code}` and so on by `-w`.
#[track_caller]
fn curl(arguments: &[&str]) -> String {
    let common = ["--silent", "--show-error", "--http2-prior-knowledge"];
    let output = run("curl", &[&common, arguments].concat());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn url(server: &Server, path: &str) -> String {
    format!("http://{}{path}", server.address)
}

#[test]
fn curl_gets_posts_and_asks_for_heads() {
    let server = Server::start();
    let told = "|%{http_version}|%{http_code}";
    assert_eq!(curl(&["-w", told, &url(&server, "/")]), "Hello, World!|2|200");
    assert_eq!(curl(&["-w", told, &url(&server, "/hello/curl")]), "Hello, curl!|2|200");
    assert_eq!(curl(&["-w", told, "-o", "/dev/null", &url(&server, "/nobody/has/this")]), "|2|404");
    assert_eq!(curl(&["-w", told, "-d", "content", &url(&server, "/echo")]), "content|2|200");
    let head = curl(&["-I", &url(&server, "/")]);
    assert!(head.starts_with("HTTP/2 200") && head.contains("content-length: 13\r\n"), "{head}");
    let refused = curl(&["-w", told, "-o", "/dev/null", "-X", "DELETE", &url(&server, "/")]);
    assert_eq!(refused, "|2|405");
}

#[test]
fn curl_sends_and_takes_large_bodies_unchanged() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let (up, down) = (folder.path().join("up"), folder.path().join("down"));
    let content: Vec<u8> = (0..24 * MIB * u64::from(scale())).map(|at| ((at * at) >> 7) as u8).collect();
    std::fs::write(&up, &content).expect("a file");
    let upload = format!("@{}", up.display());
    let target = down.display().to_string();
    for framing in ["Content-Type: application/octet-stream", "Content-Length:"] {
        let arguments = ["-w", "%{http_code}", "-o", &target, "-H", framing, "--data-binary", &upload];
        assert_eq!(curl(&[&arguments[..], &[&url(&server, "/echo")]].concat()), "200");
        assert!(std::fs::read(&down).is_ok_and(|came| came == content), "{framing}: other content came back");
    }
}

/// Upgrade to h2c is of the past: the request is answered on HTTP/1.1, and the connection is good for another.
#[test]
fn an_upgrade_to_h2c_is_ignored() {
    let server = Server::start();
    let told = "|%{http_version}|%{http_code}|%{num_connects}\n";
    let url = url(&server, "/");
    let output = run("curl", &["--silent", "--http2", "-w", told, &url, &url]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text, "Hello, World!|1.1|200|1\nHello, World!|1.1|200|0\n");
}

#[test]
fn http_1_and_2_are_spoken_on_the_same_port() {
    let server = Server::start();
    for (option, version) in [("--http1.1", "1.1"), ("--http1.0", "1.0"), ("--http2-prior-knowledge", "2")] {
        let output = run("curl", &["--silent", option, "-w", "|%{http_version}", &url(&server, "/")]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // To a request of HTTP/1.0 a server may answer with the version it speaks.
        let is_right =
            text == format!("Hello, World!|{version}") || version == "1.0" && text == "Hello, World!|1.1";
        assert!(is_right, "{option}: {text}");
    }
}

#[test]
fn nghttp_gets_and_posts_with_trailers() {
    let server = Server::start();
    let output = run("nghttp", &[&url(&server, "/"), &url(&server, "/hello/nghttp")]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("Hello, World!") && text.contains("Hello, nghttp!"), "{text}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("content");
    std::fs::write(&file, "some content".repeat(10_000)).expect("a file");
    let file = file.display().to_string();
    let output = run("nghttp", &["--data", &file, "--trailer", "x-checksum: 1234", &url(&server, "/echo")]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "some content".repeat(10_000));
}

#[test]
fn nghttp_with_small_windows_and_tables_is_served() {
    let server = Server::start();
    for options in [&["-w", "1"][..], &["-W", "1"], &["-c", "0"], &["--padding", "200"], &["--no-dep"]] {
        let output = run("nghttp", &[options, &["-m", "20", &url(&server, "/")]].concat());
        // Of small pieces, all mixed up: but all of them.
        let count = |octet: u8| output.stdout.iter().filter(|own| **own == octet).count();
        let came = (output.stdout.len(), count(b'H'), count(b'l'), count(b'!'));
        assert_eq!(came, (20 * 13, 20, 60, 20), "{options:?}");
    }
}

/// `h2load` ends well whatever comes: its counts say how it was.
#[test]
fn h2load_finds_every_request_answered() {
    let server = Server::start();
    let requests = 20_000 * scale();
    for (clients, streams) in [(1, 1), (1, 100), (16, 32), (100, 10)] {
        let [n, c, m] = [requests, clients, streams].map(|count| format!("{count}"));
        let output = run("h2load", &["-n", &n, "-c", &c, "-m", &m, &url(&server, "/")]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let wanted = format!("{n} succeeded, 0 failed, 0 errored, 0 timeout");
        let is_right = text.contains(&wanted) && text.contains(&format!("status codes: {n} 2xx"));
        assert!(is_right, "-c{c} -m{m}: {text}");
    }
}

#[test]
fn h2load_uploads_on_many_streams() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("content");
    std::fs::write(&file, vec![b'x'; 100_000]).expect("a file");
    let file = file.display().to_string();
    let output = run("h2load", &["-n", "400", "-c", "4", "-m", "20", "-d", &file, &url(&server, "/echo")]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("400 succeeded, 0 failed") && text.contains("status codes: 400 2xx"), "{text}");
}

/// A blocked handler is no matter to the other streams of its connection.
#[test]
fn a_sleeping_handler_does_not_delay_its_neighbours() {
    let server = Server::start();
    let mut peer = server.open(&[]);
    for stream in (1..17).step_by(2) {
        peer.request(stream, &crate::server::get("/sleep/1500"));
    }
    let began = std::time::Instant::now();
    for stream in (17..57).step_by(2) {
        peer.request(stream, &crate::server::get("/"));
        let response = peer.response(stream).unwrap_or_else(|stop| panic!("{stop}; it got {}", peer.story()));
        assert_eq!(response.status, 200);
    }
    assert!(began.elapsed() < core::time::Duration::from_millis(1200), "they took {:?}", began.elapsed());
    for stream in (1..17).step_by(2) {
        let response = peer.response(stream).unwrap_or_else(|stop| panic!("{stop}; it got {}", peer.story()));
        assert_eq!((response.status, response.text()), (200, "slept 1500 ms\n"));
    }
}

/// The test's own ear: a client that connects to nobody says PRI first, so that the clients above do speak HTTP/2.
#[test]
fn curl_with_prior_knowledge_says_pri_first() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let ear = std::thread::spawn(move || {
        let (mut stream, _): (TcpStream, _) = listener.accept().expect("a client");
        let mut octets = [0; 24];
        stream.read_exact(&mut octets).expect("a preface");
        octets
    });
    let _ = Command::new("curl")
        .args(["--silent", "--max-time", "5", "--http2-prior-knowledge"])
        .arg(format!("http://{address}/"))
        .output();
    assert_eq!(ear.join().expect("no panic"), rws_tests::h2::PREFACE);
}
