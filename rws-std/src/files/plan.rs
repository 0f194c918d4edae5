//! What is answered: the status, the fields and the body, as a plan that the connection carries out.
//!
//! ```text
//!   method ──▶ 405, 204 (OPTIONS)
//!   resource ──▶ redirect 301 │ listing 200 │ file:
//!                coding (Accept-Encoding) ──▶ conditions ──▶ 304, 412
//!                                         ──▶ range (GET) ──▶ 206, 416
//!                                         ──▶ 200
//! ```

use alloc::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rws_core::UnixTime;
use rws_core::connection::BodyPlan;
use rws_core::message::{
    Field, FieldBlock, KnownName, Method, OwnedFields, ResponseHead, Span, Status, is_field_value,
};
use rws_core::semantics::accept_encoding::{self, Coding};
use rws_core::semantics::conditional::{self, Verdict};
use rws_core::semantics::range::{self, ByteRange, Selection};
use rws_core::service::WholeAnswer;

use super::body::{Content, FileBody, FileRun};
use super::head::put;
use super::listing::reference;
use super::resolve::{FileSet, Resource};
use super::root::Refusal;
use super::{OpenFile, byteranges};

/// What a plan is made for.
#[derive(Clone, Copy, Debug)]
pub struct FileRequest<'r> {
    /// The method.
    pub method: Method,
    /// The canonical path below the place where the files are mounted: `/` and what follows.
    pub path: &'r str,
    /// The query as sent, without its `?`: a redirect keeps it.
    pub query: Option<&'r [u8]>,
    /// The fields.
    pub fields: FieldBlock<'r>,
}

/// An answer: owns all that it needs, and shares a file's content and fields with the cache.
#[derive(Debug)]
pub struct FilePlan {
    status: Status,
    fields: PlanFields,
    body: FileBody,
}

const TEXT: &[u8] = b"text/plain; charset=utf-8";
const TEXT_FIELDS: &[Field] = &[Field::known(KnownName::ContentType, Span { at: 0, len: 25 })];
const _: () = assert!(TEXT.len() == 25);

#[derive(Debug)]
enum PlanFields {
    /// Those of a 200, as prepared for the file that the body is a run of.
    Whole { vary: bool },
    /// Those of a 304, as prepared.
    Validators { file: Arc<OpenFile>, vary: bool },
    /// Made for this answer.
    Owned(OwnedFields),
    /// Those of a short text.
    Text,
}

impl FilePlan {
    /// The answer at the place where a directory is mounted, asked for without its slash: a redirect to the
    /// URI with one, so that relative links in its page lead where they should.
    pub fn to_directory(request: &FileRequest<'_>) -> FilePlan {
        of_method(request.method).unwrap_or_else(|| redirect(request))
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The fields, without those that the engine writes itself (`Content-Length`, `Date`, `Connection`).
    pub fn fields(&self) -> FieldBlock<'_> {
        match &self.fields {
            PlanFields::Whole { vary } => match self.body.content() {
                Content::Run(run) => run.file.head().whole(*vary),
                Content::Empty | Content::Text(_) | Content::Shared(_) | Content::Segments(_) => {
                    FieldBlock::EMPTY
                }
            },
            PlanFields::Validators { file, vary } => file.head().validators(*vary),
            PlanFields::Owned(fields) => fields.block(),
            PlanFields::Text => FieldBlock::new(TEXT, TEXT_FIELDS),
        }
    }

    /// The head, as a connection's source gives it.
    pub fn head(&self) -> (ResponseHead<'_>, BodyPlan) {
        (ResponseHead { status: self.status, fields: self.fields() }, self.body.plan())
    }

    /// Head and body, if both lie in memory as they are to be sent.
    pub fn whole(&self) -> Option<WholeAnswer<'_>> {
        let body = self.body.whole()?;
        Some(WholeAnswer { head: ResponseHead { status: self.status, fields: self.fields() }, body })
    }

    /// The body. For HEAD it is that of GET, of which the engine sends nothing but the length.
    pub fn body(&self) -> &FileBody {
        &self.body
    }

    /// The body, to take bytes from.
    pub fn body_mut(&mut self) -> &mut FileBody {
        &mut self.body
    }

    /// A short text, with one field beside its type.
    fn text_with(status: Status, name: KnownName, value: &[u8], text: &'static str) -> FilePlan {
        let mut fields = OwnedFields::new();
        put(&mut fields, name, value);
        put(&mut fields, KnownName::ContentType, TEXT);
        FilePlan { fields: PlanFields::Owned(fields), ..FilePlan::text(status, text) }
    }

    fn text(status: Status, text: &'static str) -> FilePlan {
        FilePlan { status, fields: PlanFields::Text, body: FileBody::new(Content::Text(text)) }
    }

    fn bare(status: Status, fields: PlanFields) -> FilePlan {
        FilePlan { status, fields, body: FileBody::new(Content::Empty) }
    }
}

