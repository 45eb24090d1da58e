//! Python's plain data as JSON text: read as `marshal` writes it, written as Python's `json` would.
//!
//! The bridge hands long answers to a child of its own that runs this (`opsbox __serve json 1`). Python writes JSON at 80 MB a second and marshals at six times that;
//! the text is the same to the byte, and where it might not be, for want of a type or of a spelling, there is none and Python writes it itself.
//!
//! What arrives are frames: a letter, the length in 4 bytes (little-endian), so many bytes.
//!
//! - `t`: text that is JSON already;
//! - `v`: a value, marshalled with format 4;
//! - `l`: a list, marshalled: its items are written, with commas and without brackets;
//! - `.`: the end. What stops before it is no answer.

mod number;
#[cfg(test)]
mod tests;
mod value;

use std::io::{self, Read, Write};

use thiserror::Error;

/// So much text is written at once.
const WRITTEN_AT_ONCE: usize = 256 * 1024;
/// Bytes of a letter and a length.
const HEAD: usize = 5;

/// Why there is no text.
#[derive(Debug, Error)]
pub enum Refused {
    /// Data that this does not know how to write as Python would.
    #[error("{0}")]
    Unknown(&'static str),
    /// A stream failed, or ended too early.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads frames to the end and writes their JSON.
///
/// # Errors
/// [`Refused`]; what was written till then is worth nothing.
pub fn convert(input: &mut impl Read, output: &mut impl Write) -> Result<(), Refused> {
    let mut frame = Vec::new();
    let mut text = Vec::with_capacity(2 * WRITTEN_AT_ONCE);
    loop {
        let mut head = [0; HEAD];
        input.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let length = u32::from_le_bytes(length);
        frame.clear();
        if input.by_ref().take(length.into()).read_to_end(&mut frame)? < length as usize {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        match kind {
            b't' => text.extend_from_slice(&frame),
            b'v' => value::write(&frame, &mut text)?,
            b'l' => value::write_items(&frame, &mut text)?,
            b'.' => {
                output.write_all(&text)?;
                return Ok(output.flush()?);
            }
            _ => return Err(Refused::Unknown("a frame of another kind")),
        }
        if text.len() >= WRITTEN_AT_ONCE {
            output.write_all(&text)?;
            text.clear();
        }
    }
}

/// Converts from standard input to standard output, and reads on where there will be no text: who writes must not be left with a broken pipe.
///
/// # Errors
/// As [`convert`].
pub fn serve() -> Result<(), Refused> {
    let mut input = io::stdin().lock();
    let done = convert(&mut input, &mut io::stdout().lock());
    if done.is_err() {
        let _rest = io::copy(&mut input, &mut io::sink());
    }
    done
}
