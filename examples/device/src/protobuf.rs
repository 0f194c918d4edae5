//! The little of protocol buffers that a device's messages need: fields, read one after the other.

/// The fields of a message, in the order in which they were sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'m>(&'m [u8]);

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'m> {
    /// A number or a truth value.
    Varint(u64),
    /// Text, bytes, or a message.
    Bytes(&'m [u8]),
    /// Four or eight bytes.
    Fixed(&'m [u8]),
}

/// The bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl<'m> Fields<'m> {
    pub(crate) const fn new(message: &'m [u8]) -> Fields<'m> {
        Fields(message)
    }

    /// The next field's number and value; `None` behind the last one.
    pub(crate) fn read(&mut self) -> Result<Option<(u64, Value<'m>)>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed(self.bytes(8)?),
            2 => {
                let len = self.varint()?;
                Value::Bytes(self.bytes(usize::try_from(len).map_err(|_| Malformed)?)?)
            }
            5 => Value::Fixed(self.bytes(4)?),
            _ => return Err(Malformed),
        };
        // There is no field of number 0.
        if key >> 3 == 0 { Err(Malformed) } else { Ok(Some((key >> 3, value))) }
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = *self.bytes(1)? else { return Err(Malformed) };
            number |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    fn bytes(&mut self, len: usize) -> Result<&'m [u8], Malformed> {
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_all_kinds_are_read() {
        let message = b"\x08\x96\x01\x12\x02hi\x1d\x01\x02\x03\x04\x21\x01\x02\x03\x04\x05\x06\x07\x08";
        let mut fields = Fields::new(message);
        assert_eq!(fields.read(), Ok(Some((1, Value::Varint(150)))));
        assert_eq!(fields.read(), Ok(Some((2, Value::Bytes(b"hi")))));
        assert_eq!(fields.read(), Ok(Some((3, Value::Fixed(b"\x01\x02\x03\x04")))));
        assert_eq!(fields.read(), Ok(Some((4, Value::Fixed(b"\x01\x02\x03\x04\x05\x06\x07\x08")))));
        assert_eq!(fields.read(), Ok(None));
    }

    #[test]
    fn what_is_cut_short_or_goes_on_for_ever_is_malformed() {
        let wrong: [&[u8]; 8] = [
            b"\x08",
            b"\x08\x80",
            b"\x12\x03hi",
            b"\x1d\x01",
            b"\x0b",
            b"\x00\x01",
            &[0x80; 11],
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ];
        for message in wrong {
            assert_eq!(Fields::new(message).read(), Err(Malformed), "{message:?}");
        }
    }
}
