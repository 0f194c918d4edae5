//! Which bytes belong to which class: the one table that every kernel is tested against.

/// A token byte (RFC 9110 §5.6.2).
pub(super) const TOKEN: u8 = 1;
/// A byte that may stand in a field value: SP, HTAB, visible ASCII, obs-text (RFC 9110 §5.5).
pub(super) const TEXT: u8 = 1 << 1;
/// Visible ASCII: what a request target is made of before its own syntax is looked at.
pub(super) const TARGET: u8 = 1 << 2;

/// The classes of each byte.
pub(super) static CLASSES: [u8; 256] = classes();

/// Whether `byte` is in `class`.
#[inline(always)]
pub(super) fn is(byte: u8, class: u8) -> bool {
    // The index is a byte and the table has 256 entries: no check is left after optimisation.
    CLASSES.get(usize::from(byte)).is_some_and(|classes| classes & class != 0)
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = classes_of(byte as u8);
        byte += 1;
    }
    table
}

const fn classes_of(byte: u8) -> u8 {
    let mut classes = 0;
    if byte.is_ascii_alphanumeric() || is_token_mark(byte) {
        classes |= TOKEN;
    }
    if byte == b'\t' || (byte >= b' ' && byte != 0x7f) {
        classes |= TEXT;
    }
    if byte > b' ' && byte < 0x7f {
        classes |= TARGET;
    }
    classes
}

const fn is_token_mark(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'#'
            | b'$'
            | b'%'
            | b'&'
            | b'\''
            | b'*'
            | b'+'
            | b'-'
            | b'.'
            | b'^'
            | b'_'
            | b'`'
            | b'|'
            | b'~'
    )
}
