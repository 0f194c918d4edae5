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
use rws_core::semantics::conditional::Validators;
use rws_core::semantics::date;
use rws_core::semantics::etag::FileTag;

/// Everything that the head of a file's answer can say, decided when the file was opened.
#[derive(Debug)]
pub(super) struct PreparedHead {
    fields: OwnedFields,
    /// Where the fields of a 304 begin.
    validators_at: usize,
    tag: FileTag,
    last_modified: Option<UnixTime>,
}

/// What a prepared head is made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadParts<'p> {
    pub(super) content_type: &'p str,
    pub(super) content_encoding: Option<&'p str>,
    pub(super) cache_control: Option<&'p str>,
    pub(super) tag: FileTag,
    pub(super) last_modified: Option<UnixTime>,
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
        put(&mut fields, KnownName::Etag, parts.tag.as_bytes());
        if let Some(cache_control) = parts.cache_control {
            put(&mut fields, KnownName::CacheControl, cache_control.as_bytes());
        }
        if let Some(time) = parts.last_modified {
            let mut date = [0; 29];
            date::format(time, &mut date);
            put(&mut fields, KnownName::LastModified, &date);
        }
        put(&mut fields, KnownName::Vary, b"Accept-Encoding");
        PreparedHead { fields, validators_at, tag: parts.tag, last_modified: parts.last_modified }
    }

    /// The fields of a 200.
    pub(super) fn whole(&self, vary: bool) -> FieldBlock<'_> {
        self.slice(0, vary)
    }

    /// The fields of a 304.
    pub(super) fn validators(&self, vary: bool) -> FieldBlock<'_> {
        self.slice(self.validators_at, vary)
    }

    /// What conditions are compared with.
    pub(super) fn validators_of(&self) -> Validators<'_> {
        Validators { exists: true, tag: Some(self.tag.tag()), modified: self.last_modified }
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
