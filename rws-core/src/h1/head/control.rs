//! What a head says about the connection and the exchange: `Connection`, `Upgrade`, `Expect`.

use crate::PeerFault;
use crate::message::Version;

/// The connection options and expectations of a head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Control(u8);

const CLOSE: u8 = 1;
const KEEP_ALIVE: u8 = 1 << 1;
const LISTS_UPGRADE: u8 = 1 << 2;
const HAS_UPGRADE: u8 = 1 << 3;
const EXPECTS_CONTINUE: u8 = 1 << 4;

impl Control {
    /// Of a head that has said nothing yet.
    pub(super) const NONE: Control = Control(0);

    /// With a `Connection` line (RFC 9110 §7.6.1).
    pub(super) fn with_options(self, value: &[u8]) -> Control {
        // Nearly all that is ever sent.
        if value == b"keep-alive" {
            return Control(self.0 | KEEP_ALIVE);
        }
        let mut said = self.0;
        for option in value.split(|&byte| byte == b',').map(|option| option.trim_ascii()) {
            for (name, flag) in
                [(&b"close"[..], CLOSE), (b"keep-alive", KEEP_ALIVE), (b"upgrade", LISTS_UPGRADE)]
            {
                if option.eq_ignore_ascii_case(name) {
                    said |= flag;
                }
            }
        }
        Control(said)
    }

    /// With an `Upgrade` line.
    pub(super) const fn with_upgrade(self, value: &[u8]) -> Control {
        if value.is_empty() { self } else { Control(self.0 | HAS_UPGRADE) }
    }

    /// With an `Expect` line (RFC 9110 §10.1.1).
    pub(super) fn with_expectation(self, value: &[u8]) -> Result<Control, PeerFault> {
        if value.eq_ignore_ascii_case(b"100-continue") {
            Ok(Control(self.0 | EXPECTS_CONTINUE))
        } else {
            Err(PeerFault::ExpectationUnknown)
        }
    }

    /// Whether the connection may be used again (RFC 9112 §9.3).
    #[inline(always)]
    pub(super) const fn is_persistent(self, version: Version) -> bool {
        match version {
            Version::Http10 => self.0 & (CLOSE | KEEP_ALIVE) == KEEP_ALIVE,
            Version::Http11 | Version::Http2 | Version::Http3 => self.0 & CLOSE == 0,
        }
    }

    /// Whether an upgrade is asked for: both fields, and not in HTTP/1.0 (RFC 9110 §7.8).
    #[inline(always)]
    pub(super) fn asks_upgrade(self, version: Version) -> bool {
        self.0 & (LISTS_UPGRADE | HAS_UPGRADE) == LISTS_UPGRADE | HAS_UPGRADE && version != Version::Http10
    }

    /// Whether the client waits for `100 (Continue)`; in HTTP/1.0 that is ignored (RFC 9110 §10.1.1).
    #[inline(always)]
    pub(super) fn expects_continue(self, version: Version) -> bool {
        self.0 & EXPECTS_CONTINUE != 0 && version != Version::Http10
    }
}
