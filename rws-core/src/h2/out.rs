//! A lent buffer that is filled with frames from the front.

use super::frame::{Continuation, FrameHeader, Headers};
use crate::scan::{copy_into, move_within};

/// A lent buffer and how much of it is written.
#[derive(Debug)]
pub(super) struct Out<'a> {
    bytes: &'a mut [u8],
    len: usize,
}

impl<'a> Out<'a> {
    pub(super) const fn new(bytes: &'a mut [u8]) -> Out<'a> {
        Out { bytes, len: 0 }
    }

    /// Bytes written.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Bytes that still fit.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn room(&self) -> usize {
        self.bytes.len().saturating_sub(self.len)
    }

    /// Writes `bytes`, if they fit.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn put(&mut self, bytes: &[u8]) -> bool {
        let end = self.len.wrapping_add(bytes.len());
        let Some(slot) = self.bytes.get_mut(self.len..end) else { return false };
        copy_into(slot, bytes);
        self.len = end;
        true
    }

    /// The place of a payload of at most `most` bytes, behind the header that it will get.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn payload(&mut self, most: usize) -> &mut [u8] {
        let from = self.len.saturating_add(FrameHeader::BYTES);
        let rest = self.bytes.get_mut(from..).unwrap_or(&mut []);
        let most = most.min(rest.len());
        rest.get_mut(..most).unwrap_or(&mut [])
    }

    /// Writes the header of a frame whose payload has been put in [`Out::payload`].
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(super) fn frame(&mut self, header: FrameHeader) {
        let end = self.len.saturating_add(FrameHeader::BYTES);
        if let Some(slot) = self.bytes.get_mut(self.len..end) {
            copy_into(slot, &header.bytes());
        }
        self.len = end.saturating_add(header.length as usize).min(self.bytes.len());
    }

    /// Writes the start of a PUSH_PROMISE whose block of `len` bytes has been put behind it.
    pub(super) fn promise(&mut self, start: &[u8], len: usize) {
        self.put(start);
        self.len = self.len.saturating_add(len).min(self.bytes.len());
    }

    /// Writes the header of a HEADERS frame whose block of `len` bytes has been put in [`Out::payload`], and those of
    /// CONTINUATION frames where one frame of at most `most` bytes does not hold it: they move what comes after them
    /// up, for which there is room.
    pub(super) fn block(&mut self, stream: u32, ends: bool, len: usize, most: usize) {
        let most = most.max(1);
        let mut piece = len.min(most);
        let mut left = len.saturating_sub(piece);
        self.frame(Headers::header(stream, piece as u32, ends, left == 0));
        while left > 0 {
            let end = self.len.saturating_add(left);
            move_within(self.bytes, self.len..end, self.len.saturating_add(FrameHeader::BYTES));
            piece = left.min(most);
            left = left.saturating_sub(piece);
            self.frame(Continuation::header(stream, piece as u32, left == 0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h2::frame::FrameKind;

    #[test]
    fn a_long_block_goes_on_in_continuations() {
        for len in 1..40 {
            let mut bytes = [0; 200];
            let mut out = Out::new(&mut bytes);
            for (at, slot) in out.payload(len).iter_mut().enumerate() {
                *slot = at as u8;
            }
            out.block(5, false, len, 10);
            let written = out.len();
            let (mut at, mut next) = (0, 0);
            while at < written {
                let header = FrameHeader::read(&bytes[at..]).unwrap();
                let kind = if at == 0 { FrameKind::Headers } else { FrameKind::Continuation };
                assert_eq!((header.kind, header.stream), (kind, 5));
                at += FrameHeader::BYTES;
                for &byte in &bytes[at..at + header.length as usize] {
                    assert_eq!(usize::from(byte), next);
                    next += 1;
                }
                at += header.length as usize;
                assert_eq!(header.has(crate::h2::frame::flags::END_HEADERS), at == written);
            }
            assert_eq!(next, len);
        }
    }

    #[test]
    fn what_does_not_fit_is_not_begun() {
        let mut bytes = [0; 4];
        let mut out = Out::new(&mut bytes);
        assert!(out.put(b"abc") && !out.put(b"de"));
        assert_eq!((out.len(), out.room()), (3, 1));
        assert!(out.payload(10).is_empty());
    }
}
