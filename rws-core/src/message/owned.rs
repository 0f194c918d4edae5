//! Owned forms of fields and request heads (feature `alloc`): conveniences for adapters with a heap.

use alloc::vec::Vec;

use super::field::{is_field_value, is_token};
use super::request::{BodyFraming, PathAt, RequestSpans, Words};
use super::{
    Field, FieldBlock, FieldName, Fields, KnownName, Method, RequestHead, Scratch, Span, Version,
    parse_target,
};
use crate::{Capacity, Error, Misuse, PeerFault};

/// Field lines that own their memory. An empty one allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct OwnedFields {
    arena: Vec<u8>,
    fields: Vec<Field>,
}

impl OwnedFields {
    /// No fields.
    pub const fn new() -> OwnedFields {
        OwnedFields { arena: Vec::new(), fields: Vec::new() }
    }

    /// A copy of `block`.
    pub fn copy_of(block: FieldBlock<'_>) -> OwnedFields {
        let (arena, fields) = block.parts();
        OwnedFields { arena: arena.to_vec(), fields: fields.to_vec() }
    }

    /// A copy of those lines of `block` whose names `is_kept` says yes to.
    pub fn copy_of_kept(block: FieldBlock<'_>, is_kept: impl FnMut(FieldName<'_>) -> bool) -> OwnedFields {
        let mut fields = OwnedFields::new();
        fields.copy_kept(block, is_kept);
        fields
    }

    /// Becomes a copy of those lines of `block` whose names `is_kept` says yes to, in the memory that it has.
    pub fn copy_kept(&mut self, block: FieldBlock<'_>, mut is_kept: impl FnMut(FieldName<'_>) -> bool) {
        let (bytes, lines) = block.parts();
        self.clear();
        self.arena.extend_from_slice(bytes);
        self.fields.reserve(lines.len());
        for field in lines {
            if is_kept(field.name(bytes)) {
                self.fields.push(*field);
            }
        }
    }

    /// How many bytes of the heap it holds.
    pub fn held_bytes(&self) -> usize {
        self.arena.capacity().saturating_add(self.fields.capacity().saturating_mul(size_of::<Field>()))
    }

    /// The view.
    pub fn block(&self) -> FieldBlock<'_> {
        FieldBlock::new(&self.arena, &self.fields)
    }

    /// Adds a field line at the end.
    ///
    /// # Errors
    /// [`Misuse`] if the name is not a token or the value has a control character or white space at an
    /// end; [`Capacity::Bytes`] beyond 64 KiB.
    pub fn push<'n>(&mut self, name: impl Into<FieldName<'n>>, value: &[u8]) -> Result<(), Error> {
        let name = name.into().identified();
        if !is_field_value(value) {
            return Err(Misuse::FieldValueSyntax.into());
        }
        let at = self.arena.len();
        let field = match name {
            FieldName::Known(known) => {
                Field::known(known, Span::of(at, at.saturating_add(value.len())).ok_or(Capacity::Bytes)?)
            }
            FieldName::Other(name) if is_token(name) => {
                let value_at = at.saturating_add(name.len());
                let name_span = Span::of(at, value_at).ok_or(Capacity::Bytes)?;
                let span = Span::of(value_at, value_at.saturating_add(value.len())).ok_or(Capacity::Bytes)?;
                let field = Field::named(name_span, span).ok_or(Capacity::Bytes)?;
                self.arena.extend_from_slice(name);
                field
            }
            FieldName::Other(_) => return Err(Misuse::FieldNameSyntax.into()),
        };
        self.arena.extend_from_slice(value);
        self.fields.push(field);
        Ok(())
    }

    /// Adds a field line whose value stands in the arena already, as the words of a head that
    /// [`copy_kept`](OwnedFields::copy_kept) has copied do. It is checked when it is written.
    ///
    /// # Errors
    /// [`Misuse`] for a place that is not in the arena.
    pub fn push_at(&mut self, name: KnownName, value: Span) -> Result<(), Error> {
        if value.end() > self.arena.len() {
            return Err(Misuse::FieldValueSyntax.into());
        }
        self.fields.push(Field::known(name, value));
        Ok(())
    }

    /// Keeps `bytes` beside the field lines; they may be named as the value of one.
    ///
    /// # Errors
    /// [`Capacity::Bytes`] beyond 64 KiB.
    pub fn keep(&mut self, bytes: &[u8]) -> Result<Span, Capacity> {
        let at = self.arena.len();
        let span = Span::of(at, at.saturating_add(bytes.len())).ok_or(Capacity::Bytes)?;
        self.arena.extend_from_slice(bytes);
        Ok(span)
    }

    /// Removes every field line with this name; says how many there were.
    pub fn remove<'n>(&mut self, name: impl Into<FieldName<'n>>) -> usize {
        let name = name.into();
        let before = self.fields.len();
        let arena = &self.arena;
        self.fields.retain(|field| field.name(arena) != name);
        before.saturating_sub(self.fields.len())
    }

    /// Replaces every field line with this name by one.
    ///
    /// # Errors
    /// As [`OwnedFields::push`]; the old lines stay then.
    pub fn set<'n>(&mut self, name: impl Into<FieldName<'n>>, value: &[u8]) -> Result<(), Error> {
        let name = name.into();
        self.push(name, value)?;
        if let Some(added) = self.fields.pop() {
            self.remove(name);
            self.fields.push(added);
        }
        Ok(())
    }

    /// Drops all fields and keeps the memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.fields.clear();
    }
}

