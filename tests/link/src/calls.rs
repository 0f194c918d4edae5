//! The device's application with its gRPC calls, over HTTP/2 too, linked as `main.rs` is, and what calls have in fields beyond that.
#![no_std]
#![no_main]

mod bare;

use device::{CallsService, Device};
use rws_core::grpc::{metadata, percent, timeout};
use rws_embassy::{Http2, Server};

static DEVICE: Device = Device::new();
static SERVICE: CallsService = device::service_with_calls(&DEVICE);

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let server = Server { service: &SERVICE, platform: bare::Board, limits: &device::LIMITS };
    bare::run(&server, &mut [0; Http2::<()>::buffer_bytes_min(&device::LIMITS)], &mut Http2::<_>::new());
    loop {
        fields_of_calls();
    }
}

fn fields_of_calls() {
    let (mut value, mut room, mut text) = ([0; 16], [0; 48], [0; timeout::TEXT_BYTES_MAX]);
    // SAFETY: this image is linked and never run.
    value.fill_with(|| unsafe { bare::PORT.read_volatile() });
    let us = timeout::parse(&value).unwrap_or(u64::from_ne_bytes([value[0]; 8]));
    write(timeout::format(us, &mut text));
    if let Ok(said) = core::str::from_utf8(&value) {
        write(percent::encode(said, &mut room));
    }
    for byte in percent::decode(&value) {
        write(&[byte]);
    }
    write(metadata::encode_binary(&value, &mut room).unwrap_or(&[]));
    for part in metadata::binary_values(&value) {
        write(metadata::decode_binary(part, &mut room).unwrap_or(&[]));
    }
}

fn write(bytes: &[u8]) {
    for &byte in bytes {
        // SAFETY: as above.
        unsafe { bare::PORT.write_volatile(byte) };
    }
}
