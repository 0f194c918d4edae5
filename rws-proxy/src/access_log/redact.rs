//! Secrets in a URL: the values of telling query keys, and a password before the host.

/// What stands in for a secret.
pub(super) const STAND_IN: &[u8] = b"REDACTED";

/// A key that contains one of these, or is one of [`TELLING_WHOLE`], holds a secret. Compared in lower case, with `-` as `_`.
const TELLING_PARTS: [&[u8]; 12] = [
    b"token",
    b"password",
    b"passwd",
    b"passphrase",
    b"secret",
    b"api_key",
    b"apikey",
    b"authorization",
    b"credential",
    b"signature",
    b"session",
    b"jwt",
];
const TELLING_WHOLE: [&[u8]; 7] = [b"pwd", b"pass", b"auth", b"sig", b"key", b"sid", b"code"];

/// Longer keys are cut before they are compared: the beginning tells enough, and the work stays bounded.
const KEY_BYTES_MAX: usize = 192;

/// Calls `each` with the pieces of `url` in order, secrets replaced; together they are what may be logged.
pub(super) fn pieces<'a>(url: &'a [u8], mut each: impl FnMut(&'a [u8])) {
    let (before, query) = match url.iter().position(|byte| *byte == b'?') {
        Some(at) => url.split_at(at),
        None => (url, &url[url.len()..]),
    };
    authority(before, &mut each);
    let mut rest = query;
    while let Some((separator, after)) = rest.split_at_checked(1) {
        each(separator);
        let end = after.iter().position(|byte| matches!(byte, b'&' | b';' | b'?')).unwrap_or(after.len());
        let (pair, later) = after.split_at(end);
        let name_end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at(name_end);
        if value.len() > 1 && is_telling(name) {
            each(name);
            each(b"=");
            each(STAND_IN);
        } else {
            each(pair);
        }
        rest = later;
    }
}

/// `scheme://user:password@host/…`: what stands before the `@` goes.
fn authority<'a>(before: &'a [u8], each: &mut impl FnMut(&'a [u8])) {
    if before.first() == Some(&b'/') {
        return each(before);
    }
    let start = before.windows(3).position(|three| three == b"://").map(|at| at + 3);
    let Some((scheme, rest)) = start.and_then(|start| before.split_at_checked(start)) else {
        return each(before);
    };
    let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    match rest[..end].iter().rposition(|byte| *byte == b'@') {
        Some(at) => {
            each(scheme);
            each(STAND_IN);
            each(&rest[at..]);
        }
        None => each(before),
    }
}

/// Whether the value of this key is a secret. Percent-encoding hides nothing, also where it is doubled.
fn is_telling(name: &[u8]) -> bool {
    let mut room = [0; KEY_BYTES_MAX];
    let len = name.len().min(KEY_BYTES_MAX);
    let (key, _) = room.split_at_mut(len);
    key.copy_from_slice(&name[..len]);
    let len = decode(key);
    let len = decode(&mut key[..len]);
    let key = &mut key[..len];
    for byte in key.iter_mut() {
        *byte = if *byte == b'-' { b'_' } else { byte.to_ascii_lowercase() };
    }
    let has = |part: &&[u8]| key.windows(part.len()).any(|window| window == *part);
    TELLING_WHOLE.contains(&&*key) || TELLING_PARTS.iter().any(has)
}

/// Decodes percent-encoding in place; says how long the text is now.
fn decode(text: &mut [u8]) -> usize {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (mut from, mut to) = (0, 0);
    while let Some(&byte) = text.get(from) {
        let pair = (digit(text.get(from + 1)), digit(text.get(from + 2)));
        (text[to], from) = match (byte, pair) {
            (b'%', (Some(high), Some(low))) => (u8::try_from(high * 16 + low).unwrap_or(b'?'), from + 3),
            _ => (byte, from + 1),
        };
        to += 1;
    }
    to
}

#[cfg(test)]
mod tests {
    use super::pieces;

    fn redacted(url: &str) -> String {
        let mut out = Vec::new();
        pieces(url.as_bytes(), |piece| out.extend_from_slice(piece));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_of_telling_keys_are_replaced() {
        for (url, shown) in [
            ("/a?token=abc", "/a?token=REDACTED"),
            ("/a?x=1&Access-Token=abc&y=2", "/a?x=1&Access-Token=REDACTED&y=2"),
            ("/a?api_key=1;password=2", "/a?api_key=REDACTED;password=REDACTED"),
            ("/a?api-key=a=b=c", "/a?api-key=REDACTED"),
            ("/a?%74oken=abc", "/a?%74oken=REDACTED"),
            ("/a?%2574oken=abc", "/a?%2574oken=REDACTED"),
            ("/a?x=1?secret=abc", "/a?x=1?secret=REDACTED"),
            ("/a?user[authorization]=x", "/a?user[authorization]=REDACTED"),
            ("https://me:pw@host/a?sig=x", "https://REDACTED@host/a?sig=REDACTED"),
        ] {
            assert_eq!(redacted(url), shown);
        }
    }

    #[test]
    fn everything_else_stays_as_it_came() {
        for url in [
            "",
            "/",
            "?",
            "/a?",
            "/a?b",
            "/a?=",
            "/a?&&",
            "/a?token",
            "/a?token=",
            "/a?monkey=1",
            "/me@home?x=%zz",
            "http://h/p@q",
        ] {
            assert_eq!(redacted(url), url);
        }
    }
}
