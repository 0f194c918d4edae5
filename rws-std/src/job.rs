//! The surroundings of a job: what a handler may ask for, and how it says that it is about to block.

use core::cell::{Cell, RefCell};
use core::fmt;
use core::net::SocketAddr;
use std::sync::Arc;
use std::task;

use rws_core::connection::StreamId;
use rws_core::service::{ConnectionInfo, Context, WakeContext};
use rws_core::{Instant, UnixTime};

use crate::calls::Calls;
use crate::clock::Clock;
use crate::errand::Orphans;
use crate::handover::{Job, Lease, Ticket};
use crate::shard::Address;
use crate::sys;

/// The [`Context`] of the std adapter.
pub struct JobCx {
    pub(crate) now: Instant,
    pub(crate) unix_time: UnixTime,
    pub(crate) connection: ConnectionInfo,
    pub(crate) address: Address,
    pub(crate) post: Arc<dyn Post>,
    pub(crate) shard: usize,
    pub(crate) pool: Option<Arc<dyn Pool>>,
    pub(crate) entropy: Entropy,
    /// The jobs of the shard's connections that run for nobody.
    pub(crate) orphans: Arc<Orphans>,
    /// What the wakers of the latest exchange that asked for one share.
    pub(crate) calls: Cell<Option<Arc<Calls>>>,
    /// The lease of the shard that a job runs on; none for what runs elsewhere.
    pub(crate) lease: Option<Lease>,
}

/// Runs jobs on other threads than the shards'.
pub(crate) trait Pool: Send + Sync {
    /// Gives the job to a spare thread, or back where none will ever come for it.
    fn offload(self: Arc<Self>, job: Job) -> Result<Ticket, Job>;
    /// Drops the job if no thread has it yet; true then.
    fn call_off(&self, ticket: Ticket) -> bool;
}

impl JobCx {
    /// Runs `job` on a thread of its own beside the shard, whatever becomes of the exchange meanwhile.
    ///
    /// # Errors
    /// Gives the job back when all threads are busy and the queue is full: answer 503.
    pub fn spawn(&self, job: Job) -> Result<(), Job> {
        match &self.pool {
            Some(pool) => Arc::clone(pool).offload(job).map(|_ticket| ()),
            None => Err(job),
        }
    }

    /// A context for a part of this exchange that runs on another thread.
    pub(crate) fn fork(&self) -> JobCx {
        JobCx {
            now: self.now,
            unix_time: self.unix_time,
            connection: self.connection,
            address: self.address,
            post: Arc::clone(&self.post),
            shard: self.shard,
            pool: self.pool.clone(),
            entropy: Entropy::default(),
            orphans: Arc::clone(&self.orphans),
            calls: Cell::default(),
            lease: None,
        }
    }

    pub(crate) fn new(shard: usize, post: Arc<dyn Post>, pool: Option<Arc<dyn Pool>>) -> JobCx {
        JobCx {
            now: Instant::default(),
            unix_time: UnixTime::default(),
            connection: ConnectionInfo { peer: None, local: None, secure: false },
            address: Address { conn: 0, generation: 0, stream: StreamId::new(0, 0) },
            post,
            shard,
            pool,
            entropy: Entropy::default(),
            orphans: Arc::default(),
            calls: Cell::default(),
            lease: None,
        }
    }

    /// A handle that wakes this exchange from any thread.
    pub fn waker(&self) -> Waker {
        // All of one exchange share a word, so that many of them make no more letters than one.
        let calls = self.calls.take().filter(|calls| calls.address() == self.address);
        let calls = calls.unwrap_or_else(|| Arc::new(Calls::new(self.address)));
        self.calls.set(Some(Arc::clone(&calls)));
        Waker { post: Arc::clone(&self.post), calls }
    }

    /// Whether the job that this context is of has lost its shard because it blocked or computed for long.
    #[inline]
    pub(crate) fn was_slow(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.is_lost() && sys::blames_job(lease.job()))
    }

    /// Sets the context for a job of the exchange at `address`, whose connection comes from `peer`.
    #[inline]
    pub(crate) fn prepare(&mut self, clock: &Clock, address: Address, peer: &Option<SocketAddr>) {
        self.now = clock.now();
        self.unix_time = clock.unix_time();
        self.address = address;
        self.connection.peer = *peer;
    }

    /// The number of the shard that the request came to.
    pub const fn shard(&self) -> usize {
        self.shard
    }
}

impl Context for JobCx {
    fn now(&self) -> Instant {
        self.now
    }
    fn unix_time(&self) -> Option<UnixTime> {
        Some(self.unix_time)
    }
    fn entropy(&mut self, out: &mut [u8]) {
        self.entropy.fill(out);
    }
    fn connection(&self) -> &ConnectionInfo {
        &self.connection
    }
    fn stream(&self) -> StreamId {
        self.address.stream
    }
}

/// For services that run elsewhere too. One more allocation than [`JobCx::waker`] takes.
impl WakeContext for JobCx {
    fn waker(&self) -> task::Waker {
        task::Waker::from(Arc::new(JobCx::waker(self)))
    }
}

