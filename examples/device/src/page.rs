//! `GET /index.html`: a page from flash, plain or gzipped, with a tag for those who have it already.
//!
//! The gzipped form is checked in, made by `gzip -9 -n`; a test sees to it that it is the same page.

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{Field, FieldBlock, RequestHead, ResponseHead, Span};
use rws_core::semantics::accept_encoding::{Coding, choose};
use rws_core::semantics::conditional::{Validators, Verdict, evaluate};
use rws_core::semantics::etag::EntityTag;
use rws_core::{KnownName, Status};

use crate::answer::Answer;
use crate::crc32::Crc32;
use crate::text::{copy_from, hex};

/// The page in one of its forms, and how much of it has gone out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    form: &'static Form,
    is_known: bool,
    sent: u16,
}

/// One form of the page, with its fields: tag, what it depends on, how long it may be kept, type, coding.
#[derive(Debug)]
struct Form {
    bytes: &'static [u8],
    arena: [u8; ARENA_BYTES],
    fields: [Field; 5],
    fields_count: usize,
}

static PLAIN: Form = Form::new(include_bytes!("../page/index.html"), 4);
static GZIPPED: Form = Form::new(include_bytes!("../page/index.html.gz"), 5);

const _: () = assert!(PLAIN.bytes.len() <= u16::MAX as usize && GZIPPED.bytes.len() < PLAIN.bytes.len());

/// The field values, the tag's digits left out.
const VALUES: &[u8; ARENA_BYTES] = b"\"________\"Accept-Encodingno-cachetext/html; charset=utf-8gzip";
const ARENA_BYTES: usize = 10 + 15 + 8 + 24 + 4;

impl Form {
    #[expect(clippy::indexing_slicing, reason = "runs at compile time, where a panic is the error message")]
    const fn new(bytes: &'static [u8], fields_count: usize) -> Form {
        let digits = hex(Crc32::new().with(bytes).value());
        let (mut arena, mut at) = (*VALUES, 0);
        while at < digits.len() {
            arena[1 + at] = digits[at];
            at += 1;
        }
        let fields = [
            Field::known(KnownName::Etag, Span { at: 0, len: 10 }),
            Field::known(KnownName::Vary, Span { at: 10, len: 15 }),
            Field::known(KnownName::CacheControl, Span { at: 25, len: 8 }),
            Field::known(KnownName::ContentType, Span { at: 33, len: 24 }),
            Field::known(KnownName::ContentEncoding, Span { at: 57, len: 4 }),
        ];
        Form { bytes, arena, fields, fields_count }
    }

    /// The first `count` fields.
    fn fields(&'static self, count: usize) -> FieldBlock<'static> {
        FieldBlock::new(&self.arena, self.fields.get(..count).unwrap_or(&[]))
    }

    fn tag(&self) -> EntityTag<'_> {
        EntityTag { weak: false, opaque: self.arena.get(1..9).unwrap_or(&[]) }
    }
}

/// What goes into a 304 as well (RFC 9110 §15.4.5).
const NOT_MODIFIED_FIELDS: usize = 3;

impl Page {
    pub(crate) fn begin(head: &RequestHead<'_>) -> Result<Page, Answer> {
        let form = match choose(head.fields(), &[Coding::Gzip, Coding::Identity]) {
            Some(Coding::Gzip) => &GZIPPED,
            // Who refuses every form gets the plain one (RFC 9110 §12.5.3).
            Some(Coding::Identity | Coding::Brotli) | None => &PLAIN,
        };
        let validators = Validators { exists: true, tag: Some(form.tag()), modified: None };
        match evaluate(head.method(), head.fields(), &validators, None) {
            Verdict::Proceed => Ok(Page { form, is_known: false, sent: 0 }),
            Verdict::NotModified => Ok(Page { form, is_known: true, sent: 0 }),
            Verdict::PreconditionFailed => {
                Err(Answer::text(Status::PRECONDITION_FAILED, "this is another version of the page\n"))
            }
        }
    }

    pub(crate) fn head(&self) -> HeadAnswer<'static> {
        let (status, fields, plan) = if self.is_known {
            (Status::NOT_MODIFIED, NOT_MODIFIED_FIELDS, BodyPlan::None)
        } else {
            (Status::OK, self.form.fields_count, BodyPlan::Sized(self.form.bytes.len() as u64))
        };
        HeadAnswer::Final(ResponseHead { status, fields: self.form.fields(fields) }, plan)
    }

    pub(crate) fn fill(&mut self, out: &mut [u8]) -> Fill {
        let (len, is_all) = copy_from(self.form.bytes, usize::from(self.sent), out);
        self.sent = self.sent.saturating_add(len as u16);
        if is_all { Fill::End(len) } else { Fill::More(len) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_gzipped_form_is_the_page() {
        let mut page = std::vec::Vec::new();
        flate2::read::GzDecoder::new(GZIPPED.bytes).read_to_end(&mut page).expect("gzip");
        assert!(page == PLAIN.bytes, "make page/index.html.gz anew: gzip -9nk page/index.html");
    }

    #[test]
    fn each_form_has_a_tag_of_its_own_bytes() {
        let tag = |form: &Form| std::string::String::from_utf8(form.tag().opaque.to_vec()).expect("digits");
        assert_eq!(tag(&PLAIN), std::format!("{:08x}", crc32fast::hash(PLAIN.bytes)));
        assert_eq!(tag(&GZIPPED), std::format!("{:08x}", crc32fast::hash(GZIPPED.bytes)));
        let lines: std::vec::Vec<_> = GZIPPED.fields(5).iter().map(|(_, value)| value.to_vec()).collect();
        let want: [&[u8]; 4] = [b"Accept-Encoding", b"no-cache", b"text/html; charset=utf-8", b"gzip"];
        assert_eq!(lines[1..], want);
    }
}
