//! Asks for a user name and a password.

use subtle::{Choice, ConstantTimeEq};

use super::base64;
use super::{BodyView, Hooks, Middleware, Reply, RequestVerdict, ResponseParts, ResponseVerdict};
use crate::message::RequestHead;
use crate::service::Context;
use crate::{KnownName, Status};

/// Answers 401 to requests without valid `Basic` credentials (RFC 7617), and says in `WWW-Authenticate` what
/// is asked for.
///
/// Who is let in is the decision of a [`Verify`]: [`Users`] for a constant list, or anything else, such as a
/// store of password hashes. Credentials that are repeated, malformed or longer than
/// [`CREDENTIALS_BYTES_MAX`] are no credentials. They are neither encrypted nor hashed on their way: without
/// TLS whoever sees the request knows them.
///
/// A stack with this layer needs a room that takes the answer's fields and [`CHALLENGE_BYTES_MAX`] more; with
/// less the answer is 500, and nobody comes in.
///
/// ```
/// use rws_core::middleware::{BasicAuthLayer, Realm, User, Users};
///
/// const REALM: Realm = match Realm::new("workshop") {
///     Some(realm) => realm,
///     None => panic!("a realm is a short text without quotes"),
/// };
/// const USERS: &[User] = &[User { name: "ada", password: "difference engine" }];
/// let layer = BasicAuthLayer::new(REALM, Users(USERS));
/// # let _ = layer;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BasicAuthLayer<V> {
    realm: Realm,
    verify: V,
}

/// The longest credentials, decoded, that are looked at: bytes of name, colon and password.
pub const CREDENTIALS_BYTES_MAX: usize = 192;

/// The longest value of `WWW-Authenticate` that the layer writes: bytes.
pub const CHALLENGE_BYTES_MAX: usize = BEFORE_REALM.len() + REALM_BYTES_MAX + BEHIND_REALM.len();

const REALM_BYTES_MAX: usize = 64;
const BEFORE_REALM: &[u8] = b"Basic realm=\"";
const BEHIND_REALM: &[u8] = b"\", charset=\"UTF-8\"";

impl<V> BasicAuthLayer<V> {
    /// A layer that lets in whom `verify` knows.
    pub const fn new(realm: Realm, verify: V) -> BasicAuthLayer<V> {
        BasicAuthLayer { realm, verify }
    }
}

/// The name of what is protected; browsers show it (RFC 9110 §11.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Realm(&'static str);

impl Realm {
    /// A realm of 1 to 64 visible ASCII characters and spaces, without quotes and backslashes.
    pub const fn new(name: &'static str) -> Option<Realm> {
        if name.is_empty() || name.len() > REALM_BYTES_MAX {
            return None;
        }
        let mut rest = name.as_bytes();
        while let [byte, tail @ ..] = rest {
            if !matches!(*byte, b' '..=b'~') || matches!(*byte, b'"' | b'\\') {
                return None;
            }
            rest = tail;
        }
        Some(Realm(name))
    }

    fn challenge<'o>(&self, out: &'o mut [u8; CHALLENGE_BYTES_MAX]) -> &'o [u8] {
        let parts = [BEFORE_REALM, self.0.as_bytes(), BEHIND_REALM];
        let mut used = 0_usize;
        for (to, &from) in out.iter_mut().zip(parts.into_iter().flatten()) {
            *to = from;
            used = used.saturating_add(1);
        }
        out.get(..used).unwrap_or(&[])
    }
}

/// Decides who is let in.
///
/// An implementation says by its time nothing about what it compares with: it goes on comparing where it
/// knows already, and hashes a password even for a name that it does not know.
pub trait Verify {
    /// Whether `verify` may block or compute for long, as a password hash does; refused at compile time on
    /// the board.
    const MAY_BLOCK: bool = false;

    /// Whether this is a user. Both are bytes of the client's choosing, without control characters; the name
    /// has no colon.
    fn verify(&self, name: &[u8], password: &[u8]) -> bool;
}

impl<F: Fn(&[u8], &[u8]) -> bool> Verify for F {
    fn verify(&self, name: &[u8], password: &[u8]) -> bool {
        self(name, password)
    }
}