/// A request head that owns its memory, for work that outlives the receive buffer.
#[derive(Clone, Debug)]
pub struct OwnedRequestHead {
    spans: RequestSpans,
    text: Vec<u8>,
    fields: OwnedFields,
}

impl OwnedRequestHead {
    /// A copy of `head`, edits included.
    pub fn of(head: &RequestHead<'_>) -> OwnedRequestHead {
        let mut text = Vec::new();
        let mut keep = |bytes: &[u8]| {
            let at = text.len();
            text.extend_from_slice(bytes);
            Span::of(at, text.len()).unwrap_or(Span::EMPTY)
        };
        let spans = head.moved_to(Words {
            method: keep(head.method_bytes()),
            target: keep(head.target()),
            path: keep(head.path().as_bytes()),
            query: head.query().map(&mut keep),
            authority: keep(head.authority()),
        });
        OwnedRequestHead { spans, text, fields: OwnedFields::copy_of(head.fields()) }
    }

    /// A GET request without a body that nobody has sent: that of a push (RFC 9113 §8.4). `Host` stands in front of
    /// `fields`.
    ///
    /// # Errors
    /// What would be wrong with it if somebody had sent it.
    pub fn get(
        target: &[u8],
        authority: &[u8],
        fields: FieldBlock<'_>,
        version: Version,
    ) -> Result<OwnedRequestHead, PeerFault> {
        const METHOD: &[u8] = b"GET";
        let mut text = [METHOD, target, authority].concat();
        let behind = METHOD.len().saturating_add(target.len());
        let span = |at, end| Span::of(at, end).ok_or(PeerFault::TargetTooLong);
        let (raw, host) = (span(METHOD.len(), behind)?, span(behind, text.len())?);
        let mut decoded = alloc::vec![0; target.len()];
        let mut target = parse_target(Method::Get, raw, host, &text, &mut decoded)?;
        if let PathAt::Scratch(path) = target.path {
            let at = text.len();
            text.extend_from_slice(path.bytes(&decoded));
            target.path = PathAt::Arena(span(at, text.len())?);
        }
        let mut own = OwnedFields::new();
        own.push(KnownName::Host, host.bytes(&text)).map_err(|_| PeerFault::HostSyntax)?;
        let (arena, lines) = fields.parts();
        for field in lines.iter().filter(|field| !field.is(KnownName::Host)) {
            own.push(field.name(arena), field.value(arena)).map_err(|_| PeerFault::FieldValueSyntax)?;
            if let Some(last) = own.fields.last_mut().filter(|_| field.is_never_indexed()) {
                *last = last.never_indexed();
            }
        }
        let spans = RequestSpans {
            arena_len: span(0, text.len())?.len,
            fields_len: own.fields.len() as u16,
            method: Method::Get,
            method_at: span(0, METHOD.len())?,
            target,
            version,
            body: BodyFraming::None,
            expect_continue: false,
            upgrade: false,
        };
        Ok(OwnedRequestHead { spans, text, fields: own })
    }

    /// The request target as sent.
    pub fn target(&self) -> &[u8] {
        self.spans.target.raw.bytes(&self.text)
    }

    /// The authority in force.
    pub fn authority(&self) -> &[u8] {
        self.spans.target.authority.bytes(&self.text)
    }

    /// The fields.
    pub fn fields(&self) -> FieldBlock<'_> {
        self.fields.block()
    }

    /// The view; edits go to `spare`.
    pub fn view<'a>(&'a self, spare: Scratch<'a>) -> RequestHead<'a> {
        RequestHead::over(self.spans, &self.text, Fields::Received(self.fields.block(), spare))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_nobody_sent_reads_like_one_that_somebody_did() {
        let mut fields = OwnedFields::new();
        fields.push(KnownName::Host, b"elsewhere").unwrap();
        fields.push(KnownName::Cookie, b"a=1").unwrap();
        fields.fields[1] = fields.fields[1].never_indexed();
        let head =
            OwnedRequestHead::get(b"/a%20b/../c%41?q=1", b"host:80", fields.block(), Version::Http2).unwrap();
        assert_eq!((head.target(), head.authority()), (&b"/a%20b/../c%41?q=1"[..], &b"host:80"[..]));
        let view = head.view(Scratch::default());
        assert_eq!((view.method(), view.path(), view.query()), (Method::Get, "/cA", Some(&b"q=1"[..])));
        assert_eq!((view.authority(), view.version()), (&b"host:80"[..], Version::Http2));
        assert!(!view.body().follows());
        let lines: Vec<_> = view.fields().iter().map(|(_, value)| value.to_vec()).collect();
        assert_eq!(lines, [b"host:80".to_vec(), b"a=1".to_vec()]);
        assert!(view.fields().parts().1[1].is_never_indexed());
    }

    #[test]
    fn a_request_that_nobody_could_send_is_none() {
        let get = |target: &[u8], authority: &[u8]| {
            OwnedRequestHead::get(target, authority, FieldBlock::EMPTY, Version::Http2).map(drop)
        };
        assert_eq!(get(b"/", b"a"), Ok(()));
        assert_eq!(get(b"x", b"a"), Err(PeerFault::TargetSyntax));
        assert_eq!(get(b"/ x", b"a"), Err(PeerFault::TargetSyntax));
        assert_eq!(get(b"/", b"a b"), Err(PeerFault::HostSyntax));
        assert_eq!(get(&[b'/'; 70_000], b"a"), Err(PeerFault::TargetTooLong));
    }
}
