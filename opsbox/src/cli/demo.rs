//! `opsbox demo`: a real pipeline on this very machine, with no credentials and no network.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::host::Own;
use crate::cli::request::RunFlags;
use crate::cli::run;
use crate::error::Failure;
use crate::python::materialise_files;
use crate::ui::Ui;

/// The checks of the demo, in the order shown.
const CHECKS: &str = "disk_space,inodes,memory_pressure,exposed_ports,zombie_processes,passwordless_users,ssh_hardening,reboot_pending";
/// The assistant in Python, an example that uses no package; it lies in the binary so that the demo needs no checkout.
const ASSISTANT: &[(&str, &str)] = &[
    (
        "summary/manifest.toml",
        include_str!("../../../plugins/examples/summary/manifest.toml"),
    ),
    (
        "summary/summary.py",
        include_str!("../../../plugins/examples/summary/summary.py"),
    ),
];

/// Runs the demo with the flags given, and returns the exit code. Checks that this user cannot make are left out by name.
///
/// # Errors
/// As a run's.
pub async fn demo(own: &Own, ui: &Arc<Ui>, mut flags: RunFlags) -> Result<u8, Failure> {
    let assistants = match assistant(own) {
        Ok(folder) => {
            flags.plugin_dirs = vec![folder];
            "sort_severity-summary"
        }
        Err(why) => {
            ui.note(&format!(
                "note: {why}, so the Python assistant `summary` is left out"
            ));
            "sort_severity"
        }
    };
    flags.pipeline = format!("{CHECKS}-{assistants}-cli_out");
    ui.note(&format!("demo: opsbox run {}", flags.pipeline));
    run::run(own, ui, &flags, true).await
}

/// Returns the folder of the Python assistant, or why it cannot be had: the demo goes on without it.
fn assistant(own: &Own) -> Result<PathBuf, String> {
    let environ = &own.environ;
    which::which_in("python3", environ.var_os("PATH"), &environ.cwd)
        .map_err(|_| "no `python3` on PATH".to_owned())?;
    materialise_files(&environ.cache_dir, ASSISTANT).map_err(|error| {
        let place = environ.cache_dir.display();
        format!("`{place}` cannot be written ({error}; OPSBOX_CACHE_DIR names another folder)")
    })
}
