//! The percent-encoding of `grpc-message`: visible ASCII and spaces stand for themselves, `%` and all other bytes are
//! written in hexadecimal.

/// Writes `text` to `out` as a value of `grpc-message`: as many whole characters as there is room for. Spaces at either
/// end are encoded too, since a field value has none there.
pub fn encode<'o>(text: &str, out: &'o mut [u8]) -> &'o [u8] {
    let mut used = 0_usize;
    let trimmed_start = text.len().saturating_sub(text.trim_start_matches(' ').len());
    let trimmed_end = text.trim_end_matches(' ').len();
    for (at, character) in text.char_indices() {
        let is_inside = at >= trimmed_start && at < trimmed_end;
        let mut utf8 = [0; 4];
        let bytes = character.encode_utf8(&mut utf8).as_bytes();
        let needed = bytes.iter().map(|&byte| if is_plain(byte, is_inside) { 1 } else { 3 }).sum::<usize>();
        let Some(room) = out.get_mut(used..).and_then(|rest| rest.get_mut(..needed)) else { break };
        let encoded = bytes.iter().flat_map(|&byte| encoded(byte, is_inside));
        for (place, byte) in room.iter_mut().zip(encoded) {
            *place = byte;
        }
        used = used.saturating_add(needed);
    }
    out.get(..used).unwrap_or(&[])
}

/// The bytes that a value of `grpc-message` stands for. A `%` without two hexadecimal digits behind it stands for itself:
/// a text that nobody can read exactly is better than none.
pub fn decode(value: &[u8]) -> Decode<'_> {
    Decode(value)
}

/// The bytes of a text; made by [`decode`].
#[derive(Clone, Copy, Debug)]
pub struct Decode<'v>(&'v [u8]);

impl Iterator for Decode<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if let [b'%', high, low, rest @ ..] = self.0
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            self.0 = rest;
            return Some(high << 4 | low);
        }
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len() / 3, Some(self.0.len()))
    }
}

const fn is_plain(byte: u8, is_inside: bool) -> bool {
    match byte {
        b' ' => is_inside,
        b'!'..=b'~' => byte != b'%',
        _ => false,
    }
}

fn encoded(byte: u8, is_inside: bool) -> impl Iterator<Item = u8> {
    let hex = |nibble: u8| {
        if nibble < 10 { b'0'.wrapping_add(nibble) } else { b'A'.wrapping_add(nibble.wrapping_sub(10)) }
    };
    let (escaped, len) = if is_plain(byte, is_inside) {
        ([byte, 0, 0], 1)
    } else {
        ([b'%', hex(byte >> 4), hex(byte & 15)], 3)
    };
    escaped.into_iter().take(len)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
        b'A'..=b'F' => Some(byte.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}
