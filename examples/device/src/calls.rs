//! gRPC on a board: `/device.v1.Led/Switch`, a call with one message each way, before whatever else is served.
//!
//! ```proto
//! package device.v1;
//! service Led { rpc Switch (SwitchRequest) returns (SwitchReply); }
//! message SwitchRequest { bool on = 1; }
//! message SwitchReply { bool on = 1; }
//! ```
//!
//! ```text
//!   begin ─┬─ Reading ── body ── end ─▶ Answering (a message, trailers)
//!          └──── refused, malformed ──▶ Ended (one head that is trailers too)
//! ```

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::grpc::{
    CallHead, Code, Encoding, MessageReader, PREFIX_BYTES, Piece, Refusal, message_prefix, trailers,
};
use rws_core::message::{FieldBlock, RequestHead, ResponseHead};
use rws_core::service::{Context, Outcome, Taken};
use rws_core::{Service, Status, field_lines};

use crate::device::Device;
use crate::protobuf::{Fields, Malformed, Value};
use crate::text::copy_from;

/// The longest request that is taken: bytes. More than one field of two bytes would be one of a later version.
const REQUEST_BYTES_MAX: usize = 16;

const SERVICE: &str = "/device.v1.Led/";

/// Calls, and everything else by another service.
#[derive(Clone, Copy, Debug)]
pub struct Calls<S> {
    device: &'static Device,
    others: S,
}

impl<S> Calls<S> {
    /// The calls of `device`; `others` gets what is none.
    pub const fn new(device: &'static Device, others: S) -> Calls<S> {
        Calls { device, others }
    }
}

/// Whether a request is for the calls.
pub(crate) fn is_call(head: &RequestHead<'_>) -> bool {
    head.path().starts_with(SERVICE)
}

/// One exchange: a call, or the other service's.
#[derive(Debug)]
pub struct CallState<T>(Of<T>);

#[derive(Debug)]
enum Of<T> {
    Call(Call),
    Others(T),
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Reading {
        reader: MessageReader,
        message: [u8; REQUEST_BYTES_MAX],
        len: u8,
        whole: u8,
    },
    Answering {
        is_on: bool,
        sent: u8,
    },
    Ended(Code),
    /// No call at all.
    Refused(Status),
}

const _: () = assert!(size_of::<Call>() <= 40);

impl<C: Context + ?Sized, S: Service<C>> Service<C> for Calls<S> {
    type State = CallState<S::State>;

    fn begin(&self, cx: &mut C, head: &mut RequestHead<'_>) -> Self::State {
        if is_call(head) {
            CallState(Of::Call(Call::begin(head)))
        } else {
            CallState(Of::Others(self.others.begin(cx, head)))
        }
    }

    fn body(&self, cx: &mut C, state: &mut Self::State, chunk: &[u8], end: bool) -> Taken {
        match &mut state.0 {
            Of::Call(call) => {
                if let Err(code) = call.take(self.device, chunk, end) {
                    *call = Call::Ended(code);
                }
                if matches!(call, Call::Ended(_) | Call::Refused(_)) { Taken::Stop } else { Taken::All }
            }
            Of::Others(state) => self.others.body(cx, state, chunk, end),
        }
    }

    fn credit(&self, state: &mut Self::State) -> u32 {
        match &mut state.0 {
            Of::Call(_) => 0,
            Of::Others(state) => self.others.credit(state),
        }
    }

    fn advance(&self, cx: &mut C, state: &mut Self::State) {
        match &mut state.0 {
            Of::Call(_) => {}
            Of::Others(state) => self.others.advance(cx, state),
        }
    }

    fn head<'s>(&self, state: &'s mut Self::State) -> HeadAnswer<'s> {
        match &mut state.0 {
            Of::Call(call) => call.head(),
            Of::Others(state) => self.others.head(state),
        }
    }

    fn fill(&self, state: &mut Self::State, out: &mut [u8]) -> Fill {
        match &mut state.0 {
            Of::Call(call) => call.fill(out),
            Of::Others(state) => self.others.fill(state, out),
        }
    }

    fn trailers<'s>(&self, state: &'s mut Self::State) -> FieldBlock<'s> {
        match &mut state.0 {
            Of::Call(Call::Answering { .. }) => trailers::OK,
            Of::Call(Call::Reading { .. } | Call::Ended(_) | Call::Refused(_)) => FieldBlock::EMPTY,
            Of::Others(state) => self.others.trailers(state),
        }
    }

    fn end(&self, cx: &mut C, state: Self::State, outcome: Outcome) {
        match state.0 {
            Of::Call(_) => {}
            Of::Others(state) => self.others.end(cx, state, outcome),
        }
    }
}

