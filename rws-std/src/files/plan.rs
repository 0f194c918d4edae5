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

use rws_core::connection::BodyPlan;
use rws_core::message::{FieldBlock, KnownName, Method, OwnedFields, ResponseHead, Status};

use super::OpenFile;
use super::body::{Content, FileBody, FileRun};
use super::head::put;
use super::listing::reference;
use super::resolve::{FileSet, Resource};
use super::root::Refusal;

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

#[derive(Debug)]
enum PlanFields {
    /// Those of a 200, as prepared.
    Whole { file: Arc<OpenFile>, vary: bool },
    /// Those of a 304, as prepared.
    #[expect(dead_code, reason = "conditions come with the core's semantics")]
    Validators { file: Arc<OpenFile>, vary: bool },
    /// Made for this answer.
    Owned(OwnedFields),
    /// None.
    #[expect(dead_code, reason = "conditions come with the core's semantics")]
    None,
}

impl FilePlan {
    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The fields, without those that the engine writes itself (`Content-Length`, `Date`, `Connection`).
    pub fn fields(&self) -> FieldBlock<'_> {
        match &self.fields {
            PlanFields::Whole { file, vary } => file.head().whole(*vary),
            PlanFields::Validators { file, vary } => file.head().validators(*vary),
            PlanFields::Owned(fields) => fields.block(),
            PlanFields::None => FieldBlock::EMPTY,
        }
    }

    /// The head, as a connection's source gives it.
    pub fn head(&self) -> (ResponseHead<'_>, BodyPlan) {
        (ResponseHead { status: self.status, fields: self.fields() }, self.body.plan())
    }

    /// The body. For HEAD it is that of GET, of which the engine sends nothing but the length.
    pub fn body(&self) -> &FileBody {
        &self.body
    }

    /// The body, to take bytes from.
    pub fn body_mut(&mut self) -> &mut FileBody {
        &mut self.body
    }

    fn text(status: Status, fields: OwnedFields, text: &'static str) -> FilePlan {
        let mut fields = fields;
        put(&mut fields, KnownName::ContentType, b"text/plain; charset=utf-8");
        FilePlan { status, fields: PlanFields::Owned(fields), body: FileBody::new(Content::Text(text)) }
    }

    fn bare(status: Status, fields: PlanFields) -> FilePlan {
        FilePlan { status, fields, body: FileBody::new(Content::Empty) }
    }
}

/// The answer to a method that is not for files; `None` for GET and HEAD.
pub(super) fn of_method(method: Method) -> Option<FilePlan> {
    let mut fields = OwnedFields::new();
    match method {
        Method::Get | Method::Head => None,
        Method::Options => {
            put(&mut fields, KnownName::Allow, b"GET, HEAD, OPTIONS");
            Some(FilePlan::bare(Status::NO_CONTENT, PlanFields::Owned(fields)))
        }
        Method::Post
        | Method::Put
        | Method::Delete
        | Method::Connect
        | Method::Trace
        | Method::Patch
        | Method::Other => {
            put(&mut fields, KnownName::Allow, b"GET, HEAD, OPTIONS");
            Some(FilePlan::text(Status::METHOD_NOT_ALLOWED, fields, "files are only read: GET or HEAD\n"))
        }
    }
}

/// The answer where nothing was opened.
pub(super) fn of_refusal(refusal: Refusal) -> FilePlan {
    let mut fields = OwnedFields::new();
    let (status, text) = match refusal {
        Refusal::Missing => (Status::NOT_FOUND, "there is nothing here\n"),
        Refusal::Forbidden => (Status::FORBIDDEN, "the server may not read this\n"),
        Refusal::Exhausted => {
            put(&mut fields, KnownName::RetryAfter, b"1");
            (Status::SERVICE_UNAVAILABLE, "the server is out of file descriptors or memory\n")
        }
        Refusal::Broken => (Status::INTERNAL_SERVER_ERROR, "the file system failed\n"),
    };
    FilePlan::text(status, fields, text)
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
    let mut fields = OwnedFields::new();
    if fields.push(KnownName::Location, &location).is_err() {
        location.truncate(without_query);
        put(&mut fields, KnownName::Location, &location);
    }
    FilePlan::text(Status::MOVED_PERMANENTLY, fields, "this is a directory: add a slash\n")
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

fn of_file(set: &FileSet, request: &FileRequest<'_>) -> FilePlan {
    let _ = request;
    let (file, vary) = (Arc::clone(&set.identity), set.varies());
    let run = FileRun { file: Arc::clone(&file), offset: 0, len: file.len() };
    FilePlan {
        status: Status::OK,
        fields: PlanFields::Whole { file, vary },
        body: FileBody::new(Content::Run(run)),
    }
}
