//! Sets of methods.

use core::fmt;

use crate::Method;

/// A set of methods; [`Method::Other`] stands for all that have no name here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct MethodSet(u16);

impl MethodSet {
    /// No method.
    pub const NONE: MethodSet = MethodSet(0);
    /// Every method, also those without a name here.
    pub const ANY: MethodSet = MethodSet((1 << (Method::Other as u16 + 1)) - 1);

    /// The set of these.
    pub const fn of(methods: &[Method]) -> MethodSet {
        let mut set = MethodSet::NONE;
        let mut rest = methods;
        while let [method, tail @ ..] = rest {
            set = set.with(*method);
            rest = tail;
        }
        set
    }

    /// This set and `method`.
    #[must_use]
    pub const fn with(self, method: Method) -> MethodSet {
        MethodSet(self.0 | (1 << method as u16))
    }

    /// This set without `method`.
    #[must_use]
    pub const fn without(self, method: Method) -> MethodSet {
        MethodSet(self.0 & !(1 << method as u16))
    }

    /// Both sets.
    #[must_use]
    pub const fn union(self, other: MethodSet) -> MethodSet {
        MethodSet(self.0 | other.0)
    }

    /// What is in both sets.
    #[must_use]
    pub const fn intersection(self, other: MethodSet) -> MethodSet {
        MethodSet(self.0 & other.0)
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `method` is in it.
    pub const fn has(self, method: Method) -> bool {
        self.0 & (1 << method as u16) != 0
    }

    /// Whether all of `other` is in it.
    pub const fn has_all(self, other: MethodSet) -> bool {
        self.0 & other.0 == other.0
    }

    /// What a route declared with this set serves: HEAD wherever there is GET (RFC 9110 §9.3.2).
    #[must_use]
    pub const fn served(self) -> MethodSet {
        if self.has(Method::Get) { self.with(Method::Head) } else { self }
    }

    /// The methods in it that have a name.
    pub fn iter(self) -> impl Iterator<Item = Method> {
        Method::NAMED.into_iter().filter(move |&method| self.has(method))
    }
}

/// The value of an `Allow` field: `GET, HEAD, OPTIONS`.
impl fmt::Display for MethodSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().enumerate().try_for_each(|(at, method)| {
            f.write_str(if at == 0 { "" } else { ", " })?;
            f.write_str(method.as_str())
        })
    }
}

impl fmt::Debug for MethodSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MethodSet({self}{})", if self.has(Method::Other) { ", …" } else { "" })
    }
}
