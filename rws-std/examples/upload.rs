//! Uploads that go to a temporary file as they come, with their progress: `cargo run -p rws-std --example upload`,
//! then
//!
//! ```text
//! $ seq 100000 | curl -s -T - http://127.0.0.1:8080/uploads/numbers
//! {"name":"numbers","bytes":588895}
//! $ curl -s http://127.0.0.1:8080/uploads
//! {}
//! $ curl -s -w '%{http_code}' -H 'Content-Length: 5000000000' -X PUT http://127.0.0.1:8080/uploads/huge
//! the body is too large
//! 413
//! ```
//!
//! While one is under way, `/uploads` says how many bytes of it have come.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rws_std::{App, Failure, Request, Response, Server, Status, streaming};
use serde::Serialize;

/// The longest upload: 1 GiB. Whatever is longer is answered 413, by its `Content-Length` before a byte is
/// read, else by counting.
const UPLOAD_BYTES_MAX: u64 = 1 << 30;
/// What is moved at a time; all that an upload costs in memory, beside what is on its way.
const PIECE_BYTES: usize = 64 * 1024;

/// How many bytes of each upload that is under way have come.
#[derive(Default)]
struct Progress(Mutex<BTreeMap<String, u64>>);

#[derive(Serialize)]
struct Stored<'a> {
    name: &'a str,
    bytes: u64,
}

fn main() -> io::Result<()> {
    let app = App::with_state(Progress::default())
        .get("/uploads", progress)
        .put("/uploads/:name", streaming(upload).body_bytes_max(UPLOAD_BYTES_MAX));
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    let server = Server::bind(address)?;
    println!("http://{}/uploads", server.address());
    server.serve(app)
}

fn progress(_: Request, progress: &Progress) -> Response {
    Response::json(&*progress.lock())
}

fn upload(request: Request, progress: &Progress) -> Result<Response, Failure> {
    // The name only names the upload here: it is never a path.
    let name = request.param("name");
    let underway = Underway::begin(progress, name)?;
    let (mut body, mut piece) = (request.into_body(), vec![0; PIECE_BYTES]);
    let mut file = tempfile::tempfile()?;
    let mut bytes = 0;
    loop {
        let n = body.read(&mut piece)?;
        if n == 0 {
            break;
        }
        file.write_all(&piece[..n])?;
        bytes += n as u64;
        underway.set(bytes);
    }
    println!("{name:?} has come, {bytes} bytes");
    Ok(Response::json(&Stored { name, bytes }))
}

/// An entry that goes when its upload ends, in whichever way.
struct Underway<'p> {
    progress: &'p Progress,
    name: &'p str,
}

impl<'p> Underway<'p> {
    fn begin(progress: &'p Progress, name: &'p str) -> Result<Underway<'p>, Failure> {
        let mut entries = progress.lock();
        if entries.contains_key(name) {
            return Err(Failure::new(Status::CONFLICT, "an upload of this name is under way"));
        }
        entries.insert(name.to_owned(), 0);
        Ok(Underway { progress, name })
    }

    fn set(&self, bytes: u64) {
        if let Some(entry) = self.progress.lock().get_mut(self.name) {
            *entry = bytes;
        }
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.progress.lock().remove(self.name);
    }
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
