//! Canonical paths: one decoding, in one place. The decisions stand in the head of [`target`](super::target).

use crate::scan::{KEPT, SEGMENT, as_text, find, rfind};
use crate::{Capacity, PeerFault};

/// Canonicalises `raw`, a path as sent, beginning with a slash. `None`: it is canonical as it stands.
/// Otherwise its canonical form is at the start of `out`, this long.
///
/// # Errors
/// [`PeerFault::TargetSyntax`] or [`PeerFault::TargetAmbiguous`]; [`PeerFault::TargetTooLong`] if `out` is
/// shorter than what must be written, which is never longer than `raw`.
pub(super) fn canonicalise(raw: &[u8], out: &mut [u8]) -> Result<Option<usize>, PeerFault> {
    if is_canonical(raw) {
        return Ok(None);
    }
    let [b'/', rest @ ..] = raw else { return Err(PeerFault::TargetSyntax) };
    let (mut writer, mut rest) = (Writer { out, len: 0 }, rest);
    writer.push(b'/')?;
    loop {
        let len = find(b'/', rest).unwrap_or(rest.len());
        let (segment, behind) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        match segment {
            [] if behind.is_empty() => {}
            [] => return Err(PeerFault::TargetAmbiguous),
            b"." => {}
            b".." => writer.pop_segment()?,
            _ => {
                decode_segment(segment, &mut writer)?;
                if !behind.is_empty() {
                    writer.push(b'/')?;
                }
            }
        }
        let [_, more @ ..] = behind else { return Ok(Some(writer.len)) };
        rest = more;
    }
}

/// Whether nothing in the path needs a closer look. May say no of a path that is canonical.
fn is_canonical(raw: &[u8]) -> bool {
    let mut after_slash = false;
    for &byte in raw {
        if byte == b'/' {
            if after_slash {
                return false;
            }
            after_slash = true;
        } else if !SEGMENT.contains(byte) || (after_slash && byte == b'.') {
            return false;
        } else {
            after_slash = false;
        }
    }
    raw.first() == Some(&b'/')
}

struct Writer<'o> {
    out: &'o mut [u8],
    len: usize,
}

impl Writer<'_> {
    fn push(&mut self, byte: u8) -> Result<(), PeerFault> {
        *self.out.get_mut(self.len).ok_or(PeerFault::TargetTooLong)? = byte;
        self.len = self.len.saturating_add(1);
        Ok(())
    }

    fn since(&self, from: usize) -> &[u8] {
        self.out.get(from..self.len).unwrap_or(&[])
    }

    /// Takes the last segment back: `/a/b/` becomes `/a/`. Each byte is taken back at most once, so that a
    /// path costs linear time whatever its `..` segments.
    fn pop_segment(&mut self) -> Result<(), PeerFault> {
        let parent = self.since(0).split_last().and_then(|(_, parent)| rfind(b'/', parent));
        self.len = parent.ok_or(PeerFault::TargetAmbiguous)?.saturating_add(1);
        Ok(())
    }
}

/// Decodes one segment, which has no slash and is no plain dot segment.
fn decode_segment(segment: &[u8], writer: &mut Writer<'_>) -> Result<(), PeerFault> {
    let from = writer.len;
    let mut rest = segment;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        let byte = match byte {
            b'%' => {
                let [high, low, tail @ ..] = rest else { return Err(PeerFault::TargetSyntax) };
                rest = tail;
                decoded(*high, *low)?
            }
            b'\\' => return Err(PeerFault::TargetAmbiguous),
            b';' => b';',
            &byte if SEGMENT.contains(byte) => byte,
            _ => return Err(PeerFault::TargetSyntax),
        };
        writer.push(byte)?;
    }
    let decoded = writer.since(from);
    if is_dotted(decoded) || decodes_again(decoded) || as_text(decoded).is_none() {
        return Err(PeerFault::TargetAmbiguous);
    }
    Ok(())
}

/// The byte that `%` and two digits stand for, if a path may have it.
fn decoded(high: u8, low: u8) -> Result<u8, PeerFault> {
    let (Some(high), Some(low)) = (hex_digit(high), hex_digit(low)) else {
        return Err(PeerFault::TargetSyntax);
    };
    match (high << 4) | low {
        b'/' | b'\\' | 0x7f => Err(PeerFault::TargetAmbiguous),
        byte if byte < b' ' => Err(PeerFault::TargetAmbiguous),
        byte => Ok(byte),
    }
}

pub(crate) const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'A'..=b'F' => Some(byte.wrapping_sub(b'A').wrapping_add(10)),
        b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    }
}

/// Whether a decoded segment is a dot segment, or would be one (or empty) without its parameters.
fn is_dotted(segment: &[u8]) -> bool {
    matches!(segment, [b';', ..] | b"." | b".." | [b'.', b';', ..] | [b'.', b'.', b';', ..])
}

fn decodes_again(segment: &[u8]) -> bool {
    segment.windows(3).any(|window| {
        matches!(window, [b'%', high, low] if hex_digit(*high).is_some() && hex_digit(*low).is_some())
    })
}

/// Whether [`encode_path`] would write this path as it is.
pub fn is_encoded_path(path: &str) -> bool {
    path.bytes().all(|byte| KEPT.contains(byte))
}

/// Writes a canonical path for the wire: what [`parse_target`](super::parse_target) reads back as `path`.
/// Says how many bytes of `out` it used, at most three for each byte of `path`.
///
/// `;` is escaped, so that an upstream which cuts parameters off sees the path that was authorised.
///
/// # Errors
/// [`Capacity::Bytes`] if `out` is too short.
pub fn encode_path(path: &str, out: &mut [u8]) -> Result<usize, Capacity> {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    let mut at = 0usize;
    for &byte in path.as_bytes() {
        if KEPT.contains(byte) {
            *out.get_mut(at).ok_or(Capacity::Bytes)? = byte;
            at = at.saturating_add(1);
            continue;
        }
        let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
        let escape = [b'%', digit(byte >> 4), digit(byte & 15)];
        out.get_mut(at..)
            .and_then(|rest| rest.first_chunk_mut())
            .map(|room| *room = escape)
            .ok_or(Capacity::Bytes)?;
        at = at.saturating_add(3);
    }
    Ok(at)
}
