//! The layers before the routes: who comes in, and with how much.

use rws_core::middleware::{
    BasicAuthLayer, BlocklistLayer, BodyLimitLayer, BodyLimitOverride, Cidr, CidrList, Inline, Layered,
    OnlyFor, Realm, TraceIdLayer, User, Users,
};
use rws_core::{Limits, Method, RequestHead, Service, WakeContext};

use crate::calls::{self, Calls};
use crate::device::Device;
use crate::routes::Routes;

/// The limits that a driver runs the device with: those of a microcontroller, with room for the fields of a
/// page (with `Date` and `Connection` its head has 279 bytes) and for an image of a firmware.
pub const LIMITS: Limits =
    Limits { response_head_bytes_max: 288, body_bytes_max: FIRMWARE_BYTES_MAX, ..Limits::DEVICE };

/// The largest image that `POST /firmware` takes: bytes.
pub const FIRMWARE_BYTES_MAX: u64 = 1 << 20;

/// The largest body elsewhere: bytes.
const BODY_BYTES_MAX: u64 = 256;

/// Who may change something. A demonstration: a product takes its password from where it keeps secrets.
pub const DEMO_USER: User = User { name: "operator", password: "not a secret" };

/// Networks that are not served: those that the RFCs use in their examples (RFC 5737).
const BLOCKED: CidrList =
    CidrList(&[sure(Cidr::v4([198, 51, 100, 0], 24)), sure(Cidr::v4([203, 0, 113, 0], 24))]);

const REALM: Realm = sure(Realm::new("device"));

/// Memory for one answer's fields, while the layers add theirs: 192 bytes and 9 fields.
pub type Room = Inline<192, 9, 0, 0>;

/// The layers, outermost first.
pub type DeviceLayers = (
    TraceIdLayer,
    BlocklistLayer<CidrList>,
    OnlyFor<fn(&RequestHead<'_>) -> bool, BasicAuthLayer<Users>>,
    BodyLimitLayer<Uploads>,
);

/// All of it, ready for a driver.
pub type DeviceService = Layered<DeviceLayers, Routes, Room>;

/// What one exchange costs in memory, whatever the driver's context is: bytes. A firmware has it once for each
/// connection, beside the buffers.
pub const EXCHANGE_BYTES: usize = size_of::<<DeviceService as Service<dyn WakeContext>>::State>();

const _: () = assert!(EXCHANGE_BYTES <= if size_of::<usize>() == 4 { 552 } else { 568 });

/// The same with gRPC calls, for drivers whose clients see trailers.
pub type CallsService = Layered<DeviceLayers, Calls<Routes>, Room>;

/// What `device` serves.
pub const fn service(device: &'static Device) -> DeviceService {
    Layered::with_room(layers(changes_something), Routes::new(device))
}

/// The same, and the calls of [`Calls`]; those need the password, too.
pub const fn service_with_calls(device: &'static Device) -> CallsService {
    Layered::with_room(layers(calls_or_changes), Calls::new(device, Routes::new(device)))
}

const fn layers(needs_password: fn(&RequestHead<'_>) -> bool) -> DeviceLayers {
    (
        TraceIdLayer::new(),
        BlocklistLayer::deny(BLOCKED),
        OnlyFor::new(needs_password, BasicAuthLayer::new(REALM, Users(&[DEMO_USER]))),
        BodyLimitLayer::new(BODY_BYTES_MAX).with_override(Uploads),
    )
}

fn calls_or_changes(head: &RequestHead<'_>) -> bool {
    calls::is_call(head) || changes_something(head)
}

/// Whether a request is for what only users may do.
fn changes_something(head: &RequestHead<'_>) -> bool {
    !head.method().is_safe() && matches!(head.path(), "/led" | "/firmware")
}

/// Images are larger than other bodies.
#[derive(Clone, Copy, Debug)]
pub struct Uploads;

impl BodyLimitOverride for Uploads {
    fn body_bytes_max(&self, head: &RequestHead<'_>) -> Option<u64> {
        (head.method() == Method::Post && head.path() == "/firmware").then_some(FIRMWARE_BYTES_MAX)
    }
}

/// What a constant must be.
#[expect(clippy::panic, reason = "runs at compile time, where a panic is the error message")]
const fn sure<T: Copy>(constant: Option<T>) -> T {
    match constant {
        Some(value) => value,
        None => panic!("a constant of the device is malformed"),
    }
}
