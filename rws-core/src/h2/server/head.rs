//! Field blocks of a client: request heads and trailer sections.

use crate::Env;
use crate::connection::TrailerSpans;
use crate::h2::ErrorCode;
use crate::h2::head::{Lines, ParsedRequest, Refusal};
use crate::h2::machine::Machine;
use crate::h2::memory::Lent;
use crate::message::Scratch;

/// A request head; what is wrong with it costs its stream.
///
/// # Errors
/// What costs the connection.
pub(super) fn request(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    end_stream: bool,
    block: &[u8],
    scratch: &mut Scratch<'_>,
) -> Result<Result<ParsedRequest, Refusal>, ErrorCode> {
    let mut lines = Lines::of_request(scratch.fields, env.limits);
    let used = machine.decode(env.limits, lent, block, scratch.bytes, &mut lines)?;
    let connect_protocol = machine.ours.connect_protocol;
    Ok(lines.request(scratch.bytes, used, end_stream, connect_protocol, env.limits))
}

/// A trailer section, as [`request`].
///
/// # Errors
/// What costs the connection.
pub(super) fn trailers(
    machine: &mut Machine,
    env: &Env<'_>,
    lent: &mut Lent<'_>,
    block: &[u8],
    scratch: &mut Scratch<'_>,
) -> Result<Result<TrailerSpans, Refusal>, ErrorCode> {
    let mut lines = Lines::of_trailers(scratch.fields, env.limits);
    let used = machine.decode(env.limits, lent, block, scratch.bytes, &mut lines)?;
    Ok(lines.trailers(used))
}
