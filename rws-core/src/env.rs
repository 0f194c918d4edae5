//! What a driver lends to every verb of a connection.

use crate::{Instant, Limits};

/// The surroundings of one call: the time, the limits in force and the rendered `Date` value.
#[derive(Clone, Copy, Debug)]
pub struct Env<'e> {
    /// The monotonic time of this turn.
    pub now: Instant,
    /// Every limit in force; one set per listener.
    pub limits: &'e Limits,
    /// The IMF-fixdate for the `Date` field (29 bytes, RFC 9110 §5.6.7); `None` on a device without a
    /// clock, which then sends no `Date` (RFC 9110 §6.6.1).
    pub date: Option<&'e [u8; 29]>,
}
