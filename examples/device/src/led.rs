//! The LED: asked for by GET, switched by POST.

use rws_core::Status;
use rws_core::json::{Json, JsonBody, JsonError};
use rws_core::message::RequestHead;

use crate::answer::Answer;
use crate::device::Device;

/// The longest body that switches the LED: bytes.
pub const SWITCH_BYTES_MAX: usize = 64;

/// A body on its way in.
pub(crate) type SwitchBody = JsonBody<SWITCH_BYTES_MAX>;

#[derive(serde::Deserialize)]
struct Switch {
    on: bool,
}

/// Whether the LED is in the state that the path names.
pub(crate) fn ask(device: &Device, state: Option<&str>) -> Answer {
    let asked = match state {
        Some("on") => true,
        Some("off") => false,
        Some(_) | None => return Answer::text(Status::NOT_FOUND, "an LED is on or off\n"),
    };
    Answer::text(Status::OK, if device.is_led_on() == asked { "yes\n" } else { "no\n" })
}

/// The body that is to come, or the answer if none is needed.
pub(crate) fn begin(device: &Device, head: &RequestHead<'_>) -> Result<SwitchBody, Answer> {
    let body = SwitchBody::begin(head).map_err(refuse)?;
    if head.body().follows() { Ok(body) } else { Err(switch(device, &body)) }
}

/// A piece of the body; the answer once there is one.
pub(crate) fn take(device: &Device, body: &mut SwitchBody, chunk: &[u8], end: bool) -> Option<Answer> {
    match body.take(chunk) {
        Err(error) => Some(refuse(error)),
        Ok(()) => end.then(|| switch(device, body)),
    }
}

fn switch(device: &Device, body: &SwitchBody) -> Answer {
    match body.read() {
        Ok(Json(Switch { on })) => {
            device.set_led(on);
            Answer::led(on)
        }
        Err(error) => refuse(error),
    }
}

const fn refuse(error: JsonError) -> Answer {
    Answer::text(error.status(), error.text())
}
