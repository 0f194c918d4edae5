//! Somebody else, on another connection, who wants nothing but his answers.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use rws_tests::h2::frame::window_update;

use crate::server::{Server, get};

/// The longest that an answer may take while the server is attacked, on two processors that everybody shares.
const WAIT_MAX: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(2);

pub(crate) struct Neighbour {
    path: &'static str,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Served>,
}

/// What came of it.
struct Served {
    count: u32,
    longest: Duration,
    fault: Option<String>,
}

impl Neighbour {
    /// Who asks for something that costs nothing.
    pub(crate) fn of(server: &Server) -> Neighbour {
        Neighbour::asking(server, "/")
    }

    /// Who asks for `path`, again and again.
    pub(crate) fn asking(server: &Server, path: &'static str) -> Neighbour {
        let is_over = Arc::new(AtomicBool::new(false));
        let (mut peer, flag) = (server.open(&[]), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            let mut served = Served { count: 0, longest: Duration::ZERO, fault: None };
            let mut stream = 1;
            while served.count == 0 || !flag.load(Ordering::SeqCst) {
                let began = Instant::now();
                peer.request(stream, &get(path));
                match peer.response(stream) {
                    Ok(response) if response.status == 200 => {
                        peer.send(window_update(0, u32::try_from(response.body.len()).unwrap_or(0).max(1)));
                    }
                    Ok(response) => served.fault = Some(format!("{response:?}")),
                    Err(stop) => served.fault = Some(format!("{stop}; it got {}", peer.story())),
                }
                if served.fault.is_some() {
                    return served;
                }
                served.count += 1;
                served.longest = served.longest.max(began.elapsed());
                peer.log.clear();
                stream += 2;
                std::thread::park_timeout(PAUSE);
            }
            served
        });
        Neighbour { path, is_over, thread }
    }

    /// Asserts that every request was answered, and none late.
    #[track_caller]
    pub(crate) fn was_served(self) {
        self.was_served_within(WAIT_MAX);
    }

    /// As [`Neighbour::was_served`], with another bound.
    #[track_caller]
    pub(crate) fn was_served_within(self, wait_max: Duration) {
        self.is_over.store(true, Ordering::SeqCst);
        let served = self.thread.join().expect("no panic");
        let Served { count, longest, .. } = served;
        println!(
            "the neighbour who asks for {} had {count} answers, the slowest after {longest:?}",
            self.path
        );
        assert_eq!(served.fault, None, "after {} answers", served.count);
        assert!(served.longest < wait_max, "an answer took {:?}", served.longest);
    }
}
