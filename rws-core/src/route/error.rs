//! What can be wrong with a table.

use core::fmt;

/// A table that cannot be made, and because of which route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteError {
    /// The place of the route in the table.
    pub route: usize,
    /// What is wrong with it.
    pub fault: RouteFault,
}

/// What is wrong with a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteFault {
    /// The pattern does not begin with `/`.
    NoLeadingSlash,
    /// `//` in the pattern, which no canonical path has.
    EmptySegment,
    /// A `.` or `..` segment, which no canonical path has.
    DotSegment,
    /// A byte that no canonical path has, an escape (write it decoded), or `?` or `#`.
    BadByte,
    /// The name behind `:` or `*` is not a letter or `_` and then letters, digits and `_`.
    BadName,
    /// Two parameters of one name.
    RepeatedName,
    /// A `*` that does not stand at the start of the last segment.
    RestNotLast,
    /// More segments than [`SEGMENTS_MAX`](super::SEGMENTS_MAX), or a pattern longer than 65,535 bytes.
    TooLong,
    /// More routes or segments than 65,534.
    TooMany,
    /// No methods.
    NoMethods,
    /// A host in a table by specificity, where it would be ambiguous.
    HostInSpecific,
    /// The host is not a name, an address, or `*.` and a name.
    BadHost,
    /// The same shape (parameter names aside) and a method in common with the route at this place.
    Duplicate(usize),
}

impl RouteFault {
    /// One line that says what is wrong and what to do.
    pub const fn text(self) -> &'static str {
        match self {
            RouteFault::NoLeadingSlash => "a pattern must begin with `/`",
            RouteFault::EmptySegment => "`//` never matches; write one slash",
            RouteFault::DotSegment => "a `.` or `..` segment never matches; leave it out",
            RouteFault::BadByte => {
                "a pattern is written decoded, without `?`, `#`, `\\`, escapes and control characters"
            }
            RouteFault::BadName => {
                "a parameter needs a name of letters, digits and `_`, not beginning with a digit"
            }
            RouteFault::RepeatedName => "two parameters have the same name; rename one",
            RouteFault::RestNotLast => "`*` must begin the last segment",
            RouteFault::TooLong => "the pattern has too many segments",
            RouteFault::TooMany => "the table has too many routes",
            RouteFault::NoMethods => "the route has no methods",
            RouteFault::HostInSpecific => "a route with a host needs a table in line order",
            RouteFault::BadHost => "a host must be a name, an address, or `*.` and a name, without a port",
            RouteFault::Duplicate(_) => "another route has the same shape and method; remove one",
        }
    }
}

impl fmt::Display for RouteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "route {}: {}", self.route, self.fault)?;
        if let RouteFault::Duplicate(other) = self.fault {
            write!(f, " (it is route {other})")?;
        }
        Ok(())
    }
}

impl core::error::Error for RouteError {}
