//! The `traceparent` field of W3C Trace Context (level 1, §3.2).
//!
//! ```text
//!   traceparent   = version "-" version-format          55 bytes in version 00
//!   00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
//!      └── trace id: 16 bytes ──────────┘ └ parent id: 8 ┘ └ flags: bit 0 is "sampled"
//! ```

/// Bytes of a `traceparent` of version 00.
pub(super) const TRACEPARENT_BYTES: usize = 55;

/// What of a `traceparent` goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    /// 32 lower-case hexadecimal digits.
    pub(super) id: [u8; 32],
    pub(super) is_sampled: bool,
}

impl Trace {
    /// Reads a `traceparent`; `None` if it is malformed, and then it says nothing at all.
    ///
    /// A higher version is read like 00, and may have more behind another dash; version ff is none.
    pub(super) fn parse(value: &[u8]) -> Option<Trace> {
        let (fixed, more) = value.split_at_checked(TRACEPARENT_BYTES)?;
        let (version, rest) = fixed.split_first_chunk::<2>()?;
        let (id, rest) = rest.strip_prefix(b"-")?.split_first_chunk::<32>()?;
        let (parent, rest) = rest.strip_prefix(b"-")?.split_first_chunk::<16>()?;
        let flags = rest.strip_prefix(b"-")?;
        let all_hex = [&version[..], &id[..], &parent[..], flags].iter().all(|part| part.iter().all(is_hex));
        let is_zero = |part: &[u8]| part.iter().all(|&digit| digit == b'0');
        let is_ended = more.is_empty() || (version != b"00" && more.starts_with(b"-"));
        if !all_hex || !is_ended || version == b"ff" || is_zero(id) || is_zero(parent) {
            return None;
        }
        let is_sampled = flags.last().is_some_and(|&digit| nibble(digit) & 1 == 1);
        Some(Trace { id: *id, is_sampled })
    }

    /// A new trace.
    pub(super) fn new(random: [u8; 16]) -> Trace {
        let mut id = [b'0'; 32];
        write_hex(&not_zero(random), &mut id);
        Trace { id, is_sampled: false }
    }

    /// The field for a span of ours.
    pub(super) fn with_span(&self, random: [u8; 8]) -> [u8; TRACEPARENT_BYTES] {
        let mut field = *b"00-00000000000000000000000000000000-0000000000000000-00";
        let (_, rest) = field.split_at_mut(3);
        if let Some((id, rest)) = rest.split_first_chunk_mut::<32>() {
            *id = self.id;
            if let Some((span, flags)) = rest.get_mut(1..).and_then(|rest| rest.split_at_mut_checked(16)) {
                write_hex(&not_zero(random), span);
                if let (Some(flag), true) = (flags.last_mut(), self.is_sampled) {
                    *flag = b'1';
                }
            }
        }
        field
    }
}

/// Lower-case hexadecimal digits, two for each byte.
pub(super) fn write_hex(bytes: &[u8], out: &mut [u8]) {
    for (pair, byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 0x0f)];
    }
}

const fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0'.wrapping_add(nibble) } else { b'a'.wrapping_sub(10).wrapping_add(nibble) }
}

const fn nibble(digit: u8) -> u8 {
    if digit.is_ascii_digit() { digit.wrapping_sub(b'0') } else { digit.wrapping_sub(b'a').wrapping_add(10) }
}

const fn is_hex(byte: &u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// An id of zeros only would be none.
fn not_zero<const N: usize>(mut random: [u8; N]) -> [u8; N] {
    if let (true, Some(last)) = (random.iter().all(|&byte| byte == 0), random.last_mut()) {
        *last = 1;
    }
    random
}

#[cfg(test)]
mod tests;