/// The answer to a method that is not for files; `None` for GET and HEAD.
pub(super) fn of_method(method: Method) -> Option<FilePlan> {
    const ALLOW: &[u8] = b"GET, HEAD, OPTIONS";
    match method {
        Method::Get | Method::Head => None,
        Method::Options => {
            let mut fields = OwnedFields::new();
            put(&mut fields, KnownName::Allow, ALLOW);
            Some(FilePlan::bare(Status::NO_CONTENT, PlanFields::Owned(fields)))
        }
        Method::Post | Method::Put | Method::Delete | Method::Connect | Method::Trace | Method::Patch => {
            let text = "files are only read: GET or HEAD\n";
            Some(FilePlan::text_with(Status::METHOD_NOT_ALLOWED, KnownName::Allow, ALLOW, text))
        }
        // RFC 9110 §15.6.2
        Method::Other => Some(FilePlan::text(Status::NOT_IMPLEMENTED, "this method is not implemented\n")),
    }
}

/// The answer where nothing was opened.
pub(super) fn of_refusal(refusal: Refusal) -> FilePlan {
    match refusal {
        Refusal::Missing => FilePlan::text(Status::NOT_FOUND, "there is nothing here\n"),
        Refusal::Forbidden => FilePlan::text(Status::FORBIDDEN, "the server may not read this\n"),
        Refusal::Exhausted => {
            let text = "the server is out of file descriptors or memory\n";
            FilePlan::text_with(Status::SERVICE_UNAVAILABLE, KnownName::RetryAfter, b"1", text)
        }
        Refusal::Broken => FilePlan::text(Status::INTERNAL_SERVER_ERROR, "the file system failed\n"),
    }
}

/// The answer from what stands at the path.
pub(super) fn of_resource(resource: &Resource, request: &FileRequest<'_>) -> FilePlan {
    match resource {
        Resource::File(set) => of_file(set, request),
        Resource::Redirect => redirect(request),
        Resource::Listing(page) => listing(page),
    }
}

/// To the directory's own URI, so that relative links in its page lead where they should. Relative itself,
/// since the path that the client sees may have a prefix that was taken off (RFC 9110 §10.2.2).
fn redirect(request: &FileRequest<'_>) -> FilePlan {
    let name = request.path.rsplit('/').next().unwrap_or("");
    let mut location = reference(name).into_bytes();
    location.push(b'/');
    let without_query = location.len();
    if let Some(query) = request.query {
        location.push(b'?');
        location.extend_from_slice(query);
    }
    if !is_field_value(&location) {
        location.truncate(without_query);
    }
    let text = "this is a directory: add a slash\n";
    FilePlan::text_with(Status::MOVED_PERMANENTLY, KnownName::Location, &location, text)
}

fn listing(page: &Arc<[u8]>) -> FilePlan {
    let mut fields = OwnedFields::new();
    put(&mut fields, KnownName::ContentType, b"text/html; charset=utf-8");
    put(&mut fields, KnownName::CacheControl, b"no-cache");
    put(&mut fields, KnownName::ContentSecurityPolicy, b"default-src 'none'; base-uri 'none'");
    FilePlan {
        status: Status::OK,
        fields: PlanFields::Owned(fields),
        body: FileBody::new(Content::Shared(Arc::clone(page))),
    }
}

/// Which of a request's fields matter here: one pass, since most requests have none.
#[derive(Clone, Copy, Debug, Default)]
struct Asks {
    condition: bool,
    range: bool,
    coding: bool,
}

