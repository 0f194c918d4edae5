//! What an exchange is answered with.

use alloc::sync::Arc;
use std::io;
use std::os::fd::BorrowedFd;

use rws_core::connection::{BodyPlan, Fill, HeadAnswer};
use rws_core::message::{KnownName, OwnedFields, ResponseHead, Status};
use rws_core::service::WholeAnswer;
use rws_std::files::FilePlan;
use rws_std::forward::ProxyState;

/// No text about an error is longer: bytes.
const TEXT_BYTES_MAX: usize = 512;

/// An answer and how far it has gone. Owns all that it needs.
#[derive(Debug)]
pub(super) enum Answer {
    /// From a file, or about one.
    File(FilePlan),
    /// Bytes that are known as a whole.
    Page(Arc<Page>, usize),
    /// An upstream's, or about its silence.
    Upstream(ProxyState),
}

/// A whole answer in memory, shared by the exchanges that get it.
#[derive(Clone, Debug)]
pub(super) struct Page {
    status: Status,
    fields: OwnedFields,
    body: Box<[u8]>,
    /// The body was given by the configuration.
    is_configured: bool,
}

impl Page {
    /// A page with a body of this type; without a type if the body is empty.
    pub(super) fn new(status: Status, content_type: &str, body: impl Into<Box<[u8]>>) -> Page {
        let page = Page { status, fields: OwnedFields::new(), body: body.into(), is_configured: false };
        if page.body.is_empty() { page } else { page.with(KnownName::ContentType, content_type) }
    }

    /// A page of a head alone.
    pub(super) fn bare(status: Status, fields: OwnedFields) -> Page {
        Page { status, fields, body: Box::default(), is_configured: false }
    }

    /// A short text.
    pub(super) fn text(status: Status, text: &str) -> Page {
        Page::new(status, "text/plain; charset=utf-8", text.as_bytes())
    }

    /// The same page with one more field. A value that no field can have was refused with the configuration.
    pub(super) fn with(mut self, name: KnownName, value: &str) -> Page {
        let pushed = self.fields.push(name, value.as_bytes());
        debug_assert!(pushed.is_ok(), "{value:?} is no field value");
        self
    }

    /// The same page, whose body is the configuration's: nothing is added to it.
    pub(super) fn configured(self) -> Page {
        Page { is_configured: true, ..self }
    }

    /// A page that no cache keeps.
    pub(super) fn not_stored(self) -> Page {
        self.with(KnownName::CacheControl, "no-store")
    }

    /// A page with this text and the request's id behind it.
    fn with_id(status: Status, fields: OwnedFields, text: &[u8], id: &[u8]) -> Page {
        let body = [text, b"request id: ", id, b"\n"].concat().into();
        Page { status, fields, body, is_configured: false }
    }

    fn plan(&self) -> BodyPlan {
        if self.body.is_empty() { BodyPlan::None } else { BodyPlan::Sized(self.body.len() as u64) }
    }
}

impl From<Page> for Answer {
    fn from(page: Page) -> Answer {
        Answer::Page(Arc::new(page), 0)
    }
}

impl Answer {
    /// The shared page, from its start.
    pub(super) fn page(page: &Arc<Page>) -> Answer {
        Answer::Page(Arc::clone(page), 0)
    }

    pub(super) fn head(&self) -> HeadAnswer<'_> {
        match self {
            Answer::File(plan) => {
                let (head, body) = plan.head();
                HeadAnswer::Final(head, body)
            }
            Answer::Page(page, _) => {
                let head = ResponseHead { status: page.status, fields: page.fields.block() };
                HeadAnswer::Final(head, page.plan())
            }
            Answer::Upstream(proxied) => proxied.head(),
        }
    }

    /// Head and body, if both lie in memory as they are to be sent.
    pub(super) fn whole(&self) -> Option<WholeAnswer<'_>> {
        match self {
            Answer::File(plan) => plan.whole(),
            Answer::Page(page, 0) if !page.body.is_empty() => {
                let head = ResponseHead { status: page.status, fields: page.fields.block() };
                Some(WholeAnswer { head, body: &page.body })
            }
            Answer::Page(..) | Answer::Upstream(_) => None,
        }
    }

    pub(super) fn fill(&mut self, out: &mut [u8]) -> Fill {
        match self {
            Answer::File(plan) => plan.body_mut().fill(out),
            Answer::Page(page, gone) => {
                let left = page.body.get(*gone..).unwrap_or(&[]);
                let n = left.len().min(out.len());
                out[..n].copy_from_slice(&left[..n]);
                *gone += n;
                if *gone == page.body.len() { Fill::End(n) } else { Fill::More(n) }
            }
            Answer::Upstream(proxied) => proxied.fill(out),
        }
    }

    pub(super) fn direct(&self) -> u64 {
        match self {
            Answer::File(plan) => plan.body().direct(),
            Answer::Page(..) | Answer::Upstream(_) => 0,
        }
    }

    pub(super) fn send(&mut self, socket: BorrowedFd<'_>, len: u64) -> io::Result<usize> {
        match self {
            Answer::File(plan) => plan.body_mut().send_to(socket, len),
            Answer::Page(..) | Answer::Upstream(_) => Err(io::Error::from(io::ErrorKind::Unsupported)),
        }
    }

    /// Ends the text with the request's id, if this is about an error and of our own making.
    pub(super) fn add_id(&mut self, id: &[u8]) {
        let page = match self {
            Answer::File(plan) if plan.status().code() >= 400 => {
                let (status, fields) = (plan.status(), OwnedFields::copy_of(plan.fields()));
                let mut text = [0; TEXT_BYTES_MAX];
                match plan.body_mut().fill(&mut text) {
                    Fill::End(len) if len > 0 => Page::with_id(status, fields, &text[..len], id),
                    // Not one of the short texts.
                    Fill::End(_) | Fill::More(_) | Fill::Blocked | Fill::Abort => return,
                }
            }
            Answer::Page(page, 0) if page.status.code() >= 400 && !page.is_configured => {
                Page::with_id(page.status, page.fields.clone(), &page.body, id)
            }
            Answer::File(_) | Answer::Page(..) | Answer::Upstream(_) => return,
        };
        *self = page.into();
    }
}
