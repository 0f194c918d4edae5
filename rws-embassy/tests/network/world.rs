//! A board, its clients and a clock that moves when nothing else does.

use core::cell::{Cell, RefCell};
use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Waker};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use embassy_net::tcp::TcpSocket;
use embassy_net::{Config, Ipv4Address, Ipv4Cidr, Stack, StackResources, StaticConfigV4};
use embassy_time::{Duration, Instant, MockDriver};
use embedded_io_async::Write;
use rws_core::Limits;
use rws_core::service::Service;
use rws_embassy::net::{Pool, Resources, Slot};
use rws_embassy::{BoardContext, Http2, Platform, Server};

use crate::wire::{End, Faults, cable};

/// Sockets of the board.
pub(crate) const SOCKETS: usize = 4;
pub(crate) const PORT: u16 = 80;
/// Of a connection's buffer, whatever it speaks.
const BUFFER_BYTES: usize = Http2::<()>::buffer_bytes_min(&Limits::DEVICE);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Board;

impl Platform for Board {
    fn entropy(&self, out: &mut [u8]) {
        out.fill(7);
    }
}

pub(crate) struct World {
    tasks: Rc<RefCell<Vec<Option<Task>>>>,
    pub(crate) client: Stack<'static>,
    pub(crate) pool: Pool<'static>,
    pub(crate) cable: Rc<Faults>,
    /// Slots whose `run` has returned.
    pub(crate) ended: Rc<Cell<usize>>,
    // The clock is the process's.
    _clock: MutexGuard<'static, ()>,
}

static CLOCK: Mutex<()> = Mutex::new(());

impl World {
    pub(crate) fn new<S>(service: S) -> World
    where
        S: Service<BoardContext<Board>> + 'static,
        S::State: 'static,
    {
        World::with_limits(service, Limits::DEVICE)
    }

    pub(crate) fn with_limits<S>(service: S, limits: Limits) -> World
    where
        S: Service<BoardContext<Board>> + 'static,
        S::State: 'static,
    {
        let server: &'static Server<'static, S, Board> =
            leak(Server { service: leak(service), platform: Board, limits: leak(limits) });
        World::with(|slot, board| Box::pin(async move { slot.run(board, PORT, server).await }))
    }

    /// A board that speaks HTTP/2, too.
    pub(crate) fn with_http2<S>(service: S) -> World
    where
        S: Service<BoardContext<Board>> + 'static,
        S::State: 'static,
    {
        let server: &'static Server<'static, S, Board> =
            leak(Server { service: leak(service), platform: Board, limits: &Limits::DEVICE });
        World::with(|slot, board| {
            let http2: &'static mut Http2<S::State> = leak(Http2::new());
            Box::pin(async move { slot.run_also(board, PORT, server, http2).await })
        })
    }

    /// A board whose sockets are served by what `serve` makes.
    pub(crate) fn with(serve: impl Fn(Slot<'static>, Stack<'static>) -> Work) -> World {
        let clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
        MockDriver::get().reset();
        let (board_end, client_end, cable) = cable();
        let mut tasks: Vec<Option<Task>> = Vec::new();
        let board = stack(board_end, 1, &mut tasks);
        let client = stack(client_end, 2, &mut tasks);
        let (slots, pool) = leak(Resources::<SOCKETS, BUFFER_BYTES>::new()).split();
        let ended = Rc::new(Cell::new(0));
        for slot in slots {
            let (work, ended) = (serve(slot, board), Rc::clone(&ended));
            tasks.push(task(async move {
                work.await;
                ended.set(ended.get() + 1);
            }));
        }
        World { tasks: Rc::new(RefCell::new(tasks)), client, pool, cable, ended, _clock: clock }
    }

