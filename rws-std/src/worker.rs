//! A thread that drives a shard: takes its jobs, runs them while the shard lies in its slot, and gives up
//! the shard when another thread has taken it meanwhile.

use core::cell::Cell;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::Arc;

use rws_core::message::{Field, OwnedRequestHead, RequestHead, Scratch};
use rws_core::service::Taken;

use crate::application::Application;
use crate::handover::{self, Arrival, Held, Slot, Spares, Ticket, Word};
use crate::job::{self, GiveAway, JobCx, Pool};
use crate::shard::{
    BodyWork, Canned, Job, JobResult, Left, Mail, Next, OwnedJob, Parcel, Plan, SCRATCH_BYTES,
    SCRATCH_FIELDS, Shard, ShardMail, Trailers, TurnBuf,
};
use crate::sys;

/// What the thread owns: nothing of it belongs to the shard.
struct Worker<A: Application> {
    app: Arc<A>,
    mail: Arc<ShardMail<A::State>>,
    buf: Box<TurnBuf>,
    edits: Edits,
    cx: Box<JobCx>,
    word: Rc<Cell<Word>>,
}

/// Memory for what jobs change in a head.
struct Edits {
    bytes: Box<[u8]>,
    fields: Box<[Field]>,
}

impl Edits {
    fn new() -> Edits {
        Edits {
            bytes: vec![0; SCRATCH_BYTES].into_boxed_slice(),
            fields: vec![Field::default(); SCRATCH_FIELDS].into_boxed_slice(),
        }
    }

    fn lend(&mut self) -> Scratch<'_> {
        Scratch { bytes: &mut self.bytes, fields: &mut self.fields }
    }
}

/// Drives `shard` until it has ended or another thread has taken it.
pub(crate) fn drive<A: Application>(
    mut shard: Held<Shard<A>>,
    arrival: Arrival,
    spares: &Arc<Spares<Shard<A>>>,
) {
    shard.cx.pool.get_or_insert_with(|| Arc::clone(spares) as Arc<dyn Pool>);
    shard.cx.lease = Some(shard.slot().lease());
    let mut worker = Worker::new(&shard, spares);
    match arrival {
        Arrival::Launched => {}
        Arrival::Stolen | Arrival::HandedOver | Arrival::AfterPanic => shard.adopt(),
    }
    let mut next = None;
    loop {
        let job = match next.take() {
            Some(job) => job,
            None => match shard.step(&mut worker.buf) {
                Next::Job(job) => job,
                Next::Wait => {
                    shard.rest();
                    shard.wait();
                    continue;
                }
                Next::Ended => break,
            },
        };
        if !spares.has_spare() {
            worker.offload(&mut shard, job, spares);
            continue;
        }
        let address = shard.cx.address;
        core::mem::swap(&mut worker.cx, &mut shard.cx);
        let published = shard.publish();
        worker.note_published(published.word());
        let mut outcome = Outcome::none();
        worker.run(job, &mut outcome);
        match published.reclaim() {
            Ok(held) => shard = held,
            Err(_stolen) => {
                worker.mail.0.send_always(Mail::Late(address, outcome.into_result()));
                break;
            }
        }
        core::mem::swap(&mut worker.cx, &mut shard.cx);
        match outcome.other {
            None => shard.settle_begun(address, &mut outcome.begun, outcome.plan),
            Some(result) => shard.settle(address, result),
        }
        next = shard.resume_turn(&mut worker.buf, address.conn);
    }
    job::set_driver(None);
}

impl<A: Application> Worker<A> {
    fn new(shard: &Held<Shard<A>>, spares: &Arc<Spares<Shard<A>>>) -> Worker<A> {
        let word = Rc::new(Cell::new(Word::default()));
        job::set_driver(Some(Box::new(Driver {
            spares: Arc::clone(spares),
            slot: Arc::clone(shard.slot()),
            word: Rc::clone(&word),
        })));
        let mut cx = Box::new(shard.cx.fork());
        cx.lease = Some(shard.slot().lease());
        Worker {
            app: Arc::clone(&shard.app),
            mail: Arc::clone(&shard.mail),
            buf: Box::new(TurnBuf::new()),
            edits: Edits::new(),
            cx,
            word,
        }
    }

