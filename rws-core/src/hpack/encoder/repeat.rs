//! How the last block began: where the next one begins alike, those bytes are copied.
//!
//! Lines that change nothing in the table are the same bytes each time, as long as nobody else changes it. That is how
//! nearly all answers of one handler begin.

use super::BlockOut;
use crate::scan::copy_into;
use crate::{Capacity, SMALL};

/// Bytes that are kept: a status, a date and a few lines that are in the table. None on a board.
const BYTES: usize = if SMALL { 0 } else { 24 };
const DATE_BYTES: usize = if SMALL { 0 } else { 29 };

/// What tells beginnings apart. Lines that are constants of the program are known by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beginning {
    /// Where the lines stand, and how many bytes they are.
    place: (usize, usize),
    status: u16,
    date: [u8; DATE_BYTES],
}

impl Beginning {
    /// A response with `status`, these constant lines and this date.
    pub(crate) fn of(status: u16, lines: &[u8], date: Option<&[u8; 29]>) -> Option<Beginning> {
        let date = date.map_or(Some([0; DATE_BYTES]), |date| date.first_chunk().copied())?;
        Some(Beginning { place: (lines.as_ptr() as usize, lines.len()), status, date })
    }
}

/// The last beginning that was kept.
#[derive(Debug)]
pub(super) struct Repeat {
    beginning: Option<Beginning>,
    /// The table's state then.
    state: u32,
    len: u8,
    bytes: [u8; BYTES],
}

impl Repeat {
    pub(super) const NONE: Repeat = Repeat { beginning: None, state: 0, len: 0, bytes: [0; BYTES] };
}

impl<const NONE: bool> BlockOut<'_, NONE> {
    /// Begins the block as an earlier one that began alike. False, and nothing done, if none is known.
    ///
    /// # Errors
    /// [`Capacity::Bytes`] if there is no room; the block is lost then.
    pub(crate) fn repeat(&mut self, beginning: &Beginning) -> Result<bool, Capacity> {
        let repeat = &self.encoder.repeat;
        if SMALL || repeat.state != self.encoder.state || repeat.beginning.as_ref() != Some(beginning) {
            return Ok(false);
        }
        // A whole piece is copied at once where there is room for it; what is too much is written over.
        let rest = self.out.get_mut(self.at..).unwrap_or(&mut []);
        let len = usize::from(repeat.len);
        let written = match rest.first_chunk_mut() {
            Some(place) => {
                *place = repeat.bytes;
                Some(len)
            }
            None => None,
        };
        self.written(written)?;
        Ok(true)
    }

    /// Keeps all that the block has so far for one that begins alike, unless it has changed the table.
    pub(crate) fn keep(&mut self, beginning: Beginning) {
        let bytes = self.out.get(self.from..self.at).unwrap_or(&[]);
        let is_kept = !SMALL && self.encoder.state == self.state && bytes.len() <= BYTES;
        let Some(place) = self.encoder.repeat.bytes.get_mut(..bytes.len()).filter(|_| is_kept) else {
            return;
        };
        copy_into(place, bytes);
        let repeat = &mut self.encoder.repeat;
        (repeat.len, repeat.state, repeat.beginning) = (bytes.len() as u8, self.state, Some(beginning));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KnownName;
    use crate::compression::Pseudo;
    use crate::hpack::Encoder;
    use std::vec::Vec;

    static LINES: &[u8] = b"Content-Type: text/plain\r\n";
    const DATE: &[u8; 29] = b"Tue, 24 Nov 2026 13:00:00 GMT";

    /// A response head, and whether its beginning was a repeated one.
    fn head(encoder: &mut Encoder, memory: &mut [u8], date: &[u8; 29], tail: &[u8]) -> (Vec<u8>, bool) {
        let mut out = [0; 200];
        let mut block = encoder.begin(memory, &mut out);
        let beginning = Beginning::of(200, LINES, Some(date)).expect("a date");
        let is_repeated = block.repeat(&beginning).expect("room");
        if !is_repeated {
            block.pseudo(Pseudo::Status, b"200").expect("room");
            block.field(KnownName::ContentType.into(), b"text/plain", false).expect("room");
            block.field(KnownName::Date.into(), date, false).expect("room");
            block.keep(beginning);
        }
        block.field(KnownName::ContentLength.into(), tail, false).expect("room");
        let len = block.finish().expect("whole");
        (out[..len].to_vec(), is_repeated)
    }

    #[test]
    fn a_beginning_comes_again_as_it_was_until_the_table_changes() {
        let (mut encoder, mut memory) = (Encoder::new(), [0; 4096]);
        let mut plain = (Encoder::new(), [0; 4096]);
        let later = b"Tue, 24 Nov 2026 13:00:01 GMT";
        let mut repeated = Vec::new();
        for (date, tail) in [(DATE, "1"), (DATE, "22"), (DATE, "3"), (later, "4"), (later, "5"), (later, "6")]
        {
            let (block, is_repeated) = head(&mut encoder, &mut memory, date, tail.as_bytes());
            repeated.push(is_repeated);
            plain.0.repeat = Repeat::NONE;
            assert_eq!(block, head(&mut plain.0, &mut plain.1, date, tail.as_bytes()).0);
        }
        assert_eq!(repeated, [false, false, true, false, false, true], "the first of each changes the table");
        // Another line that goes into the table moves all others.
        let mut out = [0; 100];
        let mut block = encoder.begin(&mut memory, &mut out);
        block.field(KnownName::Server.into(), b"rws", false).expect("room");
        block.finish().expect("whole");
        assert!(!head(&mut encoder, &mut memory, later, b"7").1);
        assert!(head(&mut encoder, &mut memory, later, b"8").1);
        encoder.allow(100);
        assert!(!head(&mut encoder, &mut memory, later, b"9").1, "the table has another size");
    }

    #[test]
    fn a_block_that_was_lost_makes_the_next_begin_anew() {
        let (mut encoder, mut memory) = (Encoder::new(), [0; 4096]);
        for _ in 0..3 {
            head(&mut encoder, &mut memory, DATE, b"1");
        }
        let mut out = [0; 2];
        let mut block = encoder.begin(&mut memory, &mut out);
        let beginning = Beginning::of(200, LINES, Some(DATE)).expect("a date");
        assert_eq!(block.repeat(&beginning), Err(Capacity::Bytes));
        assert!(block.finish().is_err());
        let (block, is_repeated) = head(&mut encoder, &mut memory, DATE, b"1");
        assert!(!is_repeated && block[0] == 0x20, "the table was emptied");
    }
}