impl Asks {
    fn of(fields: FieldBlock<'_>) -> Asks {
        let mut asks = Asks::default();
        for field in fields.parts().1 {
            match field.known_name() {
                Some(KnownName::AcceptEncoding) => asks.coding = true,
                Some(KnownName::Range) => asks.range = true,
                Some(
                    KnownName::IfMatch
                    | KnownName::IfNoneMatch
                    | KnownName::IfModifiedSince
                    | KnownName::IfUnmodifiedSince,
                ) => asks.condition = true,
                _ => {}
            }
        }
        asks
    }
}

fn of_file(set: &FileSet, request: &FileRequest<'_>) -> FilePlan {
    let asks = Asks::of(request.fields);
    let vary = set.varies();
    let file = if asks.coding && vary { in_coding(set, request) } else { &set.identity };
    if !asks.condition && !asks.range {
        return whole(file, vary);
    }
    let now = Some(unix_time());
    let validators = file.head().validators_of();
    if asks.condition {
        match conditional::evaluate(request.method, request.fields, &validators, now) {
            Verdict::Proceed => {}
            Verdict::NotModified => {
                let fields = PlanFields::Validators { file: Arc::clone(file), vary };
                return FilePlan::bare(Status::NOT_MODIFIED, fields);
            }
            Verdict::PreconditionFailed => {
                return FilePlan::text(
                    Status::PRECONDITION_FAILED,
                    "the file is not in the state you named\n",
                );
            }
        }
    }
    match range::select(request.method, request.fields, &validators, file.len(), now) {
        Selection::Whole => whole(file, vary),
        Selection::Parts(ranges) => partial(file, vary, ranges.as_slice()),
        Selection::Unsatisfiable => {
            let mut room = [0; range::CONTENT_RANGE_BYTES_MAX];
            let value = range::content_range(None, file.len(), &mut room);
            let text = "the file has no such range\n";
            FilePlan::text_with(Status::RANGE_NOT_SATISFIABLE, KnownName::ContentRange, value, text)
        }
    }
}

/// The state of the file in the coding that the client likes best.
fn in_coding<'s>(set: &'s FileSet, request: &FileRequest<'_>) -> &'s Arc<OpenFile> {
    // Parts of a multipart answer have no coding of their own, so several ranges are of the plain file.
    let several = request.fields.first(KnownName::Range).is_some_and(|value| value.contains(&b','));
    let available: &[Coding] = match (&set.brotli, &set.gzip) {
        _ if several => &[Coding::Identity],
        (Some(_), Some(_)) => &[Coding::Brotli, Coding::Gzip, Coding::Identity],
        (Some(_), None) => &[Coding::Brotli, Coding::Identity],
        (None, Some(_)) => &[Coding::Gzip, Coding::Identity],
        (None, None) => &[Coding::Identity],
    };
    let chosen = match accept_encoding::choose(request.fields, available) {
        Some(Coding::Brotli) => set.brotli.as_ref(),
        Some(Coding::Gzip) => set.gzip.as_ref(),
        Some(Coding::Identity) | None => None,
    };
    chosen.unwrap_or(&set.identity)
}

fn whole(file: &Arc<OpenFile>, vary: bool) -> FilePlan {
    let run = FileRun { file: Arc::clone(file), offset: 0, len: file.len() };
    FilePlan {
        status: Status::OK,
        fields: PlanFields::Whole { vary },
        body: FileBody::new(Content::Run(run)),
    }
}

fn partial(file: &Arc<OpenFile>, vary: bool, ranges: &[ByteRange]) -> FilePlan {
    let prepared = file.head().whole(vary);
    let mut fields = OwnedFields::copy_of(prepared);
    let content = match ranges {
        [range] => {
            let mut room = [0; range::CONTENT_RANGE_BYTES_MAX];
            let value = range::content_range(Some(*range), file.len(), &mut room);
            put(&mut fields, KnownName::ContentRange, value);
            Content::Run(FileRun { file: Arc::clone(file), offset: range.from, len: range.len() })
        }
        several => {
            let boundary = byteranges::boundary();
            let outer = format!("multipart/byteranges; boundary={boundary}");
            fields.remove(KnownName::ContentType);
            put(&mut fields, KnownName::ContentType, outer.as_bytes());
            let inner = prepared.first(KnownName::ContentType).unwrap_or(b"");
            Content::Segments(byteranges::segments(file, inner, &boundary, several))
        }
    };
    FilePlan {
        status: Status::PARTIAL_CONTENT,
        fields: PlanFields::Owned(fields),
        body: FileBody::new(content),
    }
}

pub(super) fn unix_time() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
