//! An Ethernet cable between two stacks in memory, which can lose frames.

use core::cell::{Cell, RefCell};
use core::task::{Context, Waker};
use std::collections::VecDeque;
use std::rc::Rc;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};

const FRAME_BYTES: usize = 1514;
const BOARD: u8 = 1;
const CLIENT: u8 = 2;

/// What is on its way in one direction.
#[derive(Default)]
struct Way {
    frames: RefCell<VecDeque<Vec<u8>>>,
    reader: Cell<Option<Waker>>,
}

/// What goes wrong on a cable.
#[derive(Default)]
pub(crate) struct Faults {
    /// Every `n`th frame is lost, in both directions together; 0 means none.
    pub(crate) lose_every: Cell<u64>,
    /// What the board says with FIN is lost.
    pub(crate) loses_the_boards_end: Cell<bool>,
    /// Nothing passes.
    pub(crate) is_cut: Cell<bool>,
    sent: Cell<u64>,
}

/// One end of a cable.
pub(crate) struct End {
    address: u8,
    incoming: Rc<Way>,
    outgoing: Rc<Way>,
    faults: Rc<Faults>,
}

/// A cable: its two ends, and what goes wrong on it.
pub(crate) fn cable() -> (End, End, Rc<Faults>) {
    let (one, other, faults) = (Rc::new(Way::default()), Rc::new(Way::default()), Rc::new(Faults::default()));
    let end = |address, incoming: &Rc<Way>, outgoing: &Rc<Way>| End {
        address,
        incoming: Rc::clone(incoming),
        outgoing: Rc::clone(outgoing),
        faults: Rc::clone(&faults),
    };
    (end(BOARD, &one, &other), end(CLIENT, &other, &one), Rc::clone(&faults))
}

impl Faults {
    fn takes(&self, sender: u8, frame: &[u8]) -> bool {
        self.sent.set(self.sent.get() + 1);
        let every = self.lose_every.get();
        self.is_cut.get()
            || (every > 0 && self.sent.get().is_multiple_of(every))
            || (self.loses_the_boards_end.get() && sender == BOARD && is_end(frame))
    }
}

/// Whether a frame has a TCP segment with FIN: behind 14 bytes of Ethernet and 20 of IPv4.
fn is_end(frame: &[u8]) -> bool {
    frame.get(12..14) == Some(&[8, 0])
        && frame.get(23) == Some(&6)
        && frame.get(47).is_some_and(|flags| flags & 1 == 1)
}

pub(crate) struct Received(Vec<u8>);
pub(crate) struct Sending<'e>(&'e End);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, f: F) -> R {
        f(&mut self.0)
    }
}

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        let End { address, outgoing, faults, .. } = self.0;
        if !faults.takes(*address, &frame) {
            outgoing.frames.borrow_mut().push_back(frame);
            if let Some(reader) = outgoing.reader.take() {
                reader.wake();
            }
        }
        result
    }
}

impl Driver for End {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(Received, Sending<'_>)> {
        let frame = self.incoming.frames.borrow_mut().pop_front();
        if frame.is_none() {
            self.incoming.reader.set(Some(cx.waker().clone()));
        }
        frame.map(|frame| (Received(frame), Sending(self)))
    }
    fn transmit(&mut self, _: &mut Context<'_>) -> Option<Sending<'_>> {
        Some(Sending(self))
    }
    fn link_state(&mut self, _: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME_BYTES;
        capabilities
    }
    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet([2, 0, 0, 0, 0, self.address])
    }
}