impl Call {
    fn begin(head: &RequestHead<'_>) -> Call {
        let call = match CallHead::read(head) {
            Ok(call) => call,
            Err(Refusal::Http(status)) => return Call::Refused(status),
            Err(Refusal::Call(code, _)) => return Call::Ended(code),
        };
        // A board has no memory to decompress into, and a call that comes without its message is none of this method's.
        if call.path.method != "Switch" || call.encoding != Encoding::Identity || !head.body().follows() {
            return Call::Ended(Code::Unimplemented);
        }
        let reader = MessageReader::new(REQUEST_BYTES_MAX as u32);
        Call::Reading { reader, message: [0; REQUEST_BYTES_MAX], len: 0, whole: 0 }
    }

    fn take(&mut self, device: &Device, mut chunk: &[u8], end: bool) -> Result<(), Code> {
        let Call::Reading { reader, message, len, whole } = self else { return Ok(()) };
        while let Some(piece) = reader.read(&mut chunk).map_err(|error| error.code())? {
            match piece {
                Piece::Begin(head) if head.is_compressed() => return Err(Code::Internal),
                // One message, and no other behind it.
                Piece::Begin(_) if *whole > 0 => return Err(Code::Unimplemented),
                Piece::Begin(_) => {}
                Piece::Data(data) => {
                    for (to, &from) in message.iter_mut().skip(usize::from(*len)).zip(data) {
                        *to = from;
                        *len = len.saturating_add(1);
                    }
                }
                Piece::End => *whole = 1,
            }
        }
        if !end {
            return Ok(());
        }
        reader.finish().map_err(|error| error.code())?;
        if *whole == 0 {
            return Err(Code::Unimplemented);
        }
        let bytes = message.get(..usize::from(*len)).unwrap_or(&[]);
        let is_on = switch_request(bytes).map_err(|Malformed| Code::Internal)?;
        device.set_led(is_on);
        *self = Call::Answering { is_on, sent: 0 };
        Ok(())
    }

    fn head(&self) -> HeadAnswer<'static> {
        match *self {
            Call::Reading { .. } => HeadAnswer::NotYet,
            Call::Answering { .. } => {
                let head = ResponseHead { status: Status::OK, fields: trailers::HEAD };
                HeadAnswer::Final(head, BodyPlan::Streamed)
            }
            Call::Ended(code) => {
                let head = ResponseHead { status: Status::OK, fields: only(code) };
                HeadAnswer::Final(head, BodyPlan::Sized(0))
            }
            Call::Refused(status) => {
                HeadAnswer::Final(ResponseHead { status, fields: REFUSED }, BodyPlan::Sized(0))
            }
        }
    }

    fn fill(&mut self, out: &mut [u8]) -> Fill {
        let Call::Answering { is_on, sent } = self else {
            return if matches!(self, Call::Reading { .. }) { Fill::Abort } else { Fill::End(0) };
        };
        let mut message = [0; PREFIX_BYTES + 2];
        let message = switch_reply(*is_on, &mut message);
        let (len, is_all) = copy_from(message, usize::from(*sent), out);
        *sent = sent.saturating_add(len as u8);
        if is_all { Fill::End(len) } else { Fill::More(len) }
    }
}

const REFUSED: FieldBlock<'static> = field_lines!["Allow: POST", "Accept-Post: application/grpc"];

/// The head of a call that ends without a message.
const fn only(code: Code) -> FieldBlock<'static> {
    match code {
        Code::Unimplemented => field_lines![
            "Content-Type: application/grpc",
            "grpc-status: 12",
            "grpc-accept-encoding: identity"
        ],
        Code::ResourceExhausted => field_lines!["Content-Type: application/grpc", "grpc-status: 8"],
        Code::Internal => field_lines!["Content-Type: application/grpc", "grpc-status: 13"],
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => field_lines!["Content-Type: application/grpc", "grpc-status: 2"],
    }
}

/// `SwitchRequest`: whether the LED is to be on. The last of several values counts, and fields of later versions do not.
fn switch_request(message: &[u8]) -> Result<bool, Malformed> {
    let (mut fields, mut is_on) = (Fields::new(message), false);
    while let Some((number, value)) = fields.read()? {
        if let (1, Value::Varint(on)) = (number, value) {
            is_on = on != 0;
        }
    }
    Ok(is_on)
}

/// `SwitchReply` as it stands in the body. What is false is not written.
fn switch_reply(is_on: bool, out: &mut [u8; PREFIX_BYTES + 2]) -> &[u8] {
    let len = if is_on { 2 } else { 0 };
    let prefix = message_prefix(false, len);
    let bytes = prefix.into_iter().chain([1 << 3, 1]);
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = from;
    }
    out.get(..PREFIX_BYTES.saturating_add(len as usize)).unwrap_or(&[])
}

#[cfg(test)]
mod tests;
