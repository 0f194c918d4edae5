//! The fields of an answer, rendered once per file.
//!
//! ```text
//!   Accept-Ranges  Content-Type  Content-Encoding?  │ ETag  Cache-Control?  Last-Modified?  │ Vary
//!   └──────────────── 200 and 206 ─────────────────────────────────────────────────────────────┘
//!                                                   └── 304 (RFC 9110 §15.4.5) ───────────────┘
//! ```
//!
//! `Vary` stands last, so that a file without pre-compressed siblings leaves it out by a shorter slice.

use rws_core::UnixTime;
use rws_core::message::{FieldBlock, KnownName, OwnedFields};

/// Everything that the head of a file's answer can say, decided when the file was opened.
#[derive(Debug)]
pub(super) struct PreparedHead {
    fields: OwnedFields,
    /// Where the fields of a 304 begin.
    validators_at: usize,
    #[expect(dead_code, reason = "conditions come with the core's semantics")]
    etag: Box<[u8]>,
    #[expect(dead_code, reason = "conditions come with the core's semantics")]
    last_modified: Option<UnixTime>,
}

/// What a prepared head is made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadParts<'p> {
    pub(super) content_type: &'p str,
    pub(super) content_encoding: Option<&'p str>,
    pub(super) cache_control: Option<&'p str>,
    pub(super) etag: &'p [u8],
    /// The time and its IMF-fixdate.
    pub(super) last_modified: Option<(UnixTime, [u8; 29])>,
}

impl PreparedHead {
    pub(super) fn new(parts: &HeadParts<'_>) -> PreparedHead {
        let mut fields = OwnedFields::new();
        put(&mut fields, KnownName::AcceptRanges, b"bytes");
        put(&mut fields, KnownName::ContentType, parts.content_type.as_bytes());
        if let Some(coding) = parts.content_encoding {
            put(&mut fields, KnownName::ContentEncoding, coding.as_bytes());
        }
        let validators_at = fields.block().len();
        put(&mut fields, KnownName::Etag, parts.etag);
        if let Some(cache_control) = parts.cache_control {
            put(&mut fields, KnownName::CacheControl, cache_control.as_bytes());
        }
        if let Some((_, date)) = &parts.last_modified {
            put(&mut fields, KnownName::LastModified, date);
        }
        put(&mut fields, KnownName::Vary, b"Accept-Encoding");
        PreparedHead {
            fields,
            validators_at,
            etag: parts.etag.into(),
            last_modified: parts.last_modified.map(|(time, _)| time),
        }
    }

    /// The fields of a 200.
    pub(super) fn whole(&self, vary: bool) -> FieldBlock<'_> {
        self.slice(0, vary)
    }

    /// The fields of a 304.
    pub(super) fn validators(&self, vary: bool) -> FieldBlock<'_> {
        self.slice(self.validators_at, vary)
    }

    fn slice(&self, from: usize, vary: bool) -> FieldBlock<'_> {
        let (arena, index) = self.fields.block().parts();
        let to = index.len() - usize::from(!vary);
        FieldBlock::new(arena, index.get(from..to).unwrap_or(&[]))
    }
}

/// Adds a field whose value this module's callers made or checked themselves.
pub(super) fn put(fields: &mut OwnedFields, name: KnownName, value: &[u8]) {
    let pushed = fields.push(name, value);
    debug_assert!(pushed.is_ok(), "{} is no field value", String::from_utf8_lossy(value));
}
