//! The content coding to answer with (RFC 9110 §12.5.3).

use super::list::{item, members, parameters, trim};
use crate::message::{FieldBlock, KnownName};

/// A content coding that responses are stored or made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// Brotli (RFC 7932).
    Brotli,
    /// gzip (RFC 9110 §8.4.1.3).
    Gzip,
    /// None.
    Identity,
}

impl Coding {
    /// The name in `Content-Encoding` and `Accept-Encoding`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Coding::Brotli => "br",
            Coding::Gzip => "gzip",
            Coding::Identity => "identity",
        }
    }
}

/// The coding among `available` that the client likes best; at equal weight the one that stands first.
/// `None` if it refuses all of them: 406, or identity all the same (RFC 9110 §12.5.3 leaves the choice).
///
/// Without the field nothing is known of the client: identity then, if it is available, else what stands
/// first. An empty field asks for identity.
pub fn choose(fields: FieldBlock<'_>, available: &[Coding]) -> Option<Coding> {
    if !fields.has(KnownName::AcceptEncoding) {
        let identity = available.iter().copied().find(|&coding| coding == Coding::Identity);
        return identity.or(available.first().copied());
    }
    let mut best = None;
    for &coding in available {
        let weight = weight_of(fields, coding);
        if weight > 0 && best.is_none_or(|(_, least)| weight > least) {
            best = Some((coding, weight));
        }
    }
    best.map(|(coding, _)| coding)
}

/// The weight of a coding, in thousandths: its own, else that of `*`, else none; identity is acceptable
/// unless it is ruled out, but only just.
fn weight_of(fields: FieldBlock<'_>, coding: Coding) -> u16 {
    let (mut own, mut any) = (None, None);
    for member in fields.all(KnownName::AcceptEncoding).flat_map(members) {
        let name = item(member);
        let weight = weight(member);
        if is_name(name, coding) {
            own = own.max(Some(weight));
        } else if name == b"*" {
            any = Some(weight);
        }
    }
    match (own, any, coding) {
        (Some(weight), _, _) | (None, Some(weight), _) => weight,
        (None, None, Coding::Identity) => 1,
        (None, None, Coding::Brotli | Coding::Gzip) => 0,
    }
}

fn is_name(name: &[u8], coding: Coding) -> bool {
    name.eq_ignore_ascii_case(coding.as_str().as_bytes())
        || (coding == Coding::Gzip && name.eq_ignore_ascii_case(b"x-gzip"))
}

/// The weight of a member in thousandths (RFC 9110 §12.4.2); 1000 without one, 0 if it is malformed.
pub fn weight(member: &[u8]) -> u16 {
    let quality = parameters(member).find(|(name, _)| trim(name).eq_ignore_ascii_case(b"q"));
    match quality {
        None => 1000,
        Some((_, value)) => value.map(trim).and_then(thousandths).unwrap_or(0),
    }
}

/// `0`, `1`, `0.123`, `1.000`: at most three digits behind the point.
fn thousandths(value: &[u8]) -> Option<u16> {
    let (whole, fraction) = match value {
        [whole] | [whole, b'.'] => (whole, &[][..]),
        [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (whole, fraction),
        _ => return None,
    };
    let digit = |byte: u8| byte.checked_sub(b'0').filter(|&digit| digit <= 9).map(u16::from);
    let mut sum = digit(*whole).filter(|&whole| whole <= 1)?.saturating_mul(1000);
    for (&byte, worth) in fraction.iter().zip([100, 10, 1]) {
        sum = sum.saturating_add(digit(byte)?.saturating_mul(worth));
    }
    (sum <= 1000).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Field, FieldBlockMut, Scratch};

    const ALL: [Coding; 3] = [Coding::Brotli, Coding::Gzip, Coding::Identity];

    fn chosen(values: &[&str], available: &[Coding]) -> Option<Coding> {
        let (mut bytes, mut fields) = ([0; 256], [Field::default(); 4]);
        let mut block = FieldBlockMut::new(Scratch { bytes: &mut bytes, fields: &mut fields });
        for value in values {
            block.push(KnownName::AcceptEncoding, value.as_bytes()).expect("room");
        }
        choose(block.block(), available)
    }

    #[test]
    fn the_client_s_best_coding_wins_and_the_server_breaks_ties() {
        use Coding::{Brotli, Gzip, Identity};
        for (value, want) in [
            ("gzip, deflate, br, zstd", Some(Brotli)),
            ("gzip", Some(Gzip)),
            ("GZIP;Q=0.5, br;q=0.4", Some(Gzip)),
            ("x-gzip", Some(Gzip)),
            ("", Some(Identity)),
            ("deflate", Some(Identity)),
            ("*", Some(Brotli)),
            ("*;q=0.5, br;q=0", Some(Gzip)),
            ("br;q=0, gzip;q=0", Some(Identity)),
            ("identity;q=0, br;q=0, gzip;q=0", None),
            ("*;q=0", None),
            ("*;q=0, gzip", Some(Gzip)),
            ("identity, gzip;q=0.5", Some(Identity)),
            ("identity;q=0.5, *;q=0", Some(Identity)),
            ("gzip;q=0.001", Some(Gzip)),
            ("gzip;q=2, br;q=0.0001", Some(Identity)),
            ("gzip;q=", Some(Identity)),
            ("gzip ; q=1.000 , br; q=0.999", Some(Gzip)),
        ] {
            assert_eq!(chosen(&[value], &ALL), want, "{value}");
        }
        assert_eq!(chosen(&["br;q=0.1", "gzip"], &ALL), Some(Gzip));
    }

    #[test]
    fn without_the_field_the_plain_form_is_chosen() {
        assert_eq!(chosen(&[], &ALL), Some(Coding::Identity));
        assert_eq!(chosen(&[], &[Coding::Gzip]), Some(Coding::Gzip));
        assert_eq!(chosen(&["gzip"], &[]), None);
    }

    #[test]
    fn weights_have_at_most_three_digits() {
        for (value, want) in
            [("0", 0), ("1", 1000), ("0.5", 500), ("0.", 0), ("1.", 1000), ("0.999", 999), ("1.000", 1000)]
        {
            assert_eq!(thousandths(value.as_bytes()), Some(want), "{value}");
        }
        for value in ["", ".5", "2", "1.001", "0.1234", "-0", "0,5", "0.a", "00", "a"] {
            assert_eq!(thousandths(value.as_bytes()), None, "{value}");
        }
    }
}
