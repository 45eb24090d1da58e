//! Serving over stdin and stdout: the descriptors are put aside first, so that nothing but the SDK writes to the host.

use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio::{dup2_stdin, dup2_stdout};

use crate::service::Service;
use crate::session;

/// The exit code of a plugin that was started by hand.
const USAGE: u8 = 64;

impl Service {
    /// Serves the host over stdin and stdout until the host closes them; the whole process ends then, even while a hook runs.
    ///
    /// Before anything else, descriptors 0 and 1 are moved aside: what the plugin, its libraries or its child processes print goes
    /// to stderr, and what they read is empty. Started by hand it says what it is and returns exit code 64.
    pub fn serve(self) -> ExitCode {
        if std::env::var_os("OPSBOX_PLUGIN").is_none() {
            say(&by_hand());
            return ExitCode::from(USAGE);
        }
        match take_stdio() {
            Ok((reader, writer)) => {
                session::run(self, reader, writer, || std::process::exit(0));
                ExitCode::SUCCESS
            }
            Err(error) => {
                say(&format!("cannot take over stdin and stdout: {error}\n"));
                ExitCode::FAILURE
            }
        }
    }
}

fn take_stdio() -> io::Result<(File, File)> {
    let reader = fcntl_dupfd_cloexec(io::stdin(), 3)?;
    let writer = fcntl_dupfd_cloexec(io::stdout(), 3)?;
    dup2_stdin(File::open("/dev/null")?)?;
    dup2_stdout(io::stderr())?;
    Ok((reader.into(), writer.into()))
}

fn by_hand() -> String {
    let program = std::env::current_exe().ok();
    let name = program
        .as_deref()
        .and_then(std::path::Path::file_name)
        .map_or("this program".into(), |name| name.to_string_lossy());
    format!(
        "{name} is a plugin of Opsbox; it is started by the host, not by hand.\n\
         Put it beside a manifest that names it under `[run] command`, then: opsbox run PIPELINE --plugin-dir DIR\n"
    )
}

/// A closed stderr leaves nobody to tell.
fn say(text: &str) {
    drop(io::stderr().write_all(text.as_bytes()));
}
