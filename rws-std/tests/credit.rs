//! A service that keeps what it is given until another thread has used it, and only then wants more.

use core::task::Waker;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::RequestHead;
use rws_core::service::{Taken, WakeContext};
use rws_core::{ResponseHead, Service, Status};
use rws_std::{JobCx, Plain, Server};

/// Tells a thread of each chunk; that wakes the exchange once it has used it.
struct Keeper(Mutex<mpsc::Sender<(u32, Arc<Upload>)>>);

struct Upload {
    waker: Waker,
    used: Mutex<u32>,
}

impl Service<JobCx> for Keeper {
    type State = (Arc<Upload>, bool);

    fn begin(&self, cx: &mut JobCx, _: &mut RequestHead<'_>) -> Self::State {
        (Arc::new(Upload { waker: WakeContext::waker(cx), used: Mutex::new(0) }), false)
    }
    fn body(&self, _: &mut JobCx, (upload, ended): &mut Self::State, chunk: &[u8], end: bool) -> Taken {
        *ended |= end;
        let told = self.0.lock().expect("no panic").send((chunk.len() as u32, Arc::clone(upload)));
        told.expect("the thread listens");
        Taken::Later
    }
    fn credit(&self, (upload, _): &mut Self::State) -> u32 {
        core::mem::take(&mut *upload.used.lock().expect("no panic"))
    }
    fn head<'s>(&self, (_, ended): &'s mut Self::State) -> HeadAnswer<'s> {
        if *ended {
            HeadAnswer::Final(ResponseHead::bare(Status::NO_CONTENT), BodyPlan::None)
        } else {
            HeadAnswer::NotYet
        }
    }
    fn fill(&self, _: &mut Self::State, _: &mut [u8]) -> Fill {
        Fill::End(0)
    }
}

#[test]
fn a_body_comes_as_fast_as_it_is_used_and_no_faster() {
    let (sender, chunks) = mpsc::channel::<(u32, Arc<Upload>)>();
    let most_unused = Arc::new(Mutex::new(0u64));
    let user = {
        let most_unused = Arc::clone(&most_unused);
        thread::spawn(move || {
            let mut waiting = Vec::new();
            while let Ok(first) = chunks.recv() {
                waiting.push(first);
                waiting.extend(chunks.try_iter());
                let bytes: u64 = waiting.iter().map(|(bytes, _)| u64::from(*bytes)).sum();
                let mut most = most_unused.lock().unwrap();
                *most = most.max(bytes);
                drop(most);
                for (bytes, upload) in waiting.drain(..) {
                    *upload.used.lock().unwrap() += bytes;
                    upload.waker.wake_by_ref();
                }
            }
        })
    };
    let running = Server::bind("127.0.0.1:0").unwrap().shards(1);
    let running = running.start(Plain(Keeper(Mutex::new(sender)))).unwrap();
    let mut stream = TcpStream::connect(running.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let body = vec![b'x'; 4_000_000];
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .unwrap();
    stream.write_all(&body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    assert_eq!(running.drain(), 0);
    user.join().unwrap();
    let window = u64::from(rws_core::Limits::SERVER.body_window_bytes);
    assert!(*most_unused.lock().unwrap() <= window, "{} bytes waited", most_unused.lock().unwrap());
}
