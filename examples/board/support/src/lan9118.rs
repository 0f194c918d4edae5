//! The board's Ethernet controller, for `embassy-net`.
//!
//! Frames go through two FIFOs, word by word. One is read while there is one; the interrupt says only that another came,
//! so whoever finds none leaves a waker and looks once more.

use core::fmt;
use core::task::Context;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState};
use embassy_sync::waitqueue::AtomicWaker;

use crate::registers::{self, Register};
use crate::vectors::ETHERNET_INTERRUPT;

const BASE: usize = 0x4020_0000;
const RECEIVE_DATA: Register = Register::at(BASE);
const TRANSMIT_DATA: Register = Register::at(BASE + 0x20);
const RECEIVE_STATUS: Register = Register::at(BASE + 0x40);
const TRANSMIT_STATUS: Register = Register::at(BASE + 0x48);
const INTERRUPT_CONFIGURATION: Register = Register::at(BASE + 0x54);
const INTERRUPT_STATUS: Register = Register::at(BASE + 0x58);
const INTERRUPT_ENABLE: Register = Register::at(BASE + 0x5C);
const FIFO_INTERRUPTS: Register = Register::at(BASE + 0x68);
const TRANSMIT_CONFIGURATION: Register = Register::at(BASE + 0x70);
const HARDWARE_CONFIGURATION: Register = Register::at(BASE + 0x74);
const RECEIVE_FIFO: Register = Register::at(BASE + 0x7C);
const TRANSMIT_FIFO: Register = Register::at(BASE + 0x80);
const MAC_COMMAND: Register = Register::at(BASE + 0xA4);
const MAC_DATA: Register = Register::at(BASE + 0xA8);

const RECEIVED: u32 = 1 << 3;
const MAC_BUSY: u32 = 1 << 31;
const MAC_READ: u32 = 1 << 30;
const MAC_CONTROL: u32 = 1;
const MAC_ADDRESS_HIGH: u32 = 2;
const MAC_ADDRESS_LOW: u32 = 3;
const CHECKSUM_BYTES: usize = 4;
const FRAME_BYTES_MAX: usize = 1514;
/// A whole number of words, with room for the checksum that follows a received frame.
const BUFFER_BYTES: usize = 1520;

static ARRIVAL: AtomicWaker = AtomicWaker::new();

pub(crate) extern "C" fn on_ethernet() {
    INTERRUPT_STATUS.write(RECEIVED);
    ARRIVAL.wake();
}

/// Room for one frame each way; in a `static`, so that it never passes over the stack.
pub struct FrameBuffers {
    received: [u8; BUFFER_BYTES],
    sent: [u8; BUFFER_BYTES],
}

impl FrameBuffers {
    /// Empty buffers.
    #[must_use]
    pub const fn new() -> FrameBuffers {
        FrameBuffers { received: [0; BUFFER_BYTES], sent: [0; BUFFER_BYTES] }
    }
}

impl Default for FrameBuffers {
    fn default() -> FrameBuffers {
        FrameBuffers::new()
    }
}

impl fmt::Debug for FrameBuffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameBuffers").finish_non_exhaustive()
    }
}

/// The controller; there is one.
#[derive(Debug)]
pub struct Lan9118 {
    buffers: &'static mut FrameBuffers,
    address: [u8; 6],
}

