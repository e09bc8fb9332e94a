//! The fields of a protobuf message, one after the other, without unpacking them.
//!
//! A message with many small parts takes far more room unpacked than in a file; so the outermost one is walked instead.

use super::error::Damage;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// A number of fixed width; pprof has none, but others may add some.
    Other,
}

/// Walks the fields of a message; stops after the first error.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The parts of the message that are in the field `number`.
    pub(super) fn parts(
        message: &'a [u8],
        number: u64,
    ) -> impl Iterator<Item = Result<&'a [u8], Damage>> {
        Self::new(message).filter_map(move |field| match field {
            Ok((found, Value::Bytes(bytes))) if found == number => Some(Ok(bytes)),
            Ok(_) => None,
            Err(damage) => Some(Err(damage)),
        })
    }

    fn field(&mut self) -> Result<(u64, Value<'a>), Damage> {
        let key = self.number()?;
        let value = match key & 7 {
            0 => Value::Number(self.number()?),
            1 => self.bytes(8).map(|_| Value::Other)?,
            2 => {
                let length = self.number()?;
                Value::Bytes(self.bytes(length)?)
            }
            5 => self.bytes(4).map(|_| Value::Other)?,
            kind => return Err(Damage::new("kind of field", "0, 1, 2 or 5", kind)),
        };
        Ok((key >> 3, value))
    }

    /// A number in groups of 7 bits, the lowest first.
    fn number(&mut self) -> Result<u64, Damage> {
        let mut number = 0;
        for (place, &byte) in self.rest.iter().enumerate().take(10) {
            let bits = u64::from(byte & 0x7f);
            // Of the tenth byte one bit has room.
            if place == 9 && byte > 1 {
                break;
            }
            number |= bits << (7 * place);
            if byte < 0x80 {
                self.rest = self.rest.get(place + 1..).unwrap_or_default();
                return Ok(number);
            }
        }
        Err(Damage::new("number", "one of 64 bits", "a longer one"))
    }

    fn bytes(&mut self, length: u64) -> Result<&'a [u8], Damage> {
        let parts = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length));
        let (bytes, rest) = parts.ok_or_else(|| {
            Damage::new(
                "length of a field",
                format!("at most {}", self.rest.len()),
                length,
            )
        })?;
        self.rest = rest;
        Ok(bytes)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_every_kind() {
        let message = b"\x08\x96\x01\x12\x03abc\x19\0\0\0\0\0\0\0\0\x25\0\0\0\0\xc2\x3e\x01x";
        let fields: Vec<_> = Fields::new(message).map(Result::unwrap).collect();
        assert_eq!(
            fields,
            [
                (1, Value::Number(150)),
                (2, Value::Bytes(b"abc")),
                (3, Value::Other),
                (4, Value::Other),
                (1000, Value::Bytes(b"x")),
            ]
        );
        let parts: Vec<_> = Fields::parts(message, 2).map(Result::unwrap).collect();
        assert_eq!(parts, [b"abc"]);
    }

    #[test]
    fn damage_ends_the_walk() {
        for message in [
            &b"\x12\x04abc"[..],
            b"\x0b",
            b"\x08",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            b"\x19\0",
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ] {
            let mut fields = Fields::new(message);
            assert!(fields.next().unwrap().is_err(), "{message:?}");
            assert!(fields.next().is_none(), "{message:?}");
        }
    }
}
