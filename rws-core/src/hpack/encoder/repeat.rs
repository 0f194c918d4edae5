//! How the last block began: where the next one begins alike, those bytes are copied, or all of them if it tells the
//! same length.
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
    lines_at: usize,
    lines_len: u16,
    status: u16,
    date: [u8; DATE_BYTES],
}

impl Beginning {
    /// A response with `status`, these constant lines and this date.
    pub(crate) fn of(status: u16, lines: &[u8], date: Option<&[u8; 29]>) -> Option<Beginning> {
        let date = date.map_or(Some([0; DATE_BYTES]), |date| date.first_chunk().copied())?;
        let lines_len = u16::try_from(lines.len()).ok()?;
        Some(Beginning { lines_at: lines.as_ptr() as usize, lines_len, status, date })
    }
}

/// How much of a block was repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeated {
    /// Nothing.
    Nothing,
    /// What comes before the length.
    Beginning,
    /// All of it.
    Whole,
}

/// The last beginning that was kept.
#[derive(Debug)]
pub(super) struct Repeat {
    beginning: Beginning,
    /// The length that the block which it was kept of tells; [`NOTHING_TOLD`] if none.
    told: u64,
    /// The table's state then.
    state: u32,
    /// Bytes of it; 0 if there is none.
    len: u8,
    /// Bytes of the block that it was kept of; 0 if only the beginning was.
    whole_len: u8,
    bytes: [u8; BYTES],
}

const NOTHING_TOLD: u64 = u64::MAX;

impl Repeat {
    pub(super) const NONE: Repeat = Repeat {
        beginning: Beginning { lines_at: 0, lines_len: 0, status: 0, date: [0; DATE_BYTES] },
        told: NOTHING_TOLD,
        state: 0,
        len: 0,
        whole_len: 0,
        bytes: [0; BYTES],
    };

    /// Whether this is what was kept last.
    fn is_of(&self, beginning: &Beginning) -> bool {
        self.len > 0 && self.beginning == *beginning
    }
}

impl<const NONE: bool> BlockOut<'_, NONE> {
    /// Begins the block as an earlier one that began alike, and ends it like that if it tells the same length.
    ///
    /// # Errors
    /// [`Capacity::Bytes`] if there is no room; the block is lost then.
    pub(crate) fn repeat(&mut self, beginning: &Beginning, told: Option<u64>) -> Result<Repeated, Capacity> {
        let repeat = &self.encoder.repeat;
        if SMALL || repeat.state != self.encoder.state || !repeat.is_of(beginning) {
            return Ok(Repeated::Nothing);
        }
        let (len, repeated) = if repeat.whole_len > 0 && repeat.told == told.unwrap_or(NOTHING_TOLD) {
            (repeat.whole_len, Repeated::Whole)
        } else {
            (repeat.len, Repeated::Beginning)
        };
        // A whole piece is copied at once where there is room for it; what is too much is written over.
        let rest = self.out.get_mut(self.at..).unwrap_or(&mut []);
        let written = match rest.first_chunk_mut() {
            Some(place) => {
                *place = repeat.bytes;
                Some(usize::from(len))
            }
            None => None,
        };
        self.written(written)?;
        Ok(repeated)
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
        (repeat.len, repeat.state, repeat.beginning) = (bytes.len() as u8, self.state, beginning);
        repeat.whole_len = 0;
    }

    /// Keeps the block, which is whole but for its finish and tells this length, if its beginning was kept last.
    pub(crate) fn keep_whole(&mut self, beginning: &Beginning, told: Option<u64>) {
        let bytes = self.out.get(self.from..self.at).unwrap_or(&[]);
        let repeat = &mut self.encoder.repeat;
        let is_kept = !SMALL
            && self.encoder.state == self.state
            && repeat.state == self.state
            && repeat.is_of(beginning)
            && told != Some(NOTHING_TOLD);
        let Some(place) = repeat.bytes.get_mut(..bytes.len()).filter(|_| is_kept) else { return };
        copy_into(place, bytes);
        (repeat.whole_len, repeat.told) = (bytes.len() as u8, told.unwrap_or(NOTHING_TOLD));
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

    /// A response head, and how much of it was repeated.
    fn head(encoder: &mut Encoder, memory: &mut [u8], date: &[u8; 29], tail: &[u8]) -> (Vec<u8>, Repeated) {
        let mut out = [0; 200];
        let mut block = encoder.begin(memory, &mut out);
        let beginning = Beginning::of(200, LINES, Some(date)).expect("a date");
        let told = core::str::from_utf8(tail).ok().and_then(|tail| tail.parse().ok());
        let repeated = block.repeat(&beginning, told).expect("room");
        if repeated == Repeated::Nothing {
            block.pseudo(Pseudo::Status, b"200").expect("room");
            block.field(KnownName::ContentType.into(), b"text/plain", false).expect("room");
            block.field(KnownName::Date.into(), date, false).expect("room");
            block.keep(beginning);
        }
        if repeated != Repeated::Whole {
            block.field(KnownName::ContentLength.into(), tail, false).expect("room");
            block.keep_whole(&beginning, told);
        }
        let len = block.finish().expect("whole");
        (out[..len].to_vec(), repeated)
    }

    #[test]
    fn a_beginning_comes_again_as_it_was_until_the_table_changes() {
        let (mut encoder, mut memory) = (Encoder::new(), [0; 4096]);
        let mut plain = (Encoder::new(), [0; 4096]);
        let later = b"Tue, 24 Nov 2026 13:00:01 GMT";
        let mut repeated = Vec::new();
        let heads =
            [(DATE, "1"), (DATE, "22"), (DATE, "22"), (DATE, "3"), (later, "4"), (later, "5"), (later, "5")];
        for (date, tail) in heads {
            let (block, how) = head(&mut encoder, &mut memory, date, tail.as_bytes());
            repeated.push(how);
            plain.0.repeat = Repeat::NONE;
            assert_eq!(block, head(&mut plain.0, &mut plain.1, date, tail.as_bytes()).0);
        }
        use Repeated::{Beginning as Begun, Nothing, Whole};
        assert_eq!(
            repeated,
            [Nothing, Nothing, Whole, Begun, Nothing, Nothing, Whole],
            "the first of each date changes the table"
        );
        // Another line that goes into the table moves all others.
        let mut out = [0; 100];
        let mut block = encoder.begin(&mut memory, &mut out);
        block.field(KnownName::Server.into(), b"rws", false).expect("room");
        block.finish().expect("whole");
        assert_eq!(head(&mut encoder, &mut memory, later, b"7").1, Nothing);
        assert_eq!(head(&mut encoder, &mut memory, later, b"8").1, Begun);
        encoder.allow(100);
        assert_eq!(head(&mut encoder, &mut memory, later, b"8").1, Nothing, "the table has another size");
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
        assert_eq!(block.repeat(&beginning, None), Err(Capacity::Bytes));
        assert!(block.finish().is_err());
        let (block, repeated) = head(&mut encoder, &mut memory, DATE, b"1");
        assert!(repeated == Repeated::Nothing && block[0] == 0x20, "the table was emptied");
    }
}