/// A user of a constant list.
#[derive(Clone, Copy)]
pub struct User {
    /// The name; no colon can stand in it.
    pub name: &'static str,
    /// The password.
    pub password: &'static str,
}

/// Says who it is, and never the password.
impl core::fmt::Debug for User {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("User").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The users of a constant list. All of them are compared with, byte by byte, whatever the client sends.
#[derive(Clone, Copy, Debug)]
pub struct Users(pub &'static [User]);

impl Verify for Users {
    fn verify(&self, name: &[u8], password: &[u8]) -> bool {
        let is_known = |user: &User| same(user.name, name) & same(user.password, password);
        let known = self.0.iter().fold(Choice::from(0), |known, user| known | is_known(user));
        known.into()
    }
}

/// Whether `given` is `secret`, in a time that depends on the secret alone: slices compared as a whole would
/// tell by their time whether the length was right.
fn same(secret: &str, given: &[u8]) -> Choice {
    let secret = secret.as_bytes();
    let padded = given.iter().copied().chain(core::iter::repeat(0));
    let bytes = secret.iter().zip(padded);
    let same = bytes.fold(Choice::from(1), |same, (ours, theirs)| same & ours.ct_eq(&theirs));
    same & secret.len().ct_eq(&given.len())
}

/// What the layer remembers: whether it turned the request away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BasicAuthState {
    is_refused: bool,
}

const REFUSED: Reply =
    Reply::new(Status::UNAUTHORIZED, "a user name and a password are needed\n").with_own_hook();
const NO_ROOM: Reply = Reply::new(Status::INTERNAL_SERVER_ERROR, "no room to ask for credentials\n");

impl<C: Context + ?Sized, V: Verify> Middleware<C> for BasicAuthLayer<V> {
    type State = BasicAuthState;

    const MAY_BLOCK: bool = V::MAY_BLOCK;

    fn hooks(&self) -> Hooks {
        Hooks::REQUEST.and(Hooks::RESPONSE)
    }

    fn request(
        &self,
        _cx: &mut C,
        state: &mut BasicAuthState,
        head: &mut RequestHead<'_>,
        _body: Option<&[u8]>,
    ) -> RequestVerdict {
        let given = head.fields().single(KnownName::Authorization);
        state.is_refused = !given.is_some_and(|value| self.lets_in(value));
        if state.is_refused { RequestVerdict::Reply(REFUSED) } else { RequestVerdict::Continue }
    }

    fn response(
        &self,
        _cx: &mut C,
        state: &mut BasicAuthState,
        head: &mut ResponseParts<'_, '_>,
        _body: BodyView<'_>,
    ) -> ResponseVerdict {
        if !state.is_refused {
            return ResponseVerdict::Continue;
        }
        let mut text = [0; CHALLENGE_BYTES_MAX];
        // RFC 9110 §15.5.2: a 401 without a challenge must not be.
        match head.fields.push(KnownName::WwwAuthenticate, self.realm.challenge(&mut text)) {
            Ok(()) => ResponseVerdict::Continue,
            Err(_) => ResponseVerdict::Reply(NO_ROOM),
        }
    }
}

impl<V: Verify> BasicAuthLayer<V> {
    /// Whether this value of `Authorization` names a user.
    fn lets_in(&self, value: &[u8]) -> bool {
        let mut decoded = [0; CREDENTIALS_BYTES_MAX];
        let Some(credentials) = token(value).and_then(|token| base64::decode(token, &mut decoded)) else {
            return false;
        };
        let Some(colon) = credentials.iter().position(|&byte| byte == b':') else { return false };
        let Some((name, [_, password @ ..])) = credentials.split_at_checked(colon) else { return false };
        // RFC 7617 §2: neither has control characters.
        let is_text = !credentials.iter().any(u8::is_ascii_control);
        is_text && self.verify.verify(name, password)
    }
}

/// What stands behind the scheme, whose case does not matter (RFC 9110 §11.4).
fn token(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(5)?;
    let token = rest.trim_ascii_start();
    (scheme.eq_ignore_ascii_case(b"basic") && token.len() < rest.len()).then_some(token)
}

#[cfg(test)]
mod tests;
