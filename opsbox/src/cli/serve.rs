//! `opsbox __serve …`: this binary as a child of itself, serving what is bundled in it.

use std::ffi::OsString;
use std::process::ExitCode;

use opsbox_bulk::marshal;

use super::signals;
use crate::plugin::guardian;
use crate::ui::screen::Screen;
use crate::ui::{Ui, text};

/// Exit code for a child that is started in a way that no host starts it.
const USAGE: u8 = 64;

/// Serves a bundled plugin (`plugin NAME`), the Rego worker (`rego`) or the writer of JSON for the Python bridge (`json 1`) over stdin and stdout.
///
/// `by_host` is whether a host started this process; by hand there is nobody to talk to.
pub fn serve(args: &[OsString], by_host: bool) -> ExitCode {
    let words: Vec<_> = args.iter().filter_map(|arg| arg.to_str()).collect();
    match words[..] {
        ["rego"] if by_host => crate::rego::serve(false),
        ["rego", "remote"] if by_host => crate::rego::serve(true),
        ["json", "1"] if by_host => marshal::serve().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        ["guardian", run_id] => {
            guardian::serve(run_id);
            ExitCode::SUCCESS
        }
        ["plugin", name] => opsbox_plugins::BUNDLED
            .iter()
            .find(|plugin| plugin.name == name)
            .and_then(|plugin| plugin.serve)
            .map_or_else(
                || refuse(&format!("no plugin `{name}` is served by this program")),
                |serve| {
                    survive_size_limits();
                    serve()
                },
            ),
        _ => refuse("`opsbox __serve` is what the host starts of itself during a run: use `opsbox run`"),
    }
}

/// Lets a bundled plugin tell that a file is larger than it may be (`ulimit -f`), where the signal would end it in the middle of a file.
fn survive_size_limits() {
    // Only to set the handler, which stays; where it cannot be set there is nothing to lose but that.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    if let Ok(runtime) = runtime {
        let _inside = runtime.enter();
        signals::survive_size_limits();
    }
}

fn refuse(why: &str) -> ExitCode {
    Ui::new(Screen::default(), true).line(&text::clean_lines(why));
    ExitCode::from(USAGE)
}
