//! The two sides of a connection.

/// Which side of a connection one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Role {
    /// It opened the connection and asks. Its streams are odd (RFC 9113 §5.1.1).
    Client,
    /// It answers. Its streams, the pushed ones, are even.
    Server,
}

impl Role {
    /// The other side.
    #[must_use]
    pub const fn peer(self) -> Role {
        match self {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        }
    }

    /// Whether this side opens streams with the identifier `id`.
    pub const fn opens(self, id: u32) -> bool {
        match self {
            Role::Client => id % 2 == 1,
            Role::Server => id != 0 && id.is_multiple_of(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Role;

    #[test]
    fn odd_streams_are_the_clients_and_even_ones_the_servers_but_for_zero() {
        for (id, client, server) in [(0, false, false), (1, true, false), (2, false, true), (7, true, false)]
        {
            assert_eq!((Role::Client.opens(id), Role::Server.opens(id)), (client, server), "{id}");
        }
        assert_eq!(Role::Client.peer().peer(), Role::Client);
    }
}
