//! A small upstream as a process of its own, for tests that kill it: `test-upstream ADDRESS`.
//!
//! `GET /sized/N` and `GET /chunked/N` give N bytes, `PUT` says what became of its own, and anything else is
//! answered with the number of the process.

use std::io::{self, Write};
use std::net::TcpListener;

use rws_tests::content::send_content;
use rws_tests::peer::Peer;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address)?;
    println!("http://{}", listener.local_addr()?);
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || {
            let mut peer = Peer::over(stream);
            while serve_one(&mut peer).is_some() {}
        });
    }
    Ok(())
}

fn serve_one(peer: &mut Peer) -> Option<()> {
    let head = peer.request_head()?;
    let number = || head.target.rsplit('/').next().and_then(|word| word.parse::<u64>().ok());
    if head.method == "PUT" {
        let text = peer.arrived(head.framing)?.to_string();
        return peer.stream.write_all(answer(&text).as_bytes()).ok();
    }
    let Some(bytes) = number() else {
        return peer.stream.write_all(answer(&std::process::id().to_string()).as_bytes()).ok();
    };
    let is_chunked = head.target.starts_with("/chunked/");
    let framing =
        if is_chunked { "Transfer-Encoding: chunked".to_owned() } else { format!("Content-Length: {bytes}") };
    write!(peer.stream, "HTTP/1.1 200 OK\r\n{framing}\r\n\r\n").ok()?;
    send_content(&mut peer.stream, bytes, is_chunked).ok()
}

fn answer(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())
}