    fn note_published(&mut self, word: Word) {
        self.word.set(word);
        if let Some(lease) = &mut self.cx.lease {
            lease.renew(word);
        }
    }

    fn run(&mut self, job: Job<A::State>, outcome: &mut Outcome<A::State>) {
        job::set_in_job(true);
        let (app, cx, buf, edits) = (&*self.app, &mut self.cx, &*self.buf, &mut self.edits);
        match job {
            Job::Begin { at } => {
                begin(app, cx, || head_of(buf, at, edits.lend()), outcome);
                outcome.keep_head(|| OwnedRequestHead::of(&head_of(buf, at, edits.lend())));
            }
            Job::Body(work) => {
                let BodyWork { state, piece, end, trailers } = *work;
                let chunk = buf.rx.get(piece).unwrap_or(&[]);
                outcome.other = Some(give_body(app, cx, state, chunk, end, trailers));
            }
            Job::Advance(state) => outcome.other = Some(advance(app, cx, *state)),
            Job::Promised(head) => {
                begin(app, cx, || head.view(edits.lend()), outcome);
                outcome.keep_head(|| *head);
            }
        }
        job::set_in_job(false);
    }

    /// Nobody could take the shard if this job blocked: it goes to the queue for the next free thread.
    fn offload(&mut self, shard: &mut Shard<A>, job: Job<A::State>, spares: &Arc<Spares<Shard<A>>>) {
        let address = shard.cx.address;
        let work = match job {
            Job::Begin { at } => {
                let head = head_of(&self.buf, at, self.edits.lend());
                OwnedJob::Begin(Box::new(OwnedRequestHead::of(&head)))
            }
            Job::Advance(state) => OwnedJob::Advance(*state),
            Job::Promised(head) => OwnedJob::Begin(head),
            Job::Body(work) => {
                let BodyWork { state, piece, end, trailers } = *work;
                OwnedJob::Body(state, self.buf.rx.get(piece).unwrap_or(&[]).to_vec(), end, trailers)
            }
        };
        shard.release_lease();
        shard.prepare_cx(address);
        let mut cx = shard.cx.fork();
        let (app, mail) = (Arc::clone(&self.app), Arc::clone(&self.mail));
        // If nobody takes the job, its work comes back: an exchange that has begun must also end.
        let parcel = Parcel::new(work);
        let theirs = parcel.clone();
        let offloaded = spares.offload(Box::new(move || {
            if let Some(work) = theirs.take() {
                mail.0.send_always(Mail::Late(address, work.run(&*app, &mut cx)));
            }
        }));
        match offloaded {
            Ok(ticket) => shard.note_offloaded(address, ticket, parcel),
            Err(_job) => {
                let left = match parcel.take() {
                    Some(OwnedJob::Body(state, ..) | OwnedJob::Advance(state)) => Left::State(state),
                    Some(OwnedJob::Begin(head)) => Left::Head(Some(head)),
                    None => Left::Head(None),
                };
                shard.settle(address, JobResult::Failed(Canned::Overloaded, left));
                shard.go_on_later(address);
            }
        }
    }
}

/// The head that a job begins with.
fn head_of<'b>(buf: &'b TurnBuf, at: u32, edits: Scratch<'b>) -> RequestHead<'b> {
    let rx = buf.rx.get(at as usize..).unwrap_or(&[]);
    buf.head.spans.view_shared(rx, &buf.decoded, &buf.index, edits)
}

impl<S> OwnedJob<S> {
    fn run<A: Application<State = S>>(self, app: &A, cx: &mut JobCx) -> JobResult<S> {
        match self {
            OwnedJob::Begin(head) => {
                let (mut edits, mut outcome) = (Edits::new(), Outcome::none());
                begin(app, cx, || head.view(edits.lend()), &mut outcome);
                outcome.keep_head(|| *head);
                outcome.into_result()
            }
            OwnedJob::Advance(state) => advance(app, cx, state),
            OwnedJob::Body(state, chunk, end, trailers) => give_body(app, cx, state, &chunk, end, trailers),
        }
    }
}