impl Lan9118 {
    /// Resets the controller and lets frames in.
    pub(crate) fn start(buffers: &'static mut FrameBuffers) -> Lan9118 {
        HARDWARE_CONFIGURATION.write(1);
        while HARDWARE_CONFIGURATION.read() & 1 != 0 {}
        HARDWARE_CONFIGURATION.write(0x0015_0000);
        FIFO_INTERRUPTS.write(0);
        INTERRUPT_STATUS.write(u32::MAX);
        INTERRUPT_CONFIGURATION.write(0x111);
        TRANSMIT_CONFIGURATION.write(0b10);
        let low = read_mac(MAC_ADDRESS_LOW).to_le_bytes();
        let high = read_mac(MAC_ADDRESS_HIGH).to_le_bytes();
        const RECEIVER: u32 = 1 << 2;
        const TRANSMITTER: u32 = 1 << 3;
        const FULL_DUPLEX: u32 = 1 << 20;
        write_mac(MAC_CONTROL, RECEIVER | TRANSMITTER | FULL_DUPLEX);
        INTERRUPT_ENABLE.write(RECEIVED);
        registers::enable_interrupt(ETHERNET_INTERRUPT);
        Lan9118 { buffers, address: [low[0], low[1], low[2], low[3], high[0], high[1]] }
    }
}

fn read_mac(register: u32) -> u32 {
    MAC_COMMAND.write(MAC_BUSY | MAC_READ | register);
    while MAC_COMMAND.read() & MAC_BUSY != 0 {}
    MAC_DATA.read()
}

fn write_mac(register: u32, value: u32) {
    MAC_DATA.write(value);
    MAC_COMMAND.write(MAC_BUSY | register);
    while MAC_COMMAND.read() & MAC_BUSY != 0 {}
}

impl Driver for Lan9118 {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Room<'a>;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Received<'_>, Room<'_>)> {
        if !is_frame_waiting() {
            ARRIVAL.register(context.waker());
            if !is_frame_waiting() {
                return None;
            }
        }
        Some((Received(&mut self.buffers.received), Room(&mut self.buffers.sent)))
    }

    fn transmit(&mut self, _context: &mut Context<'_>) -> Option<Room<'_>> {
        // The simulated controller sends a frame as its last word is written: its FIFO is always empty here.
        Some(Room(&mut self.buffers.sent))
    }

    fn link_state(&mut self, _context: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME_BYTES_MAX;
        capabilities.max_burst_size = Some(1);
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.address)
    }
}

fn is_frame_waiting() -> bool {
    (RECEIVE_FIFO.read() >> 16) & 0xFF != 0
}

/// A frame that waits in the controller.
#[derive(Debug)]
pub struct Received<'a>(&'a mut [u8; BUFFER_BYTES]);

impl embassy_net_driver::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, read: F) -> R {
        let bytes = (RECEIVE_STATUS.read() >> 16) as usize & 0x3FFF;
        let words = bytes.div_ceil(size_of::<u32>());
        let mut room = self.0.chunks_exact_mut(size_of::<u32>());
        for _ in 0..words {
            let word = RECEIVE_DATA.read();
            if let Some(place) = room.next() {
                place.copy_from_slice(&word.to_le_bytes());
            }
        }
        let frame = bytes.saturating_sub(CHECKSUM_BYTES).min(BUFFER_BYTES);
        read(self.0.get_mut(..frame).unwrap_or_default())
    }
}

/// Room for a frame to be sent.
#[derive(Debug)]
pub struct Room<'a>(&'a mut [u8; BUFFER_BYTES]);

impl embassy_net_driver::TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, bytes: usize, write: F) -> R {
        let result = write(self.0.get_mut(..bytes).unwrap_or_default());
        const FIRST_AND_LAST_SEGMENT: u32 = 1 << 13 | 1 << 12;
        let length = bytes.min(BUFFER_BYTES) as u32;
        TRANSMIT_DATA.write(FIRST_AND_LAST_SEGMENT | length);
        TRANSMIT_DATA.write(length << 16 | length);
        let words = bytes.div_ceil(size_of::<u32>());
        for piece in self.0.chunks_exact(size_of::<u32>()).take(words) {
            let mut word = [0; size_of::<u32>()];
            word.copy_from_slice(piece);
            TRANSMIT_DATA.write(u32::from_le_bytes(word));
        }
        // Each frame leaves a status behind, and a full FIFO of them would stop the controller.
        while (TRANSMIT_FIFO.read() >> 16) & 0xFF != 0 {
            TRANSMIT_STATUS.read();
        }
        result
    }
}
