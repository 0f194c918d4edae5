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

use crate::app::AppWithState;
use crate::application::Application;
use crate::handover::{Handover, Spares, ThreadStats};
use crate::room::PooledRoom;
use crate::server_handle::ServerHandle;
use crate::settings::Settings;
use crate::shard::{Mail, Shard, ShardMail};
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
    pub fn serve<S: Send + Sync + 'static>(self, app: AppWithState<S>) -> io::Result<()> {
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
        let signals = StopSignals::install()?;
        let running = self.start(app)?;
        signals.wait()?;
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
        while self.listeners.len() < self.shards {
            self.listeners.push(sys::listen(self.address, options(&self.settings))?);
        }
        let (app, settings) = (Arc::new(app), Arc::new(self.settings));
        let (mut shards, mut mails, mut stats) = (Vec::new(), Vec::new(), Vec::new());
        for (index, listener) in self.listeners.into_iter().enumerate() {
            let mail = ShardMail::new()?;
            let shard =
                Shard::new(index, Arc::clone(&app), Arc::clone(&settings), listener, Arc::clone(&mail))?;
            stats.push(Arc::clone(&shard.stats));
            mails.push(mail);
            shards.push(shard);
        }
        let handover = Handover::start(settings.threads, shards, drive::<A>)?;
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
