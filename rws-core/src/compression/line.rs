//! Field lines as they are decoded: offsets into an arena, with the pseudo-fields told apart.

use crate::{Field, KnownName, SMALL, Span};

/// The name of a pseudo-field (RFC 9113 §8.3, RFC 8441 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Pseudo {
    /// `:method`
    Method,
    /// `:scheme`
    Scheme,
    /// `:authority`
    Authority,
    /// `:path`
    Path,
    /// `:status`
    Status,
    /// `:protocol`
    Protocol,
}

impl Pseudo {
    /// Every pseudo-field, in the order of their numbers.
    pub const ALL: [Pseudo; 6] =
        [Pseudo::Method, Pseudo::Scheme, Pseudo::Authority, Pseudo::Path, Pseudo::Status, Pseudo::Protocol];

    /// The name as it is sent, with its colon.
    pub const fn as_str(self) -> &'static str {
        match self {
            Pseudo::Method => ":method",
            Pseudo::Scheme => ":scheme",
            Pseudo::Authority => ":authority",
            Pseudo::Path => ":path",
            Pseudo::Status => ":status",
            Pseudo::Protocol => ":protocol",
        }
    }

    /// The pseudo-field of exactly this name.
    pub fn from_bytes(name: &[u8]) -> Option<Pseudo> {
        Pseudo::ALL.into_iter().find(|pseudo| pseudo.as_str().as_bytes() == name)
    }
}

/// The name of a decoded line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineName {
    /// A pseudo-field.
    Pseudo(Pseudo),
    /// A name with an id, which was sent in lower case.
    Known(KnownName),
    /// Any other, whose bytes stand in the arena as they were sent.
    Other(Span),
}

/// One decoded field line. Its bytes stand in the arena that the decoder was lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The name.
    pub name: LineName,
    /// Where the value stands.
    pub value: Span,
    /// Whether no hop may put the line into a table (RFC 7541 §7.1.3).
    pub never_indexed: bool,
    /// Whether the name is that of a pseudo-field or a token without upper-case letters, and the value is free of
    /// control characters and of white space at its ends (RFC 9113 §8.2.1). A message with a line that is not well
    /// formed is malformed; which lines belong into it is not looked at here.
    pub is_well_formed: bool,
}

impl Line {
    /// The line for the index of a field block; `None` for a pseudo-field, and for a name that is longer than
    /// [`Field::NAME_BYTES_MAX`].
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub fn field(&self) -> Option<Field> {
        let field = match self.name {
            LineName::Pseudo(_) => return None,
            LineName::Known(known) => Field::known(known, self.value),
            LineName::Other(name) => Field::named(name, self.value)?,
        };
        Some(if self.never_indexed { field.never_indexed() } else { field })
    }
}

/// A name in a byte: that of a [`KnownName`], of a [`Pseudo`], or none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NameId(pub(crate) u8);

impl NameId {
    /// A name whose bytes are kept.
    pub(crate) const OTHER: NameId = NameId(0xff);
    const FIRST_PSEUDO: u8 = 0xf0;

    pub(crate) const fn known(name: KnownName) -> NameId {
        NameId(name as u8)
    }

    pub(crate) const fn pseudo(name: Pseudo) -> NameId {
        NameId(NameId::FIRST_PSEUDO + name as u8)
    }

    /// The line's name; `other` if its bytes are kept, there.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(crate) fn name(self, other: Span) -> LineName {
        if let Some(known) = KnownName::from_id(self.0) {
            return LineName::Known(known);
        }
        match Pseudo::ALL.get(usize::from(self.0.wrapping_sub(NameId::FIRST_PSEUDO))) {
            Some(&pseudo) => LineName::Pseudo(pseudo),
            None => LineName::Other(other),
        }
    }

    /// The spelling on HTTP/1, or empty if the bytes are kept.
    pub(crate) const fn as_str(self) -> &'static str {
        if self.0 >= NameId::FIRST_PSEUDO {
            return match Pseudo::ALL.split_at_checked((self.0 - NameId::FIRST_PSEUDO) as usize) {
                Some((_, [pseudo, ..])) => pseudo.as_str(),
                _ => "",
            };
        }
        match KnownName::ALL.split_at_checked(self.0 as usize) {
            Some((_, [known, ..])) => known.as_str(),
            _ => "",
        }
    }

    /// How long the name is: bytes; 0 if its bytes are kept.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(crate) fn len(self) -> usize {
        if SMALL {
            return self.as_str().len();
        }
        NAME_LENS.get(usize::from(self.0)).copied().map_or(0, usize::from)
    }
}

static NAME_LENS: [u8; 256] = name_lens();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn name_lens() -> [u8; 256] {
    let mut lens = [0; 256];
    let mut id = 0;
    while id < lens.len() {
        lens[id] = NameId(id as u8).as_str().len() as u8;
        id += 1;
    }
    lens
}

const _: () = assert!(KnownName::ALL.len() < NameId::FIRST_PSEUDO as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_number_of_its_own() {
        let known = KnownName::ALL.iter().map(|&known| (NameId::known(known), LineName::Known(known)));
        let pseudo = Pseudo::ALL.into_iter().map(|pseudo| (NameId::pseudo(pseudo), LineName::Pseudo(pseudo)));
        let at = Span { at: 3, len: 4 };
        for (id, name) in known.chain(pseudo) {
            assert_eq!(id.name(at), name);
            assert_eq!(id.len(), id.as_str().len());
            assert!(id.len() > 0);
        }
        assert_eq!(NameId::OTHER.name(at), LineName::Other(at));
        assert_eq!((NameId::OTHER.len(), NameId::OTHER.as_str()), (0, ""));
    }

    #[test]
    fn pseudo_fields_are_found_by_their_exact_name() {
        for pseudo in Pseudo::ALL {
            assert_eq!(Pseudo::from_bytes(pseudo.as_str().as_bytes()), Some(pseudo));
        }
        for name in [":Method", "method", ":", "", ":paths", ":pat"] {
            assert_eq!(Pseudo::from_bytes(name.as_bytes()), None);
        }
    }
}
