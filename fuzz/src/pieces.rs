//! The tail of an input, as the places where the rest is cut.

/// How many bytes at the end of an input are control.
const CONTROL: usize = 4;

/// What comes before the control bytes, and those.
pub fn split(data: &[u8]) -> (&[u8], [u8; CONTROL]) {
    match data.split_last_chunk() {
        Some((rest, control)) => (rest, *control),
        None => (data, [0; CONTROL]),
    }
}

/// `bytes` in pieces: three sizes in turn, each up to 255 bytes; a size of 0 takes the rest.
pub fn cut(bytes: &[u8], sizes: [u8; 3]) -> Vec<&[u8]> {
    let (mut pieces, mut rest, mut sizes) = (Vec::new(), bytes, sizes.into_iter().cycle());
    while !rest.is_empty() {
        let size = match sizes.next() {
            None | Some(0) => rest.len(),
            Some(size) => usize::from(size).min(rest.len()),
        };
        let (piece, more) = rest.split_at(size);
        pieces.push(piece);
        rest = more;
    }
    pieces
}

/// Every byte by itself.
pub fn bytes(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.chunks(1).collect()
}
