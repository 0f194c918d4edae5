//! A declared body of no bytes, over the wire: the request is whole with its head.

use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpStream;

use rws_std::{App, Request, Response, Server, streaming};

#[test]
fn a_length_of_zero_keeps_no_handler_waiting() {
    let app = App::new()
        .post("/whole", |request: Request<'_>| Response::body(request.into_body()))
        .post("/streamed", streaming(|request: Request<'_>| Response::body(request.into_body())));
    let running = Server::bind("127.0.0.1:0").unwrap().shards(1).start(app.finish().unwrap()).unwrap();
    for path in ["/whole", "/streamed"] {
        let mut stream = TcpStream::connect(running.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let framing = "Content-Length: 0\r\nConnection: close";
        write!(stream, "POST {path} HTTP/1.1\r\nHost: test\r\n{framing}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{path}: {answer}");
    }
    assert_eq!(running.drain(), 0);
}
