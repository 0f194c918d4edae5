//! What `rws-core` calls of the crate of this name, with values of no text's making.
#![no_std]

use core::hint::black_box;

use serde::de::value::{BorrowedStrDeserializer, Error, MapAccessDeserializer};
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess};
use serde::{Deserialize, Serialize};

/// A value made of fields that nothing is known of.
pub fn from_slice_escaped<'a, T: Deserialize<'a>>(
    text: &'a [u8],
    _unescaped: &mut [u8],
) -> Result<(T, usize), Error> {
    Ok((T::deserialize(MapAccessDeserializer::new(Fields(text)))?, text.len()))
}

/// Every byte is a field: of that name, and true if it is odd.
struct Fields<'a>(&'a [u8]);

impl<'a> MapAccess<'a> for Fields<'a> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((name, rest)) = self.0.split_first_chunk::<1>() else { return Ok(None) };
        self.0 = rest;
        let name = core::str::from_utf8(name).unwrap_or("");
        seed.deserialize(BorrowedStrDeserializer::new(black_box(name))).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let is_odd = self.0.first().is_some_and(|byte| byte % 2 == 1);
        seed.deserialize(IntoDeserializer::<Error>::into_deserializer(is_odd))
    }
}

/// Writes that there is a value.
pub fn to_slice<T: Serialize + ?Sized>(value: &T, out: &mut [u8]) -> Result<usize, ()> {
    black_box(value as *const T);
    for place in out.iter_mut() {
        *place = b' ';
    }
    if black_box(out.is_empty()) { Err(()) } else { Ok(out.len()) }
}