/// What a job has come to. Filled where it lies: the state of an exchange is large.
struct Outcome<S> {
    /// The state of an exchange that the job has begun, and the request to send on.
    begun: Option<S>,
    plan: Plan,
    /// What any other job has come to, or one that has failed.
    other: Option<JobResult<S>>,
}

impl<S> Outcome<S> {
    const fn none() -> Outcome<S> {
        Outcome { begun: None, plan: None, other: None }
    }

    #[cold]
    fn into_result(self) -> JobResult<S> {
        match (self.other, self.begun) {
            (Some(result), _) => result,
            (None, Some(state)) => JobResult::Begun(state, self.plan),
            (None, None) => JobResult::Failed(Canned::Panicked, Left::Head(None)),
        }
    }

    /// Keeps the request that could not be begun, if that is what became of it.
    #[inline]
    fn keep_head(&mut self, head: impl FnOnce() -> OwnedRequestHead) {
        if let Some(JobResult::Failed(_, Left::Head(kept @ None))) = &mut self.other {
            *kept = Some(Box::new(head()));
        }
    }
}

fn begin<'h, A: Application>(
    app: &A,
    cx: &mut JobCx,
    head: impl FnOnce() -> RequestHead<'h>,
    outcome: &mut Outcome<A::State>,
) {
    let run = catch_unwind(AssertUnwindSafe(|| {
        let state = outcome.begun.insert(app.begin(cx, &mut head()));
        app.advance(cx, state);
        outcome.plan = app.forward(state);
    }));
    if run.is_err() {
        outcome.other = Some(match outcome.begun.take() {
            Some(state) => broken(state),
            None => JobResult::Failed(Canned::Panicked, Left::Head(None)),
        });
    }
}

fn give_body<A: Application>(
    app: &A,
    cx: &mut JobCx,
    mut state: A::State,
    chunk: &[u8],
    end: bool,
    trailers: Trailers,
) -> JobResult<A::State> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        if let Some(trailers) = trailers {
            app.request_trailers(cx, &mut state, trailers.block());
        }
        let taken = app.body(cx, &mut state, chunk, end);
        app.advance(cx, &mut state);
        (taken, app.forward(&mut state))
    }));
    match outcome {
        Ok((Taken::All | Taken::Later | Taken::Stop, plan)) if end => JobResult::Ended(state, plan),
        Ok((taken, plan)) => JobResult::Taken(state, plan, taken, chunk.len() as u32),
        Err(_) => broken(state),
    }
}

fn advance<A: Application>(app: &A, cx: &mut JobCx, mut state: A::State) -> JobResult<A::State> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        app.advance(cx, &mut state);
        app.forward(&mut state)
    }));
    match outcome {
        Ok(plan) => JobResult::Advanced(state, plan),
        Err(_) => broken(state),
    }
}

/// The job of an exchange that had begun has panicked: the shard ends it. The message has been printed by the
/// hook; the peer gets 500.
#[cold]
const fn broken<S>(state: S) -> JobResult<S> {
    JobResult::Failed(Canned::Panicked, Left::State(state))
}

impl<T: Send + 'static> Pool for Spares<T> {
    fn offload(self: Arc<Self>, job: handover::Job) -> Result<Ticket, handover::Job> {
        Spares::offload(&self, job)
    }

    fn call_off(&self, ticket: Ticket) -> bool {
        Spares::call_off(self, ticket).is_some()
    }
}

/// Gives this thread's shard away on behalf of a job that is about to block.
struct Driver<T> {
    spares: Arc<Spares<T>>,
    slot: Arc<Slot<T>>,
    word: Rc<Cell<Word>>,
}

impl<T: Send + 'static> GiveAway for Driver<T> {
    fn give_away(&self) -> bool {
        self.is_gone() || self.spares.hand_over_published(&self.slot, self.word.get())
    }

    fn was_slow(&self) -> bool {
        self.is_gone() && sys::blames_job(self.word.get())
    }
}

impl<T> Driver<T> {
    fn is_gone(&self) -> bool {
        self.slot.observe() != self.word.get()
    }
}
