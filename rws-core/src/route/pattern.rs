//! Patterns: their segments, their check, and the values of their parameters.

use super::error::RouteFault;
use super::segment;
use crate::SMALL;

/// The most segments a pattern may have.
pub const SEGMENTS_MAX: usize = 32;

/// What a segment of a pattern matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Itself.
    Static,
    /// One segment that is not empty.
    Param,
    /// All that is left, also nothing.
    Rest,
}

/// One segment of a pattern: its text, or its name without the mark, is `from..to`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) kind: Kind,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Segment {
    /// Where the segment after this one begins; `None` if this is the last.
    pub(super) const fn next(self, pattern: &[u8]) -> Option<usize> {
        if self.to < pattern.len() { Some(self.to + 1) } else { None }
    }
}

/// The segment of `pattern` that begins at `from`, one past a slash.
pub(super) const fn segment_at(pattern: &[u8], from: usize) -> Segment {
    let text = slice(pattern, from, pattern.len());
    let (mut to, mut rest) = (from, text);
    while let [byte, tail @ ..] = rest
        && *byte != b'/'
    {
        (to, rest) = (to + 1, tail);
    }
    match text {
        [b':', ..] => Segment { kind: Kind::Param, from: from + 1, to },
        [b'*', ..] => Segment { kind: Kind::Rest, from: from + 1, to },
        _ => Segment { kind: Kind::Static, from, to },
    }
}

/// Checks a pattern; says how many segments it has.
pub(super) const fn check(pattern: &[u8]) -> Result<usize, RouteFault> {
    let [b'/', ..] = pattern else { return Err(RouteFault::NoLeadingSlash) };
    if pattern.len() > u16::MAX as usize {
        return Err(RouteFault::TooLong);
    }
    let mut count = 0;
    let mut next = Some(1);
    while let Some(at) = next {
        let segment = segment_at(pattern, at);
        next = segment.next(pattern);
        if let Err(fault) = check_segment(pattern, segment, next.is_none()) {
            return Err(fault);
        }
        count += 1;
    }
    if count > SEGMENTS_MAX { Err(RouteFault::TooLong) } else { Ok(count) }
}

const fn check_segment(pattern: &[u8], segment: Segment, last: bool) -> Result<(), RouteFault> {
    let text = slice(pattern, segment.from, segment.to);
    match segment.kind {
        Kind::Static => check_text(text, last),
        Kind::Rest if !last => Err(RouteFault::RestNotLast),
        Kind::Rest if text.is_empty() => Ok(()),
        Kind::Param | Kind::Rest if !is_name(text) => Err(RouteFault::BadName),
        Kind::Param | Kind::Rest if is_repeated(pattern, segment) => Err(RouteFault::RepeatedName),
        Kind::Param | Kind::Rest => Ok(()),
    }
}

const fn check_text(text: &[u8], last: bool) -> Result<(), RouteFault> {
    match text {
        [] if !last => return Err(RouteFault::EmptySegment),
        [b'.'] | [b'.', b'.'] => return Err(RouteFault::DotSegment),
        _ => {}
    }
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        match byte {
            b'*' => return Err(RouteFault::RestNotLast),
            0..0x20 | 0x7f | b'\\' | b'?' | b'#' => return Err(RouteFault::BadByte),
            b'%' if matches!(tail, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()) => {
                return Err(RouteFault::BadByte);
            }
            _ => rest = tail,
        }
    }
    Ok(())
}

const fn is_name(name: &[u8]) -> bool {
    let [first, ..] = name else { return false };
    let mut rest = name;
    while let [byte, tail @ ..] = rest {
        if !byte.is_ascii_alphanumeric() && *byte != b'_' {
            return false;
        }
        rest = tail;
    }
    !first.is_ascii_digit()
}

/// Whether an earlier parameter of the pattern has the name of this one.
const fn is_repeated(pattern: &[u8], segment: Segment) -> bool {
    let mut next = Some(1);
    while let Some(at) = next {
        let earlier = segment_at(pattern, at);
        if earlier.from >= segment.from {
            return false;
        }
        let same = eq(pattern, earlier.from, earlier.to, pattern, segment.from, segment.to);
        if same && !matches!(earlier.kind, Kind::Static) {
            return true;
        }
        next = earlier.next(pattern);
    }
    false
}

/// `bytes[from..to]`, clamped.
pub(super) const fn slice(bytes: &[u8], from: usize, to: usize) -> &[u8] {
    let (bytes, _) = match bytes.split_at_checked(to) {
        Some(halves) => halves,
        None => (bytes, bytes),
    };
    match bytes.split_at_checked(from) {
        Some((_, rest)) => rest,
        None => &[],
    }
}

