//! `POST /firmware`: an image streams through a sum; nothing of it is kept.
//!
//! The client announces the CRC-32 as eight hexadecimal digits, in `X-CRC32` or as `?crc32=…`. A trailer
//! would be the natural place for a client that streams, but services are not shown request trailers.

use rws_core::Status;
use rws_core::message::RequestHead;

use crate::answer::Answer;
use crate::crc32::Crc32;
use crate::device::{Device, Firmware};
use crate::text::parse_hex;

/// An image on its way in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Upload {
    announced: u32,
    length: u32,
    sum: Crc32,
}

/// The image that is to come, or the answer if none is.
pub(crate) fn begin(device: &Device, head: &RequestHead<'_>) -> Result<Upload, Answer> {
    let Some(announced) = announced(head) else {
        return Err(Answer::text(
            Status::BAD_REQUEST,
            "say the image's CRC-32 in X-CRC32 or as ?crc32=, in hexadecimal\n",
        ));
    };
    let upload = Upload { announced, length: 0, sum: Crc32::new() };
    if head.body().follows() { Ok(upload) } else { Err(upload.finish(device)) }
}

/// The sum that the client announces, said once.
fn announced(head: &RequestHead<'_>) -> Option<u32> {
    const FIELD: &str = "X-CRC32";
    if head.fields().has(FIELD) {
        return parse_hex(head.fields().single(FIELD)?);
    }
    let mut pairs = head.query()?.split(|&byte| byte == b'&').filter_map(|pair| pair.strip_prefix(b"crc32="));
    let digits = pairs.next()?;
    if pairs.next().is_some() { None } else { parse_hex(digits) }
}

impl Upload {
    /// A piece of the image; the answer once it is whole.
    pub(crate) fn take(&mut self, device: &Device, chunk: &[u8], end: bool) -> Option<Answer> {
        self.sum = self.sum.with(chunk);
        // The layers' limit is far below what a u32 counts.
        self.length = self.length.saturating_add(chunk.len() as u32);
        end.then(|| self.finish(device))
    }

    fn finish(&self, device: &Device) -> Answer {
        let got = Firmware { length: self.length, crc32: self.sum.value() };
        let is_right = got.length > 0 && got.crc32 == self.announced;
        if is_right {
            device.install(got);
        }
        device.count(|counts| {
            let place = if is_right { &mut counts.uploads_taken } else { &mut counts.uploads_refused };
            *place = place.wrapping_add(1);
        });
        Answer::upload(got, is_right)
    }
}
