//! What a head says about the connection and the exchange: `Connection`, `Upgrade`, `Expect`.

use crate::PeerFault;
use crate::SMALL;
use crate::message::{Version, word_at};

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
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn with_options(self, value: &[u8]) -> Control {
        // Nearly all that is ever sent.
        if value == b"keep-alive" && !SMALL {
            Control(self.0 | KEEP_ALIVE)
        } else {
            self.with_any_options(value)
        }
    }

    #[inline(never)]
    fn with_any_options(self, value: &[u8]) -> Control {
        let mut said = self.0;
        for option in value.split(|&byte| byte == b',').map(|option| option.trim_ascii()) {
            said |= match word_at(b"close keep-alive upgrade", option) {
                Some(0) => CLOSE,
                Some(1) => KEEP_ALIVE,
                Some(_) => LISTS_UPGRADE,
                None => 0,
            };
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

    /// What all that means in a message of this version.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    pub(super) fn meaning(self, version: Version) -> Meaning {
        if self.0 & !KEEP_ALIVE == 0 && version == Version::Http11 {
            return Meaning { persistent: true, upgrade: false, expects_continue: false };
        }
        let says = |flags: u8| self.0 & flags == flags;
        let is_old = version == Version::Http10;
        Meaning {
            persistent: !says(CLOSE) && (says(KEEP_ALIVE) || !is_old),
            upgrade: says(LISTS_UPGRADE | HAS_UPGRADE) && !is_old,
            expects_continue: says(EXPECTS_CONTINUE) && !is_old,
        }
    }
}

/// What a head wants of the connection and the exchange.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meaning {
    /// The connection may be used again (RFC 9112 §9.3).
    pub(super) persistent: bool,
    /// An upgrade is asked for: both fields, and not in HTTP/1.0 (RFC 9110 §7.8).
    pub(super) upgrade: bool,
    /// The client waits for `100 (Continue)`; in HTTP/1.0 that is ignored (RFC 9110 §10.1.1).
    pub(super) expects_continue: bool,
}
