//! When to parse a head that arrives in pieces.

use super::Stop;
use crate::PeerFault;
use crate::scan::{Kernel, Task};

/// Reads one kind of head, all at once.
///
/// A trait, and none of the code below is in closures, since those cannot be told to be inlined into the code
/// that is compiled for a kernel.
pub(super) trait Parser {
    /// What it reads.
    type Head;

    /// Parses the head at the start of `bytes`. Implementations are `#[inline(always)]`.
    fn parse<K: Kernel>(self, kernel: K, bytes: &[u8]) -> Result<Self::Head, Stop>;
}

/// One call for one head, which may have been called for before with fewer bytes.
pub(super) struct Resume<'a, P> {
    /// The bytes so far, from the head's first on.
    pub(super) bytes: &'a [u8],
    /// How many of them earlier calls have looked at.
    pub(super) scanned: &'a mut u16,
    /// The longest head: bytes.
    pub(super) max: u16,
    /// The fault of a longer one.
    pub(super) too_large: PeerFault,
    /// Who reads it.
    pub(super) parser: P,
}

impl<P: Parser> Task for Resume<'_, P> {
    type Output = Result<Option<P::Head>, PeerFault>;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> Self::Output {
        let max = usize::from(self.max);
        let is_full = self.bytes.len() >= max;
        let window = self.bytes.get(..max).unwrap_or(self.bytes);
        if is_full || is_due(kernel, window, usize::from(*self.scanned)) {
            match self.parser.parse(kernel, window) {
                Ok(head) => return Ok(Some(head)),
                Err(Stop::Fault(fault)) => return Err(fault),
                Err(Stop::Incomplete) => {}
            }
        }
        if is_full {
            return Err(self.too_large);
        }
        *self.scanned = window.len() as u16;
        Ok(None)
    }
}

/// Whether a parse of `window` is worth its while, when `scanned` bytes of it were looked at before.
#[inline(always)]
fn is_due<K: Kernel>(kernel: K, window: &[u8], scanned: usize) -> bool {
    scanned == 0
        || window.len().leading_zeros() < scanned.leading_zeros()
        || is_decided(kernel, window, scanned)
}

/// Whether the bytes from `from` on complete an empty line, or hold a byte that no head has.
#[inline(always)]
fn is_decided<K: Kernel>(kernel: K, window: &[u8], from: usize) -> bool {
    let mut at = from;
    if window.get(at.wrapping_sub(1)) == Some(&b'\r') && window.get(at).is_some_and(|&byte| byte != b'\n') {
        return true;
    }
    loop {
        at = kernel.text_end(window, at);
        match window.get(at) {
            None => return false,
            Some(b'\n') => {
                let before = window.get(..at).unwrap_or(&[]);
                if !before.ends_with(b"\r") || before.ends_with(b"\r\n\r") {
                    return true;
                }
            }
            Some(b'\r') => {
                if window.get(at.wrapping_add(1)).is_some_and(|&byte| byte != b'\n') {
                    return true;
                }
            }
            Some(_) => return true,
        }
        at = at.wrapping_add(1);
    }
}