impl fmt::Debug for JobCx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobCx")
            .field("address", &self.address)
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
}

/// Random bytes of the operating system, fetched in blocks: a request id costs no system call of its own.
#[derive(Default)]
pub(crate) struct Entropy {
    block: Vec<u8>,
}

const ENTROPY_BLOCK_BYTES: usize = 512;

impl Entropy {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            if self.block.is_empty() {
                self.block.resize(ENTROPY_BLOCK_BYTES, 0);
                sys::entropy(&mut self.block);
            }
            // Each byte leaves the block as it is used, so none is given twice.
            *byte = self.block.pop().unwrap_or_default();
        }
    }
}

/// How anybody reaches an exchange of a shard.
pub(crate) trait Post: Send + Sync {
    /// The exchange has been called: its shard is to look at the word.
    fn call(&self, calls: Arc<Calls>);
}

/// Wakes one exchange from any thread; harmless once that is over. Calls that the shard has not heard yet are
/// one: calling in a loop costs no memory.
#[derive(Clone)]
pub struct Waker {
    post: Arc<dyn Post>,
    calls: Arc<Calls>,
}

impl Waker {
    /// The source of the answer has something to say: its head, or more of its body.
    pub fn wake(&self) {
        if self.calls.wake() {
            self.post.call(Arc::clone(&self.calls));
        }
    }

    /// The request body may stand still for as long as it likes: no rate is asked of it (on HTTP/2).
    #[cfg(feature = "grpc")]
    pub(crate) fn be_patient(&self) {
        if self.calls.be_patient() {
            self.post.call(Arc::clone(&self.calls));
        }
    }

    /// `bytes` more of the request body may come.
    pub fn grant(&self, bytes: u32) {
        if self.calls.grant(bytes) {
            self.post.call(Arc::clone(&self.calls));
        }
    }
}

impl task::Wake for Waker {
    fn wake(self: Arc<Self>) {
        Waker::wake(&self);
    }
    fn wake_by_ref(self: &Arc<Self>) {
        Waker::wake(self);
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waker").field("calls", &self.calls).finish_non_exhaustive()
    }
}

/// What a thread knows of the job that it runs: how to give the shard away, and whether that happened.
pub(crate) trait GiveAway {
    /// Lets another thread go on with the shard of the job that is out; true if it is gone now (whoever
    /// took it).
    fn give_away(&self) -> bool;
    /// Whether another thread has the shard of the job that is out, and the job is to blame for it.
    fn was_slow(&self) -> bool;
}

thread_local! {
    static IN_JOB: Cell<bool> = const { Cell::new(false) };
    static DRIVER: RefCell<Option<Box<dyn GiveAway>>> = const { RefCell::new(None) };
}

/// Names what gives this thread's shard away.
pub(crate) fn set_driver(driver: Option<Box<dyn GiveAway>>) {
    DRIVER.with(|place| *place.borrow_mut() = driver);
}

/// Marks the time in which a job runs on this thread.
#[inline]
pub(crate) fn set_in_job(is_in_job: bool) {
    IN_JOB.with(|flag| flag.set(is_in_job));
}

/// Tells the server that this thread is about to block for longer than a moment, so that its shard goes on
/// with another thread at once instead of after a watchdog's look. Outside of a handler it does nothing.
///
/// Says whether the shard is with another thread now.
pub fn about_to_block() -> bool {
    if !IN_JOB.with(Cell::get) {
        return false;
    }
    DRIVER.with(|driver| driver.borrow().as_ref().is_some_and(|driver| driver.give_away()))
}

/// Whether the job that runs on this thread has lost its shard because it blocked or computed for long: what
/// [`JobCx::was_slow`] tells, for one that has panicked.
#[cold]
pub(crate) fn was_slow() -> bool {
    IN_JOB.with(Cell::get)
        && DRIVER.with(|driver| driver.borrow().as_ref().is_some_and(|driver| driver.was_slow()))
}

/// A post for tests of what needs none.
#[cfg(test)]
pub(crate) struct Nowhere;

#[cfg(test)]
impl Post for Nowhere {
    fn call(&self, _calls: Arc<Calls>) {}
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Counts letters by the connection that they are for.
    #[derive(Default)]
    struct Letters(AtomicU32);

    impl Post for Letters {
        fn call(&self, calls: Arc<Calls>) {
            assert!(calls.take().is_woken);
            self.0.fetch_add(calls.address().conn, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_waker_of_a_portable_service_wakes_the_exchange_that_it_was_taken_in() {
        fn portable<C: WakeContext>(cx: &C) -> task::Waker {
            cx.waker()
        }
        let letters = Arc::new(Letters::default());
        let mut cx = JobCx::new(0, Arc::<Letters>::clone(&letters), None);
        cx.address.conn = 10;
        let waker = portable(&cx);
        cx.address.conn = 100;
        waker.wake_by_ref();
        assert_eq!(letters.0.load(Ordering::Relaxed), 10);
        let other = waker.clone();
        drop(waker);
        other.wake_by_ref();
        std::thread::spawn(move || other.wake()).join().unwrap();
        assert_eq!(letters.0.load(Ordering::Relaxed), 30);
    }
}
