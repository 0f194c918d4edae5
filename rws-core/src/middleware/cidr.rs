//! Sets of IP addresses, written as CIDR prefixes.
//!
//! ```text
//!   10.0.0.0/8      ─┐ sorted by family and first address; each entry knows the smallest one around it
//!     10.1.0.0/16   ─┤
//!       10.1.2.3    ─┘ a look-up finds the last entry that starts at or before the address, then climbs:
//!                      the first that holds the address is the longest prefix
//! ```
//!
//! An IPv4 address mapped into IPv6 (`::ffff:10.1.2.3`, RFC 4291 §2.5.5.2) is that IPv4 address, in entries
//! and in what is looked up. `::/0` therefore holds no IPv4 address.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};

/// Anything that knows whether an address belongs to it: a [`CidrSet`], or a closure (over a list that is
/// swapped while the server runs, say).
pub trait IpSet {
    /// Whether `address` belongs to the set.
    fn contains(&self, address: IpAddr) -> bool;
}

impl<F: Fn(IpAddr) -> bool> IpSet for F {
    fn contains(&self, address: IpAddr) -> bool {
        self(address)
    }
}

/// The set without an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoAddress;

impl IpSet for NoAddress {
    fn contains(&self, _address: IpAddr) -> bool {
        false
    }
}

/// A short constant list. Looked through from front to back.
#[derive(Clone, Copy, Debug)]
pub struct CidrList(pub &'static [Cidr]);

impl IpSet for CidrList {
    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|cidr| cidr.contains(address))
    }
}

/// One prefix: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    is_v6: bool,
    /// The address; of IPv4 the top 32 bits.
    bits: u128,
    prefix: u8,
}

impl Cidr {
    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or a bare address, which stands for itself alone.
    ///
    /// # Errors
    /// [`CidrFault`], also if bits beyond the prefix are set (`10.0.0.1/8`): that is a slip more often than
    /// not, and guessing would block or admit the wrong addresses.
    pub fn parse(text: &str) -> Result<Cidr, CidrFault> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| CidrFault::Address)?;
        let longest = if address.is_ipv6() { 128 } else { 32 };
        let prefix = match prefix {
            Some(digits) => decimal(digits).filter(|&n| n <= longest).ok_or(CidrFault::Prefix)?,
            None => longest,
        };
        let cidr = match address {
            IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() && prefix >= MAPPED_PREFIX => {
                Cidr { prefix: prefix.saturating_sub(MAPPED_PREFIX), ..Cidr::one(address) }
            }
            IpAddr::V6(v6) => Cidr { is_v6: true, bits: v6.to_bits(), prefix },
            IpAddr::V4(_) => Cidr { prefix, ..Cidr::one(address) },
        };
        if cidr.bits & !mask(cidr.prefix) != 0 { Err(CidrFault::HostBits) } else { Ok(cidr) }
    }

    /// The prefix that holds `address` alone.
    pub fn one(address: IpAddr) -> Cidr {
        match address.to_canonical() {
            IpAddr::V4(v4) => Cidr { is_v6: false, bits: u128::from(v4.to_bits()) << 96, prefix: 32 },
            IpAddr::V6(v6) => Cidr { is_v6: true, bits: v6.to_bits(), prefix: 128 },
        }
    }

    /// `address/prefix`, for constants; `None` where [`Cidr::parse`] would refuse it.
    pub const fn v4(address: [u8; 4], prefix: u8) -> Option<Cidr> {
        let bits = (u32::from_be_bytes(address) as u128) << 96;
        let is_whole = prefix <= 32 && bits << prefix == 0;
        if is_whole { Some(Cidr { is_v6: false, bits, prefix }) } else { None }
    }

    /// Whether `address` is inside.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.holds(&Cidr::one(address))
    }

    fn holds(&self, other: &Cidr) -> bool {
        self.is_v6 == other.is_v6
            && self.prefix <= other.prefix
            && (self.bits ^ other.bits) & mask(self.prefix) == 0
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v6 = Ipv6Addr::from_bits(self.bits);
        if self.is_v6 {
            write!(f, "{v6}/{}", self.prefix)
        } else {
            let [a, b, c, d, ..] = v6.octets();
            write!(f, "{a}.{b}.{c}.{d}/{}", self.prefix)
        }
    }
}

/// Bits of `::ffff:0:0/96`.
const MAPPED_PREFIX: u8 = 96;

const fn mask(prefix: u8) -> u128 {
    match u128::MAX.checked_shl(128_u32.saturating_sub(prefix as u32)) {
        Some(mask) => mask,
        None => 0,
    }
}

fn decimal(digits: &str) -> Option<u8> {
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let has_leading_zero = digits.len() > 1 && digits.starts_with('0');
    if is_plain && !has_leading_zero { digits.parse().ok() } else { None }
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CidrFault {
    /// Not an IPv4 or IPv6 address before the slash.
    Address,
    /// Not a whole number of bits after the slash, or more bits than the address has.
    Prefix,
    /// Bits beyond the prefix are set.
    HostBits,
    /// More entries than the memory for them.
    TooMany,
}

impl fmt::Display for CidrFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CidrFault::Address => "not an IP address",
            CidrFault::Prefix => "the number of bits after the slash is missing or too large",
            CidrFault::HostBits => "bits beyond the prefix are set; write the network's first address",
            CidrFault::TooMany => "more entries than there is memory for",
        })
    }
}

/// A list that is not a [`CidrSet`], and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CidrError {
    /// Which entry, counted from 0.
    pub position: usize,
    /// What is wrong with it.
    pub fault: CidrFault,
}

