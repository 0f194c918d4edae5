//! The proxy within this process, before the upstreams of a test.

use core::net::SocketAddr;
use std::time::Instant;

use rws_proxy::config::{self, Config};
use rws_proxy::serve;
use rws_std::Running;

use crate::client::{Client, PATIENCE};

/// A running proxy, with one shard, so that everything that can meet does.
pub(crate) struct Site {
    pub(crate) running: Running<rws_proxy::site::Site>,
}

impl Site {
    /// Everything but `/local` goes to these backends.
    pub(crate) fn before(backends: &[SocketAddr]) -> Site {
        Site::with(backends, "", |_| {})
    }

    /// As [`Site::before`], with lines for `[route.action.proxy]` and changes to the configuration.
    pub(crate) fn with(backends: &[SocketAddr], lines: &str, change: impl FnOnce(&mut Config)) -> Site {
        let backends: Vec<String> =
            backends.iter().map(|backend| format!("{:?}", backend.to_string())).collect();
        let text = format!(
            r#"
            port = 0
            thread_count = 1
            access_log = false
            [[upstream]]
            name = "app"
            backends = [{}]
            [[route]]
            [route.match]
            path = "/local"
            [route.action]
            type = "respond"
            body = "local"
            [[route]]
            [route.match]
            path = "/*"
            [route.action]
            type = "proxy"
            upstream = "app"
            [route.action.proxy]
            {lines}
            "#,
            backends.join(", ")
        );
        let mut config = config::check_str(&text).unwrap_or_else(|problems| panic!("{problems:?}"));
        change(&mut config);
        Site { running: serve::start(&config, None).expect("threads and descriptors") }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address()
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// Waits until `is_so`, within the usual patience.
    #[track_caller]
    pub(crate) fn settles(&self, what: &str, is_so: impl Fn(&Site) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < until, "{what} does not settle: {:?}", self.running.stats());
            std::thread::yield_now();
        }
    }
}
