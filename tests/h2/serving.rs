//! A server within this process, whose limits are a test's.

use core::time::Duration;

use rws_core::Limits;
use rws_std::app::Wrapped;
use rws_std::{App, Request, Running, Server, Settings, streaming};
use rws_tests::h2::Peer;

use crate::server::PATIENCE;

pub(crate) const TIMEOUT: Duration = Duration::from_millis(300);
/// No end comes later than this.
pub(crate) const LATE: Duration = Duration::from_secs(6);
pub(crate) const BEAT: Duration = Duration::from_millis(20);

pub(crate) struct Site {
    running: Running<Wrapped<()>>,
}

impl Site {
    /// Whose deadlines are all short.
    pub(crate) fn hasty() -> Site {
        let mut settings = Settings::default();
        hasty(&mut settings.limits);
        let app = App::new()
            .get("/", || "Hello, World!")
            .post("/echo", streaming(|request: Request| request.into_body()));
        let server = Server::bind("127.0.0.1:0").expect("a free port").shards(1).settings(settings);
        Site { running: server.start(app.finish().expect("sound routes")).expect("threads and descriptors") }
    }

    pub(crate) fn open(&self, pairs: &[(u16, u32)]) -> Peer {
        let address = self.running.address();
        Peer::open(address, LATE, pairs).unwrap_or_else(|stop| panic!("no connection: {stop}"))
    }

    pub(crate) fn connect(&self) -> Peer {
        Peer::connect(self.running.address(), PATIENCE).expect("it accepts")
    }
}

fn hasty(limits: &mut Limits) {
    let us = TIMEOUT.as_micros() as u64;
    limits.first_byte_timeout_us = us;
    limits.head_timeout_us = us;
    limits.idle_timeout_us = us;
    limits.rate_grace_us = us;
    limits.linger_timeout_us = us;
    limits.body_rate_min_bytes_per_s = 1000;
    limits.write_rate_min_bytes_per_s = 100_000;
}
