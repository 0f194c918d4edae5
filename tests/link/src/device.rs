//! The device's application, linked as `main.rs` is: routes, layers, uploads, events, and what JSON needs of ours.
//!
//! The JSON crate itself is stood in for. Of serde-json-core 0.7.0 the linker keeps these, in images optimised for size
//! and for speed alike:
//!
//! ```text
//!   panic_bounds_check   Serializer::push_unchecked, serialize_i32, serialize_u32, SerializeStruct::serialize_field,
//!                        Deserializer::parse_str
//!   slice_index_fail     Deserializer::parse_str, deserialize_str
//!   slice_error_fail     EscapedStringFragmentIter::next
//! ```
#![no_std]
#![no_main]

mod bare;

use device::{Device, DeviceService};
use rws_embassy::{Drive, Server};

static DEVICE: Device = Device::new();
static SERVICE: DeviceService = device::service(&DEVICE);

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let server = Server { service: &SERVICE, platform: bare::Board, limits: &device::LIMITS };
    bare::run(&server, &mut [0; Drive::<()>::buffer_bytes_min(&device::LIMITS)], ());
    loop {}
}
