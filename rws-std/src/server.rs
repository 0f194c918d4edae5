//! Binding, starting and stopping.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::net::ToSocketAddrs;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use rws_core::Limits;
use rws_core::middleware::Layered;

use crate::app::App;
use crate::application::Application;
use crate::handover::{Handover, Spares, ThreadStats};
use crate::room::PooledRoom;
use crate::server_handle::ServerHandle;
use crate::settings::Settings;
use crate::shard::{Mail, Shard, ShardMail};
use crate::shares::Shares;
use crate::signals::StopSignals;
use crate::stats::StatsSnapshot;
use crate::sys::{self, ListenOptions};
use crate::worker::drive;

/// A server that is bound to its addresses and not running yet.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    listeners: Vec<OwnedFd>,
    shards: usize,
    settings: Settings,
}

impl Server {
    /// A server on `address`, with a shard for each processor.
    ///
    /// # Errors
    /// If the address cannot be resolved or is taken, by another server of this kind too.
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<Server> {
        let unresolved = || io::Error::new(io::ErrorKind::InvalidInput, "the address resolves to nothing");
        let address = address.to_socket_addrs()?.next().ok_or_else(unresolved)?;
        let settings = Settings::default();
        sys::claim(address)?;
        let first = sys::listen(address, options(&settings))?;
        let address = sys::bound_address(&first)?;
        let shards = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Server { address, listeners: vec![first], shards, settings })
    }

    /// The same server with this many shards; at least one.
    #[must_use]
    pub fn shards(mut self, shards: usize) -> Server {
        self.shards = shards.max(1);
        self
    }

    /// The same server with other settings.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Server {
        self.settings = settings;
        self
    }

    /// The same server with other limits of its connections.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Server {
        self.settings.limits = limits;
        self
    }

    /// The address that it is bound to (the port is known even where 0 was asked for).
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `app` until SIGTERM or SIGINT, then drains.
    ///
    /// # Errors
    /// If the app's routes are malformed, or the system refuses threads or descriptors.
    pub fn serve<S: Send + Sync + 'static>(self, app: App<S>) -> io::Result<()> {
        let (layers, serving) =
            app.parts().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        if layers.is_empty() {
            return self.run(serving);
        }
        self.run(Layered::<_, _, PooledRoom>::with_room(layers, serving))
    }

    /// Serves any application until SIGTERM or SIGINT, then drains.
    ///
    /// # Errors
    /// If the system refuses threads or descriptors.
    pub fn run<A: Application>(self, app: A) -> io::Result<()> {
        self.run_and_say(app, |_| {})
    }

    /// As [`Server::run`]; calls `say` once every shard serves.
    ///
    /// # Errors
    /// As [`Server::run`]; nothing is said then.
    pub fn run_and_say<A: Application>(self, app: A, say: impl FnOnce(&Running<A>)) -> io::Result<()> {
        let delay = self.settings.drain_delay;
        let signals = StopSignals::install()?;
        let running = self.start(app)?;
        say(&running);
        signals.wait()?;
        running.handle.begin_drain();
        // A second signal ends the process, from here on as well.
        std::thread::sleep(delay);
        running.drain();
        Ok(())
    }

    /// Starts to serve in the background.
    ///
    /// # Errors
    /// If the system refuses threads or descriptors.
    pub fn start<A: Application>(mut self, app: A) -> io::Result<Running<A>> {
        // More descriptors are a convenience: without them the server takes fewer connections.
        let _ = sys::raise_open_files_limit();
        let count = self.shards;
        while self.listeners.len() < count {
            let number = self.listeners.len() + 1;
            let listener = sys::listen(self.address, options(&self.settings));
            self.listeners.push(listener.map_err(|error| of_shard(number, count, &error))?);
        }
        let (app, settings) = (Arc::new(app), Arc::new(self.settings));
        let shares = Arc::new(Shares::new(
            settings.connections_per_ip_max,
            settings.connections_per_ip_exempt.clone(),
        ));
        let (mut shards, mut mails, mut stats) = (Vec::new(), Vec::new(), Vec::new());
        for (index, listener) in self.listeners.into_iter().enumerate() {
            let new = |mail| {
                let (app, settings, shares) = (Arc::clone(&app), Arc::clone(&settings), Arc::clone(&shares));
                Shard::new(index, app, settings, listener, mail, shares)
            };
            let made = ShardMail::new().and_then(|mail| Ok((new(Arc::clone(&mail))?, mail)));
            let (shard, mail) = made.map_err(|error| of_shard(index + 1, count, &error))?;
            stats.push(Arc::clone(&shard.stats));
            mails.push(mail);
            shards.push(shard);
        }
        let stop = || mails.iter().for_each(|mail| mail.0.send_always(Mail::Drain));
        let handover = Handover::start(settings.threads, shards, drive::<A>, stop)?;
        // Weak: the application may keep the handle, and the threads keep the application.
        let spares = Arc::downgrade(handover.spares());
        let handle = ServerHandle::new(stats, move || {
            spares.upgrade().map(|spares| Spares::stats(&spares)).unwrap_or_default()
        });
        app.started(&handle);
        Ok(Running {
            address: self.address,
            drain_timeout: settings.drain_timeout,
            app,
            mails,
            handle,
            handover,
        })
    }
}

