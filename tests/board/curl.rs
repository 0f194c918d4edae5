//! The firmware as curl sees it.

use core::net::SocketAddr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use device::Crc32;

use crate::machine::{Machine, Target};

/// What curl says of a transfer: the answer's head and body as they came, or why there is none.
fn curl(address: SocketAddr, target: &str, options: &[&str]) -> (u16, String, String) {
    with_input(address, target, options, &[])
}

/// The same with something on its standard input (`@-`).
fn with_input(address: SocketAddr, target: &str, options: &[&str], input: &[u8]) -> (u16, String, String) {
    let mut child = spawn(address, target, &[&["--include"], options].concat());
    let mut stdin = child.stdin.take().expect("piped");
    // It need not read all of it: an answer may come before.
    let _ = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().expect("curl runs");
    assert!(output.status.success(), "{target} {options:?}: {}", String::from_utf8_lossy(&output.stderr));
    let mut rest = String::from_utf8(output.stdout).expect("text");
    loop {
        let (head, body) = rest.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        if status >= 200 {
            return (status, head.to_owned(), body.to_owned());
        }
        rest = body.to_owned();
    }
}

fn spawn(address: SocketAddr, target: &str, options: &[&str]) -> Child {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "30"]).args(options);
    command.arg(format!("http://{address}{target}"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("curl is installed")
}

const OPERATOR: [&str; 2] = ["--user", "operator:not a secret"];

fn each_board(look: impl Fn(SocketAddr)) {
    for target in Target::ALL {
        look(Machine::start("firmware", target).address);
    }
}

#[test]
fn every_route_answers() {
    each_board(|at| {
        assert_eq!(curl(at, "/", &[]).2, "A small device, at your service.\n");
        assert_eq!(curl(at, "/led/on", &[]).2, "no\n");
        assert_eq!(curl(at, "/nowhere", &[]).0, 404);
        let metrics = curl(at, "/metrics", &[]).2;
        assert!(
            metrics.contains("device_requests_total{method=\"GET\",route=\"/led/:state\"} 1\n"),
            "{metrics}"
        );
        assert!(curl(at, "/index.html", &[]).2.ends_with("</html>\n"));
        let (status, head, body) = curl(at, "/metrics", &["--head"]);
        assert!(status == 200 && head.contains("version=0.0.4") && body.is_empty(), "{head}");
    });
}

#[test]
fn only_the_operator_switches_the_led() {
    each_board(|at| {
        let switch = ["--json", r#"{"on":true}"#];
        let (status, head, _) = curl(at, "/led", &switch);
        assert!(status == 401 && head.contains("WWW-Authenticate: Basic realm=\"device\""), "{head}");
        assert_eq!(curl(at, "/led", &[&switch[..], &["--user", "operator:guess"]].concat()).0, 401);
        assert_eq!(curl(at, "/led/on", &[]).2, "no\n");
        let (status, _, body) = curl(at, "/led", &[&switch[..], &OPERATOR].concat());
        assert_eq!((status, &body[..]), (200, r#"{"on":true}"#));
        assert_eq!(curl(at, "/led/on", &[]).2, "yes\n");
    });
}

#[test]
fn the_page_is_compressed_and_validated() {
    each_board(|at| {
        let (_, plain, page) = curl(at, "/index.html", &[]);
        let (_, packed, unpacked) = curl(at, "/index.html", &["--compressed"]);
        assert!(!plain.contains("Content-Encoding") && packed.contains("Content-Encoding: gzip"), "{packed}");
        assert_eq!(unpacked, page);
        let tag = |head: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix("ETag: ")).expect("a tag");
            line.to_owned()
        };
        assert_ne!(tag(&plain), tag(&packed));
        let known = format!("If-None-Match: {}", tag(&plain));
        let (status, _, body) = curl(at, "/index.html", &["--header", &known]);
        assert_eq!((status, &body[..]), (304, ""));
        assert_eq!(curl(at, "/index.html", &["--compressed", "--header", &known]).0, 200);
    });
}

#[test]
fn an_image_is_uploaded_in_any_framing() {
    let image: Vec<u8> = (0..200_000_u32).map(|at| (at / 3) as u8).collect();
    let sum = format!("X-CRC32: {:08x}", Crc32::new().with(&image).value());
    let taken = format!(r#"{{"length":200000,"crc32":"{}"}}"#, &sum[9..]);
    each_board(|at| {
        for framing in [&[][..], &["--header", "Transfer-Encoding: chunked"]] {
            for waits in ["Expect: 100-continue", "Expect:"] {
                let upload = ["--data-binary", "@-", "--header", &sum, "--header", waits];
                let options = [&upload[..], framing, &OPERATOR].concat();
                let (status, _, body) = with_input(at, "/firmware", &options, &image);
                assert_eq!((status, &body[..]), (200, &taken[..]), "{options:?}");
            }
        }
        let upload = ["--data-binary", "@-", "--header", "X-CRC32: 00000000"];
        assert_eq!(with_input(at, "/firmware", &[&upload[..], &OPERATOR].concat(), &image).0, 422);
    });
}

#[test]
fn an_image_that_is_too_large_is_refused_before_it_is_sent() {
    let image = vec![7; 1_048_577];
    each_board(|at| {
        let upload = ["--data-binary", "@-", "--header", "X-CRC32: 0", "--header", "Expect: 100-continue"];
        let options = [&upload[..], &["--write-out", "\n%{size_upload}"], &OPERATOR].concat();
        let (status, _, body) = with_input(at, "/firmware", &options, &image);
        assert_eq!((status, body.lines().last()), (413, Some("0")), "{body}");
    });
}

#[test]
fn events_arrive_as_they_happen() {
    each_board(|at| {
        let mut child = spawn(at, "/events", &["--no-buffer"]);
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let readings = lines.map(|line| line.expect("text")).filter(|line| line.starts_with("data: "));
        let readings: Vec<String> = readings.take(3).collect();
        child.kill().expect("it listens on");
        child.wait().expect("our own child");
        let number = |line: &String| {
            let (_, rest) = line.split_once("\"sequence\":").expect("a number");
            rest.split(',').next().and_then(|text| text.parse::<u32>().ok()).expect("a number")
        };
        let numbers: Vec<u32> = readings.iter().map(number).collect();
        assert_eq!(numbers, [numbers[0], numbers[0] + 1, numbers[0] + 2]);
    });
}

#[test]
fn http_1_0_is_spoken() {
    each_board(|at| {
        let (status, head, body) = curl(at, "/", &["--http1.0"]);
        assert!(status == 200 && head.contains("Connection: close"), "{head}");
        assert_eq!(body, "A small device, at your service.\n");
        // A body without a length ends with the connection.
        let (_, head, body) = curl(at, "/metrics", &["--http1.0"]);
        assert!(!head.contains("Transfer-Encoding") && body.contains("\ndevice_firmware_bytes "), "{head}");
    });
}