    /// Runs `work` beside everything else; its result comes into the cell.
    pub(crate) fn spawn<T: 'static>(&self, work: impl Future<Output = T> + 'static) -> Rc<Cell<Option<T>>> {
        let result = Rc::new(Cell::new(None));
        let place = Rc::clone(&result);
        self.tasks.borrow_mut().push(task(async move { place.set(Some(work.await)) }));
        result
    }

    /// Runs `work` to its end.
    pub(crate) fn run<T: 'static>(&self, work: impl Future<Output = T> + 'static) -> T {
        let result = self.spawn(work);
        for _ in 0..3_600_000 {
            if let Some(result) = result.take() {
                return result;
            }
            self.pass(Duration::from_millis(1));
        }
        panic!("nothing came of it in an hour");
    }

    /// Lets this much time pass in steps of `step`.
    pub(crate) fn wait(&self, time: Duration, step: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.pass(step);
        }
    }

    /// Does all that can be done now, then moves the clock.
    fn pass(&self, step: Duration) {
        let mut turns = 0;
        while self.poll_those_woken() {
            turns += 1;
            assert!(turns < 10_000, "a task wakes itself for ever");
        }
        MockDriver::get().advance(step);
    }

    /// False if no task was woken.
    fn poll_those_woken(&self) -> bool {
        let mut any = false;
        let count = self.tasks.borrow().len();
        for at in 0..count {
            // Taken out, since a task may spawn another.
            let Some(mut task) = self.tasks.borrow_mut()[at].take() else { continue };
            if task.woken.0.swap(false, Ordering::Relaxed) {
                any = true;
                let waker = Waker::from(Arc::clone(&task.woken));
                if task.work.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                    continue;
                }
            }
            self.tasks.borrow_mut()[at] = Some(task);
        }
        any
    }
}

/// What a task does.
pub(crate) type Work = Pin<Box<dyn Future<Output = ()>>>;

struct Task {
    work: Work,
    woken: Arc<Flag>,
}

fn task(work: impl Future<Output = ()> + 'static) -> Option<Task> {
    Some(Task { work: Box::pin(work), woken: Arc::new(Flag(AtomicBool::new(true))) })
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn leak<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}

fn stack(end: End, host: u8, tasks: &mut Vec<Option<Task>>) -> Stack<'static> {
    let config = Config::ipv4_static(StaticConfigV4 {
        address: Ipv4Cidr::new(address(host), 24),
        gateway: None,
        dns_servers: Default::default(),
    });
    let (stack, mut runner) = embassy_net::new(end, config, leak(StackResources::<40>::new()), host.into());
    tasks.push(task(async move { runner.run().await }));
    stack
}

const fn address(host: u8) -> Ipv4Address {
    Ipv4Address::new(10, 0, 0, host)
}

/// A client's connection to the board.
pub(crate) struct Client(TcpSocket<'static>);

impl Client {
    /// `None` if the board refuses it.
    pub(crate) async fn connect(stack: Stack<'static>) -> Option<Client> {
        let mut socket = TcpSocket::new(stack, leak([0; 4096]), leak([0; 4096]));
        socket.set_timeout(Some(Duration::from_secs(60)));
        socket.connect((address(1), PORT)).await.ok()?;
        Some(Client(socket))
    }

    /// Sends `request` and reads the answer at the same time.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> (String, bool) {
        let (mut reader, mut writer) = self.0.split();
        let read = async {
            let (mut all, mut piece) = (Vec::new(), [0; 512]);
            loop {
                match reader.read(&mut piece).await {
                    Ok(0) => return (text(all), true),
                    Ok(n) => all.extend_from_slice(&piece[..n]),
                    Err(_) => return (text(all), false),
                }
            }
        };
        let write = async {
            let _ = writer.write_all(request).await;
        };
        let (answer, ()) = embassy_futures::join::join(read, write).await;
        self.0.close();
        let _ = self.0.flush().await;
        answer
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok()
    }

    /// Everything until the board ends its side, and whether it did so in order.
    pub(crate) async fn read_to_end(&mut self) -> (String, bool) {
        let (mut all, mut piece) = (Vec::new(), [0; 512]);
        loop {
            match self.0.read(&mut piece).await {
                Ok(0) => {
                    self.0.close();
                    let _ = self.0.flush().await;
                    return (text(all), true);
                }
                Ok(n) => all.extend_from_slice(&piece[..n]),
                Err(_) => return (text(all), false),
            }
        }
    }

    /// What comes until it ends with `last`; shorter if the connection ends first.
    pub(crate) async fn read_until(&mut self, last: &str) -> String {
        let (mut all, mut byte) = (Vec::new(), [0; 1]);
        while !all.ends_with(last.as_bytes()) {
            match self.0.read(&mut byte).await {
                Ok(1) => all.push(byte[0]),
                Ok(_) | Err(_) => break,
            }
        }
        text(all)
    }

    /// Exactly so many bytes; `None` if the connection ends before.
    pub(crate) async fn read_exact(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        let mut read = 0;
        while read < count {
            match self.0.read(&mut bytes[read..]).await {
                Ok(0) | Err(_) => return None,
                Ok(n) => read += n,
            }
        }
        Some(bytes)
    }

    pub(crate) fn close(&mut self) {
        self.0.close();
    }

    /// Ends the connection by a reset.
    pub(crate) async fn reset(&mut self) {
        self.0.abort();
        let _ = self.0.flush().await;
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("answers are text")
}
