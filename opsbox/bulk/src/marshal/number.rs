//! Numbers as Python's `repr` spells them.

use std::io::Write as _;

use super::Refused;
use crate::spell;

/// Writes a float: the shortest digits that mean it, with a point or an exponent.
pub(super) fn float(value: f64, text: &mut Vec<u8>) -> Result<(), Refused> {
    if !value.is_finite() {
        return Err(Refused::Unknown("a number that is none"));
    }
    spell::float(text, value);
    Ok(())
}

/// Writes a large integer, of which `digits` are the pairs of bytes with 15 bits each, the lowest first.
pub(super) fn integer(digits: &[u8], is_negative: bool, text: &mut Vec<u8>) -> Result<(), Refused> {
    // 8 of them are 120 bits. Larger ones are rare enough for Python.
    const MOST: usize = 8;
    const BITS: u32 = 15;
    if digits.len() > 2 * MOST {
        return Err(Refused::Unknown("an integer of many digits"));
    }
    let mut value: u128 = 0;
    for pair in digits.chunks_exact(2).rev() {
        let digit = u16::from_le_bytes([pair[0], pair[1]]);
        if digit >> BITS != 0 {
            return Err(Refused::Unknown("a damaged integer"));
        }
        value = value << BITS | u128::from(digit);
    }
    let sign = if is_negative { "-" } else { "" };
    Ok(write!(text, "{sign}{value}")?)
}
