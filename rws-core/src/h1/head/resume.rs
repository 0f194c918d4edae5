//! When to parse a head that arrives in pieces.

use super::Stop;
use crate::PeerFault;
use crate::scan::Kernel;

/// The bytes of one head so far, and what it may grow to.
pub(super) struct Window<'a> {
    /// The bytes, from the head's first on.
    pub(super) bytes: &'a [u8],
    /// The longest head: bytes.
    pub(super) max: u16,
    /// The fault of a longer one.
    pub(super) too_large: PeerFault,
}

impl Window<'_> {
    /// Calls `parse` if that is due, and keeps `scanned`.
    #[inline(always)]
    pub(super) fn resume<K: Kernel, T>(
        self,
        kernel: K,
        scanned: &mut u16,
        parse: impl FnOnce(&[u8]) -> Result<T, Stop>,
    ) -> Result<Option<T>, PeerFault> {
        let window = self.bytes.get(..usize::from(self.max)).unwrap_or(self.bytes);
        let is_full = self.bytes.len() >= usize::from(self.max);
        if is_full || is_due(kernel, window, usize::from(*scanned)) {
            match parse(window) {
                Ok(parsed) => return Ok(Some(parsed)),
                Err(Stop::Fault(fault)) => return Err(fault),
                Err(Stop::Incomplete) => {}
            }
        }
        if is_full {
            return Err(self.too_large);
        }
        *scanned = u16::try_from(window.len()).unwrap_or(u16::MAX);
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
