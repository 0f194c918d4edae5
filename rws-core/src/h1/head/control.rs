//! What a head says about the connection and the exchange: `Connection`, `Upgrade`, `Expect`.

use super::fields::Line;
use crate::PeerFault;
use crate::message::{KnownName, Version};

/// The connection options and expectations of a head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Control {
    version: Version,
    close: bool,
    keep_alive: bool,
    lists_upgrade: bool,
    has_upgrade: bool,
    expect_continue: bool,
}

impl Control {
    /// Of a head that has said nothing yet.
    pub(super) const fn new(version: Version) -> Control {
        Control {
            version,
            close: false,
            keep_alive: false,
            lists_upgrade: false,
            has_upgrade: false,
            expect_continue: false,
        }
    }

    /// Takes note of a `Connection` or `Upgrade` line.
    pub(super) fn note(&mut self, line: Line<'_>) {
        match line.name {
            KnownName::Connection => self.options(line.value()),
            KnownName::Upgrade => self.has_upgrade |= line.span.len != 0,
            _ => {}
        }
    }

    /// Takes note of an `Expect` line (RFC 9110 §10.1.1).
    pub(super) fn expect(&mut self, value: &[u8]) -> Result<(), PeerFault> {
        if !value.eq_ignore_ascii_case(b"100-continue") {
            return Err(PeerFault::ExpectationUnknown);
        }
        self.expect_continue = true;
        Ok(())
    }

    fn options(&mut self, value: &[u8]) {
        for option in value.split(|&byte| byte == b',').map(|option| option.trim_ascii()) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.lists_upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
    }

    /// Whether the connection may be used again (RFC 9112 §9.3).
    pub(super) const fn is_persistent(self) -> bool {
        !self.close && (self.keep_alive || matches!(self.version, Version::Http11))
    }

    /// Whether an upgrade is asked for: both fields, and not in HTTP/1.0 (RFC 9110 §7.8).
    pub(super) const fn asks_upgrade(self) -> bool {
        self.has_upgrade && self.lists_upgrade && matches!(self.version, Version::Http11)
    }

    /// Whether the client waits for `100 (Continue)`; in HTTP/1.0 that is ignored (RFC 9110 §10.1.1).
    pub(super) const fn expects_continue(self) -> bool {
        self.expect_continue && matches!(self.version, Version::Http11)
    }
}
