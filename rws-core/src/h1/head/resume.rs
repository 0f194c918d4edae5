//! When to parse a head that arrives in pieces.

use super::Stop;
use crate::scan::{Kernel, Task};
use crate::{PeerFault, SMALL};

/// Reads one kind of head, all at once.
///
/// A trait, and none of the code below is in closures, since those cannot be told to be inlined into the code
/// that is compiled for a kernel.
pub(super) trait Parser {
    /// What it reads. A parse fills one that is as [`Parser::parse`] wants it.
    type Head;

    /// The fault of a head that is longer than [`Parser::bytes_max`].
    const TOO_LARGE: PeerFault;

    /// The longest head: bytes.
    fn bytes_max(&self) -> u16;

    /// Parses the head at the start of `bytes` into `head`, which nothing was written to before.
    /// Implementations are `#[cfg_attr(not(target_os = "none"), inline(always))]`.
    fn parse<K: Kernel>(self, kernel: K, bytes: &[u8], head: &mut Self::Head) -> Result<(), Stop>;
}

/// One call for one head, which may have been called for before with fewer bytes.
pub(super) struct Resume<P>(pub(super) P);

impl<P: Parser> Task for Resume<P> {
    type Output = Result<(), Stop>;
    type Place = P::Head;

    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn run<K: Kernel>(self, kernel: K, bytes: &[u8], scanned: &mut u16, head: &mut P::Head) -> Self::Output {
        let max = usize::from(self.0.bytes_max());
        let is_full = bytes.len() >= max;
        let window = bytes.get(..max).unwrap_or(bytes);
        if (*scanned == 0 && !SMALL) || is_full || is_due(kernel, window, usize::from(*scanned)) {
            match self.0.parse(kernel, window, head) {
                Err(Stop::Incomplete) => {}
                done => return done,
            }
        }
        if is_full {
            return Err(Stop::Fault(P::TOO_LARGE));
        }
        *scanned = window.len() as u16;
        Err(Stop::Incomplete)
    }
}

/// Whether a parse of `window` is worth its while, when `scanned` bytes of it were looked at before.
#[cfg_attr(not(target_os = "none"), inline(always))]
#[cfg_attr(target_os = "none", inline(never))]
fn is_due<K: Kernel>(kernel: K, window: &[u8], scanned: usize) -> bool {
    scanned == 0
        || window.len().leading_zeros() < scanned.leading_zeros()
        || is_decided(kernel, window, scanned)
}

/// Whether the bytes from `from` on complete an empty line, or hold a byte that no head has.
#[cfg_attr(not(target_os = "none"), inline(always))]
fn is_decided<K: Kernel>(kernel: K, window: &[u8], from: usize) -> bool {
    if SMALL {
        // Where memory is short, at any byte that might decide it, and once more behind it: a head is short there, and
        // has few lines.
        return kernel.text_end(window, from.wrapping_sub(1)).byte.is_some();
    }
    let mut at = from;
    if window.get(at.wrapping_sub(1)) == Some(&b'\r') && window.get(at).is_some_and(|&byte| byte != b'\n') {
        return true;
    }
    loop {
        let end = kernel.text_end(window, at);
        match end.byte {
            None => return false,
            Some(b'\n') => {
                let before = window.get(..end.at).unwrap_or(&[]);
                if !before.ends_with(b"\r") || before.ends_with(b"\r\n\r") {
                    return true;
                }
            }
            Some(b'\r') => {
                if window.get(end.at.wrapping_add(1)).is_some_and(|&byte| byte != b'\n') {
                    return true;
                }
            }
            Some(_) => return true,
        }
        at = end.at.wrapping_add(1);
    }
}
