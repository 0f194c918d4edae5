//! Padding (RFC 9113 §6.1): a length in front, and as many bytes behind.

use super::FrameHeader;
use super::flags::PADDED;
use crate::h2::Fault;

/// How a payload with padding is divided.
#[derive(Clone, Copy)]
pub(super) struct Divided {
    /// Bytes before the content: the pad length, and what is fixed.
    pub(super) start: u8,
    /// Bytes of content.
    pub(super) content: u32,
    /// Bytes of padding behind it.
    pub(super) padding: u8,
}

/// Divides the payload of `header`, whose first bytes are `payload` and which has `fixed` bytes between pad length and
/// content; `None` if those have not all come.
///
/// # Errors
/// Padding that is longer than its place (RFC 9113 §6.1, §6.2, §6.6).
pub(super) fn divide(header: FrameHeader, fixed: u8, payload: &[u8]) -> Result<Option<Divided>, Fault> {
    let is_padded = header.has(PADDED);
    let start = fixed.wrapping_add(u8::from(is_padded));
    if payload.len() < usize::from(start) {
        // A length that cannot hold its fixed part is no reason to wait: see `FrameHeader::check`.
        return if header.length < u32::from(start) { Err(Fault::FRAME_SIZE) } else { Ok(None) };
    }
    let padding = if is_padded { payload.first().copied().unwrap_or(0) } else { 0 };
    let content = header.length.checked_sub(u32::from(start)).ok_or(Fault::FRAME_SIZE)?;
    let content = content.checked_sub(u32::from(padding)).ok_or(Fault::PROTOCOL)?;
    Ok(Some(Divided { start, content, padding }))
}
