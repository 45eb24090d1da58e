//! The `opsbox` command: argv, environ and stdio in, the library, the exit code out.

use std::process::ExitCode;
use std::sync::Arc;

use opsbox::cli::args::{self, Parsed};
use opsbox::cli::host::{self, Own};
use opsbox::cli::request::Request;
use opsbox::cli::{dispatch, serve};
use opsbox::environ::Environ;
use opsbox::error::{Failure, Fault};
use opsbox::plugin::launch::SERVE;
use opsbox::ui::screen::Screen;
use opsbox::ui::{Ui, trace};
use opsbox_protocol::message::LogLevel;
use rustix::process::{Resource, getrlimit};

/// With so many open files allowed nobody needs to look whether they are enough.
const PLENTY: u64 = 64;
/// What the event loop opens, and a few more.
const NEEDED: usize = 12;

fn main() -> ExitCode {
    let argv: Vec<_> = std::env::args_os().skip(1).collect();
    if argv.first().is_some_and(|first| first == SERVE) {
        let by_host = std::env::var_os("OPSBOX_PLUGIN").is_some();
        return serve::serve(&argv[1..], by_host);
    }
    let cwd = std::env::current_dir();
    // Help and version need no working directory; what does is refused below where there is none.
    let place = cwd.as_ref().map_or_else(|_| "/".into(), Clone::clone);
    let mut environ = Environ::new(std::env::vars_os(), place, jiff::Zoned::now());
    environ.program = std::env::current_exe().ok();
    let no_color = environ.filled("NO_COLOR").is_some() || environ.var("TERM") == Some("dumb");
    let plain = Ui::new(Screen::default(), no_color);
    let done = match args::parse(&argv, &environ) {
        Ok(Parsed::Text(text)) => {
            plain.results(&text);
            host::ended(&plain, 0)
        }
        Ok(Parsed::Request(request)) => here(cwd).and_then(|()| answer(*request, environ, no_color)),
        Err(failure) => Err(failure),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            plain.failure(&failure);
            ExitCode::from(failure.kind.exit_code())
        }
    }
}

/// Refuses a working directory that is gone: relative names would mean something else without it.
fn here(cwd: std::io::Result<std::path::PathBuf>) -> Result<(), Failure> {
    cwd.map(drop).map_err(|error| {
        let fault = Fault::new(format!("the working directory cannot be used: {error}"));
        Failure::usage(fault.hint("change to a folder that is there"))
    })
}

/// Refuses a limit of open files with which the event loop itself could not be made.
fn room_for_files() -> Result<(), Failure> {
    let limit = getrlimit(Resource::Nofile).current;
    if limit.is_none_or(|limit| limit > PLENTY) {
        return Ok(());
    }
    let opened: std::io::Result<Vec<_>> = (0..NEEDED).map(|_| std::fs::File::open("/dev/null")).collect();
    opened.map(drop).map_err(|error| {
        let limit = limit.unwrap_or_default();
        let fault = Fault::new(format!("{limit} open files are too few to work with: {error}"));
        Failure::run(fault.hint("raise the limit: `ulimit -n 1024`"))
    })
}

fn answer(request: Request, environ: Environ, no_color: bool) -> Result<u8, Failure> {
    let executable = std::env::current_exe()
        .map_err(|error| Failure::run(Fault::new(format!("this program cannot find itself: {error}"))))?;
    let own = Own::new(executable, environ, &request)?;
    let ui = Arc::new(Ui::new(request.screen(), no_color));
    trace::show(&ui);
    room_for_files()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::run(Fault::new(format!("cannot start the event loop: {error}"))))?;
    let answered = runtime.block_on(dispatch::answer(&own, &ui, request));
    if let Err(failure) = &answered {
        ui.keep(LogLevel::Error, None, &failure.to_string());
    }
    answered
}