/// Whether `a[from..to]` is `b[from..to]`.
pub(super) const fn eq(a: &[u8], a_from: usize, a_to: usize, b: &[u8], b_from: usize, b_to: usize) -> bool {
    let mut a = slice(a, a_from, a_to);
    let mut b = slice(b, b_from, b_to);
    if a.len() != b.len() {
        return false;
    }
    while let ([x, a_rest @ ..], [y, b_rest @ ..]) = (a, b) {
        if *x != *y {
            return false;
        }
        a = a_rest;
        b = b_rest;
    }
    true
}

/// The parameters of a pattern with their values in a path that it matches, from left to right.
///
/// Nothing is stored: the pattern and the path are walked side by side, so a job that outlives the match needs
/// to keep only these two.
#[derive(Clone, Copy, Debug)]
pub struct Params<'m> {
    pattern: &'m str,
    path: &'m str,
    /// Where the next segment begins in each; `None` after the last.
    next: Option<(usize, usize)>,
}

impl<'m> Params<'m> {
    /// The parameters of `pattern` in `path`, which must match it.
    pub const fn new(pattern: &'m str, path: &'m str) -> Params<'m> {
        Params { pattern, path, next: Some((1, 1)) }
    }

    /// The value of the parameter `name`: decoded, not empty for a `:name`.
    pub fn value(mut self, name: &str) -> Option<&'m str> {
        self.find(|&(key, _)| key == name).map(|(_, value)| value)
    }
}

/// A segment of a pattern and what it takes of a path, and where both are.
pub(super) struct Pair {
    pub(super) kind: Kind,
    name: (usize, usize),
    value: (usize, usize),
}

impl<'m> Params<'m> {
    /// As `next`, in less code.
    pub(super) fn next_in_short(&mut self) -> Option<(&'m str, &'m str)> {
        loop {
            let Pair { kind, name, value } = self.pair()?;
            if kind != Kind::Static {
                return Some((self.pattern.get(name.0..name.1)?, self.path.get(value.0..value.1)?));
            }
        }
    }

    /// The next segment of the pattern with what it takes of the path; `None` behind the last one, and where the path
    /// does not fit.
    #[inline(never)]
    pub(super) fn pair(&mut self) -> Option<Pair> {
        let (in_pattern, in_path) = self.next?;
        let (pattern, path) = (self.pattern.as_bytes(), self.path.as_bytes());
        let (wanted, found) = (pattern.get(in_pattern..)?, path.get(in_path..));
        if let [b'*', ..] = wanted {
            // `/a/*rest` takes `/a` as well, so a rest may begin past the end.
            let from = in_path.min(path.len());
            self.next = None;
            let name = (in_pattern.wrapping_add(1), pattern.len());
            return Some(Pair { kind: Kind::Rest, name, value: (from, path.len()) });
        }
        let (wanted, found) = (first_segment(wanted), first_segment(found?));
        let (kind, fits) = match wanted {
            [b':', ..] => (Kind::Param, !found.is_empty()),
            _ => (Kind::Static, wanted == found),
        };
        if !fits {
            return None;
        }
        let name = (
            in_pattern.wrapping_add(usize::from(kind == Kind::Param)),
            in_pattern.wrapping_add(wanted.len()),
        );
        let value = (in_path, in_path.wrapping_add(found.len()));
        self.next = Some((name.1.wrapping_add(1), value.1.wrapping_add(1)));
        Some(Pair { kind, name, value })
    }

    /// Whether both have come to their ends.
    pub(super) fn is_through(&self) -> bool {
        self.next == Some((self.pattern.len().wrapping_add(1), self.path.len().wrapping_add(1)))
    }
}

/// Up to the next slash.
fn first_segment(text: &[u8]) -> &[u8] {
    let len = crate::scan::find(b'/', text).unwrap_or(text.len());
    text.get(..len).unwrap_or(text)
}

impl<'m> Iterator for Params<'m> {
    type Item = (&'m str, &'m str);

    #[inline]
    fn next(&mut self) -> Option<(&'m str, &'m str)> {
        let (pattern, path) = (self.pattern, self.path);
        if SMALL {
            return self.next_in_short();
        }
        while let Some((in_pattern, in_path)) = self.next {
            let wanted = segment::Segment::of(pattern.as_bytes(), in_pattern);
            let name = in_pattern.saturating_add(1)..wanted.end();
            if pattern.as_bytes().get(in_pattern) == Some(&b'*') {
                self.next = None;
                // `/a/*rest` matches `/a`, so a rest may begin past the end.
                return Some((pattern.get(name)?, path.get(in_path..).unwrap_or("")));
            }
            let value = segment::Segment::of(path.as_bytes(), in_path);
            let more = wanted.end() < pattern.len();
            self.next = more.then(|| (wanted.end().saturating_add(1), value.end().saturating_add(1)));
            if pattern.as_bytes().get(in_pattern) == Some(&b':') {
                return Some((pattern.get(name)?, path.get(value.from..value.end())?));
            }
        }
        None
    }
}
