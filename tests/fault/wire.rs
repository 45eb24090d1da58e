//! The ways in which a line can be written and read.

use std::io::{self, Read, Write};
use std::time::Duration;

/// How a plugin treats its streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// A line in one write.
    Plain,
    /// A byte order mark, a blank line, and the line ends of Windows.
    Windows,
    /// Every byte in a write of its own.
    Bytewise,
    /// A log record and the line in one write.
    Paired,
    /// Reads little, and rests between.
    ReadsSlowly,
}

/// Writes bytes and pushes them out; a host that is gone ends the plugin.
pub fn write(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    if stdout.write_all(bytes).and_then(|()| stdout.flush()).is_err() {
        std::process::exit(0);
    }
}

impl Wire {
    /// Writes a line in this way.
    pub fn say(self, line: &str) {
        match self {
            Self::Plain | Self::ReadsSlowly => write(format!("{line}\n").as_bytes()),
            Self::Windows => write(format!("\u{feff}{line}\r\n\r\n").as_bytes()),
            Self::Bytewise => format!("{line}\n").bytes().for_each(|byte| write(&[byte])),
            Self::Paired => {
                let log = r#"{"jsonrpc":"2.0","method":"log","params":{"level":"info","message":"and"}}"#;
                write(format!("{log}\n{line}\n").as_bytes());
            }
        }
    }
}

/// A standard input of which little is taken at a time.
#[derive(Debug, Default)]
pub struct Slowly;

impl Read for Slowly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        std::thread::sleep(Duration::from_millis(2));
        let most = buffer.len().min(16 * 1024);
        io::stdin().lock().read(&mut buffer[..most])
    }
}
