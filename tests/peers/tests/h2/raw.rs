//! The first bytes of a connection decide which version it speaks (RFC 9113 §3.3, §3.4).

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::client::PATIENCE;
use crate::site::Site;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const EMPTY_SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

fn connect(site: &Site) -> TcpStream {
    let stream = TcpStream::connect(site.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// The header of the first frame that comes.
fn first_frame(stream: &mut TcpStream) -> [u8; 9] {
    let mut header = [0; 9];
    stream.read_exact(&mut header).unwrap();
    header
}

#[test]
fn a_preface_is_heard_wherever_it_is_cut() {
    let site = Site::new();
    for cut in 1..PREFACE.len() {
        let mut stream = connect(&site);
        stream.write_all(&PREFACE[..cut]).unwrap();
        std::thread::sleep(core::time::Duration::from_millis(3));
        stream.write_all(&PREFACE[cut..]).unwrap();
        stream.write_all(EMPTY_SETTINGS).unwrap();
        let header = first_frame(&mut stream);
        assert_eq!((header[3], header[4]), (4, 0), "SETTINGS come first, cut at {cut}");
    }
}

#[test]
fn a_preface_that_dribbles_is_heard() {
    let site = Site::new();
    let mut stream = connect(&site);
    for byte in PREFACE.iter().chain(EMPTY_SETTINGS) {
        stream.write_all(core::slice::from_ref(byte)).unwrap();
    }
    assert_eq!(first_frame(&mut stream)[3], 4);
}

#[test]
fn what_only_begins_like_the_preface_is_no_http2() {
    let site = Site::new();
    for (text, status) in [
        ("PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n", "HTTP/1.1 "),
        ("PRI / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 501"),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
            "HTTP/1.1 200",
        ),
    ] {
        let mut stream = connect(&site);
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = vec![0; status.len()];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(String::from_utf8(answer).unwrap(), status, "{text:?}");
    }
}

#[test]
fn a_preface_behind_a_request_is_none() {
    let site = Site::new();
    let mut stream = connect(&site);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    stream.write_all(PREFACE).unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("Hello, World!HTTP/1.1 "), "{rest}");
}

#[test]
fn a_server_without_http2_refuses_the_preface() {
    let site = Site::with(|settings| settings.http2 = false);
    let mut stream = connect(&site);
    stream.write_all(PREFACE).unwrap();
    let mut answer = [0; 9];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 ");
}

#[test]
fn a_preface_that_goes_wrong_ends_the_connection() {
    let site = Site::new();
    let mut stream = connect(&site);
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(!rest.windows(5).any(|five| five == b" 200 "));
}
