//! A folder, a configuration, and a server for both in this process.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use rws_proxy::access_log::{LogIntake, LogWriter};
use rws_proxy::config::{self, Config};
use rws_proxy::serve;
use rws_proxy::site::Site;
use rws_std::{Running, ServerHandle};
use tempfile::TempDir;

use crate::client::{Answer, Client};

/// A running server and the folder that it may serve (`ROOT` in its configuration).
pub(crate) struct Server {
    pub(crate) folder: TempDir,
    running: Running<Site>,
}

impl Server {
    /// Serves the folder with these files, without any route.
    pub(crate) fn of_files(files: &[(&str, &str)]) -> Server {
        Server::new(files, "root = \"ROOT\"\n")
    }

    /// Serves by this configuration.
    pub(crate) fn new(files: &[(&str, &str)], config: &str) -> Server {
        Server::start(files, config, None)
    }

    pub(crate) fn start(files: &[(&str, &str)], config: &str, log: Option<&LogIntake>) -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, content) in files {
            write(folder.path(), name, content.as_bytes());
        }
        let text = config.replace("ROOT", folder.path().to_str().expect("a path in UTF-8"));
        let config = Config { port: 0, ..config::check_str(&text).expect("a good configuration") };
        let config = Config { thread_count: core::num::NonZeroUsize::new(2), ..config };
        Server { folder, running: serve::start(&config, log).expect("a server") }
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        write(self.folder.path(), name, content);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address()
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address())
    }

    /// The answer to a request on a connection of its own.
    pub(crate) fn ask(&self, method: &str, target: &str, fields: &str) -> Answer {
        self.client().ask(method, target, fields)
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, "")
    }

    /// The body of `/metrics`.
    pub(crate) fn metrics(&self) -> String {
        let page = self.get("/metrics");
        assert_eq!(page.status, 200);
        page.text().to_owned()
    }

    /// Waits until the metrics have this line: an exchange is counted after its client has the answer.
    pub(crate) fn await_metric(&self, line: &str) {
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        loop {
            let metrics = self.metrics();
            if metrics.lines().any(|own| own == line) {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "no {line} in\n{metrics}");
        }
    }

    pub(crate) fn handle(&self) -> ServerHandle {
        self.running.handle().clone()
    }

    pub(crate) fn stop(self) {
        assert_eq!(self.running.drain(), 0, "every thread has ended");
    }
}

fn write(folder: &Path, name: &str, content: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, content).expect("a file");
}

/// A sink for log lines that can be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Starts a writer into these lines.
    pub(crate) fn writer(&self) -> (LogWriter, LogIntake) {
        LogWriter::start(self.clone(), 1 << 20).expect("a thread")
    }

    /// What was written.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("UTF-8")
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
