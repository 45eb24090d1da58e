//! One marshalled value → its JSON text.

use std::ops::Range;

use super::{Refused, number};

/// Deeper ones are not sent anyway.
const DEEPEST: usize = 200;
/// So many bytes of what stood before are written again; a few lists, each with the one before in it twice, would be text without end.
const MOST_AGAIN: usize = 64 << 20;
/// Set in the letter of what may be referred to later on.
const SHARED: u8 = 0x80;

/// Writes a value.
pub(super) fn write(bytes: &[u8], text: &mut Vec<u8>) -> Result<(), Refused> {
    let mut reader = Reader::new(bytes, text);
    reader.value(0)?;
    reader.done()
}

/// Writes the items of a list.
pub(super) fn write_items(bytes: &[u8], text: &mut Vec<u8>) -> Result<(), Refused> {
    let mut reader = Reader::new(bytes, text);
    let (kind, _) = reader.letter()?;
    if kind != b'[' {
        return Err(Refused::Unknown("no list"));
    }
    let length = reader.length()?;
    reader.items(length, 1)?;
    reader.done()
}

/// Tells whether a character stands for itself in JSON text.
fn is_simple(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

struct Reader<'a> {
    bytes: &'a [u8],
    text: &'a mut Vec<u8>,
    /// Where the text of each shared value stands; nothing while it is being written.
    shared: Vec<Option<Range<usize>>>,
    /// Bytes that were written again.
    again: usize,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], text: &'a mut Vec<u8>) -> Self {
        Self {
            bytes,
            text,
            shared: Vec::new(),
            again: 0,
        }
    }

    fn done(&self) -> Result<(), Refused> {
        match self.bytes {
            [] => Ok(()),
            _ => Err(Refused::Unknown("more than one value")),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Refused> {
        let (taken, rest) = self
            .bytes
            .split_at_checked(length)
            .ok_or(Refused::Unknown("a value that is cut"))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        let (taken, rest) = self
            .bytes
            .split_first_chunk()
            .ok_or(Refused::Unknown("a value that is cut"))?;
        self.bytes = rest;
        Ok(*taken)
    }

    /// Returns the letter of the next value, and the number under which it is to be known, where it is shared.
    fn letter(&mut self) -> Result<(u8, Option<usize>), Refused> {
        let [letter] = self.array()?;
        let number = (letter & SHARED != 0).then(|| {
            self.shared.push(None);
            self.shared.len() - 1
        });
        Ok((letter & !SHARED, number))
    }

    fn length(&mut self) -> Result<usize, Refused> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn short_length(&mut self) -> Result<usize, Refused> {
        let [length] = self.array()?;
        Ok(length.into())
    }

    fn value(&mut self, level: usize) -> Result<(), Refused> {
        let (kind, number) = self.letter()?;
        self.of_kind(kind, number, level)
    }

    /// Writes the value that begins with this letter.
    fn of_kind(&mut self, kind: u8, number: Option<usize>, level: usize) -> Result<(), Refused> {
        if level > DEEPEST {
            return Err(Refused::Unknown("a value that nests too deep"));
        }
        let start = self.text.len();
        match kind {
            b'N' => self.text.extend_from_slice(b"null"),
            b'T' => self.text.extend_from_slice(b"true"),
            b'F' => self.text.extend_from_slice(b"false"),
            b'i' => {
                let value = i32::from_le_bytes(self.array()?);
                self.json(&value)?;
            }
            b'l' => {
                let length = i32::from_le_bytes(self.array()?);
                let digits = self.take(length.unsigned_abs() as usize * 2)?;
                number::integer(digits, length < 0, self.text)?;
            }
            b'g' => {
                let value = f64::from_le_bytes(self.array()?);
                number::float(value, self.text)?;
            }
            b'z' | b'Z' => {
                let length = self.short_length()?;
                self.string(length)?;
            }
            b'a' | b'A' | b'u' | b't' => {
                let length = self.length()?;
                self.string(length)?;
            }
            b'[' | b'(' => {
                let length = self.length()?;
                self.list(length, level)?;
            }
            b')' => {
                let length = self.short_length()?;
                self.list(length, level)?;
            }
            b'{' => self.object(level)?,
            b'r' => self.again()?,
            _ => return Err(Refused::Unknown("a value of another type")),
        }
        if let Some(number) = number {
            self.shared[number] = Some(start..self.text.len());
        }
        Ok(())
    }

    fn json<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        serde_json::to_writer(&mut *self.text, value).map_err(|error| Refused::Io(error.into()))
    }

    fn string(&mut self, length: usize) -> Result<(), Refused> {
        let bytes = self.take(length)?;
        if bytes.iter().all(|byte| is_simple(*byte)) {
            self.text.reserve(length + 2);
            self.text.push(b'"');
            self.text.extend_from_slice(bytes);
            self.text.push(b'"');
            return Ok(());
        }
        // Python has texts that are no Unicode: half a pair of surrogates.
        let string = str::from_utf8(bytes).map_err(|_| Refused::Unknown("a text that is not Unicode"))?;
        self.json(string)
    }

    fn list(&mut self, length: usize, level: usize) -> Result<(), Refused> {
        self.text.push(b'[');
        self.items(length, level + 1)?;
        self.text.push(b']');
        Ok(())
    }

    fn items(&mut self, length: usize, level: usize) -> Result<(), Refused> {
        for at in 0..length {
            if at > 0 {
                self.text.push(b',');
            }
            self.value(level)?;
        }
        Ok(())
    }

    fn object(&mut self, level: usize) -> Result<(), Refused> {
        self.text.push(b'{');
        let mut is_first = true;
        loop {
            let (kind, number) = self.letter()?;
            if kind == b'0' {
                break;
            }
            if !is_first {
                self.text.push(b',');
            }
            is_first = false;
            self.key(kind, number, level)?;
            self.text.push(b':');
            self.value(level + 1)?;
        }
        self.text.push(b'}');
        Ok(())
    }

    /// Writes a key. One that is a number, true, false or null is the text of that.
    fn key(&mut self, kind: u8, number: Option<usize>, level: usize) -> Result<(), Refused> {
        let start = self.text.len();
        self.of_kind(kind, number, level + 1)?;
        match self.text[start] {
            b'"' => {}
            b'[' | b'{' => return Err(Refused::Unknown("a key of another type")),
            _ => {
                self.text.insert(start, b'"');
                self.text.push(b'"');
                if let Some(number) = number {
                    // Elsewhere it may be a value, which has no quotes.
                    self.shared[number] = Some(start + 1..self.text.len() - 1);
                }
            }
        }
        Ok(())
    }

    /// Writes the text of a value that stood before.
    fn again(&mut self) -> Result<(), Refused> {
        let number = self.length()?;
        let known = self.shared.get(number).cloned().flatten();
        let range = known.ok_or(Refused::Unknown("a value that holds itself"))?;
        self.again += range.len();
        if self.again > MOST_AGAIN {
            return Err(Refused::Unknown("a value without end"));
        }
        self.text.extend_from_within(range);
        Ok(())
    }
}
