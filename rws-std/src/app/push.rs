//! What a response would like to be pushed, or hinted at where that cannot be (RFC 9113 §8.4, RFC 8297).
//!
//! ```text
//!   Response::push("/style.css") ─▶ Pushes ─▶ the shard ─┬─ HTTP/2, and the client takes pushes: PUSH_PROMISE, and the
//!                                                        │  request as if it had come, on a stream of its own
//!                                                        └─ else: 103 (Early Hints) with Link: </style.css>; rel=preload
//! ```

use rws_core::message::{FieldBlock, KnownName, Method, OwnedFields, OwnedRequestHead, RequestHead, Version};
use rws_core::{Error, Misuse, PeerFault};

/// Paths that one response may name: more are left out.
const PATHS_MAX: usize = 16;

/// The answers that a client will ask for once it has read a response.
#[derive(Debug, Default)]
pub struct Pushes {
    paths: Vec<Box<str>>,
    /// Of the request that led to them: a push is for whoever asked, at the same authority.
    authority: Box<[u8]>,
    fields: OwnedFields,
}

impl Pushes {
    /// Adds a path, with a query if there is one.
    ///
    /// # Errors
    /// [`Misuse::TargetSyntax`] if it is not `/…` in printable ASCII, or would name another authority (`//…`).
    pub fn push(&mut self, path: &str) -> Result<(), Error> {
        let is_odd = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'#' | b'<' | b'>' | b'"' | b'\\');
        if !path.starts_with('/') || path.starts_with("//") || path.bytes().any(is_odd) {
            return Err(Misuse::TargetSyntax.into());
        }
        if self.paths.len() < PATHS_MAX && !self.paths.iter().any(|known| **known == *path) {
            self.paths.push(path.into());
        }
        Ok(())
    }

    /// Who asked. Without that, nothing is pushed.
    pub fn attach(&mut self, head: &RequestHead<'_>) {
        if head.method() == Method::Head {
            // Who does not want this content has no use for other.
            self.paths.clear();
        }
        if head.version() == Version::Http2 {
            self.authority = head.authority().into();
            self.fields = OwnedFields::copy_of_kept(head.fields(), |name| {
                const KEPT: [KnownName; 5] = [
                    KnownName::AcceptEncoding,
                    KnownName::AcceptLanguage,
                    KnownName::Authorization,
                    KnownName::Cookie,
                    KnownName::UserAgent,
                ];
                KEPT.iter().any(|kept| name == (*kept).into())
            });
        }
    }

    /// The paths.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(|path| &**path)
    }

    /// Keeps those paths that `is_kept` says yes to.
    pub(crate) fn retain(&mut self, mut is_kept: impl FnMut(&Pushes, &str) -> bool) {
        let mut paths = core::mem::take(&mut self.paths);
        paths.retain(|path| is_kept(self, path));
        self.paths = paths;
    }

    /// The request for `path` that the client did not have to make.
    pub(crate) fn request(&self, path: &str) -> Result<OwnedRequestHead, PeerFault> {
        OwnedRequestHead::get(path.as_bytes(), &self.authority, self.fields.block(), Version::Http2)
    }

    /// The fields of a 103 (Early Hints): a link for each path, as long as they take no more than `bytes_max`.
    pub(crate) fn hints(&self, bytes_max: usize) -> Option<Box<Hints>> {
        /// What a line takes at most beside its value.
        const LINE_BYTES: usize = 16;
        let (mut fields, mut bytes) = (OwnedFields::new(), 0);
        for path in self.paths() {
            let link = format!("<{path}>; rel=preload{}", kind_of(path));
            bytes += link.len() + LINE_BYTES;
            if bytes > bytes_max || fields.push(KnownName::Link, link.as_bytes()).is_err() {
                break;
            }
        }
        (!fields.block().is_empty()).then(|| Box::new(Hints { fields, is_said: false }))
    }
}

/// What a 103 (Early Hints) says, and whether it has been said.
#[derive(Debug)]
pub(crate) struct Hints {
    fields: OwnedFields,
    is_said: bool,
}

impl Hints {
    /// Its fields, the first time.
    pub(crate) fn say(&mut self) -> Option<FieldBlock<'_>> {
        (!core::mem::replace(&mut self.is_said, true)).then(|| self.fields.block())
    }
}

/// What browsers want to know of a link that they are to load beforehand; told by the name's end where that is plain.
fn kind_of(path: &str) -> &'static str {
    let name = path.split('?').next().unwrap_or(path);
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("css") => "; as=style",
        Some("js" | "mjs") => "; as=script",
        Some("avif" | "gif" | "ico" | "jpg" | "jpeg" | "png" | "svg" | "webp") => "; as=image",
        // Fonts are fetched without credentials, whose ever they are.
        Some("ttf" | "woff" | "woff2") => "; as=font; crossorigin",
        Some(_) | None => "",
    }
}

#[cfg(test)]
mod tests {
    use rws_core::testing::Exchange;

    use super::*;

    #[test]
    fn only_paths_of_the_same_authority_are_taken_and_each_once() {
        let mut pushes = Pushes::default();
        for odd in ["", "x", "//other/x", "http://other/x", "/a b", "/a\nb", "/ü", "/a>b", "/a#b", "/a\\b"] {
            assert!(pushes.push(odd).is_err(), "{odd:?}");
        }
        for path in ["/style.css", "/", "/style.css", "/a?b=c%20d"] {
            pushes.push(path).unwrap();
        }
        assert_eq!(pushes.paths().collect::<Vec<_>>(), ["/style.css", "/", "/a?b=c%20d"]);
        for count in 0..100 {
            pushes.push(&format!("/{count}")).unwrap();
        }
        assert_eq!(pushes.paths().count(), PATHS_MAX);
    }

    #[test]
    fn hints_are_links_and_said_once() {
        let mut pushes = Pushes::default();
        for path in ["/s.css?v=2", "/a.mjs", "/f.woff2", "/i.webp", "/data"] {
            pushes.push(path).unwrap();
        }
        let mut hints = pushes.hints(1000).unwrap();
        let said: Vec<_> = hints.say().unwrap().iter().map(|(_, value)| value.to_vec()).collect();
        let said: Vec<_> = said.iter().map(|value| str::from_utf8(value).unwrap()).collect();
        let wanted = [
            "</s.css?v=2>; rel=preload; as=style",
            "</a.mjs>; rel=preload; as=script",
            "</f.woff2>; rel=preload; as=font; crossorigin",
            "</i.webp>; rel=preload; as=image",
            "</data>; rel=preload",
        ];
        assert_eq!(said, wanted);
        assert!(hints.say().is_none());
        assert!(pushes.hints(60).is_some_and(|mut hints| hints.say().unwrap().iter().count() == 1));
        assert!(pushes.hints(10).is_none() && Pushes::default().hints(1000).is_none());
    }

    #[test]
    fn a_head_request_leads_to_none() {
        for (method, paths) in [("GET", 1), ("POST", 1), ("HEAD", 0)] {
            let mut pushes = Pushes::default();
            pushes.push("/x").unwrap();
            Exchange::new(method, "/").with_head(|head| pushes.attach(head));
            assert_eq!(pushes.paths().count(), paths, "{method}");
        }
    }
}
