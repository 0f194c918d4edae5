//! may_minihttp with one worker: the fastest Rust peer, which does little more than httparse and a write.

use may_minihttp::{HttpServer, HttpService, Request, Response};

#[derive(Clone)]
struct Hello;

impl HttpService for Hello {
    fn call(&mut self, _request: Request, response: &mut Response) -> std::io::Result<()> {
        response.header("Content-Type: text/plain");
        response.body(rws_peers::HELLO);
        Ok(())
    }
}

fn main() {
    may::config().set_workers(1);
    HttpServer(Hello).start(rws_peers::address()).expect("the port is free").join().expect("a clean end");
}
