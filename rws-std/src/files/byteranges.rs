//! Several ranges in one answer: `multipart/byteranges` (RFC 9110 §14.6).
//!
//! ```text
//!   --boundary CRLF Content-Type CRLF Content-Range CRLF CRLF │ run │ CRLF --boundary … │ run │ CRLF --boundary-- CRLF
//! ```

use alloc::sync::Arc;
use core::hash::{BuildHasher, Hasher};
use std::hash::RandomState;

use rws_core::semantics::range::{ByteRange, CONTENT_RANGE_BYTES_MAX, content_range};

use super::OpenFile;
use super::body::{FileRun, Segment};

/// A boundary that no file can have been written to contain: 128 random bits.
pub(super) fn boundary() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

/// The segments for `ranges`, each inside the file and not empty.
pub(super) fn segments(
    file: &Arc<OpenFile>,
    content_type: &[u8],
    boundary: &str,
    ranges: &[ByteRange],
) -> Box<[Segment]> {
    let mut segments = Vec::new();
    let mut before = "";
    for range in ranges {
        let mut room = [0; CONTENT_RANGE_BYTES_MAX];
        let place = content_range(Some(*range), file.len(), &mut room);
        let head = [
            before.as_bytes(),
            b"--",
            boundary.as_bytes(),
            b"\r\nContent-Type: ",
            content_type,
            b"\r\nContent-Range: ",
            place,
            b"\r\n\r\n",
        ];
        segments.push(Segment::Inline(head.concat().into()));
        segments.push(Segment::Run(FileRun { file: Arc::clone(file), offset: range.from, len: range.len() }));
        before = "\r\n";
    }
    segments.push(Segment::Inline(format!("\r\n--{boundary}--\r\n").into_bytes().into()));
    segments.into()
}
