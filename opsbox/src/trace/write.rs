//! Writing traces: a file for each process, a line at a time, private, and never the reason why a run fails.

use std::borrow::Cow;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use sha2::{Digest, Sha256};

use super::secrets::Hidden;
use super::shape::{Side, TRACE_VERSION, TraceHead, TraceLine};
use crate::plugin::{Event, Sink};

/// Lines of up to this many bytes are kept whole where nobody says otherwise.
const WHOLE_BYTES: u64 = 256 * 1024;
/// Of a longer line this much of its beginning is kept.
const HEAD_BYTES: usize = 16 * 1024;
/// And this much of its end.
const TAIL_BYTES: usize = 4 * 1024;
/// More processes of one plugin than this are not told apart.
const MOST_FILES: usize = 10_000;

/// What a trace keeps.
#[derive(Debug, Clone)]
pub struct Keep {
    /// The folder.
    pub folder: PathBuf,
    /// `--trace-line`: the longest line that is kept whole, in bytes.
    pub whole_bytes: Option<u64>,
}

/// The traces of a run.
#[derive(Debug)]
pub struct Traces {
    folder: PathBuf,
    run: String,
    cwd: String,
    whole_bytes: u64,
    secrets: Arc<RwLock<Hidden>>,
}

/// The trace of one process.
pub struct Tracer {
    plugin: String,
    file: Mutex<Option<File>>,
    path: PathBuf,
    since: Instant,
    whole_bytes: u64,
    secrets: Arc<RwLock<Hidden>>,
    sink: Sink,
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Traces {
    /// Makes the folder, private where it is new.
    ///
    /// # Errors
    /// As the system's.
    pub fn begin(keep: Keep, run: String, cwd: &Path, secrets: Hidden) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&keep.folder)?;
        Ok(Self {
            folder: keep.folder,
            run,
            cwd: cwd.display().to_string(),
            whole_bytes: keep.whole_bytes.unwrap_or(WHOLE_BYTES),
            secrets: Arc::new(RwLock::new(secrets)),
        })
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes over the secrets that are known from now on.
    pub fn know(&self, secrets: Hidden) {
        *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = secrets;
    }

    /// Begins the trace of a process; `None`, with a warning, where its file cannot be made.
    pub(crate) fn open(&self, plugin: &str, sink: &Sink) -> Option<Arc<Tracer>> {
        let made = self.make(plugin);
        let (file, path) = match made {
            Ok(made) => made,
            Err(error) => {
                let folder = self.folder.display();
                sink(Event::Warning(format!("is not traced: `{folder}`: {error}")));
                return None;
            }
        };
        let tracer = Tracer {
            plugin: plugin.to_owned(),
            file: Mutex::new(Some(file)),
            path,
            since: Instant::now(),
            whole_bytes: self.whole_bytes,
            secrets: Arc::clone(&self.secrets),
            sink: Arc::clone(sink),
        };
        tracer.write(&TraceHead {
            trace: TRACE_VERSION,
            opsbox: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: opsbox_protocol::VERSION,
            run: self.run.clone(),
            plugin: plugin.to_owned(),
            host_pid: std::process::id(),
            cwd: self.cwd.clone(),
            started: jiff::Timestamp::now().to_string(),
            whole_bytes: self.whole_bytes,
        });
        Some(Arc::new(tracer))
    }

    /// Makes a file that was not there: `PLUGIN.jsonl`, and with a number where the plugin has one already.
    fn make(&self, plugin: &str) -> io::Result<(File, PathBuf)> {
        let tame = |c: char| {
            if c.is_ascii_alphanumeric() || "_.".contains(c) {
                c
            } else {
                '_'
            }
        };
        let name: String = plugin.chars().take(64).map(tame).collect();
        for number in 1..MOST_FILES {
            let name = match number {
                1 => format!("{name}.jsonl"),
                _ => format!("{name}.{number}.jsonl"),
            };
            let path = self.folder.join(name);
            let mut options = OpenOptions::new();
            match options.append(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return Ok((file, path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(format!(
            "it holds {MOST_FILES} traces of `{plugin}`"
        )))
    }
}

impl Tracer {
    /// Notes a line of the host, given in pieces and with its `\n`.
    pub(crate) fn sent(&self, pieces: &[bytes::Bytes]) {
        let mut line = pieces.concat();
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        self.note(Side::Host, &line);
    }

    /// Notes a line of the plugin, without its `\n`.
    pub(crate) fn heard(&self, line: &[u8]) {
        self.note(Side::Plugin, line);
    }

    /// Notes a line of the plugin's standard error.
    pub(crate) fn cried(&self, line: &[u8]) {
        self.note(Side::Stderr, line);
    }

    /// Notes what became of the process.
    pub(crate) fn process(&self, what: &str) {
        self.note(Side::Process, what.as_bytes());
    }

    fn note(&self, from: Side, line: &[u8]) {
        let ms = (self.since.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        let text = String::from_utf8_lossy(line);
        let lossy = matches!(text, Cow::Owned(_));
        let shown = self.secrets.read().unwrap_or_else(PoisonError::into_inner).line(
            &self.plugin,
            from,
            text.clone(),
        );
        let redacted = shown != text;
        let bytes = line.len() as u64;
        let mut noted = TraceLine {
            ms,
            from,
            bytes,
            line: String::new(),
            tail: None,
            sha256: None,
            redacted,
            lossy,
        };
        if bytes <= self.whole_bytes || shown.len() <= HEAD_BYTES + TAIL_BYTES {
            noted.line = shown.into_owned();
        } else {
            noted.line = shown[..shown.floor_char_boundary(HEAD_BYTES)].to_owned();
            noted.tail = Some(shown[shown.ceil_char_boundary(shown.len() - TAIL_BYTES)..].to_owned());
            let hash = Sha256::digest(shown.as_bytes());
            noted.sha256 = Some(hash.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        self.write(&noted);
    }

    /// Writes a line with one call of the system, so that a killed host leaves whole ones.
    fn write(&self, line: &impl serde::Serialize) {
        let Ok(mut text) = serde_json::to_vec(line) else {
            return;
        };
        text.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Err(error)) = file.as_mut().map(|file| file.write_all(&text)) else {
            return;
        };
        *file = None;
        drop(file);
        let path = self.path.display();
        (self.sink)(Event::Warning(format!("its trace `{path}` ends early: {error}")));
    }
}