/// Why a shard could not be made, and which: all of them serve, or none does.
fn of_shard(number: usize, count: usize, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("thread {number} of {count} cannot serve: {error}"))
}

fn options(settings: &Settings) -> ListenOptions {
    ListenOptions { backlog: i32::try_from(settings.backlog).unwrap_or(i32::MAX), share_port: true }
}

/// A server at work.
pub struct Running<A: Application> {
    address: SocketAddr,
    drain_timeout: Duration,
    app: Arc<A>,
    mails: Vec<Arc<ShardMail<A::State>>>,
    handle: ServerHandle,
    handover: Handover<Shard<A>>,
}

impl<A: Application> core::fmt::Debug for Running<A> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

impl<A: Application> Running<A> {
    /// The address that it is bound to.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The application.
    pub const fn app(&self) -> &Arc<A> {
        &self.app
    }

    /// What the shards have counted, added up.
    pub fn stats(&self) -> StatsSnapshot {
        self.handle.stats()
    }

    /// What the threads are doing.
    pub fn threads(&self) -> ThreadStats {
        self.handle.threads()
    }

    /// The same for whoever outlives this.
    pub const fn handle(&self) -> &ServerHandle {
        &self.handle
    }

    /// Takes no more connections, finishes the exchanges under way (for as long as the settings say) and
    /// ends. How many handlers had not returned by then.
    pub fn drain(self) -> usize {
        self.handle.begin_drain();
        for mail in &self.mails {
            mail.0.send_always(Mail::Drain);
        }
        // A shard ends its drain by its own clock; the margin is for threads to wind up.
        self.handover.join(Some(Instant::now() + self.drain_timeout + Duration::from_secs(1)))
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use std::net::TcpStream;

    use rws_core::Status;
    use rws_core::testing::Fixed;

    use super::*;
    use crate::Plain;
    use crate::handover::SPAWNS_LEFT;

    #[test]
    fn a_server_that_gets_no_thread_for_its_third_shard_stops_the_first_two() {
        let server = Server::bind("127.0.0.1:0").expect("a free port").shards(3);
        let address = server.address();
        SPAWNS_LEFT.set(2);
        let refused = server.start(Plain(Fixed::text(Status::OK, "hello")));
        SPAWNS_LEFT.set(usize::MAX);
        let error = refused.expect_err("one thread is missing").to_string();
        assert!(error.starts_with("no thread for shard 3 of 3: "), "{error}");
        assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
        let again = Server::bind(address).expect("the port is free").shards(3);
        let running = again.start(Plain(Fixed::text(Status::OK, "hello"))).expect("threads");
        assert!(TcpStream::connect(address).is_ok());
        assert_eq!(running.drain(), 0);
    }
}
