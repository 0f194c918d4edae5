//! The proxy within this process, before the upstreams of a test.

use core::net::SocketAddr;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rws_proxy::access_log::{LogIntake, LogWriter};
use rws_proxy::config::{self, Config, LogFormat};
use rws_proxy::serve;
use rws_std::Running;

use crate::client::{Client, PATIENCE};

/// A running proxy, with one shard, so that everything that can meet does.
pub(crate) struct Site {
    pub(crate) running: Running<rws_proxy::site::Site>,
    log: Option<(LogWriter, Sink)>,
}

/// Where the lines of a log go.
#[derive(Clone, Debug, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Site {
    /// Everything but `/local` goes to these backends.
    pub(crate) fn before(backends: &[SocketAddr]) -> Site {
        Site::with(backends, "", |_| {})
    }

    /// As [`Site::before`], with lines for `[route.action.proxy]` and changes to the configuration.
    pub(crate) fn with(backends: &[SocketAddr], lines: &str, change: impl FnOnce(&mut Config)) -> Site {
        Site::start(backends, lines, change, None)
    }

    fn start(
        backends: &[SocketAddr],
        lines: &str,
        change: impl FnOnce(&mut Config),
        log: Option<(LogWriter, Sink, LogIntake)>,
    ) -> Site {
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
        let (log, intake) = match log {
            Some((writer, sink, intake)) => (Some((writer, sink)), Some(intake)),
            None => (None, None),
        };
        Site { running: serve::start(&config, intake.as_ref()).expect("threads and descriptors"), log }
    }

    /// As [`Site::before`], with request ids and a log in JSON.
    pub(crate) fn logged(backends: &[SocketAddr], change: impl FnOnce(&mut Config)) -> Site {
        let sink = Sink::default();
        let (writer, intake) = LogWriter::start(sink.clone(), 1 << 20).expect("a thread");
        Site::start(
            backends,
            "",
            |config| {
                config.log_format = LogFormat::Json;
                config.request_id = true;
                change(config);
            },
            Some((writer, sink, intake)),
        )
    }

    /// Ends the proxy; the lines of its log.
    pub(crate) fn end(self) -> Vec<serde_json::Value> {
        assert_eq!(self.running.drain(), 0, "every thread has ended");
        let (writer, sink) = self.log.expect("a log");
        assert!(writer.finish(PATIENCE), "the writer has ended");
        let text = String::from_utf8(sink.0.lock().expect("no panic").clone()).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
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