impl fmt::Display for CidrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {}: {}", self.position.saturating_add(1), self.fault)
    }
}

impl core::error::Error for CidrError {}

/// A slot of the memory of a [`CidrSet`]. Opaque.
#[derive(Clone, Copy, Debug)]
pub struct CidrSlot {
    cidr: Cidr,
    is_exception: bool,
    /// The slot of the smallest prefix around this one; its own if there is none.
    around: u32,
}

impl CidrSlot {
    /// A slot to fill arrays with.
    pub const EMPTY: CidrSlot =
        CidrSlot { cidr: Cidr { is_v6: false, bits: 0, prefix: 0 }, is_exception: false, around: 0 };
}

/// A set of prefixes and exceptions in memory of its own (`[CidrSlot; N]`, a `Vec`) or lent
/// (`&mut [CidrSlot]`). The longest prefix that holds an address decides.
///
/// ```
/// use rws_core::middleware::{CidrSet, CidrSlot, IpSet};
///
/// let list = ["10.0.0.0/8", "!10.1.0.0/16", "2001:db8::/32"];
/// let set = CidrSet::parse_in([CidrSlot::EMPTY; 3], list)?;
/// assert!(set.contains("10.2.3.4".parse()?) && !set.contains("10.1.3.4".parse()?));
/// assert!(set.contains("::ffff:10.2.3.4".parse()?));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CidrSet<M> {
    slots: M,
    count: usize,
}

impl<M: AsRef<[CidrSlot]> + AsMut<[CidrSlot]>> CidrSet<M> {
    /// Reads entries: prefixes as [`Cidr::parse`] reads them, and after a `!` exceptions, which take their
    /// addresses out of a wider prefix. Of two equal prefixes the later entry holds.
    ///
    /// # Errors
    /// The first entry that is malformed or does not fit.
    pub fn parse_in<'t>(
        mut slots: M,
        entries: impl IntoIterator<Item = &'t str>,
    ) -> Result<CidrSet<M>, CidrError> {
        let mut count = 0_usize;
        for (position, entry) in entries.into_iter().enumerate() {
            let at = |fault| CidrError { position, fault };
            let (text, is_exception) = match entry.strip_prefix('!') {
                Some(text) => (text, true),
                None => (entry, false),
            };
            let cidr = Cidr::parse(text).map_err(at)?;
            // For the time of sorting, the order among equals.
            let around = u32::try_from(position).map_err(|_| at(CidrFault::TooMany))?;
            let slot = slots.as_mut().get_mut(count).ok_or(at(CidrFault::TooMany))?;
            *slot = CidrSlot { cidr, is_exception, around };
            count = count.saturating_add(1);
        }
        let count = arrange(slots.as_mut().get_mut(..count).unwrap_or_default());
        Ok(CidrSet { slots, count })
    }

    /// How many different prefixes there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Sorts the slots, drops all but the last of equal prefixes, and links each to the one around it; says how
/// many stay.
fn arrange(slots: &mut [CidrSlot]) -> usize {
    slots.sort_unstable_by_key(|slot| (slot.cidr, slot.around));
    let mut kept = 0_usize;
    for at in 0..slots.len() {
        let Some(&slot) = slots.get(at) else { break };
        let last = kept.checked_sub(1);
        let is_again = last.and_then(|last| slots.get(last)).is_some_and(|last| last.cidr == slot.cidr);
        let place = if is_again { kept.saturating_sub(1) } else { kept };
        // What is around it is the slot before it, or one around that.
        let before =
            place.checked_sub(1).map_or(place, |before| climb(slots, before, &slot.cidr).unwrap_or(place));
        if let Some(to) = slots.get_mut(place) {
            *to = CidrSlot { around: u32::try_from(before).unwrap_or(u32::MAX), ..slot };
        }
        kept = place.saturating_add(1);
    }
    kept
}

/// From the slot at `from` outwards: the first that holds `wanted`.
fn climb(slots: &[CidrSlot], from: usize, wanted: &Cidr) -> Option<usize> {
    let mut at = from;
    loop {
        let slot = slots.get(at)?;
        if slot.cidr.holds(wanted) {
            return Some(at);
        }
        let around = usize::try_from(slot.around).ok()?;
        if around >= at {
            return None;
        }
        at = around;
    }
}

impl<M: AsRef<[CidrSlot]>> IpSet for CidrSet<M> {
    fn contains(&self, address: IpAddr) -> bool {
        let slots = self.slots.as_ref().get(..self.count).unwrap_or(&[]);
        let wanted = Cidr::one(address);
        let after = slots.partition_point(|slot| slot.cidr <= wanted);
        let found = after.checked_sub(1).and_then(|last| climb(slots, last, &wanted));
        found.and_then(|at| slots.get(at)).is_some_and(|slot| !slot.is_exception)
    }
}

#[cfg(feature = "alloc")]
impl CidrSet<alloc::vec::Vec<CidrSlot>> {
    /// As [`CidrSet::parse_in`], with memory from the heap.
    ///
    /// # Errors
    /// The first entry that is malformed.
    pub fn parse<'t>(entries: impl IntoIterator<Item = &'t str>) -> Result<Self, CidrError> {
        let entries: alloc::vec::Vec<&str> = entries.into_iter().collect();
        CidrSet::parse_in(alloc::vec![CidrSlot::EMPTY; entries.len()], entries)
    }
}

#[cfg(test)]
mod tests;
